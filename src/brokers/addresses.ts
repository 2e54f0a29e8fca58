/** Brokers that somebody else runs: addresses from the environment, checked that they answer. */

import { BrokersError } from './errors.ts';
import { kafkaBrokerCount, parseAmqpUrl, parseHostPort, probeKafka, probeRabbitMq } from './probe.ts';
import type { KafkaHandle, RabbitMqHandle } from './types.ts';

export const RABBITMQ_VARIABLE = 'SLUICE_RABBITMQ_URL';
export const KAFKA_VARIABLE = 'SLUICE_KAFKA_BROKERS';

/** The broker at SLUICE_RABBITMQ_URL (one URL, or one for each node, parted by commas); null when it is not set. */
export async function givenRabbitMq(): Promise<RabbitMqHandle | null> {
  const urls = listed(RABBITMQ_VARIABLE);
  const first = urls[0];
  if (first === undefined) return null;
  for (const url of urls) parseAmqpUrl(url);
  const versions = await Promise.all(urls.map(probeRabbitMq));
  return {
    kind: 'rabbitmq',
    url: first,
    urls,
    version: versions[0] ?? 'unknown',
    nodes: urls.map((url) => ({ name: hostOf(url), pid: null, dataDir: null })),
    source: 'address',
    startMs: null,
  };
}

/** The cluster at SLUICE_KAFKA_BROKERS (host:port, parted by commas; any of its nodes will do); null when it is not set. */
export async function givenKafka(): Promise<KafkaHandle | null> {
  const brokers = listed(KAFKA_VARIABLE);
  const first = brokers[0];
  if (first === undefined) return null;
  const addresses = brokers.map(parseHostPort);
  const levels = await Promise.all(addresses.map(probeKafka));
  const count = await kafkaBrokerCount(parseHostPort(first));
  return {
    kind: 'kafka',
    brokers,
    version: kafkaRelease(levels[0] ?? null),
    // A cluster may have more nodes than the addresses given to reach it.
    nodes: Array.from({ length: count }, (_, index) => ({
      name: brokers[index] ?? `node ${index + 1}`,
      pid: null,
      dataDir: null,
    })),
    source: 'address',
    startMs: null,
    libDir: null,
  };
}

/** The highest level of the feature `metadata.version` that each release speaks. Kafka tells its release in no other way. */
const KAFKA_RELEASES: readonly (readonly [level: number, release: string])[] = [
  [30, '4.3'],
  [28, '4.2'],
  [26, '4.1'],
  [22, '4.0'],
  [21, '3.9'],
  [20, '3.8'],
  [15, '3.7'],
];

/** Pure: the release that a `metadata.version` level belongs to. */
export function kafkaRelease(level: number | null): string {
  if (level === null) return 'unknown';
  if (level > 30) return 'newer than 4.3';
  return KAFKA_RELEASES.find(([from]) => level >= from)?.[1] ?? 'older than 3.7';
}

function listed(variable: string): string[] {
  const items = (process.env[variable] ?? '').split(',').map((item) => item.trim());
  return items.filter((item) => item !== '');
}

/** Without the user and the password: names are printed. */
function hostOf(url: string): string {
  const { host, port } = parseAmqpUrl(url);
  return `${host}:${port}`;
}

/** What a failed check of a given address means: not to be had here, and said so, rather than quietly replaced by another one. */
export function givenButSilent(variable: string, why: string): BrokersError {
  return new BrokersError('unavailable', `${variable} is set, but ${why}`);
}
