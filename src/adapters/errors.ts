/**
 * The one error class of the port and the one table of its codes. REST answers, gRPC statuses, `docs/ERRORS.md` and the
 * exit messages of the command line are all read from this table, so a code means the same thing everywhere.
 */

interface CodeRow {
  /** What happened, in one sentence that is true for every use of the code. */
  readonly meaning: string;
  /** Whether the same call may succeed later without a change by the caller. */
  readonly retryable: boolean;
  readonly httpStatus: number;
  readonly grpcStatus: string;
}

export const errorCodes = {
  invalid_argument: row('A parameter or body field has the wrong type or value.', false, 400, 'INVALID_ARGUMENT'),
  unknown_field: row(
    'The request names a field that does not exist; nothing is ignored.',
    false,
    400,
    'INVALID_ARGUMENT',
  ),
  unauthenticated: row('No credentials, or credentials that are not valid.', false, 401, 'UNAUTHENTICATED'),
  scope_missing: row('The credentials are valid but do not allow this.', false, 403, 'PERMISSION_DENIED'),
  origin_not_allowed: row('A web page of another origin may not use this gateway.', false, 403, 'PERMISSION_DENIED'),
  topic_not_found: row('The topic does not exist.', false, 404, 'NOT_FOUND'),
  subscription_not_found: row('The subscription does not exist.', false, 404, 'NOT_FOUND'),
  not_found: row('There is no such route or resource.', false, 404, 'NOT_FOUND'),
  method_not_allowed: row('The resource exists but does not take this method.', false, 405, 'UNIMPLEMENTED'),
  already_exists: row('The name is taken by something with other options.', false, 409, 'ALREADY_EXISTS'),
  subscription_in_use: row(
    'Another process reads the subscription, and this backend changes it only while nobody does.',
    false,
    409,
    'FAILED_PRECONDITION',
  ),
  ack_expired: row('The ack token is no longer valid: its lease ended.', false, 410, 'FAILED_PRECONDITION'),
  message_too_large: row(
    'The message, batch or body is above the limit; nothing was stored.',
    false,
    413,
    'INVALID_ARGUMENT',
  ),
  precondition_failed: row(
    'What is to be changed is not what the caller saw (If-Match, etag): look again.',
    false,
    412,
    'ABORTED',
  ),
  unsupported_media_type: row(
    'The content type of the request is not one that this route reads.',
    false,
    415,
    'INVALID_ARGUMENT',
  ),
  offset_out_of_range: row('The offset is before the first kept message or after the end.', false, 416, 'OUT_OF_RANGE'),
  capability_unsupported: row(
    'This backend cannot do what was asked; GET /v1/capabilities says what it can.',
    false,
    422,
    'FAILED_PRECONDITION',
  ),
  unroutable: row(
    'The topic keeps no messages without a subscription, and it has none; nothing was stored.',
    false,
    422,
    'FAILED_PRECONDITION',
  ),
  idempotency_key_reused: row(
    'The Idempotency-Key was used for another request; nothing was stored.',
    false,
    422,
    'FAILED_PRECONDITION',
  ),
  quota_exceeded: row('The caller is above its rate; certainly not stored.', true, 429, 'RESOURCE_EXHAUSTED'),
  too_many_in_flight: row(
    'Too many publishes or deliveries are outstanding; certainly not stored.',
    true,
    429,
    'RESOURCE_EXHAUSTED',
  ),
  internal: row('A fault of Sluice itself; please report it.', false, 500, 'INTERNAL'),
  log_corrupt: row(
    'The stored data of this partition is damaged below its synced mark; appends are refused until repair.',
    false,
    500,
    'DATA_LOSS',
  ),
  backend_rejected: row('The backend refused; certainly not stored.', false, 502, 'ABORTED'),
  backend_unavailable: row(
    'The backend cannot be reached or is blocked; certainly not stored.',
    true,
    503,
    'UNAVAILABLE',
  ),
  access_unavailable: row(
    'The keys that credentials are checked with cannot be had now; certainly not stored.',
    true,
    503,
    'UNAVAILABLE',
  ),
  draining: row('This gateway is shutting down; certainly not stored.', true, 503, 'UNAVAILABLE'),
  overloaded: row('This gateway is above its own bounds; certainly not stored.', true, 503, 'UNAVAILABLE'),
  closed: row('The port was closed by its owner.', false, 503, 'UNAVAILABLE'),
  publish_outcome_unknown: row(
    'The connection or the deadline ended after sending: stored or not, nobody knows.',
    true,
    504,
    'DEADLINE_EXCEEDED',
  ),
  deadline_exceeded: row(
    'The backend did not answer in time; nothing was published by this call.',
    true,
    504,
    'DEADLINE_EXCEEDED',
  ),
  storage_full: row('There is no space to store more; certainly not stored.', true, 507, 'RESOURCE_EXHAUSTED'),
} as const satisfies Record<string, CodeRow>;

export type ErrorCode = keyof typeof errorCodes;

/** One thing wrong with an input; `path` is the field in the caller's own words, such as `messages[3].key`. */
export interface FieldProblem {
  readonly path: string;
  readonly message: string;
}

interface PortErrorOptions {
  readonly cause?: unknown;
  /** The capability that is missing, with `capability_unsupported`. */
  readonly capability?: string;
  /** How long to wait before the next try, in milliseconds. */
  readonly retryAfterMs?: number;
  readonly errors?: readonly FieldProblem[];
}

/** Every rejection of the port is one of these. `code` is stable; `message` is for people and holds the values. */
export class PortError extends Error {
  readonly code: ErrorCode;
  readonly capability: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly errors: readonly FieldProblem[] | undefined;

  constructor(code: ErrorCode, message: string, options: PortErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'PortError';
    this.code = code;
    this.capability = options.capability;
    this.retryAfterMs = options.retryAfterMs;
    this.errors = options.errors;
  }

  get retryable(): boolean {
    return errorCodes[this.code].retryable;
  }

  get httpStatus(): number {
    return errorCodes[this.code].httpStatus;
  }

  /** Anything caught becomes a PortError: itself, or `internal` with the reason as its cause. */
  static from(reason: unknown, fallback: ErrorCode = 'internal'): PortError {
    if (reason instanceof PortError) return reason;
    const message = reason instanceof Error ? reason.message : String(reason);
    return new PortError(fallback, message, { cause: reason });
  }
}

function row(meaning: string, retryable: boolean, httpStatus: number, grpcStatus: string): CodeRow {
  return { meaning, retryable, httpStatus, grpcStatus };
}
