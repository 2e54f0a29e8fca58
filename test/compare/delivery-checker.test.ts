/** The judge itself is judged: what it must catch is done to it on purpose. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DeliveryChecker } from '../../src/compare/checkers/index.ts';
import { planFromSpec } from '../../src/compare/workloads/index.ts';

const plan = (messages: number, keys: number) =>
  planFromSpec({
    seed: 3,
    messages,
    messageBytes: 100,
    keys,
    keyDistribution: keys === 0 ? 'none' : 'uniform',
    ratePerSecond: null,
    arrival: 'closed-window',
  });

function everythingAcked(messages: number, keys: number, subscriptions = 1): DeliveryChecker {
  const checker = new DeliveryChecker(plan(messages, keys), subscriptions, { keylessInOrder: true });
  for (let seq = 0; seq < messages; seq++) {
    checker.sent(seq);
    checker.settled(seq, 'acked');
  }
  return checker;
}

describe('the delivery checker', () => {
  test('finds nothing wrong with a run in which nothing went wrong', () => {
    const checker = everythingAcked(100, 5);
    for (let seq = 0; seq < 100; seq++) checker.received(0, seq);
    expect(checker.isComplete()).toBe(true);
    expect(checker.result()).toMatchObject({
      sent: 100,
      acked: 100,
      received: 100,
      lost: 0,
      duplicated: 0,
      reordered: 0,
      phantom: 0,
      offenders: [],
    });
  });

  test('counts a message as lost for each subscription that did not get it, and names it', () => {
    const checker = everythingAcked(10, 2, 3);
    for (const subscription of [0, 1, 2])
      for (let seq = 0; seq < 10; seq++) if (seq !== 7 || subscription === 0) checker.received(subscription, seq);
    expect(checker.isComplete()).toBe(false);
    const result = checker.result();
    expect(result.lost).toBe(2);
    expect(result.offenders).toContain('subscription 1 never received message 7, which was acknowledged');
  });

  test('does not call lost what was never acknowledged', () => {
    const checker = new DeliveryChecker(plan(3, 0), 1, { keylessInOrder: true });
    for (const [seq, fate] of (['acked', 'unknown', 'refused'] as const).entries()) {
      checker.sent(seq);
      checker.settled(seq, fate);
    }
    checker.received(0, 0);
    expect(checker.result()).toMatchObject({ lost: 0, unknown: 1, refused: 1, phantom: 0 });
  });

  test('calls a refused message that came all the same a phantom', () => {
    const checker = new DeliveryChecker(plan(1, 0), 1, { keylessInOrder: true });
    checker.sent(0);
    checker.settled(0, 'refused');
    checker.received(0, 0);
    expect(checker.result().phantom).toBe(1);
  });

  test('calls what nobody sent a phantom', () => {
    const checker = new DeliveryChecker(plan(5, 0), 1, { keylessInOrder: true });
    checker.sent(0);
    checker.received(0, 4);
    checker.received(0, 99);
    expect(checker.result()).toMatchObject({ phantom: 2, received: 0 });
  });

  test('a second reader starts with nothing received and the same obligations', () => {
    const checker = everythingAcked(4, 0);
    for (let seq = 0; seq < 4; seq++) checker.received(0, seq);
    const second = checker.forAnotherReader();
    expect(second.isComplete()).toBe(false);
    expect(second.result().lost).toBe(4);
  });

  test('counts exactly the duplicates and the overtaken of any delivery order', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 29 }), { maxLength: 120 }),
        fc.integer({ min: 1, max: 4 }),
        (deliveries, keys) => {
          const checker = everythingAcked(30, keys);
          const { keyIndex, keySeq } = plan(30, keys);
          const seen = new Set<number>();
          const highest = new Map<number, number>();
          let duplicates = 0;
          let overtaken = 0;
          for (const seq of deliveries) {
            checker.received(0, seq);
            if (seen.has(seq)) {
              duplicates++;
              continue;
            }
            seen.add(seq);
            const key = keyIndex[seq] as number;
            const number = keySeq[seq] as number;
            if (number < (highest.get(key) ?? -1)) overtaken++;
            else highest.set(key, number);
          }
          const result = checker.result();
          expect(result.duplicated).toBe(duplicates);
          expect(result.reordered).toBe(overtaken);
          expect(result.received).toBe(seen.size);
          expect(result.lost).toBe(30 - seen.size);
        },
      ),
    );
  });
});
