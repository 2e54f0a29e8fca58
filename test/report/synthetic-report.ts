/** A report with everything in it, made up from a seed: for tests and for looking at. No figure in it was measured. */

import { capabilityQuestions } from '../../src/adapters/capabilities.ts';
import type {
  CellSummary,
  HistogramData,
  LatencySummary,
  Layer,
  RateSearch,
  Report,
  ScenarioRow,
  ScenarioVerdict,
  SystemRow,
  WorkloadMode,
  WorkloadParameters,
  WorkloadRow,
} from '../../src/compare/report/model.ts';
import { decidePrimary, primaryComparisonsOf } from '../../src/compare/conclusions/primary-comparisons.ts';
import { reportSpecVersion } from '../../src/compare/report/model.ts';
import { seededRandom } from '../../scripts/make-log-samples.ts';

const systems = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream', 'kafka', 'log'] as const;
type System = (typeof systems)[number];

interface Character {
  readonly persistence: 'os' | 'fsync';
  readonly rate: number;
  readonly medianMs: number;
  readonly tail: number;
  readonly brokerCpu: number | null;
  readonly written: number;
  readonly rss: number;
}

const characters: Readonly<Record<System, Character>> = {
  'rabbitmq-quorum': {
    persistence: 'fsync',
    rate: 35_000,
    medianMs: 1.1,
    tail: 0.55,
    brokerCpu: 31,
    written: 2.3,
    rss: 190e6,
  },
  'rabbitmq-classic': {
    persistence: 'os',
    rate: 36_500,
    medianMs: 0.8,
    tail: 0.6,
    brokerCpu: 27,
    written: 1.2,
    rss: 170e6,
  },
  'rabbitmq-stream': {
    persistence: 'os',
    rate: 49_000,
    medianMs: 0.6,
    tail: 0.7,
    brokerCpu: 19,
    written: 1.1,
    rss: 185e6,
  },
  kafka: { persistence: 'os', rate: 68_000, medianMs: 2.4, tail: 0.5, brokerCpu: 11, written: 1.05, rss: 720e6 },
  log: { persistence: 'fsync', rate: 240_000, medianMs: 0.4, tail: 0.35, brokerCpu: null, written: 1.06, rss: 120e6 },
};

const layerCost: Readonly<Record<Layer, number>> = { bare: 1, port: 0.86, rest: 0.41, grpc: 0.3, reference: 1.6 };

const baseParameters: WorkloadParameters = {
  messageBytes: 1024,
  ratePerSecond: 5000,
  partitions: 4,
  subscriptions: 1,
  consumersPerSubscription: 1,
  keys: 1000,
  keyDistribution: 'uniform',
  arrival: 'poisson',
  messages: 15_000,
  warmupMs: 1000,
  measuredMs: 3000,
  publishWindow: 4000,
  credit: 1000,
  ackBatch: 100,
};

export function syntheticReport(seed = 1): Report {
  const random = seededRandom(seed);
  const workloads = makeWorkloads(random);
  return {
    specVersion: reportSpecVersion,
    run: {
      id: 'synthetic-1',
      seed,
      profile: 'standard',
      planHash: '9f2c1b7e40d35a6681c0aa4de0c7b3f19c55e2ad7f6b08d4417730c2e9b1fd06',
      startedAt: '2026-03-01T10:00:00.000Z',
      finishedAt: '2026-03-01T10:21:40.000Z',
      command: 'npx sluice compare --profile standard --seed 1 --layers bare,port,rest,grpc',
      durationMs: 1_300_000,
      repeats: 3,
      layers: ['bare', 'port', 'rest', 'grpc'],
      order: workloads.map((row) => `${row.id}/${row.system}/${row.layer}/${row.repeat}`),
    },
    environment: {
      cpu: { model: 'Example CPU 7B13', cores: 2, mhz: 2450 },
      memoryBytes: 24 * 1024 ** 3,
      kernel: 'Linux 6.1.0',
      os: 'Debian 12',
      node: 'v20.20.2',
      libraries: { sluice: '0.1.0', amqplib: '2.3.1', kafkajs: '2.2.4' },
      filesystem: { path: '/var/lib/sluice', type: 'ext4', device: '/dev/vda1', freeBytes: 80e9 },
      fsyncMs: { p50: 0.162, p99: 0.251, count: 500 },
      loadAverage: { start: 0.4, end: 2.9 },
      generatorCeiling: { '100': 1_900_000, '1024': 1_210_000 },
    },
    systems: systems.map(systemRow),
    scenarios: makeScenarios(),
    workloads,
    summaries: summarize(workloads),
    primary: primaryOf(workloads, seed),
    verdicts: verdicts(),
    assertions: [
      {
        expression: 'throughput-1k.kafka.latencyMs.publish.p99 < 50ms',
        holds: true,
        actual: 7.3,
        reason: '7.3 ms is below 50 ms',
      },
      {
        expression: 'fan-out.rabbitmq-quorum.checks.lost == 0',
        holds: false,
        actual: null,
        reason: 'no valid cell has checks.lost',
      },
    ],
    notMeasured: [
      { id: 'power-loss', system: null, layer: null, reason: 'needs a file system that drops unsynced writes' },
      { id: 'broker-kill', system: 'log', layer: 'port', reason: 'the log lives in the process that would be killed' },
      { id: 'throughput-1k', system: 'rabbitmq-stream', layer: 'grpc', reason: 'the gateway did not answer in time' },
    ],
    limits: [
      'One machine with 2 cores, loopback: no network and no replication; the generator competes with the brokers for the cores.',
      'Single nodes: quorum queues and Kafka are made for three or more, so this understates their purpose.',
      'amqplib and kafkajs are single-threaded JavaScript and may be what limits; the Java clients are absent.',
      'Ratios within a durability may carry over to other machines; absolute figures do not.',
    ],
  };
}

function primaryOf(workloads: readonly WorkloadRow[], seed: number): NonNullable<Report['primary']> {
  const specs = [
    { id: 'throughput-1k', mode: 'own-maximum', layers: ['bare'], kind: 'flow' },
    { id: 'throughput-1k', mode: 'equal-load', layers: ['bare'], kind: 'flow' },
  ] as const;
  const named = primaryComparisonsOf({ systems, layers: ['bare'], specs, repeats: 3 });
  const decided = decidePrimary(named, workloads, [], seed);
  if (decided === null) throw new Error('there are primary comparisons');
  // Three repeats show nothing: one of each outcome, so that all are looked at.
  const outcomes = ['shown', 'opposite-shown', 'no-difference-shown'] as const;
  const results = decided.results.map((result, index) => {
    const outcome = outcomes[index];
    const adjustedPValue = outcome === 'no-difference-shown' ? 0.31 : 0.000_032;
    const because = 'as the figures say';
    return outcome === undefined ? result : { ...result, outcome, because, pValue: 0.000_011, adjustedPValue };
  });
  return { ...decided, results };
}

/** A run in which nothing could be had and nothing was asked. */
/** Ours and an independent tool that agree. */
export function agreementRow(): NonNullable<Report['agreement']>[number] {
  const spread = (median: number) => ({ median, low: median * 0.9, high: median * 1.1, count: 3 });
  return {
    id: 'kafka-producer-maximum',
    system: 'kafka-java',
    figure: 'publish rate',
    unit: 'messages/s',
    settings: '1 KiB, acks=all',
    tool: 'ProducerPerformance',
    ours: spread(51_000),
    theirs: spread(50_000),
    ratio: 1.02,
    bound: 0.15,
    agrees: true,
    differs: 'the buffer',
  };
}

export function emptyReport(): Report {
  const { primary: _, ...full } = syntheticReport();
  return {
    ...full,
    run: { ...full.run, order: [], layers: [] },
    environment: { ...full.environment, libraries: {}, generatorCeiling: {} },
    systems: [],
    scenarios: [],
    workloads: [],
    summaries: [],
    verdicts: [],
    assertions: [],
    notMeasured: [],
    limits: [],
  };
}

function systemRow(id: System): SystemRow {
  const product = id === 'kafka' ? 'Apache Kafka' : id === 'log' ? 'Sluice log' : 'RabbitMQ';
  return {
    id,
    product,
    version: id === 'kafka' ? '4.3.1' : id === 'log' ? '0.1.0' : '4.3.6',
    source: id === 'log' ? 'embedded' : 'process',
    nodes: 1,
    startMs: id === 'log' ? null : id === 'kafka' ? 2100 : 2900,
    configuration:
      id === 'kafka'
        ? { acks: 'all', 'flush.messages': '9223372036854775807', 'num.partitions': '4' }
        : { prefetch: '1000' },
    capabilities: Object.fromEntries(
      Object.keys(capabilityQuestions).map((name, index) => [
        name,
        (index + id.length) % 5 === 0
          ? { level: 'unsupported', how: `${product} has nothing like ${name}.` }
          : (index + id.length) % 3 === 0
            ? { level: 'emulated', how: 'The adapter does it with a second topic.', limits: { messages: 1000 } }
            : { level: 'native', how: 'By the broker itself.' },
      ]),
    ),
    notes: id === 'log' ? ['embedded in the test process and not replicated'] : [],
  };
}

// ------------------------------------------------------------------------------------------------ scenarios

type Plan = readonly [verdict: ScenarioVerdict, summary: string];

const queueLoses: Plan = ['DIFFERS', 'late subscriber received 0 of 1,000: the queue did not exist yet'];
const pass = (summary: string): Plan => ['PASS', summary];

const scenarioPlans: readonly {
  readonly id: string;
  readonly title: string;
  readonly question: string;
  readonly by: Readonly<Record<System, Plan>>;
}[] = [
  {
    id: 'fan-out',
    title: 'Fan-out',
    question: 'Does each of several subscriptions get every message?',
    by: all(pass('the 3 subscriptions received 1,000, 1,000, 1,000 of 1,000, 0 twice')),
  },
  {
    id: 'fan-out-disk',
    title: 'Fan-out on disk',
    question: 'Is one copy stored for all subscriptions, or one for each?',
    by: {
      'rabbitmq-quorum': ['DIFFERS', '8 subscriptions wrote 8.9 bytes for each payload byte'],
      'rabbitmq-classic': ['DIFFERS', '8 subscriptions wrote 4.2 bytes for each payload byte'],
      'rabbitmq-stream': pass('8 subscriptions wrote 1.1 bytes for each payload byte'),
      kafka: pass('8 subscriptions wrote 1.0 bytes for each payload byte'),
      log: pass('8 subscriptions wrote 1.1 bytes for each payload byte'),
    },
  },
  {
    id: 'late-subscriber',
    title: 'Late subscriber',
    question: 'Does a subscription made later get the messages published before it?',
    by: {
      'rabbitmq-quorum': queueLoses,
      'rabbitmq-classic': queueLoses,
      'rabbitmq-stream': pass('received 1,000 of 1,000'),
      kafka: pass('received 1,000 of 1,000'),
      log: pass('received 1,000 of 1,000'),
    },
  },
  {
    id: 'replay-after-ack',
    title: 'Replay after acknowledging',
    question: 'Can a subscription read again what it has acknowledged?',
    by: {
      'rabbitmq-quorum': [
        'UNSUPPORTED',
        'seek was refused with capability_unsupported: an acknowledged message is gone',
      ],
      'rabbitmq-classic': [
        'UNSUPPORTED',
        'seek was refused with capability_unsupported: an acknowledged message is gone',
      ],
      'rabbitmq-stream': ['EMULATED', 'received 1,000 of 1,000 again; the cursor is kept by the adapter'],
      kafka: pass('received 1,000 of 1,000 again'),
      log: pass('received 1,000 of 1,000 again'),
    },
  },
  {
    id: 'order-per-key-competing',
    title: 'Order per key with competing consumers',
    question: 'Are messages of a key completed in order by four consumers?',
    by: {
      ...all(pass('0 of 4,000 out of order')),
      'rabbitmq-stream': ['EMULATED', '0 of 4,000 out of order, by lanes of the adapter'],
      kafka: ['INCONCLUSIVE', 'a rebalance took longer than the run; 3,120 of 4,000 seen'],
    },
  },
  {
    id: 'poison-message',
    title: 'Poison message',
    question: 'Does a message that always fails leave the way to the others?',
    by: {
      ...all(['EMULATED', 'dead-lettered after 5 attempts; 999 others were delivered']),
      'rabbitmq-quorum': pass('dead-lettered after 5 attempts; 999 others were delivered'),
    },
  },
  {
    id: 'consumer-crash',
    title: 'Consumer crash',
    question: 'Is what a dead consumer held given to another, and nothing lost?',
    by: all(pass('0 of 2,000 lost, 143 delivered twice, first redelivery after 38 ms')),
  },
];

function all(plan: Plan): Record<System, Plan> {
  return { 'rabbitmq-quorum': plan, 'rabbitmq-classic': plan, 'rabbitmq-stream': plan, kafka: plan, log: plan };
}

function makeScenarios(): ScenarioRow[] {
  return scenarioPlans.flatMap((plan) => systems.map((system) => scenarioRow(plan, system, 'port')));
}

function scenarioRow(plan: (typeof scenarioPlans)[number], system: System, layer: Layer): ScenarioRow {
  const [verdict, summary] = plan.by[system];
  const isOpen = verdict === 'INCONCLUSIVE';
  const isSurprise = plan.id === 'poison-message' && system === 'rabbitmq-classic';
  const counts = [1, 2, 4, 8];
  const copies = system === 'rabbitmq-quorum' ? 1.1 : system === 'rabbitmq-classic' ? 0.46 : 0;
  return {
    id: plan.id,
    title: plan.title,
    question: plan.question,
    system,
    layer,
    verdict,
    surprise: isSurprise,
    surpriseExplained: null,
    expected: {
      verdict: isSurprise || isOpen ? 'PASS' : verdict,
      why: 'Documented behaviour of the product at this version.',
      versions: '>=4.0',
      source: system === 'kafka' ? 'https://kafka.apache.org/documentation/#design' : 'rabbitmq-website docs/queues',
    },
    summary,
    observed:
      plan.id === 'fan-out-disk'
        ? {
            subscriptions: counts,
            bytesWrittenPerMessage: counts.map((n) => Math.round(1024 * (1.05 + copies * (n - 1)))),
            messageBytes: 1024,
          }
        : { published: 1000, received: verdict === 'DIFFERS' ? 0 : 1000, firstDeliveryMs: 3.4 },
    evidence:
      verdict === 'UNSUPPORTED' ? ['capability_unsupported: replay.earliest'] : ['first offset 0, last offset 999'],
    durationMs: 812,
  };
}

// ------------------------------------------------------------------------------------------------ workloads

interface Cell {
  readonly id: string;
  readonly title: string;
  readonly mode: WorkloadMode;
  readonly layers: readonly Layer[];
  readonly parameters: Partial<WorkloadParameters>;
}

const cells: readonly Cell[] = [
  {
    id: 'throughput-1k',
    title: '1 KiB messages at the same rate for all',
    mode: 'equal-load',
    layers: ['bare', 'port'],
    parameters: {},
  },
  {
    id: 'throughput-1k',
    title: '1 KiB messages as fast as each goes',
    mode: 'own-maximum',
    layers: ['bare', 'port', 'rest', 'grpc'],
    parameters: { ratePerSecond: null, arrival: 'closed-window' },
  },
  {
    id: 'throughput-100b',
    title: '100 B messages as fast as each goes',
    mode: 'own-maximum',
    layers: ['port'],
    parameters: { ratePerSecond: null, arrival: 'closed-window', messageBytes: 100 },
  },
  {
    id: 'fan-out',
    title: 'Four subscriptions, each gets every message (1 KiB)',
    mode: 'equal-load',
    layers: ['port'],
    parameters: { subscriptions: 4, ratePerSecond: 1250 },
  },
  {
    id: 'ordering',
    title: 'Order by key with four competing consumers and skewed keys (256 B)',
    mode: 'equal-load',
    layers: ['port'],
    parameters: { messageBytes: 256, consumersPerSubscription: 4, keyDistribution: 'zipf' },
  },
  {
    id: 'sustainable-1k',
    title: 'The highest rate of 1 KiB messages that can go on for ever',
    mode: 'sustainable-rate',
    layers: ['bare'],
    parameters: { ratePerSecond: null },
  },
];

function makeWorkloads(random: () => number): WorkloadRow[] {
  return cells.flatMap((cell) =>
    cell.layers.flatMap((layer) =>
      systems.flatMap((system) =>
        cell.id === 'throughput-1k' && layer === 'grpc' && system === 'rabbitmq-stream'
          ? []
          : [0, 1, 2].map((repeat) => workloadRow(cell, system, layer, repeat, random)),
      ),
    ),
  );
}

function workloadRow(cell: Cell, system: System, layer: Layer, repeat: number, random: () => number): WorkloadRow {
  const character = characters[system];
  const parameters: WorkloadParameters = { ...baseParameters, ...cell.parameters };
  const wobble = 0.94 + random() * 0.12;
  const maximum = character.rate * layerCost[layer] * wobble * (parameters.messageBytes < 200 ? 1.6 : 1);
  const rate = parameters.ratePerSecond ?? maximum;
  const isInvalid =
    (cell.id === 'ordering' && system === 'rabbitmq-stream') ||
    (cell.id === 'fan-out' && system === 'kafka' && repeat === 1);
  const publish = sampleLatency(random, (character.medianMs * wobble) / layerCost[layer], character.tail);
  const endToEnd = sampleLatency(random, (character.medianMs * 1.8 * wobble) / layerCost[layer], character.tail);
  const megabytes = (perSecond: number): number => (perSecond * parameters.messageBytes) / 1e6;
  const sent = Math.round(rate * 3);
  return {
    id: cell.id,
    title: cell.title,
    system,
    layer,
    durability: { persistence: character.persistence, copies: 1 },
    mode: cell.mode,
    settings: 'tuned',
    parameters,
    planHash: '4a1f',
    repeat,
    startedAt: '2026-03-01T10:02:00.000Z',
    valid: !isInvalid,
    ...(isInvalid
      ? { invalidBecause: `${12 + repeat} acknowledged messages were not received by a subscription` }
      : {}),
    limitedBy:
      cell.mode === 'equal-load'
        ? 'offered-load'
        : system === 'log'
          ? 'generator'
          : layer === 'bare'
            ? 'broker'
            : 'client',
    utilization: { brokerCores: character.brokerCpu === null ? null : 0.9, clientCores: 0.8, eventLoop: 0.7 },
    checks: {
      sent,
      acked: sent,
      unknown: 0,
      refused: 0,
      received: sent * parameters.subscriptions,
      lost: isInvalid ? 12 + repeat : 0,
      duplicated: repeat,
      reordered: 0,
      phantom: 0,
      offenders: isInvalid ? ['message 1041 of key k-17 was acknowledged and not received'] : [],
    },
    ...(cell.mode === 'sustainable-rate' ? { search: searchOf(character, maximum) } : {}),
    publish: { messagesPerSecond: rate, megabytesPerSecond: megabytes(rate) },
    consume: {
      messagesPerSecond: rate * parameters.subscriptions,
      megabytesPerSecond: megabytes(rate * parameters.subscriptions),
    },
    latencyMs: { publish: publish.summary, endToEnd: endToEnd.summary },
    slipMs: { p50: 0.02, p99: 0.4, max: 2.1 },
    cost: {
      brokerCpuSecondsPerMillion: character.brokerCpu === null ? null : character.brokerCpu * wobble,
      clientCpuSecondsPerMillion: (8 * wobble) / layerCost[layer],
      bytesWrittenPerPayloadByte: character.written * wobble,
      peakRssBytes: Math.round(character.rss * wobble),
    },
    histograms: { publish: publish.histogram, endToEnd: endToEnd.histogram },
    series: [0, 1000, 2000].map((tMs) => ({
      tMs,
      published: Math.round(rate),
      received: Math.round(rate),
      backlog: 12,
      endToEndP50Ms: 1.2,
      endToEndP99Ms: 5,
    })),
    serviceMs: { publish: { p50: 0.9, p99: 3.5, max: 9 }, endToEnd: { p50: 1.7, p99: 6.5, max: 14 } },
    eventLoopLagMs: { p50: 0.1, p99: 1.9, max: 6 },
    phases: [
      { phase: 'warmup', fromMs: -1000, toMs: 0, isSteady: repeat !== 2, note: repeat === 2 ? 'p50 swung' : 'steady' },
      { phase: 'steady', fromMs: 0, toMs: 3000, note: null },
      { phase: 'drain', fromMs: 3000, toMs: 3040, note: '12 messages to come' },
    ],
    notes: system === 'log' ? ['in-process: no connection in between'] : [],
  };
}

/** As a queue does: the nearer to its maximum, the longer the wait. */
function searchOf({ medianMs, brokerCpu }: Character, maximum: number): RateSearch {
  const rates = Array.from({ length: 8 }, (_, i) => 2_000 * 2 ** i);
  const last = rates.findIndex((rate) => rate >= maximum);
  const tried = last === -1 ? rates : rates.slice(0, last + 1);
  const steps = tried.map((ratePerSecond): RateSearch['steps'][number] => {
    const passed = ratePerSecond < maximum;
    const p99 = Math.round((passed ? (medianMs * 4) / (1 - ratePerSecond / maximum) : 420) * 100) / 100;
    return {
      kind: 'ramp',
      ratePerSecond,
      passed,
      criterion: passed ? null : 'latency',
      because: passed ? null : `p99 ${p99} ms, allowed 100 ms`,
      achieved: passed ? 1 : 0.91,
      backlogPerSecond: passed ? 0 : 900,
      publishP99Ms: p99,
      endToEndP50Ms: medianMs,
      endToEndP99Ms: p99,
      samples: ratePerSecond,
      slipP99Ms: 0.4,
      limitedBy: passed ? 'offered-load' : 'broker',
      brokerCores: brokerCpu === null ? null : 0.9,
      clientCores: 0.6,
      planHash: '77ab',
    };
  });
  const failed = steps.find(({ passed }) => !passed);
  const found = tried.filter((rate) => rate < maximum).at(-1) ?? 0;
  return {
    bounds: { achievedMin: 0.99, p99MsMax: 100, backlogGrowthMax: 0.01 },
    sustainedPerSecond: Math.round(found * 0.95),
    foundPerSecond: found,
    failed:
      failed === undefined
        ? null
        : {
            ratePerSecond: failed.ratePerSecond,
            criterion: 'latency',
            because: failed.because ?? '',
            limitedBy: failed.limitedBy,
          },
    end: failed === undefined ? 'top-of-ladder' : 'bracketed',
    steps,
  };
}

function sampleLatency(
  random: () => number,
  medianMs: number,
  tail: number,
): { summary: LatencySummary; histogram: HistogramData } {
  const samples = Array.from({ length: 6000 }, () => {
    const normal = Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const stall = random() < 0.002 ? medianMs * 12 * random() : 0;
    return medianMs * Math.exp(normal * tail) + stall;
  }).sort((a, b) => a - b);
  const at = (fraction: number): number => samples[Math.ceil(fraction * samples.length) - 1] ?? 0;
  const buckets = new Map<number, number>();
  for (const ms of samples) {
    const upper = Number((Math.ceil(ms * 50 * 1.0001) / 50).toFixed(3));
    buckets.set(upper, (buckets.get(upper) ?? 0) + 1);
  }
  const edges = [...buckets.keys()].sort((a, b) => a - b);
  return {
    summary: {
      p50: at(0.5),
      p90: at(0.9),
      p95: at(0.95),
      p99: at(0.99),
      p999: at(0.999),
      max: at(1),
      mean: samples.reduce((sum, ms) => sum + ms, 0) / samples.length,
      count: samples.length,
      negative: 0,
    },
    histogram: { upperMs: edges, counts: edges.map((edge) => buckets.get(edge) ?? 0) },
  };
}

// ------------------------------------------------------------------------------------------------ summaries, claims

function summarize(rows: readonly WorkloadRow[]): CellSummary[] {
  const groups = new Map<string, WorkloadRow[]>();
  for (const row of rows) {
    const id = [row.id, row.system, row.layer, row.mode, JSON.stringify(row.parameters)].join();
    groups.set(id, [...(groups.get(id) ?? []), row]);
  }
  return [...groups.values()].map((members) => {
    const first = members[0] as WorkloadRow;
    const valid = members.filter((row) => row.valid);
    return {
      id: `${first.id}.${first.system}`,
      workload: first.id,
      system: first.system,
      layer: first.layer,
      mode: first.mode,
      durability: first.durability,
      parameters: first.parameters,
      repeats: members.length,
      validRepeats: valid.length,
      invalidBecause: members.flatMap((row) => row.invalidBecause ?? []),
      limitedBy: first.limitedBy,
      figures: valid.length === 0 ? {} : figuresOf(valid),
    };
  });
}

function figuresOf(rows: readonly WorkloadRow[]): CellSummary['figures'] {
  const paths: Record<string, (row: WorkloadRow) => number | null> = {
    'publish.messagesPerSecond': (row) => row.publish.messagesPerSecond,
    'publish.megabytesPerSecond': (row) => row.publish.megabytesPerSecond,
    'consume.messagesPerSecond': (row) => row.consume.messagesPerSecond,
    'consume.megabytesPerSecond': (row) => row.consume.megabytesPerSecond,
    'cost.brokerCpuSecondsPerMillion': (row) => row.cost.brokerCpuSecondsPerMillion,
    'cost.clientCpuSecondsPerMillion': (row) => row.cost.clientCpuSecondsPerMillion,
    'cost.bytesWrittenPerPayloadByte': (row) => row.cost.bytesWrittenPerPayloadByte,
    'cost.peakRssBytes': (row) => row.cost.peakRssBytes,
  };
  for (const kind of ['publish', 'endToEnd'] as const) {
    for (const name of ['p50', 'p90', 'p95', 'p99', 'p999', 'max'] as const)
      paths[`latencyMs.${kind}.${name}`] = (row) => row.latencyMs[kind][name];
  }
  return Object.fromEntries(
    Object.entries(paths).flatMap(([path, get]) => {
      const values = rows.flatMap((row) => get(row) ?? []).sort((a, b) => a - b);
      const median = values[Math.floor(values.length / 2)];
      return median === undefined
        ? []
        : [[path, { median, low: values[0] as number, high: values.at(-1) as number, count: values.length }]];
    }),
  );
}

function verdicts(): Report['verdicts'] {
  const scope = 'RabbitMQ 4.3.6 and Kafka 4.3.1, one node each, 2 cores, 1 KiB, through the port';
  return [
    {
      id: 'kafka-is-faster',
      claim: 'Kafka is faster than RabbitMQ',
      verdict: 'true-if',
      basis: 'measured',
      reason:
        'At its own maximum Kafka published 58,000 msg/s, a RabbitMQ stream 42,000 and a quorum queue 30,000. At 5,000 msg/s RabbitMQ had the lower latency.',
      scope: `${scope}; for throughput with batches, not for latency at low load`,
      evidence: [
        'throughput-1k.kafka.port',
        'throughput-1k.rabbitmq-quorum.port',
        'throughput-1k.rabbitmq-stream.port',
      ],
    },
    {
      id: 'kafka-stores-rabbitmq-forgets',
      claim: 'Kafka stores messages while RabbitMQ hands them over and forgets',
      verdict: 'true-if',
      basis: 'measured',
      reason:
        'Acknowledged messages of quorum and classic queues are gone (0 of 1,000 for a late subscriber); a RabbitMQ stream keeps them as Kafka does.',
      scope: `${scope}; with queues, not with streams`,
      evidence: [
        'late-subscriber.rabbitmq-quorum.port',
        'late-subscriber.kafka.port',
        'replay-after-ack.rabbitmq-stream.port',
      ],
    },
    {
      id: 'many-readers',
      claim: 'Many consumers read the same stream independently',
      verdict: 'true',
      basis: 'measured',
      reason:
        'On every system each of 3 subscriptions got all of 1,000 messages; queues pay for it with a copy for each.',
      scope,
      evidence: ['fan-out.kafka.port', 'fan-out-disk.rabbitmq-quorum.port'],
    },
    {
      id: 'survives-faults',
      claim: 'Kafka survives faults without loss and RabbitMQ does not',
      verdict: 'false',
      basis: 'measured',
      reason: 'After a consumer crash neither lost any of 2,000 messages.',
      scope,
      evidence: ['consumer-crash.kafka.port', 'consumer-crash.rabbitmq-quorum.port'],
    },
    {
      id: 'scales-out',
      claim: 'Kafka scales out easily',
      verdict: 'not-tested',
      basis: 'not-tested',
      reason: 'One machine cannot show it.',
      scope: 'needs several machines',
      evidence: [],
    },
  ];
}
