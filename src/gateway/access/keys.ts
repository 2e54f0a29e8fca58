/**
 * API keys. A key is `sluice_` and 32 random bytes; what is kept is its SHA-256. Such a key cannot be guessed or found from its
 * hash, so a slow hash (scrypt), which is for passwords that people choose, would only make every request slow. That is why keys of
 * another form are not taken: their entropy is not known.
 */

import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { PortError } from '../../adapters/index.ts';
import { Caller } from './caller.ts';
import type { Quota, QuotaRates } from './quota.ts';
import type { KeyEntry } from './schema.ts';
import { Scopes } from './scopes.ts';

export const KEY_PREFIX = 'sluice_';
const keyForm = /^sluice_[A-Za-z0-9_-]{43}$/;
const HASH_PREFIX = 'sha256:';

export function newKey(): string {
  return KEY_PREFIX + randomBytes(32).toString('base64url');
}

export function isKey(text: string): boolean {
  return keyForm.test(text);
}

/** As it stands in an entry: `sha256:` and 64 hexadecimal digits. */
export function hashOfKey(key: string): string {
  return HASH_PREFIX + createHash('sha256').update(key).digest('hex');
}

interface Row {
  readonly digest: Buffer;
  readonly caller: Caller;
}

/** The keys that are good now. */
export class KeyRing {
  readonly #rows = new Map<string, Row>();

  /** @throws PortError `invalid_argument` for a hash that is there twice, and for two quotas of one name. */
  constructor(
    entries: readonly KeyEntry[],
    quotaOf: (principal: string, own: QuotaRates | undefined) => Quota | undefined,
  ) {
    const quotas = new Map<string, string>();
    for (const { name, hash, scopes, expires, quota } of entries) {
      const principal = `key:${name}`;
      const told = JSON.stringify(quota ?? null);
      if ((quotas.get(name) ?? told) !== told)
        throw new PortError('invalid_argument', `keys: the entries of ${name} must have the same quota: they share it`);
      quotas.set(name, told);
      const digest = Buffer.from(hash.slice(HASH_PREFIX.length), 'hex');
      const place = placeOf(digest);
      if (this.#rows.has(place)) throw new PortError('invalid_argument', `keys: the key of ${name} is there twice`);
      const caller = new Caller({
        principal,
        scopes: new Scopes(scopes),
        credential: { kind: 'key', digest: digest.toString('hex') },
        expiresAtMs: expires === undefined ? undefined : Date.parse(expires),
        quota: quotaOf(principal, quota),
      });
      this.#rows.set(place, { digest, caller });
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  find(key: string): Caller | undefined {
    return this.#found(createHash('sha256').update(key).digest());
  }

  /** For a stream that was opened with it. */
  findDigest(hex: string): Caller | undefined {
    return this.#found(Buffer.from(hex, 'hex'));
  }

  /** The place says no more than eight bytes of a hash of 32 random bytes; the rest is compared in constant time. */
  #found(digest: Buffer): Caller | undefined {
    const row = this.#rows.get(placeOf(digest));
    return row !== undefined && timingSafeEqual(row.digest, digest) ? row.caller : undefined;
  }
}

function placeOf(digest: Buffer): string {
  return digest.toString('hex', 0, 8);
}
