/** Whatever goes wrong -> one problem document, from the table of codes. Nothing else writes an error. */

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { errorCodes, type ErrorCode, type FieldProblem, PortError } from '../../adapters/index.ts';
import { traceContextOfRequest, type TraceFields, traceFieldsOf } from '../request-trace.ts';
import type { ProblemDocument } from '../schema/problem.ts';

/** @param instance the id of the request; absent for the problem of one message among others. */
export function problemOf(error: PortError, instance?: string): ProblemDocument {
  const row = errorCodes[error.code];
  return {
    type: `urn:sluice:problem:${error.code}`,
    title: row.meaning,
    status: row.httpStatus,
    // What broke inside is for the log; the id of the request joins the two.
    detail: error.code === 'internal' ? 'unexpected; the log has the details under this instance' : error.message,
    ...(instance === undefined ? {} : { instance }),
    code: error.code,
    retryable: row.retryable,
    ...(error.retryAfterMs === undefined ? {} : { retryAfterMs: error.retryAfterMs }),
    ...(error.capability === undefined ? {} : { capability: error.capability }),
    ...(error.errors === undefined ? {} : { errors: error.errors.map(({ path, message }) => ({ path, message })) }),
  };
}

export function sendProblem(reply: FastifyReply, problem: ProblemDocument): FastifyReply {
  if (problem.status === 503 || problem.status === 429) {
    void reply.header('retry-after', String(Math.max(1, Math.ceil((problem.retryAfterMs ?? 1_000) / 1_000))));
  }
  return reply
    .code(problem.status)
    .header('content-type', 'application/problem+json')
    .serializer(JSON.stringify)
    .send(problem);
}

export function useProblems(app: FastifyInstance, onProblem: (code: ErrorCode) => void): void {
  app.setErrorHandler((reason: FastifyError | PortError, request, reply) => {
    const error = fromFastify(reason, request);
    onProblem(error.code);
    if (error.httpStatus === 500) request.log.error({ err: reason, ...traceOf(request) }, 'unexpected error');
    return sendProblem(reply, problemOf(error, request.id));
  });
  app.setNotFoundHandler((request, reply) => {
    onProblem('not_found');
    return sendProblem(reply, problemOf(noSuchRoute(request), request.id));
  });
}

export function noSuchRoute(request: FastifyRequest): PortError {
  return new PortError(
    'not_found',
    `there is no ${request.method} ${pathOf(request)}; GET /openapi.json lists what is`,
  );
}

/** For a line of the request's log, which has its id already. */
export function traceOf({ headers }: FastifyRequest): TraceFields {
  return traceFieldsOf(traceContextOfRequest(headers));
}

/** Zod's issues in the caller's words: `messages[3].key`. */
export function errorFromIssues(issues: readonly z.core.$ZodIssue[], where: string): PortError {
  const errors: FieldProblem[] = [];
  let isUnknownField = false;
  for (const issue of issues) {
    const path = pathText(issue.path);
    if (issue.code === 'unrecognized_keys') {
      isUnknownField = true;
      for (const key of issue.keys)
        errors.push({ path: path === '' ? key : `${path}.${key}`, message: 'is not a known field' });
    } else errors.push({ path: path === '' ? where : path, message: messageOf(issue) });
  }
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const kept = errors.slice(0, fieldProblemsMax);
  return new PortError(
    isUnknownField ? 'unknown_field' : 'invalid_argument',
    first === undefined
      ? `the ${where} is not valid`
      : `${where}${first.path === where ? '' : `: ${first.path}`} ${first.message}${more}`,
    { errors: kept },
  );
}

/** Enough to repair a request by; a thousand bad messages need not be told a thousand times. */
const fieldProblemsMax = 50;

/** The problem inside a key of a record says more than "invalid key". */
function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return issue.issues[0]?.message ?? issue.message;
  return issue.message;
}

function pathText(path: readonly PropertyKey[]): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? String(part) : `.${String(part)}`;
  }
  return text;
}

const fastifyCodes: Readonly<Record<string, ErrorCode>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: 'message_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_argument',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid_argument',
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid_argument',
  FST_ERR_BAD_URL: 'invalid_argument',
  FST_ERR_VALIDATION: 'invalid_argument',
};

function fromFastify(reason: FastifyError | PortError, request: FastifyRequest): PortError {
  if (reason instanceof PortError) return reason;
  const code = fastifyCodes[reason.code];
  if (code === 'message_too_large') {
    return new PortError(code, `the body is above the limit of ${request.routeOptions.bodyLimit} bytes`, {
      cause: reason,
    });
  }
  if (code === 'unsupported_media_type') {
    const type = request.headers['content-type'];
    const detail =
      type === undefined ? 'the request has no content-type' : `content type ${JSON.stringify(type)} is not read here`;
    return new PortError(code, `${detail}: send application/json`, { cause: reason });
  }
  if (code !== undefined) return new PortError(code, reason.message, { cause: reason });
  // Of the JSON parser, which has no codes of its own, or another fault of the request.
  if (reason.statusCode === 400)
    return new PortError('invalid_argument', `the body is not JSON: ${reason.message}`, { cause: reason });
  return PortError.from(reason);
}

function pathOf(request: FastifyRequest): string {
  return request.url.split('?', 1)[0] ?? request.url;
}
