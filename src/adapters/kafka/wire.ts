/**
 * Bodies of the two requests that carry records. All partitions' answers are kept apart, where kafkajs would throw the
 * first one's error for the whole request.
 */

import type { FetchAnswer, ProduceAnswer, ProduceBatch } from './kafka-client.ts';
import { internals } from './kafkajs-internals.ts';
import { decodeRecords } from './record-batch.ts';

const ACKS_ALL = -1;

const names = new Map(internals.protocolErrors.errorCodes.map(({ code, type }) => [code, type]));
names.set(87, 'INVALID_RECORD');

/** The broker's name of an error code; kafkajs' spelling where it has one. */
export function errorName(code: number): string {
  return names.get(code) ?? `ERROR_${code}`;
}

export function groupBy<T, K>(items: Iterable<T>, keyOf: (item: T) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

/**
 * Versions 3 to 7:  transactional id (null) | acks | timeout ms | topics: name | partitions: number | batch, with its size
 */
export function encodeProduceRequest(batches: readonly ProduceBatch[], timeoutMs: number): Buffer {
  const topics = groupBy(batches, ({ topic }) => topic);
  let capacity = 12;
  for (const topic of topics.keys()) capacity += 6 + Buffer.byteLength(topic);
  for (const { bytes } of batches) capacity += 8 + bytes.length;
  const out = Buffer.allocUnsafe(capacity);
  let at = out.writeInt16BE(-1, 0);
  at = out.writeInt16BE(ACKS_ALL, at);
  at = out.writeInt32BE(timeoutMs, at);
  at = out.writeInt32BE(topics.size, at);
  for (const [topic, ofTopic] of topics) {
    at = out.writeInt16BE(Buffer.byteLength(topic), at);
    at += out.write(topic, at);
    at = out.writeInt32BE(ofTopic.length, at);
    for (const { partition, bytes } of ofTopic) {
      at = out.writeInt32BE(partition, at);
      at = out.writeInt32BE(bytes.length, at);
      at += bytes.copy(out, at);
    }
  }
  return out.subarray(0, at);
}

/** topics: name | partitions: number | error | base offset | append time | from version 5: log start offset */
export function decodeProduceAnswer(payload: Buffer, version: number): readonly ProduceAnswer[] {
  const reader = new WireReader(payload);
  const answers: ProduceAnswer[] = [];
  for (let topics = reader.int32(); topics > 0; topics -= 1) {
    const topic = reader.string();
    for (let partitions = reader.int32(); partitions > 0; partitions -= 1) {
      const partition = reader.int32();
      const code = reader.int16();
      const baseOffset = reader.int64();
      reader.int64();
      if (version >= 5) reader.int64();
      answers.push({ topic, partition, type: code === 0 ? null : errorName(code), baseOffset });
    }
  }
  return answers;
}

/**
 * throttle ms | from 7: error, session | topics: name | partitions: number | error | high watermark | last stable offset |
 * from 5: log start offset | aborted transactions: producer id, first offset | from 11: preferred replica | batches, with size
 */
export function decodeFetchAnswer(
  payload: Buffer,
  version: number,
  askedOffset: (topic: string, partition: number) => number,
): readonly FetchAnswer[] {
  const reader = new WireReader(payload);
  reader.int32();
  if (version >= 7) {
    reader.int16();
    reader.int32();
  }
  const answers: FetchAnswer[] = [];
  for (let topics = reader.int32(); topics > 0; topics -= 1) {
    const topic = reader.string();
    for (let partitions = reader.int32(); partitions > 0; partitions -= 1) {
      const partition = reader.int32();
      const code = reader.int16();
      const highWatermark = reader.int64();
      const lastStableOffset = reader.int64();
      if (version >= 5) reader.int64();
      const aborted: { producerId: bigint; firstOffset: number }[] = [];
      for (let count = reader.int32(); count > 0; count -= 1) {
        aborted.push({ producerId: reader.bigint64(), firstOffset: reader.int64() });
      }
      if (version >= 11) reader.int32();
      const bytes = reader.bytes();
      const { records, nextOffset } = decodeRecords(bytes, askedOffset(topic, partition), aborted);
      const endOffset = lastStableOffset >= 0 ? lastStableOffset : highWatermark;
      const type = code === 0 ? null : errorName(code);
      answers.push({ topic, partition, type, endOffset, records, nextOffset, bytes: bytes.length });
    }
  }
  return answers;
}

class WireReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }

  int32(): number {
    this.#at += 4;
    return this.#bytes.readInt32BE(this.#at - 4);
  }

  bigint64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigInt64BE(this.#at - 8);
  }

  int64(): number {
    return Number(this.bigint64());
  }

  string(): string {
    const length = this.int16();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }

  bytes(): Buffer {
    const length = Math.max(0, this.int32());
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }
}
