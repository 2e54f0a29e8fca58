/** How to get the same run again, and how to know that it was the same. */

import { type Block, code, paragraph, type Section } from '../document.ts';
import { plural, seconds } from '../figures.ts';
import type { Report } from '../model.ts';

export function reproduceSection(report: Report): Section {
  const { run } = report;
  return {
    id: 'reproduce',
    title: 'How to reproduce',
    blocks: [
      { kind: 'code', text: run.command },
      paragraph(
        'The seed decides every send time, key and size before the run starts, so an equal plan hash means equal work. Figures will differ with the machine.',
      ),
      {
        kind: 'facts',
        facts: [
          { name: 'Run', lines: [code(run.id)] },
          { name: 'Seed', lines: [String(run.seed)] },
          { name: 'Profile', lines: [`${run.profile}, ${run.repeats} ${plural(run.repeats, 'repeat')}`] },
          { name: 'Plan hash', lines: [code(run.planHash)] },
          { name: 'Started', lines: [run.startedAt] },
          { name: 'Finished', lines: [`${run.finishedAt}, after ${seconds(run.durationMs)}`] },
          { name: 'Form', lines: [`report.json, version ${report.specVersion}, see docs/report.schema.json`] },
        ],
      },
      ...planBlock(report),
    ],
    parts: orderPart(report),
  };
}

function planBlock(report: Report): readonly Block[] {
  const plans = new Map<string, string[]>();
  for (const row of report.workloads) {
    const key = `${row.id}, ${row.mode.replace('-', ' ')}`;
    const hashes = plans.get(key) ?? [];
    if (!hashes.includes(row.planHash)) plans.set(key, [...hashes, row.planHash]);
  }
  if (plans.size === 0) return [];
  return [
    {
      kind: 'table',
      id: 'plans-table',
      caption: 'Plans, equal for every system',
      columns: [{ title: 'Workload' }, { title: 'Plan hash of each repeat' }],
      rows: [...plans].map(([name, hashes]) => ({ cells: [name, { lines: hashes.map((hash) => code(hash)) }] })),
    },
  ];
}

function orderPart({ run }: Report): Section['parts'] {
  if (run.order.length === 0) return [];
  return [
    {
      id: 'order',
      title: 'Order of the runs',
      blocks: [
        paragraph('Interleaved at random by the seed, so that what drifts on the machine meets every system alike.'),
        { kind: 'code', text: run.order.join('\n') },
      ],
    },
  ];
}
