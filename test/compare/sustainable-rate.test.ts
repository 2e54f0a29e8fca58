/** The search for a sustainable rate: on systems whose answer is known, and each criterion on a run that breaks just that one. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { climb, type StepQuestion } from '../../src/compare/load/climb.ts';
import type { SearchStep, WorkloadRow } from '../../src/compare/report/model.ts';
import { measureWith, planFor } from '../../src/compare/load/measure-cell.ts';
import { ladderPlanHash, runPlanOf, seedOfStep } from '../../src/compare/run/plan.ts';
import { isGrowing, trendOf } from '../../src/compare/statistics/index.ts';
import { findSustainableRate, searchSentence, stepOf } from '../../src/compare/load/sustainable-rate.ts';
import type { Fault } from '../../src/compare/load/validity.ts';
import {
  confirmedShare,
  type LadderSpec,
  rungRate,
  type WorkloadSpec,
  workloadsOf,
} from '../../src/compare/workloads/index.ts';
import { reportProblems } from '../../src/compare/report/check.ts';
import type { Wire, WireDelivery, WireMessage } from '../../src/compare/systems/wire.ts';
import { reportOf, workloadRow } from './builders.ts';
import { HandClock } from './hand-clock.ts';

const ladder: LadderSpec = {
  startPerSecond: 1_000,
  mostPerSecond: 128_000,
  rungsPerDoubling: 16,
  p99MsMax: 100,
  triesPerRung: 2,
  stepsMax: 40,
  searchMsMax: 60_000,
  confirmMs: 1_000,
};

/** A system that carries up to `most`, but for the steps of `spoiled`, which fail by the criterion given. */
function system(most: number, spoiled: ReadonlyMap<number, SearchStep['criterion']> = new Map()) {
  const asked: StepQuestion[] = [];
  let nowMs = 0;
  return {
    asked,
    options: {
      stepMs: 500,
      nowMs: () => nowMs,
      probe(question: StepQuestion) {
        asked.push(question);
        nowMs += question.measuredMs;
        const criterion = spoiled.get(question.number) ?? (question.ratePerSecond <= most ? null : 'latency');
        const { kind, ratePerSecond } = question;
        return Promise.resolve({ step: { ...emptyStep, kind, ratePerSecond, criterion, passed: criterion === null } });
      },
    },
  };
}

const emptyStep: SearchStep = {
  kind: 'ramp',
  ratePerSecond: 0,
  passed: true,
  criterion: null,
  because: null,
  achieved: 1,
  backlogPerSecond: 0,
  publishP99Ms: 1,
  endToEndP50Ms: 1,
  endToEndP99Ms: 1,
  samples: 1_000,
  slipP99Ms: 0,
  limitedBy: 'offered-load',
  brokerCores: 0.5,
  clientCores: 0.5,
  planHash: 'h',
};

describe('climbing', () => {
  test('finds the rate of any system within one rung, holds 95 % of it, and names the lowest that failed', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1_000, max: 100_000 }), async (most) => {
        const found = await climb(ladder, system(most).options);
        expect(found.end).toBe('bracketed');
        expect(found.foundPerSecond).toBeLessThanOrEqual(most);
        expect((found.foundPerSecond as number) * 2 ** (1 / 16) * 1.001).toBeGreaterThan(most);
        expect(found.confirmed?.step.ratePerSecond).toBe(Math.round((found.foundPerSecond as number) * confirmedShare));
        expect(found.failed?.step.ratePerSecond).toBeGreaterThan(most);
        const ratePerSecond = found.failed?.step.ratePerSecond ?? Number.NaN;
        for (const { step } of found.steps)
          if (!step.passed) expect(step.ratePerSecond).toBeGreaterThanOrEqual(ratePerSecond);
      }),
    );
  });

  test('does not take one bad moment for the end, and two for it', async () => {
    const once = await climb(ladder, system(10_000, new Map([[2, 'latency']])).options);
    expect(once.foundPerSecond).toBeGreaterThan(9_000);
    const twice = await climb(
      ladder,
      system(
        10_000,
        new Map([
          [2, 'latency'],
          [3, 'latency'],
        ]),
      ).options,
    );
    expect(twice.foundPerSecond).toBeLessThan(4_000);
  });

  test('gives a step in which the generator was late another try, but not for ever', async () => {
    const late = await climb(
      ladder,
      system(
        10_000,
        new Map([
          [2, 'generator'],
          [3, 'generator'],
          [4, 'generator'],
        ]),
      ).options,
    );
    expect(late.foundPerSecond).toBeGreaterThan(9_000);
    const always = system(10_000, new Map(Array.from({ length: 40 }, (_, i) => [i, 'generator'] as const)));
    const never = await climb(ladder, always.options);
    expect(never).toMatchObject({ end: 'nothing-passed', foundPerSecond: null, confirmed: null });
    expect(never.steps).toHaveLength(4);
    expect(never.failed?.step.criterion).toBe('generator');
  });

  test('goes a rung down when what was found cannot be held, three times at most', async () => {
    const { asked, options } = system(10_000);
    const probe = (question: StepQuestion) =>
      question.kind === 'confirmation' && asked.filter(({ kind }) => kind === 'confirmation').length < 1
        ? options.probe({ ...question, ratePerSecond: question.ratePerSecond + 1e6 })
        : options.probe(question);
    const found = await climb(ladder, { ...options, probe });
    const rungBelow = (found.foundPerSecond as number) / 2 ** (1 / 16);
    expect(found.confirmed?.step.ratePerSecond).toBeCloseTo(rungBelow * confirmedShare, -1);
    const never = await climb(ladder, {
      ...options,
      probe: (question) =>
        options.probe(question.kind === 'confirmation' ? { ...question, ratePerSecond: 1e9 } : question),
    });
    expect(never.confirmed).toBeNull();
    expect(never.steps.filter(({ step }) => step.kind === 'confirmation')).toHaveLength(3);
  });

  test.each([
    ['at its limit of steps', { stepsMax: 5 }, 'step-limit'],
    ['at its limit of time', { searchMsMax: 2_000 }, 'time-limit'],
    ['at the top of the ladder', { mostPerSecond: 4_000 }, 'top-of-ladder'],
  ] as const)('ends %s with what it has, and says so', async (_, change, end) => {
    const limited = { ...ladder, ...change };
    const found = await climb(limited, system(9_000).options);
    expect(found.end).toBe(end);
    expect(found.foundPerSecond).toBeGreaterThanOrEqual(4_000);
    expect(found.confirmed).not.toBeNull();
  });

  test('says that nothing passed where nothing does', async () => {
    expect(await climb(ladder, system(10).options)).toMatchObject({ end: 'nothing-passed', foundPerSecond: null });
  });
});

describe('the ladder', () => {
  const spec = workloadsOf('full').find(({ mode }) => mode === 'sustainable-rate') as WorkloadSpec;
  test('has sixteen rungs to every doubling, at most 5 % apart, in full', () => {
    const own = spec.ladder as LadderSpec;
    expect(rungRate(own, 16)).toBe(2 * rungRate(own, 0));
    expect(rungRate(own, 33) / rungRate(own, 32)).toBeLessThan(1.05);
  });

  test('is planned before the run: equal for all systems, another one for another seed, repeat or bound', () => {
    const hash = (given: Partial<LadderSpec> = {}, seed = 1, repeat = 0) =>
      ladderPlanHash(spec, { ...(spec.ladder as LadderSpec), ...given }, seed, repeat);
    expect(hash()).toBe(hash());
    for (const other of [hash({ p99MsMax: 50 }), hash({}, 2), hash({}, 1, 1)]) expect(other).not.toBe(hash());
    const step: WorkloadSpec = { ...spec, ratePerSecond: 2_000, messages: 100 };
    const planHashOf = (of: WorkloadSpec) => planFor(of, { seed: seedOfStep(of, 1, 0) }).hash;
    expect(planHashOf(step)).toBe(planHashOf(step));
    expect(planHashOf({ ...step, ratePerSecond: 4_000 })).not.toBe(planHashOf(step));
  });

  test('is climbed once in half an hour, three times in full, never more often than was asked for', () => {
    const climbs = (profile: 'standard' | 'full', repeats: number) =>
      runPlanOf({
        systems: ['kafka'],
        layers: ['bare'],
        profile,
        repeats,
        seed: 1,
        scenarioIds: [],
        workloads: workloadsOf(profile).map((one) => ({ spec: one })),
      }).cells.filter(({ planned }) => planned.spec.id === 'sustainable-1k').length;
    expect([climbs('standard', 5), climbs('full', 10), climbs('full', 2)]).toEqual([1, 3, 2]);
  });
});

describe('a step', () => {
  const latency = { p50: 2, p90: 5, p95: 6, p99: 20, p999: 30, max: 40, mean: 3, count: 4_000, negative: 0 };
  const good = workloadRow({
    mode: 'equal-load',
    layer: 'bare',
    latencyMs: { publish: latency, endToEnd: latency },
    offered: { planned: 4_000, acknowledgedInTime: 4_000, blockedMs: 0 },
    utilization: { brokerCores: 0.9, clientCores: 0.5, eventLoop: 0.6 },
    series: series((i) => i % 2),
  });
  const step = (change: Partial<WorkloadRow> = {}, fault: Fault | null = null) =>
    stepOf({ ...good, ...change }, fault, {
      kind: 'ramp',
      ratePerSecond: 4_000,
      generatorCeiling: 100_000,
      ladder: { p99MsMax: 100 },
    });

  test('passes when everything is fulfilled', () => {
    expect(step()).toMatchObject({ passed: true, criterion: null, limitedBy: 'offered-load', achieved: 1 });
  });

  test.each([
    ['loss', {}, { kind: 'loss', reason: '3 acknowledged messages were lost' }, '3 acknowledged messages were lost'],
    ['broken', {}, { kind: 'broken', reason: 'it broke: gone' }, 'it broke: gone'],
    ['achieved', { offered: { planned: 4_000, acknowledgedInTime: 3_900, blockedMs: 0 } }, null, '3900 of 4000'],
    ['achieved', {}, { kind: 'achieved', reason: 'held up' }, 'held up'],
    [
      'latency',
      { latencyMs: { publish: latency, endToEnd: { ...latency, p99: 101 } } },
      null,
      'p99 101 ms, allowed 100 ms',
    ],
    ['backlog', { series: series((i) => i * 10) }, null, 'it grew by 200 messages a second'],
    ['generator', {}, { kind: 'generator', reason: 'the generator was late' }, 'the generator was late'],
  ] as const)(
    'breaks by %s when just that is not fulfilled, and says what limited it',
    (criterion, change, fault, because) => {
      const broken = step(change, fault);
      expect(broken).toMatchObject({ passed: false, criterion });
      expect(broken.because).toContain(because);
      expect(broken.limitedBy).toBe(criterion === 'generator' ? 'generator' : 'broker');
    },
  );

  test('does not blame the system for a late generator, nor the generator for a client that is full', () => {
    const late: Fault = { kind: 'generator', reason: 'late' };
    const slow = { publish: latency, endToEnd: { ...latency, p99: 500 } };
    expect(step({ latencyMs: slow }, late)).toMatchObject({ criterion: 'generator', limitedBy: 'generator' });
    const full = { brokerCores: 0.3, clientCores: 0.95, eventLoop: 0.99 };
    expect(step({ latencyMs: slow, utilization: full }, late)).toMatchObject({ limitedBy: 'client' });
  });

  test('is not broken by a backlog that swings, or grows by next to nothing', () => {
    expect(step({ series: series((i) => (i % 3) * 400) })).toMatchObject({ passed: true });
    expect(step({ series: series((i) => i) })).toMatchObject({ passed: true }); // 20/s of 4,000/s
  });

  /** A backlog every 50 ms of a second; what came before the window does not count. */
  function series(backlog: (i: number) => number): WorkloadRow['series'] {
    return Array.from({ length: 24 }, (_, i) => ({
      tMs: (i - 3) * 50,
      published: 200,
      received: 200,
      backlog: i < 4 ? 9_000 - i * 1_000 : backlog(i),
      endToEndP50Ms: 1,
      endToEndP99Ms: 2,
    }));
  }
});

describe('a search on a wire', () => {
  const own: LadderSpec = { ...ladder, startPerSecond: 500, rungsPerDoubling: 4, triesPerRung: 1, confirmMs: 300 };
  const spec: WorkloadSpec = {
    ...(workloadsOf('smoke', 'all').find(({ id }) => id === 'sustainable-1k') as WorkloadSpec),
    ladder: own,
    messageBytes: 100,
    warmupMs: 50,
    measuredMs: 250,
    keys: 5,
  };
  const search = (
    perSecond: number,
    given: Partial<WorkloadSpec> = {},
    losesFrom = Number.POSITIVE_INFINITY,
    signal = new AbortController().signal,
  ) => {
    const clock = new HandClock();
    const asked = { ...spec, ...given };
    return findSustainableRate({
      measure: measureWith({ wire: servingWire(perSecond, losesFrom, clock), pids: [], clock }),
      spec: asked,
      planHash: ladderPlanHash(asked, asked.ladder as LadderSpec, 1, 0),
      seed: 1,
      repeat: 0,
      prefix: 'test',
      generatorCeiling: null,
      signal,
    });
  };

  test('that serves 3,000 a second finds about that, and what was held is what the row shows', async () => {
    const row = await search(3_000);
    expect(row).toMatchObject({ valid: true, mode: 'sustainable-rate' });
    // A burst of a Poisson process may pass what the mean does not, but a rung is a fifth.
    expect(row.search?.foundPerSecond).toBeGreaterThanOrEqual(2_000);
    expect(row.search?.foundPerSecond).toBeLessThanOrEqual(4_000);
    expect(row.search?.failed?.ratePerSecond).toBeGreaterThan(row.search?.foundPerSecond ?? 0);
    expect(['latency', 'achieved']).toContain(row.search?.failed?.criterion);
    const held = row.search?.steps.at(-1);
    expect(held).toMatchObject({ kind: 'confirmation', passed: true, ratePerSecond: row.search?.sustainedPerSecond });
    expect(row.latencyMs.endToEnd.p99).toBe(held?.endToEndP99Ms);
    expect(row.parameters.ratePerSecond).toBeNull();
    expect(reportProblems(reportOf({ workloads: [row] }))).toEqual([]);
  });

  test('that loses messages above a rate is not sustainable above it, however fast it answers', async () => {
    const row = await search(1_000_000, { ladder: { ...own, mostPerSecond: 4_000 } }, 1_500);
    expect(row.search?.failed).toMatchObject({ criterion: 'loss' });
    expect(row.search?.sustainedPerSecond).toBeLessThan(1_500);
    expect(row.checks.lost).toBe(0);
  });

  test('ends between two steps when the run is interrupted, without a row', async () => {
    const stop = new AbortController();
    const stopped = new Error('interrupted');
    stop.abort(stopped);
    await expect(search(3_000, {}, undefined, stop.signal)).rejects.toBe(stopped);
  });

  test('that carries not even the lowest rate has an invalid row that says so', async () => {
    const row = await search(50);
    expect(row).toMatchObject({ valid: false, search: { sustainedPerSecond: 0, end: 'nothing-passed' } });
    expect(row.invalidBecause).toContain('not even 500 messages/s are sustainable');
    expect(reportProblems(reportOf({ workloads: [row] }))).toEqual([]);
  });

  /** One after the other, each a fixed time; when more than `losesFrom` a second come, every hundredth is lost after its answer. */
  function servingWire(perSecond: number, losesFrom: number, clock: HandClock): Wire {
    let deliver: (message: WireMessage) => void = () => {};
    let freeAtMs = 0;
    let firstMs: number | null = null;
    let count = 0;
    const serve = (message: WireMessage, answer: () => void) => {
      count++;
      firstMs ??= clock.now();
      const isTooMuch = (count / Math.max(50, clock.now() - firstMs)) * 1_000 > losesFrom;
      freeAtMs = Math.max(freeAtMs, clock.now()) + 1_000 / perSecond;
      clock.at(freeAtMs, () => {
        answer();
        if (!isTooMuch || count % 100 !== 0) deliver(message);
      });
    };
    const none = () => Promise.resolve();
    return {
      system: 'log',
      name: 'log',
      layer: 'port',
      product: 'memory',
      version: '1',
      capabilities: null,
      durability: { persistence: 'memory', copies: 1 },
      configuration: {},
      publishModes: ['default'],
      deadLettersOf: (name) => Promise.resolve(name),
      createTopic() {
        [freeAtMs, firstMs, count] = [0, null, 0];
        return Promise.resolve();
      },
      deleteTopic: none,
      createSubscription: none,
      deleteSubscription: none,
      seek: none,
      close: none,
      publisher: () =>
        Promise.resolve({
          publish(messages, settled) {
            for (const [index, message] of messages.entries()) {
              const answer = () => settled(index, { fate: 'acked' });
              if (message.value.length < 12) setImmediate(() => (answer(), deliver(message)));
              else serve(message, answer);
            }
          },
          close: none,
        }),
      consume(_, { onDelivery }) {
        const ignore = () => {};
        const rest = { partition: 0, offset: null, attempt: 1, isRedelivered: false, headers: () => ({}) };
        deliver = ({ key, value }) =>
          onDelivery({ key, value, ...rest, ack: ignore, nack: ignore, reject: ignore } satisfies WireDelivery);
        return Promise.resolve({ close: none });
      },
    };
  }
});

test('what was found is one sentence with the rate, the bound, the criterion and what limited it', () => {
  const failed = {
    ratePerSecond: 9_500,
    criterion: 'latency',
    because: 'p99 140 ms, allowed 100 ms',
    limitedBy: 'broker',
  } as const;
  expect(
    searchSentence({
      bounds: { achievedMin: 0.99, p99MsMax: 100, backlogGrowthMax: 0.01 },
      sustainedPerSecond: 8_600,
      foundPerSecond: 9_051,
      failed,
      end: 'bracketed',
      steps: [emptyStep],
    }),
  ).toBe(
    '8600/s held (p99 of at most 100 ms, 99 % acknowledged in time, backlog not growing, nothing lost); found 9051; the lowest that failed was 9500/s, by latency (p99 140 ms, allowed 100 ms), limited by broker; 1 step, the search ended between two neighbouring rates',
  );
});

describe('a trend', () => {
  test('is the median slope, which one wild sample does not move', () => {
    const samples = Array.from({ length: 10 }, (_, i) => ({ tMs: i * 100, value: i * 5 }));
    expect(trendOf(samples)?.perSecond).toBeCloseTo(50, 9);
    expect(trendOf(samples.map((one, i) => (i === 5 ? { ...one, value: 9_999 } : one)))?.perSecond).toBeCloseTo(50, 0);
  });
  test('grows only when it is sure to, and by enough', () => {
    const up = trendOf(Array.from({ length: 10 }, (_, i) => ({ tMs: i * 100, value: i })));
    expect([isGrowing(up, 5), isGrowing(up, 11), isGrowing(null, 0)]).toEqual([true, false, false]);
    const swinging = trendOf(Array.from({ length: 10 }, (_, i) => ({ tMs: i * 100, value: (i % 2) * 1_000 })));
    expect(isGrowing(swinging, 1)).toBe(false);
    expect(trendOf([{ tMs: 0, value: 1 }])).toBeNull();
  });
});
