/** What an acknowledged publish of each system reaches with default settings on one node (persistence, not copies). */

import type { Persistence } from '../adapters/index.ts';
import type { SystemId } from './system-ids.ts';

const byDefault = {
  log: 'fsync',
  'rabbitmq-quorum': 'fsync',
  'rabbitmq-classic': 'os',
  'rabbitmq-stream': 'os',
  kafka: 'os',
} as const satisfies Record<SystemId, Persistence>;

export function persistenceOf(system: SystemId): Persistence {
  return byDefault[system];
}
