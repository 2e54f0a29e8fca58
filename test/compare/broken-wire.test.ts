/** The instrument itself: a wire in memory that can lose, double, swap and damage messages, and what the runner must say. */

import { describe, expect, test } from 'vitest';
import { runWorkload } from '../../src/compare/run-workload.ts';
import type { Wire, WireConsumer, WireMessage } from '../../src/compare/wire.ts';
import { planFromSpec, type WorkloadSpec, workloadsOf } from '../../src/compare/workloads/index.ts';

type Fault = 'none' | 'drop' | 'duplicate' | 'swap' | 'damage' | 'refuse' | 'consumer dies';

const spec: WorkloadSpec = {
  ...(workloadsOf('smoke')[0] as WorkloadSpec),
  ratePerSecond: 2_000,
  messages: 400,
  warmupMs: 50,
  measuredMs: 150,
  keys: 5,
  ordering: 'key',
};

/** Hands every message to every consumer in the next turn; the fault hits one message in the middle. */
function brokenWire(fault: Fault): Wire {
  const deliver: ((message: WireMessage) => void)[] = [];
  const fail: ((reason: Error) => void)[] = [];
  let count = 0;
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
      case 'none':
        pass(message);
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
          setImmediate(() => {
            for (const [index, message] of messages.entries()) {
              count++;
              const isVictim = count === 300;
              settled(
                index,
                isVictim && fault === 'refuse' ? { fate: 'refused', code: 'overloaded' } : { fate: 'acked' },
              );
              if (isVictim) hurt(message);
              else pass(message);
              if (held !== null && message !== held && message.key === held.key) {
                pass(held);
                held = null;
              }
            }
          });
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

const run = (fault: Fault) =>
  runWorkload({
    wire: brokenWire(fault),
    spec,
    plan: planFromSpec({ ...spec, seed: 5 }),
    repeat: 0,
    prefix: 'test',
    pids: [],
    generatorCeiling: null,
  });

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
    expect(row.checks.duplicated).toBe(1);
  });

  test.each([
    ['drop', 'lost', { lost: 1 }],
    ['swap', 'promised order', { reordered: 1 }],
    ['damage', 'damaged', { phantom: 1 }],
    ['refuse', 'refused', { refused: 1 }],
    ['consumer dies', 'it broke: the consumer is gone', {}],
  ] as const)('with the fault "%s" is invalid because of: %s', async (fault, reason, counts) => {
    const row = await run(fault);
    expect(row.valid).toBe(false);
    expect(row.invalidBecause).toContain(reason);
    expect(row.checks).toMatchObject(counts);
  });
});
