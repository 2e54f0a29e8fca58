/**
 * The tokens of deliveries: opaque to clients, signed, and readable by every process that has the key, so that a process which
 * did not hand a message out can tell what a token is: forged, of another subscription, late, of another gateway, or of itself
 * before it was restarted.
 *
 * base64url (RFC 4648 5, without padding) of, numbers big-endian:
 *
 *   +---------+--------+-------------+--------------+-------+---------+------+-------------+
 *   | version | key id | process     | subscription | epoch | session | size | gateway     |   the same for all of a session
 *   | 1       | 4      | 6, random   | 8, SHA-256   | 4     | 4       | 1    | 0-48, UTF-8 |
 *   +---------+--------+-------------+--------------+-------+---------+------+-------------+
 *   +--------+---------+-----------+--------+--------+----------+------+
 *   | number | attempt | partition | offset | expiry | message  | HMAC |
 *   | 6      | 2       | 2         | 6      | 6, ms  | 4        | 16   |
 *   +--------+---------+-----------+--------+--------+----------+------+
 *
 * `epoch` changes when the subscription is made or moved: a token from before that acknowledges nothing. `message` is a
 * fingerprint: after a power cut an offset may belong to another message. The HMAC is SHA-256, cut to 16 bytes, over all before it.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { HmacKey } from './hmac-key.ts';
import { limits } from './limits.ts';
import type { Message } from './port.ts';

const VERSION = 1;
const MAC_BYTES = 16;
const KEY_ID_AT = 1;
const PROCESS_AT = 5;
const SUBSCRIPTION_AT = 11;
const EPOCH_AT = 19;
const SESSION_AT = 23;
const GATEWAY_AT = 27;
const HEAD_BYTES = 28;
/** Of the part that differs between the deliveries of a session. */
const NUMBER_AT = 0;
const ATTEMPT_AT = 6;
const PARTITION_AT = 8;
const OFFSET_AT = 10;
const EXPIRY_AT = 16;
const MESSAGE_AT = 22;
const OWN_BYTES = 26;
const NO_OFFSET = 2 ** 48 - 1;
const SUBSCRIPTION_BYTES = 8;
export const EPOCH_BYTES = 4;

/** What a token says, once its signature was found to be right. */
export interface AckToken {
  /** The name of the gateway that handed it out; empty where it has none. */
  readonly gateway: string;
  /** This process handed it out, not an earlier one of the same gateway. */
  readonly isOfThisProcess: boolean;
  /** Number of the session within its process. */
  readonly session: number;
  readonly epoch: string;
  readonly attempt: number;
  readonly partition: number;
  /** null where the backend has no offsets. */
  readonly offset: number | null;
  /** Milliseconds since 1970 when the lease ends unless it was extended. */
  readonly expiresAtMs: number;
  /** As `fingerprint` made it of the message. */
  readonly fingerprint: number;
}

export interface TokenKey {
  readonly id: Buffer;
  readonly secret: Buffer;
  readonly hmac: HmacKey;
}

/** A key of its text; its id is told in tokens, and tells nothing of it. */
export function tokenKey(secret: Buffer): TokenKey {
  const id = createHash('sha256').update('sluice ack token key').update(secret).digest().subarray(0, 4);
  return { id, secret, hmac: new HmacKey(secret) };
}

/** The keys by which tokens are known; the first one signs. */
export interface TokenKeys {
  readonly signing: TokenKey;
  byId(id: Buffer): TokenKey | undefined;
}

export class AckTokens {
  readonly #keys: TokenKeys;
  readonly #gateway: Buffer;
  readonly #process = randomBytes(6);
  #sessions = 0;

  /** @param gateway the name that tokens carry, at most `limits.gatewayNameBytesMax` bytes; may be empty. */
  constructor(keys: TokenKeys, gateway: string) {
    this.#keys = keys;
    this.#gateway = Buffer.from(gateway).subarray(0, limits.gatewayNameBytesMax);
  }

  /** The signer of one session; each session has a number of its own. */
  session(subscription: string, epoch: string): TokenSigner {
    this.#sessions += 1;
    const head = Buffer.alloc(HEAD_BYTES + this.#gateway.length);
    const key = this.#keys.signing;
    head.writeUInt8(VERSION, 0);
    key.id.copy(head, KEY_ID_AT);
    this.#process.copy(head, PROCESS_AT);
    subscriptionMark(subscription).copy(head, SUBSCRIPTION_AT);
    Buffer.from(epoch, 'base64url').copy(head, EPOCH_AT, 0, EPOCH_BYTES);
    head.writeUInt32BE(this.#sessions % 2 ** 32, SESSION_AT);
    head.writeUInt8(this.#gateway.length, GATEWAY_AT);
    this.#gateway.copy(head, HEAD_BYTES);
    return new TokenSigner(head, key.hmac, this.#sessions);
  }

  /** Undefined for what none of our keys signed for this subscription. The signature is compared in constant time. */
  read(token: string, subscription: string): AckToken | undefined {
    const bytes = decoded(token);
    if (bytes === undefined || bytes[0] !== VERSION) return undefined;
    const key = this.#keys.byId(bytes.subarray(KEY_ID_AT, PROCESS_AT));
    if (key === undefined) return undefined;
    const signedBytes = bytes.length - MAC_BYTES;
    const tag = Buffer.alloc(MAC_BYTES);
    key.hmac.writeTag(bytes.subarray(0, signedBytes), tag, 0, MAC_BYTES);
    if (!timingSafeEqual(tag, bytes.subarray(signedBytes))) return undefined;
    const mark = bytes.subarray(SUBSCRIPTION_AT, SUBSCRIPTION_AT + SUBSCRIPTION_BYTES);
    if (!mark.equals(subscriptionMark(subscription))) return undefined;
    const own = bytes.subarray(signedBytes - OWN_BYTES, signedBytes);
    const offset = own.readUIntBE(OFFSET_AT, 6);
    return {
      gateway: bytes.toString('utf8', HEAD_BYTES, signedBytes - OWN_BYTES),
      isOfThisProcess: bytes.subarray(PROCESS_AT, SUBSCRIPTION_AT).equals(this.#process),
      session: bytes.readUInt32BE(SESSION_AT),
      epoch: bytes.toString('base64url', EPOCH_AT, EPOCH_AT + EPOCH_BYTES),
      attempt: own.readUInt16BE(ATTEMPT_AT),
      partition: own.readUInt16BE(PARTITION_AT),
      offset: offset === NO_OFFSET ? null : offset,
      expiresAtMs: own.readUIntBE(EXPIRY_AT, 6),
      fingerprint: own.readUInt32BE(MESSAGE_AT),
    };
  }
}

export class TokenSigner {
  /** The number of the session in its process. */
  readonly session: number;
  readonly #bytes: Buffer;
  readonly #own: Buffer;
  readonly #signed: Buffer;
  readonly #hmac: HmacKey;
  readonly #localMark = `${randomBytes(12).toString('base64url')}.`;
  #number = 0;

  constructor(head: Buffer, hmac: HmacKey, session: number) {
    this.session = session;
    this.#hmac = hmac;
    // Written anew for each token: everything but the text is the same memory.
    this.#bytes = Buffer.concat([head, Buffer.alloc(OWN_BYTES + MAC_BYTES)]);
    this.#signed = this.#bytes.subarray(0, head.length + OWN_BYTES);
    this.#own = this.#bytes.subarray(head.length, head.length + OWN_BYTES);
  }

  /** For the tokens from now on; they stay those of this session. */
  useEpoch(epoch: string): void {
    Buffer.from(epoch, 'base64url').copy(this.#bytes, EPOCH_AT, 0, EPOCH_BYTES);
  }

  /** Known to its session alone, and to be guessed by nobody. */
  local(): string {
    this.#number += 1;
    return `${this.#localMark}${this.#number}`;
  }

  /** A token that no other delivery has. */
  sign(message: Message, attempt: number, expiresAtMs: number): string {
    const own = this.#own;
    this.#number += 1;
    own.writeUIntBE(this.#number, NUMBER_AT, 6);
    own.writeUInt16BE(Math.min(attempt, 0xffff), ATTEMPT_AT);
    own.writeUInt16BE(message.partition, PARTITION_AT);
    own.writeUIntBE(message.offset ?? NO_OFFSET, OFFSET_AT, 6);
    own.writeUIntBE(Math.max(0, Math.floor(expiresAtMs)), EXPIRY_AT, 6);
    own.writeUInt32BE(fingerprint(message), MESSAGE_AT);
    this.#hmac.writeTag(this.#signed, this.#bytes, this.#signed.length, MAC_BYTES);
    return this.#bytes.toString('base64url');
  }
}

/** Tells one message from another that got its offset. FNV-1a over the id, and the timestamp: no more is needed against chance. */
export function fingerprint({ id, timestampMs }: Message): number {
  let hash = 0x811c9dc5;
  const text = id ?? '';
  for (let index = 0; index < text.length; index += 1) {
    hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  }
  return Math.imul(hash ^ (timestampMs % 2 ** 32), 0x01000193) >>> 0;
}

/** Only the one spelling that we write: base64 has others of the same bytes. */
function decoded(token: string): Buffer | undefined {
  if (token.length > limits.tokenCharactersMax) return undefined;
  const bytes = Buffer.from(token, 'base64url');
  if (bytes.length < HEAD_BYTES + OWN_BYTES + MAC_BYTES) return undefined;
  const isWhole = bytes.length === HEAD_BYTES + (bytes[GATEWAY_AT] as number) + OWN_BYTES + MAC_BYTES;
  return isWhole && bytes.toString('base64url') === token ? bytes : undefined;
}

function subscriptionMark(name: string): Buffer {
  return createHash('sha256').update(name).digest().subarray(0, SUBSCRIPTION_BYTES);
}
