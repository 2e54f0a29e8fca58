/**
 * Definitions shared by every process on this cluster: a compacted topic of one partition, key -> JSON, followed for as long
 * as the driver is open. The end offset at the moment of `refresh` tells how far the follower must have come.
 */

import type { MetaStore } from '../driver.ts';
import { PortError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { TopicDefinition } from '../port.ts';
import { isDenied, isFault, toFault, toPortError } from './errors.ts';
import type { KafkaClient } from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { listOffsets } from './patience.ts';
import type { Producer } from './producer.ts';
import { fetchPartition } from './raw-reader.ts';
import type { FetchedRecord } from './record-batch.ts';
import { createTopic } from './topics.ts';

export const META_TOPIC = 'sluice.meta';
const PARTITION = 0;

interface Waiter {
  readonly offset: number;
  readonly resolve: () => void;
  readonly reject: (error: PortError) => void;
  readonly timer: NodeJS.Timeout;
}

export class MetaTopic implements MetaStore {
  readonly #client: KafkaClient;
  /** A connection of its own: the follower's long fetch holds up what comes after it. */
  readonly #followerClient: KafkaClient;
  readonly #producer: Producer;
  readonly #apply: (key: string, value: string | null) => void;
  readonly #waiters = new Set<Waiter>();
  #next = 0;
  #isClosed = false;

  constructor(
    client: KafkaClient,
    followerClient: KafkaClient,
    producer: Producer,
    apply: (key: string, value: string | null) => void,
  ) {
    this.#client = client;
    this.#followerClient = followerClient;
    this.#producer = producer;
    this.#apply = apply;
  }

  /** Resolves when the topic exists and every entry was applied. */
  static async open(options: {
    readonly client: KafkaClient;
    readonly followerClient: KafkaClient;
    readonly producer: Producer;
    readonly replicas: number;
    readonly apply: (key: string, value: string | null) => void;
  }): Promise<MetaTopic> {
    const meta = new MetaTopic(options.client, options.followerClient, options.producer, options.apply);
    // Made by somebody with the right to, it may be used by those who have it not.
    const isThere = (await options.client.metadata([META_TOPIC]).catch(() => null))?.has(META_TOPIC) === true;
    if (!isThere) await createTopic(options.client, metaTopicDefinition(options.replicas));
    meta.#next = (await listOffsets(options.client, META_TOPIC, [PARTITION], 'earliest')).get(PARTITION) ?? 0;
    void meta.#follow();
    await meta.refresh();
    return meta;
  }

  async refresh(): Promise<void> {
    const end = await listOffsets(this.#client, META_TOPIC, [PARTITION], 'latest').catch((reason: unknown) => {
      throw toPortError(reason, 'reading the definitions');
    });
    await this.#applied(end.get(PARTITION) ?? 0);
  }

  async put(key: string, value: string | null): Promise<void> {
    const record = {
      key: Buffer.from(key),
      value: value === null ? null : Buffer.from(value),
      headers: [],
      timestampMs: Date.now(),
    };
    const [outcome] = await this.#producer.publish(META_TOPIC, [{ partition: PARTITION, record }], undefined);
    if (outcome?.kind !== 'stored') throw outcome?.error ?? new PortError('internal', 'a definition was not answered');
    await this.#applied(outcome.offset + 1);
  }

  close(): void {
    this.#isClosed = true;
    this.#fail(new PortError('closed', 'the port was closed'));
  }

  #fail(error: PortError): void {
    for (const waiter of this.#waiters) {
      clearTimeout(waiter.timer);
      waiter.reject(error);
    }
    this.#waiters.clear();
  }

  /** Resolves when everything below the offset was handed to `apply`. */
  async #applied(offset: number): Promise<void> {
    if (this.#next >= offset) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.delete(waiter);
        reject(new PortError('backend_unavailable', `the definitions in "${META_TOPIC}" could not be read in time`));
      }, limits.adminTimeoutMs);
      const waiter = { offset, resolve, reject, timer };
      this.#waiters.add(waiter);
    });
  }

  async #follow(): Promise<void> {
    while (!this.#isClosed) {
      try {
        const answer = await fetchPartition(
          this.#followerClient,
          META_TOPIC,
          PARTITION,
          this.#next,
          kafkaLimits.metaWaitMs,
        );
        for (const record of answer.records) this.#applyRecord(record);
        this.#next = answer.nextOffset;
        this.#wake();
      } catch (reason) {
        if (this.#isClosed) return;
        if (isDenied(toFault(reason).type)) this.#fail(toPortError(reason, 'reading the definitions'));
        await this.#recover(reason);
      }
    }
  }

  /** The log begins later than we read (compaction took its start) or ends earlier (it was made anew): from its start again. */
  async #recover(reason: unknown): Promise<void> {
    if (isFault(toFault(reason), 'OFFSET_OUT_OF_RANGE')) {
      const earliest = await listOffsets(this.#client, META_TOPIC, [PARTITION], 'earliest').catch(() => null);
      this.#next = earliest?.get(PARTITION) ?? this.#next;
    }
    await new Promise((resolve) => setTimeout(resolve, kafkaLimits.rejoinDelayMs));
    // Leaders may have moved; if nobody answers, the next round asks again.
    await this.#followerClient.metadata([META_TOPIC]).catch(() => undefined);
  }

  #applyRecord(record: FetchedRecord): void {
    if (record.key === null) return;
    try {
      this.#apply(record.key.toString(), record.value?.toString() ?? null);
    } catch {
      // An entry that is not ours to understand must not keep those behind it from being applied.
    }
  }

  #wake(): void {
    for (const waiter of this.#waiters) {
      if (waiter.offset > this.#next) continue;
      clearTimeout(waiter.timer);
      this.#waiters.delete(waiter);
      waiter.resolve();
    }
  }
}

function metaTopicDefinition(replicas: number): TopicDefinition {
  return {
    name: META_TOPIC,
    partitions: 1,
    retention: { ms: null, bytes: null },
    cleanup: 'compact',
    queueType: null,
    replicas,
    options: {},
  };
}
