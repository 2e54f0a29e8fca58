/** Alert rules for Prometheus, each with the sentence that a person reads at night and a chapter of docs/RUNBOOK.md. */

import { errorCodes } from '../../src/adapters/errors.ts';

export interface Alert {
  readonly alert: string;
  readonly expr: string;
  readonly for: string;
  readonly severity: 'critical' | 'warning';
  readonly summary: string;
}

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}

/** Of requests, calls and messages, what is the gateway's or its backend's fault may be one in a thousand. */
export const ERROR_BUDGET = 0.001;

const probes = 'route!~"/livez|/readyz|/metrics"';
/** Of the table of errors, those that are no fault of the caller. */
const faults = `code=~"${Object.entries(errorCodes)
  .flatMap(([code, { httpStatus }]) => (httpStatus >= 500 ? [code] : []))
  .join('|')}"`;

/**
 * What part of all that was asked failed: requests, gRPC calls and messages. Messages on their own, because a publish of several answers 207 however
 * many of them failed. The three have different labels, so `or` keeps all.
 */
function errorRatio(window: string): RecordingRule {
  const failed = `sum by (backend) (rate(sluice_problems_total{${faults}}[${window}]))`;
  const all =
    `sum by (backend) (rate(sluice_requests_total{${probes}}[${window}])` +
    ` or rate(sluice_grpc_calls_total[${window}]) or rate(sluice_publish_messages_total[${window}]))`;
  return { record: `sluice:errors:ratio_rate${window}`, expr: `(${failed} or 0 * ${all}) / (${all} > 0)` };
}

export const recordingRules: readonly RecordingRule[] = ['5m', '30m', '1h', '6h'].map(errorRatio);

const lag = 'max by (backend, topic, subscription) (sluice_subscription_lag_messages)';

export const alerts: readonly Alert[] = [
  {
    alert: 'SluiceGatewayDown',
    expr: 'up{job="sluice"} == 0',
    for: '1m',
    severity: 'critical',
    summary: 'Prometheus cannot scrape the gateway {{ $labels.instance }}.',
  },
  {
    alert: 'SluiceBackendDown',
    // Over a window: a scrape that fails, as they do on a machine in trouble, would begin the wait anew.
    expr: 'max_over_time(sluice_backend_up[1m]) == 0',
    for: '30s',
    severity: 'critical',
    summary: 'The backend {{ $labels.backend }} does not answer the gateway {{ $labels.instance }}.',
  },
  {
    alert: 'SluiceLagGrowing',
    expr:
      `max by (backend, topic, subscription) (deriv(sluice_subscription_lag_messages[10m])) > 0` + ` and ${lag} > 1000`,
    for: '15m',
    severity: 'warning',
    summary: 'Subscription {{ $labels.subscription }} falls behind by {{ $value | humanize }} messages a second.',
  },
  {
    alert: 'SluiceOldestUnacked',
    expr: 'max by (backend, topic, subscription) (sluice_subscription_oldest_unacked_seconds) > 600',
    for: '5m',
    severity: 'warning',
    summary:
      'The oldest message of subscription {{ $labels.subscription }} has waited for {{ $value | humanizeDuration }}.',
  },
  {
    alert: 'SluiceDeadLetters',
    expr: 'sum by (backend, subscription) (increase(sluice_dead_lettered_messages_total[15m])) > 0',
    for: '0s',
    severity: 'warning',
    summary: 'Messages of subscription {{ $labels.subscription }} went to its dead-letter topic.',
  },
  {
    alert: 'SluiceErrorBudgetBurnFast',
    expr: burn('1h', '5m', 14.4),
    for: '2m',
    severity: 'critical',
    summary:
      'Of requests and messages to {{ $labels.backend }} {{ $value | humanizePercentage }} fail: a month of errors in two days.',
  },
  {
    alert: 'SluiceErrorBudgetBurnSlow',
    expr: burn('6h', '30m', 6),
    for: '15m',
    severity: 'warning',
    summary:
      'Of requests and messages to {{ $labels.backend }} {{ $value | humanizePercentage }} fail: a month of errors in five days.',
  },
  {
    alert: 'SluiceSlowFsync',
    expr: 'histogram_quantile(0.99, sum by (backend, instance, le) (rate(sluice_log_fsync_duration_seconds_bucket[5m]))) > 0.1',
    for: '10m',
    severity: 'warning',
    summary:
      'One sync in a hundred of {{ $labels.instance }} takes {{ $value | humanizeDuration }}: publishes wait for it.',
  },
  {
    alert: 'SluicePartitionFenced',
    expr: 'sluice_log_partitions{state="fenced"} > 0',
    for: '0s',
    severity: 'critical',
    summary: '{{ $value }} partitions of {{ $labels.instance }} refuse appends.',
  },
  {
    alert: 'SluiceDiskLow',
    expr: 'sluice_log_disk_free_bytes / sluice_log_disk_size_bytes < 0.1',
    for: '5m',
    severity: 'critical',
    summary: 'The disk of {{ $labels.instance }} has {{ $value | humanizePercentage }} left.',
  },
  {
    alert: 'SluiceEventLoopLate',
    // The middle one of five minutes: a process that is late also misses scrapes.
    expr: 'quantile_over_time(0.5, nodejs_eventloop_lag_p99_seconds{backend=~".+"}[5m]) > 0.25',
    for: '2m',
    severity: 'warning',
    summary: 'The event loop of {{ $labels.instance }} is late by {{ $value | humanizeDuration }}.',
  },
];

/** Fast enough to be told in time (the short window) and for long enough to matter (the long one). */
function burn(long: string, short: string, times: number): string {
  const limit = Number((times * ERROR_BUDGET).toFixed(6));
  return `sluice:errors:ratio_rate${long} > ${limit} and sluice:errors:ratio_rate${short} > ${limit}`;
}

/** The file as Prometheus loads it. */
export function alertRules() {
  return {
    groups: [
      { name: 'sluice-ratios', rules: recordingRules },
      {
        name: 'sluice',
        rules: alerts.map(({ alert, expr, for: held, severity, summary }) => ({
          alert,
          expr,
          for: held,
          labels: { severity },
          annotations: { summary, runbook_url: runbookUrl(alert) },
        })),
      },
    ],
  };
}

export function runbookUrl(alert: string): string {
  return `docs/RUNBOOK.md#${alert.toLowerCase()}`;
}
