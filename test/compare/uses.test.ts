/**
 * The uses: their workloads on the real embedded log, as it is and with one fault each that must be told; and the verdict that
 * follows from cells, for every bound that a use asks for.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { decideUses, uses } from '../../src/compare/advice/index.ts';
import type { ReaderRow, Report, ScenarioRow, WorkloadRow } from '../../src/compare/report/model.ts';
import { checkReport, renderHtml, renderMarkdown } from '../../src/compare/report/index.ts';
import { runPlanOf } from '../../src/compare/run/plan.ts';
import { runWorkload } from '../../src/compare/load/workload-run.ts';
import { scenarios } from '../../src/compare/scenarios/index.ts';
import { summarize } from '../../src/compare/conclusions/summaries.ts';
import { openWire } from '../../src/compare/systems/systems.ts';
import { type ConsumeOptions, type Wire, type WireDelivery, WireRefusal } from '../../src/compare/systems/wire.ts';
import { planFromSpec, useIds, type WorkloadSpec, workloadsOf } from '../../src/compare/workloads/index.ts';
import { reportOf, scenarioRow, workloadRow } from './builders.ts';

const seed = 21;
const nothingSaid = () => null;

function specOf(id: string, given: Partial<WorkloadSpec> = {}): WorkloadSpec {
  const spec = workloadsOf('smoke', 'all').find((one) => one.id === id);
  if (spec === undefined) throw new Error(`no workload ${id}`);
  return { ...spec, ...given };
}

/** Short and light: what is looked at is who gets what, not how fast. */
const short = { warmupMs: 50, measuredMs: 600, ratePerSecond: 400, messages: 260 } as const;

describe('the workloads of the uses', () => {
  it('are six, in standard and in full, and in smoke only by name', () => {
    expect(useIds).toHaveLength(6);
    expect(uses.map(({ id }) => id)).toEqual(useIds);
    for (const profile of ['standard', 'full'] as const)
      expect(workloadsOf(profile).map(({ id }) => id)).toEqual(expect.arrayContaining([...useIds]));
    expect(workloadsOf('smoke').filter(({ id }) => useIds.includes(id))).toEqual([]);
    expect(workloadsOf('smoke', 'all').map(({ id }) => id)).toEqual(expect.arrayContaining([...useIds]));
  });

  it.each(useIds)('%s is the same messages for the same seed, in its mix of sizes, and others for another', (id) => {
    const spec = specOf(id);
    const plan = planFromSpec({ ...spec, seed });
    expect(planFromSpec({ ...spec, seed }).hash).toBe(plan.hash);
    expect(planFromSpec({ ...spec, seed: seed + 1 }).hash).not.toBe(plan.hash);
    expect(new Set(plan.bytes)).toEqual(new Set(spec.sizes?.map(({ bytes }) => bytes)));
    for (const { bytes, part } of spec.sizes ?? [])
      expect(plan.bytes.filter((one) => one === bytes).length / plan.count).toBeCloseTo(part, 1);
  });

  it('leave times and keys of a plan as they are without a mix', () => {
    const spec = specOf('shop-orders');
    const { sizes: _sizes, ...plain } = spec;
    const [mixed, even] = [planFromSpec({ ...spec, seed }), planFromSpec({ ...plain, seed })];
    expect(even.sendAtMs).toEqual(mixed.sendAtMs);
    expect(even.keyIndex).toEqual(mixed.keyIndex);
  });

  it('are run as often as they say, however many repeats the run has', () => {
    const question = { systems: ['kafka'], layers: ['port'], seed, scenarioIds: [], repeats: 5 } as const;
    const workloads = workloadsOf('standard').map((spec) => ({ spec }));
    const { cells } = runPlanOf({ ...question, profile: 'standard', workloads });
    const ofUses = cells.filter(({ planned }) => useIds.includes(planned.spec.id));
    expect(ofUses.map(({ planned }) => planned.spec.id).toSorted()).toEqual([...useIds].toSorted());
    const others = cells.filter(
      ({ isTwin, planned: { spec } }) => !isTwin && spec.id === 'throughput-1k' && spec.mode === 'equal-load',
    );
    expect(others).toHaveLength(5);
  });
});

describe('a use on the embedded log', () => {
  let directory: string;
  let wire: Wire;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-uses-'));
    const context = { brokers: null, others: new Map(), dataDir: directory, sluiceVersion: '0', gateways: new Map() };
    wire = await openWire(context, 'log', 'port');
  });

  afterEach(async () => {
    await wire.close();
    await rm(directory, { recursive: true, force: true });
  });

  const run = (spec: WorkloadSpec, on: Wire = wire) => {
    const plan = planFromSpec({ ...spec, seed });
    return runWorkload({ wire: on, spec, plan, repeat: 0, prefix: 'uses', pids: [], generatorCeiling: null });
  };
  /** A generator that a busy machine makes late says nothing about what is asked here. */
  const reasonOf = ({ invalidBecause = '' }: WorkloadRow) =>
    /the generator was late|acknowledged in time/.test(invalidBecause) ? '' : invalidBecause;

  it('shop: the one that was away gets everything, in order, and says how long it took; the slow one is behind and gets it too', async () => {
    const spec = specOf('shop-orders', short);
    const readers = spec.readers?.map((reader) =>
      reader.name === 'recommendations' ? { ...reader, perSecond: 250 } : reader,
    );
    const row = await run({ ...spec, ...(readers === undefined ? {} : { readers }) });
    expect(reasonOf(row)).toBe('');
    expect(Object.keys(row.readers ?? {})).toEqual(['database', 'payments', 'inventory', 'recommendations']);
    for (const reader of Object.values(row.readers ?? {}))
      expect(reader).toMatchObject({ received: short.messages, missing: 0 });
    const { inventory, recommendations, database } = row.readers as Record<string, ReaderRow>;
    expect(inventory).toMatchObject({ reordered: 0, catchUpMs: expect.any(Number) });
    expect(database?.catchUpMs).toBeNull();
    // Away for 180 ms of 600: the slowest of a hundred waited that long, and the row's own latency has none of it.
    expect(inventory?.p99Ms).toBeGreaterThan(90);
    expect(recommendations?.p99Ms).toBeGreaterThan(150);
    expect(row.latencyMs.endToEnd.count).toBeLessThanOrEqual(2 * short.messages);
  });

  it('microservices: what fails once comes again and is counted when it is done', async () => {
    let failed = 0;
    const counting = consuming(wire, (options) => ({
      ...options,
      onDelivery: (delivery) =>
        options.onDelivery({ ...delivery, nack: () => ((failed += 1), delivery.nack()) } satisfies WireDelivery),
    }));
    const row = await run(specOf('microservice-events', short), counting);
    expect(reasonOf(row)).toBe('');
    expect(failed).toBe(Math.ceil(short.messages / 50));
    expect(row.readers?.['payments']).toMatchObject({ received: short.messages, missing: 0, reordered: 0 });
  });

  it('logs: a reader that comes when all is over reads all of it again', async () => {
    const row = await run(specOf('log-collection', short));
    expect(reasonOf(row)).toBe('');
    expect(row.readers?.['reindex']).toMatchObject({ received: short.messages, missing: 0 });
    expect(row.readers?.['reindex']?.replayPerSecond).toBeGreaterThan(0);
  });

  it('a system that keeps nothing is told as one that refused, and all of it as missing', async () => {
    const forgetful: Wire = {
      ...wire,
      createSubscription: async (spec) => {
        if (spec.start === 'earliest') throw new WireRefusal('capability_unsupported', 'nothing is kept');
        await wire.createSubscription(spec);
      },
    };
    const row = await run(specOf('recommendation-stream', short), forgetful);
    expect(reasonOf(row)).toBe('');
    expect(row.readers?.['rebuild']).toMatchObject({
      received: 0,
      missing: short.messages,
      refused: 'nothing is kept',
      replayPerSecond: null,
    });
  });

  it('a message that one reader never gets makes the run invalid, and is missing there alone', async () => {
    let count = 0;
    const lossy = consuming(wire, (options, subscription) => ({
      ...options,
      onDelivery: (delivery) => {
        if (subscription.endsWith('payments') && !isProbe(delivery) && (count += 1) === 40) delivery.ack();
        else options.onDelivery(delivery);
      },
    }));
    const spec = specOf('shop-orders', short);
    // Without an absence nothing is waited for that long.
    const { readers: _readers, ...rest } = spec;
    const alike = spec.readers?.map(({ awayPart: _away, ...reader }) => reader) ?? [];
    const row = await run({ ...rest, readers: alike }, lossy);
    expect(row.valid).toBe(false);
    expect(row.invalidBecause).toMatch(/^1 acknowledged messages were lost/);
    expect(row.readers?.['payments']?.missing).toBe(1);
    expect(row.readers?.['database']?.missing).toBe(0);
  }, 40_000);

  it.each([
    ['database', /^\d+ messages came out of the promised order/],
    ['recommendations', /^$/],
  ])('an order that is swapped for %s counts where order was asked for', async (reader, reason) => {
    const row = await run(specOf('shop-orders', short), swapping(wire, reader));
    expect(row.readers?.[reader]?.reordered).toBeGreaterThan(0);
    expect(reasonOf(row)).toMatch(reason);
  });
});

// ------------------------------------------------------------------------------------------------ the verdict

type Side = { readonly scenario?: Partial<ScenarioRow>; readonly workload?: Partial<WorkloadRow> };

const hundred = { upperMs: [5], counts: [100] };

const wholeReader: ReaderRow = {
  received: 100,
  missing: 0,
  reordered: 0,
  p50Ms: 1,
  p99Ms: 2,
  maxMs: 3,
  catchUpMs: 50,
  replayPerSecond: 50_000,
};

/** Both systems have all that the use needs, but for what is given of RabbitMQ. */
function reportOfUse(id: string, { scenario, workload }: Side): Report {
  const use = uses.find((one) => one.id === id);
  if (use === undefined) throw new Error(`no use ${id}`);
  const asked = use.needs.flatMap(({ predicate }) =>
    predicate.kind === 'holds-on-any-layer' ? predicate.scenarios : [],
  );
  const readers = Object.fromEntries((specOf(id).readers ?? []).map(({ name }) => [name, wholeReader]));
  const rows = (system: string, changed: Side) => ({
    scenarios: [...new Set(asked)].map((name, index) =>
      scenarioRow({ id: name, system, layer: 'bare', ...(index === 0 ? changed.scenario : {}) }),
    ),
    workloads: [
      workloadRow({
        id,
        system,
        mode: 'equal-load',
        readers,
        histograms: { publish: hundred, endToEnd: hundred },
        ...changed.workload,
      }),
    ],
  });
  const [kafka, rabbitMq] = [
    rows('kafka', {}),
    rows('rabbitmq-quorum', { ...(scenario && { scenario }), ...(workload && { workload }) }),
  ];
  return reportOf({
    scenarios: [...kafka.scenarios, ...rabbitMq.scenarios],
    workloads: [...kafka.workloads, ...rabbitMq.workloads],
  });
}

const bounds = uses.flatMap(({ id, needs }) =>
  needs.flatMap(({ predicate }) =>
    predicate.kind === 'accepts' ? predicate.asks.map((ask) => ({ id, figure: ask.figure, ask })) : [],
  ),
);

describe('the verdict of a use', () => {
  it('names only scenarios, readers and figures that there are', () => {
    const known = scenarios.map(({ id }) => id);
    for (const { id, needs } of uses)
      for (const { predicate } of needs)
        if (predicate.kind === 'holds-on-any-layer')
          expect(
            predicate.scenarios.filter((name) => !known.includes(name)),
            id,
          ).toEqual([]);
    for (const { id, figure } of bounds) {
      const [, reader = '', name = ''] = figure.split('.');
      expect(
        specOf(id).readers?.map((one) => one.name),
        figure,
      ).toContain(reader);
      expect(Object.keys(wholeReader), figure).toContain(name);
    }
  });

  it.each(useIds)('%s: systems that have all of it are suited, and nothing else is asked', (id) => {
    const report = reportOfUse(id, {});
    const [verdict, ...others] = decideUses(report, nothingSaid);
    expect(others).toEqual([]);
    expect(verdict).toMatchObject({ id, suited: ['kafka', 'rabbitmq-quorum'] });
    expect(() => checkReport({ ...report, uses: [verdict] })).not.toThrow();
    expect(() => checkReport({ ...report, uses: [verdict], workloads: [], summaries: [] })).toThrow(
      `cites ${id}.kafka.port, which is not in the report`,
    );
  });

  it.each(useIds)('%s: one that lacks a property is not suited; where Sluice makes it up, it comes second', (id) => {
    const differs = {
      verdict: 'DIFFERS',
      surprise: true,
      surpriseExplained: null,
      summary: 'it does not',
    } as const;
    expect(decideUses(reportOfUse(id, { scenario: differs }), nothingSaid)[0]?.suited).toEqual(['kafka']);
    const report = reportOfUse(id, { scenario: differs });
    const lacking = report.scenarios.find(({ verdict }) => verdict === 'DIFFERS') as ScenarioRow;
    const emulated = { ...lacking, layer: 'port', verdict: 'EMULATED', summary: 'the port does' } as const;
    const [verdict] = decideUses({ ...report, scenarios: [...report.scenarios, emulated] }, nothingSaid);
    expect(verdict?.suited).toEqual(['kafka']);
    expect(verdict?.findings.find(({ fit }) => fit === 'emulated')).toMatchObject({
      system: 'rabbitmq-quorum',
      reason: expect.stringMatching(
        /not by the bare client in the topology that was asked \(it does not\); through Sluice: the port does/,
      ),
    });
    expect(verdict?.findings.some(({ fit }) => fit === 'no')).toBe(false);
    expect(verdict?.answer).toMatch(/^Suited: kafka\. Also possible, .*: rabbitmq-quorum\.$/);
  });

  it.each(bounds)('$id: beyond its bound of $figure it is not suited', ({ id, ask }) => {
    const [, reader = '', name = ''] = ask.figure.split('.');
    const beyond = ask.relation === '<=' ? ask.bound + 1 : ask.bound - 1;
    const readers = Object.fromEntries((specOf(id).readers ?? []).map((one) => [one.name, wholeReader]));
    const workload = { readers: { ...readers, [reader]: { ...wholeReader, [name]: beyond } } };
    const [verdict] = decideUses(reportOfUse(id, { workload }), nothingSaid);
    expect(verdict?.suited).toEqual(['kafka']);
    expect(verdict?.findings.find(({ fit }) => fit === 'no')?.cites).toEqual([`${id}.rabbitmq-quorum.port`]);
  });

  it.each([
    ['7 messages came out of the promised order', 'no'],
    ['1 acknowledged messages were lost', 'no'],
    ['the generator was late: slip p99 60 ms, allowed 50 ms', 'unknown'],
  ])('a run that is invalid because %s is %s', (invalidBecause, fit) => {
    const report = reportOfUse('fraud-scoring', { workload: { valid: false, invalidBecause } });
    const [verdict] = decideUses(report, nothingSaid);
    const own = verdict?.findings.filter(({ system }) => system === 'rabbitmq-quorum') ?? [];
    expect(own.at(-1)).toMatchObject({ fit, reason: expect.stringContaining(invalidBecause) });
    expect(verdict?.suited).toEqual(['kafka']);
    expect(verdict?.answer).toBe(
      `Suited: kafka. ${fit === 'no' ? 'Not' : 'Left open'}: rabbitmq-quorum (its workload, fraud-scoring).`,
    );
  });

  it('suits nobody where nobody is known to do all of it', () => {
    const report = reportOfUse('monitoring', {});
    const invalid = { valid: false, invalidBecause: 'the generator was late: slip p99 60 ms, allowed 50 ms' };
    const workloads = report.workloads.map((row) => ({ ...row, ...invalid }));
    const [verdict] = decideUses({ ...report, workloads, summaries: summarize(workloads, 1) }, nothingSaid);
    expect(verdict?.suited).toEqual([]);
    expect(verdict?.answer).toMatch(/^No system was shown to suit it alone\. Left open: /);
  });

  it('stands in the page with its readers, and a report without uses has no such section', () => {
    const report = reportOfUse('shop-orders', {});
    const whole = { ...report, uses: decideUses(report, nothingSaid) };
    for (const text of [renderHtml(whole), renderMarkdown(whole)]) {
      expect(text).toContain('Order fan-out of a shop');
      expect(text).toContain('What each reader got');
    }
    // Of each system the readers, below the workload and the system.
    expect(renderMarkdown(whole)).toMatch(
      /\| \*\*shop-orders kafka\*\* +(?:\| +)+\|\n(?:\| [a-z-]+ .*\n)*\| inventory /,
    );
    expect(renderMarkdown(report)).not.toContain('## Uses');
  });
});

// ------------------------------------------------------------------------------------------------ wires that are wrong

function consuming(wire: Wire, change: (options: ConsumeOptions, subscription: string) => ConsumeOptions): Wire {
  return { ...wire, consume: async (name, options) => await wire.consume(name, change(options, name)) };
}

function isProbe({ value }: WireDelivery): boolean {
  return value.length < 12;
}

/** Hands a message of each pair of the same key after the one behind it. */
function swapping(wire: Wire, reader: string): Wire {
  return consuming(wire, (options, subscription) => {
    if (!subscription.endsWith(reader)) return options;
    const held = new Map<string, WireDelivery>();
    let swaps = 0;
    return {
      ...options,
      onDelivery: (delivery) => {
        const key = delivery.key ?? '';
        const before = held.get(key);
        if (isProbe(delivery)) options.onDelivery(delivery);
        else if (before !== undefined) {
          held.delete(key);
          swaps += 1;
          options.onDelivery(delivery);
          options.onDelivery(before);
        } else if (swaps < 3 && key === 'key-0') held.set(key, delivery);
        else options.onDelivery(delivery);
      },
    };
  });
}
