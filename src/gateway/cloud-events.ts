/**
 * CloudEvents 1.0 <-> messages. The attributes travel as headers `ce_<name>`, as in the Kafka protocol binding's binary mode, so
 * that readers of the log know them without this gateway; the data is the value, its type the content type.
 *
 * The id of the message is made of source and id, which together are what is unique about an event: an event that is sent again
 * is the same message.
 */

import { createHash } from 'node:crypto';
import { isUtf8 } from 'node:buffer';
import { z } from 'zod';
import { type Message, PortError, type PublishMessage, traceContextOf } from '../adapters/index.ts';
import { errorFromIssues } from './rest/problem-handler.ts';
import { Base64 } from './schema/common.ts';
import { messageFields, messagesOf } from './schema/message.ts';

const PREFIX = 'ce_';
const text = z.string('must be a string').min(1, 'must not be empty');

const Attributes = z
  .object({
    specversion: z.literal('1.0', 'must be "1.0"'),
    id: text,
    source: text,
    type: text,
    subject: text.optional(),
    dataschema: text.optional(),
    time: z.iso.datetime({ offset: true, error: 'must be a time of RFC 3339' }).optional(),
    datacontenttype: messageFields.contentType,
    data: z.unknown().optional(),
    data_base64: Base64.optional(),
  })
  .catchall(z.union([z.string(), z.int(), z.boolean()], 'must be a string, a whole number or a boolean'))
  .superRefine((event, context) => {
    for (const name of Object.keys(event)) {
      if (!/^[a-z0-9]+$/.test(name) && name !== 'data_base64')
        context.addIssue({ code: 'custom', path: [name], message: 'must be named by lower-case letters and digits' });
    }
    if (event.data !== undefined && event.data_base64 !== undefined)
      context.addIssue({ code: 'custom', path: ['data'], message: 'give at most one of data and data_base64' });
  });

/** An attribute that is null is one that is not there. */
const CloudEvent = z.preprocess(withoutNulls, Attributes);
const CloudEventBatch = messagesOf(CloudEvent);

type CloudEvent = z.output<typeof Attributes>;

/** Of the structured mode and the batched one. @throws PortError `invalid_argument` */
export function messagesOfEvents(events: unknown, isBatch: boolean): PublishMessage[] {
  if (!isBatch) return [eventMessage(checked(CloudEvent, events, 'event'))];
  return checked(CloudEventBatch, events, 'events').map((event) => eventMessage(event));
}

/** Of the binary mode: attributes are fields of the head. @throws PortError `invalid_argument` */
export function messageOfBinaryEvent(
  fields: Readonly<Record<string, string | string[] | undefined>>,
  bytes: Buffer,
): PublishMessage {
  const attributes: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (name.startsWith('ce-') && typeof value === 'string') attributes[name.slice(3)] = decoded(name, value);
  }
  for (const name of ['data', 'data_base64', 'datacontenttype']) {
    if (attributes[name] === undefined) continue;
    throw new PortError('invalid_argument', `event: ce-${name} is not an attribute of the binary mode`);
  }
  const contentType = fields['content-type'];
  if (typeof contentType === 'string') attributes['datacontenttype'] = contentType;
  return eventMessage(checked(CloudEvent, attributes, 'event'), bytes);
}

/** The event of a message, in the JSON format; `data` writes its data. A message that was published as none is described as one. */
export function eventJson(message: Message, data: () => string): string {
  const attributes = attributesOf(message);
  const fields = Object.entries(attributes).map(([name, value]) => `${JSON.stringify(name)}:${JSON.stringify(value)}`);
  fields.push(`"sluicepartition":${message.partition}`);
  if (message.offset !== null) fields.push(`"sluiceoffset":${message.offset}`);
  if (message.contentType !== null) fields.push(`"datacontenttype":${JSON.stringify(message.contentType)}`);
  const content = message.value === null || message.value.length === 0 ? '' : data();
  return `{${fields.join(',')}${content}}`;
}

function attributesOf(message: Message): Record<string, string> {
  const attributes: Record<string, string> = {};
  for (const { name, value } of message.headers) {
    if (name.startsWith(PREFIX)) attributes[name.slice(PREFIX.length)] = value.toString();
  }
  if (attributes['specversion'] === '1.0' && attributes['id'] !== undefined && attributes['source'] !== undefined)
    return attributes['traceparent'] === undefined ? { ...attributes, ...traceContextOf(message) } : attributes;
  const { topic, partition, offset, id, key, timestampMs } = message;
  return {
    specversion: '1.0',
    id: id ?? `${topic}/${partition}/${offset ?? timestampMs}`,
    source: `/v1/topics/${topic}`,
    type: 'sluice.message',
    time: new Date(timestampMs).toISOString(),
    ...traceContextOf(message),
    ...(key !== null && key.length > 0 && isUtf8(key) ? { partitionkey: key.toString() } : {}),
  };
}

function eventMessage(event: CloudEvent, bytes?: Buffer): PublishMessage {
  const { data, data_base64: base64, datacontenttype, ...attributes } = event;
  const contentType = datacontenttype ?? (base64 === undefined && data !== undefined ? 'application/json' : undefined);
  const key = attributes['partitionkey'];
  return {
    value: bytes ?? (base64 === undefined ? dataText(data, contentType) : Buffer.from(base64, 'base64')),
    ...(contentType === undefined ? {} : { contentType }),
    ...(typeof key === 'string' ? { key } : {}),
    id: eventId(event),
    headers: Object.entries(attributes).map(([name, value]) => ({ name: PREFIX + name, value: String(value) })),
  };
}

/** An event without data has an empty value: a null one would be a tombstone. */
function dataText(data: unknown, contentType: string | undefined): string {
  if (data === undefined) return '';
  const isJson = /^application\/json\b|^[^/]+\/[^;]+\+json\b/i.test(contentType ?? '');
  return typeof data === 'string' && !isJson ? data : JSON.stringify(data);
}

function eventId({ source, id }: CloudEvent): string {
  return `ce-${createHash('sha256')
    .update(JSON.stringify([source, id]))
    .digest('base64url')
    .slice(0, 32)}`;
}

function decoded(name: string, value: string): string {
  try {
    return decodeURIComponent(value);
  } catch (cause) {
    throw new PortError('invalid_argument', `event: ${name} is not percent-encoded UTF-8`, { cause });
  }
}

function checked<S extends z.ZodType>(schema: S, given: unknown, where: string): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw errorFromIssues(result.error.issues, where);
}

function withoutNulls(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return event;
  return Object.fromEntries(Object.entries(event).filter(([name, value]) => value !== null || name === 'data'));
}
