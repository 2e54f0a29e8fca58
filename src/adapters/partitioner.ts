/**
 * One key, one partition number on every backend: Kafka's default partitioner for keyed messages, which is
 * `toPositive(murmur2(key)) % partitions` (Apache Kafka, `org.apache.kafka.common.utils.Utils.murmur2`; the hash is
 * Austin Appleby's MurmurHash2 with seed 0x9747b28c).
 */

const SEED = 0x9747b28c;
const MULTIPLIER = 0x5bd1e995;

export function partitionForKey(key: Uint8Array, partitions: number): number {
  return (murmur2(key) & 0x7fffffff) % partitions;
}

export function murmur2(data: Uint8Array): number {
  const length = data.length;
  let hash = SEED ^ length;
  const wordsEnd = length & ~3;
  for (let index = 0; index < wordsEnd; index += 4) {
    let word =
      (data[index] as number) |
      ((data[index + 1] as number) << 8) |
      ((data[index + 2] as number) << 16) |
      ((data[index + 3] as number) << 24);
    word = Math.imul(word, MULTIPLIER);
    word ^= word >>> 24;
    word = Math.imul(word, MULTIPLIER);
    hash = Math.imul(hash, MULTIPLIER) ^ word;
  }
  const rest = length - wordsEnd;
  if (rest >= 3) hash ^= (data[wordsEnd + 2] as number) << 16;
  if (rest >= 2) hash ^= (data[wordsEnd + 1] as number) << 8;
  if (rest >= 1) {
    hash ^= data[wordsEnd] as number;
    hash = Math.imul(hash, MULTIPLIER);
  }
  hash ^= hash >>> 13;
  hash = Math.imul(hash, MULTIPLIER);
  hash ^= hash >>> 15;
  return hash;
}

/** Messages without a key: all of one call stay together, the next call goes to the next partition. */
export class StickyPartitions {
  readonly #nextByTopic = new Map<string, number>();

  next(topic: string, partitions: number): number {
    const next = this.#nextByTopic.get(topic) ?? 0;
    this.#nextByTopic.set(topic, next + 1);
    return next % partitions;
  }

  forget(topic: string): void {
    this.#nextByTopic.delete(topic);
  }
}
