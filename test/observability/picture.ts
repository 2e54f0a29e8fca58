/**
 * Draws a dashboard from what Prometheus answered, so that a person can look at it: an HTML page of ours with one SVG a panel, and Chromium, where there is
 * one, to make a PNG of it. Grafana draws better; this shows whether there is something to draw.
 */

import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { asGrafanaSends } from './ask-everything.ts';
import type { Prometheus, Sample } from './prometheus-tools.ts';
import { type CommittedDashboard, committedDashboards, type CommittedPanel } from './queries.ts';

const COLUMN_PX = 66;
const LINE_PX = 30;
const GRID_COLUMNS = 24;
const colours = ['#3274d9', '#56a64b', '#e0752d', '#8f3bb8', '#c4162a', '#0a8080', '#b8860b', '#555555'];

/** Writes `NAME.html` of every dashboard into the directory, and `NAME.png` where Chromium is installed. */
export async function drawDashboards(
  prometheus: Prometheus,
  directory: string,
  fromMs: number,
  toMs: number,
): Promise<void> {
  mkdirSync(directory, { recursive: true });
  for (const dashboard of committedDashboards()) {
    const boxes: string[] = [];
    for (const panel of dashboard.panels) boxes.push(await box(prometheus, panel, fromMs, toMs));
    const html = join(directory, `${dashboard.uid}.html`);
    writeFileSync(html, page(dashboard, boxes));
    await screenshot(html, join(directory, `${dashboard.uid}.png`), heightOf(dashboard));
  }
}

async function box(prometheus: Prometheus, panel: CommittedPanel, fromMs: number, toMs: number): Promise<string> {
  const { x, y, w, h } = panel.gridPos;
  const place = `left:${x * COLUMN_PX}px;top:${y * LINE_PX}px;width:${w * COLUMN_PX - 8}px;height:${h * LINE_PX - 8}px`;
  if (panel.type === 'row') return `<h2 style="${place}">${escaped(panel.title)}</h2>`;
  const lines: { readonly name: string; readonly sample: Sample }[] = [];
  for (const { expr, legendFormat } of panel.targets ?? []) {
    const samples = await prometheus.range(asGrafanaSends(expr), fromMs, toMs);
    for (const sample of samples) lines.push({ name: named(legendFormat, sample), sample });
  }
  const inside =
    lines.length === 0
      ? '<p class="none">No data</p>'
      : panel.type === 'stat'
        ? `<p class="stat">${lines.map(({ sample }) => short(Number(sample.values.at(-1)?.[1]))).join(' · ')}</p>`
        : chart(lines, { width: w * COLUMN_PX - 60, height: h * LINE_PX - 90, fromMs, toMs });
  return `<section style="${place}"><h3>${escaped(panel.title)}</h3>${inside}</section>`;
}

function chart(
  lines: readonly { readonly name: string; readonly sample: Sample }[],
  { width, height, fromMs, toMs }: { width: number; height: number; fromMs: number; toMs: number },
): string {
  const highest = Math.max(...lines.flatMap(({ sample }) => sample.values.map(([, value]) => Number(value)))) || 1;
  const drawn = lines.map(({ sample }, index) => {
    const points = sample.values.map(([seconds, value]) => {
      const x = ((seconds * 1_000 - fromMs) / (toMs - fromMs)) * width;
      return `${x.toFixed(1)},${(height - (Number(value) / highest) * height).toFixed(1)}`;
    });
    return `<polyline fill="none" stroke-width="1.5" stroke="${colourOf(index)}" points="${points.join(' ')}"/>`;
  });
  const legend = lines.map(
    ({ name }, index) => `<span style="color:${colourOf(index)}">&#9632; ${escaped(name)}</span>`,
  );
  return `<div><b>${short(highest)}</b><svg width="${width}" height="${height}">${drawn.join('')}</svg></div><p>${legend.join(' ')}</p>`;
}

function page({ title }: CommittedDashboard, boxes: readonly string[]): string {
  return `<!doctype html><meta charset="utf-8"><title>${escaped(title)}</title><style>
body{font:12px sans-serif;margin:8px;position:relative;background:#f4f5f5}
section{position:absolute;background:#fff;border:1px solid #ddd;overflow:hidden;padding:0 4px}
h2{position:absolute;margin:6px 0;font-size:14px}h3{margin:4px 0;font-size:12px}p{margin:2px 0;font-size:10px}
div{display:flex}b{width:44px;font-weight:normal;font-size:10px}svg{border-left:1px solid #999;border-bottom:1px solid #999}
.stat{font-size:30px}.none{color:#999;font-size:14px}</style>${boxes.join('\n')}`;
}

async function screenshot(html: string, png: string, height: number): Promise<void> {
  const size = `--window-size=${GRID_COLUMNS * COLUMN_PX + 20},${height}`;
  const args = ['--headless', '--no-sandbox', '--disable-gpu', `--screenshot=${png}`, size, pathToFileURL(html).href];
  await new Promise<void>((resolve) => {
    execFile('chromium', args, { timeout: 60_000 }, () => resolve()); // without Chromium there is the page
  });
}

function heightOf({ panels }: CommittedDashboard): number {
  return Math.max(...panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * LINE_PX + 40;
}

function named(legend: string, { metric }: Sample): string {
  return legend.replaceAll(/\{\{(\w+)\}\}/g, (_, label: string) => metric[label] ?? '');
}

function colourOf(index: number): string {
  return colours[index % colours.length] as string;
}

function short(value: number): string {
  return Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 }).format(value);
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}
