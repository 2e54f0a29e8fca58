/** ack.*, deadLetter and retry.backoff: what settling a message does. */

import type { Consumer, Delivery } from '../../adapters/port.ts';
import { type Chapter, chapter } from '../chapter.ts';
import { check, equal, rejects, sameItems } from '../expect.ts';
import { numbered, text, texts, tokens, type World } from '../world.ts';

const retryAtOnce = { minBackoffMs: 0, maxBackoffMs: 0, maxAttempts: 20 };

export const settleChapters: readonly Chapter[] = [
  chapter(
    'ack.perMessage',
    'each message is settled on its own, in any order: what was not comes again, and only that',
    {
      claimed: async (world) => {
        const topic = await world.topic({ partitions: 2 });
        const subscription = await world.subscription(topic);
        const consumer = await world.consumer(subscription);
        await world.publish(
          topic,
          numbered(12).map((value, index) => ({ value, partition: index % 2 })),
        );
        const held = (await world.receive(consumer, 12)).toSorted(
          (a, b) => Number(text(b).slice(2)) - Number(text(a).slice(2)),
        );
        const kept = held.filter((_, index) => index % 3 === 0);
        for (const delivery of held.filter((_, index) => index % 3 !== 0)) await world.ack(consumer, [delivery]);
        await consumer.close();
        const next = await world.consumer(subscription);
        sameItems(texts(await world.receiveAll(next, kept.length)), texts(kept), 'what the next consumer got');
      },
    },
  ),

  chapter('ack.redelivery', 'a message comes again, the same, after a nack, an expired lease and a closed consumer', {
    claimed: async (world) => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic, { ackDeadlineMs: world.timing.leaseMs, retry: retryAtOnce });
      const consumer = await world.consumer(subscription);
      const headers = world.claims('headers') ? [{ name: 'h', value: 'v' }] : [];
      await world.publish(topic, [{ key: 'k', value: 'again', id: 'same', headers }]);
      const first = await world.receiveOne(consumer);
      await world.nack(consumer, [first]);
      const second = await world.receiveOne(consumer); // after the nack; its lease is left to end
      const third = await world.receiveOne(consumer); // after the lease
      await consumer.close();
      const other = await world.consumer(subscription);
      const fourth = await world.receiveOne(other); // after the close
      for (const delivery of [second, third, fourth]) equal(identity(delivery), identity(first), 'what came again');
      equal(new Set(tokens([first, second, third, fourth])).size, 4, 'different tokens');
      await world.ack(other, [fourth]);
      await world.nothingComes(other, 'after it was acknowledged');
    },
  }),

  chapter('ack.redelivery', 'of many messages the failed ones come again until each was acknowledged once', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader({ partitions: 2 }, { retry: retryAtOnce });
      const values = numbered(30);
      await world.publish(
        topic,
        values.map((value, index) => ({ value, partition: index % 2 })),
      );
      const acknowledged: string[] = [];
      const failedOnce = new Set<string>();
      while (acknowledged.length < values.length) {
        const delivery = await world.receiveOne(consumer);
        const fails = Number(text(delivery).slice(2)) % 3 === 0 && !failedOnce.has(text(delivery));
        failedOnce.add(text(delivery));
        if (fails) await world.nack(consumer, [delivery]);
        else {
          acknowledged.push(text(delivery));
          await world.ack(consumer, [delivery]);
        }
      }
      sameItems(acknowledged, values, 'acknowledged');
      await world.nothingComes(consumer, 'after all were acknowledged');
    },
  }),

  chapter('ack.attemptCount', 'attempts are 1, 2, 3, ...: a nack and an expired lease count, also across consumers', {
    claimed: async (world) => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic, { ackDeadlineMs: world.timing.leaseMs, retry: retryAtOnce });
      const first = await world.consumer(subscription);
      await world.publishValues(topic, ['counted']);
      await nackAttempts(world, first, [1, 2, 3]);
      equal((await world.receiveOne(first)).attempt, 4, 'the attempt after three nacks'); // its lease is left to end
      const afterExpiry = await world.receiveOne(first);
      equal(afterExpiry.attempt, 5, 'the attempt after an expired lease');
      await world.nack(first, [afterExpiry]);
      await first.close();
      const second = await world.consumer(subscription);
      const last = await world.receiveOne(second);
      // Where a release counts, so does the return of what the closed consumer had been handed and nobody touched.
      if (world.claims('ack.releaseUncounted')) equal(last.attempt, 6, 'the attempt that the next consumer sees');
      else check(last.attempt >= 6, `the next consumer sees attempt ${last.attempt}, which is at least 6`);
      await world.ack(second, [last]);
    },
  }),

  chapter('ack.attemptCount', 'each message has its own count', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader({}, { retry: retryAtOnce });
      await world.publishValues(topic, numbered(4));
      const attempts = new Map<string, number[]>();
      for (let left = 4; left > 0; ) {
        const delivery = await world.receiveOne(consumer);
        const number = Number(text(delivery).slice(2));
        attempts.set(text(delivery), [...(attempts.get(text(delivery)) ?? []), delivery.attempt]);
        if (delivery.attempt <= number) await world.nack(consumer, [delivery]);
        else {
          await world.ack(consumer, [delivery]);
          left -= 1;
        }
      }
      const seen = numbered(4).map((value) => `${value}: ${attempts.get(value)?.join(' ')}`);
      equal(seen, ['m-0: 1', 'm-1: 1 2', 'm-2: 1 2 3', 'm-3: 1 2 3 4'], 'attempts');
    },
  }),

  chapter('ack.releaseUncounted', 'a released message comes again, to the next consumer too, with the same attempt', {
    claimed: async (world) => {
      const topic = await world.topic();
      const subscription = await world.subscription(topic, { retry: retryAtOnce });
      await world.publishValues(topic, ['untouched']);
      const leaving = await world.consumer(subscription);
      await expectAttempt(world, leaving, 1, 'of the first delivery'); // in hand when its consumer closes
      await leaving.close();
      const consumer = await world.consumer(subscription);
      for (let times = 0; times < 3; times += 1) {
        const delivery = await world.receiveOne(consumer);
        equal(delivery.attempt, 1, `the attempt after a closed consumer and ${times} releases`);
        await world.release(consumer, [delivery]);
      }
      await nackAttempts(world, consumer, [1]);
      await world.release(consumer, [await expectAttempt(world, consumer, 2, 'after one nack')]);
      await expectAttempt(world, consumer, 2, 'after a nack and a release'); // in hand when its consumer closes
      await consumer.close();
      const next = await world.consumer(subscription);
      await world.ack(next, [await expectAttempt(world, next, 2, 'after the close of the consumer that held it')]);
    },
    // Giving back is still possible; it counts, as the table says.
    unsupported: async (world) => {
      const { topic, consumer } = await world.reader({}, { retry: retryAtOnce });
      await world.publishValues(topic, ['touched']);
      await world.release(consumer, [await world.receiveOne(consumer)]);
      const delivery = await world.receiveOne(consumer);
      check(delivery.attempt >= 1, 'the attempt is a number from 1');
      await world.ack(consumer, [delivery]);
    },
  }),

  chapter('deadLetter', 'a rejected message is moved at once, whole, once, with reason and origin', {
    claimed: async (world) => {
      const { topic, subscription, consumer, dead } = await withDeadLetters(world);
      const headers = world.claims('headers') ? [{ name: 'mine', value: 'kept' }] : [];
      await world.publish(topic, [{ key: 'k', value: 'bad', headers, contentType: 'text/x-bad', id: 'bad-1' }]);
      const delivery = await world.receiveOne(consumer);
      await world.reject(consumer, [delivery], 'cannot be parsed');
      const letter = await world.receiveOne(dead);
      const { message } = letter;
      equal(
        [message.key?.toString(), text(letter), message.contentType, message.id],
        ['k', 'bad', 'text/x-bad', 'bad-1'],
        'key, value, content type and id of the dead letter',
      );
      equal(
        [header(letter, 'mine'), header(letter, 'dead-letter-reason'), header(letter, 'dead-letter-attempts')],
        [headers[0]?.value ?? null, 'cannot be parsed', '1'],
        'own header, reason and attempts',
      );
      equal(
        [
          header(letter, 'dead-letter-topic'),
          header(letter, 'dead-letter-subscription'),
          header(letter, 'dead-letter-partition'),
        ],
        [topic, subscription, '0'],
        'origin',
      );
      await world.ack(dead, [letter]);
      await world.nothingComes(dead, 'after the one dead letter');
      await world.nothingComes(consumer, 'after the message was rejected');
    },
    unsupported: async (world) => {
      const topic = await world.topic();
      const create = async (): Promise<unknown> => await world.subscription(topic, { onExhausted: 'deadLetter' });
      const error = await rejects('capability_unsupported', 'a subscription with onExhausted "deadLetter"', create);
      equal(error.capability, 'deadLetter', 'the capability that the error names');
    },
  }),

  chapter(
    'deadLetter',
    'a message that fails maxAttempts times is moved, not earlier and not later; the others flow on',
    {
      claimed: async (world) => {
        const { topic, consumer, dead } = await withDeadLetters(world);
        await world.publishValues(topic, ['good-0', 'poison', 'good-1']);
        const attempts: number[] = [];
        const good: string[] = [];
        while (attempts.length < 3 || good.length < 2) {
          const delivery = await world.receiveOne(consumer);
          if (text(delivery) === 'poison') {
            attempts.push(delivery.attempt);
            await world.nack(consumer, [delivery]);
          } else {
            good.push(text(delivery));
            await world.ack(consumer, [delivery]);
          }
        }
        equal(attempts, [1, 2, 3], 'attempts before the dead letter');
        sameItems(good, ['good-0', 'good-1'], 'the others');
        const letter = await world.receiveOne(dead);
        equal(
          [text(letter), header(letter, 'dead-letter-attempts')],
          ['poison', '3'],
          'the dead letter and its attempts',
        );
        await world.ack(dead, [letter]);
        await world.nothingComes(dead, 'after the one dead letter');
        await world.nothingComes(consumer, 'after maxAttempts');
      },
    },
  ),

  chapter('retry.backoff', 'a nack with a delay is kept to: not earlier, and then soon', {
    claimed: async (world) => {
      const { topic, consumer } = await world.reader();
      const { leaseMs: delayMs, earlyMs } = world.timing;
      await world.publishValues(topic, ['later']);
      const delivery = await world.receiveOne(consumer);
      const failedAt = performance.now();
      await world.nack(consumer, [delivery], delayMs);
      await world.publishValues(topic, ['meanwhile']);
      const other = await world.receiveOne(consumer);
      equal(text(other), 'meanwhile', 'delivered while the failed one waits');
      await world.ack(consumer, [other]);
      const again = await world.receiveOne(consumer);
      const waitedMs = Math.round(performance.now() - failedAt);
      equal([text(again), again.attempt], ['later', 2], 'what came after the delay');
      check(waitedMs >= delayMs - earlyMs, `a nack with a delay of ${delayMs} ms came again after ${waitedMs} ms`);
      await world.ack(consumer, [again]);
    },
    unsupported: async (world) => {
      const { topic, subscription, consumer } = await world.reader();
      await world.publishValues(topic, ['now']);
      const { token } = await world.receiveOne(consumer);
      const nack = async (): Promise<unknown> => await world.port.nack(subscription, [token], { delayMs: 1_000 });
      await rejects('capability_unsupported', 'a nack with a delay', nack);
    },
  }),

  chapter(
    'retry.backoff',
    'without a delay of its own a failed message waits minBackoffMs, then twice that, up to maxBackoffMs',
    {
      claimed: async (world) => {
        const { leaseMs, earlyMs } = world.timing;
        const minBackoffMs = Math.round(leaseMs / 4);
        const retry = { minBackoffMs, maxBackoffMs: minBackoffMs * 3, maxAttempts: 20 };
        const { topic, subscription, consumer } = await world.reader({}, { retry });
        await world.publishValues(topic, ['again']);
        let delivery = await world.receiveOne(consumer);
        for (const factor of [1, 2, 3]) {
          const failedAt = performance.now();
          await world.port.nack(subscription, [delivery.token]);
          delivery = await world.receiveOne(consumer);
          const waitedMs = Math.round(performance.now() - failedAt);
          check(
            waitedMs >= factor * minBackoffMs - earlyMs,
            `attempt ${delivery.attempt} came after ${waitedMs} ms, earlier than ${factor * minBackoffMs}`,
          );
        }
        await world.ack(consumer, [delivery]);
      },
    },
  ),
];

/** A subscription of three attempts at once, with a consumer on its dead-letter topic. */
async function withDeadLetters(world: World) {
  const topic = await world.topic();
  const subscription = await world.subscription(topic, {
    onExhausted: 'deadLetter',
    retry: { minBackoffMs: 0, maxBackoffMs: 0, maxAttempts: 3 },
  });
  const deadTopic = `${subscription}.dead`;
  const { queueType } = await world.port.describeTopic(deadTopic);
  const reads = world.port.capabilities(queueType ?? undefined)['subscribe.late'].level !== 'unsupported';
  const dead = await world.consumer(await world.subscription(deadTopic, { start: reads ? 'earliest' : 'latest' }));
  return { topic, subscription, consumer: await world.consumer(subscription), dead };
}

async function nackAttempts(world: World, consumer: Consumer, attempts: readonly number[]): Promise<void> {
  for (const attempt of attempts)
    await world.nack(consumer, [await expectAttempt(world, consumer, attempt, 'counting from 1')]);
}

async function expectAttempt(world: World, consumer: Consumer, attempt: number, when: string): Promise<Delivery> {
  const delivery = await world.receiveOne(consumer);
  equal(delivery.attempt, attempt, `the attempt ${when}`);
  return delivery;
}

function header({ message }: Delivery, name: string): string | null {
  return message.headers.find((candidate) => candidate.name === name)?.value.toString() ?? null;
}

function identity({ message }: Delivery) {
  const { id, partition, offset, timestampMs } = message;
  const headers = message.headers.map(({ name, value }) => `${name}=${value.toString()}`);
  return {
    id,
    partition,
    offset,
    timestampMs,
    headers,
    key: message.key?.toString(),
    value: message.value?.toString(),
  };
}
