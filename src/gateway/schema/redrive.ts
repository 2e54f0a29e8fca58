/** Dead letters, published again. */

import { z } from 'zod';
import { whole } from './common.ts';
import { Problem } from './problem.ts';

export const RedriveBody = z.strictObject({
  limit: whole(1, 100_000).describe('At most so many letters.').default(1_000),
  ratePerSecond: whole(1, 10_000).describe('Default: as fast as they are stored.').exactOptional(),
  dryRun: z.boolean('must be true or false').describe('Only say what would be done.').default(false),
});

export type RedriveAnswer = z.output<typeof RedriveAnswer>;

export const RedriveAnswer = z
  .strictObject({
    dryRun: z.boolean(),
    redriven: z.int().describe('Of a dry run: would be, of the first letters.'),
    topics: z.record(z.string(), z.int()).describe('By the topic that they went to.'),
    skipped: z.int().describe('Letters of other subscriptions that share the dead-letter topic.'),
    remaining: z.int().describe('Letters that are left: ask again.'),
    problem: Problem.describe('Why it ended early.').exactOptional(),
  })
  .meta({ id: 'RedriveAnswer' });
