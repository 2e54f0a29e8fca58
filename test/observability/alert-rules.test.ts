/** Every alert fires when it should, keeps quiet when it should, and resolves: asked of promtool, which runs the committed rules over made-up series. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { alerts } from '../../scripts/grafana/alerts.ts';
import { needsPrometheus, promtool } from './prometheus-tools.ts';
import { root } from './queries.ts';

/** Series in promtool's spelling, one sample a minute: `1+2x10` is ten times two more, `_` no sample. */
type Series = Readonly<Record<string, string>>;

interface AlertCase {
  readonly fires: Series;
  /** Fires here, and with these labels. */
  readonly at: string;
  readonly labels: Readonly<Record<string, string>>;
  /** A little less: it does not fire at `at`. */
  readonly quiet: Series;
  /** As `fires`, and then well again: not firing at `resolvedAt`. */
  readonly resolves: Series;
  readonly resolvedAt: string;
}

const gateway = { backend: 'native', instance: 'a:8080', job: 'sluice' };
const on = (name: string, labels = ''): string =>
  `${name}{backend="native",instance="a:8080",job="sluice"${labels === '' ? '' : `,${labels}`}}`;
const subscription = 'topic="orders",subscription="billing"';
const lag = on('sluice_subscription_lag_messages', subscription);
const oldest = on('sluice_subscription_oldest_unacked_seconds', subscription);
const dead = on('sluice_dead_lettered_messages_total', 'subscription="billing"');
const reader = { backend: 'native', topic: 'orders', subscription: 'billing' };
const answers = (status: string): string =>
  on('sluice_requests_total', `method="POST",route="/v1/topics",status="${status}"`);
const calls = (status: string): string => on('sluice_grpc_calls_total', `rpc="Publish",status="${status}"`);
const problems = (code: string): string => on('sluice_problems_total', `code="${code}"`);
const messages = on('sluice_publish_messages_total', 'topic="orders",result="stored"');
const bucket = (le: string): string => on('sluice_log_fsync_duration_seconds_bucket', `le="${le}"`);
const [free, size] = [on('sluice_log_disk_free_bytes'), on('sluice_log_disk_size_bytes')];

const cases: Readonly<Record<string, AlertCase>> = {
  SluiceGatewayDown: {
    fires: { 'up{job="sluice",instance="a:8080"}': '1 0x5' },
    at: '3m',
    labels: { job: 'sluice', instance: 'a:8080' },
    quiet: { 'up{job="sluice",instance="a:8080"}': '1 1 1 0 1', 'up{job="node",instance="a:9100"}': '0x5' },
    resolves: { 'up{job="sluice",instance="a:8080"}': '1 0 0 0 1x5' },
    resolvedAt: '5m',
  },
  SluiceBackendDown: {
    fires: { [on('sluice_backend_up')]: '1 0x5' },
    at: '3m',
    labels: gateway,
    quiet: { [on('sluice_backend_up')]: '1 1 1 0 1' },
    resolves: { [on('sluice_backend_up')]: '1 0 0 0 1x5' },
    resolvedAt: '5m',
  },
  SluiceLagGrowing: {
    fires: { [lag]: '2000+100x60' },
    at: '40m',
    labels: reader,
    // One stays where it is, however far behind; one grows, and is not far behind.
    quiet: { [lag]: '5000x60', [on('sluice_subscription_lag_messages', 'topic="t",subscription="s"')]: '1+5x60' },
    resolves: { [lag]: '2000+100x40 6000-300x20' },
    resolvedAt: '58m',
  },
  SluiceOldestUnacked: {
    fires: { [oldest]: '0+60x30' },
    at: '20m',
    labels: reader,
    quiet: { [oldest]: '0+60x9 540x30' },
    resolves: { [oldest]: '0+60x20 0x20' },
    resolvedAt: '22m',
  },
  SluiceDeadLetters: {
    fires: { [dead]: '0x5 1x20' },
    at: '10m',
    labels: { backend: 'native', subscription: 'billing' },
    quiet: { [dead]: '7x30' },
    resolves: { [dead]: '0x5 1x40' },
    resolvedAt: '30m',
  },
  SluiceErrorBudgetBurnFast: {
    fires: { [answers('207')]: '0+100x120', [messages]: '0+880x120', [problems('backend_unavailable')]: '0+20x120' },
    at: '80m',
    labels: { backend: 'native' },
    // What the caller did wrong, a probe that says no, and a part that is within the budget.
    quiet: {
      [answers('200')]: '0+980x120',
      [answers('404')]: '0+500x120',
      [problems('internal')]: '0+10x120',
      [problems('invalid_argument')]: '0+500x120',
      [on('sluice_requests_total', 'method="GET",route="/readyz",status="503"')]: '0+900x120',
    },
    resolves: { [calls('OK')]: '0+980x120', [problems('overloaded')]: '0+20x80 1600x40' },
    resolvedAt: '95m',
  },
  SluiceErrorBudgetBurnSlow: {
    fires: { [answers('200')]: '0+990x480', [problems('internal')]: '0+10x480' },
    at: '420m',
    labels: { backend: 'native' },
    quiet: { [answers('200')]: '0+996x480', [problems('internal')]: '0+4x480' },
    resolves: { [answers('200')]: '0+990x480', [problems('internal')]: '0+10x380 3800x100' },
    resolvedAt: '425m',
  },
  SluiceSlowFsync: {
    fires: { [bucket('0.1')]: '0+90x30', [bucket('0.25')]: '0+100x30', [bucket('+Inf')]: '0+100x30' },
    at: '20m',
    labels: { backend: 'native', instance: 'a:8080' },
    quiet: { [bucket('0.1')]: '0+100x30', [bucket('0.25')]: '0+100x30', [bucket('+Inf')]: '0+100x30' },
    resolves: {
      [bucket('0.1')]: '0+90x20 1800+100x20',
      [bucket('0.25')]: '0+100x40',
      [bucket('+Inf')]: '0+100x40',
    },
    resolvedAt: '30m',
  },
  SluicePartitionFenced: {
    fires: { [on('sluice_log_partitions', 'state="fenced"')]: '0 0 1x10' },
    at: '3m',
    labels: { ...gateway, state: 'fenced' },
    quiet: {
      [on('sluice_log_partitions', 'state="fenced"')]: '0x10',
      [on('sluice_log_partitions', 'state="open"')]: '9x10',
    },
    resolves: { [on('sluice_log_partitions', 'state="fenced"')]: '0 1 1 0x10' },
    resolvedAt: '5m',
  },
  SluiceDiskLow: {
    fires: { [free]: '9x20', [size]: '100x20' },
    at: '8m',
    labels: gateway,
    quiet: { [free]: '11x20', [size]: '100x20' },
    resolves: { [free]: '9x10 50x10', [size]: '100x20' },
    resolvedAt: '12m',
  },
  SluiceEventLoopLate: {
    fires: { [on('nodejs_eventloop_lag_p99_seconds')]: '0.4x20' },
    at: '8m',
    labels: gateway,
    // A late moment, and a process of Node that is none of ours.
    quiet: {
      [on('nodejs_eventloop_lag_p99_seconds')]: '0.01 0.01 2 0.01x20',
      'nodejs_eventloop_lag_p99_seconds{instance="b:1",job="shop"}': '3x20',
    },
    resolves: { [on('nodejs_eventloop_lag_p99_seconds')]: '0.4x8 0.01x10' },
    resolvedAt: '12m',
  },
};

describe('alerts', () => {
  beforeEach((context) => needsPrometheus(context));

  it('each has its cases', () => {
    expect(Object.keys(cases).toSorted()).toEqual(alerts.map(({ alert }) => alert).toSorted());
  });

  it.each(alerts.map((rule) => [rule.alert, rule.severity] as const))(
    '%s fires, does not fire, resolves',
    async (alert, severity) => {
      const { fires, at, labels, quiet, resolves, resolvedAt } = cases[alert] as AlertCase;
      const firing = [{ exp_labels: { severity, ...labels } }];
      const said = await tested([
        { series: fires, alert, at, firing },
        { series: quiet, alert, at, firing: [] },
        { series: resolves, alert, at: resolvedAt, firing: [] },
        // Else it might have resolved without ever having fired.
        { series: resolves, alert, at: lastFiring[alert] ?? at, firing },
      ]);
      expect(said.text).toContain('SUCCESS');
      expect(said.ok, said.text).toBe(true);
    },
  );

  it('a case that is wrong is found', async () => {
    const { quiet, at } = cases['SluiceBackendDown'] as AlertCase;
    const wrong = { series: quiet, alert: 'SluiceBackendDown', at, firing: [{ exp_labels: gateway }] };
    expect((await tested([wrong])).ok).toBe(false);
  });

  it('the rules, and the configuration that loads them, are what Prometheus takes', async () => {
    expect(await promtool(['check', 'config', join(root, 'grafana/prometheus.yaml')])).toMatchObject({ ok: true });
  });
}, 30_000);

/** Where it has resolved by `at` in the series that resolves. */
const lastFiring: Readonly<Record<string, string>> = {
  SluiceGatewayDown: '3m',
  SluicePartitionFenced: '2m',
  SluiceErrorBudgetBurnSlow: '370m',
};

interface RuleTest {
  readonly series: Series;
  readonly alert: string;
  readonly at: string;
  readonly firing: readonly { readonly exp_labels: Readonly<Record<string, string>> }[];
}

async function tested(tests: readonly RuleTest[]): Promise<{ readonly ok: boolean; readonly text: string }> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-rules-'));
  const file = join(directory, 'tests.yaml');
  writeFileSync(
    file,
    stringify({
      rule_files: [join(root, 'grafana/alerts/sluice.yaml')],
      evaluation_interval: '1m',
      tests: tests.map(({ series, alert, at, firing }) => ({
        interval: '1m',
        input_series: Object.entries(series).map(([name, values]) => ({ series: name, values })),
        // promtool compares annotations too: what they say is in the rules, not repeated here.
        promql_expr_test: [
          {
            expr: `sum without (alertname, alertstate) (ALERTS{alertname="${alert}",alertstate="firing"})`,
            eval_time: at,
            exp_samples: firing.map(({ exp_labels }) => ({ labels: seriesName(exp_labels), value: 1 })),
          },
        ],
      })),
    }),
  );
  try {
    return await promtool(['test', 'rules', file]);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function seriesName(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([label, value]) => `${label}="${value}"`)
    .join(',')}}`;
}
