import { createHmac, randomBytes } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { HmacKey } from '../../src/adapters/hmac-key.ts';

describe('an HMAC key', () => {
  it('makes the tags that node:crypto makes, for keys and messages of every length up to two blocks and more', () => {
    for (let length = 0; length <= 140; length += 1) {
      const secret = randomBytes(length);
      const key = new HmacKey(secret);
      for (const size of [length, 140 - length, 64]) {
        const message = randomBytes(size);
        const tag = Buffer.alloc(32);
        key.writeTag(message, tag, 0, 32);
        expect(tag, `key of ${length} bytes, message of ${size}`).toEqual(
          createHmac('sha256', secret).update(message).digest(),
        );
      }
    }
  });

  it('writes as many bytes of a tag as were asked for, and nothing beside them', () => {
    const key = new HmacKey(Buffer.from('a secret'));
    const bytes = Buffer.alloc(40, 0xee);
    key.writeTag(bytes.subarray(0, 20), bytes, 20, 16);
    expect(bytes.subarray(20, 36)).toEqual(
      createHmac('sha256', 'a secret').update(Buffer.alloc(20, 0xee)).digest().subarray(0, 16),
    );
    expect(bytes.subarray(36)).toEqual(Buffer.alloc(4, 0xee));
  });
});
