/** The course of a run: when its warm-up ends, whether it had settled, and what time is a system's own. */

import { describe, expect, test } from 'vitest';
import { LoadRun } from '../../src/compare/load/load-run.ts';
import { echoed } from '../../src/compare/load/generator-ceiling.ts';
import { reportProblems } from '../../src/compare/report/check.ts';
import { runWorkload } from '../../src/compare/load/workload-run.ts';
import { steadinessOf, type WarmupWindow } from '../../src/compare/load/steady-state.ts';
import type { SendResult, WireMessage, WirePublisher } from '../../src/compare/systems/wire.ts';
import { PayloadCodec, planFromSpec, type WorkloadSpec, workloadsOf } from '../../src/compare/workloads/index.ts';
import { reportOf } from './builders.ts';
import { HandClock } from './hand-clock.ts';
import { memoryWire } from './memory-wire.ts';

const windows = (received: readonly number[], p50Ms: readonly number[]): readonly WarmupWindow[] =>
  received.map((count, i) => ({ ms: 250, received: count, p50Ms: p50Ms[i] as number }));

describe('steadiness', () => {
  test.each([
    ['alike windows', [1_250, 1_240, 1_260], [4, 4.2, 3.9], null],
    ['a first window that is thrown away', [10, 1_250, 1_240, 1_260], [90, 4, 4.2, 3.9], null],
    ['what a millisecond makes of a fast one', [1_250, 1_240, 1_260], [0.3, 1.1, 0.4], null],
    ['what random arrivals make of few', [100, 120, 85], [4, 4, 4], null],
    ['a rate that rises', [800, 1_000, 1_250], [4, 4, 4], /the rate swung by 23 %/],
    ['a p50 that falls', [1_250, 1_240, 1_260], [12, 8, 4], /p50 went from 4 to 12 ms/],
    ['a window in which nothing came', [1_250, 0, 1_260], [4, 0, 4], /nothing came/],
    ['too few windows', [1_250, 1_240], [4, 4], /too short/],
  ] as const)('of %s', (_, received, p50, because) => {
    const found = steadinessOf(windows(received, p50));
    expect(found.isSteady).toBe(because === null);
    if (because !== null) expect(found.because).toMatch(because);
  });
});

const base: WorkloadSpec = {
  ...(workloadsOf('smoke')[0] as WorkloadSpec),
  ratePerSecond: 2_000,
  arrival: 'uniform',
  warmupMs: 400,
  measuredMs: 500,
  keys: 5,
};

/** Sends on a system that takes `coldMs` less a millisecond for every millisecond that has passed, until it takes one. */
async function runOn(coldMs: number, given: Partial<WorkloadSpec> = {}) {
  const clock = new HandClock();
  const spec = { ...base, ...given };
  const totalMs = Math.max(spec.warmupMs, spec.warmupMaxMs ?? 0) + spec.measuredMs;
  const plan = planFromSpec({ ...spec, messages: (totalMs * 2_000) / 1000, seed: 1 });
  const run = new LoadRun(spec, plan, new PayloadCodec(1, spec.messageBytes), clock);
  let opened = 0;
  run.onWindowOpens = () => void opened++;
  run.begin();
  await run.send(warmingUp(run, coldMs, clock));
  expect(await run.drain({ quietMs: 5_000, deadlineMs: 10_000 })).toBe(true);
  expect(opened).toBe(1);
  return { run, plan };
}

function warmingUp(run: LoadRun, coldMs: number, clock: HandClock): WirePublisher {
  return {
    publish(messages: readonly WireMessage[], settled: (index: number, result: SendResult) => void) {
      for (const [index, { key, value }] of messages.entries())
        clock.at(clock.now() + Math.max(1, coldMs - clock.now()), () => {
          settled(index, { fate: 'acked' });
          run.receive(0, { key, value, ...echoed });
        });
    },
    close: () => Promise.resolve(),
  };
}

describe('a warm-up', () => {
  test('of a system that is warm ends when it is long enough, steady', async () => {
    const { run, plan } = await runOn(0, { warmupMaxMs: 1_200 });
    expect(run.warmup).toMatchObject({ isSteady: true, because: null, tookMs: 400, limitMs: 1_200 });
    // The plan has room for the longest warm-up; what the window did not need was not sent.
    expect(run.plannedInWindow).toBe(1_000);
    expect(run.checker.ackedCount).toBeLessThan(plan.count);
    expect(run.checker.missing).toBe(0);
  });

  test('goes on while the system still warms up, and what it took then is in no figure', async () => {
    const { run } = await runOn(500, { warmupMaxMs: 2_000 });
    expect(run.warmup).toMatchObject({ isSteady: true });
    expect(run.warmup?.tookMs).toBeGreaterThanOrEqual(600);
    expect(run.endToEndLatency.summary().max).toBeLessThanOrEqual(3);
    expect(run.windowMs).toBe(500);
    expect(run.plannedInWindow).toBe(1_000);
  });

  test('ends at its limit, and says that it was not steady', async () => {
    const { run } = await runOn(2_500, { warmupMaxMs: 800, publishWindow: 50_000 });
    expect(run.warmup).toMatchObject({ isSteady: false, tookMs: 800, limitMs: 800 });
    expect(run.warmup?.because).not.toBeNull();
  });

  test('that may not become longer is looked at all the same', async () => {
    const { run, plan } = await runOn(700);
    expect(run.warmup).toMatchObject({ isSteady: false, tookMs: 400, limitMs: 400 });
    expect(run.checker.ackedCount).toBe(plan.count);
  });
});

test('service time is what the system took, response time also what waited before it', async () => {
  // Each answered after a millisecond: 2,000 a second wait for nothing ...
  const { run: free } = await runOn(0);
  expect(free.publishLatency.summary().p99 - free.publishService.summary().p99).toBeLessThanOrEqual(1);
  // ... and when the first ten are answered late, all others wait for room before they are handed over.
  const spec = { ...base, warmupMs: 0, measuredMs: 400, publishWindow: 10 };
  const held = new LoadRun(
    spec,
    planFromSpec({ ...spec, messages: 800, seed: 1 }),
    new PayloadCodec(1, spec.messageBytes),
  );
  held.begin();
  await held.send({
    publish(messages, settled) {
      const answerMs = held.nowMs() < 150 ? 150 : 0;
      setTimeout(() => {
        for (const [index, { key, value }] of messages.entries()) {
          settled(index, { fate: 'acked' });
          held.receive(0, { key, value, ...echoed });
        }
      }, answerMs);
    },
    close: () => Promise.resolve(),
  });
  expect(held.blockedMs).toBeGreaterThan(100);
  expect(held.publishLatency.percentile(0.3)).toBeGreaterThan(held.publishService.percentile(0.3));
  expect(held.endToEndLatency.percentile(0.3)).toBeGreaterThan(held.endToEndService.percentile(0.3));
  expect(held.slip.summary().max).toBeGreaterThan(100);
});

describe('a course', () => {
  const parts = [
    { phase: 'steady', ms: 200, rateFactor: 1 },
    { phase: 'burst', ms: 100, rateFactor: 4 },
    { phase: 'backlog', ms: 200, rateFactor: 1 },
    { phase: 'drain', ms: 300, rateFactor: 1 },
    { phase: 'idle', ms: 100, rateFactor: 0 },
  ] as const;
  const spec: WorkloadSpec = {
    ...(workloadsOf('smoke', 'all').find(({ id }) => id === 'phases') as WorkloadSpec),
    course: parts,
    ratePerSecond: 1_000,
    warmupMs: 100,
    measuredMs: 900,
    // 100 in the warm-up, then 200, 400, 200, 300 and none.
    messages: 1_200,
  };

  test.each(['uniform', 'poisson'] as const)('is planned at the rate of each of its phases (%s)', (arrival) => {
    const { sendAtMs, hash } = planFromSpec({ ...spec, arrival, seed: 3 });
    const within = (fromMs: number, toMs: number) => sendAtMs.filter((ms) => ms >= fromMs && ms < toMs).length;
    const counts = [within(0, 100), within(100, 300), within(300, 400), within(400, 600), within(600, 900)];
    for (const [i, wanted] of [100, 200, 400, 200, 300].entries())
      expect(Math.abs((counts[i] as number) - wanted)).toBeLessThanOrEqual(
        arrival === 'uniform' ? 1 : 4 * Math.sqrt(wanted),
      );
    expect(within(900, Number.POSITIVE_INFINITY)).toBeLessThanOrEqual(1);
    expect(sendAtMs).toEqual(sendAtMs.toSorted());
    expect(planFromSpec({ ...spec, arrival, seed: 3 }).hash).toBe(hash);
  });

  test('takes the consumers away for its backlog, brings them back, and tells each phase by itself', async () => {
    const wire = memoryWire('none');
    const row = await runWorkload({
      wire,
      spec,
      plan: planFromSpec({ ...spec, seed: 3 }),
      repeat: 0,
      prefix: 'test',
      pids: [process.pid],
      generatorCeiling: null,
    });
    const of = (name: string) => row.phases?.find(({ phase, figures }) => phase === name && figures !== undefined);
    expect(row.phases?.map(({ phase }) => phase)).toEqual([
      'warmup',
      'steady',
      'burst',
      'backlog',
      'drain',
      'idle',
      'drain',
    ]);
    expect(row.checks).toMatchObject({ acked: 1_200, received: 1_200, lost: 0 });
    expect(of('backlog')?.figures).toMatchObject({ receivedPerSecond: 0 });
    expect(of('backlog')?.figures?.backlogMax).toBeGreaterThan(100);
    // Who was due while nobody was there waited for them; on a busy machine the others may wait as long.
    expect(of('backlog')?.figures?.endToEndP50Ms).toBeGreaterThan(50);
    expect(of('backlog')?.figures?.samples).toBeGreaterThan(140);
    expect(of('idle')?.figures?.samples).toBeLessThanOrEqual(1);
    expect(of('drain')?.note).toMatch(/the backlog was (gone after \d+ ms|not gone)/);
    // Nobody watches this run (`onSample`), and it has its series all the same.
    expect(row.series.reduce((sum, { published }) => sum + published, 0)).toBeGreaterThan(600);
    expect(reportProblems(reportOf({ workloads: [row] }))).toEqual([]);
  });
});
