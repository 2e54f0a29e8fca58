/**
 * The claims that people repeat about Kafka and RabbitMQ, each decided from measured cells only. What was not measured is
 * said to be not tested, whatever the documents promise. The embedded log is no answer to "RabbitMQ or Kafka?" and is left
 * out. Pure.
 */

import type {
  CellSummary,
  ClaimVerdict,
  Layer,
  NoiseFloor,
  PrimaryReport,
  ScenarioRow,
  Spread,
  SystemRow,
  WorkloadMode,
  WorkloadRow,
} from './report/model.ts';
import { durability, number, plural } from './report/figures.ts';
import { loadComparisonInWords, loadComparisons, loadCurves } from './report/latency-by-load.ts';
import { isMoreFlexible, notTested, scalesOut, suitsMessaging, survivesFaults } from './claims-of-scenarios.ts';
import { type Comparison, compareSpreads } from './statistics/index.ts';
import { isBesideTheAnswer } from './system-ids.ts';

export interface VerdictInput {
  readonly systems: readonly SystemRow[];
  readonly scenarios: readonly ScenarioRow[];
  readonly cells: readonly CellSummary[];
  /** Such as `AMD EPYC, 2 cores, one host`. */
  readonly machine: string;
  /** Of the same system run twice; a difference within it is none. */
  readonly noise?: readonly NoiseFloor[];
  /** Where two systems were tested, the test decides between them. */
  readonly primary?: PrimaryReport | null;
  /** Rows with a search for a sustainable rate: latency at every load on the way. */
  readonly searches?: readonly WorkloadRow[];
}

const rabbitMqSystems = ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'] as const;
/** Differences below this are not called differences. */
const noiseFloor = 0.1;

/** In the order of the page: speed, cost, scale, faults, meaning, use. */
export function decideClaims(all: VerdictInput): readonly ClaimVerdict[] {
  const input = onlyOfTheAnswer(all);
  const semantic = { scenarios: input.scenarios, scope: scopeOf(input) };
  return [
    isFaster(input),
    handlesMillions(input),
    hasLowLatency(input),
    isMoreEfficient(input),
    scalesOut(semantic),
    survivesFaults(semantic),
    storesAndForgets(input),
    readsIndependently(input),
    startsEasily(input),
    suitsMessaging(semantic),
    isMoreFlexible(semantic),
    hasSteadyTails(input),
    notTested(
      { id: 'kafka-fits-spark-flink-hadoop', claim: 'Kafka fits Spark, Flink and Hadoop' },
      'a question of connectors, which this comparison does not run',
    ),
  ];
}

/** Reference rows show what the vendors' own clients can do, others what settings do; the answer is between systems as they are, by clients of one language. */
function onlyOfTheAnswer(input: VerdictInput): VerdictInput {
  return {
    ...input,
    systems: input.systems.filter(({ id }) => !isBesideTheAnswer(id)),
    scenarios: input.scenarios.filter(({ system }) => !isBesideTheAnswer(system)),
    cells: input.cells.filter(({ system }) => !isBesideTheAnswer(system)),
  };
}

// ------------------------------------------------------------------------------------------------ performance

interface Pair {
  readonly kafka: CellSummary;
  readonly other: CellSummary;
  readonly kafkaFigure: Spread;
  readonly otherFigure: Spread;
  readonly comparison: Comparison;
  /** Only equal promises decide; the others are told. */
  readonly isSamePromise: boolean;
}

function isFaster(input: VerdictInput): ClaimVerdict {
  const claim = { id: 'kafka-is-faster', claim: 'Kafka is faster than RabbitMQ (messages per second)' };
  const pairs = pairsOf(input, 'own-maximum', 'publish.messagesPerSecond');
  return judge(input, claim, pairs, 'higher', perSecond);
}

function hasLowLatency(input: VerdictInput): ClaimVerdict {
  const claim = { id: 'kafka-has-low-latency', claim: 'Kafka has lower latency than RabbitMQ' };
  const pairs = pairsOf(input, 'equal-load', 'latencyMs.endToEnd.p99');
  const atOneLoad = judge(input, claim, pairs, 'lower', (figure) => `p99 ${number(figure.median)} ms`);
  return withOtherLoads(input, atOneLoad);
}

/** At which load and size the one is lower and the other is: an answer for one load is none for all. */
function withOtherLoads(input: VerdictInput, atOneLoad: ClaimVerdict): ClaimVerdict {
  const floor = noiseOfRun(input, 'equal-load', 'latencyMs.endToEnd.p99');
  const curves = loadCurves(input.searches ?? []);
  const bare = curves.filter(({ layer }) => layer === 'bare');
  const compared = loadComparisons(
    bare.length === 0 ? curves : bare,
    (system) => system === 'kafka',
    isRabbitMq,
    floor,
  ).filter(({ isSamePromise, rungs }) => isSamePromise && rungs.length > 0);
  if (compared.length === 0) return atOneLoad;
  const sides = new Set(compared.flatMap(({ rungs }) => rungs.map(({ lower }) => lower)));
  if (atOneLoad.verdict === 'true') sides.add('first');
  if (atOneLoad.verdict === 'false') sides.add('second');
  const isMixed = sides.has('first') && sides.has('second');
  const byLoad = sides.has('first') ? 'true' : sides.has('second') ? 'false' : 'inconclusive';
  const told = compared.map(
    (one) =>
      `${one.workload} (${one.messageBytes.toLocaleString('en-US')} B, ${one.layer}), ${one.first} and ${one.second}: ${loadComparisonInWords(one).en}`,
  );
  const ids = compared.flatMap(({ workload, layer, first, second }) => [
    `${workload}.${first}.${layer}`,
    `${workload}.${second}.${layer}`,
  ]);
  const isUntested = atOneLoad.verdict === 'not-tested';
  return {
    ...atOneLoad,
    verdict: isMixed ? 'true-if' : isUntested ? byLoad : atOneLoad.verdict,
    basis: 'measured',
    reason: `${isUntested ? '' : `${atOneLoad.reason} `}By load, p99: ${told.join('; ')}.`,
    scope: `${isMixed ? 'true at some loads and false at others, as said; ' : ''}${isUntested ? scopeOf(input) : atOneLoad.scope}`,
    evidence: [...new Set([...atOneLoad.evidence, ...ids])],
  };
}

/** On two shared cores nobody reaches it, and not reaching it there proves nothing. */
function handlesMillions(input: VerdictInput): ClaimVerdict {
  const claim = { id: 'kafka-millions-per-second', claim: 'Kafka handles millions of messages a second' };
  const cells = input.cells.filter(
    (cell) => cell.system === 'kafka' && cell.mode === 'own-maximum' && cell.validRepeats > 0,
  );
  const rates = cells.flatMap((cell) => cell.figures['publish.messagesPerSecond']?.median ?? []);
  if (rates.length === 0) return notTested(claim, 'no valid own maximum of Kafka');
  const most = Math.max(...rates);
  return {
    ...claim,
    verdict: most >= million ? 'true' : 'inconclusive',
    basis: 'measured',
    reason: `The most that one node of Kafka took here was ${perSecond({ median: most })}, limited by ${[...new Set(cells.map((cell) => cell.limitedBy))].join(', ')}.`,
    scope: `${most >= million ? '' : 'says nothing about a cluster on machines of its own, which published figures are from; '}${scopeOf(input)}`,
    evidence: [...new Set(cells.map(evidenceOf))],
  };
}

const million = 1_000_000;

function isMoreEfficient(input: VerdictInput): ClaimVerdict {
  const claim = {
    id: 'kafka-more-efficient',
    claim: 'Kafka needs less for the same work (broker CPU for each message)',
  };
  const pairs = pairsOf(input, 'own-maximum', 'cost.brokerCpuSecondsPerMillion');
  return judge(input, claim, pairs, 'lower', (figure) => `${number(figure.median)} CPU-seconds per million`);
}

function hasSteadyTails(input: VerdictInput): ClaimVerdict {
  const claim = { id: 'kafka-more-stable', claim: 'Kafka is more stable (the slowest of a thousand messages)' };
  const pairs = pairsOf(input, 'equal-load', 'latencyMs.endToEnd.p999');
  const verdict = judge(input, claim, pairs, 'lower', (figure) => `p99.9 ${number(figure.median)} ms`);
  if (verdict.verdict === 'not-tested') return verdict;
  return { ...verdict, scope: `of minutes, not of days: there was no soak; ${verdict.scope}` };
}

/** Kafka's cells of the throughput workloads beside RabbitMQ's: with the bare clients where they ran, else through the port. */
function pairsOf(input: VerdictInput, mode: WorkloadMode, path: string): readonly Pair[] {
  const cells = input.cells.filter(
    (cell) => cell.workload.startsWith('throughput-') && cell.mode === mode && cell.validRepeats > 0,
  );
  const layer: Layer = cells.some((cell) => cell.layer === 'bare' && cell.system === 'kafka') ? 'bare' : 'port';
  const onLayer = cells.filter((cell) => cell.layer === layer);
  return onLayer
    .filter((cell) => cell.system === 'kafka')
    .flatMap((kafka) =>
      onLayer
        .filter((cell) => cell.workload === kafka.workload && isRabbitMq(cell.system))
        .flatMap((other) => pairOf(kafka, other, path, noiseOfRun(input, mode, path)))
        .map((pair) => testedPair(pair, path, input)),
    );
}

/** The larger of what is always asked for and what this run showed of the figure. */
function noiseOfRun({ noise = [] }: VerdictInput, mode: WorkloadMode, path: string): number {
  const measured = noise.filter((row) => row.mode === mode && row.figure === path).map(({ floor }) => floor);
  return Math.max(noiseFloor, ...measured);
}

function pairOf(kafka: CellSummary, other: CellSummary, path: string, floor: number): readonly Pair[] {
  const kafkaFigure = kafka.figures[path];
  const otherFigure = other.figures[path];
  if (kafkaFigure === undefined || otherFigure === undefined) return [];
  const isSamePromise =
    kafka.durability.persistence === other.durability.persistence &&
    kafka.durability.copies === other.durability.copies;
  const comparison = compareSpreads(kafkaFigure, otherFigure, floor);
  return [{ kafka, other, kafkaFigure, otherFigure, comparison, isSamePromise }];
}

/** What a primary comparison found of this pair stands; without one it is the intervals that say. */
function testedPair(pair: Pair, path: string, { primary }: VerdictInput): Pair {
  const { kafka, other } = pair;
  const tested = primary?.results.find(
    (one) =>
      one.workload === kafka.workload &&
      one.mode === kafka.mode &&
      one.layer === kafka.layer &&
      one.figure === path &&
      one.first === kafka.system &&
      one.second === other.system,
  );
  if (tested === undefined) return pair;
  const comparisons = {
    shown: tested.direction,
    'opposite-shown': tested.direction === 'higher' ? 'lower' : 'higher',
    'no-difference-shown': 'no-difference-shown',
    'cannot-be-shown': 'no-difference-shown',
  } as const;
  return { ...pair, comparison: comparisons[tested.outcome] };
}

function judge(
  input: VerdictInput,
  { id, claim }: { readonly id: string; readonly claim: string },
  pairs: readonly Pair[],
  wanted: 'higher' | 'lower',
  figureText: (figure: Spread) => string,
): ClaimVerdict {
  const deciding = pairs.filter((pair) => pair.isSamePromise);
  const [first] = deciding;
  if (first === undefined)
    return notTested({ id, claim }, 'no valid cells of Kafka and RabbitMQ with the same durability');
  const forIt = deciding.filter((pair) => pair.comparison === wanted);
  const undecided = deciding.filter((pair) => pair.comparison === 'no-difference-shown');
  const verdict =
    forIt.length === deciding.length
      ? 'true'
      : forIt.length > 0
        ? 'true-if'
        : undecided.length > 0
          ? 'inconclusive'
          : 'false';
  const condition =
    verdict === 'true-if'
      ? `true against ${forIt.map((pair) => `${pair.other.system} on ${pair.kafka.workload}`).join(', ')}; `
      : '';
  return {
    id,
    claim,
    verdict,
    basis: 'measured',
    reason: tellPairs(pairs, figureText),
    scope: `${condition}${scopeOf(input)}, layer ${first.kafka.layer}, ${first.kafka.mode}, durability ${durability(first.kafka.durability)}, at least ${counted(Math.min(...deciding.map((pair) => Math.min(pair.kafkaFigure.count, pair.otherFigure.count))), 'valid run')} of each`,
    evidence: [...new Set(pairs.flatMap((pair) => [evidenceOf(pair.kafka), evidenceOf(pair.other)]))],
  };
}

/** `throughput-1k: Kafka 34,600 msg/s, rabbitmq-stream 30,200 msg/s, rabbitmq-quorum 25,800 msg/s (promises fsync × 1, Kafka os × 1).` */
function tellPairs(pairs: readonly Pair[], figureText: (figure: Spread) => string): string {
  const byWorkload = groupedBy(pairs, (pair) => pair.kafka);
  const sentences = [...byWorkload].map(([kafka, members]) => {
    const others = members.map(({ other, otherFigure, isSamePromise }) => {
      const promise = isSamePromise
        ? ''
        : ` (promises ${durability(other.durability)}, Kafka ${durability(kafka.durability)})`;
      return `${other.system} ${figureText(otherFigure)}${promise}`;
    });
    const [{ kafkaFigure }] = members as [Pair];
    return `${kafka.workload}: Kafka ${figureText(kafkaFigure)}, ${others.join(', ')}.`;
  });
  return sentences.join(' ');
}

// ------------------------------------------------------------------------------------------------ semantics

function storesAndForgets(input: VerdictInput): ClaimVerdict {
  const id = 'kafka-stores-rabbitmq-forgets';
  const claim = 'Kafka stores messages durably while RabbitMQ hands them over and forgets';
  const rows = scenarioRows(input, ['replay-after-ack', 'late-subscriber']);
  const kafka = rows.filter((row) => row.system === 'kafka');
  const queueRows = rows.filter((row) => row.system === 'rabbitmq-quorum' || row.system === 'rabbitmq-classic');
  const streamRows = rows.filter((row) => row.system === 'rabbitmq-stream');
  if (kafka.length === 0 || queueRows.length + streamRows.length === 0)
    return notTested({ id, claim }, 'the scenarios of replay and late subscribers did not run on both');
  const isOpen = rows.some((row) => row.verdict === 'INCONCLUSIVE');
  const kafkaKeeps = kafka.every(holds);
  const queuesForget = queueRows.length > 0 && queueRows.every((row) => !holds(row));
  const streamsKeep = streamRows.length > 0 && streamRows.every(holds);
  const verdict = isOpen ? 'inconclusive' : !kafkaKeeps || !queuesForget ? 'false' : streamsKeep ? 'true-if' : 'true';
  return {
    id,
    claim,
    verdict,
    basis: 'measured',
    reason: `Kafka ${kafkaKeeps ? 'kept' : 'did not keep'} what had been acked; RabbitMQ's queues ${queuesForget ? 'had forgotten it' : 'gave it again'}${streamRows.length === 0 ? '' : `, its streams ${streamsKeep ? 'kept it too' : 'did not keep it'}`}.`,
    scope: `${verdict === 'true-if' ? 'true of quorum and classic queues, false of streams; ' : ''}${scopeOf(input)}; what survives a crash is another question, not tested here`,
    evidence: rows.map(scenarioEvidence),
  };
}

function readsIndependently(input: VerdictInput): ClaimVerdict {
  const id = 'many-independent-readers';
  const claim = 'With Kafka many consumers read the same messages independently';
  const rows = scenarioRows(input, ['fan-out', 'away-subscriber', 'fan-out-disk']);
  const kafka = rows.filter((row) => row.system === 'kafka');
  if (kafka.length === 0) return notTested({ id, claim }, 'the fan-out scenarios did not run on Kafka');
  const verdict = kafka.some((row) => row.verdict === 'INCONCLUSIVE')
    ? 'inconclusive'
    : kafka.every(holds)
      ? 'true'
      : 'false';
  const alsoIndependent = rabbitMqSystems.filter((system) => {
    const own = rows.filter((row) => row.system === system && row.id !== 'fan-out-disk');
    return own.length > 0 && own.every(holds);
  });
  const disk = rows.filter((row) => row.id === 'fan-out-disk').map((row) => `${row.system}: ${row.summary}`);
  return {
    id,
    claim,
    verdict,
    basis: 'measured',
    reason:
      `${alsoIndependent.length === 0 ? 'No RabbitMQ system was seen to do it.' : `So does RabbitMQ (${alsoIndependent.join(', ')}); the difference is what is stored.`} ${disk.join('; ')}`.trim(),
    scope: scopeOf(input),
    evidence: rows.map(scenarioEvidence),
  };
}

function startsEasily(input: VerdictInput): ClaimVerdict {
  const id = 'rabbitmq-easier-to-start';
  const claim = 'RabbitMQ is easier to start with';
  const kafka = input.systems.find((system) => system.id === 'kafka');
  const rabbitMq = input.systems.find((system) => isRabbitMq(system.id));
  if (kafka?.startMs === null || rabbitMq?.startMs === null || kafka === undefined || rabbitMq === undefined)
    return notTested({ id, claim }, 'both brokers must be started by the run');
  const kafkaRss = peakRss(input.cells, (system) => system === 'kafka');
  const rabbitMqRss = peakRss(input.cells, isRabbitMq);
  const memory =
    kafkaRss === null || rabbitMqRss === null
      ? ''
      : `; memory under load ${mebibytes(rabbitMqRss)} against ${mebibytes(kafkaRss)}`;
  const isSmaller = kafkaRss !== null && rabbitMqRss !== null && rabbitMqRss < kafkaRss * (1 - noiseFloor);
  const isQuicker = rabbitMq.startMs < kafka.startMs * (1 - noiseFloor);
  const evidence = [
    ...input.cells.filter((cell) => cell.system === 'kafka' || isRabbitMq(cell.system)).map(evidenceOf),
    ...scenarioRows(input, ['idle-cost']).map(scenarioEvidence),
  ].slice(0, 8);
  if (evidence.length === 0) return notTested({ id, claim }, 'no workload and not the scenario idle-cost ran on both');
  return {
    id,
    claim,
    verdict: isSmaller && isQuicker ? 'true' : isSmaller || isQuicker ? 'true-if' : 'false',
    basis: 'measured',
    reason: `RabbitMQ accepted connections after ${rabbitMq.startMs} ms, Kafka after ${kafka.startMs} ms${memory}.`,
    scope: `only start-up time and memory are measured, not how easily it is learnt${isSmaller === isQuicker ? '' : `; true of ${isSmaller ? 'memory' : 'start-up time'} alone`}; ${scopeOf(input)}`,
    evidence,
  };
}

function peakRss(cells: readonly CellSummary[], wanted: (system: string) => boolean): number | null {
  const peaks = cells
    .filter((cell) => wanted(cell.system))
    .flatMap((cell) => cell.figures['cost.peakRssBytes']?.high ?? []);
  return peaks.length === 0 ? null : Math.max(...peaks);
}

// ------------------------------------------------------------------------------------------------ words

function scenarioRows(input: VerdictInput, ids: readonly string[]): readonly ScenarioRow[] {
  return input.scenarios.filter((row) => ids.includes(row.id) && (row.system === 'kafka' || isRabbitMq(row.system)));
}

function holds(row: ScenarioRow): boolean {
  return row.verdict === 'PASS' || row.verdict === 'EMULATED';
}

function isRabbitMq(system: string): boolean {
  return system.startsWith('rabbitmq-');
}

function scopeOf(input: VerdictInput): string {
  const versions = new Map(
    input.systems
      .filter((system) => system.id !== 'log')
      .map((system) => [`${system.product} ${system.version}`, system.nodes]),
  );
  return `${[...versions].map(([name, nodes]) => `${name} (${nodes} ${nodes === 1 ? 'node' : 'nodes'})`).join(', ')}, ${input.machine}`;
}

function evidenceOf(cell: CellSummary): string {
  return `${cell.workload}.${cell.system}.${cell.layer}`;
}

function scenarioEvidence(row: ScenarioRow): string {
  return `${row.id}.${row.system}.${row.layer}`;
}

function groupedBy<T, K>(items: readonly T[], keyOf: (item: T) => K): ReadonlyMap<K, readonly T[]> {
  const groups = new Map<K, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}

function perSecond(figure: Pick<Spread, 'median'>): string {
  return `${number(figure.median)} messages/s`;
}

function counted(howMany: number, what: string): string {
  return `${howMany} ${plural(howMany, what)}`;
}

function mebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 ** 2)} MiB`;
}
