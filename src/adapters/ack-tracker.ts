/**
 * Per-message acknowledgement on top of a log that only knows positions: one tracker per subscription and partition, used
 * by the native and the Kafka driver. It keeps the low watermark (everything below is settled), which offsets above it are
 * settled, and how often unsettled ones were tried; and writes that into a few bytes to be stored with the watermark.
 *
 * Offsets are taken in increasing order. Offsets that the log skips (compaction, transaction markers) count as settled.
 *
 * Encoded form, all numbers unsigned varints:
 *
 *   +---------+------+  +-------------+-----------+       +----------+  +-------+----------+
 *   | version | runs |  | unsettled n | settled m | x runs| attempts |  | delta | attempts | x attempts
 *   +---------+------+  +-------------+-----------+       +----------+  +-------+----------+
 *
 * Runs start at the watermark, which is unsettled by definition (or the end). `delta` counts from the watermark.
 */

const ENCODING_VERSION = 1;

interface OffsetRange {
  readonly from: number;
  /** Exclusive. */
  readonly to: number;
}

export class AckTracker {
  /** Unsettled offsets that were taken; a Map keeps insertion order, which is offset order. */
  readonly #outstanding = new Map<number, true>();
  readonly #attempts = new Map<number, number>();
  /** Settled in an earlier life and not yet taken again. Ascending. */
  #restored: OffsetRange[] = [];
  #next: number;

  /** @param start the first offset that will be taken. */
  constructor(start: number) {
    this.#next = start;
  }

  /** The offset to fetch from next. */
  get next(): number {
    return this.#next;
  }

  /** Everything below is settled. */
  get watermark(): number {
    const lowest = this.#outstanding.keys().next();
    return lowest.done === true ? this.#firstUnsettledFrom(this.#next) : lowest.value;
  }

  /** Nothing is noted of offsets from here on. */
  get knownTo(): number {
    return Math.max(this.#next, this.#restored.at(-1)?.to ?? 0);
  }

  get outstandingCount(): number {
    return this.#outstanding.size;
  }

  /** How many offsets at or above the watermark need no delivery any more. */
  get settledAboveWatermark(): number {
    const watermark = this.watermark;
    const taken = Math.max(0, this.#next - watermark) - this.#outstanding.size;
    return this.#restored.reduce(
      (sum, { from, to }) => sum + Math.max(0, to - Math.max(from, watermark, this.#next)),
      taken,
    );
  }

  /** Whether there is nothing to write but the watermark: nothing is settled above it and nothing was tried before. */
  get isWatermarkAlone(): boolean {
    return this.#attempts.size === 0 && this.#restored.length === 0 && this.settledAboveWatermark === 0;
  }

  /** Registers a fetched offset. False when it was settled before: do not deliver it. */
  take(offset: number): boolean {
    if (offset < this.#next) throw new RangeError(`offset ${offset} taken after ${this.#next - 1}: order was lost`);
    if (offset > this.#next) this.#forgetAttempts(this.#next, offset);
    this.#next = offset + 1;
    while (this.#restored.length > 0 && (this.#restored[0] as OffsetRange).to <= offset) this.#restored.shift();
    const range = this.#restored[0];
    if (range !== undefined && range.from <= offset) return false;
    this.#outstanding.set(offset, true);
    return true;
  }

  /** Of offsets that the log skipped: nobody will be given them any more. */
  #forgetAttempts(from: number, to: number): void {
    for (const offset of this.#attempts.keys()) if (offset >= from && offset < to) this.#attempts.delete(offset);
  }

  /** False when it was not outstanding. */
  settle(offset: number): boolean {
    this.#attempts.delete(offset);
    return this.#outstanding.delete(offset);
  }

  /** Whether it needs no delivery any more, taken or not. */
  isSettled(offset: number): boolean {
    if (offset < this.#next) return !this.#outstanding.has(offset);
    return this.#restored.some(({ from, to }) => from <= offset && offset < to);
  }

  /** Settles an offset that was not taken yet: `take` will say so. False when it was taken or settled. */
  settleAhead(offset: number): boolean {
    if (offset < this.#next || this.isSettled(offset)) return false;
    this.#attempts.delete(offset);
    const ranges: { from: number; to: number }[] = [];
    for (const range of [...this.#restored, { from: offset, to: offset + 1 }].toSorted((a, b) => a.from - b.from)) {
      const last = ranges.at(-1);
      if (last !== undefined && last.to === range.from) last.to = range.to;
      else ranges.push({ ...range });
    }
    this.#restored = ranges;
    return true;
  }

  /** The log ends at `end`: what was noted of offsets from there on was lost with them, and they will be given to others.
   *  True when there was any. For a tracker of which nothing was taken yet. */
  endAt(end: number): boolean {
    const isAhead = this.#next > end || this.#restored.some(({ to }) => to > end);
    this.#next = Math.min(this.#next, end);
    this.#restored = this.#restored
      .filter(({ from }) => from < end)
      .map(({ from, to }) => ({ from, to: Math.min(to, end) }));
    for (const offset of this.#attempts.keys()) if (offset >= end) this.#attempts.delete(offset);
    return isAhead;
  }

  /** How many deliveries of this offset failed so far. */
  attemptsOf(offset: number): number {
    return this.#attempts.get(offset) ?? 0;
  }

  setAttempts(offset: number, attempts: number): void {
    this.#attempts.set(offset, attempts);
  }

  /**
   * What is settled above the watermark, in at most `maxBytes`. When it does not fit, attempts are left out first, then the
   * highest settled runs: those messages would come again, none would be lost.
   */
  encode(maxBytes = Number.POSITIVE_INFINITY): Buffer {
    const watermark = this.watermark;
    const runs = this.#runs(watermark);
    const body: number[] = [];
    let written = 0;
    for (const run of runs) {
      const before = body.length;
      pushVarint(body, run.unsettled);
      pushVarint(body, run.settled);
      if (body.length + 8 > maxBytes) {
        body.length = before;
        break;
      }
      written += 1;
    }
    const head: number[] = [ENCODING_VERSION];
    pushVarint(head, written);
    const tail: number[] = [];
    let attempts = 0;
    for (const [offset, count] of this.#attempts) {
      const before = tail.length;
      pushVarint(tail, offset - watermark);
      pushVarint(tail, count);
      if (head.length + body.length + tail.length + 4 > maxBytes) {
        tail.length = before;
        break;
      }
      attempts += 1;
    }
    const count: number[] = [];
    pushVarint(count, attempts);
    return Buffer.from([...head, ...body, ...count, ...tail]);
  }

  /** @throws RangeError when the bytes are not of this encoding. */
  static decode(watermark: number, encoded: Uint8Array): AckTracker {
    const tracker = new AckTracker(watermark);
    if (encoded.length === 0) return tracker;
    if (encoded[0] !== ENCODING_VERSION) throw new RangeError(`ack state version ${encoded[0]} is not known`);
    const reader = new VarintReader(encoded, 1);
    let position = watermark;
    for (let runs = reader.next(); runs > 0; runs -= 1) {
      position += reader.next();
      const settled = reader.next();
      if (settled > 0) tracker.#restored.push({ from: position, to: position + settled });
      position += settled;
    }
    for (let attempts = reader.next(); attempts > 0; attempts -= 1) {
      const offset = watermark + reader.next();
      tracker.#attempts.set(offset, reader.next());
    }
    return tracker;
  }

  #runs(watermark: number): { unsettled: number; settled: number }[] {
    const runs: { unsettled: number; settled: number }[] = [];
    const settledTo = (position: number, end: number): void => {
      const last = runs.at(-1);
      if (last !== undefined && end > position) last.settled += end - position;
    };
    const unsettledTo = (position: number, end: number): void => {
      if (end <= position) return;
      const last = runs.at(-1);
      if (last !== undefined && last.settled === 0) last.unsettled += end - position;
      else runs.push({ unsettled: end - position, settled: 0 });
    };
    let position = watermark;
    for (const offset of this.#outstanding.keys()) {
      settledTo(position, offset);
      unsettledTo(offset, offset + 1);
      position = offset + 1;
    }
    if (this.#next > position) {
      settledTo(position, this.#next);
      position = this.#next;
    }
    for (const range of this.#restored) {
      if (range.to <= position) continue;
      const from = Math.max(range.from, position);
      unsettledTo(position, from);
      if (runs.length > 0) settledTo(from, range.to);
      position = range.to;
    }
    if (runs.at(-1)?.settled === 0) runs.pop();
    return runs;
  }

  #firstUnsettledFrom(position: number): number {
    const range = this.#restored.find(({ from, to }) => from <= position && position < to);
    return range === undefined ? position : range.to;
  }
}

function pushVarint(out: number[], value: number): void {
  let rest = value;
  while (rest > 0x7f) {
    out.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  out.push(rest);
}

class VarintReader {
  readonly #bytes: Uint8Array;
  #position: number;

  constructor(bytes: Uint8Array, position: number) {
    this.#bytes = bytes;
    this.#position = position;
  }

  next(): number {
    let value = 0;
    for (let scale = 1; scale <= 2 ** 49; scale *= 0x80) {
      const byte = this.#bytes[this.#position];
      if (byte === undefined) throw new RangeError('ack state is cut short');
      this.#position += 1;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
    }
    throw new RangeError('ack state holds a number that is too long');
  }
}
