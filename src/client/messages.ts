/** Messages as an application has them, and as they travel. */

import type { Message, MessageToPublish } from './generated/schemas.ts';

type HeaderJson = Message['headers'][string];

/**
 * What is published. `value`: a string is stored as its UTF-8 bytes, bytes as they are, `null` as a tombstone, anything else as its JSON text;
 * `undefined` is refused (TypeError), because a forgotten value must not delete what has the key.
 */
export interface OutgoingMessage
  extends Omit<MessageToPublish, 'key' | 'keyBase64' | 'value' | 'valueBase64' | 'headers'> {
  readonly key?: string | Uint8Array;
  readonly value: unknown;
  /** A header that repeats is an array. */
  readonly headers?: Readonly<Record<string, string | Uint8Array | readonly (string | Uint8Array)[]>>;
}

/** What came. `value`: a string, parsed JSON or bytes, by the content type; `null` for a tombstone. */
export interface ReceivedMessage extends Omit<Message, 'key' | 'keyBase64' | 'value' | 'valueBase64' | 'headers'> {
  /** Bytes where they are not UTF-8; null without a key. */
  readonly key: string | Buffer | null;
  readonly value: unknown;
  /** A header that repeats is an array. */
  readonly headers: Readonly<Record<string, string | Buffer | readonly (string | Buffer)[]>>;
}

/** With the id that it is known by in every try. */
export function messageJson({ key, value, headers, ...rest }: OutgoingMessage, id: string): MessageToPublish {
  if (value === undefined) throw new TypeError('a message must have a value; null is a tombstone');
  return {
    ...rest,
    id,
    ...(key === undefined ? {} : typeof key === 'string' ? { key } : { keyBase64: base64(key) }),
    ...(value instanceof Uint8Array ? { valueBase64: base64(value) } : { value }),
    ...(headers === undefined
      ? {}
      : { headers: Object.fromEntries(Object.entries(headers).map(([name, given]) => [name, headerJson(given)])) }),
  };
}

export function receivedMessage({ key, keyBase64, value, valueBase64, headers, ...rest }: Message): ReceivedMessage {
  return {
    ...rest,
    key: keyBase64 === undefined ? (key ?? null) : Buffer.from(keyBase64, 'base64'),
    value: valueBase64 === undefined ? value : Buffer.from(valueBase64, 'base64'),
    headers: Object.fromEntries(Object.entries(headers).map(([name, given]) => [name, headerValue(given)])),
  };
}

/** The value as bytes, as it was stored. JSON is written anew: its bytes may have had other spaces. */
export function valueBytes({ value }: Pick<ReceivedMessage, 'value'>): Buffer | null {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value)) return value;
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
}

function headerJson(given: string | Uint8Array | readonly (string | Uint8Array)[]): HeaderJson {
  if (typeof given === 'string') return given;
  if (given instanceof Uint8Array) return { base64: base64(given) };
  return given.map((one) => (typeof one === 'string' ? one : { base64: base64(one) }));
}

function headerValue(given: HeaderJson): string | Buffer | readonly (string | Buffer)[] {
  if (typeof given === 'string') return given;
  if ('base64' in given) return Buffer.from(given.base64, 'base64');
  return given.map((one) => (typeof one === 'string' ? one : Buffer.from(one.base64, 'base64')));
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}
