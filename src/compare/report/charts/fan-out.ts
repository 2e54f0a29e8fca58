/** What one more subscription costs on the disk: bytes written per payload byte against the number of subscriptions. */

import { number } from '../figures.ts';
import { type Language, type Said, say } from '../language.ts';
import { html, type Markup } from '../markup.ts';
import { aroundMiddle, drawn, endOfLine, axesLeftToRight, fixed, lineClass, mark } from './look.ts';
import { linearScale } from './scale.ts';

export interface FanOutCurve {
  readonly system: string;
  /** Ascending by `subscriptions`. Low and high: interval over repeats, equal to the value for one run. */
  readonly points: readonly {
    readonly subscriptions: number;
    readonly value: number;
    readonly low: number;
    readonly high: number;
  }[];
}

const width = 400;
const height = 250;
const plot = { left: 40, right: width - 16, top: 14, bottom: height - 42 } as const;

const words = {
  oneCopy: say('one copy', 'نسخة واحدة'),
  axes: say('subscriptions · bytes written per payload byte', 'عدد الاشتراكات · البايتات المكتوبة لكل بايت من الحمولة'),
} as const;

/** Panels that are to be compared share `counts` and `largest`. */
export function fanOutChart(
  id: string,
  title: Said,
  curves: readonly FanOutCurve[],
  counts: readonly number[],
  largest: number,
  language: Language,
): Markup {
  const y = linearScale(largest, plot.bottom, plot.top);
  const ends = { low: Math.log2(Math.min(...counts)), high: Math.log2(Math.max(...counts)) };
  const span = Math.max(ends.high - ends.low, 1);
  const x = (subscriptions: number): number =>
    plot.left + 10 + ((plot.right - plot.left - 20) * (Math.log2(subscriptions) - ends.low)) / span;
  return html`<svg class="chart"${axesLeftToRight(language)} viewBox="${`0 0 ${width} ${height}`}" role="img" aria-labelledby="${`${id}-t ${id}-d`}">
<title id="${`${id}-t`}">${title[language]}</title>
<desc id="${`${id}-d`}">${describe(curves)[language]}</desc>
<g class="grid">${y.ticks.map((tick) => html`<path d="${`M${plot.left} ${fixed(y.at(tick))} H${plot.right}`}"/>`)}</g>
<g class="ticks">${y.ticks.map((tick) => html`<text x="${plot.left - 6}" y="${fixed(y.at(tick) + 4)}" text-anchor="end">${tick}</text>`)}${counts.map((each) => html`<text x="${fixed(x(each))}" y="${plot.bottom + 16}" text-anchor="middle">${each}</text>`)}</g>
<path class="reference" d="${`M${plot.left} ${fixed(y.at(1))} H${plot.right}`}"/><text class="reference-name" x="${plot.right}" y="${fixed(y.at(1) + 12)}"${endOfLine(language)}>${drawn(words.oneCopy, language)}</text>
<text class="axis" x="${(plot.left + plot.right) / 2}" y="${height - 6}"${aroundMiddle(language)}>${drawn(words.axes, language)}</text>
${curves.map((curve) => drawCurve(curve, x, y.at))}
</svg>`;
}

function drawCurve(curve: FanOutCurve, x: (subscriptions: number) => number, y: (value: number) => number): Markup {
  const path = curve.points
    .map((point, index) => `${index === 0 ? 'M' : 'L'}${fixed(x(point.subscriptions))} ${fixed(y(point.value))}`)
    .join(' ');
  const whiskers = curve.points
    .filter((point) => point.high > point.low)
    .map(
      (point) =>
        html`<path class="whisker" d="${`M${fixed(x(point.subscriptions))} ${fixed(y(point.low))} V${fixed(y(point.high))}`}"/>`,
    );
  return html`<g class="${lineClass(curve.system)}"><path class="line" d="${path}"><title>${curve.system}</title></path>${whiskers}${curve.points.map((point) => mark(curve.system, x(point.subscriptions), y(point.value)))}</g>`;
}

function describe(curves: readonly FanOutCurve[]): Said {
  const told = (points: FanOutCurve['points'], at: string, comma: string): string =>
    points.map(({ value, subscriptions }) => `${number(value)} ${at} ${subscriptions}`).join(comma);
  return say(
    curves.map(({ system, points }) => `${system}: ${told(points, 'with', ', ')}`).join('. '),
    curves.map(({ system, points }) => `${system}: ${told(points, 'مع', '، ')}`).join('. '),
  );
}
