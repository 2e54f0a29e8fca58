/**
 * Effect sizes with their intervals around "the same": one line for each comparison, on one logarithmic axis. To the right the
 * first of the two does better, whether its figure ought to be high or low; the band is what the run makes of nothing.
 */

import { number } from '../figures.ts';
import { type Language, type Said, say } from '../language.ts';
import { html, type Markup } from '../markup.ts';
import { aroundMiddle, axesLeftToRight, drawn, endOfLine, fixed, lineClass, mark } from './look.ts';
import { logScale, type Scale } from './scale.ts';

export interface ForestRow {
  /** Whom the first is held against. */
  readonly system: string;
  /** How many times better the first is; null: there is no ratio, and `reason` says so. */
  readonly times: number | null;
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** Differences up to this part are none. */
  readonly noiseFloor: number;
  /** In a word, beside the figure. */
  readonly outcome: Said;
  /** A filled mark: the test has shown it. */
  readonly isShown: boolean;
}

const width = 400;
const rowHeight = 44;
const plot = { left: 8, right: width - 8, top: 4 } as const;

/** `0.5 times better` is twice as bad: what is drawn goes up for the better one, whatever the figure. */
export function timesBetter(
  ratio: number,
  direction: 'higher' | 'lower',
  interval: ForestRow['interval'],
): Pick<ForestRow, 'times' | 'interval'> {
  if (direction === 'higher') return { times: ratio, interval };
  return { times: 1 / ratio, interval: interval === null ? null : { low: 1 / interval.high, high: 1 / interval.low } };
}

/** One axis for all panels, so that they can be compared. */
export function forestScale(rows: readonly ForestRow[]): Scale {
  const all = rows.flatMap(({ times, interval, noiseFloor }) => [
    ...(times === null ? [] : [times]),
    ...(interval === null ? [] : [interval.low, interval.high]),
    1 + noiseFloor,
    1 / (1 + noiseFloor),
  ]);
  const furthest = Math.max(2, ...all.map((value) => Math.max(value, 1 / value)).filter(Number.isFinite));
  return logScale(1 / furthest, furthest, plot.left, plot.right);
}

export function forestChart(
  id: string,
  title: Said,
  first: string,
  rows: readonly ForestRow[],
  x: Scale,
  language: Language,
): Markup {
  const bottom = plot.top + rows.length * rowHeight;
  const height = bottom + 40;
  const same = fixed(x.at(1));
  return html`<svg class="chart"${axesLeftToRight(language)} viewBox="${`0 0 ${width} ${height}`}" role="img" aria-labelledby="${`${id}-t ${id}-d`}">
<title id="${`${id}-t`}">${title[language]}</title>
<desc id="${`${id}-d`}">${describe(rows)[language]}</desc>
<g class="grid">${x.ticks.map((tick) => html`<path d="${`M${fixed(x.at(tick))} ${plot.top} V${bottom}`}"/>`)}</g>
<path class="reference" d="${`M${same} ${plot.top} V${bottom}`}"/>
<g class="ticks">${x.ticks.map((tick, index) => html`<text x="${fixed(x.at(tick))}" y="${bottom + 15}" text-anchor="${anchor(index, x.ticks.length)}">${tick}</text>`)}</g>
<text class="axis" x="${width / 2}" y="${height - 6}"${aroundMiddle(language)}>${drawn(axis(first), language)}</text>
${rows.map((row, index) => drawRow(row, plot.top + index * rowHeight, x, language))}
</svg>`;
}

function drawRow(row: ForestRow, top: number, x: Scale, language: Language): Markup {
  const { system, times, interval, noiseFloor, isShown } = row;
  const y = top + 29;
  const words = html`<text class="forest-name" x="${plot.left}" y="${top + 14}">${system} <tspan class="bar-value">${valueText(row)}</tspan></text><text class="${isShown ? 'bar-value' : 'bar-value quiet'}" x="${plot.right}" y="${top + 14}"${endOfLine(language)}>${drawn(row.outcome, language)}</text>`;
  const [from, to] = [x.at(1 / (1 + noiseFloor)), x.at(1 + noiseFloor)];
  const band = html`<rect class="noise" x="${fixed(from)}" y="${y - 8}" width="${fixed(to - from)}" height="16"/>`;
  if (times === null) return html`<g class="${lineClass(system)}">${words}${band}</g>`;
  const range =
    interval === null
      ? null
      : html`<path class="whisker" d="${`M${fixed(x.at(interval.low))} ${y} H${fixed(x.at(interval.high))} M${fixed(x.at(interval.low))} ${y - 4} V${y + 4} M${fixed(x.at(interval.high))} ${y - 4} V${y + 4}`}"/>`;
  const point = isShown
    ? mark(system, x.at(times), y, 5)
    : html`<circle class="mark open" cx="${fixed(x.at(times))}" cy="${y}" r="5"/>`;
  return html`<g class="${lineClass(system)}">${words}${band}${range}${point}</g>`;
}

function axis(first: string): Said {
  return say(`times better; right of 1: ${first} is better`, `كم مرة أفضل؛ إلى يمين 1: ${first} أفضل`);
}

function valueText({ times, interval }: ForestRow): string {
  if (times === null) return '–';
  return interval === null ? number(times) : `${number(times)} [${number(interval.low)}–${number(interval.high)}]`;
}

function describe(rows: readonly ForestRow[]): Said {
  return say(
    rows.map((row) => `${row.system}: ${valueText(row)}, ${row.outcome.en}`).join('. '),
    rows.map((row) => `${row.system}: ${valueText(row)}، ${row.outcome.ar}`).join('. '),
  );
}

function anchor(index: number, ticks: number): string {
  if (index === 0) return 'start';
  return index === ticks - 1 ? 'end' : 'middle';
}
