/** What can go wrong with a trace, as one class with stable codes; the command line prints code and message and exits 2. */

export const traceErrorCodes = {
  trace_unreadable: 'The file cannot be opened or read.',
  trace_unwritable: 'The trace cannot be written where it should go.',
  trace_not_text: 'The file is not text: it holds NUL bytes and no line with a timestamp.',
  trace_no_timestamp: 'No line of the file begins with a timestamp in a known format.',
  trace_too_large: 'The file is above a named limit of size or count; nothing was cut off in silence.',
  trace_invalid: 'A line of a trace is not what a trace line must be; the message names file and line.',
  trace_key_unsupported: 'Lines of this log format do not name what they should be keyed by.',
  trace_invalid_option: 'An option has a value that does not exist.',
} as const;

export type TraceErrorCode = keyof typeof traceErrorCodes;

export class TraceError extends Error {
  readonly code: TraceErrorCode;

  constructor(code: TraceErrorCode, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'TraceError';
    this.code = code;
  }

  /** An error of the file system becomes `code` with the file's name; a TraceError stays itself. */
  static from(reason: unknown, code: TraceErrorCode, what: string): TraceError {
    if (reason instanceof TraceError) return reason;
    const detail = reason instanceof Error ? reason.message : String(reason);
    return new TraceError(code, `${what}: ${detail}`, { cause: reason });
  }
}
