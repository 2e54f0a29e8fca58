/** docs/METRICS.md, printed from the catalogue; a test holds the file to it. */

import { gatewayLimits } from './limits.ts';
import { commonLabels, metricCatalogue, type MetricRow, processMetrics } from './metrics.ts';

export function metricsPage(): string {
  return `# Metrics

Printed from \`src/gateway/metrics.ts\` by \`npm run docs\`; a test holds the two together.

\`GET /metrics\` answers in the text format of Prometheus; with access control it wants the scope \`metrics\`, or \`access.openMetrics\` ([ACCESS.md](ACCESS.md)).
Dashboards, alerts and the files to load them are in [grafana/](../grafana/README.md); what to do when one fires is in [RUNBOOK.md](RUNBOOK.md).

* Every metric also has the label ${commonLabels.map((label) => `\`${label}\``).join(', ')}: what the gateway stands in front of (\`native\`, \`rabbitmq\`, \`kafka\`). Gateways on the same
  backend are told apart by \`instance\`, which Prometheus adds.
* Labels are bounded: the first ${gatewayLimits.metricNamesMax} topics and ${gatewayLimits.metricNamesMax} subscriptions have their names, all others share \`__other__\`. No series goes away with a connection.
* What happens per message is counted in plain numbers and copied at a scrape.
* Lag and age are asked of the backend at a scrape: at most every ${gatewayLimits.lagCacheMs / 1_000} s, of the first ${gatewayLimits.lagSubscriptionsMax} subscriptions, and waited for at most ${gatewayLimits.lagTimeoutMs / 1_000} s. A
  scrape itself is held up for ${gatewayLimits.scrapeWaitMs / 1_000} s at most, and then tells what was known last, so that a backend that hangs is seen. A
  subscription whose backend does not answer has no series: that says so better than a zero. Several gateways on one backend tell the same lag: take the \`max\`, not the sum.
* \`sluice_subscription_oldest_unacked_seconds\` looks at the timestamp of the message, which its publisher may have set. The native log and Kafka show it; a queue or stream of
  RabbitMQ is not asked, as nobody but its consumer can look at the head of a queue. There the lag is what to watch.
* \`sluice_log_*\` are of the native log and only there. RabbitMQ and Kafka have exporters of their own.
* A redelivery, an expired lease and a dead letter are counted by the gateway on which they happened. A quorum queue of RabbitMQ that drops or dead-letters by itself
  does not tell.
* A comparison (\`sluice compare\`) has its figures in its report; to be watched while it runs it serves metrics of its own, below.

## Of Sluice

${table(metricCatalogue)}

Buckets of every histogram, in seconds: ${metricCatalogue.sluice_publish_duration_seconds.buckets.join(', ')}.

## Of the process

Those that dashboards and alerts use; the others of [prom-client](https://github.com/siimon/prom-client) are there too, without the three gauges whose names end in \`_total\`.

${table(processMetrics)}
`;
}

function table(rows: Readonly<Record<string, MetricRow>>): string {
  const lines = Object.entries(rows).map(([name, { type, help, labels }]) => {
    const names = labels.map((label) => `\`${label}\``).join(', ');
    return `| \`${name}\` | ${type} | ${unitOf(name)} | ${names} | ${help} |`;
  });
  return `| name | type | unit | labels | |\n| --- | --- | --- | --- | --- |\n${lines.join('\n')}`;
}

function unitOf(name: string): string {
  return /_(seconds|bytes|messages)(?:_total)?$/.exec(name)?.[1] ?? '';
}
