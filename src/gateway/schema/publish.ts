/** The answer to a publish: a result or a problem for every message, in the order given. */

import { z } from 'zod';
import { limits } from '../../adapters/index.ts';
import { PersistenceName, wholeText } from './common.ts';
import { messageFields } from './message.ts';
import { Problem } from './problem.ts';

export { PublishBody } from './message.ts';

/** For bodies that have no place for them: with a raw body all of it, with lines and events `durability` and `minCopies`. */
export const PublishQuery = z.strictObject({
  durability: PersistenceName.exactOptional(),
  minCopies: wholeText(1, 99).exactOptional(),
  key: z.string().exactOptional(),
  id: messageFields.id,
  timestamp: wholeText(0, limits.timestampMsMax).exactOptional(),
  partition: wholeText(0, limits.partitionsPerTopicMax - 1).exactOptional(),
  delayMs: wholeText(0, Number.MAX_SAFE_INTEGER).exactOptional(),
  ttlMs: wholeText(1, Number.MAX_SAFE_INTEGER).exactOptional(),
  priority: wholeText(0, 255).exactOptional(),
});

export const PublishResult = z
  .strictObject({
    partition: z.int(),
    offset: z.int().exactOptional(),
    id: z.string(),
    durability: z.strictObject({ persistence: PersistenceName, copies: z.int() }).describe('What was reached.'),
    duplicate: z.literal(true).describe('The id was stored before; the position is the first one.').exactOptional(),
  })
  .meta({ id: 'PublishResult' });

export type PublishResult = z.output<typeof PublishResult>;

export const PublishAnswer = z.strictObject({ results: z.array(PublishResult) }).meta({ id: 'PublishAnswer' });
export const PublishMixedAnswer = z
  .strictObject({ results: z.array(z.union([PublishResult, z.strictObject({ problem: Problem })])) })
  .meta({ id: 'PublishMixedAnswer' });
