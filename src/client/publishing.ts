/**
 * Publishing with an outcome for every message: stored, refused (certainly not stored) or unknown. What is retryable is tried again with the
 * same ids: what was refused always, what is unknown only where the backend stores a repetition once.
 */

import { randomUUID } from 'node:crypto';
import { errorOfProblem, isCertainlyNotDone, SluiceError } from './errors.ts';
import type { Capabilities, MessageToPublish, PublishAnswer, PublishResult } from './generated/schemas.ts';
import { backoffMs, type CallOptions, type Gateway, sleep } from './http.ts';
import { clientLimits } from './limits.ts';
import { messageJson, type OutgoingMessage } from './messages.ts';

export type StoredMessage = PublishResult;

export type PublishOutcome =
  | ({ readonly kind: 'stored' } & StoredMessage)
  /** Certainly not stored. */
  | { readonly kind: 'refused'; readonly id: string; readonly error: SluiceError }
  /** Stored or not, nobody knows. Publishing it again with this id is safe where the backend claims `publish.dedup`. */
  | { readonly kind: 'unknown'; readonly id: string; readonly error: SluiceError };

export interface PublishOptions extends CallOptions {
  /** At least this, else `capability_unsupported`. */
  readonly durability?: 'memory' | 'os' | 'fsync';
  readonly minCopies?: number;
}

interface Numbered {
  readonly index: number;
  readonly message: MessageToPublish;
  readonly id: string;
}

export class Publishing {
  readonly #gateway: Gateway;
  #recognisesIds: Promise<boolean> | undefined;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** One outcome per message, in the order given. Rejects only with the reason of the signal, or for an argument that is no message. */
  async publishAll(
    topic: string,
    messages: readonly OutgoingMessage[],
    options: PublishOptions,
  ): Promise<readonly PublishOutcome[]> {
    const numbered = messages.map((message, index): Numbered => {
      const id = message.id ?? randomUUID();
      return { index, id, message: messageJson(message, id) };
    });
    const outcomes: PublishOutcome[] = [];
    for (const batch of batchesOf(numbered)) await this.#untilKnown(topic, batch, options, outcomes);
    return outcomes;
  }

  async #untilKnown(
    topic: string,
    batch: readonly Numbered[],
    options: PublishOptions,
    outcomes: PublishOutcome[],
  ): Promise<void> {
    const endsAtMs = performance.now() + (options.timeoutMs ?? this.#gateway.timeoutMs);
    let left = batch;
    for (let attempt = 1; ; attempt += 1) {
      const results = await this.#once(topic, left, { ...options, timeoutMs: endsAtMs - performance.now() });
      const again: Numbered[] = [];
      let waitMs = 0;
      for (const [at, result] of results.entries()) {
        const one = left[at] as Numbered;
        outcomes[one.index] = result;
        if (result.kind === 'stored' || !result.error.retryable) continue;
        if (result.kind === 'unknown' && !(await this.#storesOnce(options))) continue;
        again.push(one);
        waitMs = Math.max(waitMs, backoffMs(attempt, result.error.retryAfterMs));
      }
      const isInTime = performance.now() + waitMs < endsAtMs;
      if (again.length === 0 || attempt >= this.#gateway.attempts || !isInTime) return;
      await sleep(waitMs, options.signal);
      left = again;
    }
  }

  async #once(topic: string, batch: readonly Numbered[], options: PublishOptions): Promise<readonly PublishOutcome[]> {
    const { durability, minCopies, signal, timeoutMs } = options;
    try {
      const { body } = await this.#gateway.call<PublishAnswer>({
        method: 'POST',
        path: `/v1/topics/${encodeURIComponent(topic)}/messages`,
        body: {
          messages: batch.map(({ message }) => message),
          ...(durability === undefined ? {} : { durability }),
          ...(minCopies === undefined ? {} : { minCopies }),
        },
        isRepeatable: false,
        attempts: 1, // each message has its own tries
        ...(signal === undefined ? {} : { signal }),
        ...(timeoutMs === undefined ? {} : { timeoutMs: Math.max(1, timeoutMs) }),
      });
      return batch.map(({ id }, index) => outcomeOf(body.results[index], id));
    } catch (reason) {
      signal?.throwIfAborted();
      if (!(reason instanceof SluiceError)) throw reason;
      return batch.map(({ id }) => failed(id, reason));
    }
  }

  /** Asked once; while it cannot be asked, the careful answer. */
  async #storesOnce({ signal }: CallOptions): Promise<boolean> {
    this.#recognisesIds ??= this.#gateway
      .call<Capabilities>({
        method: 'GET',
        path: '/v1/capabilities',
        isRepeatable: true,
        ...(signal === undefined ? {} : { signal }),
      })
      .then(({ body }) => body.capabilities['publish.dedup']?.level !== 'unsupported');
    try {
      return await this.#recognisesIds;
    } catch {
      this.#recognisesIds = undefined;
      return false;
    }
  }
}

export function outcomeOf(result: PublishAnswer['results'][number] | undefined, id: string): PublishOutcome {
  if (result === undefined) {
    const error = new SluiceError('invalid_answer', 'the gateway answered fewer results than messages', {
      retryable: false,
    });
    return { kind: 'unknown', id, error };
  }
  if ('problem' in result) return failed(id, errorOfProblem(result.problem));
  return { kind: 'stored', ...result };
}

/** Whatever is not known to be a no may be a yes. */
export function failed(id: string, error: SluiceError): PublishOutcome {
  const isKnown = isCertainlyNotDone(error) || (error.status !== undefined && error.code !== 'invalid_answer');
  const isUnknown = !isKnown || error.code === 'publish_outcome_unknown';
  return { kind: isUnknown ? 'unknown' : 'refused', id, error };
}

function* batchesOf(messages: readonly Numbered[]): Generator<readonly Numbered[]> {
  let batch: Numbered[] = [];
  let bytes = 0;
  for (const one of messages) {
    const size = sizeOf(one.message);
    const isFull = batch.length >= clientLimits.messagesPerRequestMax || bytes + size > clientLimits.bytesPerRequestMax;
    if (isFull && batch.length > 0) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(one);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}

/** In the body, in bytes: of what may be large as it is sent, of the rest at most. */
function sizeOf({ key = '', keyBase64 = '', value, valueBase64, headers }: MessageToPublish): number {
  const ofValue = valueBase64?.length ?? (typeof value === 'string' ? textBytes(value) : jsonBytes(value));
  return (
    ofValue + textBytes(key) + keyBase64.length + (headers === undefined ? 0 : jsonBytes(headers)) + otherFieldsMax
  );
}

/** Id, content type, numbers, and the names of the fields. */
const otherFieldsMax = 1_024;

function textBytes(text: string): number {
  // What is escaped becomes six bytes at the most; most texts have nothing of it.
  return /["\\]|[^ -\uffff]/.test(text) ? jsonBytes(text) : Buffer.byteLength(text);
}

function jsonBytes(value: unknown): number {
  return Buffer.byteLength(JSON.stringify(value ?? null));
}
