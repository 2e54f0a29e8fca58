/**
 * Ports broken on purpose, each in one way that real adapters have been broken in. The conformance suite must reject each of
 * them, in the chapter that is about it: a suite that passes these would pass anything.
 *
 * Breaks are small wrappers over the model: `alter` puts some methods in front of an object and leaves the rest as it is.
 */

import { randomUUID } from 'node:crypto';
import type { Capability } from '../../src/adapters/capabilities.ts';
import type { Driver } from '../../src/adapters/driver.ts';
import { PortError } from '../../src/adapters/errors.ts';
import { portFromDriver } from '../../src/adapters/open-port.ts';
import type {
  Consumer,
  Delivery,
  Message,
  MessagingPort,
  PublishOutcome,
  TokenResult,
  TopicDefinition,
} from '../../src/adapters/port.ts';
import { ModelDriver } from './model-driver.ts';

export interface BrokenPort {
  /** What is wrong with it. */
  readonly name: string;
  /** The chapter that must reject it, by its whole title. */
  readonly caughtBy: string;
  /** What the rejection must talk about. */
  readonly because: RegExp;
  readonly open: () => Promise<MessagingPort>;
  /** Another port on the same backend, broken in the same way. */
  readonly openAnother: () => Promise<MessagingPort>;
}

type PortChange = (port: MessagingPort) => Partial<MessagingPort>;
type DriverChange = (driver: ModelDriver) => Partial<Driver>;

interface Break {
  readonly caughtBy: string;
  readonly because: RegExp;
  readonly without?: readonly Capability[];
  readonly port?: PortChange;
  readonly driver?: DriverChange;
}

/** Methods of `changes` in front of `target`; the others still run on the target, whose private fields a copy would not have. */
export function alter<T extends object>(target: T, changes: Partial<T>): T {
  return new Proxy(target, {
    get: (object, name) => {
      const change: unknown = Reflect.get(changes, name);
      if (change !== undefined) return change;
      const value: unknown = Reflect.get(object, name, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}

/** Every consumer of the port, altered. */
function consumers(port: MessagingPort, change: (consumer: Consumer) => Partial<Consumer>): Partial<MessagingPort> {
  return {
    subscribe: async (name, options) => {
      const consumer = await port.subscribe(name, options);
      return alter(consumer, change(consumer));
    },
  };
}

/** Every delivery of the port, mapped. */
function deliveries(port: MessagingPort, map: (delivery: Delivery) => Delivery): Partial<MessagingPort> {
  return consumers(port, (consumer) => ({ pull: async (options) => (await consumer.pull(options)).map(map) }));
}

function messages(port: MessagingPort, map: (message: Message) => Partial<Message>): Partial<MessagingPort> {
  return deliveries(port, (delivery) => ({ ...delivery, message: { ...delivery.message, ...map(delivery.message) } }));
}

/** What every nth publish does to the messages on their way down. The outcomes say `stored` whatever is left out. */
function outgoing(
  driver: ModelDriver,
  map: (sent: Parameters<Driver['publish']>[1]) => Parameters<Driver['publish']>[1],
): Partial<Driver> {
  return {
    publish: async (topic, sent, options) => {
      const outcomes = await driver.publish(topic, map(sent), options);
      return sent.map(({ id, partition }) => {
        const found = outcomes.find((outcome) => outcome.id === id);
        return found ?? { kind: 'stored', id, partition, offset: 1_000_000, durability: options.durability };
      });
    },
  };
}

type Retention = TopicDefinition['retention'];

/** Another retention than the one that was asked for. */
function retaining(driver: ModelDriver, change: (asked: Retention) => Retention): Partial<Driver> {
  return {
    read: async (topic, ...rest) => await driver.read({ ...topic, retention: change(topic.retention) }, ...rest),
  };
}

function unlimited(topic: TopicDefinition): TopicDefinition {
  return { ...topic, retention: { ms: null, bytes: null } };
}

function asStored(outcome: PublishOutcome): PublishOutcome {
  if (outcome.kind === 'stored') return outcome;
  return { kind: 'stored', id: outcome.id, partition: 0, offset: 0, durability: { persistence: 'memory', copies: 1 } };
}

function allOk(results: readonly TokenResult[]): readonly TokenResult[] {
  return results.map(({ token }) => ({ token, status: 'ok' }));
}

const isDead = (topic: string): boolean => topic.endsWith('.dead');

const everyMessage = 'contract: every published message is delivered once to a consumer that acknowledges';
const whole =
  'contract: a message arrives as it was sent: key, value, headers, content type, id and time, byte for byte';
const tokens = 'contract: tokens say ok, already, expired or invalid, each for itself';
const attempts =
  'ack.attemptCount: attempts are 1, 2, 3, ...: a nack and an expired lease count, also across consumers';
const moved = 'deadLetter: a rejected message is moved at once, whole, once, with reason and origin';
const exhausted =
  'deadLetter: a message that fails maxAttempts times is moved, not earlier and not later; the others flow on';
const byKey = 'order.key: messages of a key come one after the other, also after a nack and with several consumers';
const offsets = 'replay.offset: a seek or a start at an offset delivers exactly the rest';
const partial =
  'publish.partialBatch: of a batch exactly the bad messages are refused, each with its reason, and the others are stored';
const shared =
  'consume.competing: the consumers of a subscription share its messages: each goes to one of them, and each gets some';
const confirmed =
  'publish.confirm: an outcome "stored" names the message, its place and what was reached, and the message is there';
const tooOld = 'ttl.retention: messages older than the retention leave, the oldest first, and not before their time';
const tooMany =
  'ttl.retention: what is more than the bytes of the retention leaves, the oldest first, and the newest stay';
const before =
  'publish.beforeSubscription: a message published before any subscription is kept, or its publish is unroutable; never stored and gone';

const follows = 'contract: a subscription that is changed leaves what was not named, and its open consumers follow';
const grows = 'contract: a topic grows by partitions that its subscriptions read, or the change is refused';
const stale = 'contract: a change for a revision that is not there any more is precondition_failed, and not made';

const breaks: Readonly<Record<string, Break>> = {
  // ---------------------------------------------------------------------------------------- changes
  'answers a change of a subscription and does not make it': {
    caughtBy: follows,
    because: /the description after the change/,
    port: (port) => ({
      alterSubscription: async (name, { retry, ...changes }) => {
        const definition = await port.describeSubscription(name);
        return { ...definition, ...changes, retry: { ...definition.retry, ...retry } } as typeof definition;
      },
    }),
  },
  'forgets what a change of a subscription did not name': {
    caughtBy: follows,
    because: /the revision of the answer/,
    port: (port) => ({
      alterSubscription: async (name, changes, options) =>
        await port.alterSubscription(name, { ...changes, maxInFlight: { messages: 1_001 } }, options),
    }),
  },
  'gives a topic more partitions and reads only the old ones': {
    caughtBy: grows,
    because: /of 3 messages came/,
    driver: (driver) => ({
      openIntake: async (subscription, topic, sink, credit) =>
        await driver.openIntake(
          subscription,
          topic,
          { ...sink, deliver: (one) => (one.message.partition > 0 ? undefined : sink.deliver(one)) },
          credit,
        ),
    }),
  },
  'ignores the revision of a change': {
    caughtBy: stale,
    because: /of two changes of one revision one is made/,
    port: (port) => ({
      alterSubscription: async (name, changes) => await port.alterSubscription(name, changes),
    }),
  },
  // ---------------------------------------------------------------------------------------- loses, repeats, disorders
  'drops one message in seven': {
    caughtBy: everyMessage,
    because: /of 200 messages came/,
    driver: (driver) => outgoing(driver, (sent) => sent.filter((_, index) => index % 7 !== 6)),
  },
  'delivers one message in seven twice': {
    caughtBy: everyMessage,
    because: /after all 200 messages were acknowledged/,
    driver: (driver) =>
      outgoing(driver, (sent) =>
        sent.flatMap((one, index) => (index % 7 === 6 ? [one, { ...one, id: `${one.id}b` }] : [one])),
      ),
  },
  'answers before storing, and drops what is above 20 at once': {
    caughtBy: 'publish.confirm: many publishes at once are each answered and each delivered',
    because: /of 150 messages came/,
    driver: (driver) => {
      let storing = 0;
      return {
        publish: async (topic, sent, options) => {
          storing += 1;
          if (storing <= 20) setTimeout(() => void driver.publish(topic, sent, options), 1);
          setTimeout(() => (storing -= 1), 2);
          return sent.map(({ id, partition }) => ({
            kind: 'stored',
            id,
            partition,
            offset: null,
            durability: options.durability,
          }));
        },
      };
    },
  },
  'calls a refused message stored': {
    caughtBy: partial,
    because: /outcomes/,
    port: (port) => ({ publish: async (...call) => (await port.publish(...call)).map(asStored) }),
  },
  'calls an unroutable message stored': {
    caughtBy: before,
    because: /unroutable/,
    without: ['publish.beforeSubscription'],
    port: (port) => ({ publish: async (...call) => (await port.publish(...call)).map(asStored) }),
  },
  'forgets what was published before the first subscription': {
    caughtBy: before,
    because: /0 of 10 messages came/,
    port: (port) => ({
      createSubscription: async (options) =>
        await port.createSubscription({ ...options, ...(options.start === 'earliest' ? { start: 'latest' } : {}) }),
    }),
  },
  'reports a whole batch as refused when one message is bad': {
    caughtBy: partial,
    because: /outcomes/,
    port: (port) => ({
      publish: async (...call) => {
        const outcomes = await port.publish(...call);
        const bad = outcomes.find(({ kind }) => kind === 'refused');
        return bad?.kind === 'refused' ? outcomes.map(({ id }) => ({ ...bad, id })) : outcomes;
      },
    }),
  },
  'reports places that are not those of the messages': {
    caughtBy: confirmed,
    because: /places of what was delivered/,
    port: (port) => ({
      publish: async (...call) =>
        (await port.publish(...call)).map((outcome) =>
          outcome.kind === 'stored' ? { ...outcome, offset: (outcome.offset ?? 0) + 1 } : outcome,
        ),
    }),
  },
  'reorders the messages of a batch': {
    caughtBy:
      'order.partition: messages of a partition come in stored order, also after a nack and with several consumers',
    because: /deliveries of partition/,
    driver: (driver) => outgoing(driver, (sent) => sent.toReversed()),
  },
  'reorders within a key': {
    caughtBy: byKey,
    because: /deliveries of key/,
    driver: (driver) => outgoing(driver, (sent) => sent.toReversed()),
  },
  'lets later messages of a key pass a failed one': {
    caughtBy: byKey,
    because: /was handed out while|deliveries of key/,
    port: (port) => ({
      createSubscription: async (options) => await port.createSubscription({ ...options, ordering: 'none' }),
    }),
  },
  'holds a whole partition for one key': {
    caughtBy: 'order.keyParallel: a key that waits does not hold up the other keys of its partition',
    because: /of 1 messages came/,
    port: (port) => ({
      createSubscription: async (options) =>
        await port.createSubscription({ ...options, ...(options.ordering === 'key' ? { ordering: 'partition' } : {}) }),
    }),
  },
  'stores a retry with the same id twice': {
    caughtBy: 'publish.dedup: a retry with the same id is stored once, and its outcome says so',
    because: /duplicate/,
    driver: () => {
      const plain = new ModelDriver(['publish.dedup']);
      return alter<Driver>(plain, { capabilities: () => new ModelDriver().capabilities() });
    },
  },
  'drops a repeated id without claiming to': {
    caughtBy: 'publish.dedup: a retry with the same id is stored once, and its outcome says so',
    because: /duplicate|1 of 2 messages/,
    driver: () =>
      alter<Driver>(new ModelDriver(), { capabilities: () => new ModelDriver(['publish.dedup']).capabilities() }),
  },

  // ---------------------------------------------------------------------------------------- changes the message
  'swallows headers': {
    caughtBy: 'headers: headers keep their bytes, the order of their names, and the order of the values of a name',
    because: /headers/,
    port: (port) => messages(port, () => ({ headers: [] })),
  },
  'keeps only the last of repeated headers': {
    caughtBy: 'headers: headers keep their bytes, the order of their names, and the order of the values of a name',
    because: /headers/,
    port: (port) =>
      messages(port, ({ headers }) => ({
        headers: [...new Map(headers.map((header) => [header.name, header])).values()],
      })),
  },
  'sorts headers': {
    caughtBy: 'headers: a header that repeats with others in between keeps its place',
    because: /out of order/,
    port: (port) =>
      messages(port, ({ headers }) => ({ headers: headers.toSorted((a, b) => (a.name < b.name ? -1 : 1)) })),
  },
  'corrupts binary values': {
    caughtBy: whole,
    because: /message 2/,
    port: (port) => messages(port, ({ value }) => ({ value: value === null ? null : Buffer.from(value.toString()) })),
  },
  'loses the key': { caughtBy: whole, because: /"key"/, port: (port) => messages(port, () => ({ key: null })) },
  'loses the content type': {
    caughtBy: whole,
    because: /content type/,
    port: (port) => messages(port, () => ({ contentType: null })),
  },
  'loses the id': { caughtBy: whole, because: /under its id/, port: (port) => messages(port, () => ({ id: null })) },
  'puts its own time in place of the one given': {
    caughtBy: whole,
    because: /time of/,
    port: (port) => messages(port, () => ({ timestampMs: Date.now() })),
  },
  'makes an empty value of null': {
    caughtBy: 'contract: a null value arrives as null, not as an empty one',
    because: /keys and values/,
    port: (port) => messages(port, ({ value }) => ({ value: value ?? Buffer.alloc(0) })),
  },
  'cuts large values': {
    caughtBy: 'largeMessages: a value of 1 MiB arrives whole, and one byte more is refused',
    because: /bytes were sent/,
    port: (port) => messages(port, ({ value }) => ({ value: value?.subarray(0, 65_536) ?? null })),
  },
  'chooses partitions without the key': {
    caughtBy: 'contract: one key has one partition number on every backend: that of murmur2',
    because: /partitions in the outcomes/,
    driver: (driver) => {
      let next = 0;
      return {
        publish: async (topic, sent, options) =>
          await driver.publish(
            topic,
            sent.map((one) => ({ ...one, partition: (next += 1) % topic.partitions })),
            options,
          ),
      };
    },
  },

  // ---------------------------------------------------------------------------------------- settles wrongly
  'loses the redelivery: a nack is an ack': {
    caughtBy: 'ack.redelivery: a message comes again, the same, after a nack, an expired lease and a closed consumer',
    because: /0 of 1 messages came/,
    port: (port) => ({ nack: async (subscription, list) => await port.ack(subscription, list) }),
  },
  'redelivers another id': {
    caughtBy: 'ack.redelivery: a message comes again, the same, after a nack, an expired lease and a closed consumer',
    because: /what came again/,
    port: (port) =>
      deliveries(port, (one) => ({ ...one, message: { ...one.message, id: `${one.message.id}-${one.attempt}` } })),
  },
  'never ends a lease': {
    caughtBy: 'ack.redelivery: a message comes again, the same, after a nack, an expired lease and a closed consumer',
    because: /0 of 1 messages came/,
    port: (port) => ({
      createSubscription: async (options) => await port.createSubscription({ ...options, ackDeadlineMs: 600_000 }),
    }),
  },
  'loses what a closing consumer holds': {
    caughtBy: 'contract: reading in pieces, with a new consumer for each, loses nothing',
    because: /messages came/,
    port: (port) =>
      consumers(port, (consumer) => {
        const held = new Set<string>();
        return {
          pull: async (options) => {
            const pulled = await consumer.pull(options);
            for (const { token } of pulled) held.add(token);
            return pulled;
          },
          close: async () => {
            if (held.size > 0) await port.ack(consumer.subscription, [...held]).catch(() => undefined);
            await consumer.close();
          },
        };
      }),
  },
  'counts every attempt as the first': {
    caughtBy: attempts,
    because: /attempt/,
    port: (port) => deliveries(port, (one) => ({ ...one, attempt: 1 })),
  },
  'counts attempts from 0': {
    caughtBy: attempts,
    because: /attempt/,
    port: (port) => deliveries(port, (one) => ({ ...one, attempt: one.attempt - 1 })),
  },
  'forgets attempts when the consumer changes': {
    caughtBy: attempts,
    because: /the next consumer sees/,
    port: (port) =>
      consumers(port, (consumer) => {
        let first: number | undefined;
        return {
          pull: async (options) =>
            (await consumer.pull(options)).map((one) => {
              first ??= one.attempt;
              return { ...one, attempt: one.attempt - first + 1 };
            }),
        };
      }),
  },
  'counts a release': {
    caughtBy: 'ack.releaseUncounted: a released message comes again, to the next consumer too, with the same attempt',
    because: /closed consumer and 1 releases/,
    port: (port) => ({ release: async (subscription, list) => await port.nack(subscription, list, { delayMs: 0 }) }),
  },
  'acks everything before the acked one': {
    caughtBy:
      'ack.perMessage: each message is settled on its own, in any order: what was not comes again, and only that',
    because: /answered already|messages came/,
    port: (port) => {
      const seen: string[] = [];
      return {
        ...deliveries(port, (one) => {
          seen.push(one.token);
          return one;
        }),
        ack: async (subscription, list) => {
          const upTo = seen.indexOf(list.at(-1) ?? '');
          const others = seen.slice(0, Math.max(0, upTo)).filter((token) => !list.includes(token));
          const results = await port.ack(subscription, list);
          await port.ack(subscription, others).catch(() => undefined);
          return results;
        },
      };
    },
  },
  'takes an expired token for a good one': {
    caughtBy: tokens,
    because: /expired/,
    port: (port) => ({
      ack: async (subscription, list) =>
        (await port.ack(subscription, list)).map((one) => (one.status === 'expired' ? { ...one, status: 'ok' } : one)),
    }),
  },
  'takes any token for a good one': {
    caughtBy: tokens,
    because: /invalid/,
    port: (port) => ({ ack: async (...call) => allOk(await port.ack(...call)) }),
  },
  'cannot tell settled from never seen': {
    caughtBy: tokens,
    because: /already/,
    port: (port) => ({
      ack: async (...call) =>
        (await port.ack(...call)).map((one) => (one.status === 'already' ? { ...one, status: 'invalid' } : one)),
    }),
  },
  'lets an expired token fail the new lease': {
    caughtBy: 'contract: a late nack with an expired token does not disturb the new lease',
    because: /late nack|answered already/,
    port: (port) => {
      let newest = '';
      return {
        ...deliveries(port, (one) => {
          newest = one.token;
          return one;
        }),
        nack: async (subscription, _list, options) => await port.nack(subscription, [newest], options),
      };
    },
  },
  'forgets an extension': {
    caughtBy: 'contract: an extended lease lives as long as it was extended, and its deadline is told',
    // On a busy machine the ack may come before the message does again.
    because: /redelivered while|ack of live tokens answered expired/,
    port: () => ({ extend: async (_subscription, list) => list.map((token) => ({ token, status: 'ok' })) }),
  },
  'does not dead-letter a rejected message': {
    caughtBy: moved,
    because: /0 of 1 messages came/,
    port: (port) => ({ reject: async (subscription, list) => await port.ack(subscription, list) }),
  },
  'writes dead letters twice': {
    caughtBy: moved,
    because: /after the one dead letter/,
    driver: (driver) => ({
      publish: async (topic, sent, options) => {
        const outcomes = await driver.publish(topic, sent, options);
        if (isDead(topic.name))
          await driver.publish(
            topic,
            sent.map((one) => ({ ...one, id: `${one.id}-again` })),
            options,
          );
        return outcomes;
      },
    }),
  },
  'writes dead letters without reason and origin': {
    caughtBy: moved,
    because: /reason/,
    driver: (driver) => ({
      publish: async (topic, sent, options) =>
        await driver.publish(
          topic,
          sent.map((one) => ({ ...one, headers: one.headers.filter(({ name }) => !name.startsWith('dead-letter-')) })),
          options,
        ),
    }),
  },
  'moves a message one attempt too early': {
    caughtBy: exhausted,
    because: /0 of 1 messages came/,
    port: (port) => ({
      createSubscription: async ({ retry, ...options }) =>
        await port.createSubscription({
          ...options,
          ...(retry?.maxAttempts === undefined ? {} : { retry: { ...retry, maxAttempts: retry.maxAttempts - 1 } }),
        }),
    }),
  },
  'tries a message one time too often': {
    caughtBy: exhausted,
    because: /0 of 1 messages came/,
    port: (port) => ({
      createSubscription: async ({ retry, ...options }) =>
        await port.createSubscription({
          ...options,
          ...(retry?.maxAttempts === undefined ? {} : { retry: { ...retry, maxAttempts: retry.maxAttempts + 1 } }),
        }),
    }),
  },
  'ignores the delay of a nack': {
    caughtBy: 'retry.backoff: a nack with a delay is kept to: not earlier, and then soon',
    because: /delivered while the failed one waits|came again after/,
    port: (port) => ({ nack: async (subscription, list) => await port.nack(subscription, list, { delayMs: 0 }) }),
  },
  'does not let the back-off grow': {
    caughtBy:
      'retry.backoff: without a delay of its own a failed message waits minBackoffMs, then twice that, up to maxBackoffMs',
    because: /earlier than/,
    port: (port) => ({
      createSubscription: async ({ retry, ...options }) =>
        await port.createSubscription({
          ...options,
          ...(retry?.minBackoffMs === undefined ? {} : { retry: { ...retry, maxBackoffMs: retry.minBackoffMs } }),
        }),
    }),
  },

  // ---------------------------------------------------------------------------------------- hands out wrongly
  'goes on delivering to a closed consumer': {
    caughtBy: 'contract: a closed consumer gives back what it holds and gets nothing more',
    because: /messages came|closed consumer/,
    port: (port) => consumers(port, () => ({ close: async () => undefined })),
  },
  'ignores credit': {
    caughtBy: 'contract: a consumer never holds more messages than its credit, and settling one grants one',
    because: /credits in use/,
    port: (port) => ({
      subscribe: async (name, options) => await port.subscribe(name, { ...options, credit: { messages: 1_000 } }),
    }),
  },
  'ignores credit in bytes': {
    caughtBy: 'contract: a consumer holds at most its credit of bytes, but for the message that crosses it',
    because: /are held/,
    port: (port) => ({
      subscribe: async (name, options) =>
        await port.subscribe(name, { ...options, credit: { messages: options.credit.messages } }),
    }),
  },
  'ignores maxInFlight': {
    caughtBy: 'contract: a subscription never has more in flight than its maxInFlight, however many consumers',
    because: /outstanding/,
    port: (port) => ({
      createSubscription: async (options) => await port.createSubscription({ ...options, maxInFlight: {} }),
    }),
  },
  'gives competing consumers everything': {
    caughtBy: shared,
    because: /hold at once/,
    port: (port) => {
      const members = new Map<string, number>();
      return {
        createSubscription: async (options) => {
          await port.createSubscription({ ...options, name: `${options.name}-2`, onExhausted: 'drop' });
          return await port.createSubscription(options);
        },
        subscribe: async (name, options) => {
          members.set(name, (members.get(name) ?? 0) + 1);
          return await port.subscribe(members.get(name) === 2 ? `${name}-2` : name, options);
        },
      };
    },
  },
  'feeds only the first consumer': {
    caughtBy: shared,
    because: /0 of 10 messages came/,
    port: (port) => {
      const fed = new Set<string>();
      return {
        subscribe: async (name, options) => {
          const consumer = await port.subscribe(name, options);
          if (!fed.has(name)) {
            fed.add(name);
            return consumer;
          }
          return alter<Consumer>(consumer, {
            pull: async ({ waitMs }) => await new Promise((resolve) => setTimeout(() => resolve([]), waitMs)),
          });
        },
      };
    },
  },
  'shares one queue among all subscriptions of a topic': {
    caughtBy: 'contract: each of two subscriptions gets every message, at its own pace',
    because: /of 20 messages came/,
    port: (port) => {
      const first = new Map<string, string>();
      const real = new Map<string, string>();
      const queue = (name: string): string => real.get(name) ?? name;
      return {
        createSubscription: async (options) => {
          first.set(options.topic, first.get(options.topic) ?? options.name);
          real.set(options.name, first.get(options.topic) as string);
          return await port.createSubscription(options);
        },
        subscribe: async (name, options) => await port.subscribe(queue(name), options),
      };
    },
  },
  'mixes topics': {
    caughtBy: 'contract: topics are apart: a subscription gets nothing of another topic',
    because: /never sent|after all|lost/,
    port: (port) => ({
      publish: async (topic, list, options) => {
        for (const { name } of await port.listTopics()) if (name !== topic) await port.publish(name, list, options);
        return await port.publish(topic, list, options);
      },
    }),
  },
  'gives a latest subscription what was before': {
    caughtBy: 'contract: a subscription that starts at the latest gets what comes after it, and nothing from before',
    because: /lost|never sent|after all/,
    port: (port) => ({
      createSubscription: async (options) => await port.createSubscription({ ...options, start: 'earliest' }),
    }),
  },
  'gives a late subscriber nothing': {
    caughtBy:
      'subscribe.late: a subscription made later starts with the oldest kept message, and takes nothing from others',
    because: /0 of 20 messages came/,
    port: (port) => ({
      createSubscription: async (options) => await port.createSubscription({ ...options, start: 'latest' }),
    }),
  },
  'wakes no waiting pull': {
    caughtBy: 'contract: a pull answers at once with waitMs 0, waits when told to, and is woken by a message',
    because: /what woke the pull|not when its time is over/,
    port: (port) =>
      consumers(port, (consumer) => ({
        pull: async (options) => {
          const now = await consumer.pull({ ...options, waitMs: 0 });
          if (now.length === 0) await new Promise((resolve) => setTimeout(resolve, options.waitMs));
          return now.length > 0 ? now : await consumer.pull({ ...options, waitMs: 0 });
        },
      })),
  },
  'never waits in a pull': {
    caughtBy: 'contract: a pull answers at once with waitMs 0, waits when told to, and is woken by a message',
    because: /told to wait/,
    port: (port) =>
      consumers(port, (consumer) => ({ pull: async (options) => await consumer.pull({ ...options, waitMs: 0 }) })),
  },

  // ---------------------------------------------------------------------------------------- time and replay
  'delivers a delayed message at once': {
    caughtBy: 'delay: a delayed message comes when it is due, not earlier, and holds up nobody',
    because: /delivered first/,
    driver: (driver) => outgoing(driver, (sent) => sent.map(({ delayMs: _ignored, ...one }) => one)),
  },
  'accepts a delay that it does not support': {
    caughtBy: 'delay: a delayed message comes when it is due, not earlier, and holds up nobody',
    because: /it succeeded/,
    without: ['delay'],
    port: (port) => ({
      publish: async (topic, list, options) =>
        await port.publish(
          topic,
          list.map(({ delayMs: _ignored, ...one }) => one),
          options,
        ),
    }),
  },
  'delivers expired messages': {
    caughtBy: 'ttl.message: an expired message is not delivered, and one that has time is',
    because: /after all 2 messages|lost/,
    driver: (driver) => outgoing(driver, (sent) => sent.map(({ ttlMs: _ignored, ...one }) => one)),
  },
  'ignores priority': {
    caughtBy: 'priority: of messages that wait, those with a higher priority come first',
    because: /out of order/,
    driver: (driver) => outgoing(driver, (sent) => sent.map(({ priority: _ignored, ...one }) => one)),
  },
  'does nothing on a seek': {
    caughtBy: 'replay.earliest: a seek to the earliest delivers everything again, and old tokens are void',
    because: /token from before the seek/,
    port: () => ({ seek: async () => undefined }),
  },
  'leaves the tokens of before a seek alive': {
    caughtBy: 'replay.earliest: a seek to the earliest delivers everything again, and old tokens are void',
    because: /token from before the seek/,
    port: (port) => ({
      ack: async (...call) =>
        (await port.ack(...call)).map((one) => (one.status === 'expired' ? { ...one, status: 'ok' } : one)),
    }),
  },
  'replays one message too few': {
    caughtBy: offsets,
    because: /messages came/,
    port: (port) => ({
      seek: async (name, to) => {
        const at = typeof to === 'object' && 'offsets' in to ? { offsets: { 0: (to.offsets['0'] ?? 0) + 1 } } : to;
        await port.seek(name, at);
      },
    }),
  },
  'replays one message too many': {
    caughtBy: offsets,
    because: /after all|lost|never sent/,
    port: (port) => ({
      seek: async (name, to) => {
        const at =
          typeof to === 'object' && 'offsets' in to ? { offsets: { 0: Math.max(0, (to.offsets['0'] ?? 0) - 1) } } : to;
        await port.seek(name, at);
      },
    }),
  },
  'misses the message at the very time of a seek': {
    caughtBy: 'replay.timestamp: a seek or a start at a time delivers exactly the messages of that time and after',
    because: /messages came/,
    port: (port) => ({
      seek: async (name, to) =>
        await port.seek(name, typeof to === 'object' && 'timestampMs' in to ? { timestampMs: to.timestampMs + 1 } : to),
    }),
  },
  'accepts a seek that it does not support': {
    caughtBy: 'replay.earliest: a seek to the earliest delivers everything again, and old tokens are void',
    because: /it succeeded/,
    without: ['replay.earliest'],
    port: () => ({ seek: async () => undefined }),
  },
  'removes what is browsed': {
    caughtBy: 'browse: any part of a topic can be read without a subscription and without removing it',
    because: /the second read/,
    port: (port) => {
      const read = new Map<string, number>();
      return {
        read: async (topic, partition, from, limit) => {
          const place = `${topic}/${partition}`;
          const result = await port.read(
            topic,
            partition,
            from === 'earliest' ? (read.get(place) ?? from) : from,
            limit,
          );
          read.set(place, result.next);
          return result;
        },
      };
    },
  },
  'tells a lag of 0': {
    caughtBy: 'lag: the lag is the number of messages that are not settled',
    because: /after 9 publishes/,
    port: () => ({ lag: async () => ({ partitions: [], total: 0 }) }),
  },

  // ---------------------------------------------------------------------------------------- two processes
  'keeps its definitions to itself': {
    caughtBy: 'contract: topics and subscriptions of one process are those of every other, and so is their end',
    because: /as the other process sees/,
    driver: (driver) => ({
      openMeta: async (apply) => ({
        refresh: async () => undefined,
        put: async (key, value) => apply(key, value),
      }),
      capabilities: () => driver.capabilities(),
    }),
  },
  'keeps for itself what a closed port held': {
    caughtBy:
      'ack.redelivery: what a process holds when it closes goes to another one, with nothing lost and nothing settled twice',
    because: /0 of 8 messages came/,
    port: () => ({ close: async () => undefined }),
  },
  'gives each process everything': {
    caughtBy:
      'consume.competing: two processes share a subscription: together they acknowledge each message, and each once',
    because: /duplicated|nothing may come/,
    port: (port) => {
      let own = '';
      return {
        subscribe: async (name, options) => {
          const { topic } = await port.describeSubscription(name);
          own = `${name}-${randomUUID()}`;
          await port.createSubscription({ name: own, topic, onExhausted: 'drop' });
          return await port.subscribe(own, options);
        },
        ack: async (_name, list) => await port.ack(own, list),
      };
    },
  },

  'takes the tokens of another process': {
    caughtBy: 'contract: a token of one process is no good in another, and its lease is not disturbed by it',
    because: /ack in the other process/,
    port: (port) => ({ ack: async (...call) => allOk(await port.ack(...call)) }),
  },

  // ---------------------------------------------------------------------------------------- promises too much
  'counts messages in flight, not bytes': {
    caughtBy:
      'contract: a subscription has no more bytes in flight than its maxInFlight, but for the message that crosses it',
    because: /messages of 400 bytes are out/,
    port: (port) => ({
      createSubscription: async ({ maxInFlight: _ignored, ...options }) => await port.createSubscription(options),
    }),
  },
  'lets a held message hold up its key where nobody asked for order': {
    caughtBy: 'contract: without ordering a message that is held holds up nobody, not even of its own key',
    because: /1 of 20 messages came/,
    port: (port) => ({
      createSubscription: async (options) => await port.createSubscription({ ...options, ordering: 'key' }),
    }),
  },
  'loses what is given back while another consumer closes': {
    caughtBy: 'contract: consumers that close at the same time give everything back, and the next one gets it',
    because: /of 20 messages came/,
    port: (port) => {
      let closing = 0;
      return consumers(port, (consumer) => {
        const held: string[] = [];
        return {
          pull: async (options) => {
            const pulled = await consumer.pull(options);
            held.push(...pulled.map(({ token }) => token));
            return pulled;
          },
          close: async () => {
            closing += 1;
            if (closing > 1) await port.ack(consumer.subscription, held);
            await consumer.close();
            closing -= 1;
          },
        };
      });
    },
  },
  'deletes the subscriptions beside the one that was named': {
    caughtBy: 'contract: a subscription that is deleted takes nothing from the others of its topic',
    because: /subscription/,
    port: (port) => ({
      deleteSubscription: async (name) => {
        const { topic } = await port.describeSubscription(name);
        for (const other of await port.listSubscriptions())
          if (other.topic === topic) await port.deleteSubscription(other.name);
      },
    }),
  },
  'publishes to an unknown topic with success': {
    caughtBy: 'contract: an unknown topic is answered topic_not_found within a second, whatever is asked of it',
    because: /it succeeded/,
    port: (port) => ({
      publish: async (topic, list, options) => {
        const known = (await port.listTopics()).some(({ name }) => name === topic);
        return known
          ? await port.publish(topic, list, options)
          : list.map(() => asStored({ kind: 'refused', id: 'x', error: new PortError('internal', '') }));
      },
    }),
  },
  'needs two seconds to miss a topic': {
    caughtBy: 'contract: an unknown topic is answered topic_not_found within a second, whatever is asked of it',
    because: /later than 1000 ms/,
    port: (port) => ({
      describeTopic: async (name) => {
        await new Promise((resolve) => setTimeout(resolve, 1_200));
        return await port.describeTopic(name);
      },
    }),
  },
  'creates over an existing topic of other options': {
    caughtBy:
      'contract: creating the same topic again changes nothing, creating another one under its name is already_exists',
    because: /other partitions/,
    port: (port) => ({
      createTopic: async (options) => {
        const there = (await port.listTopics()).find(({ name }) => name === options.name);
        return there === undefined ? await port.createTopic(options) : { created: false, definition: there };
      },
    }),
  },
  'empties a subscription that is created again': {
    caughtBy: 'contract: a second create of a subscription does not take away what waits for it',
    because: /0 of 5 messages came/,
    port: (port) => ({
      createSubscription: async (options) => {
        const created = await port.createSubscription(options);
        if (!created.created) await port.seek(options.name, 'latest');
        return created;
      },
    }),
  },
  'ignores unknown fields': {
    caughtBy: 'contract: unknown fields are unknown_field, values out of range invalid_argument: nothing is ignored',
    because: /misspelt/,
    port: (port) => ({
      createTopic: async ({ name, partitions }) =>
        await port.createTopic({ name, ...(partitions === undefined ? {} : { partitions }) }),
    }),
  },
  'ignores what a subscription requires': {
    caughtBy: 'contract: a subscription may require exactly the capabilities that are claimed',
    because: /requires|requirements/,
    port: (port) => ({
      createSubscription: async (options) => await port.createSubscription({ ...options, requires: [] }),
    }),
  },
  'leaves a consumer waiting when its subscription is deleted': {
    caughtBy: 'contract: a consumer whose subscription is deleted is told subscription_not_found',
    because: /it succeeded/,
    port: (port) =>
      consumers(port, (consumer) => ({ pull: async (options) => await consumer.pull(options).catch(() => []) })),
  },
  'says fsync and means memory': {
    caughtBy: 'durability.fsync: a publish that asks for "fsync" reaches at least that, or is refused',
    because: /reached "memory"/,
    driver: (driver) => ({
      capabilities: () => ({ ...driver.capabilities(), 'durability.fsync': { level: 'native', how: 'by hope' } }),
      durability: () => ({ persistence: 'memory', copies: 1 }),
    }),
  },
  'accepts more copies than it has': {
    caughtBy: 'durability.copies: a publish that asks for more copies than the topic has is refused',
    because: /it succeeded/,
    driver: () => ({ durability: () => ({ persistence: 'memory', copies: 1 }) }),
  },
  'accepts compaction and does not compact': {
    caughtBy: 'compaction: a compacted topic keeps the latest message of each key',
    because: /it succeeded/,
    without: ['compaction'],
    port: (port) => ({ createTopic: async ({ cleanup: _ignored, ...options }) => await port.createTopic(options) }),
  },
  'claims compaction and keeps every version': {
    caughtBy: 'compaction: a compacted topic keeps the latest message of each key',
    because: /messages that are kept of the keys should become 3/,
    driver: (driver) => ({
      read: async (topic, ...rest) => await driver.read({ ...topic, cleanup: 'delete' }, ...rest),
    }),
  },
  'keeps the first version of each key instead of the latest': {
    caughtBy: 'compaction: a compacted topic keeps the latest message of each key',
    because: /the latest message of each key/,
    driver: (driver) => ({
      read: async (topic, ...rest) => {
        const { messages, next } = await driver.read({ ...topic, cleanup: 'delete' }, ...rest);
        const isFirst = (message: Message, index: number): boolean =>
          messages.findIndex(({ key }) => String(key) === String(message.key)) === index;
        return { messages: messages.filter(isFirst), next };
      },
    }),
  },
  'takes messages without a key into a compacted topic': {
    caughtBy: 'compaction: a compacted topic keeps the latest message of each key',
    because: /a message without a key/,
    port: (port) => ({
      publish: async (topic, list, options) =>
        await port.publish(
          topic,
          list.map((message) => ({ key: 'made up', ...message })),
          options,
        ),
    }),
  },
  'keeps messages that are too old': {
    caughtBy: tooOld,
    because: /older than the retention are kept should become false/,
    driver: (driver) => retaining(driver, () => ({ ms: null, bytes: null })),
  },
  'removes messages before their time is over': {
    caughtBy: tooOld,
    because: /before their time is over/,
    driver: (driver) => retaining(driver, ({ bytes }) => ({ ms: null, bytes: bytes ?? 5_000 })),
  },
  'keeps messages that are too many': {
    caughtBy: tooMany,
    because: /too many are kept should become false/,
    driver: (driver) => retaining(driver, () => ({ ms: null, bytes: null })),
  },
  'removes the newest messages in place of the oldest': {
    caughtBy: tooMany,
    because: /the end of what was published/,
    driver: (driver) => ({
      read: async (topic, partition, from, limit) => {
        const { messages: all, next } = await driver.read(unlimited(topic), partition, from, limit);
        return { messages: all.slice(0, topic.retention.bytes === null ? all.length : 15), next };
      },
    }),
  },
  'accepts a retention that it does not support': {
    caughtBy: tooMany,
    because: /it succeeded/,
    without: ['ttl.retention'],
    port: (port) => ({ createTopic: async ({ retention: _ignored, ...options }) => await port.createTopic(options) }),
  },
  'goes on after it was closed': {
    caughtBy: 'contract: a closed port refuses with closed, ends its consumers, and closing again does no harm',
    because: /expected closed/,
    port: (port) => ({
      publish: async (topic, list, options) => await port.publish(topic, list, options).catch(() => []),
    }),
  },
};

export const brokenPorts: readonly BrokenPort[] = Object.entries(breaks).map(
  ([name, { caughtBy, because, without, port, driver }]) => {
    const model = new ModelDriver(without);
    const open = async (): Promise<MessagingPort> => {
      const opened = await portFromDriver(driver === undefined ? model : alter<Driver>(model, driver(model)));
      return port === undefined ? opened : alter(opened, port(opened));
    };
    return { name, caughtBy, because, open, openAnother: open };
  },
);
