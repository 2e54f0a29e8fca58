/**
 * The catalogue of metrics: every name, its help, its labels and buckets. Dashboards and alerts use only these names; the
 * process and Node metrics of prom-client stand beside them under their usual names.
 */

/** Half a millisecond, a local log, up to ten seconds. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

interface MetricRow {
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Bounded: topic and subscription by `metricNamesMax`, the others by the code. */
  readonly labels: readonly string[];
  readonly buckets?: readonly number[];
}

export const metricCatalogue = {
  sluice_build_info: {
    type: 'gauge',
    help: 'Always 1; the labels say what runs.',
    labels: ['version', 'node', 'backend', 'product'],
  },
  sluice_backend_up: { type: 'gauge', help: 'Whether the backend answers: 1 or 0.', labels: ['backend'] },
  sluice_requests_total: { type: 'counter', help: 'Answered requests.', labels: ['method', 'route', 'status'] },
  sluice_request_duration_seconds: {
    type: 'histogram',
    help: 'From the head of a request to the end of its answer; a pull includes its wait.',
    labels: ['route'],
    buckets: durationBuckets,
  },
  sluice_grpc_calls_total: { type: 'counter', help: 'Ended gRPC calls by status.', labels: ['rpc', 'status'] },
  sluice_streams_open: {
    type: 'gauge',
    help: 'Open streams by kind: gRPC, SSE, WebSocket, NDJSON.',
    labels: ['kind'],
  },
  sluice_problems_total: {
    type: 'counter',
    help: 'Requests and messages answered with a problem, by its code.',
    labels: ['code'],
  },
  sluice_publish_messages_total: {
    type: 'counter',
    help: 'Published messages by outcome: stored, refused, unknown.',
    labels: ['topic', 'result'],
  },
  sluice_publish_bytes_total: { type: 'counter', help: 'Bytes of the values of stored messages.', labels: ['topic'] },
  sluice_publish_duration_seconds: {
    type: 'histogram',
    help: 'From handing a publish to the backend to its last outcome.',
    labels: [],
    buckets: durationBuckets,
  },
  sluice_publish_inflight: { type: 'gauge', help: 'Publish requests that wait for their outcome.', labels: [] },
  sluice_deliver_messages_total: { type: 'counter', help: 'Messages handed to a puller.', labels: ['subscription'] },
  sluice_settle_total: {
    type: 'counter',
    help: 'Settled tokens by call (ack, nack, release, reject, extend) and status (ok, expired, already, invalid, elsewhere).',
    labels: ['subscription', 'call', 'status'],
  },
  sluice_redelivered_messages_total: {
    type: 'counter',
    help: 'Messages that came again after a failed attempt.',
    labels: ['subscription'],
  },
  sluice_expired_leases_total: {
    type: 'counter',
    help: 'Deliveries that nobody settled in time.',
    labels: ['subscription'],
  },
  sluice_dead_lettered_messages_total: {
    type: 'counter',
    help: 'Messages moved to a dead-letter topic.',
    labels: ['subscription'],
  },
  sluice_dropped_messages_total: {
    type: 'counter',
    help: 'Exhausted messages dropped, as their subscription asked.',
    labels: ['subscription'],
  },
  sluice_subscription_lag_messages: {
    type: 'gauge',
    help: 'Messages stored and not yet settled.',
    labels: ['topic', 'subscription'],
  },
  sluice_access_reloads_total: {
    type: 'counter',
    help: 'Keys, token issuers and certificates that were loaded (again), by result; what could not be loaded keeps the old ones.',
    labels: ['what', 'result'],
  },
  sluice_pull_sessions: { type: 'gauge', help: 'Subscriptions that this gateway has an open consumer on.', labels: [] },
  sluice_pulls_waiting: { type: 'gauge', help: 'Pulls under way.', labels: [] },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metricCatalogue;
