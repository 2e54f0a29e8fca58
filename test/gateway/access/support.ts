/** A gateway that asks for credentials, and credentials of every kind to ask it with. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose';
import { afterAll, onTestFinished } from 'vitest';
import type { MessagingPort } from '../../../src/adapters/index.ts';
import { hashOfKey, newKey } from '../../../src/gateway/access/keys.ts';
import type { GatewayConfigInput } from '../../../src/gateway/config.ts';
import { type Gateway, startGateway } from '../../../src/gateway/start.ts';
import { openModel } from '../../support/model-driver.ts';

export interface Guarded {
  readonly gateway: Gateway;
  readonly port: MessagingPort;
  readonly url: string;
  /** What it wrote to its log. */
  readonly logged: () => string;
  ask(method: string, path: string, options?: AskOptions): Promise<Asked>;
}

export interface AskOptions {
  readonly key?: string | undefined;
  readonly body?: unknown;
  readonly headers?: Record<string, string>;
}

export interface Asked {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  // Tests read answers of many forms.
  readonly json: ReturnType<typeof JSON.parse>;
}

export async function guarded(
  config: GatewayConfigInput,
  options: { readonly port?: MessagingPort } = {},
): Promise<Guarded> {
  const port = options.port ?? (await openModel());
  let log = '';
  const logger = { level: 'info', stream: { write: (line: string) => void (log += line) } };
  const gateway = await startGateway({ port: 0, ...config }, { port, logger });
  whenOver(async () => {
    await gateway.close();
    if (options.port === undefined) await port.close();
  });
  return {
    gateway,
    port,
    url: gateway.url,
    logged: () => log,
    ask: async (method, path, asked = {}) => await asking(gateway.url, method, path, asked),
  };
}

export async function asking(
  url: string,
  method: string,
  path: string,
  { key, body, headers }: AskOptions,
): Promise<Asked> {
  const answer = await fetch(url + path, {
    method,
    redirect: 'manual',
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  const isJson = String(answer.headers.get('content-type')).includes('json');
  return {
    status: answer.status,
    headers: answer.headers,
    text,
    json: isJson && text !== '' ? JSON.parse(text) : undefined,
  };
}

/** A new key and its entry. */
export function keyWith(scopes: readonly string[], more: object = {}) {
  const key = newKey();
  const name = `k-${hashOfKey(key).slice(7, 15)}`;
  return { key, entry: { name, hash: hashOfKey(key), scopes: [...scopes], ...more } };
}

type PublicKey = Awaited<ReturnType<typeof generateKeyPair>>['publicKey'];

export interface Issuer {
  readonly jwksFile: string;
  readonly config: { readonly issuer: string; readonly audience: string; readonly jwksFile: string };
  /** Signed as it should be, for five minutes; what is given is changed. */
  token(claims?: JWTPayload, header?: object): Promise<string>;
  /** The issuer's public key, as everybody can have it. */
  readonly publicKey: PublicKey;
  /** Another key takes the place of the old one. */
  rotate(): Promise<void>;
}

export const ISSUER = 'https://issuer.test';
export const AUDIENCE = 'sluice';

export async function issuer(alg = 'ES256'): Promise<Issuer> {
  const jwksFile = join(directory(), 'jwks.json');
  let number = 0;
  let keys: Awaited<ReturnType<typeof generateKeyPair>>;
  const rotate = async (): Promise<void> => {
    number += 1;
    keys = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(keys.publicKey)), kid: `key-${number}`, alg };
    writeFileSync(jwksFile, JSON.stringify({ keys: [jwk] }));
  };
  await rotate();
  return {
    jwksFile,
    config: { issuer: ISSUER, audience: AUDIENCE, jwksFile },
    token: async (claims = {}, header = {}) =>
      await new SignJWT({ sub: 'alice', iss: ISSUER, aud: AUDIENCE, exp: seconds() + 300, ...claims })
        .setProtectedHeader({ alg, kid: `key-${number}`, ...header })
        .sign(keys.privateKey),
    get publicKey() {
      return keys.publicKey;
    },
    rotate,
  };
}

export function seconds(): number {
  return Math.floor(Date.now() / 1_000);
}

export function directory(): string {
  const made = mkdtempSync(join(tmpdir(), 'sluice-access-'));
  whenOver(() => rmSync(made, { recursive: true }));
  return made;
}

const ends: (() => void | Promise<void>)[] = [];
afterAll(async () => {
  for (const end of ends.splice(0).toReversed()) await end();
});

/** At the end of the test, or of the file for what a `beforeAll` made. */
export function whenOver(end: () => void | Promise<void>): void {
  try {
    onTestFinished(async () => await end());
  } catch {
    ends.push(end);
  }
}
