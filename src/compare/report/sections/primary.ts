/** The comparisons that were named before the run: what was expected, what the test says, and how large the difference is. */

import { type Cell, type Inline, link, type Part, paragraph, quiet, type Text } from '../document.ts';
import { workloadAnchor } from '../evidence.ts';
import { number, plural, spread } from '../figures.ts';
import type { PrimaryResult, Report, Spread } from '../model.ts';
import { primaryMark } from './marks.ts';

export function primaryPart(report: Report): readonly Part[] {
  const { primary } = report;
  if (primary === undefined) return [];
  const { results, named, level } = primary;
  return [
    {
      id: 'primary',
      title: 'Named before the run, and tested',
      blocks: [
        paragraph(
          `${named} ${plural(named, 'comparison')} ${named === 1 ? 'was' : 'were'} named before the run, each with what it expects; ${results.some(({ pValue }) => pValue !== null) ? `they are tested on their repeats (exact rank-sum test, two-sided) and corrected for their number after Holm, so that a run in which nothing differs finds something in at most ${number(level * 100)} of 100 cases` : 'none of them could be tested'}. Every other difference in this report is an effect size with its interval, and no test.`,
        ),
        {
          kind: 'table',
          id: 'primary-table',
          caption: 'Primary comparisons',
          look: 'prose',
          columns: [
            { title: 'Expected' },
            { title: 'Found' },
            { title: 'p, corrected', isNumeric: true },
            { title: 'First by second', isNumeric: true },
            { title: 'Medians', isNumeric: true },
          ],
          rows: results.map((result, index) => ({
            id: `primary-${index + 1}`,
            cells: [
              expectation(result, report),
              { lines: foundLines(result) },
              { lines: pValues(result) },
              ratio(result),
              { lines: [...side(result.firstSpread), ...side(result.secondSpread)] },
            ],
          })),
          notes: [
            'Medians: of the valid repeats of the first system of the sentence, and below it of the second, [95 % bootstrap interval], and how many they were. First by second: ratio of the medians with its interval; δ is Cliff’s delta, 1 when every repeat of the first is above every one of the second.',
            'Noise: what the same system run twice differed by, and never less than 10 %. A difference is shown when the corrected p is at most the level, the interval of the ratio does not hold 1, and the ratio is beyond the noise.',
          ],
        },
      ],
    },
  ];
}

function expectation({ hypothesis, workload, mode, layer, figure, first }: PrimaryResult, report: Report): Text {
  const where = `${workload}, ${mode.replace('-', ' ')}, ${layer}`;
  const isThere = report.workloads.some((row) => row.id === workload && row.system === first && row.layer === layer);
  const place: Inline = isThere ? link(workloadAnchor({ id: workload, system: first, layer }), where) : where;
  return [hypothesis, quiet(' ('), place, quiet(`: ${figure})`)];
}

function foundLines({ outcome, because }: PrimaryResult): readonly Text[] {
  return [primaryMark(outcome), because];
}

function side(figure: Spread | null): readonly Text[] {
  return [figure === null ? quiet('–') : [spread(figure), quiet(` n = ${figure.count}`)]];
}

function ratio({ ratio: middle, interval, cliffsDelta, noiseFloor }: PrimaryResult): Cell {
  if (middle === null) return quiet('–');
  const range = interval === null ? '' : ` [${number(interval.low)}–${number(interval.high)}]`;
  const noise = quiet(`noise ± ${number(noiseFloor * 100)} %`);
  return {
    lines: [`${number(middle)}${range}`, ...(cliffsDelta === null ? [] : [quiet(`δ ${number(cliffsDelta)}`)]), noise],
  };
}

function pValues({ pValue, adjustedPValue }: PrimaryResult): readonly Text[] {
  if (pValue === null || adjustedPValue === null) return [quiet('not tested')];
  return [small(adjustedPValue), quiet(`alone ${small(pValue)}`)];
}

function small(p: number): string {
  return p < 0.00001 ? '<0.00001' : String(Number(p.toPrecision(2)));
}
