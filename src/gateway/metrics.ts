/**
 * The catalogue of metrics: every name, its help, its labels and buckets. Code, docs/METRICS.md, dashboards and alerts use only these
 * names; the process and Node metrics of prom-client stand beside them under their usual names. Every metric also has the label of
 * `commonLabels`.
 */

/** Set once for the whole registry, so that it costs nothing per message: what this gateway stands in front of. */
export const commonLabels = ['backend'] as const;

/** Half a millisecond, a local log, up to ten seconds. */
const durationBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10] as const;

export interface MetricRow {
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
    labels: ['version', 'node', 'product'],
  },
  sluice_backend_up: { type: 'gauge', help: 'Whether the backend answers: 1 or 0.', labels: [] },
  sluice_log_bytes: { type: 'gauge', help: 'Bytes of a topic on the disk, native log.', labels: ['topic'] },
  sluice_log_segments: { type: 'gauge', help: 'Segment files of a topic, native log.', labels: ['topic'] },
  sluice_log_partitions: {
    type: 'gauge',
    help: 'Partitions by state, native log: open, or fenced, which refuse appends until the log is opened again or repaired.',
    labels: ['state'],
  },
  sluice_log_fsync_duration_seconds: {
    type: 'histogram',
    help: 'From asking for a sync of a file of the native log to its end.',
    labels: [],
    buckets: durationBuckets,
  },
  sluice_log_disk_free_bytes: { type: 'gauge', help: 'Free on the file system of the native log.', labels: [] },
  sluice_log_disk_size_bytes: { type: 'gauge', help: 'Size of the file system of the native log.', labels: [] },
  sluice_log_recovery_duration_seconds: {
    type: 'gauge',
    help: 'What the last start of the native log needed until it answered.',
    labels: [],
  },
  sluice_requests_total: { type: 'counter', help: 'Answered requests.', labels: ['method', 'route', 'status'] },
  sluice_request_duration_seconds: {
    type: 'histogram',
    help: 'From the head of a request to the end of its answer; a pull includes its wait.',
    labels: ['route'],
    buckets: durationBuckets,
  },
  sluice_grpc_calls_total: { type: 'counter', help: 'Ended gRPC calls by status.', labels: ['rpc', 'status'] },
  sluice_grpc_call_duration_seconds: {
    type: 'histogram',
    help: 'From a unary gRPC call to its answer; a pull includes its wait. Streams are not in it.',
    labels: ['rpc'],
    buckets: durationBuckets,
  },
  sluice_streams_opened_total: { type: 'counter', help: 'Streams that were opened, by kind.', labels: ['kind'] },
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
  sluice_subscription_oldest_unacked_seconds: {
    type: 'gauge',
    help: 'Age of the first message that is not settled, by its timestamp; 0 when none waits. Absent where nobody here knows it.',
    labels: ['topic', 'subscription'],
  },
  sluice_access_reloads_total: {
    type: 'counter',
    help: 'Keys, token issuers and certificates that were loaded (again), by result; what could not be loaded keeps the old ones.',
    labels: ['what', 'result'],
  },
  sluice_trace_spans_total: {
    type: 'counter',
    help: 'Spans for the collector by what became of them: exported, queue_full (dropped, because too many waited) or export_failed.',
    labels: ['result'],
  },
  sluice_pull_sessions: { type: 'gauge', help: 'Subscriptions that this gateway has an open consumer on.', labels: [] },
  sluice_pulls_waiting: { type: 'gauge', help: 'Pulls under way.', labels: [] },
} as const satisfies Record<string, MetricRow>;

export type MetricName = keyof typeof metricCatalogue;

/** Those of prom-client that dashboards and alerts use. */
export const processMetrics = {
  nodejs_eventloop_lag_p99_seconds: {
    type: 'gauge',
    help: 'The event loop was late by at most this in 99 of 100 looks since the last scrape.',
    labels: [],
  },
  nodejs_heap_size_used_bytes: { type: 'gauge', help: 'Heap of V8 in use.', labels: [] },
  nodejs_heap_size_total_bytes: { type: 'gauge', help: 'Heap of V8, taken from the system.', labels: [] },
  process_resident_memory_bytes: { type: 'gauge', help: 'Memory of the process.', labels: [] },
  process_cpu_seconds_total: { type: 'counter', help: 'Processor time of the process.', labels: [] },
  process_open_fds: { type: 'gauge', help: 'Open file descriptors.', labels: [] },
  process_start_time_seconds: { type: 'gauge', help: 'When the process started, in seconds since 1970.', labels: [] },
} as const satisfies Record<string, MetricRow>;
