/**
 * Words that every body shares. The zod schemas under `schema/` are the only source of REST validation, of the types of
 * requests and of the OpenAPI document.
 */

import { z } from 'zod';
import { limits } from '../../adapters/index.ts';

export const Name = z
  .string('must be a string')
  .regex(limits.namePattern, `must match ${limits.namePattern.source}`)
  .meta({ example: 'orders' });

export const TopicParams = z.strictObject({ topic: Name });
export const PartitionParams = z.strictObject({
  topic: Name,
  partition: z.string().regex(/^(0|[1-9]\d{0,4})$/, 'must be a partition number'),
});
export const SubscriptionParams = z.strictObject({ subscription: Name });

/** For routes without a query: a misspelt parameter is an error, not nothing. */
export const NoQuery = z.strictObject({});

/** RFC 4648 section 4, padded, canonical, nothing around it: what decodes to bytes in exactly one way. */
export const Base64 = z
  .string('must be a base64 string')
  .refine(isBase64, 'must be base64 (RFC 4648: padded, no spaces, not the URL alphabet)')
  .meta({ contentEncoding: 'base64', example: 'AAH/' });

/** How messages are written: values by their content type, always as `valueBase64`, or each message as a CloudEvent. */
export const EncodingName = z.enum(['auto', 'base64', 'cloudevents']).default('auto');
export const EncodingQuery = z.strictObject({ encoding: EncodingName });

export const QueueTypeName = z.enum(['quorum', 'classic', 'stream']);
export const PersistenceName = z.enum(['memory', 'os', 'fsync']);

export const whole = (min: number, max: number) =>
  z.int(`must be a whole number from ${min} to ${max}`).min(min).max(max);

/** The same in a query, where all is text: coerced, an empty parameter would be a nought and `0x10` sixteen. */
export const wholeText = (min: number, max: number) =>
  z
    .string(`must be a whole number from ${min} to ${max}`)
    .regex(/^(0|[1-9]\d{0,15})$/, `must be a whole number from ${min} to ${max}`)
    .transform(Number)
    .pipe(whole(min, max));

/** Where a subscription starts or goes: offsets are by partition number. */
export const PositionBody = z.union(
  [
    z.literal('earliest'),
    z.literal('latest'),
    z.strictObject({ timestamp: whole(0, Number.MAX_SAFE_INTEGER) }),
    z.strictObject({
      offsets: z.record(
        z.string().regex(/^(0|[1-9]\d{0,4})$/, 'must be a partition number'),
        whole(0, Number.MAX_SAFE_INTEGER),
      ),
    }),
  ],
  'must be "earliest", "latest", {"timestamp": milliseconds} or {"offsets": {"0": 5}}',
);

const alphabet = /^[A-Za-z0-9+/]*={0,2}$/;

function isBase64(text: string): boolean {
  if (text.length % 4 !== 0 || !alphabet.test(text)) return false;
  const tail = text.slice(-4);
  // Unused bits of the last group must be zero: otherwise two texts would mean the same bytes.
  return Buffer.from(tail, 'base64').toString('base64') === tail;
}
