/** Leases, lanes, retries and dead letters over an intake that the test feeds by hand. */

import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AckTokens } from '../../src/adapters/ack-tokens.ts';
import type { Driver, DriverDelivery, Intake, IntakeSink } from '../../src/adapters/driver.ts';
import { PortError } from '../../src/adapters/errors.ts';
import type { SubscriptionDefinition, TopicDefinition } from '../../src/adapters/port.ts';
import { type DeadLetter, SubscriptionSession } from '../../src/adapters/session.ts';
import { TokenSecrets } from '../../src/adapters/token-secrets.ts';

const topic: TopicDefinition = {
  name: 'orders',
  partitions: 1,
  retention: { ms: null, bytes: null },
  cleanup: 'delete',
  queueType: null,
  replicas: 1,
  options: {},
};

function definition(changes: Partial<SubscriptionDefinition> = {}): SubscriptionDefinition {
  return {
    name: 'billing',
    topic: 'orders',
    start: 'latest',
    ordering: 'none',
    ackDeadlineMs: 1_000,
    maxInFlight: { messages: 100, bytes: 1_000_000 },
    retry: { minBackoffMs: 100, maxBackoffMs: 400, maxAttempts: 3 },
    onExhausted: 'deadLetter',
    deadLetterTopic: 'billing.dead',
    requires: [],
    ...changes,
  };
}

/** A session whose backend is this object: `feed` delivers, `acked` and `givenBack` say what it was told. */
async function world(changes: Partial<SubscriptionDefinition> = {}, retryMode: Intake['retryMode'] = 'local') {
  let sink: IntakeSink | undefined;
  const acked: string[] = [];
  const givenBack: [string, boolean][] = [];
  const letters: DeadLetter[] = [];
  let failLetters = 0;
  let ackFailure: Error | undefined;
  let openingFailure: Error | undefined;
  let isClosed = false;
  const intake: Intake = {
    retryMode,
    grant: () => undefined,
    ack: async (delivery) => {
      if (ackFailure !== undefined) throw ackFailure;
      acked.push(text(delivery));
    },
    giveBack: (delivery, counted) => void givenBack.push([text(delivery), counted]),
    close: async () => undefined,
  };
  const driver = {
    openIntake: async (_subscription: unknown, _topic: unknown, given: IntakeSink) => {
      if (openingFailure !== undefined) throw openingFailure;
      sink = given;
      return intake;
    },
  } as unknown as Driver;
  const session = new SubscriptionSession({
    driver,
    definition: definition(changes),
    topic,
    signer: new AckTokens(new TokenSecrets([]), '').session('billing', 'AAAAAA'),
    hooks: {
      storeDeadLetter: async (_subscription, letter) => {
        if (failLetters > 0) {
          failLetters -= 1;
          throw new Error('no place for it');
        }
        letters.push(letter);
      },
      event: () => undefined,
      closed: () => void (isClosed = true),
    },
  });
  await session.open({ messages: 100, bytes: 1_000_000 });
  const consumer = session.addConsumer({ messages: 100, bytes: 1_000_000 }, {});
  let offset = 0;
  const feed = (value: string, key: string | null = null, attempt = 1): DriverDelivery => {
    const delivery = {
      attempt,
      bytes: value.length,
      message: {
        topic: 'orders',
        partition: 0,
        offset: offset++,
        key: key === null ? null : Buffer.from(key),
        value: Buffer.from(value),
        headers: [],
        contentType: null,
        id: value,
        timestampMs: 0,
      },
    };
    sink?.deliver(delivery);
    return delivery;
  };
  const pull = async (maxMessages = 100) => {
    const deliveries = await consumer.pull({ maxMessages, waitMs: 0 });
    return deliveries.map(({ token, attempt, message }) => ({ token, attempt, value: String(message.value) }));
  };
  return {
    session,
    consumer,
    feed,
    pull,
    acked,
    givenBack,
    letters,
    intake,
    closed: () => isClosed,
    lose: (delivery: DriverDelivery) => sink?.lost([delivery]),
    failNextLetters: (count: number) => void (failLetters = count),
    failAcks: (reason: Error) => void (ackFailure = reason),
    failOpening: (reason: Error) => void (openingFailure = reason),
  };
}

function text(delivery: DriverDelivery): string {
  return String(delivery.message.value);
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance', 'Date'] }));
afterEach(() => void vi.useRealTimers());

describe('a session', () => {
  it('settles each token once; of one that names no lease here the session says nothing', async () => {
    const { session, feed, pull, acked } = await world();
    feed('a');
    const [a] = await pull();
    expect(await session.ack([a!.token, a!.token, 'nonsense'])).toEqual(['ok', undefined, undefined]);
    expect(acked).toEqual(['a']);
  });

  it('delivers again after a nack, after its back-off and not before, with the next attempt', async () => {
    const { session, feed, pull } = await world();
    feed('a');
    const [first] = await pull();
    await session.nack([first!.token], undefined, undefined);
    await vi.advanceTimersByTimeAsync(95);
    expect(await pull()).toEqual([]);
    await vi.advanceTimersByTimeAsync(10);
    expect(await pull()).toMatchObject([{ value: 'a', attempt: 2 }]);
  });

  it('an expired lease is redelivered and its old token has no effect', async () => {
    const { session, feed, pull, acked } = await world();
    feed('a');
    const [first] = await pull();
    await vi.advanceTimersByTimeAsync(1_200);
    const [second] = await pull();
    expect(second).toMatchObject({ value: 'a', attempt: 2 });
    expect(await session.ack([first!.token])).toEqual(['expired']);
    expect(acked).toEqual([]);
    expect(await session.ack([second!.token])).toEqual(['ok']);
  });

  it('an extended lease does not expire at its first deadline, and later ones are not held up by it', async () => {
    const { session, feed, pull } = await world();
    feed('a');
    feed('b');
    const [a] = await pull(1);
    const [b] = await pull(1);
    session.extend([a!.token], 5_000);
    await vi.advanceTimersByTimeAsync(1_200);
    expect(await session.ack([a!.token, b!.token])).toEqual(['ok', 'expired']);
  });

  it('release gives back at once and counts nothing', async () => {
    const { session, feed, pull } = await world();
    feed('a');
    const [first] = await pull();
    expect(await session.release([first!.token])).toEqual(['ok']);
    expect(await pull()).toMatchObject([{ value: 'a', attempt: 1 }]);
  });

  it('key ordering: one message of a key is out, others run; a nacked one blocks its key only', async () => {
    const { session, feed, pull } = await world({ ordering: 'key' });
    for (const [value, key] of [
      ['a1', 'a'],
      ['a2', 'a'],
      ['b1', 'b'],
      ['free1', null],
      ['free2', null],
    ] as const)
      feed(value, key);
    const out = await pull();
    expect(out.map(({ value }) => value)).toEqual(['a1', 'b1', 'free1', 'free2']);
    await session.nack([out[0]!.token], undefined, undefined);
    expect(await pull()).toEqual([]);
    await vi.advanceTimersByTimeAsync(110);
    const [again] = await pull();
    expect(again).toMatchObject({ value: 'a1', attempt: 2 });
    await session.ack([again!.token]);
    expect(await pull()).toMatchObject([{ value: 'a2', attempt: 1 }]);
  });

  it('the last attempt ends in a dead letter with its attempts, and only then in an ack', async () => {
    const { session, feed, pull, letters, acked } = await world();
    feed('a');
    for (const attempt of [1, 2, 3]) {
      const [delivery] = await pull();
      expect(delivery).toMatchObject({ attempt });
      await session.nack([delivery!.token], 0, 'bad');
    }
    await vi.advanceTimersByTimeAsync(0);
    expect(letters).toMatchObject([{ attempts: 3, reason: 'bad' }]);
    expect(acked).toEqual(['a']);
    expect(await pull()).toEqual([]);
  });

  it('a dead letter that cannot be stored is tried again and the message is not lost meanwhile', async () => {
    const { session, feed, pull, letters, acked, failNextLetters } = await world();
    failNextLetters(2);
    feed('a');
    const [delivery] = await pull();
    await session.reject([delivery!.token], 'poison');
    expect([letters, acked]).toEqual([[], []]);
    await vi.advanceTimersByTimeAsync(2_100);
    expect(letters).toMatchObject([{ reason: 'poison' }]);
    expect(acked).toEqual(['a']);
  });

  it('block never gives up', async () => {
    const { session, feed, pull, letters } = await world({ onExhausted: 'block', deadLetterTopic: null });
    feed('a');
    for (let attempt = 1; attempt <= 10; attempt += 1) {
      const [delivery] = await pull();
      expect(delivery).toMatchObject({ attempt });
      await session.nack([delivery!.token], 0, undefined);
    }
    expect(letters).toEqual([]);
  });

  it('requeue mode: a failed message goes back counted, a released one uncounted', async () => {
    const { session, feed, pull, givenBack } = await world({}, 'requeue');
    feed('a');
    feed('b');
    const [a, b] = await pull();
    await session.nack([a!.token], undefined, undefined);
    await session.release([b!.token]);
    expect(givenBack).toEqual([['b', false]]);
    await vi.advanceTimersByTimeAsync(110);
    expect(givenBack).toEqual([
      ['b', false],
      ['a', true],
    ]);
  });

  it('a lost delivery expires its token and frees its lane', async () => {
    const { session, feed, pull, lose } = await world({ ordering: 'key' });
    const first = feed('a1', 'a');
    const [a1] = await pull();
    feed('a2', 'a');
    lose(first);
    expect(await session.ack([a1!.token])).toEqual(['expired']);
    expect(await pull()).toMatchObject([{ value: 'a2' }]);
  });

  it('a burst reaches every pull that waits, not only the first few: none sleeps beside a message', async () => {
    const { consumer, feed } = await world();
    const pulls = Array.from({ length: 50 }, async () => await consumer.pull({ maxMessages: 1, waitMs: 1_000 }));
    for (let index = 0; index < 50; index += 1) feed(String(index));
    const values = (await Promise.all(pulls)).flat().map(({ message }) => String(message.value));
    expect(values).toEqual(Array.from({ length: 50 }, (_, index) => String(index)));
  });

  it('a backend that cannot write the settlement of a dropped message takes nobody else down', async () => {
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);
    const { session, feed, pull, failAcks } = await world({ onExhausted: 'drop', deadLetterTopic: null });
    failAcks(new Error('no space left'));
    feed('a', null, 3);
    await pull();
    await vi.advanceTimersByTimeAsync(1_200);
    await new Promise((resolve) => setImmediate(resolve));
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
    await session.close();
  });

  it('a seek whose backend goes away ends the session: the next pull opens another instead of waiting for ever', async () => {
    const { session, consumer, failOpening } = await world();
    failOpening(new PortError('backend_unavailable', 'gone'));
    await expect(session.seek(async () => undefined)).rejects.toMatchObject({ code: 'backend_unavailable' });
    expect(session.isClosing).toBe(true);
    await expect(consumer.pull({ maxMessages: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'backend_unavailable' });
  });

  it('whose end cannot be written is over all the same: the subscription can be opened again', async () => {
    const { consumer, intake, closed } = await world();
    intake.close = async () => await Promise.reject(new PortError('storage_full', 'no room for the cursor'));
    await expect(consumer.close()).rejects.toMatchObject({ code: 'storage_full' });
    expect(closed()).toBe(true);
  });

  it('a seek whose old place cannot be written ends the session and says so, instead of going on without a backend', async () => {
    const { session, consumer, intake, closed } = await world();
    intake.close = async () => await Promise.reject(new PortError('storage_full', 'no room for the cursor'));
    await expect(session.seek(async () => undefined)).rejects.toMatchObject({ code: 'storage_full' });
    await expect(consumer.pull({ maxMessages: 1, waitMs: 0 })).rejects.toMatchObject({ code: 'storage_full' });
    expect([session.isClosing, closed()]).toEqual([true, true]);
  });

  it('an ack while the subscription is moved is expired, not ok: nobody writes it any more', async () => {
    const { session, feed, pull, acked, intake } = await world();
    feed('a');
    const [delivery] = await pull();
    let closeIt: () => void = () => undefined;
    intake.close = async () => await new Promise<void>((resolve) => (closeIt = resolve));
    const moving = session.seek(async () => undefined);
    expect(await session.ack([delivery!.token])).toEqual(['expired']);
    intake.close = async () => undefined;
    closeIt();
    await moving;
    expect(acked).toEqual([]);
  });

  it('a dead letter whose store fails while its session closes is not tried again: whoever has the message next stores it', async () => {
    const { session, consumer, feed, pull, letters, failNextLetters } = await world();
    failNextLetters(1);
    feed('a');
    const [delivery] = await pull();
    const rejecting = session.reject([delivery!.token], 'poison');
    const closing = consumer.close();
    await rejecting;
    await closing;
    await vi.advanceTimersByTimeAsync(5_000);
    expect(letters).toEqual([]);
  });

  it('a pull of nothing is refused: it would be asked again for ever', async () => {
    const { consumer, feed } = await world();
    feed('a');
    for (const maxMessages of [0, Number.NaN])
      await expect(consumer.pull({ maxMessages, waitMs: 10 })).rejects.toMatchObject({ code: 'invalid_argument' });
  });

  it('a back-off of nothing stays nothing, after however many attempts', async () => {
    const { session, feed, pull } = await world({
      onExhausted: 'block',
      deadLetterTopic: null,
      retry: { minBackoffMs: 0, maxBackoffMs: 0, maxAttempts: 1 },
    });
    feed('a', null, 1_100);
    const [delivery] = await pull();
    await session.nack([delivery!.token], undefined, undefined);
    expect(await pull()).toMatchObject([{ value: 'a', attempt: 1_101 }]);
  });

  it('several waiting consumers share a burst', async () => {
    const { session, consumer, feed } = await world();
    const other = session.addConsumer({ messages: 100, bytes: 1_000_000 }, {});
    const pulls = [consumer, other].map(async (each) => await each.pull({ maxMessages: 100, waitMs: 1_000 }));
    for (let index = 0; index < 10; index += 1) feed(String(index));
    expect((await Promise.all(pulls)).map((deliveries) => deliveries.length)).toEqual([5, 5]);
  });

  it('never has more out than the credit, in messages and in bytes', async () => {
    const { session, feed } = await world();
    const small = session.addConsumer({ messages: 2, bytes: 1_000_000 }, {});
    const thin = session.addConsumer({ messages: 100, bytes: 3 }, {});
    for (let index = 0; index < 20; index += 1) feed('xx');
    const two = await small.pull({ maxMessages: 100, waitMs: 0 });
    expect(two).toHaveLength(2);
    expect(await small.pull({ maxMessages: 100, waitMs: 0 })).toHaveLength(0);
    expect(await thin.pull({ maxMessages: 100, waitMs: 0 })).toHaveLength(2);
    await session.ack([two[0]!.token]);
    expect(await small.pull({ maxMessages: 100, waitMs: 0 })).toHaveLength(1);
  });

  it('tokens of a consumer that keeps them to itself settle here, and are signed by nobody', async () => {
    const { session, feed } = await world();
    const local = session.addConsumer({ messages: 10, bytes: 1_000_000 }, { hasLocalTokens: true });
    for (const value of ['a', 'b']) feed(value);
    const [a, b] = await local.pull({ maxMessages: 2, waitMs: 0 });
    expect(a!.token).not.toBe(b!.token);
    expect(new AckTokens(new TokenSecrets([]), '').read(a!.token, 'billing')).toBeUndefined();
    expect(await session.ack([a!.token, a!.token])).toEqual(['ok', undefined]);
    // Not to be made by counting: the other one is not found by the number alone.
    expect(await session.ack(['1', '2', b!.token.split('.')[1]!])).toEqual([undefined, undefined, undefined]);
    expect(await session.ack([b!.token])).toEqual(['ok']);
  });

  it('a closed consumer gives back what it holds, to the others and in order', async () => {
    const { session, consumer, feed, pull } = await world();
    const other = session.addConsumer({ messages: 100, bytes: 1_000_000 }, {});
    for (const value of ['a', 'b', 'c']) feed(value);
    expect(await other.pull({ maxMessages: 3, waitMs: 0 })).toHaveLength(3);
    await other.close();
    expect((await pull()).map(({ value, attempt }) => [value, attempt])).toEqual([
      ['a', 1],
      ['b', 1],
      ['c', 1],
    ]);
    await consumer.close();
  });

  it('closing gives failed ones back as counted and untouched ones as not', async () => {
    const { session, consumer, feed, pull, givenBack } = await world();
    for (const value of ['failed', 'held', 'ready']) feed(value);
    const [failed] = await pull(2);
    await session.nack([failed!.token], undefined, undefined);
    await consumer.close();
    expect(new Map(givenBack)).toEqual(
      new Map([
        ['failed', true],
        ['held', false],
        ['ready', false],
      ]),
    );
    expect(givenBack).toHaveLength(3);
  });
});
