/** The problem document of RFC 9457, the one form of every error. */

import { z } from 'zod';
import { errorCodes } from '../../adapters/index.ts';

const codes = Object.keys(errorCodes) as [keyof typeof errorCodes, ...(keyof typeof errorCodes)[]];

export const Problem = z
  .strictObject({
    type: z.string().describe('urn:sluice:problem: and the code.'),
    title: z.string().describe('What the code means.'),
    status: z.int(),
    detail: z.string().describe('What happened here, with the values in it.'),
    instance: z
      .string()
      .describe('The id of the request, as in the header x-request-id and in the log.')
      .exactOptional(),
    code: z.enum(codes).describe('Stable; docs/ERRORS.md lists them.'),
    retryable: z.boolean().describe('Whether the same call may succeed later.'),
    retryAfterMs: z.number().exactOptional(),
    capability: z.string().describe('The capability that is missing, with capability_unsupported.').exactOptional(),
    errors: z.array(z.strictObject({ path: z.string(), message: z.string() })).exactOptional(),
    messageId: z
      .string()
      .describe('Of the message that was not stored, or not known to be: retry with the same id.')
      .exactOptional(),
  })
  .meta({ id: 'Problem' });

export type ProblemDocument = z.output<typeof Problem>;

/** For the `default` answer of every route. */
export const problemResponse = {
  description: 'Anything else: a problem document (RFC 9457).',
  content: { 'application/problem+json': { schema: Problem } },
};
