/**
 * `Idempotency-Key` on a publish: a request that comes again with its key is answered with what became of the first one, and not
 * published again. Two lines of defence, because this memory is one process's:
 *
 * 1. Here, for `idempotencyMs` after an answer in which every message is stored: same key and same request, same answer. A request that comes
 *    while the first is still under way waits for it. The same key with another request is refused: one of the two is a mistake.
 * 2. The ids of messages that have none are made of the key (`KEY`, or `KEY.0`, `KEY.1`, ... of several), so that a backend that claims
 *    `publish.dedup` stores a repetition once also after a restart, or through another gateway. Where there are principals the ids are made
 *    of key and principal: what one of them publishes must not be taken for a repetition of what another did.
 *
 * Where nothing was stored, nothing is remembered. Where only a part was, or may have been, the repetition is a new try with the same ids, and
 * the key stays with its request: other messages with these ids would be taken for what is stored.
 */

import { createHash } from 'node:crypto';
import { PortError, type PublishMessage, type PublishOutcome } from '../adapters/index.ts';
import { gatewayLimits } from './limits.ts';

type Outcomes = readonly PublishOutcome[];

interface Remembered {
  readonly fingerprint: string;
  readonly outcomes: Promise<Outcomes>;
  /** It is over, and not all of it is known to be stored. */
  mayTryAgain: boolean;
  /** Undefined while it is under way. */
  expiresAtMs: number | undefined;
  messages: number;
}

export class IdempotencyKeys {
  /** In the order of first use; a `Map` keeps it. */
  readonly #remembered = new Map<string, Remembered>();
  readonly #nowMs: () => number;
  #messages = 0;

  constructor(nowMs: () => number = () => performance.now()) {
    this.#nowMs = nowMs;
  }

  /**
   * @param scope the key, with what it is unique in: the topic, and whose key it is.
   * @returns the outcomes, and whether they are those of an earlier request.
   * @throws PortError `idempotency_key_reused`, and what `publish` throws.
   */
  async once(
    scope: string,
    fingerprint: string,
    publish: () => Promise<Outcomes>,
  ): Promise<{ readonly outcomes: Outcomes; readonly isRepeated: boolean }> {
    this.#forgetOld();
    const before = this.#remembered.get(scope);
    let isKept = false;
    if (before !== undefined) {
      if (before.fingerprint !== fingerprint) {
        throw new PortError(
          'idempotency_key_reused',
          'this Idempotency-Key came with another request before: use a new key for a new request',
        );
      }
      if (!before.mayTryAgain) {
        const outcomes = await before.outcomes.catch(() => undefined);
        if (outcomes?.every(isStored) === true) return { outcomes: outcomes.map(asDuplicate), isRepeated: true };
        // The first one failed while this one waited for it. One of those who waited tries again, the others wait for that one.
        return await this.once(scope, fingerprint, publish);
      }
      // A part of it is stored, whatever becomes of this try.
      isKept = true;
      this.#forget(scope, before);
    }
    const entry: Remembered = {
      fingerprint,
      outcomes: publish(),
      mayTryAgain: false,
      expiresAtMs: undefined,
      messages: 0,
    };
    this.#remembered.set(scope, entry);
    let isDone = false;
    try {
      const outcomes = await entry.outcomes;
      isDone = outcomes.every(isStored);
      isKept ||= outcomes.some(mayBeStored);
      entry.messages = outcomes.length;
      return { outcomes, isRepeated: false };
    } finally {
      entry.mayTryAgain = !isDone;
      if (isKept) this.#keep(entry);
      else this.#forget(scope, entry);
    }
  }

  #keep(entry: Remembered): void {
    entry.expiresAtMs = this.#nowMs() + gatewayLimits.idempotencyMs;
    this.#messages += entry.messages;
    this.#forgetOld();
  }

  /** Those that are over, and the oldest answers beyond the bounds. Those under way are bounded with all publishes. */
  #forgetOld(): void {
    const now = this.#nowMs();
    for (const [scope, { expiresAtMs, messages }] of this.#remembered) {
      const isTooMany =
        this.#remembered.size > gatewayLimits.idempotencyKeysMax ||
        this.#messages > gatewayLimits.idempotencyMessagesMax;
      if (expiresAtMs === undefined) continue;
      if (!isTooMany && expiresAtMs > now) return;
      this.#remembered.delete(scope);
      this.#messages -= messages;
    }
  }

  #forget(scope: string, { expiresAtMs, messages }: Remembered): void {
    this.#remembered.delete(scope);
    if (expiresAtMs !== undefined) this.#messages -= messages;
  }
}

/** RFC draft: a string in quotes; without quotes it is taken as it is. @throws PortError `invalid_argument`. */
export function idempotencyKey(given: string | string[] | undefined): string | undefined {
  if (given === undefined) return undefined;
  const text = String(given);
  const key = /^".*"$/.test(text) ? text.slice(1, -1) : text;
  if (/^[\x21-\x7e]+$/.test(key) && key.length <= gatewayLimits.idempotencyKeyCharactersMax) return key;
  const { idempotencyKeyCharactersMax: most } = gatewayLimits;
  throw new PortError('invalid_argument', `the header idempotency-key must be 1 to ${most} visible ASCII characters`);
}

/**
 * Messages with an id keep it.
 * @param principal whose key it is, where there are several.
 */
export function withIdsOf(
  key: string,
  messages: readonly PublishMessage[],
  principal: string | undefined,
): readonly PublishMessage[] {
  const stem = principal === undefined ? key : digestOf(JSON.stringify([principal, key]));
  return messages.map((message, index) => {
    if (message.id !== undefined) return message;
    return { ...message, id: messages.length === 1 ? stem : `${stem}.${index}` };
  });
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('base64url');
}

/** What makes two requests the same: everything that decides what is stored. */
export function fingerprintOf(messages: readonly PublishMessage[], asked: object): string {
  const hash = createHash('sha256');
  for (const { value, key, headers, ...rest } of messages) {
    part(hash, key ?? null);
    part(hash, value);
    for (const header of headers ?? []) {
      part(hash, header.name);
      part(hash, header.value);
    }
    part(hash, JSON.stringify(rest));
  }
  part(hash, JSON.stringify(asked));
  return hash.digest('base64url');
}

/** Each with its length before it, so that no two lists of parts are the same bytes. */
function part(hash: ReturnType<typeof createHash>, content: string | Uint8Array | null): void {
  if (content === null) {
    hash.update('-;');
    return;
  }
  const bytes = typeof content === 'string' ? Buffer.from(content) : content;
  hash.update(`${bytes.length}:`).update(bytes);
}

function isStored({ kind }: PublishOutcome): boolean {
  return kind === 'stored';
}

function mayBeStored({ kind }: PublishOutcome): boolean {
  return kind !== 'refused';
}

function asDuplicate(outcome: PublishOutcome): PublishOutcome {
  return outcome.kind === 'stored' ? { ...outcome, duplicate: true } : outcome;
}
