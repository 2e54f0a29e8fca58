/**
 * JSON message <-> port message. Delivered messages are written as JSON text here, not as objects:
 * a stored JSON value goes out as the text that was stored, so that numbers beyond 2^53 and the order of fields survive.
 */

import { isUtf8 } from 'node:buffer';
import { type Delivery, type Message, PortError, type PublishMessage } from '../adapters/index.ts';
import { eventJson } from './cloud-events.ts';
import type { MessageBody } from './schema/message.ts';

export type Encoding = 'auto' | 'base64' | 'cloudevents';

export const TEXT = 'text/plain; charset=utf-8';
const JSON_TYPE = 'application/json';
export const BYTES = 'application/octet-stream';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** @throws PortError `invalid_argument` for a JSON value that is nested too deep to be written again. */
export function toPublishMessage(body: MessageBody, index: number): PublishMessage {
  const message: Mutable<PublishMessage> = { value: null };
  if (body.valueBase64 !== undefined) {
    message.value = Buffer.from(body.valueBase64, 'base64');
    message.contentType = body.contentType ?? BYTES;
  } else if (typeof body.value === 'string') {
    message.value = body.value;
    message.contentType = body.contentType ?? TEXT;
  } else if (body.value === null) {
    if (body.contentType !== undefined) message.contentType = body.contentType;
  } else {
    message.value = jsonText(body.value, index);
    message.contentType = body.contentType ?? JSON_TYPE;
  }
  if (body.key !== undefined) message.key = body.key;
  else if (body.keyBase64 !== undefined) message.key = Buffer.from(body.keyBase64, 'base64');
  if (body.headers !== undefined) message.headers = headerList(body.headers);
  if (body.id !== undefined) message.id = body.id;
  if (body.timestamp !== undefined) message.timestampMs = body.timestamp;
  if (body.partition !== undefined) message.partition = body.partition;
  if (body.delayMs !== undefined) message.delayMs = body.delayMs;
  if (body.ttlMs !== undefined) message.ttlMs = body.ttlMs;
  if (body.priority !== undefined) message.priority = body.priority;
  return message;
}

/** One `Message` of the REST API as JSON text. */
export function messageJson(message: Message, encoding: Encoding): string {
  const { key, contentType } = message;
  if (encoding === 'cloudevents')
    return eventJson(message, () => valueJson(message.value, contentType, 'auto', eventNames));
  let json = `{"topic":${JSON.stringify(message.topic)},"partition":${message.partition}`;
  if (message.offset !== null) json += `,"offset":${message.offset}`;
  if (key !== null)
    json += isUtf8(key) ? `,"key":${JSON.stringify(key.toString())}` : `,"keyBase64":"${key.toString('base64')}"`;
  json += valueJson(message.value, contentType, encoding);
  json += `,"headers":${headersJson(message.headers)}`;
  json += `,"contentType":${contentType === null ? 'null' : JSON.stringify(contentType)}`;
  json += `,"id":${message.id === null ? 'null' : JSON.stringify(message.id)},"timestamp":${message.timestampMs}}`;
  return json;
}

/** The last text of a message that several streams may send: the native log gives all of them the same object. */
const shared = new WeakMap<Message, { readonly encoding: Encoding; readonly json: string }>();

/** As `messageJson` in one line, made once for all streams that get the same message in the same encoding. */
export function sharedMessageJson(message: Message, encoding: Encoding): string {
  const known = shared.get(message);
  if (known?.encoding === encoding) return known.json;
  const json = inOneLine(messageJson(message, encoding));
  shared.set(message, { encoding, json });
  return json;
}

/** JSON that was stored with line breaks has them between its parts only: inside a text they are escaped. */
export function inOneLine(json: string): string {
  return /[\r\n]/.test(json) ? json.replace(/[\r\n]+/g, ' ') : json;
}

/** One `Delivery` of the REST API as JSON text. */
export function deliveryJson({ token, attempt, deadlineMs, message }: Delivery, encoding: Encoding): string {
  return `{"ackToken":"${token}","attempt":${attempt},"deadline":${deadlineMs},"message":${messageJson(message, encoding)}}`;
}

const messageNames = { plain: 'value', base64: 'valueBase64' };
const eventNames = { plain: 'data', base64: 'data_base64' };

function valueJson(value: Buffer | null, contentType: string | null, encoding: Encoding, names = messageNames): string {
  if (value === null) return `,"${names.plain}":null`;
  if (encoding === 'auto' && isUtf8(value)) {
    const form = formOf(contentType);
    if (form === 'text') return `,"${names.plain}":${JSON.stringify(value.toString())}`;
    if (form === 'json') {
      const text = value.toString();
      if (isJson(text)) return `,"${names.plain}":${text}`;
    }
  }
  return `,"${names.base64}":"${value.toString('base64')}"`;
}

/** The last content type and its form: most messages of a pull have the same one. */
let lastType: string | null = null;
let lastForm: 'text' | 'json' | 'bytes' = 'text';

function formOf(contentType: string | null): 'text' | 'json' | 'bytes' {
  if (contentType === null) return 'text';
  if (contentType !== lastType) {
    lastForm = formOfType(contentType);
    lastType = contentType;
  }
  return lastForm;
}

function formOfType(contentType: string): 'text' | 'json' | 'bytes' {
  const [type = '', ...parameters] = contentType.toLowerCase().split(';');
  const essence = type.trim();
  const charset = parameters.map((parameter) => parameter.trim()).find((parameter) => parameter.startsWith('charset='));
  if (charset !== undefined && !/^charset="?(utf-8|utf8|us-ascii)"?$/.test(charset)) return 'bytes';
  if (essence === JSON_TYPE || /^[^/]+\/[^/]+\+json$/.test(essence)) return 'json';
  return essence.startsWith('text/') ? 'text' : 'bytes';
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false; // says nothing about the message: its bytes are delivered
  }
}

function headersJson(headers: Message['headers']): string {
  if (headers.length === 0) return '{}';
  const byName = new Map<string, string[]>();
  for (const { name, value } of headers) {
    const text = isUtf8(value) ? JSON.stringify(value.toString()) : `{"base64":"${value.toString('base64')}"}`;
    const same = byName.get(name);
    if (same === undefined) byName.set(name, [text]);
    else same.push(text);
  }
  const fields: string[] = [];
  for (const [name, values] of byName) {
    fields.push(`${JSON.stringify(name)}:${values.length === 1 ? values[0] : `[${values.join(',')}]`}`);
  }
  return `{${fields.join(',')}}`;
}

function headerList(headers: NonNullable<MessageBody['headers']>): NonNullable<PublishMessage['headers']> {
  const list: { name: string; value: string | Uint8Array }[] = [];
  for (const [name, values] of Object.entries(headers)) {
    for (const value of Array.isArray(values) ? values : [values]) {
      list.push({ name, value: typeof value === 'string' ? value : Buffer.from(value.base64, 'base64') });
    }
  }
  return list;
}

function jsonText(value: unknown, index: number): string {
  try {
    return JSON.stringify(value);
  } catch (cause) {
    const path = `messages[${index}].value`;
    const message = 'is nested too deep';
    throw new PortError('invalid_argument', `${path} ${message}`, { cause, errors: [{ path, message }] });
  }
}
