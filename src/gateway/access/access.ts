/**
 * Who may do what, the same for every door: credentials become a caller (`authenticate`), a caller may or may not (`caller.require`,
 * against the table of required scopes), and open streams are held to what their caller may still do (`review`).
 */

import type { PeerCertificate, TLSSocket } from 'node:tls';
import { PortError } from '../../adapters/index.ts';
import { anonymous, type Caller } from './caller.ts';
import { ClientCertificates } from './client-certificates.ts';
import { isKey, KEY_PREFIX, KeyRing } from './keys.ts';
import { readKeysFile } from './keys-file.ts';
import type { KeySet } from './key-set.ts';
import { accessLimits } from './limits.ts';
import { Quota, type QuotaRates } from './quota.ts';
import { type AccessConfig, needsCredentials } from './schema.ts';
import type { Tokens } from './tokens.ts';
import { WatchedFiles } from './watched-files.ts';

/** What a request has with it. */
export interface Given {
  readonly authorization: string | undefined;
  readonly apiKey: string | undefined;
  /** Of the connection, if one was shown and is signed by who may sign. Asked only where certificates count. */
  readonly certificate: () => PeerCertificate | undefined;
}

export type Reloaded = 'keys' | 'jwks' | 'certificates';

export interface AccessEvents {
  readonly log: { info(fields: object, text: string): void; error(fields: object, text: string): void };
  readonly reloaded: (what: Reloaded, result: 'ok' | 'failed') => void;
}

const silent: AccessEvents = { log: { info: () => undefined, error: () => undefined }, reloaded: () => undefined };

export class Access {
  readonly isOn: boolean;
  readonly openMetrics: boolean;
  readonly files = new WatchedFiles();
  readonly #config: AccessConfig;
  readonly #events: AccessEvents;
  readonly #anonymous: Caller;
  readonly #quotas = new Map<string, Quota>();
  #ring: KeyRing;
  #tokens: Tokens | undefined;
  #keySet: KeySet | undefined;
  readonly #certificates: ClientCertificates | undefined;

  private constructor(config: AccessConfig, events: AccessEvents) {
    this.#config = config;
    this.#events = events;
    this.isOn = needsCredentials(config);
    this.openMetrics = config.openMetrics;
    this.#anonymous = anonymous(this.#quotaOf('anonymous', undefined));
    this.#ring = this.#readKeys();
    if (config.certificates !== undefined)
      this.#certificates = new ClientCertificates(config.certificates, (principal, own) =>
        this.#quotaOf(principal, own),
      );
  }

  /** Everybody may do everything: what a gateway without access control has. */
  static off(): Access {
    return new Access({ openMetrics: true }, silent);
  }

  /** @throws PortError `invalid_argument` or `unknown_field` for keys that cannot be read. */
  static async open(config: AccessConfig, events: AccessEvents = silent): Promise<Access> {
    const access = new Access(config, events);
    const { keysFile, jwt } = config;
    if (keysFile !== undefined) await access.files.add([keysFile], async () => access.#reloadKeys());
    if (jwt?.jwksFile !== undefined) await access.files.add([jwt.jwksFile], async () => await access.#reloadKeySet());
    await access.#openTokens();
    return access;
  }

  /** At once, unless a token must be verified. @throws PortError `unauthenticated` or `access_unavailable` */
  authenticate({ authorization, apiKey, certificate }: Given): Caller | Promise<Caller> {
    if (!this.isOn) return this.#anonymous;
    if (authorization !== undefined && apiKey !== undefined)
      throw refused('there are two credentials: send authorization or x-api-key, not both');
    if (apiKey !== undefined) return this.#callerOfKey(apiKey);
    if (authorization !== undefined) return this.#callerOfBearer(authorization);
    const shown = this.#certificates === undefined ? undefined : certificate();
    if (shown === undefined)
      throw refused('the request has no credentials: send authorization: Bearer, and a key or token');
    const caller = this.#certificates?.callerOf(shown);
    if (caller === undefined) throw refused('the client certificate is of nobody who is known here');
    return caller;
  }

  /** Why a stream of this caller must end now; undefined: it may go on. */
  review(caller: Caller): PortError | undefined {
    const { credential } = caller;
    // A key may have got another end since: the entry of today says which.
    const now = credential.kind === 'key' ? this.#ring.findDigest(credential.digest) : caller;
    if (now === undefined) return refused('the key was taken away');
    if (Date.now() >= now.expiresAtMs) return refused('the credentials have expired');
    const isSame = now.scopes.texts.join(' ') === caller.scopes.texts.join(' ');
    return isSame ? undefined : refused('what the key allows was changed: connect again');
  }

  /** As SIGHUP asks: keys, JWKS, and what else is in `files`. */
  async reload(): Promise<void> {
    await this.files.look(true);
    if (this.#config.jwt?.jwksUrl !== undefined) await this.#reloadKeySet();
  }

  noteReload(what: Reloaded, reason?: unknown): void {
    this.#noteLoaded(what, reason === undefined ? 'ok' : 'failed', reason);
  }

  close(): void {
    this.files.close();
  }

  /** The library for tokens is loaded only where there are any. */
  async #openTokens(): Promise<void> {
    const { jwt } = this.#config;
    if (jwt === undefined) return;
    const [keySet, tokens] = await Promise.all([import('./key-set.ts'), import('./tokens.ts')]);
    this.#keySet = new keySet.KeySet({
      url: jwt.jwksUrl,
      file: jwt.jwksFile,
      onLoaded: (result, reason) => this.#noteLoaded('jwks', result, reason),
    });
    this.#tokens = new tokens.Tokens(jwt, this.#keySet, (principal) => this.#quotaOf(principal, undefined));
    // Said at the start rather than by the first request; an issuer that is away for the moment does not keep the gateway from starting.
    await this.#keySet.reload();
  }

  #callerOfBearer(authorization: string): Caller | Promise<Caller> {
    const token = /^bearer +([A-Za-z0-9._~+/=-]+) *$/i.exec(authorization)?.[1];
    if (token === undefined || authorization.length > accessLimits.credentialCharactersMax)
      throw refused('authorization must be Bearer, and a key or token');
    if (token.startsWith(KEY_PREFIX)) return this.#callerOfKey(token);
    if (this.#tokens === undefined) throw refused('the key is not known');
    return this.#tokens.callerOf(token);
  }

  #callerOfKey(key: string): Caller {
    const caller = isKey(key) ? this.#ring.find(key) : undefined;
    if (caller === undefined) throw refused('the key is not known');
    if (Date.now() >= caller.expiresAtMs) throw refused('the key has expired');
    return caller;
  }

  #readKeys(): KeyRing {
    const { keysFile, keys = [] } = this.#config;
    const entries = keysFile === undefined ? keys : [...keys, ...readKeysFile(keysFile)];
    return new KeyRing(entries, (principal, own) => this.#quotaOf(principal, own));
  }

  /** A broken file keeps the old keys: half an edit must not lock everybody out. */
  #reloadKeys(): void {
    try {
      this.#ring = this.#readKeys();
      this.#noteLoaded('keys', 'ok');
    } catch (reason) {
      this.#noteLoaded('keys', 'failed', reason);
    }
  }

  async #reloadKeySet(): Promise<void> {
    await this.#keySet?.reload();
    this.#tokens?.forget();
  }

  #noteLoaded(what: Reloaded, result: 'ok' | 'failed', reason?: unknown): void {
    this.#events.reloaded(what, result);
    if (result === 'failed') {
      const why = reason instanceof Error ? reason.message : String(reason);
      this.#events.log.error({ what, why }, 'access control could not be loaded again: the old one stays');
    } else this.#events.log.info({ what }, 'access control was loaded');
  }

  /** One for each principal, over reloads too, unless its rates were changed. */
  #quotaOf(principal: string, own: QuotaRates | undefined): Quota | undefined {
    const { quota: common, quotas = {} } = this.#config;
    const rates = own ?? quotas[principal] ?? common;
    if (rates === undefined) return undefined;
    const known = this.#quotas.get(principal);
    this.#quotas.delete(principal);
    const quota =
      known !== undefined && JSON.stringify(known.rates) === JSON.stringify(rates) ? known : new Quota(rates);
    this.#quotas.set(principal, quota);
    if (this.#quotas.size > accessLimits.principalsMax) {
      const [oldest] = this.#quotas.keys();
      if (oldest !== undefined) this.#quotas.delete(oldest);
    }
    return quota;
  }
}

/** The certificate of a connection, if the handshake found it good. */
export function certificateOf(socket: object): PeerCertificate | undefined {
  const { authorized, getPeerCertificate } = socket as Partial<TLSSocket>;
  if (authorized !== true || getPeerCertificate === undefined) return undefined;
  const certificate = (socket as TLSSocket).getPeerCertificate();
  // An empty object stands for none.
  return certificate?.subject === undefined ? undefined : certificate;
}

function refused(why: string): PortError {
  return new PortError('unauthenticated', why);
}
