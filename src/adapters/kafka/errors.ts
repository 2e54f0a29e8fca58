/** What went wrong with a request to Kafka, told apart by what it means for the caller; and how the port says it. */

import { type ErrorCode, PortError } from '../errors.ts';

/**
 * `unreachable`: no connection, so certainly not sent. `lost`: sent, and the connection or the deadline ended before the
 * answer. `broker`: the broker answered with an error; `type` is its name. `client`: a fault on this side.
 */
export type FaultKind = 'unreachable' | 'lost' | 'broker' | 'client';

export class KafkaFault extends Error {
  readonly kind: FaultKind;
  readonly type: string | null;

  constructor(kind: FaultKind, message: string, options: { readonly type?: string; readonly cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.name = 'KafkaFault';
    this.kind = kind;
    this.type = options.type ?? null;
  }
}

interface KafkaJsErrorShape {
  readonly name: string;
  readonly message: string;
  readonly type?: unknown;
  readonly errors?: unknown;
}

/** `sent`: whether the bytes may have left; a request that only asks does not care. */
export function toFault(reason: unknown, sent = true): KafkaFault {
  if (reason instanceof KafkaFault) return reason;
  if (!(reason instanceof Error)) return new KafkaFault('client', String(reason));
  const error: KafkaJsErrorShape = reason;
  if (typeof error.type === 'string')
    return new KafkaFault('broker', error.message, { type: error.type, cause: reason });
  if (Array.isArray(error.errors) && error.errors.length > 0) return toFault(error.errors[0], sent);
  switch (error.name) {
    case 'KafkaJSConnectionError':
    case 'KafkaJSConnectionClosedError':
    case 'KafkaJSRequestTimeoutError':
    case 'KafkaJSLockTimeout':
      return new KafkaFault(sent ? 'lost' : 'unreachable', error.message, { cause: reason });
    default:
      return new KafkaFault('client', error.message, { cause: reason });
  }
}

export function isFault(reason: unknown, ...types: readonly string[]): boolean {
  return reason instanceof KafkaFault && reason.type !== null && types.includes(reason.type);
}

const codeOfBrokerError: Readonly<Record<string, ErrorCode>> = {
  UNKNOWN_TOPIC_OR_PARTITION: 'topic_not_found',
  OFFSET_OUT_OF_RANGE: 'offset_out_of_range',
  TOPIC_ALREADY_EXISTS: 'already_exists',
  INVALID_CONFIG: 'invalid_argument',
  INVALID_TOPIC_EXCEPTION: 'invalid_argument',
  INVALID_PARTITIONS: 'invalid_argument',
  INVALID_REPLICATION_FACTOR: 'invalid_argument',
  REQUEST_TIMED_OUT: 'deadline_exceeded',
};

/** For calls that do not publish: an unanswered one may be asked again. */
export function toPortError(reason: unknown, doing: string): PortError {
  if (reason instanceof PortError) return reason;
  const fault = toFault(reason);
  const message = `${doing}: ${fault.message}`;
  switch (fault.kind) {
    case 'unreachable':
    case 'lost':
      return new PortError('backend_unavailable', message, { cause: fault });
    case 'broker':
      return new PortError(codeOfBrokerError[fault.type ?? ''] ?? 'backend_rejected', message, { cause: fault });
    case 'client':
      return new PortError('internal', message, { cause: fault });
  }
}
