/** The instrument itself: a wire in memory that can lose, double, swap and damage messages, and what the runner must say. */

import { describe, expect, test } from 'vitest';
import { runWorkload } from '../../src/compare/load/workload-run.ts';
import type { SendResult, Wire, WireConsumer, WireMessage } from '../../src/compare/systems/wire.ts';
import { planFromSpec, type WorkloadSpec, workloadsOf } from '../../src/compare/workloads/index.ts';
import { HandClock } from './hand-clock.ts';

type Fault = 'none' | 'drop' | 'duplicate' | 'swap' | 'damage' | 'refuse' | 'consumer dies' | 'slow' | 'pause';

const spec: WorkloadSpec = {
  ...(workloadsOf('smoke')[0] as WorkloadSpec),
  ratePerSecond: 2_000,
  arrival: 'uniform',
  messages: 400,
  warmupMs: 50,
  measuredMs: 150,
  keys: 5,
  ordering: 'key',
};

const isProbe = ({ value }: WireMessage) => value.length < 12;
/** The messages that the fault hits, by their number; far enough apart that two swaps do not meet. */
const victims = [100, 150, 200, 250, 300, 350];
const slowMs = 30;
const pauseFromMs = 1_000;
const pauseMs = 1_000;

/** Hands every message to every consumer in the next turn; the fault hits its victims. */
function brokenWire(fault: Fault, hits: readonly number[], clock: HandClock): Wire {
  const deliver: ((message: WireMessage) => void)[] = [];
  const fail: ((reason: Error) => void)[] = [];
  let count = 0;
  let beganMs: number | null = null;
  let held: WireMessage | null = null;
  const pass = (message: WireMessage) => {
    for (const one of deliver) one(message);
  };
  const hurt = (message: WireMessage) => {
    switch (fault) {
      case 'drop':
      case 'refuse':
        return;
      case 'duplicate':
        pass(message);
        pass(message);
        return;
      case 'swap':
        held = message;
        return;
      case 'damage': {
        const value = Buffer.from(message.value);
        value[50] = (value[50] as number) ^ 1;
        pass({ ...message, value });
        return;
      }
      case 'consumer dies':
        for (const one of fail) one(new Error('the consumer is gone'));
        return;
      default:
        pass(message);
    }
  };
  /** When what comes now is answered and delivered; null for at once. */
  const lateUntil = (): number | null => {
    if (fault === 'slow') return clock.now() + slowMs;
    beganMs ??= clock.now();
    const sinceMs = clock.now() - beganMs;
    const isPaused = fault === 'pause' && sinceMs >= pauseFromMs && sinceMs < pauseFromMs + pauseMs;
    return isPaused ? beganMs + pauseFromMs + pauseMs : null;
  };
  const take = (message: WireMessage, answer: (result: SendResult) => void) => {
    count++;
    const isVictim = hits.includes(count);
    answer(isVictim && fault === 'refuse' ? { fate: 'refused', code: 'overloaded' } : { fate: 'acked' });
    if (isVictim) hurt(message);
    else pass(message);
    if (held !== null && message !== held && message.key === held.key) {
      pass(held);
      held = null;
    }
  };
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
    deadLettersOf: (name) => Promise.resolve(`${name}.dead`),
    createTopic: () => Promise.resolve(),
    deleteTopic: () => Promise.resolve(),
    createSubscription: () => Promise.resolve(),
    deleteSubscription: () => Promise.resolve(),
    seek: () => Promise.resolve(),
    close: () => Promise.resolve(),
    publisher: () =>
      Promise.resolve({
        publish(messages, settled) {
          for (const [index, message] of messages.entries()) {
            const answer = (result: SendResult) => settled(index, result);
            const untilMs = isProbe(message) ? null : lateUntil();
            if (isProbe(message)) setImmediate(() => (answer({ fate: 'acked' }), pass(message)));
            else if (untilMs === null) setImmediate(() => take(message, answer));
            else clock.at(untilMs, () => take(message, answer));
          }
        },
        close: () => Promise.resolve(),
      }),
    consume(_, { onDelivery, onError }): Promise<WireConsumer> {
      const nothing = () => {};
      deliver.push(({ key, value }) =>
        onDelivery({
          key,
          value,
          partition: 0,
          offset: null,
          attempt: 1,
          isRedelivered: false,
          headers: () => ({}),
          ack: nothing,
          nack: nothing,
          reject: nothing,
        }),
      );
      fail.push(onError);
      return Promise.resolve({ close: () => Promise.resolve() });
    },
  };
}

const run = (fault: Fault, hits: readonly number[] = victims, given: Partial<WorkloadSpec> = {}) => {
  const clock = new HandClock();
  const asked = { ...spec, ...given };
  return runWorkload({
    wire: brokenWire(fault, hits, clock),
    spec: asked,
    plan: planFromSpec({ ...asked, seed: 5 }),
    repeat: 0,
    prefix: 'test',
    pids: [],
    generatorCeiling: null,
    clock,
  });
};

describe('a run on a wire', () => {
  test('that does its work is valid, complete and in order', async () => {
    const row = await run('none');
    expect(row.checks).toMatchObject({
      sent: 400,
      acked: 400,
      received: 400,
      lost: 0,
      duplicated: 0,
      reordered: 0,
      phantom: 0,
    });
    expect(row.invalidBecause).toBeUndefined();
    expect(row.valid).toBe(true);
    expect(row.latencyMs.endToEnd.count).toBeGreaterThan(200);
    expect(row.limitedBy).toBe('offered-load');
  });

  test('that doubles a message is valid, since delivery is at least once, and says so', async () => {
    const row = await run('duplicate');
    expect(row.valid).toBe(true);
    expect(row.checks.duplicated).toBe(victims.length);
  });

  test.each([
    ['drop', 'lost', { lost: victims.length }],
    ['swap', 'promised order', { reordered: victims.length }],
    ['damage', 'damaged', { phantom: victims.length }],
    ['refuse', 'refused', { refused: victims.length }],
    ['consumer dies', 'it broke: the consumer is gone', {}],
  ] as const)('with the fault "%s" is invalid because of: %s', async (fault, reason, counts) => {
    const row = await run(fault);
    expect(row.valid).toBe(false);
    expect(row.invalidBecause).toContain(reason);
    expect(row.checks).toMatchObject(counts);
  });

  test.each(['drop', 'swap', 'damage', 'refuse'] as const)('counts "%s" once where it happened once', async (fault) => {
    const { checks } = await run(fault, [300]);
    const { lost, duplicated, reordered, phantom, refused } = checks;
    const wanted = { drop: 'lost', swap: 'reordered', damage: 'phantom', refuse: 'refused' } as const;
    const counted = { lost, duplicated, reordered, phantom, refused };
    // What came damaged did not come: it is lost too.
    const also = fault === 'damage' ? { lost: 1 } : {};
    expect(counted).toEqual({
      lost: 0,
      duplicated: 0,
      reordered: 0,
      phantom: 0,
      refused: 0,
      [wanted[fault]]: 1,
      ...also,
    });
  });

  test('that takes 30 ms for everything shows 30 ms in every percentile', async () => {
    const { latencyMs, valid } = await run('slow');
    expect(valid).toBe(true);
    for (const { p50, p99, p999 } of [latencyMs.publish, latencyMs.endToEnd])
      for (const figure of [p50, p99, p999]) expect(Math.abs(figure - slowMs)).toBeLessThanOrEqual(2);
  });

  test('that stands still for a second shows it in the percentiles as arithmetic says', async () => {
    const measuredMs = 4_000;
    const { latencyMs, checks, slipMs } = await run('pause', [], { messages: 8_000, warmupMs: 0, measuredMs });
    expect(checks).toMatchObject({ received: 8_000, lost: 0, reordered: 0 });
    // The sender keeps its schedule while nothing is answered: a quarter of all messages waits, from 1,000 ms down to none.
    expect(slipMs.p99).toBeLessThanOrEqual(2);
    for (const measured of [latencyMs.publish, latencyMs.endToEnd]) {
      expect(measured.count).toBe(8_000);
      // The slowest part f of all messages waited longer than the pause less f of the window.
      for (const [figure, part] of [
        [measured.p999, 0.001],
        [measured.p99, 0.01],
        [measured.p95, 0.05],
        [measured.p90, 0.1],
      ] as const) {
        const byArithmetic = pauseMs - part * measuredMs;
        // The histogram is off by at most 0.8 %, the clock's step is 1 ms.
        expect(Math.abs(figure - byArithmetic)).toBeLessThanOrEqual(byArithmetic * 0.008 + 2);
      }
      expect(measured.p50).toBeLessThanOrEqual(2);
      expect(measured.max).toBeGreaterThan(pauseMs - 2);
    }
  });
});
