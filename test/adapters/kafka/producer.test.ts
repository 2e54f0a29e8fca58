import { describe, expect, test } from 'vitest';
import { KafkaFault } from '../../../src/adapters/kafka/errors.ts';
import type {
  KafkaClient,
  PartitionMetadata,
  ProduceAnswer,
  ProduceBatch,
} from '../../../src/adapters/kafka/kafka-client.ts';
import { Leaders } from '../../../src/adapters/kafka/leaders.ts';
import { Producer } from '../../../src/adapters/kafka/producer.ts';
import { decodeRecords } from '../../../src/adapters/kafka/record-batch.ts';

type Behaviour = (batches: readonly ProduceBatch[], call: number) => Promise<readonly (string | null)[]>;

/** Before a broker's error: the batch was appended, and its confirmation failed. */
const APPENDED = 'appended:';

/** A log in memory behind the client's interface; `behave` says per batch: null stores it, a name is the broker's error. */
class MemoryBroker {
  readonly logs = new Map<string, string[]>();
  calls = 0;
  inFlight = new Set<string>();
  overlapped = false;
  isMissing = false;
  isDown = false;
  readonly #behave: Behaviour;

  constructor(behave: Behaviour = (batches) => Promise.resolve(batches.map(() => null))) {
    this.#behave = behave;
  }

  producer(): Producer {
    const client: Pick<KafkaClient, 'metadata' | 'knownPartitions' | 'produce'> = {
      metadata: (topics) => {
        if (this.isDown) return Promise.reject(new KafkaFault('unreachable', 'connect refused'));
        return Promise.resolve(new Map(this.isMissing ? [] : (topics ?? []).map((topic) => [topic, partitions])));
      },
      knownPartitions: () => ({ partitions, atMs: performance.now() }),
      produce: (_node, batches) => this.#produce(batches),
    };
    return new Producer(client as KafkaClient, new Leaders(client as KafkaClient));
  }

  async #produce(batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    if (this.isDown) throw new KafkaFault('unreachable', 'connect refused');
    const keys = batches.map(({ topic, partition }) => `${topic}-${partition}`);
    if (keys.some((key) => this.inFlight.has(key))) this.overlapped = true;
    for (const key of keys) this.inFlight.add(key);
    this.calls += 1;
    try {
      await new Promise((resolve) => setTimeout(resolve, 1));
      const errors = await this.#behave(batches, this.calls);
      return batches.map((batch, index) => this.#answer(batch, errors[index] ?? null));
    } finally {
      for (const key of keys) this.inFlight.delete(key);
    }
  }

  #answer({ topic, partition, bytes }: ProduceBatch, type: string | null): ProduceAnswer {
    if (type !== null && !type.startsWith(APPENDED)) return { topic, partition, type, baseOffset: -1 };
    const log = this.logs.get(`${topic}-${partition}`) ?? [];
    this.logs.set(`${topic}-${partition}`, log);
    const baseOffset = log.length;
    for (const { value } of decodeRecords(bytes, 0, []).records) log.push(String(value));
    return { topic, partition, type: type?.slice(APPENDED.length) ?? null, baseOffset };
  }
}

const partitions: PartitionMetadata[] = [0, 1, 2].map((partition) => ({
  partition,
  leader: 1,
  replicas: [1],
  inSync: [1],
}));

function message(value: string, partition = 0) {
  return { partition, record: { key: null, value: Buffer.from(value), headers: [], timestampMs: 1 } };
}

describe('the producer', () => {
  test('a leader that steps down after it appended a batch: its fate is unknown, and it is not sent again', async () => {
    const broker = new MemoryBroker((batches, call) =>
      Promise.resolve(batches.map(() => (call === 1 ? `${APPENDED}NOT_LEADER_FOR_PARTITION` : null))),
    );
    const producer = broker.producer();
    const [outcome] = await producer.publish('t', [message('a')], undefined);
    expect(outcome).toMatchObject({ kind: 'unknown', error: { code: 'publish_outcome_unknown' } });
    await expect(producer.publish('t', [message('b')], undefined)).resolves.toMatchObject([{ kind: 'stored' }]);
    expect(broker.logs.get('t-0')).toEqual(['a', 'b']);
  });

  test('a leader that steps down before it appended a batch: it is sent again, and stored once', async () => {
    const broker = new MemoryBroker((batches, call) =>
      Promise.resolve(batches.map(() => (call === 1 ? 'NOT_LEADER_FOR_PARTITION' : null))),
    );
    const producer = broker.producer();
    await expect(producer.publish('t', [message('a')], undefined)).resolves.toMatchObject([{ kind: 'stored' }]);
    expect(broker.logs.get('t-0')).toEqual(['a']);
  });

  test('gives each message its offset, one batch of a partition in flight, many publishes a batch', async () => {
    const broker = new MemoryBroker();
    const producer = broker.producer();
    const outcomes = await Promise.all(
      Array.from({ length: 3_000 }, (_, index) => producer.publish('t', [message(`m${index}`, index % 3)], undefined)),
    );
    outcomes.forEach(([outcome], index) => {
      expect(outcome).toMatchObject({ kind: 'stored' });
      if (outcome?.kind === 'stored') expect(broker.logs.get(`t-${index % 3}`)?.[outcome.offset]).toBe(`m${index}`);
    });
    expect(broker.overlapped).toBe(false);
    expect(broker.calls).toBeLessThan(20);
  });

  test('tries again what the broker did not store, and keeps the order', async () => {
    const broker = new MemoryBroker((batches, call) =>
      Promise.resolve(batches.map(() => (call % 2 === 1 ? 'NOT_LEADER_FOR_PARTITION' : null))),
    );
    const producer = broker.producer();
    const publishing: Promise<unknown>[] = [];
    for (let index = 0; index < 200; index += 1) {
      publishing.push(producer.publish('t', [message(String(index))], undefined));
      if (index % 50 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await Promise.all(publishing);
    expect(broker.logs.get('t-0')).toEqual(Array.from({ length: 200 }, (_, index) => String(index)));
  });

  test("one caller's bad message does not refuse the messages of others in its batch, nor cost a request each", async () => {
    const broker = new MemoryBroker((batches) =>
      Promise.resolve(
        batches.map(({ bytes }) =>
          decodeRecords(bytes, 0, []).records.some(({ value }) => String(value) === 'bad') ? 'INVALID_TIMESTAMP' : null,
        ),
      ),
    );
    const producer = broker.producer();
    const values = Array.from({ length: 600 }, (_, index) => (index === 571 ? 'bad' : `m${index}`));
    const outcomes = await Promise.all(values.map((value) => producer.publish('t', [message(value)], undefined)));
    expect(outcomes.filter(([outcome]) => outcome?.kind === 'stored')).toHaveLength(599);
    const [refused] = outcomes[571] ?? [];
    expect(refused).toMatchObject({ kind: 'refused', error: { code: 'backend_rejected' } });
    expect(broker.logs.get('t-0')).toEqual(values.filter((value) => value !== 'bad'));
    expect(broker.calls).toBeLessThan(40);
  });

  test("keeps the partitions of a request apart: one's error is not the other's", async () => {
    const broker = new MemoryBroker((batches) =>
      Promise.resolve(batches.map(({ partition }) => (partition === 1 ? 'INVALID_RECORD' : null))),
    );
    const [first, second] = await broker.producer().publish('t', [message('a', 0), message('b', 1)], undefined);
    expect(first).toEqual({ kind: 'stored', offset: 0 });
    expect(second).toMatchObject({ kind: 'refused', error: { code: 'backend_rejected' } });
  });

  test('does not try again, but says unknown, when the connection went away after sending', async () => {
    const broker = new MemoryBroker(() => Promise.reject(new KafkaFault('lost', 'closed')));
    const [outcome] = await broker.producer().publish('t', [message('a')], undefined);
    expect(outcome).toMatchObject({ kind: 'unknown', error: { code: 'publish_outcome_unknown' } });
    expect(broker.calls).toBe(1);
  });

  test('says unknown for an error that does not tell whether it was stored', async () => {
    const broker = new MemoryBroker((batches) =>
      Promise.resolve(batches.map(() => 'NOT_ENOUGH_REPLICAS_AFTER_APPEND')),
    );
    const [outcome] = await broker.producer().publish('t', [message('a')], undefined);
    expect(outcome).toMatchObject({ kind: 'unknown' });
  });

  test('refuses within two seconds while nobody can be reached, and stores again afterwards', async () => {
    const broker = new MemoryBroker();
    const producer = broker.producer();
    broker.isDown = true;
    const startMs = performance.now();
    const [outcome] = await producer.publish('t', [message('a')], undefined);
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'backend_unavailable' } });
    expect(performance.now() - startMs).toBeLessThan(2_500);
    broker.isDown = false;
    expect(await producer.publish('t', [message('b')], undefined)).toEqual([{ kind: 'stored', offset: 0 }]);
  });

  test('refuses a topic that is gone in under a second', async () => {
    const broker = new MemoryBroker((batches) => Promise.resolve(batches.map(() => 'UNKNOWN_TOPIC_OR_PARTITION')));
    broker.isMissing = true;
    const startMs = performance.now();
    const [outcome] = await broker.producer().publish('t', [message('a')], undefined);
    expect(outcome).toMatchObject({ kind: 'refused', error: { code: 'topic_not_found' } });
    expect(performance.now() - startMs).toBeLessThan(1_000);
  });

  test('halves a batch that is too large, down to the message that is', async () => {
    const broker = new MemoryBroker((batches) =>
      Promise.resolve(batches.map(({ bytes }) => (bytes.length > 400 ? 'MESSAGE_TOO_LARGE' : null))),
    );
    const values = ['a', 'b'.repeat(500), 'c', 'd'];
    const outcomes = await broker.producer().publish(
      't',
      values.map((value) => message(value)),
      undefined,
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'refused', 'stored', 'stored']);
    expect(outcomes[1]).toMatchObject({ error: { code: 'message_too_large' } });
    expect(broker.logs.get('t-0')).toEqual(['a', 'c', 'd']);
  });

  test('closing settles what is outstanding and refuses what comes later', async () => {
    const broker = new MemoryBroker();
    const producer = broker.producer();
    const outstanding = producer.publish('t', [message('a')], undefined);
    await producer.close(1_000);
    expect(await outstanding).toEqual([{ kind: 'stored', offset: 0 }]);
    expect(await producer.publish('t', [message('b')], undefined)).toMatchObject([
      { kind: 'refused', error: { code: 'closed' } },
    ]);
  });
});
