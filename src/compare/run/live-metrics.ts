/**
 * A run, watched while it goes on: `--metrics-port` serves these for Prometheus, and grafana/dashboards/sluice-comparison.json shows them. They are
 * read from the books of the run at the ends of its intervals; the figures of the report come from elsewhere, and are the ones to cite.
 */

import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { Counter, Gauge, Registry } from 'prom-client';
import type { SeriesPoint, WorkloadRow } from '../report/model.ts';
import type { RunState } from './compare-options.ts';

const cellLabels = ['workload', 'mode', 'system', 'layer'] as const;

interface LiveMetric {
  readonly type: 'counter' | 'gauge';
  readonly help: string;
  /** Bounded by the plan of the run. */
  readonly labels: readonly string[];
}

export const liveMetricCatalogue = {
  sluice_compare_rows: {
    type: 'gauge',
    help: 'Rows of scenarios and cells of workloads that are done, and that are left.',
    labels: ['state'],
  },
  sluice_compare_left_seconds: { type: 'gauge', help: 'About how long the rest takes.', labels: [] },
  sluice_compare_running: {
    type: 'gauge',
    help: '1 for the cell that is measured now; a cell begins where it changes.',
    labels: [...cellLabels, 'repeat'],
  },
  sluice_compare_published_messages_total: {
    type: 'counter',
    help: 'Acknowledged publishes of the load.',
    labels: cellLabels,
  },
  sluice_compare_received_messages_total: {
    type: 'counter',
    help: 'First receptions of the load.',
    labels: cellLabels,
  },
  sluice_compare_backlog_messages: {
    type: 'gauge',
    help: 'Acknowledged and still to come, at the end of the last interval.',
    labels: cellLabels,
  },
  sluice_compare_end_to_end_seconds: {
    type: 'gauge',
    help: 'Latency from the intended time of sending, in the last interval in which something came.',
    labels: [...cellLabels, 'quantile'],
  },
  sluice_compare_cells_total: {
    type: 'counter',
    help: 'Measured cells: valid ones, and invalid ones, whose figures are not printed.',
    labels: ['result'],
  },
} as const satisfies Readonly<Record<string, LiveMetric>>;

type Name = keyof typeof liveMetricCatalogue;

export interface LiveCell {
  readonly workload: string;
  readonly mode: string;
  readonly system: string;
  readonly layer: string;
}

/** Told by the run; nothing of it waits for a scrape. */
export class LiveMetrics {
  readonly #registry = new Registry();
  readonly #gauges = new Map<string, Gauge>();
  readonly #counters = new Map<string, Counter>();
  #server: Server | undefined;

  constructor() {
    for (const [name, { type, help, labels }] of Object.entries(liveMetricCatalogue)) {
      const options = { name, help, labelNames: labels, registers: [this.#registry] };
      if (type === 'gauge') this.#gauges.set(name, new Gauge(options));
      else this.#counters.set(name, new Counter(options));
    }
  }

  /** Serves them on 127.0.0.1; 0 is a free port. Resolves with the address. Rejects when the port is taken. */
  async listen(port: number): Promise<string> {
    this.#server = createServer((request, response) => {
      if (request.url !== '/metrics' || request.method !== 'GET') {
        response.writeHead(404).end();
        return;
      }
      void this.#registry.metrics().then((text) => {
        response.writeHead(200, { 'content-type': this.#registry.contentType }).end(text);
      });
    });
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/metrics`;
  }

  close(): void {
    this.#server?.close();
    this.#server?.closeAllConnections();
  }

  state({ done, total, leftMs }: RunState): void {
    const rows = this.#gauge('sluice_compare_rows');
    rows.set({ state: 'done' }, done);
    rows.set({ state: 'left' }, Math.max(0, total - done));
    this.#gauge('sluice_compare_left_seconds').set(Math.max(0, leftMs / 1_000));
  }

  cellBegins(cell: LiveCell, repeat: number): void {
    const running = this.#gauge('sluice_compare_running');
    running.reset();
    running.set({ ...cell, repeat: String(repeat) }, 1);
  }

  cellEnds(cell: LiveCell, row: WorkloadRow | null): void {
    this.#gauge('sluice_compare_running').reset();
    this.#gauge('sluice_compare_backlog_messages').remove({ ...cell });
    for (const quantile of ['0.5', '0.99'])
      this.#gauge('sluice_compare_end_to_end_seconds').remove({ ...cell, quantile });
    if (row !== null) this.#counter('sluice_compare_cells_total').inc({ result: row.valid ? 'valid' : 'invalid' });
  }

  sample(cell: LiveCell, { published, received, backlog, endToEndP50Ms, endToEndP99Ms }: SeriesPoint): void {
    const labels = { ...cell };
    this.#counter('sluice_compare_published_messages_total').inc(labels, published);
    this.#counter('sluice_compare_received_messages_total').inc(labels, received);
    this.#gauge('sluice_compare_backlog_messages').set(labels, backlog);
    const latency = this.#gauge('sluice_compare_end_to_end_seconds');
    if (endToEndP50Ms !== null) latency.set({ ...labels, quantile: '0.5' }, endToEndP50Ms / 1_000);
    if (endToEndP99Ms !== null) latency.set({ ...labels, quantile: '0.99' }, endToEndP99Ms / 1_000);
  }

  #gauge(name: Name): Gauge {
    const gauge = this.#gauges.get(name);
    if (gauge === undefined) throw new Error(`${name} is no gauge`);
    return gauge;
  }

  #counter(name: Name): Counter {
    const counter = this.#counters.get(name);
    if (counter === undefined) throw new Error(`${name} is no counter`);
    return counter;
  }
}

/** A chapter of docs/METRICS.md. */
export function liveMetricsChapter(): string {
  const rows = Object.entries(liveMetricCatalogue).map(
    ([name, { type, help, labels }]) =>
      `| \`${name}\` | ${type} | ${labels.length === 0 ? '' : labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return `## A comparison, while it runs

\`sluice compare --metrics-port 9464\` serves these on 127.0.0.1 as long as the run lasts; the dashboard "Comparison run" shows them, with a line where each cell begins. They are
for watching: a scrape sees what happened between two of its own moments, and the report has the figures.

| metric | type | labels | |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}
