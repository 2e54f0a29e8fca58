/** What AMQP and the socket say, in the port's codes. */

import { PortError } from '../errors.ts';

/** AMQP reply codes that mean something to a caller. Everything else is `backend_unavailable`: the connection will be made anew. */
const replyCodes = {
  311: 'message_too_large',
  403: 'backend_rejected',
  405: 'backend_rejected',
  406: 'already_exists',
  530: 'backend_rejected',
  540: 'capability_unsupported',
} as const satisfies Record<number, PortError['code']>;

/** A right is missing. */
export const ACCESS_REFUSED = 403;

/** @param what the sentence before the reason, such as `declare queue "x"`. */
export function fromAmqp(reason: unknown, what: string): PortError {
  if (reason instanceof PortError) return reason;
  const code = replyCodeOf(reason);
  const mapped = code === undefined ? undefined : (replyCodes as Record<number, PortError['code']>)[code];
  return new PortError(mapped ?? 'backend_unavailable', `${what}: ${messageOf(reason)}`, { cause: reason });
}

/**
 * The queue or exchange does not exist. Not every 404 says that: a queue whose node is down, or that is being restarted, is
 * "not found" as well, and comes back.
 */
export function isGone(reason: unknown): boolean {
  return replyCodeOf(reason) === 404 && /no (queue|exchange) '/.test(messageOf(reason));
}

export function replyCodeOf(reason: unknown): number | undefined {
  if (typeof reason !== 'object' || reason === null || !('code' in reason)) return undefined;
  return typeof reason.code === 'number' ? reason.code : undefined;
}

/** Refused at the handshake: trying the same again does not help until somebody changes something. */
export function isRefusedAtHandshake(reason: unknown): boolean {
  return /ACCESS[-_]REFUSED|NOT_ALLOWED|Handshake terminated by server: (403|530)/.test(messageOf(reason));
}

/** The answer to the last step of the handshake. amqplib keeps only its name, not its reason. */
export function isVhostRefused(reason: unknown): boolean {
  return /Expected ConnectionOpenOk; got <ConnectionClose/.test(messageOf(reason));
}

export function messageOf(reason: unknown): string {
  if (!(reason instanceof Error)) return String(reason);
  if (reason.message !== '') return reason.message;
  // Node gives connection errors of several addresses an empty message.
  if (reason instanceof AggregateError) return reason.errors.map(messageOf).join(', ');
  return 'code' in reason ? String(reason.code) : reason.name;
}

/** Settles as `promise` does, or rejects with `deadline_exceeded`. What comes later is ignored. */
export async function within<T>(promise: Promise<T>, milliseconds: number, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(
      () => reject(new PortError('deadline_exceeded', `${what}: no answer within ${milliseconds} ms`)),
      milliseconds,
    );
  });
  try {
    return await Promise.race([promise, deadline]);
  } finally {
    clearTimeout(timer);
    promise.catch(() => undefined); // after the deadline nobody else listens
  }
}
