/** The README's chart, drawn from the report that the package carries. The README shows it without a script or a network. */

import { readFileSync } from 'node:fs';
import type { CellSummary, Report } from '../src/compare/report/model.ts';

const WORKLOAD = 'throughput-1k';
const FIGURE = 'publish.messagesPerSecond';
const WIDTH = 760;
const NAME_WIDTH = 150;
const VALUE_WIDTH = 190;
const ROW_HEIGHT = 26;
const PANEL_HEAD = 34;
const TOP = 62;
const FOOT = 34;

interface Bar {
  readonly system: string;
  readonly median: number;
  readonly low: number;
  readonly high: number;
}

interface Panel {
  readonly title: string;
  readonly bars: readonly Bar[];
}

const panels: readonly { readonly persistence: string; readonly title: string }[] = [
  { persistence: 'fsync', title: 'Answered when it is on the disk' },
  { persistence: 'os', title: 'Answered when the operating system has it' },
];

/** How fast each broker goes by its usual JavaScript client; what is promised differs, so those that promise the same stand together. */
export function comparisonPicture(): string {
  const report = JSON.parse(
    readFileSync(new URL('../docs/reports/two-cores/report.json', import.meta.url), 'utf8'),
  ) as Report;
  const shown = panels
    .map(({ persistence, title }) => ({ title, bars: barsOf(report, persistence) }))
    .filter(({ bars }) => bars.length > 0);
  return picture(shown, `${report.environment.cpu.cores} shared cores, ${report.run.startedAt.slice(0, 10)}`);
}

function barsOf(report: Report, persistence: string): readonly Bar[] {
  return report.summaries
    .filter(
      (cell) =>
        cell.workload === WORKLOAD &&
        cell.mode === 'own-maximum' &&
        cell.layer === 'bare' &&
        cell.system !== 'log' &&
        cell.durability.persistence === persistence,
    )
    .flatMap((cell) => barOf(cell))
    .toSorted((a, b) => b.median - a.median);
}

function barOf({ system, validRepeats, figures }: CellSummary): readonly Bar[] {
  const figure = figures[FIGURE];
  if (validRepeats === 0 || figure === undefined) return [];
  return [{ system, median: figure.median, low: figure.low, high: figure.high }];
}

function picture(shown: readonly Panel[], machine: string): string {
  const rows = shown.reduce((sum, { bars }) => sum + bars.length, 0);
  const height = TOP + shown.length * PANEL_HEAD + rows * ROW_HEIGHT + FOOT;
  const largest = Math.max(1, ...shown.flatMap(({ bars }) => bars.map(({ high }) => high)));
  let y = TOP;
  const parts: string[] = [];
  for (const { title, bars } of shown) {
    parts.push(`<text class="panel" x="16" y="${y + 20}">${title}</text>`);
    y += PANEL_HEAD;
    for (const bar of bars) {
      parts.push(drawn(bar, y, largest));
      y += ROW_HEIGHT;
    }
  }
  const told = shown
    .map(({ title, bars }) => `${title}: ${bars.map(({ system, median }) => `${system} ${rate(median)}`).join(', ')}`)
    .join('. ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" height="${height}" role="img" aria-labelledby="t d">
<title id="t">Messages of 1 KB published per second, each broker at its own maximum</title>
<desc id="d">${told}</desc>
<style>
svg { background: #fff; font-family: system-ui, sans-serif; font-size: 13px; fill: #1f2328 }
.head { font-size: 16px; font-weight: 600 } .panel { font-weight: 600 } .quiet { fill: #59636e; font-size: 12px }
.rabbitmq { fill: #c2570c } .kafka { fill: #2f5d8a } .whisker { stroke: #1f2328; stroke-width: 1.5 }
</style>
<rect width="${WIDTH}" height="${height}" fill="#fff"/>
<text class="head" x="16" y="26">Messages of 1 KB published per second, each broker at its own maximum</text>
<text class="quiet" x="16" y="46">usual JavaScript client, one node, ${machine}; median and 95 % interval of the repeats</text>
${parts.join('\n')}
<text class="quiet" x="16" y="${height - 12}">Rates of different promises are not compared. Load, client and broker share the cores.</text>
</svg>
`;
}

function drawn({ system, median, low, high }: Bar, y: number, largest: number): string {
  const from = 16 + NAME_WIDTH;
  const span = WIDTH - from - VALUE_WIDTH;
  const x = (value: number): string => (from + (span * value) / largest).toFixed(1);
  const middle = y + ROW_HEIGHT / 2 - 3;
  const family = system.startsWith('kafka') ? 'kafka' : 'rabbitmq';
  return [
    `<text x="16" y="${middle + 4}">${system}</text>`,
    `<rect class="${family}" x="${from}" y="${middle - 7}" width="${((span * median) / largest).toFixed(1)}" height="14" rx="2"/>`,
    `<path class="whisker" d="M${x(low)} ${middle} H${x(high)}"/>`,
    `<text x="${WIDTH - VALUE_WIDTH + 10}" y="${middle + 4}">${rate(median)} <tspan class="quiet">${rate(low)} to ${rate(high)}</tspan></text>`,
  ].join('');
}

function rate(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}
