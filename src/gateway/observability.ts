/**
 * Metrics of one app: a registry of its own, filled from the catalogue. What happens per message is counted in plain
 * numbers and copied at a scrape, because a labelled counter costs more than the publish it would count.
 */

import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import { type ErrorCode, type MessagingPort, type PublishOutcome, type TokenResult } from '../adapters/index.ts';
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

const OTHER = '__other__';

export class GatewayMetrics {
  readonly registry = new Registry();
  /** Publish requests that wait for their outcome. */
  publishesInFlight = 0;
  readonly #topics = new Map<string, TopicCounts>();
  readonly #grpcCalls = new Map<string, Record<string, number>>();
  readonly #subscriptionNames = new Set<string>();
  readonly #requests: Counter<string>;
  readonly #requestDuration: Histogram<string>;
  readonly #publishDuration: Histogram<string>;
  readonly #problems: Counter<string>;
  readonly #delivered: Counter<string>;
  readonly #settled: Counter<string>;
  readonly #accessReloads: Counter<string>;
  readonly #events: { readonly [E in keyof typeof eventMetrics]: Counter<string> };

  constructor() {
    this.#requests = this.#counter('sluice_requests_total');
    this.#requestDuration = this.#histogram('sluice_request_duration_seconds');
    this.#publishDuration = this.#histogram('sluice_publish_duration_seconds');
    this.#problems = this.#counter('sluice_problems_total');
    this.#delivered = this.#counter('sluice_deliver_messages_total');
    this.#settled = this.#counter('sluice_settle_total');
    this.#accessReloads = this.#counter('sluice_access_reloads_total');
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
    collectDefaultMetrics({ register: this.registry });
    const { backend, product } = port.info;
    this.#gauge('sluice_build_info').set(
      { version, node: process.version, backend, product: `${product} ${port.info.version}` },
      1,
    );
    this.#gauge('sluice_backend_up', async (gauge) => {
      const health = await before(gatewayLimits.healthTimeoutMs, port.health(), { ok: false, detail: 'no answer' });
      gauge.set({ backend }, health.ok ? 1 : 0);
    });
    this.#gauge('sluice_pull_sessions', (gauge) => gauge.set(pulls.openCount));
    this.#gauge('sluice_pulls_waiting', (gauge) => gauge.set(pulls.waitingCount));
    this.#gauge('sluice_streams_open', (gauge) => {
      for (const kind of streamKinds) gauge.set({ kind }, streams.count(kind));
    });
    this.#collectLag(port);
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

  readonly accessReloaded = (what: string, result: string): void => {
    this.#accessReloads.inc({ what, result });
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
    const label = this.#topics.size < gatewayLimits.metricNamesMax ? topic : OTHER;
    counts = this.#topics.get(label) ?? { stored: 0, refused: 0, unknown: 0, bytes: 0 };
    this.#topics.set(label, counts);
    return counts;
  }

  #subscriptionLabel(name: string): string {
    if (this.#subscriptionNames.has(name)) return name;
    if (this.#subscriptionNames.size >= gatewayLimits.metricNamesMax) return OTHER;
    this.#subscriptionNames.add(name);
    return name;
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

  #collectLag(port: MessagingPort): void {
    let collectedAtMs = Number.NEGATIVE_INFINITY;
    this.#gauge('sluice_subscription_lag_messages', async (gauge) => {
      if (performance.now() - collectedAtMs < gatewayLimits.lagCacheMs) return;
      collectedAtMs = performance.now();
      const lags = await before(gatewayLimits.lagTimeoutMs, lagsOf(port), []);
      gauge.reset();
      for (const { topic, subscription, lag } of lags) {
        gauge.set({ topic, subscription: this.#subscriptionLabel(subscription) }, lag);
      }
    });
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

  #histogram(name: 'sluice_request_duration_seconds' | 'sluice_publish_duration_seconds'): Histogram<string> {
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

async function lagsOf(port: MessagingPort): Promise<{ topic: string; subscription: string; lag: number }[]> {
  const subscriptions = (await port.listSubscriptions()).slice(0, gatewayLimits.lagSubscriptionsMax);
  const lags = await Promise.allSettled(subscriptions.map(async ({ name }) => await port.lag(name)));
  return subscriptions.flatMap(({ name, topic }, index) => {
    const lag = lags[index];
    // A backend that has no lag, or is away: the series is absent, which says so better than a zero.
    return lag?.status === 'fulfilled' ? [{ topic, subscription: name, lag: lag.value.total }] : [];
  });
}

/** What the work gives, or the fallback when it takes longer or fails. */
async function before<T>(timeoutMs: number, work: Promise<T>, fallback: T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<T>((resolve) => {
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
