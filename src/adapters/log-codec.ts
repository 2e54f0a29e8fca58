/**
 * How a message travels on a log (native and Kafka): content type and id are record headers, everything else has a place of
 * its own. Records of other clients carry neither and are delivered as they are.
 */

import type { Header, Message } from './port.ts';

export const CONTENT_TYPE_HEADER = 'content-type';
export const ID_HEADER = 'sluice-id';

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
  const headers: Header[] = [];
  if (message.contentType !== null)
    headers.push({ name: CONTENT_TYPE_HEADER, value: contentTypeBytes(message.contentType) });
  if (message.id !== null) headers.push({ name: ID_HEADER, value: Buffer.from(message.id) });
  for (const header of message.headers) headers.push(header);
  return headers;
}

/** Most messages have the type of the one before; its bytes are only read. */
let lastContentType = '';
let lastContentTypeBytes = Buffer.alloc(0);

function contentTypeBytes(contentType: string): Buffer {
  if (contentType !== lastContentType) {
    lastContentType = contentType;
    lastContentTypeBytes = Buffer.from(contentType);
  }
  return lastContentTypeBytes;
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
    else if (name === ID_HEADER && id === null) id = value?.toString() ?? '';
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
