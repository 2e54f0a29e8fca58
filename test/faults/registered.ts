/**
 * RabbitMQ writes the names of its queues' logs to its disk up to three seconds after a queue was made (a write-behind cache of its
 * registry). Killed with -9 before, a single node comes back with an empty queue, or with streams that are not found, whatever it has
 * confirmed. A cluster has the other members. So a round that kills a young queue's only node waits for the entry in the registry.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { RabbitMqHandle } from '../../src/brokers/index.ts';
import { until } from './waiting.ts';

const STREAM_COORDINATOR = 'rabbit_stream_coordinator';

/** Resolves when every node of ours has these quorum queues on its disk, and, if asked, the coordinator of streams. */
export async function registered(
  rabbitmq: RabbitMqHandle,
  what: { readonly queues: readonly string[]; readonly streams?: boolean },
): Promise<void> {
  for (const { dataDir, name } of rabbitmq.nodes) {
    if (dataDir === null) throw new Error('only of a broker that runs as a process of ours');
    const wanted: readonly (readonly ['quorum' | 'coordination', string])[] = [
      ...what.queues.map((queue) => ['quorum', queue] as const),
      ...(what.streams === true ? [['coordination', STREAM_COORDINATOR] as const] : []),
    ];
    for (const [system, entry] of wanted) {
      await until(`${entry} is in the registry of ${name}`, () => registry(dataDir, system).includes(entry));
    }
  }
}

function registry(dataDir: string, system: string): string {
  const files = readdirSync(dataDir).map((node) => join(dataDir, node, system, node, 'names.dets'));
  return files
    .filter((file) => existsSync(file))
    .map((file) => readFileSync(file, 'latin1'))
    .join('');
}
