import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AckTracker } from '../../src/adapters/ack-tracker.ts';

/** Offsets in log order with holes, and which of them are settled in which order. */
const history = fc
  .record({ start: fc.nat(1_000), steps: fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 60 }) })
  .chain(({ start, steps }) => {
    let offset = start - 1;
    const offsets = steps.map((step) => (offset += step));
    return fc.record({
      start: fc.constant(start),
      offsets: fc.constant(offsets),
      settled: fc.shuffledSubarray(offsets),
    });
  });

describe('AckTracker', () => {
  it('forgets the attempts of what the log skips: what it writes then can be read again', () => {
    const tracker = new AckTracker(10);
    tracker.take(10);
    tracker.setAttempts(10, 1);
    const later = AckTracker.decode(10, tracker.encode());
    // Retention took 10 to 99 meanwhile.
    later.take(100);
    later.settle(100);
    const read = AckTracker.decode(later.watermark, later.encode());
    expect([read.watermark, read.attemptsOf(10), read.isWatermarkAlone]).toEqual([101, 0, true]);
  });

  it('keeps the watermark at the lowest unsettled offset, in whatever order acks come', () => {
    fc.assert(
      fc.property(history, ({ start, offsets, settled }) => {
        const tracker = new AckTracker(start);
        for (const offset of offsets) expect(tracker.take(offset)).toBe(true);
        const open = new Set(offsets);
        for (const offset of settled) {
          expect(tracker.settle(offset)).toBe(true);
          expect(tracker.settle(offset)).toBe(false);
          open.delete(offset);
          expect(tracker.watermark).toBe(open.size === 0 ? tracker.next : Math.min(...open));
        }
      }),
    );
  });

  it('after decode, delivers exactly the unsettled ones again, with their attempts', () => {
    fc.assert(
      fc.property(history, fc.array(fc.nat(200)), ({ start, offsets, settled }, attempts) => {
        const tracker = new AckTracker(start);
        for (const offset of offsets) tracker.take(offset);
        for (const [index, count] of attempts.entries()) {
          const offset = offsets[index];
          if (offset !== undefined) tracker.setAttempts(offset, count);
        }
        for (const offset of settled) tracker.settle(offset);
        const restored = AckTracker.decode(tracker.watermark, tracker.encode());
        expect(restored.watermark).toBe(tracker.watermark);
        const again = offsets.filter((offset) => offset >= restored.next && restored.take(offset));
        expect(again).toEqual(offsets.filter((offset) => !settled.includes(offset)));
        for (const offset of again) expect(restored.attemptsOf(offset)).toBe(tracker.attemptsOf(offset));
        expect(restored.watermark).toBe(tracker.watermark);
      }),
    );
  });

  it('survives a second restart before everything was fetched again', () => {
    fc.assert(
      fc.property(history, fc.nat(60), ({ start, offsets, settled }, fetchedBefore) => {
        const first = new AckTracker(start);
        for (const offset of offsets) first.take(offset);
        for (const offset of settled) first.settle(offset);
        const second = AckTracker.decode(first.watermark, first.encode());
        for (const offset of offsets.filter((each) => each >= second.next).slice(0, fetchedBefore)) second.take(offset);
        const third = AckTracker.decode(second.watermark, second.encode());
        const again = offsets.filter((offset) => offset >= third.next && third.take(offset));
        expect(again).toEqual(offsets.filter((offset) => !settled.includes(offset)));
      }),
    );
  });

  it('fits any bound, and then repeats messages but never loses one', () => {
    fc.assert(
      fc.property(history, fc.integer({ min: 4, max: 40 }), ({ start, offsets, settled }, maxBytes) => {
        const tracker = new AckTracker(start);
        for (const offset of offsets) tracker.take(offset);
        for (const offset of settled) tracker.settle(offset);
        const encoded = tracker.encode(maxBytes);
        expect(encoded.length).toBeLessThanOrEqual(Math.max(maxBytes, 3));
        const restored = AckTracker.decode(tracker.watermark, encoded);
        const again = offsets.filter((offset) => offset >= restored.next && restored.take(offset));
        for (const offset of offsets) if (!settled.includes(offset)) expect(again).toContain(offset);
      }),
    );
  });

  it('counts what is settled above the watermark, for lag', () => {
    const tracker = new AckTracker(10);
    for (let offset = 10; offset < 20; offset += 1) tracker.take(offset);
    for (const offset of [12, 13, 17]) tracker.settle(offset);
    expect(tracker.settledAboveWatermark).toBe(3);
    expect(AckTracker.decode(tracker.watermark, tracker.encode()).settledAboveWatermark).toBe(3);
  });

  it('refuses bytes that are not its own', () => {
    expect(() => AckTracker.decode(0, Buffer.from([9, 1, 1]))).toThrow(RangeError);
    expect(() => AckTracker.decode(0, Buffer.from([1, 5, 0x80]))).toThrow(RangeError);
  });
});
