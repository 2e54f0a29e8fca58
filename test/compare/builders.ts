/** Rows of a report as tests need them: complete, with the parts that matter given. */

import {
  type CellSummary,
  type Report,
  reportSpecVersion,
  type ScenarioRow,
  type SystemRow,
  type WorkloadRow,
} from '../../src/compare/report/model.ts';
import { summarize } from '../../src/compare/conclusions/summaries.ts';

const noLatency = { p50: 1, p90: 2, p95: 2, p99: 3, p999: 4, max: 5, mean: 1, count: 100, negative: 0 };

export function workloadRow(given: Partial<WorkloadRow> = {}): WorkloadRow {
  return {
    id: 'throughput-1k',
    title: 'Throughput',
    system: 'kafka',
    layer: 'port',
    durability: { persistence: 'os', copies: 1 },
    mode: 'own-maximum',
    settings: 'stock',
    parameters: {
      messageBytes: 1024,
      ratePerSecond: null,
      partitions: 4,
      subscriptions: 1,
      consumersPerSubscription: 1,
      keys: 10,
      keyDistribution: 'uniform',
      arrival: 'closed-window',
      messages: 1000,
      warmupMs: 0,
      measuredMs: 1000,
      publishWindow: 100,
      credit: 100,
      ackBatch: 10,
    },
    planHash: 'hash',
    repeat: 0,
    startedAt: '2026-01-01T00:00:00.000Z',
    valid: true,
    limitedBy: 'client',
    utilization: { brokerCores: 0.5, clientCores: 1, eventLoop: 0.95 },
    checks: {
      sent: 1000,
      acked: 1000,
      unknown: 0,
      refused: 0,
      received: 1000,
      lost: 0,
      duplicated: 0,
      reordered: 0,
      phantom: 0,
      offenders: [],
    },
    publish: { messagesPerSecond: 1000, megabytesPerSecond: 1.024 },
    consume: { messagesPerSecond: 1000, megabytesPerSecond: 1.024 },
    latencyMs: { publish: noLatency, endToEnd: noLatency },
    slipMs: { p50: 0, p99: 0, max: 0 },
    cost: {
      brokerCpuSecondsPerMillion: 10,
      clientCpuSecondsPerMillion: 20,
      bytesWrittenPerPayloadByte: 1.1,
      peakRssBytes: 1e8,
    },
    histograms: { publish: { upperMs: [], counts: [] }, endToEnd: { upperMs: [], counts: [] } },
    series: [],
    notes: [],
    ...given,
  };
}

/** Rows of one cell, one for each rate. */
export function repeated(rates: readonly number[], given: Partial<WorkloadRow>): readonly WorkloadRow[] {
  return rates.map((messagesPerSecond, repeat) =>
    workloadRow({ ...given, repeat, publish: { messagesPerSecond, megabytesPerSecond: messagesPerSecond / 1000 } }),
  );
}

export function scenarioRow(given: Partial<ScenarioRow>): ScenarioRow {
  return {
    id: 'fan-out',
    title: 'Fan-out',
    question: '?',
    system: 'kafka',
    layer: 'port',
    verdict: 'PASS',
    surprise: false,
    surpriseExplained: null,
    expected: { verdict: 'PASS', why: 'so', versions: '*', source: 'docs' },
    summary: 'all came',
    observed: {},
    evidence: [],
    durationMs: 1,
    ...given,
  };
}

export function systemRow(id: string, given: Partial<SystemRow> = {}): SystemRow {
  return {
    id,
    product: id.startsWith('rabbitmq') ? 'RabbitMQ' : 'Apache Kafka',
    version: '4.3.1',
    source: 'process',
    nodes: 1,
    startMs: 2000,
    configuration: {},
    capabilities: {},
    notes: [],
    ...given,
  };
}

export function cellOf(cells: readonly CellSummary[], system: string): CellSummary {
  const found = cells.find((cell) => cell.system === system);
  if (found === undefined) throw new Error(`no cell of ${system}`);
  return found;
}

/** A whole report around the rows given; its systems and summaries follow from them. */
export function reportOf(given: Partial<Report>): Report {
  const workloads = given.workloads ?? [];
  const names = new Set([...workloads, ...(given.scenarios ?? [])].map(({ system }) => system));
  return {
    specVersion: reportSpecVersion,
    run: {
      id: 'run',
      seed: 1,
      profile: 'standard',
      planHash: 'plan',
      startedAt: '2026-01-01T00:00:00.000Z',
      finishedAt: '2026-01-01T00:10:00.000Z',
      command: 'npx sluice compare',
      durationMs: 600_000,
      repeats: 5,
      layers: ['bare', 'port'],
      order: [],
    },
    environment: {
      cpu: { model: 'a processor', cores: 2, mhz: 2000 },
      memoryBytes: 8e9,
      kernel: 'Linux 6',
      os: 'Linux',
      node: 'v20.19.0',
      libraries: { sluice: '0.1.0' },
      filesystem: { path: '/tmp', type: 'ext4', device: '/dev/sda', freeBytes: 1e10 },
      fsyncMs: { p50: 1, p99: 2, count: 64 },
      loadAverage: { start: 0, end: 1 },
      generatorCeiling: {},
    },
    systems: [...names].map((name) => systemRow(name)),
    scenarios: [],
    workloads,
    summaries: summarize(workloads, 1),
    verdicts: [],
    assertions: [],
    notMeasured: [],
    limits: [],
    ...given,
  };
}
