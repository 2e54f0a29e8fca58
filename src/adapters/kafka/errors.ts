/** What went wrong with a request to Kafka, told apart by what it means for the caller; and how the port says it. */

import { tlsTrouble } from '../broker-login.ts';
import { type ErrorCode, PortError } from '../errors.ts';

/**
 * `unreachable`: no connection, so certainly not sent. `lost`: sent, and the connection or the deadline ended before the
 * answer. `broker`: the broker answered with an error; `type` is its name. `client`: a fault on this side.
 */
export type FaultKind = 'unreachable' | 'lost' | 'broker' | 'client';

export class KafkaFault extends Error {
  readonly kind: FaultKind;
  readonly type: string | null;
  /** Of `unreachable`: somebody is there, and one of the two sides does not want the other. Trying again does not mend it. */
  readonly isTurnedAway: boolean;

  constructor(
    kind: FaultKind,
    message: string,
    options: { readonly type?: string; readonly cause?: unknown; readonly isTurnedAway?: boolean } = {},
  ) {
    super(message, { cause: options.cause });
    this.name = 'KafkaFault';
    this.kind = kind;
    this.type = options.type ?? null;
    this.isTurnedAway = options.isTurnedAway ?? false;
  }
}

const loginErrors: ReadonlySet<string> = new Set([
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'SASL_AUTHENTICATION_FAILED',
]);

/** Whatever goes wrong while a connection is opened: nothing was asked yet. `who` logs in, for people. */
export function toConnectFault(reason: unknown, address: string, who: string | null): KafkaFault {
  const { message } = toFault(reason);
  const trouble = tlsTrouble(reason);
  if (trouble !== undefined) {
    return new KafkaFault('unreachable', `${address}: ${trouble}`, { cause: reason, isTurnedAway: true });
  }
  if (isLoginRefused(reason)) {
    const text = `${address} refuses the login of ${who ?? 'a client without one'}: ${message}`;
    return new KafkaFault('unreachable', text, { cause: reason, isTurnedAway: true });
  }
  // A file that cannot be read, in the words of the configuration.
  if (reason instanceof PortError) return new KafkaFault('unreachable', message, { cause: reason, isTurnedAway: true });
  return new KafkaFault('unreachable', message, { cause: reason });
}

/** Also in the middle of a connection's life, when Kafka wants to see the login again. */
export function isLoginRefused(reason: unknown): boolean {
  if (reason instanceof Error && reason.name === 'KafkaJSSASLAuthenticationError') return true;
  const { type } = toFault(reason);
  return type !== null && loginErrors.has(type);
}

const DENIED = ['TOPIC_AUTHORIZATION_FAILED', 'GROUP_AUTHORIZATION_FAILED', 'CLUSTER_AUTHORIZATION_FAILED'] as const;

/** Refused for want of a right: no waiting mends it. */
export function isDenied(type: string | null): boolean {
  return type !== null && (DENIED as readonly string[]).includes(type);
}

/** What the user of this client has not been given, in the words of an ACL. */
export function deniedText(needs: string): string {
  return `Kafka does not allow it to this user: it needs ${needs}`;
}

/** Says which right is missing, where the broker only says that one is. Everything else passes as it is. */
export function naming(reason: unknown, needs: string | ((type: string) => string)): KafkaFault {
  const fault = toFault(reason);
  if (fault.type === null || !isDenied(fault.type)) return fault;
  const text = typeof needs === 'string' ? needs : needs(fault.type);
  return new KafkaFault('broker', deniedText(text), { type: fault.type, cause: fault });
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
  if (fault.cause instanceof PortError) return fault.cause;
  const message = `${doing}: ${fault.message}`;
  switch (fault.kind) {
    case 'unreachable':
    case 'lost':
      return new PortError(unreachableCode(fault), message, { cause: fault });
    case 'broker':
      return new PortError(codeOfBrokerError[fault.type ?? ''] ?? 'backend_rejected', message, { cause: fault });
    case 'client':
      return new PortError('internal', message, { cause: fault });
  }
}

/** Not retryable where one side turned the other away. */
export function unreachableCode({ isTurnedAway }: KafkaFault): ErrorCode {
  return isTurnedAway ? 'backend_rejected' : 'backend_unavailable';
}
