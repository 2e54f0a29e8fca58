/**
 * Hands out producer ids, each once for the life of the directory, and counts up their epochs. Ids are taken from the disk in
 * blocks: a crash leaves the rest of a block unused.
 *
 *   map "producers":   next -> the first id that no block has      epoch/<id> -> the epoch, where it is above 0
 */

import { EngineError } from '../errors.ts';
import { limits } from '../limits.ts';
import type { DurableMap } from '../storage/durable-map.ts';
import type { ProducerIdentity } from '../types.ts';

const NEXT = 'next';
const EPOCH_PREFIX = 'epoch/';
/** Epochs are 16 bits; after the last one a producer gets another id. */
const EPOCH_MAX = 2 ** 15 - 1;

export class ProducerIds {
  readonly #map: DurableMap;
  readonly #epochs = new Map<number, number>();
  #next: number;
  #blockEnd: number;
  #taking: Promise<void> | undefined;

  constructor(map: DurableMap) {
    this.#map = map;
    this.#blockEnd = numberOf(map.get(NEXT));
    this.#next = this.#blockEnd;
    for (const [key, value] of map.entries())
      if (key.startsWith(EPOCH_PREFIX)) this.#epochs.set(Number(key.slice(EPOCH_PREFIX.length)), numberOf(value));
  }

  /** A new producer, or the next epoch of one that began before: its older epochs are refused when this resolves. */
  async init(previous?: ProducerIdentity): Promise<ProducerIdentity> {
    if (previous === undefined) return { producerId: await this.#take(), epoch: 0 };
    const { producerId, epoch } = previous;
    if (!Number.isSafeInteger(producerId) || producerId < 0 || producerId >= this.#next || !(epoch >= 0))
      throw new EngineError('invalid_option', `producer ${producerId}, epoch ${epoch} was not given out here`);
    this.checkEpoch(producerId, epoch);
    if (epoch >= EPOCH_MAX) return { producerId: await this.#take(), epoch: 0 };
    await this.#raise(producerId, epoch + 1);
    return { producerId, epoch: epoch + 1 };
  }

  /** Throws `producer_fenced` for an epoch that is over. */
  checkEpoch(producerId: number, epoch: number): void {
    const current = this.#epochs.get(producerId);
    if (current !== undefined && epoch < current)
      throw new EngineError('producer_fenced', `producer ${producerId} has epoch ${current}; ${epoch} is over`);
  }

  async #take(): Promise<number> {
    while (this.#next >= this.#blockEnd) {
      this.#taking ??= this.#takeBlock().finally(() => {
        this.#taking = undefined;
      });
      await this.#taking;
    }
    const id = this.#next;
    this.#next += 1;
    return id;
  }

  async #takeBlock(): Promise<void> {
    const end = this.#blockEnd + limits.producerIdBlock;
    await this.#map.put(NEXT, Buffer.from(String(end)), 'fsync');
    this.#blockEnd = end;
  }

  /** Refused at once, and on the disk before anybody has the new epoch. */
  async #raise(producerId: number, epoch: number): Promise<void> {
    this.#epochs.delete(producerId);
    this.#epochs.set(producerId, epoch);
    for (const oldest of this.#epochs.keys()) {
      if (this.#epochs.size <= limits.producerEpochsMax) break;
      this.#epochs.delete(oldest);
      void this.#map.put(EPOCH_PREFIX + oldest, null, 'os').catch(() => undefined); // forgotten at the next open, then
    }
    await this.#map.put(EPOCH_PREFIX + producerId, Buffer.from(String(epoch)), 'fsync');
  }
}

function numberOf(bytes: Buffer | undefined): number {
  return bytes === undefined ? 0 : Number(bytes.toString());
}
