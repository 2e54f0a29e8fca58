/** Horizontal bars from zero, each with its name, figure, interval and number of repeats in words above it. */

import { amount, spread, type Unit } from '../figures.ts';
import { type Language, type Said, say } from '../language.ts';
import { html, type Markup } from '../markup.ts';
import type { Spread } from '../model.ts';
import { drawn, endOfLine, axesLeftToRight, fixed, lineClass, mark } from './look.ts';
import { linearScale } from './scale.ts';

export interface Bar {
  readonly system: string;
  /** Stands beside the system's name, such as the layer. */
  readonly detail: string;
  /** null: there is no figure, and `reason` says why. */
  readonly figure: Spread | null;
  readonly reason: Said;
}

const width = 400;
const rowHeight = 36;
const plot = { left: 4, right: width - 12, top: 4 } as const;
/** What fits in the line above a bar at the page's font: the name and, from the other end, the figure or the reason. */
const lineCharactersMax = 56;

/** `largest`: the end of the axis, shared by panels that are to be compared. */
export function barChart(
  id: string,
  title: Said,
  bars: readonly Bar[],
  unit: Unit,
  largest: number,
  language: Language,
): Markup {
  const bottom = plot.top + bars.length * rowHeight + 4;
  const height = bottom + 22;
  const x = linearScale(largest, plot.left, plot.right);
  return html`<svg class="chart"${axesLeftToRight(language)} viewBox="${`0 0 ${width} ${height}`}" role="img" aria-labelledby="${`${id}-t ${id}-d`}">
<title id="${`${id}-t`}">${title[language]}</title>
<desc id="${`${id}-d`}">${bars.map((bar) => `${label(bar)}: ${valueText(bar, unit)[language]}`).join('. ')}</desc>
<g class="grid">${x.ticks.map((tick) => html`<path d="${`M${fixed(x.at(tick))} ${plot.top} V${bottom}`}"/>`)}</g>
<g class="ticks">${x.ticks.map((tick, index) => html`<text x="${fixed(x.at(tick))}" y="${bottom + 15}" text-anchor="${anchor(index, x.ticks.length)}">${tickText(tick, unit)}</text>`)}</g>
${bars.map((bar, index) => drawBar(bar, plot.top + index * rowHeight, x.at, unit, language))}
</svg>`;
}

export function largestOf(bars: readonly Bar[]): number {
  return Math.max(0, ...bars.map((bar) => bar.figure?.high ?? 0));
}

function drawBar(bar: Bar, top: number, x: (value: number) => number, unit: Unit, language: Language): Markup {
  const y = top + 18;
  const text = html`${mark(bar.system, plot.left + 6, top + 9)}<text class="bar-name" x="${plot.left + 16}" y="${top + 13}">${label(bar)}</text><text class="${bar.figure === null ? 'bar-value none' : 'bar-value'}" x="${plot.right}" y="${top + 13}"${bar.figure === null ? endOfLine(language) : endOfLine('en')}>${shownValue(bar, unit, language)}</text>`;
  if (bar.figure === null) {
    return html`<g class="${lineClass(bar.system)}">${text}<path class="no-bar" d="${`M${plot.left} ${y + 5} H${plot.right}`}"/></g>`;
  }
  const { median, low, high, count } = bar.figure;
  const whisker =
    count > 1
      ? html`<path class="whisker" d="${`M${fixed(x(low))} ${y + 5} H${fixed(x(high))} M${fixed(x(low))} ${y + 1.5} V${y + 8.5} M${fixed(x(high))} ${y + 1.5} V${y + 8.5}`}"/>`
      : null;
  return html`<g class="${lineClass(bar.system)}">${text}<rect class="bar" x="${plot.left}" y="${y}" width="${fixed(Math.max(1, x(median) - plot.left))}" height="10" rx="2"/>${whisker}</g>`;
}

/** A figure goes from left to right in every language, a reason as its language does. */
function shownValue(bar: Bar, unit: Unit, language: Language): Markup {
  const room = lineCharactersMax - label(bar).length;
  const { en, ar } = valueText(bar, unit);
  if (bar.figure === null) return drawn(say(shorten(en, room), shorten(ar, room)), language);
  return html`${shorten(language === 'ar' ? ar : en, room)}`;
}

function label(bar: Bar): string {
  return bar.detail === '' ? bar.system : `${bar.system} · ${bar.detail}`;
}

function valueText(bar: Bar, unit: Unit): Said {
  if (bar.figure === null) return bar.reason;
  const figure = spread(bar.figure, unit);
  return bar.figure.count > 1
    ? say(`${figure} n=${bar.figure.count}`, `${figure} n=${bar.figure.count}`)
    : say(`${figure} one run`, `${figure} تشغيل واحد`);
}

function tickText(tick: number, unit: Unit): string {
  if (unit === 'bytes' || unit === 'count') return amount(tick, unit);
  return tick >= 10_000 ? `${Number((tick / 1000).toPrecision(4)).toLocaleString('en-US')}k` : String(tick);
}

function anchor(index: number, ticks: number): string {
  if (index === 0) return 'start';
  return index === ticks - 1 ? 'end' : 'middle';
}

function shorten(text: string, charactersMax: number): string {
  const characters = Array.from(text);
  return characters.length <= charactersMax ? text : `${characters.slice(0, Math.max(8, charactersMax - 1)).join('')}…`;
}
