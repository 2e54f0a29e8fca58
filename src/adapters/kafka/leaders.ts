/** Who leads a partition, and how many copies are in sync: metadata kept for a while, asked again when it proves old. */

import { KafkaFault, toFault } from './errors.ts';
import type { KafkaClient } from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';

export class Leaders {
  readonly #client: KafkaClient;
  readonly #refreshing = new Map<string, Promise<void>>();

  constructor(client: KafkaClient) {
    this.#client = client;
  }

  /** From memory; null when it has to be asked for (`refresh`). */
  known(topic: string, partition: number): number | null {
    return this.#client.knownPartitions(topic)?.partitions[partition]?.leader ?? null;
  }

  /** The smallest in-sync set over the topic's partitions; 1 when nothing is known. Old knowledge is renewed behind the scenes. */
  copies(topic: string): number {
    const known = this.#client.knownPartitions(topic);
    if (known === null || performance.now() - known.atMs > kafkaLimits.metadataMaxAgeMs) {
      // A failure shows in the next request that needs the broker; this one only keeps a figure fresh.
      this.refresh(topic).catch(() => undefined);
    }
    if (known === null || known.partitions.length === 0) return 1;
    return Math.max(1, Math.min(...known.partitions.map(({ inSync }) => inSync.length)));
  }

  /** Shared by all who ask at the same time. Rejects with a KafkaFault; UNKNOWN_TOPIC_OR_PARTITION for a missing topic. */
  async refresh(topic: string): Promise<void> {
    const running = this.#refreshing.get(topic);
    if (running !== undefined) return await running;
    const asking = this.#ask(topic).finally(() => this.#refreshing.delete(topic));
    this.#refreshing.set(topic, asking);
    await asking;
  }

  async #ask(topic: string): Promise<void> {
    const found = await this.#client.metadata([topic]).catch((reason: unknown) => {
      const fault = toFault(reason);
      throw fault.kind === 'lost' ? new KafkaFault('unreachable', fault.message, { cause: fault }) : fault;
    });
    if (!found.has(topic)) {
      throw new KafkaFault('broker', `topic "${topic}" does not exist`, { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
    }
  }
}
