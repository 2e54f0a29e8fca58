/** Who makes a request: its principal, what it may do, and what it has left of its quota. One object as long as nothing of it changes. */

import { setTimeout as delay } from 'node:timers/promises';
import type { PublishMessage } from '../../adapters/index.ts';
import { accessLimits } from './limits.ts';
import { type Cost, type Quota, quotaExceeded } from './quota.ts';
import { missingScopes, type Requirement, requirementOf, scopeMissing, scopeText } from './required-scopes.ts';
import { type NamedAction, Scopes } from './scopes.ts';

export type Credential =
  | { readonly kind: 'none' }
  | { readonly kind: 'key'; readonly digest: string }
  | { readonly kind: 'token' }
  | { readonly kind: 'certificate'; readonly subject: string };

export interface CallerOptions {
  /** Such as `key:billing`, `jwt:alice`, `certificate:billing`. */
  readonly principal: string;
  readonly scopes: Scopes;
  readonly credential: Credential;
  /** Milliseconds since 1970. */
  readonly expiresAtMs?: number | undefined;
  readonly quota?: Quota | undefined;
}

export class Caller {
  readonly principal: string;
  readonly scopes: Scopes;
  readonly credential: Credential;
  readonly expiresAtMs: number;
  readonly quota: Quota | undefined;

  constructor({ principal, scopes, credential, expiresAtMs, quota }: CallerOptions) {
    this.principal = principal;
    this.scopes = scopes;
    this.credential = credential;
    this.expiresAtMs = expiresAtMs ?? Number.POSITIVE_INFINITY;
    this.quota = quota;
  }

  /** The principal where there may be several, for what each has a share of; undefined without access control. */
  get owner(): string | undefined {
    return this.credential.kind === 'none' ? undefined : this.principal;
  }

  /** @throws PortError `scope_missing` that names what is missing. */
  require(call: string | Requirement, fields: Readonly<Record<string, unknown>>): void {
    const requirement = typeof call === 'string' ? requirementOf(call) : call;
    const missing = missingScopes(this.scopes, requirement, fields);
    if (missing !== null) throw scopeMissing(this.principal, missing);
  }

  /** @throws PortError `scope_missing` */
  requireNamed(action: NamedAction, name: string): void {
    if (!this.scopes.allows(action, name)) throw scopeMissing(this.principal, [scopeText(action, name)]);
  }

  mayKnowTopic(topic: string): boolean {
    return this.scopes.allows('publish', topic) || this.scopes.allows('read', topic);
  }

  mayConsume(subscription: string): boolean {
    return this.scopes.allows('consume', subscription);
  }

  /** @throws PortError `quota_exceeded`: nothing was taken. */
  charge(cost: Cost): void {
    const waitMs = this.quota?.take(cost) ?? 0;
    if (waitMs > 0 && this.quota !== undefined) throw quotaExceeded(this.principal, this.quota.rates, waitMs);
  }

  chargePublish(messages: readonly PublishMessage[]): void {
    if (this.quota !== undefined) this.charge(publishCost(this.quota, messages));
  }

  /** Of what was delivered: it is taken off afterwards. */
  debitDelivered(deliveries: readonly { readonly message: Delivered }[]): void {
    if (this.quota !== undefined) this.debitRead(deliveries.map(({ message }) => message));
  }

  /** The same of what was read without a subscription. */
  debitRead(messages: readonly Delivered[]): void {
    if (this.quota === undefined) return;
    let bytes = 0;
    if (this.quota.countsBytes) for (const message of messages) bytes += bytesOf(message);
    this.quota.debit({ messages: messages.length, bytes });
  }
}

/** Before something is delivered whose size nobody knows yet. */
export const nothingOwed: Cost = { messages: 0, bytes: 0 };

/** Without access control everybody is this one. */
export function anonymous(quota?: Quota): Caller {
  return new Caller({
    principal: 'anonymous',
    scopes: new Scopes(['admin']),
    credential: { kind: 'none' },
    quota,
  });
}

/**
 * The quota of one stream. A request above it is refused; a stream is slowed down instead: it is not read from until there is
 * room, in the order in which it came.
 */
export class Pace {
  readonly #caller: Caller;
  readonly #isOver: () => boolean;
  #turn: Promise<void> = Promise.resolve();

  /** @param isOver the client is gone, or the stream ends: nobody has to wait any more. */
  constructor(caller: Caller, isOver: () => boolean) {
    this.#caller = caller;
    this.#isOver = isOver;
  }

  /** Resolves in its turn, when there is room, which is taken. Undefined where there is no quota. */
  next(cost: Cost): Promise<void> | undefined {
    const { quota } = this.#caller;
    if (quota === undefined) return undefined;
    this.#turn = this.#turn.then(async () => await this.#room(quota, cost));
    return this.#turn;
  }

  /** @param requests that it counts as: a frame is one, a line of a request is none. */
  nextPublish(messages: readonly PublishMessage[], requests = 0): Promise<void> | undefined {
    const { quota } = this.#caller;
    return quota === undefined
      ? undefined
      : this.next({ ...(requests > 0 ? { requests } : {}), ...publishCost(quota, messages) });
  }

  async #room(quota: Quota, cost: Cost): Promise<void> {
    for (let waitMs = quota.take(cost); waitMs > 0; waitMs = quota.take(cost)) {
      if (this.#isOver()) {
        // What was sent may still be stored: it is owed, or leaving early would be a way past the quota.
        quota.debit(cost);
        return;
      }
      await delay(Math.min(waitMs, accessLimits.paceCheckMs));
    }
  }
}

function publishCost(quota: Quota, messages: readonly PublishMessage[]): Cost {
  let bytes = 0;
  if (quota.countsBytes) for (const message of messages) bytes += bytesOf(message);
  return { messages: messages.length, bytes };
}

interface Delivered {
  readonly key?: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: readonly { readonly name: string; readonly value: string | Uint8Array }[];
}

function bytesOf({ key, value, headers = [] }: Delivered): number {
  let bytes = lengthOf(key) + lengthOf(value);
  for (const header of headers) bytes += header.name.length + lengthOf(header.value);
  return bytes;
}

function lengthOf(content: string | Uint8Array | null | undefined): number {
  if (typeof content === 'string') return Buffer.byteLength(content);
  return content?.length ?? 0;
}
