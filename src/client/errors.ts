/** The one error of the client: what a gateway answered, by its stable code, or what kept an answer from coming. */

import type { Problem } from './generated/schemas.ts';

/** What a gateway never answers, because it is about reaching one. */
export type ConnectionCode =
  /** Nothing was sent: no such host, nobody listens, no way there. */
  | 'gateway_unreachable'
  /** The connection ended after sending: done or not, nobody knows. */
  | 'connection_lost'
  /** No answer in time: done or not, nobody knows. */
  | 'client_timeout'
  /** What answers there is not a gateway, or something between changes its answers. */
  | 'invalid_answer';

export type SluiceErrorCode = Problem['code'] | ConnectionCode;

interface ErrorOptionsOfSluice {
  readonly retryable: boolean;
  readonly status?: number;
  readonly problem?: Problem;
  readonly cause?: unknown;
}

/**
 * Every rejection of the client is one of these, except that an aborted call rejects with the reason of its signal, as `fetch` does.
 * `code` is stable (docs/ERRORS.md); `message` is for people.
 */
export class SluiceError extends Error {
  readonly code: SluiceErrorCode;
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  /** Of the answer; undefined when there was none. */
  readonly status: number | undefined;
  readonly retryAfterMs: number | undefined;
  /** The capability that is missing, with `capability_unsupported`. */
  readonly capability: string | undefined;
  /** What is wrong, field by field. */
  readonly errors: Problem['errors'] | undefined;
  /** The id of the request in the log of the gateway. */
  readonly requestId: string | undefined;

  constructor(code: SluiceErrorCode, message: string, options: ErrorOptionsOfSluice) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'SluiceError';
    this.code = code;
    this.retryable = options.retryable;
    this.status = options.status;
    this.retryAfterMs = options.problem?.retryAfterMs;
    this.capability = options.problem?.capability;
    this.errors = options.problem?.errors;
    this.requestId = options.problem?.instance;
  }
}

export function errorOfProblem(problem: Problem): SluiceError {
  const { code, detail, retryable, status } = problem;
  return new SluiceError(code, detail, { retryable, status, problem });
}

/** Whether nothing can have happened at the gateway: trying again does nothing twice. */
export function isCertainlyNotDone({ code, status }: SluiceError): boolean {
  return code === 'gateway_unreachable' || (code !== 'invalid_answer' && (status === 429 || status === 503));
}

/** Of a `fetch` that failed. */
export function errorOfFetch(reason: unknown, url: string): SluiceError {
  const cause = reason instanceof Error ? (reason.cause as { code?: string; message?: string } | undefined) : undefined;
  const detail = cause?.message !== undefined && cause.message !== '' ? cause.message : (cause?.code ?? String(reason));
  if (cause?.message === 'bad port') {
    const text = `fetch does not speak to the port of ${url}, which is reserved for something else`;
    return new SluiceError('invalid_argument', text, { retryable: false, cause: reason });
  }
  if (notSent.has(cause?.code ?? '')) {
    return new SluiceError('gateway_unreachable', `no gateway can be reached at ${url}: ${detail}`, {
      retryable: true,
      cause: reason,
    });
  }
  return new SluiceError('connection_lost', `the connection to ${url} ended before the answer: ${detail}`, {
    retryable: true,
    cause: reason,
  });
}

const notSent: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENETUNREACH',
  'EHOSTUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);
