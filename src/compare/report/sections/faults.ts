/** What happened when something was killed, paused or cut off. */

import { type Block, link, name, paragraph, quiet, quote, type Section, space, systemName } from '../document.ts';
import { scenarioAnchor, workloadAnchor } from '../evidence.ts';
import { type Said, say } from '../language.ts';
import type { Report } from '../model.ts';
import { isFault, scenarioGroups } from '../view.ts';
import { scenarioMarkTo, validMark } from './marks.ts';

export function faultsSection(report: Report): Section {
  const blocks = [...scenarioBlocks(report), ...workloadBlocks(report)];
  return {
    id: 'faults',
    title: say('Faults', 'الأعطال'),
    blocks: blocks.length === 0 ? [paragraph(noFaults(report))] : blocks,
    parts: [],
  };
}

function noFaults(report: Report): Said {
  const missing = report.notMeasured.filter(({ id }) => isFault(id));
  const ids = [...new Set(missing.map(({ id }) => id))];
  return say(
    `Nothing was killed, paused or cut off in this run${ids.length === 0 ? '' : `; asked for and not measured: ${ids.join(', ')}`}.`,
    `لم يُقتل شيء ولم يُوقف ولم يُقطع في هذا التشغيل${ids.length === 0 ? '' : `؛ وما طُلب ولم يُقس: ${ids.join('، ')}`}.`,
  );
}

function scenarioBlocks(report: Report): readonly Block[] {
  const groups = scenarioGroups(report).filter(({ id }) => isFault(id));
  if (groups.length === 0) return [];
  return [
    {
      kind: 'table',
      id: 'faults-scenarios',
      caption: say('Scenarios with a fault', 'سيناريوهات فيها عطل'),
      columns: [
        { title: say('Scenario', 'السيناريو') },
        { title: say('System', 'النظام') },
        { title: say('Result', 'النتيجة') },
        { title: say('Seen', 'ما شوهد') },
      ],
      rows: groups.flatMap((group) =>
        group.rows.map((row) => ({
          cells: [
            link(scenarioAnchor(row), quote(group.title)),
            [systemName(row.system), quiet(name(` ${row.layer}`))],
            scenarioMarkTo(row),
            quote(row.summary),
          ],
        })),
      ),
    },
  ];
}

function workloadBlocks(report: Report): readonly Block[] {
  const rows = report.workloads.filter(({ id }) => isFault(id));
  if (rows.length === 0) return [];
  return [
    {
      kind: 'table',
      id: 'faults-workloads',
      caption: say('Workloads with a fault', 'أحمال عمل فيها عطل'),
      columns: [
        { title: say('Workload', 'حِمل العمل') },
        { title: say('System', 'النظام') },
        { title: say('Run', 'التشغيل') },
        { title: say('Acknowledged', 'أُقرّ بها'), isNumeric: true },
        { title: say('Lost', 'فُقدت'), isNumeric: true },
        { title: say('Delivered twice', 'سُلّمت مرتين'), isNumeric: true },
        { title: say('Unknown', 'مجهولة المصير'), isNumeric: true },
      ],
      rows: rows.map((row) => ({
        cells: [
          link(workloadAnchor(row), name(row.id)),
          [systemName(row.system), quiet(name(` ${row.layer}`))],
          [validMark(row.valid), ...(row.valid ? [] : [space, quote(row.invalidBecause ?? '')])],
          ...[row.checks.acked, row.checks.lost, row.checks.duplicated, row.checks.unknown].map((each) =>
            name(each.toLocaleString('en-US')),
          ),
        ],
      })),
    },
  ];
}
