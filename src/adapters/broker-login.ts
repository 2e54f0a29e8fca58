/**
 * How a client shows a broker who it is, and finds out who the broker is: TLS and secrets, in the same words for RabbitMQ and
 * Kafka. Files are read again for every connection, so a renewed certificate, password or token needs no restart.
 */

import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext, type SecureContext } from 'node:tls';
import { PortError } from './errors.ts';

export interface TlsOptions {
  /** PEM: who may have signed the broker's certificate; without it, the authorities that Node trusts. */
  readonly caFile?: string;
  /** PEM: what this client shows, with its key. */
  readonly certFile?: string;
  readonly keyFile?: string;
  /** The name that the broker's certificate must be for, where it is not the address. */
  readonly serverName?: string;
  /** False believes any certificate: then anybody on the way can read and change everything. */
  readonly verify: boolean;
}

/** What `node:tls` takes; absent keys stay absent. */
export interface TlsSettings {
  readonly secureContext: SecureContext;
  readonly servername?: string;
  readonly rejectUnauthorized: boolean;
}

export type TellProblem = (path: string, message: string) => void;

const tlsTexts = ['caFile', 'certFile', 'keyFile', 'serverName'] as const;

/** Null where TLS is off: absent, or `enabled: false`. */
export function parseTls(value: unknown, problem: TellProblem): TlsOptions | null {
  if (value === undefined) return null;
  const tls = objectAt(value, 'tls', ['enabled', ...tlsTexts, 'verify'], problem);
  if (tls === null) return null;
  const texts: { -readonly [Name in (typeof tlsTexts)[number]]?: string } = {};
  for (const name of tlsTexts) {
    const text = textAt(tls, name, 'tls', problem);
    if (text !== undefined) texts[name] = text;
  }
  for (const name of ['enabled', 'verify']) {
    if (tls[name] !== undefined && typeof tls[name] !== 'boolean') problem(`tls.${name}`, 'must be true or false');
  }
  if ((texts.certFile === undefined) !== (texts.keyFile === undefined)) {
    problem(
      texts.certFile === undefined ? 'tls.certFile' : 'tls.keyFile',
      'is missing: certificate and key go together',
    );
  }
  return tls['enabled'] === false ? null : { ...texts, verify: tls['verify'] !== false };
}

/** Reads the files. @throws PortError `invalid_argument` for one that cannot be read or does not hold what it should. */
export function tlsSettings({ caFile, certFile, keyFile, serverName, verify }: TlsOptions): TlsSettings {
  const ca = readCertificate(caFile, 'tls.caFile');
  const cert = readCertificate(certFile, 'tls.certFile');
  const key = keyFile === undefined ? undefined : readNamed(keyFile, 'tls.keyFile');
  let secureContext: SecureContext;
  try {
    secureContext = createSecureContext({ ca, cert, key });
  } catch (cause) {
    throw wrongFile('tls.keyFile', `${keyFile} is not the key of ${certFile}`, cause);
  }
  return {
    secureContext,
    ...(serverName === undefined ? {} : { servername: serverName }),
    rejectUnauthorized: verify,
  };
}

/** Looked into, because Node takes a file of authorities without any for one that trusts nobody. */
function readCertificate(file: string | undefined, path: string): Buffer | undefined {
  if (file === undefined) return undefined;
  const bytes = readNamed(file, path);
  try {
    new X509Certificate(bytes);
    return bytes;
  } catch (cause) {
    throw wrongFile(path, `${file} holds no certificate in PEM`, cause);
  }
}

/** Of a value given in place or in a file, whose last line break is not part of it. Undefined where neither is given. */
export function parseSecret(
  section: Readonly<Record<string, unknown>>,
  name: 'password' | 'token',
  path: string,
  problem: TellProblem,
): (() => string) | undefined {
  const inPlace = name === 'password' ? textAt(section, name, path, problem) : undefined;
  const file = textAt(section, `${name}File`, path, problem);
  const where = path === '' ? `${name}File` : `${path}.${name}File`;
  if (inPlace !== undefined && file !== undefined) problem(where, `and ${name} are two for one: give one of them`);
  if (file !== undefined)
    return () =>
      readNamed(file, where)
        .toString()
        .replace(/\r?\n$/, '');
  return inPlace === undefined ? undefined : () => inPlace;
}

/** A section as an object with known keys; null, and the problems told, when it is not. */
export function objectAt(
  value: unknown,
  path: string,
  known: readonly string[],
  problem: TellProblem,
): Readonly<Record<string, unknown>> | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    problem(path, `must be a section with ${known.join(', ')}`);
    return null;
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key)) problem(`${path}.${key}`, `is not an option; the options are ${known.join(', ')}`);
  }
  return value as Readonly<Record<string, unknown>>;
}

export function textAt(
  section: Readonly<Record<string, unknown>>,
  name: string,
  path: string,
  problem: TellProblem,
): string | undefined {
  const value = section[name];
  if (value === undefined || (typeof value === 'string' && value !== '')) return value;
  problem(path === '' ? name : `${path}.${name}`, 'must be text, and not empty');
  return undefined;
}

/** What OpenSSL and Node say about a handshake that one side refused, by code, and what to look at. */
const handshakeTroubles: readonly (readonly [codes: RegExp, meaning: string])[] = [
  [/^CERT_HAS_EXPIRED$/, "the broker's certificate has expired"],
  [/^CERT_NOT_YET_VALID$/, "the broker's certificate is not valid yet: compare the clocks"],
  [
    /^(SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_(VERIFY_LEAF_SIGNATURE|GET_ISSUER_CERT(_LOCALLY)?)|CERT_SIGNATURE_FAILURE)$/,
    "the broker's certificate is not signed by an authority that is trusted here: tls.caFile names them",
  ],
  [
    /^ERR_TLS_CERT_ALTNAME_INVALID$/,
    "the broker's certificate is for other names than this address: see tls.serverName",
  ],
  [
    /^ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED$/,
    'the broker wants a client certificate: tls.certFile and tls.keyFile name it',
  ],
  [
    /^ERR_SSL_(SSLV3_ALERT_(HANDSHAKE_FAILURE|BAD_CERTIFICATE|CERTIFICATE_(EXPIRED|UNKNOWN|REVOKED))|TLSV1_ALERT_(UNKNOWN_CA|ACCESS_DENIED|DECRYPT_ERROR))$/,
    'the broker refuses the client certificate (tls.certFile), or the lack of one',
  ],
  [/^ERR_SSL_(WRONG_VERSION_NUMBER|PACKET_LENGTH_TOO_LONG)$/, 'the broker does not speak TLS on this port'],
];

/** What is wrong with a TLS handshake that was refused, by either side; undefined for every other failure. */
export function tlsTrouble(reason: unknown): string | undefined {
  for (let error: unknown = reason; error instanceof Error; error = error.cause) {
    const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
    const found = handshakeTroubles.find(([codes]) => codes.test(code));
    // OpenSSL's own words hold addresses in its memory and line breaks; Node's tell names.
    if (found !== undefined) return `${found[1]} (${code.startsWith('ERR_SSL') ? code : error.message})`;
  }
  return undefined;
}

function readNamed(file: string, path: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw wrongFile(path, `${file} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? String(cause)}`, cause);
  }
}

function wrongFile(path: string, message: string, cause: unknown): PortError {
  return new PortError('invalid_argument', `${path} ${message}`, { cause, errors: [{ path, message }] });
}
