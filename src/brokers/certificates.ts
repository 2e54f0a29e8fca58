/**
 * Certificates for brokers that tests start with TLS: made with openssl when they start, thrown away with the run. Two authorities,
 * because "signed by somebody else" is one of the things to be tried, and a certificate whose time is over is another.
 */

import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { limits } from './limits.ts';
import type { Certificates, KeyPair } from './types.ts';

/** Resolves when all files are written, all in PEM. @param clients common names, each of which gets a certificate. */
export async function makeCertificates(directory: string, clients: readonly string[]): Promise<Certificates> {
  await mkdir(directory, { recursive: true });
  const authority = await makeAuthority(directory, 'ca');
  const other = await makeAuthority(directory, 'other-ca');
  const server = await makeSigned(directory, authority, 'server', 'localhost', VALID_DAYS);
  const expired = await makeSigned(directory, authority, 'expired', 'localhost', EXPIRED_DAYS);
  const byName: Record<string, KeyPair> = {};
  for (const name of clients) byName[name] = await makeSigned(directory, authority, `client-${name}`, name, VALID_DAYS);
  return { caFile: authority.certFile, otherCaFile: other.certFile, server, expired, clients: byName };
}

/** Key and certificate in one file, as Kafka's PEM key stores want them. */
export async function writeKeyStore(path: string, { certFile, keyFile }: KeyPair): Promise<void> {
  await writeFile(path, `${await readFile(keyFile, 'utf8')}${await readFile(certFile, 'utf8')}`);
}

const VALID_DAYS = 2;
/** Ends before it begins, which is over as well as any. */
const EXPIRED_DAYS = -1;
const KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

async function makeAuthority(directory: string, name: string): Promise<KeyPair> {
  const pair = pairIn(directory, name);
  const files = ['-keyout', pair.keyFile, '-out', pair.certFile];
  await openssl(['req', '-x509', ...KEY, ...files, '-days', String(VALID_DAYS), '-subj', `/CN=sluice test ${name}`]);
  return pair;
}

async function makeSigned(
  directory: string,
  authority: KeyPair,
  name: string,
  commonName: string,
  days: number,
): Promise<KeyPair> {
  const pair = pairIn(directory, name);
  const request = join(directory, `${name}.csr`);
  const extensions = join(directory, `${name}.ext`);
  await writeFile(extensions, 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  await openssl(['req', ...KEY, '-keyout', pair.keyFile, '-out', request, '-subj', `/CN=${commonName}`]);
  const signer = ['-CA', authority.certFile, '-CAkey', authority.keyFile, '-CAcreateserial'];
  const more = ['-days', String(days), '-extfile', extensions, '-out', pair.certFile];
  await openssl(['x509', '-req', '-in', request, ...signer, ...more]);
  return pair;
}

function pairIn(directory: string, name: string): KeyPair {
  return { certFile: join(directory, `${name}.pem`), keyFile: join(directory, `${name}.key`) };
}

async function openssl(args: readonly string[]): Promise<void> {
  await runCommand('openssl', args, { deadlineMs: limits.toolMs });
}
