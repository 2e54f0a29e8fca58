/**
 * How a message travels on a log (native and Kafka): content type and id are record headers, everything else has a place of
 * its own. Records of other clients carry neither and are delivered as they are.
 */

import type { Header, Message } from './port.ts';

export const CONTENT_TYPE_HEADER = 'content-type';
export const ID_HEADER = 'sluice-id';
/** On the native log: an id that was made for the message. Only one that the application gave makes a later message a repetition. */
export const MADE_ID_HEADER = 'sluice-made-id';

interface RecordHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

export function toRecordHeaders(message: {
  readonly headers: readonly Header[];
  readonly contentType: string | null;
  /** null: the id gets its header elsewhere. */
  readonly id: string | null;
}): Header[] {
  const { contentType, id, headers } = message;
  const own: Header[] = [];
  if (contentType !== null) own.push(contentTypeHeader(contentType));
  if (id !== null) own.push({ name: ID_HEADER, value: Buffer.from(id) });
  for (const header of headers) own.push(header);
  return own;
}

/** The same for the native log, which takes text as text (no bytes of its own for each id) and adds the header of an id that it is given. */
export function toTextHeaders(
  { contentType, headers }: { readonly headers: readonly Header[]; readonly contentType: string | null },
  madeId: string | null,
): { readonly name: string; readonly value: string | Buffer }[] {
  const own: { readonly name: string; readonly value: string | Buffer }[] = [];
  if (contentType !== null) own.push(contentTypeHeader(contentType));
  if (madeId !== null) own.push({ name: MADE_ID_HEADER, value: madeId });
  for (const header of headers) own.push(header);
  return own;
}

/** Most messages have the type of the one before; its header is only read. */
let lastContentType: string | undefined;
let lastContentTypeHeader: Header = { name: CONTENT_TYPE_HEADER, value: Buffer.alloc(0) };

function contentTypeHeader(contentType: string): Header {
  if (contentType !== lastContentType) {
    lastContentType = contentType;
    lastContentTypeHeader = { name: CONTENT_TYPE_HEADER, value: Buffer.from(contentType) };
  }
  return lastContentTypeHeader;
}

/** A null header value, which Kafka allows, becomes an empty one. */
export function fromRecord(
  topic: string,
  partition: number,
  record: {
    readonly offset: number;
    readonly timestamp: number;
    readonly key: Buffer | null;
    readonly value: Buffer | null;
    readonly headers: readonly RecordHeader[];
  },
): Message {
  let contentType: string | null = null;
  let id: string | null = null;
  const headers: Header[] = [];
  for (const { name, value } of record.headers) {
    if (name === CONTENT_TYPE_HEADER && contentType === null) contentType = value?.toString() ?? '';
    else if ((name === ID_HEADER || name === MADE_ID_HEADER) && id === null) id = value?.toString() ?? '';
    else headers.push({ name, value: value ?? Buffer.alloc(0) });
  }
  return {
    topic,
    partition,
    offset: record.offset,
    key: record.key,
    value: record.value,
    headers,
    contentType,
    id,
    timestampMs: record.timestamp,
  };
}

/** Bytes of key, value and headers: what credit in bytes counts. */
export function messageBytes(message: {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
}): number {
  let bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0);
  for (const { name, value } of message.headers) bytes += name.length + value.length;
  return bytes;
}
