/** ETag and If-Match: the revision of a definition, which is the same on every gateway of a backend. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { type AlterOptions, definitionRevision, PortError } from '../../adapters/index.ts';

export function sendETag(reply: FastifyReply, definition: object): void {
  void reply.header('etag', `"${definitionRevision(definition)}"`);
}

/**
 * Without If-Match, or with `*`, a change is made to whatever is there: that is what a merge patch is good for. Comparison is strong, so a
 * weak tag matches nothing.
 * @throws PortError `invalid_argument` for what is no list of tags.
 */
export function expectedRevision(request: FastifyRequest): AlterOptions {
  const given = request.headers['if-match']?.trim();
  if (given === undefined || given === '*') return {};
  if (!tags.test(given)) {
    throw new PortError(
      'invalid_argument',
      'the header if-match must be * or entity tags in quotes, as etag gave them',
    );
  }
  const strong = given.split(',').map((tag) => tag.trim());
  return { ifRevision: strong.map((tag) => (tag.startsWith('W/') ? tag : tag.slice(1, -1))) };
}

/** The same of what has no change to be checked with: a DELETE. @throws PortError `precondition_failed`, and what `describe` throws. */
export async function requireRevision(request: FastifyRequest, describe: () => Promise<object>): Promise<void> {
  const { ifRevision } = expectedRevision(request);
  if (ifRevision === undefined) return;
  if (!ifRevision.includes(definitionRevision(await describe())))
    throw new PortError('precondition_failed', 'it is not the one of that if-match any more: nothing was removed');
}

const tags = /^(W\/)?"[\x21\x23-\x2b\x2d-\x7e]*"(\s*,\s*(W\/)?"[\x21\x23-\x2b\x2d-\x7e]*")*$/;
