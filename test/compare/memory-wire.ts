/** A wire in memory that can be wrong in one way each: what a scenario must notice. */

import type { SendResult, Wire, WireDelivery, WireMessage } from '../../src/compare/systems/wire.ts';

export type Lie =
  | 'none'
  | 'drops one'
  | 'doubles one'
  | 'swaps two'
  | 'answers out of order'
  | 'forgets headers'
  | 'acks what is large and drops it'
  | 'loses rejected ones'
  | 'ignores priority'
  | 'loses the last acked when it is killed';

interface Stored extends WireMessage {
  readonly offset: number;
}

interface Reader {
  readonly topic: string;
  readonly waiting: Stored[];
  wake: () => void;
}

const victim = 20;
const large = 1024 * 1024;
const lostAtKill = 3;

export interface MemoryWire extends Wire {
  /** As a kill and a restart: readers keep what waits for them, but for what the lie takes. */
  readonly killAndStart: () => void;
}

/** One partition for each topic; a subscription is a list of what waits. */
export function memoryWire(lie: Lie): MemoryWire {
  const logs = new Map<string, Stored[]>();
  const readers = new Map<string, Reader>();
  let published = 0;

  const store = (topic: string, message: WireMessage) => {
    published++;
    const isVictim = published === victim;
    if (isVictim && lie === 'drops one') return;
    if (lie === 'acks what is large and drops it' && message.value.length > large) return;
    const log = logs.get(topic) ?? [];
    const stored = { ...message, offset: log.length };
    log.push(stored);
    logs.set(topic, log);
    for (const reader of readers.values()) {
      if (reader.topic !== topic) continue;
      reader.waiting.push(stored);
      if (isVictim && lie === 'doubles one') reader.waiting.push(stored);
      if (isVictim && lie === 'swaps two') reader.waiting.splice(-2, 2, ...reader.waiting.slice(-2).toReversed());
      if (message.priority !== undefined && lie !== 'ignores priority')
        reader.waiting.sort((a, b) => (b.priority ?? 0) - (a.priority ?? 0) || a.offset - b.offset);
      reader.wake();
    }
  };
  const readerOf = (name: string): Reader => {
    const reader = readers.get(name);
    if (reader === undefined) throw new Error(`no subscription ${name}`);
    return reader;
  };

  return {
    system: 'kafka',
    name: 'kafka',
    layer: 'port',
    product: 'memory',
    version: '4.3',
    capabilities: null,
    durability: { persistence: 'memory', copies: 1 },
    configuration: {},
    publishModes: ['default'],
    createTopic: (name) => Promise.resolve(void logs.set(name, [])),
    deleteTopic: () => Promise.resolve(),
    createSubscription({ name, topic, start }) {
      const waiting = start === 'earliest' ? [...(logs.get(topic) ?? [])] : [];
      readers.set(name, { topic, waiting, wake: () => {} });
      return Promise.resolve();
    },
    deleteSubscription: () => Promise.resolve(),
    deadLettersOf(name) {
      readers.set(
        `${name}.dead`,
        readers.get(`${name}.dead`) ?? { topic: `${name}.dead`, waiting: [], wake: () => {} },
      );
      return Promise.resolve(`${name}.dead`);
    },
    publisher: (topic) => {
      const answers: (() => void)[] = [];
      return Promise.resolve({
        publish(messages: readonly WireMessage[], settled: (index: number, result: SendResult) => void) {
          for (const [index, message] of messages.entries()) {
            store(topic, message);
            answers.push(() => settled(index, { fate: 'acked' }));
          }
          setImmediate(() => {
            if (lie === 'answers out of order' && answers.length > 1) answers.reverse();
            for (const answer of answers.splice(0)) answer();
          });
        },
        close: () => Promise.resolve(),
      });
    },
    consume(name, options) {
      const reader = readerOf(name);
      let isClosed = false;
      const dead = `${name}.dead`;
      const hand = (message: Stored): WireDelivery => ({
        key: message.key,
        value: message.value,
        partition: 0,
        offset: message.offset,
        attempt: 1,
        isRedelivered: false,
        headers: () => (lie === 'forgets headers' ? {} : (message.headers ?? {})),
        ack: () => {},
        nack: () => void reader.waiting.unshift(message),
        reject() {
          if (lie === 'loses rejected ones') return;
          const letters = readers.get(dead) ?? { topic: dead, waiting: [], wake: () => {} };
          letters.waiting.push({ ...message, headers: { ...message.headers, 'x-death': 'rejected' } });
          readers.set(dead, letters);
          letters.wake();
        },
      });
      const pump = () => {
        while (!isClosed && reader.waiting.length > 0) options.onDelivery(hand(reader.waiting.shift() as Stored));
      };
      reader.wake = () => setImmediate(pump);
      reader.wake();
      return Promise.resolve({
        close() {
          isClosed = true;
          return Promise.resolve();
        },
      });
    },
    seek: () => Promise.resolve(),
    close: () => Promise.resolve(),
    killAndStart() {
      if (lie !== 'loses the last acked when it is killed') return;
      for (const reader of readers.values()) reader.waiting.splice(-lostAtKill, lostAtKill);
    },
  };
}
