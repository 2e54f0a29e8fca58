/** Contract: what is published arrives, whole, at every subscription and nowhere else; credit and tokens keep their word. */

import type { Delivery, Message, PublishMessage } from '../../adapters/port.ts';
import { type Chapter, contract } from '../chapter.ts';
import { check, equal, rejects, sameItems } from '../expect.ts';
import { numbered, statuses, text, texts, tokens } from '../world.ts';

/** Key -> murmur2 as a signed 32-bit number, as Kafka's own unit test lists them. */
const murmurVectors: readonly (readonly [key: string, hash: number])[] = [
  ['21', -973932308],
  ['foobar', -790332482],
  ['a-little-bit-long-string', -985981536],
  ['a-little-bit-longer-string', -1486304829],
  ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
  ['abc', 479470107],
];

/** A shutdown is over by then (design, section 10). */
const CLOSE_WITHIN_MS = 10_000;

const allBytes = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
const invalidUtf8 = Buffer.from([0xff, 0xfe, 0x00, 0xc3, 0x28, 0x80]);

export const deliveryChapters: readonly Chapter[] = [
  contract('every published message is delivered once to a consumer that acknowledges', async (world) => {
    const { topic, consumer } = await world.reader({ partitions: 3 });
    const values = numbered(200);
    for (let from = 0; from < values.length; from += 20)
      await world.publishValues(topic, values.slice(from, from + 20));
    sameItems(texts(await world.receiveAll(consumer, values.length)), values, 'delivered');
  }),

  contract(
    'a message arrives as it was sent: key, value, headers, content type, id and time, byte for byte',
    async (world) => {
      const { topic, consumer } = await world.reader();
      const sent: readonly PublishMessage[] = [
        { value: 'plain' },
        { value: '', key: '' },
        { value: allBytes, key: invalidUtf8, contentType: 'application/octet-stream' },
        { value: 'ключ 鍵 🔑', key: 'ключ 鍵 🔑', contentType: 'text/plain; charset=utf-8' },
        { value: '{"a":1}', contentType: 'application/json', id: 'order-4711', timestampMs: 1_700_000_000_123 },
        { value: 'with headers', key: 'k', headers: world.claims('headers') ? [{ name: 'trace', value: 'abc' }] : [] },
      ];
      const outcomes = await world.publish(topic, sent);
      const arrived = new Map(
        (await world.receiveAll(consumer, sent.length)).map(({ message }) => [message.id, message]),
      );
      for (const [index, message] of sent.entries()) {
        const { id } = outcomes[index] ?? {};
        equal(message.id ?? id, id, `id in the outcome of message ${index}`);
        const found = arrived.get(id ?? null);
        check(found !== undefined, `message ${index} with id ${id} did not arrive under its id`);
        equal(content(found), content(message), `message ${index}`);
        // Without one, a door may fill in its own (REST does, by the form of the value).
        if (message.contentType !== undefined)
          equal(found.contentType, message.contentType, `content type of message ${index}`);
        if (message.timestampMs !== undefined)
          equal(found.timestampMs, message.timestampMs, `time of message ${index}`);
        equal(found.topic, topic, `topic of message ${index}`);
      }
    },
  ),

  contract('a null value arrives as null, not as an empty one', async (world) => {
    const { topic, consumer } = await world.reader();
    await world.publish(topic, [
      { key: 'gone', value: null },
      { key: 'empty', value: '' },
    ]);
    const shown = (await world.receiveAll(consumer, 2)).map(
      ({ message }) => `${String(message.key)}: ${JSON.stringify(message.value?.toString() ?? null)}`,
    );
    sameItems(shown, ['gone: null', 'empty: ""'], 'keys and values');
  }),

  contract('the time of a message that names none is the time of its publish', async (world) => {
    const { topic, consumer } = await world.reader();
    const before = Date.now();
    await world.publishValues(topic, ['now']);
    const after = Date.now();
    const { message } = await world.receiveOne(consumer);
    check(
      message.timestampMs >= before - world.timing.earlyMs && message.timestampMs <= after + world.timing.earlyMs,
      `published between ${before} and ${after}, but its time is ${message.timestampMs}`,
    );
    check(message.id !== null && message.id.length > 0, 'a message without an id of its own is given one');
  }),

  contract('one key has one partition number on every backend: that of murmur2', async (world) => {
    const partitions = 7;
    const { topic, consumer } = await world.reader({ partitions });
    const expected = murmurVectors.map(([key, hash]) => `${key} in ${(hash & 0x7fffffff) % partitions}`);
    const outcomes = await world.publish(
      topic,
      murmurVectors.map(([key]) => ({ key, value: key })),
    );
    equal(
      outcomes.map(({ partition }, index) => `${murmurVectors[index]?.[0]} in ${partition}`),
      expected,
      'partitions in the outcomes',
    );
    const deliveries = await world.receiveAll(consumer, murmurVectors.length);
    sameItems(
      deliveries.map(({ message }) => `${String(message.key)} in ${message.partition}`),
      expected,
      'partitions in the deliveries',
    );
  }),

  contract('a message goes to the partition that it names, and one that does not exist is refused', async (world) => {
    const { topic, consumer } = await world.reader({ partitions: 3 });
    const outcomes = await world.publish(
      topic,
      [2, 0, 1, 2].map((partition) => ({ value: `p${partition}`, key: 'same', partition })),
    );
    equal(
      outcomes.map(({ partition }) => partition),
      [2, 0, 1, 2],
      'partitions in the outcomes',
    );
    const deliveries = await world.receiveAll(consumer, 4);
    sameItems(
      deliveries.map((delivery) => `${text(delivery)} in ${delivery.message.partition}`),
      ['p2 in 2', 'p0 in 0', 'p1 in 1', 'p2 in 2'],
      'deliveries',
    );
    const [outcome] = await world.port.publish(topic, [{ value: 'x', partition: 3 }]);
    equal(outcome?.kind === 'refused' ? outcome.error.code : outcome?.kind, 'invalid_argument', 'partition 3 of 3');
  }),

  contract('topics are apart: a subscription gets nothing of another topic', async (world) => {
    const left = await world.reader();
    const right = await world.reader();
    await Promise.all([
      world.publishValues(left.topic, numbered(10, 'left')),
      world.publishValues(right.topic, numbered(10, 'right')),
    ]);
    sameItems(texts(await world.receiveAll(left.consumer, 10)), numbered(10, 'left'), 'left');
    sameItems(texts(await world.receiveAll(right.consumer, 10)), numbered(10, 'right'), 'right');
  }),

  contract('each of two subscriptions gets every message, at its own pace', async (world) => {
    const { topic, consumer: first } = await world.reader();
    const second = await world.consumer(await world.subscription(topic));
    const values = numbered(20);
    await world.publishValues(topic, values);
    sameItems(texts(await world.receiveAll(first, 20)), values, 'first');
    sameItems(texts(await world.receiveAll(second, 20)), values, 'second, after the first acknowledged all');
  }),

  contract(
    'a subscription that starts at the latest gets what comes after it, and nothing from before',
    async (world) => {
      const topic = await world.topic();
      const early = await world.consumer(await world.subscription(topic)); // gives every backend a place to keep the old ones
      await world.publishValues(topic, numbered(5, 'old'));
      const late = await world.consumer(await world.subscription(topic, { start: 'latest' }));
      await world.publishValues(topic, numbered(5, 'new'));
      sameItems(texts(await world.receiveAll(late, 5)), numbered(5, 'new'), 'the late subscription');
      sameItems(
        texts(await world.receiveAll(early, 10)),
        [...numbered(5, 'old'), ...numbered(5, 'new')],
        'the early subscription',
      );
    },
  ),

  contract('messages wait for a subscription that has no consumer', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic);
    await world.publishValues(topic, numbered(30));
    sameItems(
      texts(await world.receiveAll(await world.consumer(subscription), 30)),
      numbered(30),
      'after opening the consumer',
    );
  }),

  contract('a consumer never holds more messages than its credit, and settling one grants one', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic);
    const consumer = await world.consumer(subscription, { messages: 3 });
    await world.publishValues(topic, numbered(8));
    const held = [...(await world.receive(consumer, 3))];
    await world.nothingComes(consumer, 'with all 3 credits in use');
    const seen = texts(held).slice();
    for (let settled = 0; settled < 5; settled += 1) {
      await world.ack(consumer, held.splice(0, 1));
      const next = await world.receive(consumer, 1);
      held.push(...next);
      seen.push(...texts(next));
      if (settled === 0) await world.nothingComes(consumer, 'with all 3 credits in use again');
    }
    sameItems(seen, numbered(8), 'delivered');
  }),

  contract('a consumer holds at most its credit of bytes, but for the message that crosses it', async (world) => {
    const topic = await world.topic();
    const consumer = await world.consumer(await world.subscription(topic), { messages: 100, bytes: 1_000 });
    const values = numbered(9).map((value) => value.padEnd(400, '.'));
    await world.publishValues(topic, values);
    const seen: string[] = [];
    while (seen.length < values.length) {
      const held: Delivery[] = [await world.receiveOne(consumer)];
      held.push(...(await consumer.pull({ maxMessages: 100, waitMs: world.timing.quietMs })));
      check(held.length <= 3, `${held.length} messages of 400 bytes are held with a credit of 1000 bytes`);
      seen.push(...texts(held));
      await world.ack(consumer, held);
    }
    sameItems(seen, values, 'delivered');
  }),

  contract('a subscription never has more in flight than its maxInFlight, however many consumers', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic, { maxInFlight: { messages: 4 } });
    const consumers = [await world.consumer(subscription), await world.consumer(subscription)];
    await world.publishValues(topic, numbered(10));
    const held = await drain(consumers, world.timing.quietMs, 4);
    equal(held.length, 4, 'outstanding at once');
  }),

  contract(
    'a subscription has no more bytes in flight than its maxInFlight, but for the message that crosses it',
    async (world) => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic, { maxInFlight: { messages: 100, bytes: 1_000 } });
      const consumers = [await world.consumer(subscription), await world.consumer(subscription)];
      const values = numbered(9).map((value) => value.padEnd(400, '.'));
      await world.publishValues(topic, values);
      const seen: string[] = [];
      while (seen.length < values.length) {
        const held = await drain(consumers, world.timing.quietMs, 1);
        check(held.length > 0, `after ${seen.length} of ${values.length} messages nothing more came`);
        check(held.length <= 3, `${held.length} messages of 400 bytes are out with a maxInFlight of 1000 bytes`);
        seen.push(...texts(held));
        await world.port.ack(subscription, tokens(held));
      }
      sameItems(seen, values, 'delivered');
    },
  ),

  contract('without ordering a message that is held holds up nobody, not even of its own key', async (world) => {
    const { topic, consumer } = await world.reader({ partitions: 1 });
    await world.publishValues(topic, numbered(20), { key: 'same' });
    const [slow, ...others] = (await world.receive(consumer, 20)) as [Delivery, ...Delivery[]];
    await world.ack(consumer, others);
    await world.publishValues(topic, numbered(5, 'later'), { key: 'same' });
    const later = await world.receive(consumer, 5);
    sameItems(texts(later), numbered(5, 'later'), 'delivered while the first one was held');
    await world.ack(consumer, [...later, slow]);
    await world.nothingComes(consumer, 'after all were acknowledged');
  }),

  contract('tokens say ok, already, expired or invalid, each for itself', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic, { ackDeadlineMs: world.timing.leaseMs });
    const consumer = await world.consumer(subscription);
    const { port } = world;
    await world.publishValues(topic, ['a', 'b']);
    const [a, b] = tokens(await world.receive(consumer, 2)) as [string, string];
    equal(
      statuses(await port.ack(subscription, [a, 'no such token'])),
      ['ok', 'invalid'],
      'ack of a live and of a made-up token',
    );
    equal(statuses(await port.ack(subscription, [a])), ['already'], 'ack again');
    equal(statuses(await port.nack(subscription, [a])), ['already'], 'nack after ack');
    const again = await world.receiveOne(consumer); // the lease of b ended meanwhile
    equal(text(again), 'b', 'what came again');
    // The calls that follow take as long as they take on a busy machine.
    equal(statuses(await port.extend(subscription, [again.token], 10 * world.timing.leaseMs)), ['ok'], 'extend');
    equal(statuses(await port.ack(subscription, [b])), ['expired'], 'ack with the token of the lease that ended');
    equal(statuses(await port.reject(subscription, [b])), ['expired'], 'reject with it');
    equal(statuses(await port.extend(subscription, [b], 1_000)), ['expired'], 'extend with it');
    equal(
      statuses(await port.ack(subscription, [again.token, again.token])),
      ['ok', 'already'],
      'one token twice in one call',
    );
    await world.nothingComes(consumer, 'after both were acknowledged');
  }),

  contract('a late nack with an expired token does not disturb the new lease', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic, { ackDeadlineMs: world.timing.leaseMs });
    const consumer = await world.consumer(subscription);
    await world.publishValues(topic, ['a']);
    const { token } = await world.receiveOne(consumer);
    const second = await world.receiveOne(consumer);
    equal(statuses(await world.port.nack(subscription, [token])), ['expired'], 'the late nack');
    await world.ack(consumer, [second]);
    await world.nothingComes(consumer, 'after the new lease was acknowledged');
  }),

  contract('an extended lease lives as long as it was extended, and its deadline is told', async (world) => {
    const { timing } = world;
    const topic = await world.topic();
    const subscription = await world.subscription(topic, { ackDeadlineMs: timing.leaseMs });
    const consumer = await world.consumer(subscription);
    await world.publishValues(topic, ['slow']);
    const before = Date.now();
    const delivery = await world.receiveOne(consumer);
    check(
      delivery.deadlineMs >= before + timing.leaseMs - timing.earlyMs,
      'the deadline lies one lease after the delivery',
    );
    check(
      delivery.deadlineMs <= Date.now() + timing.leaseMs + timing.earlyMs,
      'the deadline lies no more than one lease ahead',
    );
    equal(statuses(await world.port.extend(subscription, [delivery.token], 10 * timing.leaseMs)), ['ok'], 'extend');
    const early = await consumer.pull({ maxMessages: 1, waitMs: 2 * timing.leaseMs });
    equal(texts(early), [], 'redelivered while the extended lease was alive');
    await world.ack(consumer, [delivery]);
    await world.nothingComes(consumer, 'after it was acknowledged within the extension');
  }),

  contract('a closed consumer gives back what it holds and gets nothing more', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic);
    const leaving = await world.consumer(subscription, { messages: 4 });
    await world.publishValues(topic, numbered(4));
    const held = await world.receive(leaving, 4);
    const staying = await world.consumer(subscription);
    await leaving.close();
    await leaving.close(); // once more: idempotent
    sameItems(texts(await world.receive(staying, 4)), numbered(4), 'what the other consumer got');
    const [late] = statuses(await world.port.ack(subscription, tokens(held).slice(0, 1)));
    check(
      late === 'expired' || late === 'already',
      `the token of a closed consumer is no longer good, but answered ${late}`,
    );
    await world.publishValues(topic, ['after']);
    equal(texts(await leaving.pull({ maxMessages: 1, waitMs: 0 })), [], 'a pull on the closed consumer');
    equal(text(await world.receiveOne(staying)), 'after', 'the next message');
  }),

  contract('consumers that close at the same time give everything back, and the next one gets it', async (world) => {
    const topic = await world.topic({ partitions: 2 });
    const subscription = await world.subscription(topic);
    const leaving = await Promise.all(numbered(5).map(async () => await world.consumer(subscription, { messages: 4 })));
    const values = numbered(20);
    for (const partition of [0, 1])
      await world.publishValues(
        topic,
        values.filter((_, index) => index % 2 === partition),
        { partition },
      );
    const held = await Promise.all(leaving.map(async (consumer) => await world.receive(consumer, 4)));
    sameItems(texts(held.flat()), values, 'what the five held');
    await Promise.all(leaving.map(async (consumer) => await consumer.close()));
    sameItems(texts(await world.receiveAll(await world.consumer(subscription), 20)), values, 'what the next one got');
  }),

  contract('a subscription that is deleted takes nothing from the others of its topic', async (world) => {
    const { topic, consumer } = await world.reader();
    const leaving = await world.subscription(topic);
    await world.publishValues(topic, numbered(5, 'before'));
    await world.port.deleteSubscription(leaving);
    await world.publishValues(topic, numbered(5, 'after'));
    const values = [...numbered(5, 'before'), ...numbered(5, 'after')];
    sameItems(texts(await world.receiveAll(consumer, 10)), values, 'the other subscription');
  }),

  contract('reading in pieces, with a new consumer for each, loses nothing', async (world) => {
    const topic = await world.topic();
    const subscription = await world.subscription(topic);
    await world.publishValues(topic, numbered(40));
    const seen: string[] = [];
    while (seen.length < 40) {
      const consumer = await world.consumer(subscription, { messages: 15 });
      const pulled = await world.receive(consumer, Math.min(15, 40 - seen.length));
      if (world.claims('ack.releaseUncounted')) {
        equal([...new Set(pulled.map(({ attempt }) => attempt))], [1], 'attempts of messages that nobody failed');
      }
      const kept = pulled.slice(0, Math.min(10, pulled.length)); // the rest is still held when it closes
      await world.ack(consumer, kept);
      seen.push(...texts(kept));
      await consumer.close();
    }
    sameItems(seen, numbered(40), 'acknowledged over all consumers');
    await world.nothingComes(await world.consumer(subscription), 'after all were acknowledged');
  }),

  contract('a pull answers at once with waitMs 0, waits when told to, and is woken by a message', async (world) => {
    const { topic, consumer } = await world.reader();
    const { quietMs, deadlineMs, earlyMs } = world.timing;
    equal(texts(await consumer.pull({ maxMessages: 5, waitMs: 0 })), [], 'an empty pull');
    const startedAt = performance.now();
    equal(texts(await consumer.pull({ maxMessages: 5, waitMs: quietMs })), [], 'a waiting pull');
    const waitedMs = performance.now() - startedAt;
    check(
      waitedMs >= quietMs - earlyMs,
      `a pull told to wait ${quietMs} ms came back after ${Math.round(waitedMs)} ms`,
    );
    const waiting = consumer.pull({ maxMessages: 5, waitMs: deadlineMs });
    const wokenFrom = performance.now();
    await world.publishValues(topic, ['wake up']);
    equal(texts(await waiting), ['wake up'], 'what woke the pull');
    check(
      performance.now() - wokenFrom < deadlineMs / 2,
      'a waiting pull answers when a message comes, not when its time is over',
    );
  }),

  contract('for await hands out messages one by one and ends when the consumer closes', async (world) => {
    const { topic, consumer } = await world.reader();
    await world.publishValues(topic, numbered(5));
    const seen: string[] = [];
    for await (const delivery of consumer) {
      seen.push(text(delivery));
      await world.ack(consumer, [delivery]);
      if (seen.length === 5) await consumer.close();
    }
    sameItems(seen, numbered(5), 'iterated');
  }),

  contract('messages that fail too often are dropped or kept for ever, as the subscription says', async (world) => {
    const topic = await world.topic();
    const retry = { minBackoffMs: 0, maxBackoffMs: 0, maxAttempts: 2 };
    const dropping = await world.consumer(await world.subscription(topic, { onExhausted: 'drop', retry }));
    const blocking = await world.consumer(await world.subscription(topic, { onExhausted: 'block', retry }));
    await world.publishValues(topic, ['poison']);
    for (let attempt = 1; attempt <= 2; attempt += 1) await world.nack(dropping, [await world.receiveOne(dropping)]);
    await world.nothingComes(dropping, 'after maxAttempts with onExhausted "drop"');
    for (let attempt = 1; attempt <= 4; attempt += 1) await world.nack(blocking, [await world.receiveOne(blocking)]);
    await world.ack(blocking, [await world.receiveOne(blocking)]);
  }),

  contract('a publish that is aborted before it was sent is not stored', async (world) => {
    const { topic, consumer } = await world.reader();
    const stopped = AbortSignal.abort();
    let kinds: readonly string[] = [];
    try {
      kinds = (await world.port.publish(topic, [{ value: 'aborted' }], { signal: stopped })).map(({ kind }) => kind);
    } catch {
      // A rejection says that nothing was tried.
    }
    await world.publishValues(topic, ['after']);
    const [first] = texts(await world.receive(consumer, 1));
    const arrived = first === 'aborted';
    check(!arrived || !kinds.includes('refused'), 'an outcome "refused" is certainly not stored, but it was delivered');
    check(arrived || !kinds.includes('stored'), 'an outcome "stored" was not delivered');
  }),

  contract(
    'a closed port refuses with closed, ends its consumers, and closing again does no harm',
    async (world) => {
      const { topic, subscription, consumer } = await world.reader();
      const ended = (async (): Promise<number> => {
        let deliveries = 0;
        for await (const delivery of consumer) deliveries += delivery.attempt;
        return deliveries;
      })();
      const startedAt = performance.now();
      await Promise.all([world.port.close(), world.port.close()]);
      equal(await ended, 0, 'deliveries to the consumer, whose iteration ended quietly');
      check(performance.now() - startedAt < CLOSE_WITHIN_MS, `close() ends within ${CLOSE_WITHIN_MS} ms`);
      await rejects('closed', 'publish', async () => await world.port.publish(topic, [{ value: 'x' }]));
      await rejects('closed', 'createTopic', async () => await world.port.createTopic({ name: topic }));
      await rejects(
        'closed',
        'subscribe',
        async () => await world.port.subscribe(subscription, { credit: { messages: 1 } }),
      );
      check(!(await world.port.health()).ok, 'the health of a closed port is not ok');
    },
    { isLast: true },
  ),
];

/** Pulls from all until `max` are out and then until nothing comes for a quiet period. */
async function drain(
  consumers: readonly { pull(o: { maxMessages: number; waitMs: number }): Promise<readonly Delivery[]> }[],
  quietMs: number,
  max: number,
) {
  const held: Delivery[] = [];
  for (;;) {
    const waitMs = held.length < max ? quietMs * 5 : quietMs;
    const pulled = (
      await Promise.all(consumers.map(async (consumer) => await consumer.pull({ maxMessages: 100, waitMs })))
    ).flat();
    if (pulled.length === 0) return held;
    held.push(...pulled);
  }
}

function content(message: PublishMessage | Message) {
  return {
    key: hex(message.key),
    value: hex(message.value),
    headers: (message.headers ?? []).map(({ name, value }) => [name, hex(value)]),
  };
}

function hex(bytes: string | Uint8Array | null | undefined): string | null {
  if (bytes === null || bytes === undefined) return null;
  return Buffer.from(bytes as Uint8Array).toString('hex');
}
