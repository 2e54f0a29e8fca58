/**
 * A RabbitMQ that asks who one is, for tests: amqps beside the plain listener, users with rights of their own, and EXTERNAL for
 * those who show a certificate. Users, vhosts and rights are read from a file of definitions at the start: the command-line tool
 * would take a second for each.
 */

import { createHash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeCertificates } from './certificates.ts';
import { freePorts } from './ports.ts';
import type { BrokerSecurity, RabbitMqHandle } from './types.ts';

export interface SecuredRabbitMq {
  /** By name, for the node's directory, from where the server reads them. */
  readonly files: Readonly<Record<string, string>>;
  /** Lines for rabbitmq.conf. */
  readonly settings: readonly string[];
  readonly plugins: readonly string[];
  readonly handle: NonNullable<RabbitMqHandle['secured']>;
}

/** @param inside the node's directory as the server sees it. */
export async function secureRabbitMq(
  directory: string,
  inside: string,
  security: BrokerSecurity,
): Promise<SecuredRabbitMq> {
  const certificates = await makeCertificates(
    join(directory, 'certificates'),
    security.users.map(({ name }) => name),
  );
  const [port = 0] = await freePorts(1);
  return {
    files: {
      'ca.pem': await readFile(certificates.caFile, 'utf8'),
      'server.pem': await readFile(certificates.server.certFile, 'utf8'),
      'server.key': await readFile(certificates.server.keyFile, 'utf8'),
      'definitions.json': JSON.stringify(definitions(security)),
    },
    settings: [
      `listeners.ssl.1 = 127.0.0.1:${port}`,
      `ssl_options.cacertfile = ${join(inside, 'ca.pem')}`,
      `ssl_options.certfile = ${join(inside, 'server.pem')}`,
      `ssl_options.keyfile = ${join(inside, 'server.key')}`,
      'ssl_options.verify = verify_peer',
      // Only EXTERNAL needs one.
      'ssl_options.fail_if_no_peer_cert = false',
      'ssl_cert_login_from = common_name',
      'auth_mechanisms.1 = PLAIN',
      'auth_mechanisms.2 = EXTERNAL',
      `load_definitions = ${join(inside, 'definitions.json')}`,
    ],
    plugins: ['rabbitmq_auth_mechanism_ssl'],
    handle: { certificates, amqps: `127.0.0.1:${port}` },
  };
}

const ADMINISTRATOR = { name: 'guest', password: 'guest' };
const EVERYTHING = { configure: '.*', write: '.*', read: '.*' };

/** With a file of definitions the server makes no user and no vhost by itself: its usual ones are among them. */
function definitions({ users, permissions = [] }: BrokerSecurity): object {
  const vhosts = new Set(['/', ...permissions.map(({ vhost = '/' }) => vhost)]);
  return {
    users: [ADMINISTRATOR, ...users].map(({ name, password }) => ({
      name,
      password_hash: passwordHash(password, randomBytes(4)),
      hashing_algorithm: 'rabbit_password_hashing_sha256',
      tags: name === ADMINISTRATOR.name ? ['administrator'] : [],
    })),
    vhosts: [...vhosts].map((name) => ({ name })),
    permissions: [
      ...[...vhosts].map((vhost) => ({ user: ADMINISTRATOR.name, vhost, ...EVERYTHING })),
      ...permissions.map(({ vhost = '/', ...permission }) => ({ ...permission, vhost })),
    ],
  };
}

/** As RabbitMQ keeps it: base64 of salt (4 bytes), SHA-256 of salt and password. */
function passwordHash(password: string, salt: Buffer): string {
  const digest = createHash('sha256').update(salt).update(password).digest();
  return Buffer.concat([salt, digest]).toString('base64');
}
