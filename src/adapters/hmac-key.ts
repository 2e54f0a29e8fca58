/**
 * HMAC-SHA-256 (RFC 2104) by one key over many short messages. Node's `createHmac` makes two native objects for each message, 2.6 us;
 * the same two hashes as one-shot calls over prepared memory take 0.7 us. A test holds it against `createHmac`.
 *
 *   tag = SHA-256( (key ^ opad) || SHA-256( (key ^ ipad) || message ) )
 */

import { createHash, hash } from 'node:crypto';

const BLOCK_BYTES = 64;
const DIGEST_BYTES = 32;
const INNER_PAD = 0x36;
const OUTER_PAD = 0x5c;

export class HmacKey {
  /** The padded key, and behind it the message. */
  #inner: Buffer;
  /** For the length of the last message: messages of one kind have one length. */
  #innerPart: Buffer;
  readonly #outer: Buffer;

  constructor(secret: Buffer) {
    const key = Buffer.alloc(BLOCK_BYTES);
    (secret.length > BLOCK_BYTES ? createHash('sha256').update(secret).digest() : secret).copy(key);
    this.#inner = Buffer.from(key.map((byte) => byte ^ INNER_PAD));
    this.#innerPart = this.#inner;
    this.#outer = Buffer.concat([key.map((byte) => byte ^ OUTER_PAD), Buffer.alloc(DIGEST_BYTES)]);
  }

  /** Writes the first `bytes` bytes (at most 32) of the tag of `message` into `into` at `at`. `message` may be part of `into`. */
  writeTag(message: Buffer, into: Buffer, at: number, bytes: number): void {
    const size = BLOCK_BYTES + message.length;
    if (this.#innerPart.length !== size) this.#resize(size);
    message.copy(this.#inner, BLOCK_BYTES);
    // As text of one byte a character: Node hands out a short text faster than a buffer.
    this.#outer.write(hash('sha256', this.#innerPart, 'binary'), BLOCK_BYTES, DIGEST_BYTES, 'latin1');
    into.write(hash('sha256', this.#outer, 'binary'), at, bytes, 'latin1');
  }

  #resize(size: number): void {
    if (this.#inner.length < size) this.#inner = Buffer.concat([this.#inner.subarray(0, BLOCK_BYTES)], size);
    this.#innerPart = this.#inner.subarray(0, size);
  }
}
