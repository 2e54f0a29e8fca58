/** Logging in to Kafka: which way, and with what. Passwords and tokens are read when they are used, never kept. */

import { objectAt, parseSecret, type TellProblem, textAt } from '../broker-login.ts';
import { KafkaFault } from './errors.ts';

export interface SaslOptions {
  /** For messages: the user, or how it is known. */
  readonly who: string;
  /** A new object each time: kafkajs writes into it. */
  readonly forKafkaJs: () => Record<string, unknown>;
}

const mechanisms = ['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer'] as const;
const keys = ['mechanism', 'username', 'password', 'passwordFile', 'tokenFile'];

/** Null where there is no section. */
export function parseSasl(value: unknown, problem: TellProblem): SaslOptions | null {
  if (value === undefined) return null;
  const section = objectAt(value, 'sasl', keys, problem);
  if (section === null) return null;
  const mechanism = String(section['mechanism']).toLowerCase();
  if (!(mechanisms as readonly string[]).includes(mechanism)) {
    problem('sasl.mechanism', `must be one of ${mechanisms.join(', ')}`);
    return null;
  }
  return mechanism === 'oauthbearer' ? withToken(section, problem) : withPassword(mechanism, section, problem);
}

function withPassword(
  mechanism: string,
  section: Readonly<Record<string, unknown>>,
  problem: TellProblem,
): SaslOptions | null {
  const username = textAt(section, 'username', 'sasl', problem);
  const password = parseSecret(section, 'password', 'sasl', problem);
  if (section['tokenFile'] !== undefined) problem('sasl.tokenFile', 'is for the mechanism oauthbearer');
  if (section['username'] === undefined) problem('sasl.username', 'is missing');
  if (section['password'] === undefined && section['passwordFile'] === undefined)
    problem('sasl.password', 'is missing: give it by the environment, or name a file with sasl.passwordFile');
  if (username === undefined || password === undefined) return null;
  const forKafkaJs = (): Record<string, unknown> => ({
    mechanism,
    username,
    get password() {
      return password();
    },
  });
  return { who: `user "${username}" (${mechanism})`, forKafkaJs };
}

/** The file is written anew by whoever renews the token, as a token of a Kubernetes service account is. */
function withToken(section: Readonly<Record<string, unknown>>, problem: TellProblem): SaslOptions | null {
  for (const name of ['username', 'password', 'passwordFile']) {
    if (section[name] !== undefined)
      problem(`sasl.${name}`, 'is not for the mechanism oauthbearer: the token says who it is');
  }
  const token = parseSecret(section, 'token', 'sasl', problem);
  if (token === undefined) {
    if (section['tokenFile'] === undefined) problem('sasl.tokenFile', 'is missing');
    return null;
  }
  const authenticationProvider = ({ saslAuthenticate }: { readonly saslAuthenticate: SaslAuthenticate }) => ({
    authenticate: async () => await showToken(saslAuthenticate, token()),
  });
  return { who: 'the bearer of the token', forKafkaJs: () => ({ mechanism: 'oauthbearer', authenticationProvider }) };
}

type SaslAuthenticate = (exchange: {
  readonly request: { readonly encode: () => Promise<Buffer> };
  readonly response: {
    readonly decode: (bytes: Buffer) => Promise<string>;
    readonly parse: (text: string) => Promise<string>;
  };
}) => Promise<string>;

/**
 * kafkajs has this too, but does not look at the answer: a token that is refused is answered in so many words (RFC 7628), and then the
 * connection is closed at the next request, which looks like a broker that went away.
 */
async function showToken(saslAuthenticate: SaslAuthenticate, token: string): Promise<void> {
  const message = Buffer.from(`n,,\u0001auth=Bearer ${token}\u0001\u0001`);
  const length = Buffer.alloc(LENGTH_BYTES);
  length.writeInt32BE(message.length);
  const refusal = await saslAuthenticate({
    request: { encode: () => Promise.resolve(Buffer.concat([length, message])) },
    response: {
      decode: (bytes) => Promise.resolve(bytes.toString('utf8', LENGTH_BYTES)),
      parse: (text) => Promise.resolve(text),
    },
  });
  if (refusal !== '') throw new KafkaFault('broker', refusal, { type: 'SASL_AUTHENTICATION_FAILED' });
}

/** Before the bytes, in both directions. */
const LENGTH_BYTES = 4;
