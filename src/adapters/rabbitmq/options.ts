/** The `config` of this backend: checked whole, every problem reported, unknown keys refused. */

import { textAt } from '../broker-login.ts';
import { type FieldProblem, PortError } from '../errors.ts';
import { parseManage } from '../existing.ts';
import { bounds } from './bounds.ts';
import { type ExistingRabbitMq, parseExisting } from './existing.ts';
import { type Login, loginKeys, parseLogin, withVhost } from './login.ts';

export interface RabbitMqOptions {
  /** Tried in turn; the first that answers is used. */
  readonly urls: readonly string[];
  /** First part of every exchange's and queue's name. */
  readonly prefix: string;
  readonly connectTimeoutMs: number;
  /** Members of a quorum queue or stream where the topic does not say: default the number of urls, at most 3. */
  readonly replicas: number;
  readonly login: Login;
  /** With `manage: none`: what there is. Null: exchanges and queues are made as asked. */
  readonly existing: ExistingRabbitMq | null;
}

const mappings = ['topics', 'subscriptions'];
const keys = ['url', 'urls', 'prefix', 'connectTimeoutMs', 'replicas', ...loginKeys, 'manage', ...mappings];
const DEFAULT_PREFIX = 'sluice';
const DEFAULT_CONNECT_TIMEOUT_MS = 5_000;
const DEFAULT_REPLICAS_MAX = 3;

/** @throws PortError `invalid_argument` with all that is wrong. */
export function parseOptions(config: Readonly<Record<string, unknown>>): RabbitMqOptions {
  const problems: FieldProblem[] = [];
  const problem = (path: string, message: string): void => void problems.push({ path, message });
  for (const key of Object.keys(config)) {
    if (!keys.includes(key)) problem(key, `is not an option; the options are ${keys.join(', ')}`);
  }
  const vhost = textAt(config, 'vhost', '', problem);
  const given = parseUrls(config['url'], config['urls'], problem);
  const urls = vhost === undefined ? given : given.map((url) => withVhost(url, vhost));
  const login = parseLogin(config, urls, problem);
  const manage = parseManage(config['manage'], problem);
  for (const path of manage === 'none' ? [] : mappings) {
    if (config[path] !== undefined) problem(path, 'are mapped with manage "none"; else they are made through the API');
  }
  const existing = manage === 'none' ? parseExisting(config, problem) : null;
  const prefix = config['prefix'] ?? DEFAULT_PREFIX;
  if (typeof prefix !== 'string' || !/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/.test(prefix)) {
    problem('prefix', 'must be 1 to 32 letters, digits, "-" or "_"');
  }
  const connectTimeoutMs = config['connectTimeoutMs'] ?? DEFAULT_CONNECT_TIMEOUT_MS;
  if (!isIntegerBetween(connectTimeoutMs, 100, 600_000))
    problem('connectTimeoutMs', 'must be a whole number from 100 to 600000');
  const replicas = config['replicas'] ?? Math.min(DEFAULT_REPLICAS_MAX, Math.max(1, urls.length));
  if (!isIntegerBetween(replicas, 1, 99)) problem('replicas', 'must be a whole number from 1 to 99');
  if (problems.length > 0) {
    const text = problems.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new PortError('invalid_argument', `rabbitmq options: ${text}`, { errors: problems });
  }
  return {
    urls,
    prefix: prefix as string,
    connectTimeoutMs: connectTimeoutMs as number,
    replicas: replicas as number,
    login,
    existing,
  };
}

function parseUrls(url: unknown, urls: unknown, problem: (path: string, message: string) => void): readonly string[] {
  if ((url === undefined) === (urls === undefined)) {
    problem('url', 'or urls must be given, one of the two');
    return [];
  }
  const given: readonly unknown[] = url !== undefined ? [url] : Array.isArray(urls) ? urls : [];
  if (given.length === 0) problem('urls', 'must be a list of at least one url');
  const checked: string[] = [];
  for (const [index, each] of given.entries()) {
    const path = url !== undefined ? 'url' : `urls[${index}]`;
    const parsed = typeof each === 'string' ? withHeartbeat(each) : undefined;
    if (parsed === undefined) problem(path, 'must look like amqp://user:password@host:port/vhost (or amqps://)');
    else checked.push(parsed);
  }
  return checked;
}

function withHeartbeat(text: string): string | undefined {
  if (!URL.canParse(text)) return undefined;
  const url = new URL(text);
  if ((url.protocol !== 'amqp:' && url.protocol !== 'amqps:') || url.hostname === '') return undefined;
  if (!url.searchParams.has('heartbeat')) url.searchParams.set('heartbeat', String(bounds.heartbeatSeconds));
  return url.href;
}

/** Without user and password: for messages and logs. */
export function withoutCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname}`;
}

function isIntegerBetween(value: unknown, low: number, high: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= low && value <= high;
}
