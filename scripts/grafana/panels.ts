/** What a dashboard is made of: queries, panels, rows; and how they become the JSON that Grafana loads. */

import type { liveMetricCatalogue } from '../../src/compare/run/live-metrics.ts';
import type { metricCatalogue, MetricName, processMetrics } from '../../src/gateway/metrics.ts';

export interface Query {
  readonly expr: string;
  /** As Grafana writes a series: `{{topic}}`. */
  readonly legend: string;
}

export interface Panel {
  readonly title: string;
  /** What it shows and what is bad, in a sentence. */
  readonly description: string;
  /** Grafana's id of a unit. */
  readonly unit: 'short' | 'ops' | 'Bps' | 'bytes' | 's' | 'percentunit' | 'cps' | 'bool_on_off';
  readonly kind?: 'timeseries' | 'stat';
  /** Red from here on; below with `worseIsLess`. */
  readonly redFrom?: number;
  readonly worseIsLess?: boolean;
  /** In units of 24 for a row; without it the panels of a row share it. */
  readonly width?: number;
  readonly queries: readonly Query[];
  /** Why it may be empty on a gateway that works: told in the description, and to the test that asks every query. */
  readonly emptyWhen?: string;
}

export interface Row {
  readonly title: string;
  readonly panels: readonly Panel[];
}

export interface Variable {
  readonly name: string;
  readonly label: string;
  /** Its values are those of this label. */
  readonly metric: MetricName | keyof typeof liveMetricCatalogue;
  readonly of: string;
}

export interface Dashboard {
  /** Name of the file and stable id. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  readonly variables: readonly Variable[];
  readonly rows: readonly Row[];
  /** Lines across every panel; by default where a gateway started. */
  readonly annotation?: Annotation;
}

export interface Annotation {
  readonly name: string;
  readonly expr: string;
  readonly titleFormat: string;
  readonly textFormat: string;
}

type Known = keyof typeof metricCatalogue | keyof typeof processMetrics | keyof typeof liveMetricCatalogue;

/** A metric of the catalogue with matchers; the ones of the dashboard's variables come first. */
export function series(name: Known, matchers = '', scope = everyGateway): string {
  return `${name}{${[scope, matchers].filter((part) => part !== '').join(',')}}`;
}

export const everyGateway = 'backend=~"$backend",instance=~"$instance"';

export function rateOf(name: Known, matchers = '', scope = everyGateway): string {
  return `rate(${series(name, matchers, scope)}[$__rate_interval])`;
}

/** A histogram's quantile. Without anything in the window it is NaN, which a comparison leaves out. */
export function quantileOf(quantile: number, name: Known, by = '', scope = everyGateway): string {
  const buckets = `rate(${name}_bucket{${scope}}[$__rate_interval])`;
  return `histogram_quantile(${quantile}, sum by (${['le', by].filter((part) => part !== '').join(', ')}) (${buckets})) >= 0`;
}

export const gatewayVariables: readonly Variable[] = [
  { name: 'backend', label: 'Backend', metric: 'sluice_build_info', of: 'backend' },
  { name: 'instance', label: 'Gateway', metric: 'sluice_build_info', of: 'instance' },
];

const GRID_COLUMNS = 24;
const PANEL_HEIGHT = 8;
const STAT_HEIGHT = 4;
/** Those of the version whose schema the JSON follows (Grafana 10 and later migrate it by themselves). */
const SCHEMA_VERSION = 39;

const datasource = { type: 'prometheus', uid: '${DS_PROMETHEUS}' } as const;

/** The whole model, ready to be provisioned or imported. */
export function dashboardJson({ uid, title, description, variables, rows, annotation = restarts }: Dashboard) {
  return {
    uid: `sluice-${uid}`,
    title: `Sluice / ${title}`,
    description,
    tags: ['sluice'],
    editable: false,
    graphTooltip: 1,
    schemaVersion: SCHEMA_VERSION,
    version: 1,
    refresh: '10s',
    time: { from: 'now-30m', to: 'now' },
    timezone: '',
    annotations: { list: [{ datasource, enable: true, iconColor: 'blue', ...annotation }] },
    links: [
      {
        type: 'dashboards',
        tags: ['sluice'],
        title: 'Sluice',
        icon: 'external link',
        tooltip: '',
        asDropdown: true,
        includeVars: true,
        keepTime: true,
        targetBlank: false,
      },
    ],
    templating: { list: [datasourceVariable, ...variables.map(variableJson)] },
    panels: panelsOf(rows),
  };
}

const datasourceVariable = {
  name: 'DS_PROMETHEUS',
  label: 'Data source',
  type: 'datasource',
  query: 'prometheus',
  refresh: 1,
  hide: 0,
  multi: false,
  includeAll: false,
} as const;

/** A line in every panel where a gateway started. */
const restarts: Annotation = {
  name: 'Starts of gateways',
  expr: 'changes(process_start_time_seconds{backend=~".+"}[1m]) > 0',
  titleFormat: 'gateway started',
  textFormat: '{{instance}}',
};

function variableJson({ name, label, metric, of }: Variable) {
  const query = `label_values(${metric}, ${of})`;
  return {
    name,
    label,
    type: 'query',
    datasource,
    definition: query,
    query: { query, refId: name },
    refresh: 2,
    sort: 1,
    multi: true,
    includeAll: true,
    allValue: '.*',
    current: { selected: true, text: ['All'], value: ['$__all'] },
    hide: 0,
  };
}

function panelsOf(rows: readonly Row[]) {
  const out: object[] = [];
  let y = 0;
  let id = 0;
  for (const { title, panels } of rows) {
    id += 1;
    out.push({ id, type: 'row', title, collapsed: false, gridPos: { h: 1, w: GRID_COLUMNS, x: 0, y }, panels: [] });
    y += 1;
    let x = 0;
    let height = 0;
    for (const panel of panels) {
      const w = panel.width ?? Math.floor(GRID_COLUMNS / panels.length);
      const h = panel.kind === 'stat' ? STAT_HEIGHT : PANEL_HEIGHT;
      if (x + w > GRID_COLUMNS) {
        x = 0;
        y += height;
        height = 0;
      }
      id += 1;
      out.push(panelJson(panel, id, { h, w, x, y }));
      x += w;
      height = Math.max(height, h);
    }
    y += height;
  }
  return out;
}

function panelJson(panel: Panel, id: number, gridPos: object) {
  const { title, kind = 'timeseries', unit, queries, emptyWhen } = panel;
  return {
    id,
    type: kind,
    title,
    description: emptyWhen === undefined ? panel.description : `${panel.description} Empty when ${emptyWhen}.`,
    datasource,
    gridPos,
    targets: queries.map(({ expr, legend }, index) => ({
      refId: String.fromCodePoint('A'.codePointAt(0)! + index),
      datasource,
      expr,
      legendFormat: legend,
      range: true,
      instant: false,
    })),
    fieldConfig: {
      defaults: {
        unit,
        min: 0,
        color: { mode: kind === 'stat' ? 'thresholds' : 'palette-classic' },
        thresholds: { mode: 'absolute', steps: stepsOf(panel) },
        ...(kind === 'timeseries' && {
          custom: {
            drawStyle: 'line',
            fillOpacity: 10,
            showPoints: 'never',
            spanNulls: false,
            thresholdsStyle: { mode: panel.redFrom === undefined ? 'off' : 'dashed' },
          },
        }),
      },
      overrides: [],
    },
    options:
      kind === 'stat'
        ? {
            colorMode: 'background',
            graphMode: 'none',
            textMode: 'auto',
            reduceOptions: { calcs: ['lastNotNull'], fields: '', values: false },
          }
        : {
            legend: { displayMode: 'list', placement: 'bottom', showLegend: true },
            tooltip: { mode: 'multi', sort: 'desc' },
          },
  };
}

function stepsOf({ redFrom, worseIsLess = false }: Panel) {
  if (redFrom === undefined) return [{ color: 'green', value: null }];
  return worseIsLess
    ? [
        { color: 'red', value: null },
        { color: 'green', value: redFrom },
      ]
    : [
        { color: 'green', value: null },
        { color: 'red', value: redFrom },
      ];
}
