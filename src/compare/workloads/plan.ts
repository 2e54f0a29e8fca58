/**
 * The plan: every message of a workload (when, which key, how many bytes) decided before anything runs, from a seed.
 * Its hash is printed, so "the same work on every system" can be checked and not only claimed.
 */

import { createHash } from 'node:crypto';
import { type CoursePart, dueAtMs } from './course.ts';
import { payloadBytesMin } from './payload.ts';
import { deriveSeed, seededRandom } from './random.ts';

export interface PlanSpec {
  readonly seed: number;
  readonly messages: number;
  readonly messageBytes: number;
  /** 0: no keys. */
  readonly keys: number;
  readonly keyDistribution: 'none' | 'uniform' | 'zipf';
  /** Intended send times; null: as fast as the window allows (all 0). */
  readonly ratePerSecond: number | null;
  readonly arrival: 'uniform' | 'poisson' | 'closed-window' | 'trace';
  /** With a course the rate changes on the way, after so much of a warm-up. */
  readonly course?: readonly CoursePart[];
  readonly warmupMs?: number;
  /** Instead of `messageBytes` for all: a mix. */
  readonly sizes?: readonly SizeShare[];
}

/** This part of the messages, of 1 in all, has so many bytes. */
export interface SizeShare {
  readonly bytes: number;
  readonly part: number;
}

export interface Plan {
  readonly count: number;
  /** Milliseconds from the start, never decreasing. */
  readonly sendAtMs: Float64Array;
  /** -1: no key. */
  readonly keyIndex: Int32Array;
  /** Position of the message among those of its key, from 0. */
  readonly keySeq: Int32Array;
  readonly bytes: Int32Array;
  readonly keyNames: readonly string[];
  /** By message; only traces have any. */
  readonly headers: readonly (Headers | undefined)[];
  /** Sum of `bytes`. */
  readonly payloadBytes: number;
  /** sha256 over times, keys and sizes. */
  readonly hash: string;
}

export type Headers = Readonly<Record<string, string>>;

export interface PlannedMessage {
  readonly atMs: number;
  readonly key: string | null;
  readonly bytes: number;
  readonly headers?: Headers;
}

const zipfExponent = 1.2;

/** The same spec gives the same plan, byte for byte. */
export function planFromSpec(spec: PlanSpec): Plan {
  const random = seededRandom(spec.seed);
  const pickKey = keyPicker(spec, random);
  const sendAtMs = new Float64Array(spec.messages);
  const keyIndex = new Int32Array(spec.messages);
  const bytes = sizesOf(spec);
  const meanGapMs = spec.ratePerSecond === null ? 0 : 1000 / spec.ratePerSecond;
  let atMs = 0;
  for (let i = 0; i < spec.messages; i++) {
    sendAtMs[i] = spec.arrival === 'poisson' ? atMs : i * meanGapMs;
    atMs += -Math.log(1 - random()) * meanGapMs;
    keyIndex[i] = pickKey();
  }
  const { course, ratePerSecond, warmupMs = 0 } = spec;
  if (course !== undefined && ratePerSecond !== null) {
    // So many random arrivals in a time that is fixed: spread over it, none is left over for the end.
    const perMessage = spec.arrival === 'poisson' ? spec.messages / Math.max(atMs, meanGapMs) : 1 / meanGapMs;
    for (let i = 0; i < spec.messages; i++)
      sendAtMs[i] = dueAtMs({ warmupMs, ratePerSecond, parts: course }, (sendAtMs[i] as number) * perMessage);
  }
  const keyNames = Array.from({ length: spec.keys }, (_, i) => `key-${i}`);
  return finishPlan({ sendAtMs, keyIndex, bytes, keyNames, headers: [] });
}

/** A plan from recorded messages; `speed` 2 halves every gap. Sizes below the payload header are raised to it. */
export function planFromMessages(messages: readonly PlannedMessage[], speed: number): Plan {
  const ordered = messages.toSorted((a, b) => a.atMs - b.atMs);
  const firstMs = ordered[0]?.atMs ?? 0;
  const indexOf = new Map<string, number>();
  const sendAtMs = Float64Array.from(ordered, (message) => (message.atMs - firstMs) / speed);
  const bytes = Int32Array.from(ordered, (message) => Math.max(message.bytes, payloadBytesMin));
  const keyIndex = Int32Array.from(ordered, (message) => {
    if (message.key === null) return -1;
    const known = indexOf.get(message.key);
    if (known !== undefined) return known;
    indexOf.set(message.key, indexOf.size);
    return indexOf.size - 1;
  });
  const headers = ordered.map((message) => message.headers);
  return finishPlan({ sendAtMs, keyIndex, bytes, keyNames: [...indexOf.keys()], headers });
}

/** One hash for several plans, in the order given. */
export function hashOfPlans(hashes: readonly string[]): string {
  return createHash('sha256').update(hashes.join('\n')).digest('hex');
}

function finishPlan(columns: Pick<Plan, 'sendAtMs' | 'keyIndex' | 'bytes' | 'keyNames' | 'headers'>): Plan {
  const { sendAtMs, keyIndex, bytes, keyNames, headers } = columns;
  const keySeq = new Int32Array(keyIndex.length);
  const nextOfKey = new Int32Array(keyNames.length + 1);
  let payloadBytes = 0;
  for (let i = 0; i < keyIndex.length; i++) {
    // Messages without a key are numbered together, in the last slot.
    const slot = keyIndex[i] === -1 ? keyNames.length : (keyIndex[i] as number);
    keySeq[i] = nextOfKey[slot] as number;
    nextOfKey[slot] = (nextOfKey[slot] as number) + 1;
    payloadBytes += bytes[i] as number;
  }
  const hash = createHash('sha256');
  for (const column of [sendAtMs, keyIndex, bytes])
    hash.update(new Uint8Array(column.buffer, column.byteOffset, column.byteLength));
  hash.update(JSON.stringify([keyNames, headers]));
  return { ...columns, count: keyIndex.length, keySeq, payloadBytes, hash: hash.digest('hex') };
}

/** From numbers of their own, so that a mix of sizes leaves times and keys as they are. */
function sizesOf({ seed, messages, messageBytes, sizes }: PlanSpec): Int32Array {
  const bytes = new Int32Array(messages).fill(Math.max(messageBytes, payloadBytesMin));
  if (sizes === undefined) return bytes;
  const random = seededRandom(deriveSeed(seed, 'sizes'));
  return bytes.map(() => {
    let left = random();
    const drawn = sizes.find(({ part }) => (left -= part) < 0) ?? sizes.at(-1);
    return Math.max(drawn?.bytes ?? messageBytes, payloadBytesMin);
  });
}

function keyPicker(spec: PlanSpec, random: () => number): () => number {
  if (spec.keys === 0 || spec.keyDistribution === 'none') return () => -1;
  if (spec.keyDistribution === 'uniform') return () => Math.floor(random() * spec.keys);
  const cumulative = new Float64Array(spec.keys);
  let total = 0;
  for (let i = 0; i < spec.keys; i++) {
    total += 1 / (i + 1) ** zipfExponent;
    cumulative[i] = total;
  }
  return () => firstAtLeast(cumulative, random() * total);
}

function firstAtLeast(ascending: Float64Array, wanted: number): number {
  let low = 0;
  let high = ascending.length - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((ascending[middle] as number) < wanted) low = middle + 1;
    else high = middle;
  }
  return low;
}
