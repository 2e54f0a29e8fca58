/** The driver's own section of the configuration, checked: every problem is reported at once and unknown keys are refused. */

import { parseTls, type TlsOptions } from '../broker-login.ts';
import { type FieldProblem, PortError } from '../errors.ts';
import { parseManage } from '../existing.ts';
import { type ExistingKafka, ownNames, parseExisting } from './existing.ts';
import { parseSasl, type SaslOptions } from './sasl.ts';

export interface KafkaConfig {
  /** `host:port` of at least one broker; the others are found through it. */
  readonly brokers: readonly string[];
  /** Default `sluice`. Shown by Kafka's tools as the member's name. */
  readonly clientId: string;
  /** How long opening waits for a first answer, and each connection attempt. Default 5,000 ms. */
  readonly connectTimeoutMs: number;
  readonly tls: TlsOptions | null;
  readonly sasl: SaslOptions | null;
  /** With `manage: none`: what there is. Null: topics and groups are made as asked. */
  readonly existing: ExistingKafka | null;
}

const CONNECT_TIMEOUT_MS = 5_000;
const CONNECT_TIMEOUT_MS_MAX = 60_000;
const BROKERS_MAX = 100;
const mappings = ['topics', 'subscriptions'];
const known = new Set(['brokers', 'clientId', 'connectTimeoutMs', 'manage', 'tls', 'sasl', ...mappings]);

/** @throws PortError invalid_argument, with every problem in `errors`. */
export function parseConfig(config: Readonly<Record<string, unknown>>): KafkaConfig {
  const problems: FieldProblem[] = [];
  for (const key of Object.keys(config)) {
    if (!known.has(key))
      problems.push({ path: key, message: `is not an option of the kafka backend: ${[...known].join(', ')} are` });
  }
  const brokers = config['brokers'];
  if (!isAddressList(brokers)) {
    problems.push({ path: 'brokers', message: `must be 1 to ${BROKERS_MAX} addresses of the form "host:port"` });
  }
  const clientId = config['clientId'] ?? 'sluice';
  if (typeof clientId !== 'string' || !/^[A-Za-z0-9._-]{1,100}$/.test(clientId)) {
    problems.push({ path: 'clientId', message: 'must be 1 to 100 letters, digits, dots, dashes and underscores' });
  }
  const connectTimeoutMs = config['connectTimeoutMs'] ?? CONNECT_TIMEOUT_MS;
  if (typeof connectTimeoutMs !== 'number' || !(connectTimeoutMs >= 1 && connectTimeoutMs <= CONNECT_TIMEOUT_MS_MAX)) {
    problems.push({ path: 'connectTimeoutMs', message: `must be a number from 1 to ${CONNECT_TIMEOUT_MS_MAX}` });
  }
  const problem = (path: string, message: string): void => void problems.push({ path, message });
  const tls = parseTls(config['tls'], problem);
  const sasl = parseSasl(config['sasl'], problem);
  const manage = parseManage(config['manage'], problem);
  for (const path of manage === 'none' ? [] : mappings) {
    if (config[path] !== undefined) problem(path, 'are mapped with manage "none"; else they are made through the API');
  }
  const existing = manage === 'none' ? parseExisting(config, (name) => ownNames.group(name), problem) : null;
  if (problems.length > 0) {
    const text = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new PortError('invalid_argument', `kafka configuration: ${text}`, { errors: problems });
  }
  return {
    brokers: brokers as readonly string[],
    clientId: clientId as string,
    connectTimeoutMs: connectTimeoutMs as number,
    tls,
    sasl,
    existing,
  };
}

function isAddressList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length >= 1 && value.length <= BROKERS_MAX && value.every(isAddress);
}

function isAddress(value: unknown): boolean {
  const match = typeof value === 'string' ? /^[^\s:]+:(\d{1,5})$/.exec(value) : null;
  const port = Number(match?.[1] ?? 0);
  return port >= 1 && port <= 65_535;
}
