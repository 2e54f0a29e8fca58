/**
 * The latency of every percentile, with an axis that gives each further nine the same room: the tail is where systems differ.
 * Curves are of histograms merged over the valid repeats, and end where fewer than ten samples lie above.
 */

import { number } from '../figures.ts';
import { countedArabic, type Language, nouns, type Said, say } from '../language.ts';
import { html, type Markup } from '../markup.ts';
import type { WorkloadRow } from '../model.ts';
import { linePath } from './line.ts';
import { aroundMiddle, drawn, axesLeftToRight, fixed, lineClass, mark } from './look.ts';
import { logScale, nines, type Scale } from './scale.ts';

export interface LatencyCurve {
  readonly system: string;
  readonly samples: number;
  /** Ascending; `nines` of the percentile and its milliseconds. */
  readonly points: readonly { readonly nines: number; readonly ms: number }[];
}

const width = 400;
const height = 260;
const plot = { left: 46, right: width - 24, top: 12, bottom: height - 42 } as const;
const markedFractions = [0.5, 0.9, 0.99, 0.999] as const;
const tickFractions = [
  [0.5, 'p50'],
  [0.9, 'p90'],
  [0.99, 'p99'],
  [0.999, 'p99.9'],
  [0.9999, 'p99.99'],
  [0.99999, 'p99.999'],
] as const;
/** Two points nearer than this on the axis of nines look like one. */
const stepNines = 0.015;

/** null without a sample. */
export function latencyCurve(
  system: string,
  rows: readonly WorkloadRow[],
  kind: 'publish' | 'endToEnd',
): LatencyCurve | null {
  const merged = new Map<number, number>();
  for (const row of rows.filter((each) => each.valid)) {
    row.histograms[kind].upperMs.forEach((upper, index) =>
      merged.set(upper, (merged.get(upper) ?? 0) + (row.histograms[kind].counts[index] ?? 0)),
    );
  }
  const buckets = [...merged.entries()].filter(([, samples]) => samples > 0).sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, samples]) => sum + samples, 0);
  const first = buckets[0];
  if (first === undefined) return null;
  const points: { nines: number; ms: number }[] = [{ nines: 0, ms: first[0] }];
  let passed = 0;
  for (const [ms, samples] of buckets) {
    passed += samples;
    if (total - passed < 10) break;
    const at = nines(passed / total);
    const previous = points.at(-1)?.nines ?? 0;
    if (at - previous >= stepNines) points.push({ nines: at, ms });
  }
  return { system, samples: total, points };
}

export interface SpectrumScales {
  readonly x: (nines: number) => number;
  readonly xMax: number;
  readonly y: Scale;
}

/** One pair of axes for all panels of a figure, so that they can be compared by eye. */
export function spectrumScales(curves: readonly LatencyCurve[]): SpectrumScales {
  const all = curves.flatMap((curve) => curve.points);
  const positive = all.map((point) => point.ms).filter((ms) => ms > 0);
  const xMax = Math.max(2, ...all.map((point) => point.nines)) * 1.03;
  return {
    x: (at) => plot.left + ((plot.right - plot.left) * at) / xMax,
    xMax,
    y: logScale(Math.min(...positive, 1), Math.max(...positive, 1), plot.bottom, plot.top),
  };
}

const axes = say(
  'percentile (each nine the same width) · ms, log scale',
  'المئين (لكل تسعة العرض نفسه) · ms بمقياس لوغاريتمي',
);

/** `id` must be unique on the page. */
export function latencySpectrum(
  id: string,
  title: Said,
  curves: readonly LatencyCurve[],
  scales: SpectrumScales,
  language: Language,
): Markup {
  const { x, y } = scales;
  const ticks = tickFractions.filter(([fraction]) => nines(fraction) <= scales.xMax);
  return html`<svg class="chart"${axesLeftToRight(language)} viewBox="${`0 0 ${width} ${height}`}" role="img" aria-labelledby="${`${id}-t ${id}-d`}">
<title id="${`${id}-t`}">${title[language]}</title>
<desc id="${`${id}-d`}">${describe(curves)[language]}</desc>
<g class="grid">${y.ticks.map((tick) => html`<path d="${`M${plot.left} ${fixed(y.at(tick))} H${plot.right}`}"/>`)}${ticks.map(([fraction]) => html`<path d="${`M${fixed(x(nines(fraction)))} ${plot.top} V${plot.bottom}`}"/>`)}</g>
<g class="ticks">${y.ticks.map((tick) => html`<text x="${plot.left - 6}" y="${fixed(y.at(tick) + 4)}" text-anchor="end">${String(tick)}</text>`)}${ticks.map(([fraction, name]) => html`<text x="${fixed(x(nines(fraction)))}" y="${plot.bottom + 16}" text-anchor="middle">${name}</text>`)}</g>
<text class="axis" x="${(plot.left + plot.right) / 2}" y="${height - 6}"${aroundMiddle(language)}>${drawn(axes, language)}</text>
${curves.map((curve) => drawCurve(curve, scales))}
</svg>`;
}

function drawCurve(curve: LatencyCurve, { x, y }: SpectrumScales): Markup {
  const path = linePath(curve.points.map((point) => ({ x: x(point.nines), y: y.at(point.ms) })));
  const marked = markedFractions.flatMap(
    (fraction) => curve.points.find((point) => point.nines >= nines(fraction) - 1e-9) ?? [],
  );
  return html`<g class="${lineClass(curve.system)}"><path class="line" d="${path}"><title>${curve.system}</title></path>${marked.map((point) => mark(curve.system, x(point.nines), y.at(point.ms)))}</g>`;
}

function describe(curves: readonly LatencyCurve[]): Said {
  const told = (curve: LatencyCurve, language: Language): string => {
    const at = (fraction: number): string => {
      const point = curve.points.find((each) => each.nines >= nines(fraction) - 1e-9);
      return point === undefined ? tooFew[language] : `${number(point.ms)} ms`;
    };
    const figures = [`p50 ${at(0.5)}`, `p99 ${at(0.99)}`, `p99.9 ${at(0.999)}`];
    return language === 'en'
      ? `${curve.system}: ${figures.join(', ')}, ${curve.samples} samples`
      : `${curve.system}: ${figures.join('، ')}، ${countedArabic(curve.samples, nouns.sample)}`;
  };
  return say(curves.map((curve) => told(curve, 'en')).join('. '), curves.map((curve) => told(curve, 'ar')).join('. '));
}

const tooFew = say('too few samples', 'عينات قليلة جدًا');
