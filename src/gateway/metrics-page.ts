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
* \`sluice_subscription_oldest_unacked_seconds\` goes by the timestamp of the message, which its publisher may have set; see [below](#the-age-of-the-oldest-message).
* \`sluice_log_*\` are of the native log and only there. RabbitMQ and Kafka have exporters of their own.
* A redelivery, an expired lease and a dead letter are counted by the gateway on which they happened. A quorum queue of RabbitMQ that drops or dead-letters by itself
  does not tell.
* A comparison (\`sluice compare\`) has its figures in its report; to be watched while it runs it serves metrics of its own, below.

## The age of the oldest message

\`sluice_subscription_oldest_unacked_seconds\`, and \`oldestUnackedMs\` of \`GET /v1/subscriptions/{name}/lag\`, partition by partition:

| backend | what it is the age of |
| --- | --- |
| native log, Kafka, RabbitMQ streams | the first message behind the subscription's cursor that is not settled. It is read from the log, by whichever gateway is asked |
| RabbitMQ quorum and classic queues, while this gateway consumes | the oldest delivery that this gateway holds, handed out or read ahead. A queue gives its head first, so what is still in it is younger (not of another priority, though) |
| the same, while nobody consumes | **at least** the age that is shown: since the oldest of the messages that this gateway gave back to the queue, else since this gateway first saw messages wait there. After a restart of the gateway it begins anew; it begins anew, too, when there are fewer than before. Expired messages (\`ttlMs\`) that others replace are not noticed |
| the same, while only others consume | absent here: each gateway tells of what it holds, so take the \`max\` over gateways. Of other programs nobody tells |

The head of a queue cannot be looked at without taking it: a message that is got and given back is marked as redelivered for ever, and counted by a quorum queue. RabbitMQ's
management plugin shows a \`head_message_timestamp\` of classic queues, not of quorum queues, and wants a login of its own; the gateway does not ask it. A message of another program that has no timestamp
counts from when it was first seen here. Beside a lag, no series means "not known here"; the alert for a growing lag needs no age.

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
