/** What each system did when it was asked, and what each adapter claims; every cell leads to its proof. */

import { type Block, type Cell, type Inline, link, paragraph, quiet, type Section } from '../document.ts';
import { capabilityAnchor, scenarioAnchor, scenarioPartAnchor } from '../evidence.ts';
import type { Report, ScenarioRow, SystemRow } from '../model.ts';
import { orderedSystems, scenarioGroups, type ScenarioGroup, scenarioMarks } from '../view.ts';
import { levelMark, scenarioMark, scenarioMarkTo } from './marks.ts';

/** Capability -> the scenario that asks for it. */
const askedBy: Readonly<Record<string, string>> = {
  'publish.beforeSubscription': 'unroutable',
  'order.partition': 'order-single',
  'order.key': 'order-after-nack',
  'order.keyParallel': 'order-per-key-competing',
  'subscribe.late': 'late-subscriber',
  'ack.redelivery': 'order-after-nack',
  deadLetter: 'poison-message',
  'ack.attemptCount': 'poison-message',
  'ack.perMessage': 'slow-message',
  'consume.competing': 'slow-consumer',
  'consume.beyondPartitions': 'consumers-beyond-partitions',
  'publish.confirm': 'broker-kill',
  'publish.dedup': 'duplicates-after-retry',
  delay: 'delayed-message',
  'ttl.message': 'message-ttl',
  'ttl.retention': 'retention-limit',
  priority: 'priority',
  transactions: 'transaction',
  'durability.memory': 'confirm-meaning',
  'durability.fsync': 'fsync-cost',
  compaction: 'compaction',
  headers: 'metadata',
  largeMessages: 'large-message',
  'replay.earliest': 'replay-after-ack',
  'replay.offset': 'replay-offset',
  'replay.timestamp': 'replay-timestamp',
};

export function matrixSection(report: Report): Section {
  return {
    id: 'matrix',
    title: 'Capability matrix',
    blocks: [...askedBlocks(report)],
    parts: claimedPart(report),
  };
}

function askedBlocks(report: Report): readonly Block[] {
  if (report.scenarios.length === 0) return [paragraph('No scenario was asked for in this run.')];
  const systems = orderedSystems(report);
  const showsLayers = new Set(report.scenarios.map((row) => row.layer)).size > 1;
  return [
    paragraph('One property each, asked of every system in the same way. A mark leads to what was seen.'),
    {
      kind: 'table',
      id: 'matrix-asked',
      caption: 'What each system did',
      look: 'matrix',
      columns: [{ title: 'Question' }, ...systems.map((system) => ({ title: system.id, unit: system.version }))],
      rows: scenarioGroups(report).map((group, index) => ({
        cells: [
          { lines: [link(scenarioPartAnchor(index), group.title), quiet(group.question)] },
          ...systems.map((system) => answers(group, system, showsLayers)),
        ],
      })),
    },
    {
      kind: 'list',
      look: 'key',
      items: Object.entries(scenarioMarks).map(([verdict, { meaning }]) => [
        scenarioMark(verdict as ScenarioRow['verdict']),
        ` ${meaning}`,
      ]),
    },
  ];
}

function answers(group: ScenarioGroup, system: SystemRow, showsLayers: boolean): Cell {
  const rows = group.rows.filter((row) => row.system === system.id);
  if (rows.length === 0) return quiet('–');
  return {
    lines: rows.map((row): readonly Inline[] => [
      scenarioMarkTo(row),
      ...(showsLayers ? [quiet(` ${row.layer}`)] : []),
      ...(row.surprise ? [' ', link('surprises', 'surprise')] : []),
    ]),
  };
}

// ------------------------------------------------------------------------------------------------ claims of the adapters

function claimedPart(report: Report): Section['parts'] {
  const systems = orderedSystems(report).filter((system) => Object.keys(system.capabilities).length > 0);
  const names = capabilityNames(report);
  if (names.length === 0) return [];
  return [
    {
      id: 'claimed',
      title: 'What each adapter claims',
      blocks: [
        paragraph(
          'The same object as GET /v1/capabilities: declared, and held to by the conformance suite. Where a scenario of this run asks for it, that is the evidence.',
        ),
        {
          kind: 'table',
          id: 'matrix-claimed',
          caption: 'Claims of the adapters',
          look: 'matrix',
          columns: [
            { title: 'Capability' },
            ...systems.map((system) => ({ title: system.id, unit: system.version })),
            { title: 'Asked by' },
          ],
          rows: names.map((name) => ({
            cells: [
              link(capabilityAnchor(name), name),
              ...systems.map((system) => levelOf(system, name)),
              evidenceFor(report, name),
            ],
          })),
        },
      ],
    },
  ];
}

export function capabilityNames(report: Report): readonly string[] {
  return [...new Set(report.systems.flatMap((system) => Object.keys(system.capabilities)))];
}

function levelOf(system: SystemRow, name: string): Cell {
  const claim = system.capabilities[name];
  return claim === undefined ? quiet('–') : levelMark(claim.level, capabilityAnchor(name));
}

function evidenceFor(report: Report, name: string): Cell {
  const id = askedBy[name];
  const row = report.scenarios.find((scenario) => scenario.id === id);
  return row === undefined ? quiet('–') : link(scenarioAnchor(row), row.id);
}
