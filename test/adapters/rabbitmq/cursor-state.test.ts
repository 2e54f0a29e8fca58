import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyCursorMessage,
  type CursorMessage,
  decodeCursorMessage,
  encodeCursorMessage,
  startOfStream,
} from '../../../src/adapters/rabbitmq/cursor-state.ts';

const cursor = (epoch: number, seq: number, watermark: number): CursorMessage => ({
  kind: 'cursor',
  epoch,
  seq,
  watermark,
  state: '',
});

function fold(...messages: CursorMessage[]) {
  return messages.reduce(applyCursorMessage, startOfStream);
}

describe('the messages of a cursor queue', () => {
  it('add up to the newest cursor, in whatever order those of one epoch come', () => {
    const cursors = [cursor(1, 1, 10), cursor(1, 2, 20), cursor(1, 3, 30)];
    fc.assert(
      fc.property(fc.shuffledSubarray(cursors, { minLength: 3 }), (shuffled) => {
        expect(fold(...shuffled).watermark).toBe(30);
      }),
    );
  });

  it('a reader that lost its lease cannot move the cursor of its successor', () => {
    expect(fold(cursor(1, 5, 50), cursor(2, 1, 50), cursor(1, 6, 60)).watermark).toBe(50);
  });

  it('a seek moves the cursor also when the old reader writes once more after it', () => {
    expect(fold(cursor(3, 8, 80), { kind: 'seek', offset: 5 }, cursor(3, 9, 90)).watermark).toBe(5);
  });

  it('a seek that was obeyed and comes again is overruled by what was stored after it', () => {
    expect(fold(cursor(3, 8, 80), { kind: 'seek', offset: 5 }, cursor(4, 1, 5), cursor(4, 2, 17)).watermark).toBe(17);
  });

  it('survive the wire, and what is none of ours is told apart', () => {
    for (const message of [
      cursor(1, 2, 3),
      { kind: 'seek', offset: 4 } as const,
      { kind: 'claim', nonce: 'n' } as const,
    ]) {
      expect(decodeCursorMessage(encodeCursorMessage(message))).toEqual(message);
    }
    for (const bad of ['', '{', '[]', 'null', '{"kind":"seek","offset":-1}', '{"kind":"cursor"}', '{"kind":"other"}']) {
      expect(decodeCursorMessage(Buffer.from(bad))).toBeUndefined();
    }
  });
});
