/**
 * A PortError as a gRPC status: number and text for everyone, and in `grpc-status-details-bin` a google.rpc.Status, from
 * which clients of every language read the code. Only these few messages are ever written, so they are written by hand:
 *
 * ```
 *   Status    { int32 code = 1; string message = 2; repeated Any details = 3 }
 *   Any       { string type_url = 1; bytes value = 2 }
 *   ErrorInfo { string reason = 1; string domain = 2; map<string, string> metadata = 3 }
 *   RetryInfo { Duration retry_delay = 1 }           Duration { int64 seconds = 1; int32 nanos = 2 }
 *   BadRequest { repeated FieldViolation field_violations = 1 }   FieldViolation { string field = 1; string description = 2 }
 * ```
 */

import { Metadata, type StatusObject, status as statusNumbers } from '@grpc/grpc-js';
import { errorCodes, type PortError } from '../../adapters/index.ts';
import { gatewayLimits } from '../limits.ts';
import { problemOf } from '../rest/problem-handler.ts';
import type { Problem } from './generated/sluice/v1/Problem.ts';

export interface About {
  /** The id of the request. */
  readonly instance?: string;
  /** Of the lone message that was not stored. */
  readonly messageId?: string;
}

export function statusOf(error: PortError, { instance, messageId }: About = {}): StatusObject {
  const code = statusNumbers[errorCodes[error.code].grpcStatus as keyof typeof statusNumbers];
  const details = shortText(problemOf(error).detail);
  const metadata = new Metadata();
  const about: Record<string, string> = { retryable: String(error.retryable) };
  if (error.retryAfterMs !== undefined) about['retryAfterMs'] = String(error.retryAfterMs);
  if (error.capability !== undefined) about['capability'] = error.capability;
  if (instance !== undefined) about['instance'] = instance;
  if (messageId !== undefined) about['messageId'] = messageId;
  const packed = [any('ErrorInfo', errorInfo(error.code, about))];
  if (error.errors !== undefined) packed.push(any('BadRequest', badRequest(error.errors)));
  if (error.retryAfterMs !== undefined) packed.push(any('RetryInfo', field(1, duration(error.retryAfterMs))));
  const status = Buffer.concat([varintField(1, code), field(2, details), ...packed.map((detail) => field(3, detail))]);
  metadata.set('grpc-status-details-bin', status);
  return { code, details, metadata };
}

/** The problem of one message among others, or of a frame. */
export function problemMessage(error: PortError, messageId?: string): Problem {
  const problem = problemOf(error);
  return {
    code: problem.code,
    detail: problem.detail,
    retryable: problem.retryable,
    ...(problem.retryAfterMs === undefined ? {} : { retryAfterMs: problem.retryAfterMs }),
    ...(problem.capability === undefined ? {} : { capability: problem.capability }),
    ...(problem.errors === undefined ? {} : { errors: problem.errors }),
    ...(messageId === undefined ? {} : { messageId }),
  };
}

function any(type: string, value: Buffer): Buffer {
  return Buffer.concat([field(1, `type.googleapis.com/google.rpc.${type}`), field(2, value)]);
}

function errorInfo(reason: string, metadata: Readonly<Record<string, string>>): Buffer {
  const entries = Object.entries(metadata).map(([key, text]) =>
    field(3, Buffer.concat([field(1, key), field(2, text)])),
  );
  return Buffer.concat([field(1, reason), field(2, 'sluice'), ...entries]);
}

function badRequest(errors: NonNullable<PortError['errors']>): Buffer {
  const told = errors.slice(0, gatewayLimits.grpcFieldViolationsMax);
  return Buffer.concat(
    told.map(({ path, message }) => field(1, Buffer.concat([field(1, shortText(path)), field(2, shortText(message))]))),
  );
}

function duration(ms: number): Buffer {
  return Buffer.concat([varintField(1, Math.floor(ms / 1_000)), varintField(2, Math.round((ms % 1_000) * 1_000_000))]);
}

/** A field of wire type 2: text, bytes or a message. */
function field(number: number, content: string | Buffer): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  return Buffer.concat([varint((number << 3) | 2), varint(bytes.length), bytes]);
}

function varintField(number: number, content: number): Buffer {
  return Buffer.concat([varint(number << 3), varint(content)]);
}

function varint(number: number): Buffer {
  const bytes: number[] = [];
  let rest = number;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return Buffer.from([...bytes, rest]);
}

/** Short enough for trailers, and well-formed: the library throws on half of a surrogate pair. */
function shortText(text: string): string {
  const { grpcDetailCharactersMax } = gatewayLimits;
  const short = text.length <= grpcDetailCharactersMax ? text : `${text.slice(0, grpcDetailCharactersMax)}...`;
  return Buffer.from(short).toString();
}
