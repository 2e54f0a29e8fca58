/** The queries of the committed dashboards and alerts, and a look at their words: does the catalogue have each metric and each label? */

import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { parse } from 'yaml';
import { liveMetricCatalogue } from '../../src/compare/run/live-metrics.ts';
import { commonLabels, metricCatalogue, type MetricRow, processMetrics } from '../../src/gateway/metrics.ts';
import { dashboards } from '../../scripts/grafana/dashboards.ts';

export const root = resolve(import.meta.dirname, '../..');

export interface CommittedPanel {
  readonly id: number;
  readonly type: string;
  readonly title: string;
  readonly description?: string;
  readonly gridPos: { readonly x: number; readonly y: number; readonly w: number; readonly h: number };
  readonly targets?: readonly { readonly refId: string; readonly expr: string; readonly legendFormat: string }[];
}

export interface CommittedDashboard {
  readonly uid: string;
  readonly title: string;
  readonly schemaVersion: number;
  readonly editable: boolean;
  readonly panels: readonly CommittedPanel[];
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
  readonly templating: {
    readonly list: readonly { readonly name: string; readonly type: string; readonly query: unknown }[];
  };
}

export function committedDashboards(): CommittedDashboard[] {
  const folder = join(root, 'grafana/dashboards');
  return readdirSync(folder).map((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as CommittedDashboard);
}

export interface CommittedRule {
  readonly alert?: string;
  readonly record?: string;
  readonly expr: string;
  readonly annotations?: { readonly summary: string; readonly runbook_url: string };
}

export function committedRules(): CommittedRule[] {
  const text = readFileSync(join(root, 'grafana/alerts/sluice.yaml'), 'utf8');
  return (parse(text) as { groups: { rules: CommittedRule[] }[] }).groups.flatMap(({ rules }) => rules);
}

export interface PanelQuery {
  readonly where: string;
  readonly expr: string;
  readonly emptyWhen: string | undefined;
}

/** Every query that a person sees, with the reason for which it may be empty. */
export function panelQueries(): PanelQuery[] {
  return committedDashboards().flatMap(({ uid, title, panels }) => {
    const source = dashboards.find((dashboard) => `sluice-${dashboard.uid}` === uid);
    const reasons = new Map(source?.rows.flatMap((row) => row.panels.map((panel) => [panel.title, panel.emptyWhen])));
    return panels.flatMap(({ title: panel, targets = [] }) =>
      targets.map(({ refId, expr }) => ({
        where: `${title}, ${panel}, ${refId}`,
        expr,
        emptyWhen: reasons.get(panel),
      })),
    );
  });
}

const rows: Readonly<Record<string, MetricRow>> = { ...metricCatalogue, ...processMetrics, ...liveMetricCatalogue };
const keywords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'by', 'without', 'on', 'ignoring']);

/** What is wrong with the names in a query; empty when nothing is. Its grammar is for Prometheus to judge. */
export function nameProblems(expr: string, recorded: ReadonlySet<string> = new Set()): string[] {
  const problems: string[] = [];
  const known = new Set<string>();
  const bare = expr.replaceAll(/"(?:[^"\\]|\\.)*"/g, '""');
  for (const [, name = '', matchers = ''] of metricsIn(bare)) {
    const labels = labelsOf(name, recorded);
    if (labels === undefined) {
      problems.push(`${name} is not in the catalogue`);
      continue;
    }
    for (const label of labels) known.add(label);
    for (const [, label = ''] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g))
      if (!labels.has(label)) problems.push(`${name} has no label ${label}`);
  }
  for (const [, , list = ''] of bare.matchAll(/\b(by|without|on|ignoring)\s*\(([^)]*)\)/g))
    for (const label of list.split(',').map((word) => word.trim()))
      if (!known.has(label)) problems.push(`no metric of the query has the label ${label}`);
  for (const [, call = '', name = ''] of bare.matchAll(/\b(rate|irate|increase|deriv|delta|predict_linear)\((\w+)/g)) {
    const isCounted = isCounter(name);
    if ((call === 'deriv' || call === 'delta' || call === 'predict_linear') === isCounted)
      problems.push(`${call}() of ${name}, which is ${isCounted ? '' : 'not '}a counter`);
  }
  return problems;
}

function metricsIn(bare: string): RegExpMatchArray[] {
  const text = bare
    .replaceAll(/\b(by|without|on|ignoring)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\[[^\]]*\]/g, ' ')
    .replaceAll(/(?<![\w:])\d[\w.]*/g, ' ');
  return [...text.matchAll(/([a-zA-Z_:][\w:]*)(?![\w:]*\s*\()(?:\{([^}]*)\})?/g)].filter(
    ([, name = '']) => !keywords.has(name),
  );
}

function labelsOf(name: string, recorded: ReadonlySet<string>): Set<string> | undefined {
  const ofScrape = ['instance', 'job'];
  if (name === 'up') return new Set(ofScrape);
  if (recorded.has(name)) return new Set(commonLabels);
  const row = rows[name];
  if (row !== undefined && row.type !== 'histogram') return new Set([...row.labels, ...commonLabels, ...ofScrape]);
  const [, base = '', part] = /^(\w+)_(bucket|sum|count)$/.exec(name) ?? [];
  const histogram = rows[base];
  if (histogram?.type !== 'histogram') return undefined;
  return new Set([...histogram.labels, ...commonLabels, ...ofScrape, ...(part === 'bucket' ? ['le'] : [])]);
}

function isCounter(name: string): boolean {
  return rows[name]?.type === 'counter' || rows[name.replace(/_(bucket|sum|count)$/, '')]?.type === 'histogram';
}
