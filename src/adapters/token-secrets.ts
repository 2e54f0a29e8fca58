/**
 * What the processes on one backend share about tokens, kept beside the definitions: the keys that sign them, and the epoch of
 * each subscription.
 *
 *   ack-key/<id>            a key, base64url. Made by the first process that finds none.
 *   epoch/<subscription>    4 random bytes, base64url; others as soon as the subscription is made again or moved.
 *
 * Non-obvious: two processes that start at once both find no key and make one each, under different names. All keys are
 * accepted, and the one with the smallest id signs, so both are right at any moment.
 */

import { randomBytes } from 'node:crypto';
import { EPOCH_BYTES, type TokenKey, tokenKey, type TokenKeys } from './ack-tokens.ts';
import type { MetaStore } from './driver.ts';
import { limits } from './limits.ts';

const KEY = 'ack-key/';
const EPOCH = 'epoch/';
const KEY_BYTES = 32;
/** Of a subscription that was never given one, by a version that had none. */
const FIRST_EPOCH = Buffer.alloc(EPOCH_BYTES).toString('base64url');

export class TokenSecrets implements TokenKeys {
  readonly #given: readonly TokenKey[];
  readonly #kept = new Map<string, TokenKey>();
  readonly #epochs = new Map<string, string>();
  /** Until there is one to share, and where the backend keeps nothing for us. */
  readonly #own = tokenKey(randomBytes(KEY_BYTES));
  #store: MetaStore | undefined;
  #isShared = false;

  /** @param given keys of the configuration: the first one signs, all are accepted, and none is kept on the backend. */
  constructor(given: readonly string[]) {
    this.#given = given.map((text) => tokenKey(Buffer.from(text)));
  }

  /** To be told of every entry of the meta store. */
  readonly apply = (key: string, value: string | null): void => {
    if (key.startsWith(KEY)) this.#applyKey(key.slice(KEY.length), value);
    else if (key.startsWith(EPOCH)) {
      if (value === null) this.#epochs.delete(key.slice(EPOCH.length));
      else this.#epochs.set(key.slice(EPOCH.length), value);
    }
  };

  /**
   * Resolves when there is a key that outlives this process; or without one, where nothing may be kept (`manage: none`): tokens are
   * then good in this process only.
   */
  async use(store: MetaStore): Promise<void> {
    if (store.isReadOnly === true) return;
    this.#store = store;
    if (this.#given.length === 0 && this.#kept.size === 0) {
      try {
        await store.put(KEY + this.#own.id.toString('hex'), this.#own.secret.toString('base64url'));
      } catch {
        return; // the next token says `expired` after a restart where it could have said more
      }
    }
    this.#isShared = true;
  }

  get signing(): TokenKey {
    const [first] = this.#given;
    if (first !== undefined) return first;
    let smallest: TokenKey | undefined;
    for (const key of this.#kept.values()) {
      if (smallest === undefined || Buffer.compare(key.id, smallest.id) < 0) smallest = key;
    }
    return smallest ?? this.#own;
  }

  byId(id: Buffer): TokenKey | undefined {
    const all = this.#given.length > 0 ? this.#given : [...this.#kept.values(), this.#own];
    return all.find((key) => key.id.equals(id));
  }

  epochOf(subscription: string): string {
    return this.#epochs.get(subscription) ?? FIRST_EPOCH;
  }

  /** Whether a token that another process gave out can be held against what the subscription is now. */
  get isShared(): boolean {
    return this.#isShared;
  }

  /** From now on no older token acknowledges anything of this subscription. Resolves when that is kept. */
  async renewEpoch(subscription: string): Promise<void> {
    await this.#store?.put(EPOCH + subscription, randomBytes(EPOCH_BYTES).toString('base64url'));
  }

  async forgetEpoch(subscription: string): Promise<void> {
    if (this.#epochs.has(subscription)) await this.#store?.put(EPOCH + subscription, null);
  }

  #applyKey(id: string, value: string | null): void {
    const secret = Buffer.from(value ?? '', 'base64url');
    if (secret.length !== KEY_BYTES) this.#kept.delete(id);
    else if (this.#kept.size < limits.tokenKeysMax) this.#kept.set(id, tokenKey(secret));
  }
}
