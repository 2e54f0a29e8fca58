/** The same seed is the same work, and a payload tells where it came from or is not believed. */

import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  hashOfPlans,
  PayloadCodec,
  payloadBytesMin,
  planFromMessages,
  planFromSpec,
  repeatsOf,
  seededRandom,
  shuffled,
  workloadsOf,
} from '../../src/compare/workloads/index.ts';

const spec = {
  seed: 11,
  messages: 2_000,
  messageBytes: 100,
  keys: 50,
  keyDistribution: 'zipf',
  ratePerSecond: 1_000,
  arrival: 'poisson',
} as const;

describe('a plan', () => {
  test('is the same for the same seed, and another for another', () => {
    expect(planFromSpec(spec).hash).toBe(planFromSpec(spec).hash);
    expect(planFromSpec({ ...spec, seed: 12 }).hash).not.toBe(planFromSpec(spec).hash);
    expect(planFromSpec({ ...spec, messageBytes: 101 }).hash).not.toBe(planFromSpec(spec).hash);
    expect(hashOfPlans(['a', 'b'])).not.toBe(hashOfPlans(['b', 'a']));
  });

  test('keeps its rate: two thousand messages at a thousand a second take about two seconds', () => {
    const { sendAtMs } = planFromSpec(spec);
    expect(sendAtMs.at(-1)).toBeGreaterThan(1_700);
    expect(sendAtMs.at(-1)).toBeLessThan(2_300);
    expect([...sendAtMs]).toEqual([...sendAtMs].toSorted((a, b) => a - b));
  });

  test('skews keys when told so: with zipf the first key has more than a tenth, uniform less', () => {
    const share = (plan: ReturnType<typeof planFromSpec>) =>
      plan.keyIndex.filter((key) => key === 0).length / plan.count;
    expect(share(planFromSpec(spec))).toBeGreaterThan(0.1);
    expect(share(planFromSpec({ ...spec, keyDistribution: 'uniform' }))).toBeLessThan(0.1);
  });

  test('numbers the messages of each key without a gap', () => {
    const { keyIndex, keySeq } = planFromSpec(spec);
    const next = new Map<number, number>();
    for (const [seq, key] of keyIndex.entries()) {
      expect(keySeq[seq]).toBe(next.get(key) ?? 0);
      next.set(key, (next.get(key) ?? 0) + 1);
    }
  });

  test('of a trace keeps gaps, keys, sizes and headers; speed 2 halves the gaps', () => {
    const plan = planFromMessages(
      [
        { atMs: 100, key: 'a', bytes: 50, headers: { h: '1' } },
        { atMs: 300, key: null, bytes: 5 },
        { atMs: 200, key: 'a', bytes: 60 },
      ],
      2,
    );
    expect([...plan.sendAtMs]).toEqual([0, 50, 100]);
    expect([...plan.keyIndex]).toEqual([0, 0, -1]);
    expect([...plan.keySeq]).toEqual([0, 1, 0]);
    expect([...plan.bytes]).toEqual([50, 60, payloadBytesMin]);
    expect(plan.headers[0]).toEqual({ h: '1' });
  });
});

describe('a payload', () => {
  const codec = new PayloadCodec(42, 1_024);

  test('is read back as it was written, at every size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: payloadBytesMin, max: 1_024 }),
        fc.nat(0xffff_ffff),
        fc.integer({ min: -1, max: 1_000_000 }),
        fc.nat(1_000_000),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (bytes, seq, keyIndex, keySeq, intendedMs) => {
          const header = { producer: 3, seq, keyIndex, keySeq, intendedMs };
          const payload = codec.encode(header, bytes);
          expect(payload.length).toBe(bytes);
          expect(codec.decode(payload)).toEqual(header);
        },
      ),
    );
  });

  test('with any one byte changed, cut short or of another run is not believed', () => {
    const payload = codec.encode({ producer: 0, seq: 9, keyIndex: 1, keySeq: 2, intendedMs: 3.25 }, 200);
    for (let at = 0; at < payload.length; at++) {
      const damaged = Buffer.from(payload);
      damaged[at] = (damaged[at] as number) ^ 0x40;
      expect(codec.decode(damaged), `byte ${at}`).toBeNull();
    }
    expect(codec.decode(payload.subarray(0, payloadBytesMin - 1))).toBeNull();
    expect(new PayloadCodec(43, 1_024).decode(payload)).toBeNull();
  });
});

describe('the catalogue', () => {
  test.each(['smoke', 'standard', 'full'] as const)(
    '%s: the plan is as long as its window and cells are told apart by id and mode',
    (profile) => {
      const specs = workloadsOf(profile, 'all');
      expect(new Set(specs.map(({ id, mode }) => `${id}/${mode}`)).size).toBe(specs.length);
      for (const { ratePerSecond, warmupMs, warmupMaxMs = warmupMs, measuredMs, messages, course } of specs)
        if (ratePerSecond !== null && course === undefined)
          expect(messages).toBe(Math.ceil((ratePerSecond * (warmupMaxMs + measuredMs)) / 1000));
      for (const spec of specs.filter(({ course }) => course !== undefined))
        expect(planFromSpec({ ...spec, seed: 1 }).sendAtMs.at(-1)).toBeLessThanOrEqual(spec.warmupMs + spec.measuredMs);
      expect(repeatsOf(profile)).toBeGreaterThan(0);
    },
  );

  test('the four that the project is named for are in every default but smoke', () => {
    const ids = workloadsOf('standard').map(({ id }) => id);
    expect(ids).toEqual(expect.arrayContaining(['fan-out', 'replay', 'ordering', 'throughput-1k', 'throughput-100b']));
  });
});

test('shuffling keeps every item and follows the seed', () => {
  const items = Array.from({ length: 30 }, (_, i) => i);
  const once = shuffled(items, seededRandom(5));
  expect(once).toEqual(shuffled(items, seededRandom(5)));
  expect(once).not.toEqual(items);
  expect(once.toSorted((a, b) => a - b)).toEqual(items);
});
