/** Asks a Prometheus every query of every panel and alert, as Grafana would. */

import type { Prometheus, Sample } from './prometheus-tools.ts';
import { committedRules, panelQueries } from './queries.ts';

export interface Asked {
  readonly where: string;
  readonly emptyWhen: string | undefined;
  readonly samples: readonly Sample[];
}

/** Grafana makes it four scrapes, of a second here; a second more for a machine that is busy. */
const RATE_INTERVAL = '5s';

/** @throws Error when Prometheus refuses a query. */
export async function askPanels(prometheus: Prometheus, fromMs: number, toMs: number): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const { where, expr, emptyWhen } of panelQueries())
    asked.push({ where, emptyWhen, samples: await prometheus.range(asGrafanaSends(expr), fromMs, toMs) });
  return asked;
}

/** Those of alerts are empty while all is well: they must be valid, and what they do give finite. */
export async function askRules(prometheus: Prometheus, fromMs: number, toMs: number): Promise<Asked[]> {
  const asked: Asked[] = [];
  for (const { alert, record, expr } of committedRules()) {
    const samples = await prometheus.range(expr, fromMs, toMs);
    asked.push({ where: alert ?? record ?? '', emptyWhen: alert === undefined ? undefined : 'all is well', samples });
  }
  return asked;
}

export function asGrafanaSends(expr: string): string {
  return expr
    .replaceAll('$__rate_interval', RATE_INTERVAL)
    .replaceAll(/\$(backend|instance|topic|subscription)\b/g, '.*');
}

/** Where NaN or an infinity was answered. */
export function notFinite(asked: readonly Asked[]): string[] {
  return asked.flatMap(({ where, samples }) =>
    samples
      .filter(({ values }) => values.some(([, value]) => !Number.isFinite(Number(value))))
      .map(({ metric }) => `${where}: ${JSON.stringify(metric)}`),
  );
}

export function emptyOnes(asked: readonly Asked[]): Asked[] {
  return asked.filter(({ samples }) => samples.every(({ values }) => values.length === 0));
}
