/**
 * What Kafka itself can do with share groups, which no JavaScript client speaks: the scenarios that are put to them too, on the layer
 * `reference`, with what is expected. One table, since it is one system beside many scenarios.
 */

import type { ScenarioVerdict } from '../report/model.ts';
import type { SystemId } from '../systems/system-ids.ts';
import { expected, type Scenario } from './scenario.ts';

interface ShareGroupRow {
  readonly id: string;
  readonly verdict: ScenarioVerdict;
  readonly why: string;
}

const source = 'KIP-932; kafka docs (share consumers, group settings share.*)';

export const shareGroupRows: readonly ShareGroupRow[] = [
  { id: 'fan-out', verdict: 'PASS', why: 'Each share group has the whole topic to itself.' },
  {
    id: 'order-per-key-competing',
    verdict: 'DIFFERS',
    why: 'Members of a share group take messages of one partition side by side and finish in any order.',
  },
  {
    id: 'order-after-nack',
    verdict: 'DIFFERS',
    why: 'A released message comes again while those acquired behind it are being done.',
  },
  {
    id: 'consumers-beyond-partitions',
    verdict: 'PASS',
    why: 'Members take turns on the messages of a partition; there may be more of them than partitions.',
  },
  {
    id: 'slow-consumer',
    verdict: 'DIFFERS',
    why: 'While a group has no more members than partitions, its assignor gives each partition to one member: what lies in that of the slow one waits for it.',
  },
  {
    id: 'slow-message',
    verdict: 'DIFFERS',
    why: 'Messages are settled one by one, but with four members on four partitions each partition has one member: what it has not acquired yet waits behind the slow one.',
  },
  {
    id: 'redelivery-limit',
    verdict: 'PASS',
    why: 'The broker counts deliveries and gives a message up at share.delivery.count.limit, 5 by default.',
  },
  {
    id: 'consumer-kill',
    verdict: 'PASS',
    why: 'What a member had acquired goes back when its connection is gone or the lock ends (30 s), with the count of its deliveries.',
  },
  {
    id: 'dead-letter',
    verdict: 'UNSUPPORTED',
    why: 'What is rejected or given up is archived where it lies; 4.3 writes no copy of it anywhere.',
  },
];

/** Adds the layer and the expectation to those of the table. */
export function withShareGroups(scenario: Scenario): Scenario {
  const row = shareGroupRows.find(({ id }) => id === scenario.id);
  if (row === undefined) return scenario;
  return {
    ...scenario,
    layers: [...scenario.layers, 'reference'],
    notFor: (system: SystemId, layer) => {
      if (layer !== 'reference') return scenario.notFor(system, layer);
      return system === 'kafka' ? null : 'of the reference rows, scenarios are put to share groups only';
    },
    expectations: [expected(['kafka'], 'reference', row.verdict, row.why, source), ...scenario.expectations],
  };
}
