/**
 * The issuer's public keys (JWKS), from a URL or a file. They are kept for a while; a token with an unknown `kid` asks again, but
 * only so often, so that nobody can make this gateway flood the issuer. While the issuer cannot be asked, old keys are good for an hour.
 */

import { readFile, stat } from 'node:fs/promises';
import { createLocalJWKSet, type JSONWebKeySet, type JWTVerifyGetKey } from 'jose';
import { PortError } from '../../adapters/index.ts';
import { accessLimits } from './limits.ts';

type Read = () => Promise<string>;

export interface KeySetOptions {
  readonly url?: string | undefined;
  readonly file?: string | undefined;
  readonly now?: () => number;
  readonly onLoaded?: (result: 'ok' | 'failed', reason?: unknown) => void;
}

export class KeySet {
  readonly #read: Read;
  readonly #now: () => number;
  readonly #onLoaded: (result: 'ok' | 'failed', reason?: unknown) => void;
  #keys: JWTVerifyGetKey | undefined;
  #loadedAtMs = Number.NEGATIVE_INFINITY;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<void> | undefined;

  constructor({ url, file, now = () => performance.now(), onLoaded = () => undefined }: KeySetOptions) {
    this.#read = url === undefined ? async () => await readBounded(file ?? '') : async () => await fetchBounded(url);
    this.#now = now;
    this.#onLoaded = onLoaded;
  }

  /** For jose. @throws PortError `access_unavailable`, and what jose throws for a token that no key fits. */
  readonly keyOf: JWTVerifyGetKey = async (header, token) => {
    if (this.#keys === undefined || this.#ageMs > accessLimits.jwksStaleMs) await this.#refresh();
    // With the old ones at hand nobody waits for the new ones.
    else if (this.#ageMs > accessLimits.jwksMaxAgeMs) void this.#refresh();
    const keys = this.#keys;
    if (keys === undefined || this.#ageMs > accessLimits.jwksStaleMs)
      throw new PortError('access_unavailable', 'the keys that tokens are checked with cannot be had now', {
        retryAfterMs: 1_000,
      });
    try {
      return await keys(header, token);
    } catch (reason) {
      if ((reason as { code?: string }).code !== 'ERR_JWKS_NO_MATCHING_KEY') throw reason;
      if (!(await this.#refresh()) || this.#keys === undefined) throw reason;
      return await this.#keys(header, token);
    }
  };

  /** Whether it was asked: not within the cooldown of the last time. A failure keeps the old keys. */
  async #refresh(): Promise<boolean> {
    if (this.#loading === undefined) {
      // A set that was never had is asked for again sooner: nothing works without it.
      const cooldownMs = this.#keys === undefined ? 1_000 : accessLimits.jwksCooldownMs;
      if (this.#now() - this.#askedAtMs < cooldownMs) return false;
      this.#loading = this.#load();
    }
    await this.#loading;
    return true;
  }

  /** Asks now, whatever was asked before. */
  async reload(): Promise<void> {
    this.#loading ??= this.#load();
    await this.#loading;
  }

  async #load(): Promise<void> {
    this.#askedAtMs = this.#now();
    try {
      this.#keys = createLocalJWKSet(JSON.parse(await this.#read()) as JSONWebKeySet);
      this.#loadedAtMs = this.#now();
      this.#onLoaded('ok');
    } catch (reason) {
      this.#onLoaded('failed', reason);
    } finally {
      this.#loading = undefined;
    }
  }

  get #ageMs(): number {
    return this.#now() - this.#loadedAtMs;
  }
}

async function readBounded(file: string): Promise<string> {
  if ((await stat(file)).size > accessLimits.jwksBytesMax) throw tooLarge();
  return await readFile(file, 'utf8');
}

/** No redirects: what was configured is what is asked. */
async function fetchBounded(url: string): Promise<string> {
  const answer = await fetch(url, {
    redirect: 'error',
    headers: { accept: 'application/jwk-set+json, application/json' },
    signal: AbortSignal.timeout(accessLimits.jwksTimeoutMs),
  });
  if (answer.status !== 200 || answer.body === null) throw new Error(`the issuer answered ${answer.status}`);
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of answer.body) {
    bytes += chunk.length;
    if (bytes > accessLimits.jwksBytesMax) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

function tooLarge(): Error {
  return new Error(`the key set is above the limit of ${accessLimits.jwksBytesMax} bytes`);
}
