/**
 * docs/FAULTS.md: what is done to the adapters of the brokers, what is promised, and what the last recorded run measured. `npm run
 * docs` writes it, and a test holds the committed file to it.
 */

import { type Fault, type FaultId, faults } from '../test/faults/fault-table.ts';
import { type FaultRow, readRows, recordedDir, renderRows } from '../test/faults/rows.ts';

export function faultsPage(): string {
  const rows = readRows(recordedDir);
  const entries = Object.entries(faults) as [FaultId, Fault][];
  return [
    '# Faults, and what comes out of them',
    '',
    'Printed by `npm run docs`: what is done and promised from `test/faults/fault-table.ts`, the figures from the files that the last recorded runs left in',
    '`test/faults/results`. To record anew: `SLUICE_FAULTS_RECORD=1 npx vitest run --project brokers test/faults`, with `SLUICE_LONG=1` for the full counts.',
    'Every round runs on real brokers. What the native log does when its disk or its power fails is in [DURABILITY.md](DURABILITY.md).',
    '',
    'Publishers number their messages, and each answer is written to a file outside of everything that is tested. At the end the file is held against what two',
    'subscriptions received, one unordered and one that keeps the order of keys. **lost**: answered as stored and never received (must be 0; told apart by where in',
    'its lane: first, between, last). **duplicated**: received more than once, by both subscriptions together (allowed: delivery is at least once). **unknown** and',
    '**refused** are answers. A refused message that was received, and one that nobody sent, would be failures as well; there is none in any row.',
    '**recovered**: from the end of the fault until a message that was published after it was stored and delivered to both subscriptions, one figure for each round.',
    '',
    '## What is done and promised',
    '',
    '| fault | what is done | `npm test` / `test:long` | promised | test |',
    '| --- | --- | --- | --- | --- |',
    ...entries.map(([id, fault]) => faultRow(id, fault)),
    '',
    '## What was measured',
    '',
    'On two cores that brokers, client and other work shared: the times are of a busy machine.',
    '',
    renderRows(entries.flatMap(([id]) => rows.filter((row: FaultRow) => row.fault === id))),
    '',
    '## What nobody can do from here',
    '',
    '* **A RabbitMQ node that is killed with -9 within about three seconds of a queue’s creation** comes back with that quorum queue empty, confirmed messages included, or with its',
    '  streams "not found", when it is the only node that has them: RabbitMQ 4.3 writes the registry of its queues to the disk with that delay. Three nodes have no such moment. The rounds',
    '  above wait for the entry in the registry (`test/faults/registered.ts`).',
    '* **During an alarm RabbitMQ takes no publishes at all**, so a subscription on a stream, whose lease and cursor are messages, cannot be opened then (503). One that is open reads and',
    '  acknowledges on; its cursor is stored when the alarm ends.',
    '* **A Kafka leader that is killed** is replaced after `broker.session.timeout.ms`, 9 s by default. No client can hurry that.',
    '* **RabbitMQ 4.3 leaves the messages of a consumer with it for 60 s when the consumer’s node is lost**, in which an ordered subscription stands still. Queues are made with',
    '  `x-consumer-disconnected-timeout` of 2 s instead. Queues of your own (`manage: none`) need it, or `consumer_disconnected_timeout` in rabbitmq.conf.',
    '* **What lies in the socket when a connection dies** was stored or not: `publish_outcome_unknown`. RabbitMQ tells of a dead connection after 15 s of silence at the latest, Kafka after',
    '  its request timeout of 15 s.',
    '',
  ].join('\n');
}

function faultRow(id: FaultId, { title, done, counts, promised, file }: Fault): string {
  const test = `[${file.replace('test/faults/', '')}](../${file})`;
  return `| **${id}** ${title} | ${done} | ${counts.normal} / ${counts.long} | ${promised} | ${test} |`;
}
