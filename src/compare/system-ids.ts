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
