/** The systems under comparison, by id. */

import type { BackendName, QueueType } from '../../adapters/index.ts';

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

/**
 * Rows by the brokers' best clients, each a name of its own on the layer `reference`: what the system they belong to can do when
 * JavaScript is not in the way, or by a protocol that the usual JavaScript client does not speak.
 */
export const referenceSystems = {
  'rabbitmq-quorum-java': 'rabbitmq-quorum',
  'rabbitmq-classic-java': 'rabbitmq-classic',
  'rabbitmq-stream-protocol': 'rabbitmq-stream',
  'kafka-java': 'kafka',
  'kafka-share': 'kafka',
} as const satisfies Record<string, SystemId>;
export type ReferenceName = keyof typeof referenceSystems;
export const referenceNames = Object.keys(referenceSystems) as readonly ReferenceName[];

export function isReferenceName(text: string): text is ReferenceName {
  return Object.hasOwn(referenceSystems, text);
}

/**
 * The same systems by other settings, each a name of its own on the layer `bare`: what differs is in `settings/table.ts`. They run
 * for the workloads that name them, and are no part of an answer.
 */
export const variantSystems = {
  'kafka-fsync': 'kafka',
  'kafka-tuned': 'kafka',
  'rabbitmq-quorum-tuned': 'rabbitmq-quorum',
  'rabbitmq-classic-tuned': 'rabbitmq-classic',
  'rabbitmq-stream-tuned': 'rabbitmq-stream',
} as const satisfies Record<string, SystemId>;
export type VariantName = keyof typeof variantSystems;
export const variantNames = Object.keys(variantSystems) as readonly VariantName[];

export function isVariantName(text: string): text is VariantName {
  return Object.hasOwn(variantSystems, text);
}

/** A row that stands beside those of the answer and is none of them: by another client, or by other settings. */
export function isBesideTheAnswer(name: string): boolean {
  return isReferenceName(name) || isVariantName(name);
}

/** As what names the systems that were asked for stand on a layer: `kafka` on `reference` is `kafka-java` and `kafka-share`. */
export function namesOn(layer: string, names: readonly string[]): readonly string[] {
  if (layer !== 'reference')
    return names.filter((name) => !isReferenceName(name) && (layer === 'bare' || !isVariantName(name)));
  const found = names.flatMap((name) =>
    isReferenceName(name)
      ? [name]
      : Object.entries(referenceSystems).flatMap(([reference, system]) => (system === name ? [reference] : [])),
  );
  return [...new Set(found)];
}

/** `rabbitmq-quorum`, `rabbitmq-quorum@3.10`, `kafka-share`, `kafka-tuned`: a system as it is asked for and reported. */
export function isSystemName(text: string): boolean {
  if (isBesideTheAnswer(text)) return true;
  const [id = '', version, ...more] = text.split('@');
  if (!isSystemId(id) || more.length > 0) return false;
  if (version === undefined) return true;
  return backendOf[id] === 'rabbitmq' && (rabbitMqVersions as readonly string[]).includes(version);
}

/** The system of a name that `isSystemName` accepts. */
export function systemOf(name: string): SystemId {
  if (isReferenceName(name)) return referenceSystems[name];
  if (isVariantName(name)) return variantSystems[name];
  const [id = ''] = name.split('@');
  if (!isSystemId(id)) throw new RangeError(`there is no system "${name}"`);
  return id;
}

/** The version that the name asks for; null where it asks for none. */
export function versionOf(name: string): RabbitMqVersionName | null {
  return rabbitMqVersions.find((version) => version === name.split('@')[1]) ?? null;
}
