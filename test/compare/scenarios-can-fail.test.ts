/** A scenario that cannot fail says nothing: each of these is held against a wire that is wrong in the way that it is about. */

import { describe, expect, test } from 'vitest';
import { runScenarios } from '../../src/compare/run/scenarios.ts';
import { scenarios, Stage } from '../../src/compare/scenarios/index.ts';
import { Ledger, lossesInWords } from '../../src/compare/scenarios/ledger.ts';
import { boundOf } from '../../src/compare/scenarios/figures.ts';
import { startFlow } from '../../src/compare/scenarios/flow.ts';
import type { ScenarioContext } from '../../src/compare/scenarios/scenario.ts';
import type { Wire, WireDelivery } from '../../src/compare/systems/wire.ts';
import { type Lie, memoryWire } from './memory-wire.ts';

async function verdictOf(id: string, lie: Lie) {
  return await verdictOn(id, memoryWire(lie));
}

async function verdictOn(id: string, wire: Wire) {
  const { rows } = await runScenarios({
    wires: [wire],
    scenarios: scenarios.filter((scenario) => scenario.id === id),
    prefix: 'test',
    messages: 100,
    deadlineMs: 8_000,
    seed: 1,
    diskOf: () => () => Promise.resolve(null),
    usageOf: () => () => null,
    open: () => Promise.resolve(wire),
    openProcess: () => Promise.reject(new Error('not in this test')),
    openCluster: () => Promise.reject(new Error('not in this test')),
    openOwn: () => Promise.reject(new Error('not in this test')),
    onProgress: () => {},
  });
  expect(rows.length).toBe(1);
  return rows[0];
}

describe('a scenario passes a wire that does its work, and not one that', () => {
  test.concurrent.each([
    ['fan-out', 'drops one'],
    ['fan-out', 'doubles one'],
    ['idle-subscription', 'drops one'],
    ['order-single', 'swaps two'],
    ['order-global', 'swaps two'],
    ['confirm-order', 'answers out of order'],
    ['metadata', 'forgets headers'],
    ['large-message', 'acks what is large and drops it'],
    ['dead-letter', 'loses rejected ones'],
    ['priority', 'ignores priority'],
    ['backlog-drain', 'drops one'],
    ['ack-batching', 'doubles one'],
  ] as const)(
    '%s: %s',
    async (id, lie) => {
      const [honest, lying] = await Promise.all([verdictOf(id, 'none'), verdictOf(id, lie)]);
      expect([honest?.summary, honest?.verdict]).toEqual([honest?.summary, 'PASS']);
      // A wire that drops what a scenario waits for leaves it waiting: that is no pass either.
      expect(['DIFFERS', 'INCONCLUSIVE'], lying?.summary).toContain(lying?.verdict);
    },
    30_000,
  );

  test.concurrent('slow-consumer: each consumer gets everything, and the fast one is through before the slow one has done its first', async () => {
    const row = await verdictOn(
      'slow-consumer',
      withQueueEach(memoryWire('none'), () => true),
    );
    expect(row?.verdict, row?.summary).toBe('DIFFERS');
    expect(row?.observed).toMatchObject({ doneBySlow: [1, 1], repeated: 2 });
  });

  test.concurrent('slow-consumer: each consumer has half of the messages', async () => {
    const isFor = (text: string, consumer: number) => Number(text.slice('m-'.length)) % 2 === consumer;
    const row = await verdictOn('slow-consumer', withQueueEach(memoryWire('none'), isFor));
    expect(row?.verdict, row?.summary).toBe('DIFFERS');
  });

  test.concurrent('slow-consumer: passes one on a machine on which the fast one is slow, too', async () => {
    const row = await verdictOn('slow-consumer', sharedByCredit(memoryWire('none'), 100));
    expect(row?.verdict, row?.summary).toBe('PASS');
    const observed = row?.observed as { doneBySlow: number[] } | undefined;
    expect(observed?.doneBySlow[0]).toBeGreaterThan(10);
  });

  test.concurrent.each([
    ['broker-kill', 'lostSuffix'],
    // The others go on: what is lost lies between.
    ['node-kill-quorum', 'lostMiddle'],
  ])(
    '%s: loses the last acked when it is killed, counted as what it is',
    async (id, where) => {
      const find = async (lie: Lie) => {
        const wire = memoryWire(lie);
        const stage = new Stage({ wire, prefix: 'test', deadlineMs: 25_000, now: () => performance.now() });
        const context: ScenarioContext = {
          wire,
          stage,
          messages: 100,
          seed: 1,
          disk: () => Promise.resolve(null),
          usage: () => null,
          open: () => Promise.resolve(wire),
          openProcess: () => Promise.reject(new Error('not in this test')),
          own: () => Promise.reject(new Error('not in this test')),
          cluster: () =>
            Promise.resolve({
              nodes: 3,
              wire,
              open: () => Promise.resolve(wire),
              killLeader: () => Promise.resolve(wire.killAndStart()).then(() => 0),
              start: () => Promise.resolve(),
              close: () => Promise.resolve(),
            }),
          faults: {
            kill: () => Promise.resolve(wire.killAndStart()),
            start: () => Promise.resolve(1),
            pause: () => {},
            resume: () => {},
            cut: () => 0,
            deafen: () => 0,
            diskAlarm: () => Promise.resolve(),
          },
        };
        return await scenarios.find((scenario) => scenario.id === id)?.run(context);
      };
      const [honest, lying] = await Promise.all([find('none'), find('loses the last acked when it is killed')]);
      expect([honest?.verdict, honest?.observed['lost']]).toEqual(['PASS', 0]);
      expect([lying?.verdict, lying?.observed['lost'], lying?.observed[where]]).toEqual(['DIFFERS', 3, 3]);
    },
    30_000,
  );
});

describe('the ledger', () => {
  test('tells what is lost before, between and after what was seen', () => {
    const ledger = new Ledger();
    for (let i = 0; i < 10; i++) ledger.answer(ledger.send(), { fate: 'acked' });
    for (const number of [2, 3, 5, 7]) ledger.see(number);
    expect(ledger.balance()).toMatchObject({ lost: 6, losses: { prefix: 2, middle: 2, suffix: 2 }, overtaken: 0 });
    expect(lossesInWords(ledger.balance())).toBe('6 acknowledged messages lost (prefix 2, middle 2, suffix 2)');
  });

  test('counts what nobody answered and is there as recovered, what was refused and is there as a lie, and each only once', () => {
    const ledger = new Ledger();
    const [unknown, refused, again] = [ledger.send(), ledger.send(), ledger.send()];
    ledger.answer(refused, { fate: 'refused', code: 'full' });
    ledger.answer(again, { fate: 'unknown', code: 'gone' });
    ledger.answer(again, { fate: 'acked' });
    for (const number of [again, unknown, refused, again]) ledger.see(number);
    expect(ledger.balance()).toMatchObject({ unknown: 1, recovered: 1, refusedAndSeen: 1, acked: 1, lost: 0 });
    expect(ledger.balance()).toMatchObject({ duplicates: 1, overtaken: 2 });
  });

  test('nothing seen is everything lost, once', () => {
    const ledger = new Ledger();
    for (let i = 0; i < 4; i++) ledger.answer(ledger.send(), { fate: 'acked' });
    expect(ledger.balance()).toMatchObject({ lost: 4, losses: { prefix: 0, middle: 0, suffix: 4 } });
  });
});

test.each([
  [0, 30, '0 of 30, so with 95 % confidence below 10 %'],
  [0, 1, '0 of 1, so with 95 % confidence below 95 %'],
  [2, 30, '2 of 30'],
])('%i of %i is said as "%s"', (seen, tries, words) => {
  expect(boundOf(seen, tries)).toBe(words);
});

test('what a scenario started stops with it, whether it came to its end or not', async () => {
  const wire = memoryWire('none');
  const stage = new Stage({ wire, prefix: 'test', deadlineMs: 60_000, now: () => performance.now() });
  const topic = await stage.topic('t');
  const ledger = new Ledger();
  await startFlow(stage, wire, topic, ledger, 1);
  await stage.until(() => ledger.sent > 3, 'a few messages');
  await stage.strike();
  // Nobody stops the flow; it ends all the same.
  await stage.pause(20);
  const sent = ledger.sent;
  await stage.pause(20);
  expect([stage.isOver, ledger.sent]).toEqual([true, sent]);
});

/** Each of the two consumers of a name has a queue of its own, with everything in it, and does what is for it. */
function withQueueEach(wire: Wire, isFor: (text: string, consumer: number) => boolean): Wire {
  let consumers = 0;
  return {
    ...wire,
    createSubscription: async (subscription) => {
      for (const one of [0, 1]) await wire.createSubscription({ ...subscription, name: `${subscription.name}.${one}` });
    },
    consume: async (name, options) => {
      const own = consumers % 2;
      consumers += 1;
      return await wire.consume(`${name}.${own}`, {
        ...options,
        onDelivery: (delivery) => {
          if (isFor(delivery.value.toString(), own)) options.onDelivery(delivery);
          else delivery.ack();
        },
      });
    },
  };
}

/** Consumers of a name share its messages, each with no more at hand than its credit; an ack counts when it has been on its way for a while. */
function sharedByCredit(wire: Wire, ackTakesMs: number): Wire {
  const crews = new Map<string, { readonly waiting: WireDelivery[]; readonly members: { hand: () => void }[] }>();
  return {
    ...wire,
    consume: async (name, options) => {
      const crew = crews.get(name) ?? { waiting: [], members: [] };
      const isFirst = crew.members.length === 0;
      crews.set(name, crew);
      let atHand = 0;
      const member = {
        hand: (): void => {
          if (atHand >= options.credit) return;
          const delivery = crew.waiting.shift();
          if (delivery === undefined) return;
          atHand += 1;
          const ack = (): void => {
            setTimeout(() => {
              atHand -= 1;
              member.hand();
            }, ackTakesMs);
          };
          options.onDelivery({ ...delivery, ack });
        },
      };
      crew.members.push(member);
      if (!isFirst) return { close: () => Promise.resolve() };
      return await wire.consume(name, {
        ...options,
        onDelivery: (delivery) => {
          crew.waiting.push(delivery);
          for (const each of crew.members) each.hand();
        },
      });
    },
  };
}
