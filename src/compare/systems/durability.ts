/** What an acknowledged publish of each system reaches with default settings on one node (persistence, not copies). */

import type { Persistence } from '../../adapters/index.ts';
import { type SystemId, systemOf } from './system-ids.ts';

const byDefault = {
  log: 'fsync',
  'rabbitmq-quorum': 'fsync',
  'rabbitmq-classic': 'os',
  'rabbitmq-stream': 'os',
  kafka: 'os',
} as const satisfies Record<SystemId, Persistence>;

/** Of a system's name; a variant whose topics are flushed at each message promises more. */
export function persistenceOf(name: string): Persistence {
  return name === 'kafka-fsync' ? 'fsync' : byDefault[systemOf(name)];
}
