/** A message as it travels in JSON: published and delivered. */

import { z } from 'zod';
import { limits } from '../../adapters/index.ts';
import { Base64, Name, PersistenceName, whole } from './common.ts';

const HeaderValue = z.union([z.string(), z.strictObject({ base64: Base64 })], 'must be a string or {"base64": "..."}');

const Headers = z.record(
  z.string().min(1, 'must have a name').max(255, 'must have a name of at most 255 characters'),
  z.union([HeaderValue, z.array(HeaderValue)], 'must be a string, {"base64": "..."} or an array of those'),
);

/** What a message has on every way in, JSON or not. */
// `optional`, not `exactOptional`, which checks an absent field ten times as slowly; JSON has no undefined, so they mean the same.
export const messageFields = {
  contentType: z
    .string()
    .regex(/^[\x21-\x7e][\x20-\x7e]{0,254}$/, 'must be 1 to 255 printable ASCII characters')
    .optional(),
  id: z.string().min(1).max(limits.idCharactersMax).describe('Made if absent.').optional(),
  timestamp: whole(0, limits.timestampMsMax).describe('Milliseconds since 1970.').optional(),
  partition: whole(0, limits.partitionsPerTopicMax - 1).optional(),
  delayMs: whole(0, Number.MAX_SAFE_INTEGER).optional(),
  ttlMs: whole(1, Number.MAX_SAFE_INTEGER).optional(),
  priority: whole(0, 255).optional(),
};

export const MessageBody = z
  .strictObject({
    key: z.string().optional(),
    keyBase64: Base64.optional(),
    value: z
      .unknown()
      .describe('A string is stored as its UTF-8 bytes, null as a tombstone, any other JSON as its JSON text.')
      .optional(),
    valueBase64: Base64.describe('Raw bytes.').optional(),
    headers: Headers.optional(),
    ...messageFields,
  })
  .superRefine((message, context) => {
    if ((message.value === undefined) === (message.valueBase64 === undefined)) {
      context.addIssue({ code: 'custom', path: ['value'], message: 'give exactly one of value and valueBase64' });
    }
    if (message.key !== undefined && message.keyBase64 !== undefined) {
      context.addIssue({ code: 'custom', path: ['key'], message: 'give at most one of key and keyBase64' });
    }
  })
  .meta({ id: 'MessageToPublish' });

export type MessageBody = z.output<typeof MessageBody>;

/** As many as one publish may have, of whatever form. */
export const messagesOf = <M extends z.ZodType>(message: M) =>
  z.array(message).min(1).max(limits.messagesPerPublishMax);

export const publishOptions = {
  durability: PersistenceName.exactOptional(),
  minCopies: whole(1, 99).exactOptional(),
};

export const PublishBody = z.strictObject({ messages: messagesOf(MessageBody), ...publishOptions });

export type PublishBody = z.output<typeof PublishBody>;

export const DeliveredMessage = z
  .strictObject({
    topic: Name,
    partition: z.int(),
    offset: z.int().describe('Only where the backend has one.').exactOptional(),
    key: z.string().describe('Where the bytes are UTF-8.').exactOptional(),
    keyBase64: Base64.exactOptional(),
    value: z.unknown().describe('A string or JSON, by the content type.').exactOptional(),
    valueBase64: Base64.describe('Where value cannot be had, or with ?encoding=base64.').exactOptional(),
    headers: Headers,
    contentType: z.string().nullable(),
    id: z.string().nullable(),
    timestamp: z.number(),
  })
  .meta({ id: 'Message' });
