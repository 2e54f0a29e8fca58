/**
 * A high dynamic range histogram of milliseconds: every sample is counted, none is clipped, a percentile is off by at
 * most 0.8 % and the maximum is exact. Percentiles of several runs come from merged counts, never from averages.
 *
 * Buckets: microseconds; below 128 one bucket each, above that 128 buckets to every doubling.
 */

import type { HistogramData, LatencySummary } from '../report/model.ts';
import { rounded } from './spread.ts';

const bucketsPerDoubling = 128;
const bitsPerDoubling = 7;
/** 2^40 us is 12 days: nothing that is measured here lasts longer. */
const bucketCount = bucketsPerDoubling * (40 - bitsPerDoubling + 1);

export class LatencyHistogram {
  readonly #counts = new Uint32Array(bucketCount);
  #count = 0;
  #negative = 0;
  #maxMs = 0;
  #sumMs = 0;

  /** Below zero is recorded as zero and counted apart: it would mean that a clock is wrong. */
  record(ms: number): void {
    if (ms < 0) this.#negative++;
    const value = Math.max(0, ms);
    const index = bucketIndex(Math.round(value * 1000));
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#count++;
    this.#sumMs += value;
    if (value > this.#maxMs) this.#maxMs = value;
  }

  get count(): number {
    return this.#count;
  }

  merge(other: LatencyHistogram): void {
    for (let i = 0; i < bucketCount; i++) this.#counts[i] = (this.#counts[i] as number) + (other.#counts[i] as number);
    this.#count += other.#count;
    this.#negative += other.#negative;
    this.#sumMs += other.#sumMs;
    this.#maxMs = Math.max(this.#maxMs, other.#maxMs);
  }

  reset(): void {
    this.#counts.fill(0);
    this.#count = 0;
    this.#negative = 0;
    this.#sumMs = 0;
    this.#maxMs = 0;
  }

  /** The value that `fraction` of the samples do not exceed; 0 without samples. */
  percentile(fraction: number): number {
    if (this.#count === 0) return 0;
    const wanted = Math.max(1, Math.ceil(fraction * this.#count));
    let passed = 0;
    for (let i = 0; i < bucketCount; i++) {
      passed += this.#counts[i] as number;
      if (passed >= wanted) return Math.min(bucketUpperMs(i), this.#maxMs);
    }
    return this.#maxMs;
  }

  summary(): LatencySummary {
    return {
      p50: rounded(this.percentile(0.5)),
      p90: rounded(this.percentile(0.9)),
      p95: rounded(this.percentile(0.95)),
      p99: rounded(this.percentile(0.99)),
      p999: rounded(this.percentile(0.999)),
      max: rounded(this.#maxMs),
      mean: rounded(this.#count === 0 ? 0 : this.#sumMs / this.#count),
      count: this.#count,
      negative: this.#negative,
    };
  }

  /** The buckets that are not empty. */
  data(): HistogramData {
    const upperMs: number[] = [];
    const counts: number[] = [];
    for (let i = 0; i < bucketCount; i++) {
      const count = this.#counts[i] as number;
      if (count === 0) continue;
      upperMs.push(rounded(bucketUpperMs(i)));
      counts.push(count);
    }
    return { upperMs, counts };
  }
}

function bucketIndex(microseconds: number): number {
  if (microseconds < bucketsPerDoubling) return microseconds;
  const doublings = highestBit(microseconds) - bitsPerDoubling;
  const within = Math.floor(microseconds / 2 ** doublings) - bucketsPerDoubling;
  return Math.min(bucketCount - 1, bucketsPerDoubling * (doublings + 1) + within);
}

/** Exact below 2^32; above, the logarithm may be off by one only at the very edge of a doubling. */
function highestBit(value: number): number {
  return value < 2 ** 32 ? 31 - Math.clz32(value) : Math.floor(Math.log2(value));
}

function bucketUpperMs(index: number): number {
  if (index < bucketsPerDoubling) return index / 1000;
  const doublings = Math.floor(index / bucketsPerDoubling) - 1;
  const within = index % bucketsPerDoubling;
  return ((bucketsPerDoubling + within + 1) * 2 ** doublings - 1) / 1000;
}
