/** The dashboards, in the order in which a person looks at them: is it well, what differs by backend, which topic, the disk, the clients. */

import { everyGateway, gatewayVariables, quantileOf, rateOf, series } from './panels.ts';
import type { Dashboard, Panel, Query } from './panels.ts';

const probes = 'route!~"/livez|/readyz|/metrics"';
/** Those that are the gateway's or its backend's fault; the others are the caller's. */
const grpcFaults = 'status=~"UNAVAILABLE|INTERNAL|UNKNOWN|DATA_LOSS|DEADLINE_EXCEEDED|RESOURCE_EXHAUSTED"';
const reader = `${everyGateway},subscription=~"$subscription"`;
const writer = `${everyGateway},topic=~"$topic"`;
const both = `${everyGateway},topic=~"$topic",subscription=~"$subscription"`;

/** Several gateways on one backend tell the same lag. */
const lagBy = (by: string, scope = everyGateway): string =>
  `sum by (${by}) (max by (backend, topic, subscription) (${series('sluice_subscription_lag_messages', '', scope)}))`;
const ageBy = (by: string, scope = everyGateway): string =>
  `max by (${by}) (${series('sluice_subscription_oldest_unacked_seconds', '', scope)})`;

const NO_AGE = 'only other gateways or programs consume from the queue (RabbitMQ), who alone know it';
const NOT_NATIVE = 'no gateway is on the native log';
const NO_GRPC = 'nobody called over gRPC';

/** The signals of messaging, for one scope. */
function signals(scope: string): Panel[] {
  return [
    {
      title: 'Rate in',
      description: 'Messages stored, and those that were not.',
      unit: 'cps',
      queries: [
        { expr: `sum by (result) (${rateOf('sluice_publish_messages_total', '', scope)})`, legend: '{{result}}' },
      ],
    },
    {
      title: 'Rate out',
      description:
        'Messages handed to consumers; more than come in while a backlog is worked off, or when they come again.',
      unit: 'cps',
      queries: [{ expr: `sum(${rateOf('sluice_deliver_messages_total', '', scope)})`, legend: 'delivered' }],
    },
    {
      title: 'Lag',
      description: 'Messages stored and not settled, all subscriptions together.',
      unit: 'short',
      queries: [{ expr: lagBy('backend', scope), legend: 'not settled' }],
    },
    {
      title: 'Oldest unacked',
      description: 'Age of the oldest message that is not settled; what that is on each backend: docs/METRICS.md.',
      unit: 's',
      redFrom: 600,
      emptyWhen: NO_AGE,
      queries: [{ expr: ageBy('backend', scope), legend: 'oldest' }],
    },
    {
      title: 'Publish time',
      description: 'From handing a publish to the backend to its last outcome.',
      unit: 's',
      queries: quantiles('sluice_publish_duration_seconds', scope),
    },
    {
      title: 'Came again',
      description: 'Redeliveries, leases that nobody settled, dead letters and dropped messages.',
      unit: 'cps',
      queries: troubles(scope),
    },
    {
      title: 'Up',
      description: 'Whether the backend answers.',
      unit: 'bool_on_off',
      kind: 'stat',
      redFrom: 1,
      worseIsLess: true,
      queries: [{ expr: `min(${series('sluice_backend_up', '', scope)})`, legend: 'up' }],
    },
  ];
}

function quantiles(
  name: 'sluice_publish_duration_seconds' | 'sluice_log_fsync_duration_seconds',
  scope: string,
): Query[] {
  return [0.5, 0.95, 0.99].map((quantile) => ({
    expr: quantileOf(quantile, name, '', scope),
    legend: `p${quantile * 100}`,
  }));
}

function troubles(scope: string): Query[] {
  return (
    [
      ['sluice_redelivered_messages_total', 'redelivered'],
      ['sluice_expired_leases_total', 'lease expired'],
      ['sluice_dead_lettered_messages_total', 'dead letter'],
      ['sluice_dropped_messages_total', 'dropped'],
    ] as const
  ).map(([name, legend]) => ({ expr: `sum(${rateOf(name, '', scope)})`, legend }));
}

const overview: Dashboard = {
  uid: 'overview',
  title: 'Overview',
  description: 'Is it well? Backends, the four signals of messaging, what fails, and how the processes are.',
  variables: gatewayVariables,
  rows: [
    {
      title: 'Now',
      panels: [
        {
          title: 'Backends that do not answer',
          description: 'Gateways whose backend is away.',
          unit: 'short',
          kind: 'stat',
          redFrom: 1,
          queries: [
            {
              expr: `count(${series('sluice_backend_up')} == 0) or 0 * count(${series('sluice_backend_up')})`,
              legend: 'away',
            },
          ],
        },
        {
          title: 'Messages in',
          description: 'Stored, a second.',
          unit: 'cps',
          kind: 'stat',
          queries: [{ expr: `sum(${rateOf('sluice_publish_messages_total', 'result="stored"')})`, legend: 'in' }],
        },
        {
          title: 'Messages out',
          description: 'Delivered, a second.',
          unit: 'cps',
          kind: 'stat',
          queries: [{ expr: `sum(${rateOf('sluice_deliver_messages_total')})`, legend: 'out' }],
        },
        {
          title: 'Lag',
          description: 'Messages that are not settled, all subscriptions.',
          unit: 'short',
          kind: 'stat',
          queries: [{ expr: `sum(${lagBy('backend')})`, legend: 'lag' }],
        },
        {
          title: 'Oldest unacked',
          description: 'Red after ten minutes.',
          unit: 's',
          kind: 'stat',
          redFrom: 600,
          emptyWhen: NO_AGE,
          queries: [{ expr: `max(${ageBy('backend')})`, legend: 'oldest' }],
        },
        {
          title: 'Dead letters, last hour',
          description: 'Messages that went to a dead-letter topic.',
          unit: 'short',
          kind: 'stat',
          redFrom: 1,
          queries: [{ expr: `sum(increase(${series('sluice_dead_lettered_messages_total')}[1h]))`, legend: 'letters' }],
        },
      ],
    },
    {
      title: 'Messages',
      panels: [
        {
          title: 'In, by topic',
          description: 'Stored messages of the ten busiest topics.',
          unit: 'cps',
          queries: [
            {
              expr: `topk(10, sum by (backend, topic) (${rateOf('sluice_publish_messages_total', 'result="stored"')}))`,
              legend: '{{backend}} {{topic}}',
            },
          ],
        },
        {
          title: 'Out, by subscription',
          description: 'Delivered messages of the ten busiest subscriptions.',
          unit: 'cps',
          queries: [
            {
              expr: `topk(10, sum by (backend, subscription) (${rateOf('sluice_deliver_messages_total')}))`,
              legend: '{{backend}} {{subscription}}',
            },
          ],
        },
        {
          title: 'Lag, by subscription',
          description: 'The ten furthest behind. One that only grows has too few consumers, or one that is stuck.',
          unit: 'short',
          queries: [{ expr: `topk(10, ${lagBy('backend, subscription')})`, legend: '{{backend}} {{subscription}}' }],
        },
      ],
    },
    {
      title: 'What fails',
      panels: [
        {
          title: 'Not stored',
          description: 'Publishes refused, and those of which nobody knows.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (backend, result) (${rateOf('sluice_publish_messages_total', 'result!="stored"')})`,
              legend: '{{backend}} {{result}}',
            },
          ],
        },
        {
          title: 'Problems by code',
          description: 'What callers were told, docs/ERRORS.md.',
          unit: 'cps',
          queries: [{ expr: `sum by (code) (${rateOf('sluice_problems_total')})`, legend: '{{code}}' }],
        },
        {
          title: 'Came again',
          description: 'Redeliveries, leases that nobody settled, dead letters and dropped messages.',
          unit: 'cps',
          queries: troubles(everyGateway),
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'Event loop, p99',
          description:
            'Late by so much; about 10 ms is the precision of the measure. Above a quarter of a second every request waits.',
          unit: 's',
          redFrom: 0.25,
          queries: [{ expr: series('nodejs_eventloop_lag_p99_seconds'), legend: '{{instance}}' }],
        },
        {
          title: 'Heap',
          description: 'In use, and taken from the system.',
          unit: 'bytes',
          queries: [
            { expr: series('nodejs_heap_size_used_bytes'), legend: '{{instance}} used' },
            { expr: series('nodejs_heap_size_total_bytes'), legend: '{{instance}} taken' },
            { expr: series('process_resident_memory_bytes'), legend: '{{instance}} resident' },
          ],
        },
        {
          title: 'Processor',
          description: 'Of one core; a gateway has one thread that matters.',
          unit: 'percentunit',
          redFrom: 0.9,
          queries: [{ expr: rateOf('process_cpu_seconds_total'), legend: '{{instance}}' }],
        },
      ],
    },
  ],
};

const comparedBackends = [
  ['native', 'Native log'],
  ['rabbitmq', 'RabbitMQ'],
  ['kafka', 'Kafka'],
] as const;

const backends: Dashboard = {
  uid: 'backends',
  title: 'Backends compared',
  description:
    'The same panel for each backend, one column a backend. A column is empty when no gateway is on that backend.',
  variables: gatewayVariables.filter(({ name }) => name === 'instance'),
  rows: signals('').map(({ title }, index) => ({
    title,
    panels: comparedBackends.map(([backend, name]) => {
      const panel = signals(`backend="${backend}",instance=~"$instance"`)[index] as Panel;
      const why = panel.emptyWhen === undefined ? '' : `, or ${panel.emptyWhen}`;
      return { ...panel, title: `${name}: ${title}`, emptyWhen: `no gateway is on ${name}${why}` };
    }),
  })),
};

const topic: Dashboard = {
  uid: 'topic',
  title: 'Topic and subscription',
  description: 'One topic and its subscriptions: what comes in, what goes out, how far behind, what fails.',
  variables: [
    ...gatewayVariables,
    { name: 'topic', label: 'Topic', metric: 'sluice_publish_messages_total', of: 'topic' },
    { name: 'subscription', label: 'Subscription', metric: 'sluice_subscription_lag_messages', of: 'subscription' },
  ],
  rows: [
    {
      title: 'Topic',
      panels: [
        {
          title: 'Messages in',
          description: 'Publishes of the topic by outcome.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (topic, result) (${rateOf('sluice_publish_messages_total', '', writer)})`,
              legend: '{{topic}} {{result}}',
            },
          ],
        },
        {
          title: 'Bytes in',
          description: 'Values of stored messages.',
          unit: 'Bps',
          queries: [
            { expr: `sum by (topic) (${rateOf('sluice_publish_bytes_total', '', writer)})`, legend: '{{topic}}' },
          ],
        },
        {
          title: 'On the disk',
          description: 'Bytes of the topic, native log.',
          unit: 'bytes',
          emptyWhen: NOT_NATIVE,
          queries: [{ expr: series('sluice_log_bytes', '', writer), legend: '{{topic}}' }],
        },
      ],
    },
    {
      title: 'Subscription',
      panels: [
        {
          title: 'Messages out',
          description: 'Delivered.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (subscription) (${rateOf('sluice_deliver_messages_total', '', reader)})`,
              legend: '{{subscription}}',
            },
          ],
        },
        {
          title: 'Lag',
          description: 'Stored and not settled.',
          unit: 'short',
          queries: [{ expr: lagBy('topic, subscription', both), legend: '{{subscription}} of {{topic}}' }],
        },
        {
          title: 'Oldest unacked',
          description: 'Age of the first message that is not settled.',
          unit: 's',
          redFrom: 600,
          emptyWhen: NO_AGE,
          queries: [{ expr: ageBy('topic, subscription', both), legend: '{{subscription}} of {{topic}}' }],
        },
      ],
    },
    {
      title: 'How it ends',
      panels: [
        {
          title: 'Settled',
          description: 'Calls by what came of them; `expired` means that consumers are slower than the ack deadline.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (call, status) (${rateOf('sluice_settle_total', '', reader)})`,
              legend: '{{call}} {{status}}',
            },
          ],
        },
        {
          title: 'Came again',
          description: 'Redelivered, and leases that nobody settled in time.',
          unit: 'cps',
          queries: [
            {
              expr: `sum by (subscription) (${rateOf('sluice_redelivered_messages_total', '', reader)})`,
              legend: '{{subscription}} redelivered',
            },
            {
              expr: `sum by (subscription) (${rateOf('sluice_expired_leases_total', '', reader)})`,
              legend: '{{subscription}} lease expired',
            },
          ],
        },
        {
          title: 'Given up',
          description: 'Dead letters and dropped messages since the start.',
          unit: 'short',
          queries: [
            {
              expr: `sum by (subscription) (${series('sluice_dead_lettered_messages_total', '', reader)})`,
              legend: '{{subscription}} dead letters',
            },
            {
              expr: `sum by (subscription) (${series('sluice_dropped_messages_total', '', reader)})`,
              legend: '{{subscription}} dropped',
            },
          ],
        },
      ],
    },
  ],
};

const log: Dashboard = {
  uid: 'log',
  title: 'Native log',
  description:
    'The disk below the native log: how long a sync takes, how much there is and how much is left, what is fenced. Empty without one.',
  variables: gatewayVariables,
  rows: [
    {
      title: 'Disk',
      panels: [
        {
          title: 'Sync time',
          description: 'fdatasync of a file of the log. A publish with fsync waits for at least one.',
          unit: 's',
          redFrom: 0.1,
          emptyWhen: NOT_NATIVE,
          queries: quantiles('sluice_log_fsync_duration_seconds', everyGateway),
        },
        {
          title: 'Syncs',
          description: 'A second. Far fewer than messages: a group of publishes shares one.',
          unit: 'ops',
          emptyWhen: NOT_NATIVE,
          queries: [
            {
              expr: `sum by (instance) (rate(sluice_log_fsync_duration_seconds_count{${everyGateway}}[$__rate_interval]))`,
              legend: '{{instance}}',
            },
          ],
        },
        {
          title: 'Time spent in syncs',
          description: 'Several files may be synced at a time, so this may be above 100 %.',
          unit: 'percentunit',
          emptyWhen: NOT_NATIVE,
          queries: [
            {
              expr: `sum by (instance) (rate(sluice_log_fsync_duration_seconds_sum{${everyGateway}}[$__rate_interval]))`,
              legend: '{{instance}}',
            },
          ],
        },
      ],
    },
    {
      title: 'Space',
      panels: [
        {
          title: 'Free',
          description: 'Of the file system that the log is on.',
          unit: 'percentunit',
          redFrom: 0.1,
          worseIsLess: true,
          emptyWhen: NOT_NATIVE,
          queries: [
            {
              expr: `${series('sluice_log_disk_free_bytes')} / ${series('sluice_log_disk_size_bytes')}`,
              legend: '{{instance}}',
            },
          ],
        },
        {
          title: 'Bytes by topic',
          description: 'The ten largest.',
          unit: 'bytes',
          emptyWhen: NOT_NATIVE,
          queries: [{ expr: `topk(10, ${series('sluice_log_bytes')})`, legend: '{{topic}}' }],
        },
        {
          title: 'Segments by topic',
          description: 'Files; retention and compaction work on whole ones.',
          unit: 'short',
          emptyWhen: NOT_NATIVE,
          queries: [{ expr: `topk(10, ${series('sluice_log_segments')})`, legend: '{{topic}}' }],
        },
      ],
    },
    {
      title: 'Health',
      panels: [
        {
          title: 'Partitions',
          description: 'Fenced ones refuse appends: docs/RUNBOOK.md.',
          unit: 'short',
          emptyWhen: NOT_NATIVE,
          queries: [{ expr: series('sluice_log_partitions'), legend: '{{instance}} {{state}}' }],
        },
        {
          title: 'Last start',
          description: 'What recovery needed.',
          unit: 's',
          kind: 'stat',
          emptyWhen: NOT_NATIVE,
          queries: [{ expr: series('sluice_log_recovery_duration_seconds'), legend: '{{instance}}' }],
        },
      ],
    },
  ],
};

const clients: Dashboard = {
  uid: 'clients',
  title: 'Clients and API',
  description: 'Rate, errors and duration of REST, gRPC and streams; what waits and what is open.',
  variables: gatewayVariables,
  rows: [
    {
      title: 'REST',
      panels: [
        {
          title: 'Requests',
          description: 'By route.',
          unit: 'ops',
          queries: [
            { expr: `sum by (method, route) (${rateOf('sluice_requests_total')})`, legend: '{{method}} {{route}}' },
          ],
        },
        {
          title: 'Errors',
          description: 'Answers of 500 and above, as a part of all but the probes.',
          unit: 'percentunit',
          redFrom: 0.01,
          queries: [
            {
              expr:
                `(sum(${rateOf('sluice_requests_total', `${probes},status=~"5.."`)}) or vector(0))` +
                ` / (sum(${rateOf('sluice_requests_total', probes)}) > 0)`,
              legend: 'errors',
            },
          ],
        },
        {
          title: 'Duration, p99',
          description: 'By route. A pull includes its wait for messages.',
          unit: 's',
          queries: [{ expr: quantileOf(0.99, 'sluice_request_duration_seconds', 'route'), legend: '{{route}}' }],
        },
      ],
    },
    {
      title: 'gRPC',
      panels: [
        {
          title: 'Calls',
          description: 'Ended calls, streams too.',
          unit: 'ops',
          emptyWhen: NO_GRPC,
          queries: [{ expr: `sum by (rpc) (${rateOf('sluice_grpc_calls_total')})`, legend: '{{rpc}}' }],
        },
        {
          title: 'Errors',
          description: 'Calls that failed by a fault of the gateway or its backend, or because it was too busy.',
          unit: 'percentunit',
          redFrom: 0.01,
          emptyWhen: NO_GRPC,
          queries: [
            {
              expr:
                `(sum(${rateOf('sluice_grpc_calls_total', grpcFaults)}) or vector(0))` +
                ` / (sum(${rateOf('sluice_grpc_calls_total')}) > 0)`,
              legend: 'errors',
            },
          ],
        },
        {
          title: 'Duration, p99',
          description: 'Unary calls.',
          unit: 's',
          emptyWhen: NO_GRPC,
          queries: [{ expr: quantileOf(0.99, 'sluice_grpc_call_duration_seconds', 'rpc'), legend: '{{rpc}}' }],
        },
      ],
    },
    {
      title: 'Streams and what waits',
      panels: [
        {
          title: 'Open streams',
          description: 'By kind.',
          unit: 'short',
          queries: [{ expr: `sum by (kind) (${series('sluice_streams_open')})`, legend: '{{kind}}' }],
        },
        {
          title: 'Streams opened',
          description: 'A second. High while few are open: clients that cannot stay connected.',
          unit: 'ops',
          queries: [{ expr: `sum by (kind) (${rateOf('sluice_streams_opened_total')})`, legend: '{{kind}}' }],
        },
        {
          title: 'Waiting',
          description: 'Publishes without an outcome yet, pulls under way, subscriptions with a consumer.',
          unit: 'short',
          queries: [
            { expr: `sum(${series('sluice_publish_inflight')})`, legend: 'publishes' },
            { expr: `sum(${series('sluice_pulls_waiting')})`, legend: 'pulls' },
            { expr: `sum(${series('sluice_pull_sessions')})`, legend: 'subscriptions' },
          ],
        },
      ],
    },
    {
      title: 'Access and resources',
      panels: [
        {
          title: 'Turned away',
          description: 'Problems that are about the caller or about bounds, by code.',
          unit: 'ops',
          emptyWhen: 'nobody was turned away since the start',
          queries: [
            {
              expr: `sum by (code) (${rateOf(
                'sluice_problems_total',
                'code=~"unauthenticated|scope_missing|origin_not_allowed|quota_exceeded|too_many_in_flight|overloaded|invalid_argument|message_too_large"',
              )})`,
              legend: '{{code}}',
            },
          ],
        },
        {
          title: 'Keys and certificates read',
          description: 'What could not be read keeps the old ones.',
          unit: 'short',
          emptyWhen: 'nothing was read again since the start',
          queries: [
            { expr: `sum by (what, result) (${series('sluice_access_reloads_total')})`, legend: '{{what}} {{result}}' },
          ],
        },
        {
          title: 'Spans',
          description:
            'For the collector of traces, by what became of them. Dropped ones were more than it took, or it was away.',
          unit: 'ops',
          queries: [{ expr: `sum by (result) (${rateOf('sluice_trace_spans_total')})`, legend: '{{result}}' }],
        },
        {
          title: 'File descriptors',
          description: 'Sockets and files.',
          unit: 'short',
          queries: [{ expr: series('process_open_fds'), legend: '{{instance}}' }],
        },
      ],
    },
  ],
};

const NO_RUN = 'no comparison runs with --metrics-port';
const watched = 'system=~"$system",layer=~"$layer",workload=~"$workload"';
const bySystem = 'workload, mode, system, layer';
const cellLegend = '{{system}} {{layer}} {{workload}} {{mode}}';

const comparison: Dashboard = {
  uid: 'comparison',
  title: 'Comparison run',
  description:
    'A `sluice compare --metrics-port` while it runs. For watching: the figures to cite are those of its report, which knows which runs are valid.',
  variables: [
    { name: 'system', label: 'System', metric: 'sluice_compare_published_messages_total', of: 'system' },
    { name: 'layer', label: 'Layer', metric: 'sluice_compare_published_messages_total', of: 'layer' },
    { name: 'workload', label: 'Workload', metric: 'sluice_compare_published_messages_total', of: 'workload' },
  ],
  annotation: {
    name: 'Cells',
    expr: 'sluice_compare_running unless sluice_compare_running offset 15s',
    titleFormat: '{{system}} {{layer}}',
    textFormat: '{{workload}} {{mode}}, repeat {{repeat}}',
  },
  rows: [
    {
      title: 'The run',
      panels: [
        {
          title: 'Rows',
          description: 'Of scenarios and workloads, done and left.',
          unit: 'short',
          kind: 'stat',
          emptyWhen: NO_RUN,
          queries: [{ expr: series('sluice_compare_rows', '', 'state=~".+"'), legend: '{{state}}' }],
        },
        {
          title: 'Time left',
          description: 'About; by the budget at first, then by the pace.',
          unit: 's',
          kind: 'stat',
          emptyWhen: NO_RUN,
          queries: [{ expr: series('sluice_compare_left_seconds', '', 'instance=~".+"'), legend: 'left' }],
        },
        {
          title: 'Cells',
          description: 'Measured so far. Figures of invalid ones are not printed; a machine that is busy makes many.',
          unit: 'short',
          kind: 'stat',
          emptyWhen: NO_RUN,
          queries: [{ expr: series('sluice_compare_cells_total', '', 'result=~".+"'), legend: '{{result}}' }],
        },
      ],
    },
    {
      title: 'The load',
      panels: [
        {
          title: 'Published',
          description: 'Acknowledged a second. A line across the panels is where a cell begins.',
          unit: 'cps',
          emptyWhen: NO_RUN,
          queries: [
            {
              expr: `sum by (${bySystem}) (${rateOf('sluice_compare_published_messages_total', '', watched)})`,
              legend: cellLegend,
            },
          ],
        },
        {
          title: 'Received',
          description: 'Each message once for each subscription.',
          unit: 'cps',
          emptyWhen: NO_RUN,
          queries: [
            {
              expr: `sum by (${bySystem}) (${rateOf('sluice_compare_received_messages_total', '', watched)})`,
              legend: cellLegend,
            },
          ],
        },
      ],
    },
    {
      title: 'How it is carried',
      panels: [
        {
          title: 'Backlog',
          description:
            'Acknowledged and still to come. What grows all through an equal load is more than the system carries.',
          unit: 'short',
          emptyWhen: NO_RUN,
          queries: [{ expr: series('sluice_compare_backlog_messages', '', watched), legend: cellLegend }],
        },
        {
          title: 'End to end',
          description: 'From the intended time of sending, in the last interval.',
          unit: 's',
          emptyWhen: NO_RUN,
          queries: [
            { expr: series('sluice_compare_end_to_end_seconds', '', watched), legend: `${cellLegend} {{quantile}}` },
          ],
        },
      ],
    },
  ],
};

export const dashboards: readonly Dashboard[] = [overview, backends, topic, log, clients, comparison];
