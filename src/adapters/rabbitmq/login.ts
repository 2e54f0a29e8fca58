/** How a connection to RabbitMQ shows who it is: made anew for each attempt, so that files are read again. */

import { credentials } from 'amqplib';
import { parseSecret, parseTls, type TellProblem, textAt, type TlsOptions, tlsSettings } from '../broker-login.ts';

export interface Login {
  /** For messages: who logs in at this address. */
  who(url: string): string;
  /** What amqplib's `connect` takes beside the address. @throws PortError `invalid_argument` for a file that cannot be read. */
  settingsFor(url: string): Readonly<Record<string, unknown>>;
}

export const loginKeys = ['vhost', 'mechanism', 'username', 'password', 'passwordFile', 'tls'];

/** @param urls valid ones. */
export function parseLogin(
  config: Readonly<Record<string, unknown>>,
  urls: readonly string[],
  problem: TellProblem,
): Login {
  const tls = parseTls(config['tls'], problem);
  if (tls !== null && urls.some((url) => !isTls(url))) problem('tls', 'is for addresses with amqps://');
  const mechanism = config['mechanism'] ?? 'plain';
  if (mechanism === 'external') return external(config, tls, urls, problem);
  if (mechanism !== 'plain') problem('mechanism', 'must be "plain" or "external"');
  const username = textAt(config, 'username', '', problem);
  const password = parseSecret(config, 'password', '', problem);
  if ((username === undefined) !== (password === undefined)) {
    problem(username === undefined ? 'username' : 'password', 'is missing: user and password go together');
  }
  if (username !== undefined && urls.some((url) => new URL(url).username !== ''))
    problem('username', 'and a user in an address are two for one: give one of them');
  return {
    who: (url) => `user "${username ?? (decoded(new URL(url).username) || 'guest')}"`,
    settingsFor: (url) => ({
      ...transport(url, tls),
      ...(username === undefined || password === undefined
        ? {}
        : { credentials: credentials.plain(username, password()) }),
    }),
  };
}

function external(
  config: Readonly<Record<string, unknown>>,
  tls: TlsOptions | null,
  urls: readonly string[],
  problem: TellProblem,
): Login {
  for (const name of ['username', 'password', 'passwordFile']) {
    if (config[name] !== undefined) problem(name, 'is not for the mechanism external: the certificate says who it is');
  }
  if (tls?.certFile === undefined) problem('tls.certFile', 'is missing: the mechanism external shows a certificate');
  if (urls.some((url) => new URL(url).username !== ''))
    problem('mechanism', 'external takes no user from an address: the certificate says who it is');
  return {
    who: () => `the certificate ${tls?.certFile ?? ''}`,
    settingsFor: (url) => ({ ...transport(url, tls), credentials: credentials.external() }),
  };
}

function transport(url: string, tls: TlsOptions | null): object {
  return isTls(url) ? tlsSettings(tls ?? { verify: true }) : {};
}

function isTls(url: string): boolean {
  return url.startsWith('amqps:');
}

export function vhostOf(url: string): string {
  return decoded(new URL(url).pathname.slice(1)) || '/';
}

/** An address may hold a percent sign that encodes nothing. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Into an address that names none. */
export function withVhost(url: string, vhost: string): string {
  const parsed = new URL(url);
  if (parsed.pathname.length <= 1) parsed.pathname = `/${encodeURIComponent(vhost)}`;
  return parsed.href;
}
