/** The engine's errors in the port's words. */

import { EngineError } from '../../core-log/index.ts';
import { type ErrorCode, PortError } from '../errors.ts';

const codes: Readonly<Record<string, ErrorCode>> = {
  topic_not_found: 'topic_not_found',
  offset_out_of_range: 'offset_out_of_range',
  log_corrupt: 'log_corrupt',
  storage_full: 'storage_full',
  record_too_large: 'message_too_large',
  engine_closed: 'closed',
  invalid_option: 'invalid_argument',
  key_required: 'invalid_argument',
};

/** Where the engine hands on what the system said: a full or read-only disk is no fault of ours. */
function codeOfSystemError(reason: unknown): ErrorCode {
  const { code } = reason as { code?: unknown };
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'storage_full';
  return typeof code === 'string' && /^E[A-Z0-9]+$/.test(code) ? 'backend_rejected' : 'internal';
}

/** Whatever the table does not name is a definite no of the backend; the engine's own code stays in the message and the cause. */
export function toPortError(reason: unknown): PortError {
  if (!(reason instanceof EngineError)) return PortError.from(reason, codeOfSystemError(reason));
  const code = codes[reason.code] ?? 'backend_rejected';
  return new PortError(code, code === reason.code ? reason.message : `${reason.code}: ${reason.message}`, {
    cause: reason,
  });
}
