/** The answer to a publish: a result or a problem for every message, in the order given. */

import { z } from 'zod';
import { PersistenceName } from './common.ts';
import { Problem } from './problem.ts';

export { PublishBody } from './message.ts';

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
