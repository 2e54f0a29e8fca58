/** The systems under comparison, by id. */

import type { BackendName, QueueType } from '../adapters/index.ts';

export const systemIds = ['log', 'rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream', 'kafka'] as const;
export type SystemId = (typeof systemIds)[number];

export const backendOf = {
  log: 'native',
  'rabbitmq-quorum': 'rabbitmq',
  'rabbitmq-classic': 'rabbitmq',
  'rabbitmq-stream': 'rabbitmq',
  kafka: 'kafka',
} as const satisfies Record<SystemId, BackendName>;

export const queueTypeOf = {
  log: null,
  'rabbitmq-quorum': 'quorum',
  'rabbitmq-classic': 'classic',
  'rabbitmq-stream': 'stream',
  kafka: null,
} as const satisfies Record<SystemId, QueueType | null>;

export function isSystemId(text: string): text is SystemId {
  return (systemIds as readonly string[]).includes(text);
}

/** Versions of RabbitMQ that a system may be asked for in (`rabbitmq-quorum@3.10`); the newest needs no name. */
export const rabbitMqVersions = ['4.3', '4.0', '3.10'] as const;
export type RabbitMqVersionName = (typeof rabbitMqVersions)[number];

/** `rabbitmq-quorum`, `rabbitmq-quorum@3.10`: a system as it is asked for and reported. */
export function isSystemName(text: string): boolean {
  const [id = '', version, ...more] = text.split('@');
  if (!isSystemId(id) || more.length > 0) return false;
  if (version === undefined) return true;
  return backendOf[id] === 'rabbitmq' && (rabbitMqVersions as readonly string[]).includes(version);
}

/** The system of a name that `isSystemName` accepts. */
export function systemOf(name: string): SystemId {
  const [id = ''] = name.split('@');
  if (!isSystemId(id)) throw new RangeError(`there is no system "${name}"`);
  return id;
}

/** The version that the name asks for; null where it asks for none. */
export function versionOf(name: string): RabbitMqVersionName | null {
  return rabbitMqVersions.find((version) => version === name.split('@')[1]) ?? null;
}
