/**
 * Metrics of one app: a registry of its own, filled from the catalogue. What happens per message is counted in plain
 * numbers and copied at a scrape, because a labelled counter costs more than the publish it would count.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import {
  type ErrorCode,
  errorCodes,
  type MessagingPort,
  type PublishOutcome,
  type StorageFigures,
  type SubscriptionLag,
  type TokenResult,
} from '../adapters/index.ts';
import { healthOf } from './backend-watch.ts';
import { gatewayLimits } from './limits.ts';
import { metricCatalogue, type MetricName } from './metrics.ts';
import { type OpenStreams, streamKinds } from './open-streams.ts';

interface TopicCounts {
  stored: number;
  refused: number;
  unknown: number;
  bytes: number;
}

/** What the port tells of a subscription (its hook), and the counter of each. */
const eventMetrics = {
  redelivered: 'sluice_redelivered_messages_total',
  lease_expired: 'sluice_expired_leases_total',
  dead_lettered: 'sluice_dead_lettered_messages_total',
  dropped: 'sluice_dropped_messages_total',
} as const satisfies Record<string, MetricName>;

type HistogramName = {
  [N in MetricName]: (typeof metricCatalogue)[N]['type'] extends 'histogram' ? N : never;
}[MetricName];

const OTHER = '__other__';

/** How often the event loop is looked at. Each look wakes an idle process, and with nobody consuming it does little else. */
const LOOP_LOOK_MS = 30;

/** Gauges of prom-client whose names end as those of counters do, against the conventions of Prometheus. */
const misnamed = [
  'nodejs_active_resources_total',
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
] as const;

export class GatewayMetrics {
  readonly registry = new Registry();
  /** Publish requests that wait for their outcome. */
  publishesInFlight = 0;
  readonly #topics = new Map<string, TopicCounts>();
  readonly #grpcCalls = new Map<string, Record<string, number>>();
  readonly #topicNames = new Set<string>();
  readonly #subscriptionNames = new Set<string>();
  readonly #requests: Counter<string>;
  readonly #requestDuration: Histogram<string>;
  readonly #publishDuration: Histogram<string>;
  readonly #grpcDuration: Histogram<string>;
  readonly #syncDuration: Histogram<string>;
  readonly #problems: Counter<string>;
  readonly #delivered: Counter<string>;
  readonly #settled: Counter<string>;
  readonly #accessReloads: Counter<string>;
  readonly #traceSpans: Counter<string>;
  readonly #events: { readonly [E in keyof typeof eventMetrics]: Counter<string> };

  constructor() {
    this.#requests = this.#counter('sluice_requests_total');
    this.#requestDuration = this.#histogram('sluice_request_duration_seconds');
    this.#publishDuration = this.#histogram('sluice_publish_duration_seconds');
    this.#grpcDuration = this.#histogram('sluice_grpc_call_duration_seconds');
    this.#syncDuration = this.#histogram('sluice_log_fsync_duration_seconds');
    this.#problems = this.#counter('sluice_problems_total');
    // As for a subscription's counters below: the first fault is an increase.
    for (const [code, { httpStatus }] of Object.entries(errorCodes))
      if (httpStatus >= 500) this.#problems.inc({ code }, 0);
    this.#delivered = this.#counter('sluice_deliver_messages_total');
    this.#settled = this.#counter('sluice_settle_total');
    this.#accessReloads = this.#counter('sluice_access_reloads_total');
    this.#traceSpans = this.#counter('sluice_trace_spans_total');
    for (const result of ['exported', 'queue_full', 'export_failed']) this.#traceSpans.inc({ result }, 0);
    this.#events = {
      redelivered: this.#counter(eventMetrics.redelivered),
      lease_expired: this.#counter(eventMetrics.lease_expired),
      dead_lettered: this.#counter(eventMetrics.dead_lettered),
      dropped: this.#counter(eventMetrics.dropped),
    };
    this.#collectPublishes();
    this.#collectGrpcCalls();
  }

  /** Adds what is asked of the port at a scrape, and the process's own figures. */
  watch(
    port: MessagingPort,
    version: string,
    pulls: { readonly openCount: number; readonly waitingCount: number },
    streams: OpenStreams,
  ): void {
    collectDefaultMetrics({ register: this.registry, eventLoopMonitoringPrecision: LOOP_LOOK_MS });
    for (const name of misnamed) this.registry.removeSingleMetric(name);
    const { backend, product } = port.info;
    this.registry.setDefaultLabels({ backend });
    this.#gauge('sluice_build_info').set(
      { version, node: process.version, product: `${product} ${port.info.version}` },
      1,
    );
    const health = new Polled(
      gatewayLimits.healthCacheMs,
      2 * gatewayLimits.healthTimeoutMs,
      async () => await healthOf(port).catch((reason: unknown) => ({ ok: false, detail: String(reason) })),
    );
    this.#gauge('sluice_backend_up', async (gauge) => {
      const now = await health.get();
      if (now !== undefined) gauge.set(now.ok ? 1 : 0);
    });
    this.#gauge('sluice_pull_sessions', (gauge) => gauge.set(pulls.openCount));
    this.#gauge('sluice_pulls_waiting', (gauge) => gauge.set(pulls.waitingCount));
    this.#gauge('sluice_streams_open', (gauge) => {
      for (const kind of streamKinds) gauge.set({ kind }, streams.count(kind));
    });
    this.#counter('sluice_streams_opened_total', (counter) => {
      counter.reset();
      for (const kind of streamKinds) counter.inc({ kind }, streams.openedCount(kind));
    });
    this.#collectLag(port);
    if (port.storage === undefined) this.registry.removeSingleMetric('sluice_log_fsync_duration_seconds');
    else this.#collectStorage(port.storage.bind(port));
  }

  /** The counts of one gRPC call by status, to be added to. */
  grpcCalls(rpc: string): Record<string, number> {
    const counts = this.#grpcCalls.get(rpc) ?? {};
    this.#grpcCalls.set(rpc, counts);
    return counts;
  }

  request(method: string, route: string, status: number, durationMs: number): void {
    this.#requests.inc({ method, route, status });
    this.#requestDuration.observe({ route }, durationMs / 1_000);
  }

  /** Of a unary call. */
  grpcCallEnded(rpc: string, durationMs: number): void {
    this.#grpcDuration.observe({ rpc }, durationMs / 1_000);
  }

  /** For the port's hook. */
  readonly synced = (durationMs: number): void => {
    this.#syncDuration.observe(durationMs / 1_000);
  };

  readonly accessReloaded = (what: string, result: string): void => {
    this.#accessReloads.inc({ what, result });
  };

  readonly traceSpans = (result: string, count: number): void => {
    this.#traceSpans.inc({ result }, count);
  };

  problem(code: ErrorCode): void {
    this.#problems.inc({ code });
  }

  published(topic: string, outcomes: readonly PublishOutcome[], valueBytes: number, durationMs: number): void {
    const counts = this.#topicCounts(topic);
    for (const outcome of outcomes) {
      counts[outcome.kind] += 1;
      if (outcome.kind !== 'stored') this.problem(outcome.error.code);
    }
    counts.bytes += valueBytes;
    this.#publishDuration.observe(durationMs / 1_000);
  }

  delivered(subscription: string, count: number): void {
    this.#delivered.inc({ subscription: this.#subscriptionLabel(subscription) }, count);
  }

  settled(subscription: string, call: string, results: readonly TokenResult[]): void {
    const byStatus: Record<string, number> = {};
    for (const { status } of results) byStatus[status] = (byStatus[status] ?? 0) + 1;
    const label = this.#subscriptionLabel(subscription);
    for (const [status, count] of Object.entries(byStatus))
      this.#settled.inc({ subscription: label, call, status }, count);
  }

  /** For the port's hook. */
  readonly subscriptionEvent = (event: keyof typeof eventMetrics, subscription: string): void => {
    this.#events[event].inc({ subscription: this.#subscriptionLabel(subscription) });
  };

  #topicCounts(topic: string): TopicCounts {
    let counts = this.#topics.get(topic);
    if (counts !== undefined) return counts;
    const label = this.#topicLabel(topic);
    counts = this.#topics.get(label) ?? { stored: 0, refused: 0, unknown: 0, bytes: 0 };
    this.#topics.set(label, counts);
    return counts;
  }

  #topicLabel(name: string): string {
    return boundedLabel(this.#topicNames, name);
  }

  #subscriptionLabel(name: string): string {
    const isNew = !this.#subscriptionNames.has(name);
    const label = boundedLabel(this.#subscriptionNames, name);
    // A counter whose first sample is 1 has not increased, says Prometheus: the first dead letter would raise no alert.
    if (isNew && label === name)
      for (const counter of Object.values(this.#events)) counter.inc({ subscription: label }, 0);
    return label;
  }

  #collectPublishes(): void {
    const copy = (counter: Counter<string>, topic: string, result: Record<string, string>, value: number): void => {
      counter.inc({ topic, ...result }, value);
    };
    this.#counter('sluice_publish_messages_total', (counter) => {
      counter.reset();
      for (const [topic, counts] of this.#topics) {
        for (const result of ['stored', 'refused', 'unknown'] as const)
          copy(counter, topic, { result }, counts[result]);
      }
    });
    this.#counter('sluice_publish_bytes_total', (counter) => {
      counter.reset();
      for (const [topic, { bytes }] of this.#topics) copy(counter, topic, {}, bytes);
    });
    this.#gauge('sluice_publish_inflight', (gauge) => gauge.set(this.publishesInFlight));
  }

  #collectGrpcCalls(): void {
    this.#counter('sluice_grpc_calls_total', (counter) => {
      counter.reset();
      for (const [rpc, counts] of this.#grpcCalls) {
        for (const [status, count] of Object.entries(counts)) counter.inc({ rpc, status }, count);
      }
    });
  }

  /** Both gauges come from one look at the port, whichever is collected first. */
  #collectLag(port: MessagingPort): void {
    const lags = new Polled(gatewayLimits.lagCacheMs, gatewayLimits.lagTimeoutMs, async () => await lagsOf(port));
    this.#gauge('sluice_subscription_lag_messages', async (gauge) => {
      gauge.reset();
      for (const { topic, subscription, lag } of (await lags.get()) ?? [])
        gauge.inc(this.#labelsOf(topic, subscription), lag);
    });
    this.#gauge('sluice_subscription_oldest_unacked_seconds', async (gauge) => {
      gauge.reset();
      const oldest = new Map<string, { labels: { topic: string; subscription: string }; ageMs: number }>();
      for (const { topic, subscription, oldestUnackedMs } of (await lags.get()) ?? []) {
        if (oldestUnackedMs === undefined) continue;
        const labels = this.#labelsOf(topic, subscription);
        const key = `${labels.topic}/${labels.subscription}`;
        if (oldestUnackedMs >= (oldest.get(key)?.ageMs ?? 0)) oldest.set(key, { labels, ageMs: oldestUnackedMs });
      }
      for (const { labels, ageMs } of oldest.values()) gauge.set(labels, ageMs / 1_000);
    });
  }

  #collectStorage(storage: () => Promise<StorageFigures>): void {
    const figures = new Polled(gatewayLimits.storageCacheMs, gatewayLimits.healthTimeoutMs, storage);
    const perTopic = (name: 'sluice_log_bytes' | 'sluice_log_segments', key: 'bytes' | 'segments'): void => {
      this.#gauge(name, async (gauge) => {
        gauge.reset();
        for (const row of (await figures.get())?.topics ?? [])
          gauge.inc({ topic: this.#topicLabel(row.topic) }, row[key]);
      });
    };
    perTopic('sluice_log_bytes', 'bytes');
    perTopic('sluice_log_segments', 'segments');
    this.#gauge('sluice_log_partitions', async (gauge) => {
      gauge.reset();
      const topics = (await figures.get())?.topics;
      if (topics === undefined) return;
      const fenced = topics.reduce((sum, row) => sum + row.fenced, 0);
      gauge.set({ state: 'fenced' }, fenced);
      gauge.set({ state: 'open' }, topics.reduce((sum, { partitions }) => sum + partitions, 0) - fenced);
    });
    const single = (
      name: 'sluice_log_disk_free_bytes' | 'sluice_log_disk_size_bytes' | 'sluice_log_recovery_duration_seconds',
      of: (figures: StorageFigures) => number,
    ): void => {
      this.#gauge(name, async (gauge) => {
        const now = await figures.get();
        if (now === undefined) gauge.remove();
        else gauge.set(of(now));
      });
    };
    single('sluice_log_disk_free_bytes', ({ disk }) => disk.freeBytes);
    single('sluice_log_disk_size_bytes', ({ disk }) => disk.sizeBytes);
    single('sluice_log_recovery_duration_seconds', ({ recoveryMs }) => recoveryMs / 1_000);
  }

  #labelsOf(topic: string, subscription: string): { topic: string; subscription: string } {
    return { topic: this.#topicLabel(topic), subscription: this.#subscriptionLabel(subscription) };
  }

  #counter(name: MetricName, collect?: (counter: Counter<string>) => void): Counter<string> {
    const counter: Counter<string> = new Counter({
      ...this.#options(name),
      ...(collect && { collect: () => collect(counter) }),
    });
    return counter;
  }

  #gauge(name: MetricName, collect?: (gauge: Gauge<string>) => void | Promise<void>): Gauge<string> {
    const gauge: Gauge<string> = new Gauge({
      ...this.#options(name),
      ...(collect && { collect: () => collect(gauge) }),
    });
    return gauge;
  }

  #histogram(name: HistogramName): Histogram<string> {
    return new Histogram({ ...this.#options(name), buckets: [...metricCatalogue[name].buckets] });
  }

  #options(name: MetricName) {
    return {
      name,
      help: metricCatalogue[name].help,
      labelNames: [...metricCatalogue[name].labels],
      registers: [this.registry],
    };
  }
}

interface LagOfSubscription {
  readonly topic: string;
  readonly subscription: string;
  readonly lag: number;
  readonly oldestUnackedMs: number | undefined;
}

async function lagsOf(port: MessagingPort): Promise<readonly LagOfSubscription[]> {
  const subscriptions = (await port.listSubscriptions()).slice(0, gatewayLimits.lagSubscriptionsMax);
  const lags = await Promise.allSettled(subscriptions.map(async ({ name }) => await port.lag(name)));
  return subscriptions.flatMap(({ name, topic }, index) => {
    const lag = lags[index];
    // A backend that has no lag, or is away: the series is absent, which says so better than a zero.
    if (lag?.status !== 'fulfilled') return [];
    const { total, partitions } = lag.value;
    // No age beside a lag: nobody knows, and 0 would say that all is well.
    const oldestUnackedMs = oldestOf(partitions) ?? (total === 0 ? 0 : undefined);
    return [{ topic, subscription: name, lag: total, oldestUnackedMs }];
  });
}

function oldestOf(partitions: SubscriptionLag['partitions']): number | undefined {
  const ages = partitions.flatMap(({ oldestUnackedMs }) => oldestUnackedMs ?? []);
  return ages.length === 0 ? undefined : Math.max(...ages);
}

/** The name while there is room for labels of their own, else the one that all others share. */
function boundedLabel(known: Set<string>, name: string): string {
  if (known.has(name)) return name;
  if (known.size >= gatewayLimits.metricNamesMax) return OTHER;
  known.add(name);
  return name;
}

/**
 * An answer that is asked for at most so often; undefined when there was none in time. A scrape does not wait for all of that time: Prometheus
 * gives up on one that is slow, and would know nothing of a gateway whose backend hangs. It is told what was known last.
 */
class Polled<T> {
  readonly #everyMs: number;
  readonly #timeoutMs: number;
  readonly #ask: () => Promise<T>;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  #asking: Promise<void> | undefined;
  #latest: T | undefined;

  constructor(everyMs: number, timeoutMs: number, ask: () => Promise<T>) {
    this.#everyMs = everyMs;
    this.#timeoutMs = timeoutMs;
    this.#ask = ask;
  }

  async get(): Promise<T | undefined> {
    if (this.#asking === undefined && performance.now() - this.#askedAtMs >= this.#everyMs) {
      this.#askedAtMs = performance.now();
      this.#asking = this.#look();
    }
    if (this.#asking !== undefined) await before(gatewayLimits.scrapeWaitMs, this.#asking, undefined);
    return this.#latest;
  }

  async #look(): Promise<void> {
    this.#latest = await before(this.#timeoutMs, this.#ask(), undefined);
    this.#asking = undefined;
  }
}

/** What the work gives, or the fallback when it takes longer or fails. */
async function before<T, F>(timeoutMs: number, work: Promise<T>, fallback: F): Promise<T | F> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<F>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, fallback);
  });
  try {
    return await Promise.race([work, deadline]);
  } catch {
    return fallback; // readiness tells why; a scrape must not fail for it
  } finally {
    clearTimeout(timer);
  }
}
