/** JWT: who issued it, for whom, until when, and what it allows. One that was verified lately is not verified again. */

import { createHash } from 'node:crypto';
import { type JWTPayload, jwtVerify } from 'jose';
import { PortError } from '../../adapters/index.ts';
import { Caller } from './caller.ts';
import type { KeySet } from './key-set.ts';
import { accessLimits } from './limits.ts';
import type { Quota } from './quota.ts';
import type { JwtConfig } from './schema.ts';
import { isScope, Scopes } from './scopes.ts';

interface Verified {
  readonly caller: Caller;
  readonly untilMs: number;
}

export class Tokens {
  readonly #config: JwtConfig;
  readonly #keySet: KeySet;
  readonly #quotaOf: (principal: string) => Quota | undefined;
  readonly #now: () => number;
  /** By the digest of the token: the tokens themselves are kept nowhere. */
  readonly #verified = new Map<string, Verified>();

  constructor(
    config: JwtConfig,
    keySet: KeySet,
    quotaOf: (principal: string) => Quota | undefined,
    now: () => number = Date.now,
  ) {
    this.#config = config;
    this.#keySet = keySet;
    this.#quotaOf = quotaOf;
    this.#now = now;
  }

  /** At once for one that was verified lately. @throws PortError `unauthenticated` or `access_unavailable` */
  callerOf(token: string): Caller | Promise<Caller> {
    const place = createHash('sha256').update(token).digest('base64');
    const known = this.#verified.get(place);
    if (known !== undefined && this.#now() < known.untilMs) return known.caller;
    return this.#verify(token, place);
  }

  /** After the issuer's keys changed. */
  forget(): void {
    this.#verified.clear();
  }

  async #verify(token: string, place: string): Promise<Caller> {
    const { issuer, audience, algorithms, clockToleranceMs, principalClaim } = this.#config;
    let payload: JWTPayload;
    try {
      ({ payload } = await jwtVerify(token, this.#keySet.keyOf, {
        issuer,
        audience,
        algorithms,
        clockTolerance: clockToleranceMs / 1_000,
        currentDate: new Date(this.#now()),
        requiredClaims: ['exp', principalClaim],
      }));
    } catch (reason) {
      throw refusalOf(reason);
    }
    const caller = this.#callerFrom(payload);
    this.#remember(place, caller);
    return caller;
  }

  #callerFrom(payload: JWTPayload): Caller {
    const { principalClaim, clockToleranceMs } = this.#config;
    const name = payload[principalClaim];
    if (typeof name !== 'string' || !/^[!-~]+$/.test(name) || name.length > accessLimits.principalCharactersMax)
      throw refused(
        `its ${principalClaim} must be 1 to ${accessLimits.principalCharactersMax} visible ASCII characters`,
      );
    const principal = `jwt:${name}`;
    return new Caller({
      principal,
      scopes: new Scopes(scopesOf(payload)),
      credential: { kind: 'token' },
      expiresAtMs: (payload.exp ?? 0) * 1_000 + clockToleranceMs,
      quota: this.#quotaOf(principal),
    });
  }

  #remember(place: string, caller: Caller): void {
    if (this.#verified.size >= accessLimits.verifiedTokensMax) {
      const [oldest] = this.#verified.keys();
      if (oldest !== undefined) this.#verified.delete(oldest);
    }
    this.#verified.set(place, {
      caller,
      untilMs: Math.min(this.#now() + accessLimits.verifiedTokenMs, caller.expiresAtMs),
    });
  }
}

/** `scope` is a text (RFC 8693), `scp` a text or a list, as some issuers have it. Scopes of others, such as openid, are passed over. */
function scopesOf({ scope, scp }: JWTPayload): string[] {
  const texts = [scope, scp].flatMap((claim) => {
    if (typeof claim === 'string') return claim.split(' ');
    return Array.isArray(claim) ? claim.filter((text): text is string => typeof text === 'string') : [];
  });
  const own = texts.filter(isScope);
  if (own.length > accessLimits.scopesMax) throw refused(`it has more than ${accessLimits.scopesMax} scopes`);
  return own;
}

/** In words of ours: jose's own are about its options, and never to be trusted with a claim's value. */
function refusalOf(reason: unknown): PortError {
  if (reason instanceof PortError) return reason;
  const { code, claim } = reason as { code?: string; claim?: string };
  const cause = { cause: reason };
  switch (code) {
    case 'ERR_JWT_EXPIRED':
      return refused('it has expired', cause);
    case 'ERR_JWT_CLAIM_VALIDATION_FAILED':
      return refused(`its claim ${JSON.stringify(claim ?? 'unknown')} is missing or another`, cause);
    case 'ERR_JOSE_ALG_NOT_ALLOWED':
      return refused('its algorithm is not allowed', cause);
    case 'ERR_JWKS_NO_MATCHING_KEY':
    case 'ERR_JWKS_MULTIPLE_MATCHING_KEYS':
      return refused('its issuer has no such key', cause);
    case 'ERR_JWS_SIGNATURE_VERIFICATION_FAILED':
      return refused('its signature does not fit', cause);
    default:
      return refused('it is no token that can be read', cause);
  }
}

function refused(why: string, options: { readonly cause?: unknown } = {}): PortError {
  return new PortError('unauthenticated', `the token is not valid: ${why}`, options);
}
