/** Our instrument beside tools that know nothing of it, on the same brokers. */

import { type Block, type Lines, paragraph, quiet, type Section, systemName } from '../document.ts';
import { number, plural } from '../figures.ts';
import type { AgreementRow, Report, Spread } from '../model.ts';

/** Only where a run was asked to check. */
export function agreementSection(report: Report): readonly Section[] {
  const { agreement } = report;
  if (agreement === undefined) return [];
  return [
    {
      id: 'agreement',
      title: 'Agreement with independent tools',
      blocks: [paragraph(summaryOf(agreement)), ...(agreement.length === 0 ? [] : [tableOf(agreement)])],
      parts: [],
    },
  ];
}

function summaryOf(rows: readonly AgreementRow[]): string {
  if (rows.length === 0) return 'No figure could be checked; the reasons stand under "Not measured".';
  const agreeing = rows.filter(({ agrees }) => agrees).length;
  const bound = Math.round((rows[0]?.bound ?? 0) * 100);
  return `Nobody has to trust this instrument: the same client at the same settings on the same broker, measured by it and by a tool that shares nothing else with it, in turns. ${agreeing} of ${rows.length} ${plural(rows.length, 'figure')} agree within ${bound} %.`;
}

function tableOf(rows: readonly AgreementRow[]): Block {
  return {
    kind: 'table',
    id: 'agreement-table',
    caption: 'Ours and theirs',
    look: 'prose',
    columns: [
      { title: 'Figure' },
      { title: 'Ours', isNumeric: true },
      { title: 'Theirs', isNumeric: true },
      { title: 'Ours by theirs', isNumeric: true },
      { title: 'Agrees' },
      { title: 'Equal for both' },
      { title: 'Not equal all the same' },
    ],
    rows: rows.map((row) => ({
      cells: [
        { lines: [row.figure, [systemName(row.system)], quiet(row.tool)] },
        figureOf(row.ours, row.unit),
        figureOf(row.theirs, row.unit),
        number(row.ratio),
        row.agrees
          ? { kind: 'mark', tone: 'good', mark: '✓', word: 'yes' }
          : { kind: 'mark', tone: 'bad', mark: '≠', word: 'no' },
        row.settings,
        row.differs,
      ],
    })),
  };
}

function figureOf({ median, low, high, count }: Spread, unit: string): Lines {
  const interval = count < 2 ? [] : [quiet(`${number(low)} to ${number(high)}, n = ${count}`)];
  return { lines: [`${number(median)} ${unit}`, ...interval] };
}
