/**
 * Latency against offered load: both axes logarithmic, a line for each system through the rates that it was given, and the bound that
 * a rate has to keep. A rate at which no try kept the bounds has an open mark.
 */

import { number } from '../figures.ts';
import { type Language, type Said, say } from '../language.ts';
import type { LoadCurve } from '../latency-by-load.ts';
import { html, type Markup } from '../markup.ts';
import { aroundMiddle, drawn, axesLeftToRight, fixed, lineClass, mark } from './look.ts';
import { logScale, type Scale } from './scale.ts';

const width = 400;
const height = 260;
const plot = { left: 46, right: width - 14, top: 12, bottom: height - 42 } as const;

export interface LoadScales {
  readonly x: Scale;
  readonly y: Scale;
}

/** One pair of axes for all panels that are to be compared. */
export function loadScales(curves: readonly LoadCurve[], boundMs: number): LoadScales {
  const points = curves.flatMap((curve) => curve.points);
  const rates = points.map(({ ratePerSecond }) => ratePerSecond);
  const figures = points.map(({ p99 }) => p99.median).filter((ms) => ms > 0);
  return {
    x: logScale(Math.min(...rates), Math.max(...rates), plot.left, plot.right),
    y: logScale(Math.min(...figures, boundMs), Math.max(...figures, boundMs), plot.bottom, plot.top),
  };
}

const axes = say(
  'offered messages per second · p99 in ms, both log scales',
  'الرسائل المعروضة في الثانية · p99 بوحدة ms، والمقياسان لوغاريتميان',
);

function boundWords(boundMs: number): Said {
  return say(`bound ${boundMs} ms`, `الحد ${boundMs} ms`);
}

/** `id` must be unique on the page. */
export function latencyLoadChart(
  id: string,
  title: Said,
  curves: readonly LoadCurve[],
  { x, y }: LoadScales,
  boundMs: number,
  language: Language,
): Markup {
  return html`<svg class="chart"${axesLeftToRight(language)} viewBox="${`0 0 ${width} ${height}`}" role="img" aria-labelledby="${`${id}-t ${id}-d`}">
<title id="${`${id}-t`}">${title[language]}</title>
<desc id="${`${id}-d`}">${describe(curves)[language]}</desc>
<g class="grid">${y.ticks.map((tick) => html`<path d="${`M${plot.left} ${fixed(y.at(tick))} H${plot.right}`}"/>`)}${x.ticks.map((tick) => html`<path d="${`M${fixed(x.at(tick))} ${plot.top} V${plot.bottom}`}"/>`)}</g>
<g class="ticks">${y.ticks.map((tick) => html`<text x="${plot.left - 6}" y="${fixed(y.at(tick) + 4)}" text-anchor="end">${String(tick)}</text>`)}${x.ticks.map((tick) => html`<text x="${fixed(x.at(tick))}" y="${plot.bottom + 16}" text-anchor="middle">${rateText(tick)}</text>`)}</g>
<path class="reference" d="${`M${plot.left} ${fixed(y.at(boundMs))} H${plot.right}`}"/><text class="reference-name" x="${plot.left + 4}" y="${fixed(y.at(boundMs) - 4)}"${language === 'ar' && html` text-anchor="end" direction="rtl"`}>${drawn(boundWords(boundMs), language)}</text>
<text class="axis" x="${(plot.left + plot.right) / 2}" y="${height - 6}"${aroundMiddle(language)}>${drawn(axes, language)}</text>
${curves.map((curve) => drawCurve(curve, x, y))}
</svg>`;
}

function drawCurve({ system, points }: LoadCurve, x: Scale, y: Scale): Markup {
  const path = points
    .map(
      ({ ratePerSecond, p99 }, index) =>
        `${index === 0 ? 'M' : 'L'}${fixed(x.at(ratePerSecond))} ${fixed(y.at(p99.median))}`,
    )
    .join(' ');
  const marks = points.map(({ ratePerSecond, p99, passed }) =>
    passed > 0
      ? mark(system, x.at(ratePerSecond), y.at(p99.median))
      : html`<circle class="mark open" cx="${fixed(x.at(ratePerSecond))}" cy="${fixed(y.at(p99.median))}" r="4"/>`,
  );
  return html`<g class="${lineClass(system)}"><path class="line" d="${path}"><title>${system}</title></path>${marks}</g>`;
}

function describe(curves: readonly LoadCurve[]): Said {
  const english = ({ ratePerSecond, p99, passed }: LoadCurve['points'][number]): string =>
    `${number(p99.median)} ms at ${number(ratePerSecond)}/s${passed > 0 ? '' : ' (not sustained)'}`;
  const arabic = ({ ratePerSecond, p99, passed }: LoadCurve['points'][number]): string =>
    `${number(p99.median)} ms عند ${number(ratePerSecond)} في الثانية${passed > 0 ? '' : ' (غير مستدام)'}`;
  return say(
    curves.map(({ system, points }) => `${system}: ${points.map(english).join(', ')}`).join('. '),
    curves.map(({ system, points }) => `${system}: ${points.map(arabic).join('، ')}`).join('. '),
  );
}

function rateText(rate: number): string {
  return rate >= 1_000 ? `${Number((rate / 1_000).toPrecision(3))}k` : String(rate);
}
