/** The words of REST and the enums of the .proto. A value that is none goes through as it is, for the schema to refuse. */

import type {
  Ordering,
  Persistence,
  QueueType,
  SettleStatus,
  SubscriptionDefinition,
  TopicDefinition,
} from '../../adapters/index.ts';

export const persistences = {
  memory: 'PERSISTENCE_MEMORY',
  os: 'PERSISTENCE_OS',
  fsync: 'PERSISTENCE_FSYNC',
} as const satisfies Record<Persistence, string>;

export const tokenStatuses = {
  ok: 'TOKEN_STATUS_OK',
  expired: 'TOKEN_STATUS_EXPIRED',
  already: 'TOKEN_STATUS_ALREADY',
  invalid: 'TOKEN_STATUS_INVALID',
  elsewhere: 'TOKEN_STATUS_ELSEWHERE',
} as const satisfies Record<SettleStatus, string>;

export const edges = { earliest: 'EDGE_EARLIEST', latest: 'EDGE_LATEST' } as const;

export const cleanups = {
  delete: 'CLEANUP_DELETE',
  compact: 'CLEANUP_COMPACT',
} as const satisfies Record<TopicDefinition['cleanup'], string>;

export const queueTypes = {
  quorum: 'QUEUE_TYPE_QUORUM',
  classic: 'QUEUE_TYPE_CLASSIC',
  stream: 'QUEUE_TYPE_STREAM',
} as const satisfies Record<QueueType, string>;

export const orderings = {
  none: 'ORDERING_NONE',
  key: 'ORDERING_KEY',
  partition: 'ORDERING_PARTITION',
} as const satisfies Record<Ordering, string>;

export const onExhausted = {
  deadLetter: 'ON_EXHAUSTED_DEAD_LETTER',
  drop: 'ON_EXHAUSTED_DROP',
  block: 'ON_EXHAUSTED_BLOCK',
} as const satisfies Record<SubscriptionDefinition['onExhausted'], string>;

export const capabilityLevels = {
  native: 'CAPABILITY_LEVEL_NATIVE',
  emulated: 'CAPABILITY_LEVEL_EMULATED',
  unsupported: 'CAPABILITY_LEVEL_UNSUPPORTED',
} as const;

/** undefined for absent and for the enum's zero. */
export function wordOf(table: Readonly<Record<string, string>>, given: unknown): unknown {
  if (given === undefined || (typeof given === 'string' && given.endsWith('_UNSPECIFIED'))) return undefined;
  return Object.keys(table).find((word) => table[word] === given) ?? given;
}
