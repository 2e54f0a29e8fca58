/**
 * Message <-> AMQP. Content type, id and time are properties; key and exact time are headers of ours.
 *
 *   property  content_type, message_id, timestamp (seconds), delivery_mode, expiration, priority
 *   header    sluice-timestamp    milliseconds; its presence tells a message of ours
 *             sluice-key          the key, where its bytes are UTF-8; else
 *             sluice-key-base64   its bytes
 *             sluice-null         a null value (the body is empty)
 *             sluice-headers      all headers, packed, where a table would lose something
 *             sluice-id, sluice-content-type   where they do not fit a short string
 *   other headers are the message's own, as text
 *
 * A table loses: repeated names; the order of names that look like numbers (JavaScript sorts them first); bytes that are not
 * UTF-8 (streams turn binary into text); and names that RabbitMQ or the client gives a meaning (x-..., CC, BCC). Then all
 * headers travel in one, as base64 of
 *
 *   +-------------+------+--------------+-------+
 *   | name length | name | value length | value |  for each header; lengths are unsigned varints
 *   +-------------+------+--------------+-------+
 */

import { isUtf8 } from 'node:buffer';
import type { ConsumeMessage, Options } from 'amqplib';
import type { OutgoingMessage } from '../driver.ts';
import type { Header, Message } from '../port.ts';
import { bounds } from './bounds.ts';

const TIMESTAMP = 'sluice-timestamp';
const KEY = 'sluice-key';
const KEY_BASE64 = 'sluice-key-base64';
const NULL_VALUE = 'sluice-null';
const PACKED = 'sluice-headers';
const LONG_ID = 'sluice-id';
const LONG_CONTENT_TYPE = 'sluice-content-type';

export const STREAM_OFFSET = 'x-stream-offset';
export const DELIVERY_COUNT = 'x-delivery-count';
/** What the broker adds to a delivery; it differs from one delivery to the next, so it is not the message's. */
const deliveryHeaders: ReadonlySet<string> = new Set([STREAM_OFFSET, DELIVERY_COUNT, 'x-acquired-count']);

/** Half a character: it has no UTF-8, so two such names could become one. */
const LONE_SURROGATE = /\p{Surrogate}/u;

const EMPTY = Buffer.alloc(0);
const NO_HEADERS: readonly Header[] = [];

export interface AmqpMessage {
  readonly content: Buffer;
  readonly options: Options.Publish;
}

type TableValue = string | number | boolean;

export function toAmqp(message: OutgoingMessage, isPersistent: boolean): AmqpMessage {
  const { key, value, contentType, id, timestampMs, ttlMs, priority } = message;
  const headers: Record<string, TableValue> = { [TIMESTAMP]: timestampMs };
  if (key !== null) {
    if (isUtf8(key)) headers[KEY] = key.toString();
    else headers[KEY_BASE64] = key.toString('base64');
  }
  if (value === null) headers[NULL_VALUE] = true;
  if (message.headers.length > 0) putHeaders(headers, message.headers);
  const options: Options.Publish = {
    headers,
    mandatory: true,
    persistent: isPersistent,
    timestamp: Math.floor(timestampMs / 1_000),
  };
  if (fitsShortString(id)) options.messageId = id;
  else headers[LONG_ID] = id;
  if (contentType !== null) {
    if (fitsShortString(contentType)) options.contentType = contentType;
    else headers[LONG_CONTENT_TYPE] = contentType;
  }
  if (ttlMs !== undefined) options.expiration = String(Math.max(0, Math.ceil(ttlMs)));
  if (priority !== undefined) options.priority = Math.min(priority, bounds.priorityMax);
  return { content: value ?? EMPTY, options };
}

function putHeaders(table: Record<string, TableValue>, headers: readonly Header[]): void {
  if (!fitsTable(headers)) {
    table[PACKED] = packHeaders(headers).toString('base64');
    return;
  }
  for (const { name, value } of headers) table[name] = value.toString();
}

function fitsTable(headers: readonly Header[]): boolean {
  const names = new Set<string>();
  for (const { name, value } of headers) {
    if (isSpecialName(name) || names.has(name) || !isUtf8(value)) return false;
    names.add(name);
  }
  return true;
}

function isSpecialName(name: string): boolean {
  return (
    /^(x-|sluice-|\d)/i.test(name) ||
    name === 'CC' ||
    name === 'BCC' ||
    name === '__proto__' ||
    !fitsShortString(name) ||
    LONE_SURROGATE.test(name)
  );
}

function fitsShortString(text: string): boolean {
  // A character of UTF-16 has at most three bytes: short texts need no counting.
  return text.length * 3 <= bounds.nameBytesMax || Buffer.byteLength(text) <= bounds.nameBytesMax;
}

/** @param where what the routing tells; a stream also tells the offset by a header. */
export function fromAmqp(
  delivery: ConsumeMessage,
  where: { readonly topic: string; readonly partition: number },
): Message {
  const { properties, content } = delivery;
  const table = (properties.headers ?? {}) as Readonly<Record<string, unknown>>;
  const offset = table[STREAM_OFFSET];
  const timestampMs = table[TIMESTAMP];
  const isOwn = typeof timestampMs === 'number';
  // One literal, without spreading: this runs for every delivery.
  return {
    topic: where.topic,
    partition: where.partition,
    offset: typeof offset === 'number' ? offset : null,
    key: isOwn ? ownKey(table) : null,
    value: isOwn && table[NULL_VALUE] === true ? null : content,
    headers: isOwn ? ownHeaders(table) : foreignHeaders(table),
    contentType: textOrNull((isOwn ? table[LONG_CONTENT_TYPE] : undefined) ?? properties.contentType),
    id: textOrNull((isOwn ? table[LONG_ID] : undefined) ?? properties.messageId),
    timestampMs: isOwn ? timestampMs : timeOf(properties.timestamp),
  };
}

function ownKey(table: Readonly<Record<string, unknown>>): Buffer | null {
  const text = table[KEY];
  if (typeof text === 'string') return Buffer.from(text);
  const base64 = table[KEY_BASE64];
  return typeof base64 === 'string' ? Buffer.from(base64, 'base64') : null;
}

/** Names of ours never begin with x-: those were added by the broker on the way, such as x-death. */
function ownHeaders(table: Readonly<Record<string, unknown>>): readonly Header[] {
  const packed = table[PACKED];
  if (typeof packed === 'string') return unpackHeaders(Buffer.from(packed, 'base64'));
  let headers: Header[] | undefined;
  for (const name in table) {
    if (name.startsWith('sluice-') || name.startsWith('x-')) continue;
    headers ??= [];
    headers.push(...textHeaders(name, table[name]));
  }
  return headers ?? NO_HEADERS;
}

/** Delivered as they are: what AMQP types become is their text. */
function foreignHeaders(table: Readonly<Record<string, unknown>>): readonly Header[] {
  const headers: Header[] = [];
  for (const [name, value] of Object.entries(table)) {
    if (!deliveryHeaders.has(name)) headers.push(...textHeaders(name, value));
  }
  return headers;
}

/** Of a message of another client; without a time of its own it gets the time of arrival. */
function timeOf(seconds: unknown): number {
  return typeof seconds === 'number' ? seconds * 1_000 : Date.now();
}

/** An array is a repeated header. */
function textHeaders(name: string, value: unknown): Header[] {
  if (Array.isArray(value)) return value.map((each: unknown) => ({ name, value: textOf(each) }));
  return [{ name, value: textOf(value) }];
}

function textOf(value: unknown): Buffer {
  if (Buffer.isBuffer(value)) return value;
  switch (typeof value) {
    case 'string':
      return Buffer.from(value);
    case 'number':
    case 'boolean':
      return Buffer.from(String(value));
    default:
      if (value === null || value === undefined) return EMPTY;
      return Buffer.from(isTyped(value) ? String(value.value) : JSON.stringify(value));
  }
}

/** How the client shows AMQP's timestamps and decimals. */
function isTyped(value: unknown): value is { value: unknown } {
  return (
    typeof value === 'object' && value !== null && '!' in value && 'value' in value && typeof value.value !== 'object'
  );
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

export function packHeaders(headers: readonly Header[]): Buffer {
  const parts: Buffer[] = [];
  for (const { name, value } of headers) {
    const nameBytes = Buffer.from(name);
    parts.push(varint(nameBytes.length), nameBytes, varint(value.length), value);
  }
  return Buffer.concat(parts);
}

/** @throws RangeError when the bytes are not of this form. */
export function unpackHeaders(packed: Buffer): Header[] {
  const headers: Header[] = [];
  let position = 0;
  const take = (): Buffer => {
    let length = 0;
    for (let scale = 1; ; scale *= 0x80) {
      const byte = packed[position];
      if (byte === undefined || scale > 2 ** 28) throw new RangeError('packed headers are cut short');
      position += 1;
      length += (byte & 0x7f) * scale;
      if (byte < 0x80) break;
    }
    if (position + length > packed.length) throw new RangeError('packed headers are cut short');
    position += length;
    return packed.subarray(position - length, position);
  };
  while (position < packed.length) headers.push({ name: take().toString(), value: take() });
  return headers;
}

function varint(value: number): Buffer {
  const bytes: number[] = [];
  let rest = value;
  for (; rest > 0x7f; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Buffer.from(bytes);
}
