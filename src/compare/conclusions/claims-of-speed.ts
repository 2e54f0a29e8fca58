/**
 * Claims that rates, latencies and costs decide, from cells of the same promise. The answer is of the usual JavaScript clients; what the
 * vendors' Java clients did stands beside it, and where they say otherwise, or do not show it, the claim has a condition. Pure.
 */

import type {
  CellSummary,
  ClaimVerdict,
  Layer,
  NoiseFloor,
  PrimaryReport,
  Spread,
  WorkloadMode,
  WorkloadRow,
} from '../report/model.ts';
import { notTested } from './claims-of-scenarios.ts';
import { durability, number, plural } from '../report/figures.ts';
import { loadComparisonInWords, loadComparisons, loadCurves, noiseFloorOfLoads } from '../report/latency-by-load.ts';
import { type Comparison, compareSpreads, leastNoiseFloor } from '../statistics/index.ts';

export interface SpeedEvidence {
  /** Of the systems of the answer. */
  readonly cells: readonly CellSummary[];
  /** By the vendors' clients: `kafka-java`, `rabbitmq-stream-protocol`, .... */
  readonly referenceCells: readonly CellSummary[];
  readonly noise: readonly NoiseFloor[];
  readonly primary: PrimaryReport | null;
  readonly searches: readonly WorkloadRow[];
  /** Which products, versions and machine: the end of every scope. */
  readonly scope: string;
}

const million = 1_000_000;
/** Of a load on the way of a search: of one second nobody knows what the next one would have been. */
const triesToDecide = 2;

interface Claim {
  readonly id: string;
  readonly claim: string;
}

interface Pair {
  readonly kafka: CellSummary;
  readonly other: CellSummary;
  readonly kafkaFigure: Spread;
  readonly otherFigure: Spread;
  readonly comparison: Comparison;
  /** Only equal promises decide; the others are told. */
  readonly isSamePromise: boolean;
  /** A primary comparison named this pair before the run. */
  readonly isTested: boolean;
}

type FigureText = (figure: Spread) => string;

export function isFaster(input: SpeedEvidence): ClaimVerdict {
  const claim = { id: 'kafka-is-faster', claim: 'Kafka is faster than RabbitMQ (messages per second)' };
  const path = 'publish.messagesPerSecond';
  const answer = judge(input, claim, pairsOf(input, 'own-maximum', path), 'higher', perSecond);
  return withVendorsClients(input, answer, ['own-maximum'], path, 'higher', perSecond);
}

export function hasLowLatency(input: SpeedEvidence): ClaimVerdict {
  const claim = { id: 'kafka-has-low-latency', claim: 'Kafka has lower latency than RabbitMQ' };
  const path = 'latencyMs.endToEnd.p99';
  const p99: FigureText = (figure) => `p99 ${number(figure.median)} ms`;
  const atOneLoad = judge(input, claim, pairsOf(input, 'equal-load', path), 'lower', p99);
  return withOtherLoads(input, withVendorsClients(input, atOneLoad, ['equal-load'], path, 'lower', p99));
}

/** At which load and size the one is lower and the other is: an answer for one load is none for all. */
function withOtherLoads(input: SpeedEvidence, atOneLoad: ClaimVerdict): ClaimVerdict {
  const curves = loadCurves(input.searches);
  const bare = curves.filter(({ layer }) => layer === 'bare');
  const compared = loadComparisons(
    bare.length === 0 ? curves : bare,
    (system) => system === 'kafka',
    isRabbitMq,
    noiseFloorOfLoads,
  ).filter(({ isSamePromise, rungs }) => isSamePromise && rungs.length > 0);
  if (compared.length === 0) return atOneLoad;
  // What was tried once is told, and decides nothing.
  const deciding = compared.flatMap(({ rungs }) =>
    rungs.filter(({ first, second }) => Math.min(first.tries, second.tries) >= triesToDecide),
  );
  const sides = new Set(deciding.map(({ lower }) => lower));
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
    scope: `${isMixed ? 'true at some loads and false at others, as said; ' : ''}a load on the way of a search is tried briefly, may be more than one of the two can hold, and decides only where it was tried more than once; ${isUntested ? input.scope : atOneLoad.scope}`,
    evidence: [...new Set([...atOneLoad.evidence, ...ids])],
  };
}

/** On two shared cores nobody reaches it, and not reaching it there proves nothing. */
export function handlesMillions(input: SpeedEvidence): ClaimVerdict {
  const claim = { id: 'kafka-millions-per-second', claim: 'Kafka handles millions of messages a second' };
  const cells = [
    ...input.cells.filter(({ system }) => system === 'kafka'),
    ...input.referenceCells.filter(({ system }) => system === 'kafka-java'),
  ].filter(({ mode, validRepeats }) => mode === 'own-maximum' && validRepeats > 0);
  const bests = (['reference', 'bare', 'port'] as const).flatMap((layer) => mostOf(cells, layer) ?? []);
  const [best] = bests.toSorted((a, b) => rateOf(b) - rateOf(a));
  if (best === undefined) return notTested(claim, 'no valid own maximum of Kafka');
  const isReached = rateOf(best) >= million;
  return {
    ...claim,
    verdict: isReached ? 'true' : 'inconclusive',
    basis: 'measured',
    reason: `The most that one node of Kafka took here: ${bests.map(mostInWords).join('; ')}.`,
    scope: `${isReached ? '' : 'says nothing about a cluster on machines of its own, which published figures are from; '}${input.scope}`,
    evidence: [...new Set(cells.map(evidenceOf))],
  };
}

function mostOf(cells: readonly CellSummary[], layer: Layer): CellSummary | null {
  const own = cells.filter((cell) => cell.layer === layer && rateOf(cell) > 0);
  return own.toSorted((a, b) => rateOf(b) - rateOf(a))[0] ?? null;
}

function rateOf({ figures }: CellSummary): number {
  return figures['publish.messagesPerSecond']?.median ?? 0;
}

function mostInWords(cell: CellSummary): string {
  const client =
    cell.layer === 'reference' ? "Kafka's Java producer" : cell.layer === 'bare' ? 'kafkajs' : "Sluice's port";
  const bytes = cell.parameters.messageBytes.toLocaleString('en-US');
  return `by ${client} ${perSecond({ median: rateOf(cell) })} of ${bytes} B, limited by ${cell.limitedBy}`;
}

/** Batches fill at an own maximum, and a broker's work for a message falls: both loads are looked at. */
export function isMoreEfficient(input: SpeedEvidence): ClaimVerdict {
  const claim = { id: 'kafka-more-efficient', claim: "Kafka's broker needs less processor time for a message" };
  const path = 'cost.brokerCpuSecondsPerMillion';
  const cost: FigureText = (figure) => `${number(figure.median)} CPU-seconds per million`;
  const atMost = judge(input, claim, pairsOf(input, 'own-maximum', path), 'lower', cost);
  const atSame = judge(input, claim, pairsOf(input, 'equal-load', path), 'lower', cost);
  const [only] = [atMost, atSame].filter(({ verdict }) => verdict !== 'not-tested');
  if (only === undefined) return atMost;
  const isBoth = atMost.verdict !== 'not-tested' && atSame.verdict !== 'not-tested';
  const told = [
    ...(atMost.verdict === 'not-tested' ? [] : [`Each at its own maximum: ${atMost.reason}`]),
    ...(atSame.verdict === 'not-tested' ? [] : [`At the same load: ${atSame.reason}`]),
  ];
  const isSplit = isBoth && atMost.verdict !== atSame.verdict;
  const isAnywhere = [atMost, atSame].some(({ verdict }) => verdict === 'true' || verdict === 'true-if');
  const answer: ClaimVerdict = {
    ...only,
    verdict: !isSplit ? only.verdict : isAnywhere ? 'true-if' : 'inconclusive',
    reason: told.join(' '),
    scope: `${isSplit && isAnywhere ? 'not the same at the own maximum of each, where batches are larger, and at one load for all; ' : ''}${only.scope}`,
    evidence: [...new Set([...atMost.evidence, ...atSame.evidence])],
  };
  return withVendorsClients(input, answer, ['own-maximum', 'equal-load'], path, 'lower', cost);
}

export function hasSteadyTails(input: SpeedEvidence): ClaimVerdict {
  const claim = { id: 'kafka-more-stable', claim: 'Kafka is more stable (the slowest of a thousand messages)' };
  const path = 'latencyMs.endToEnd.p999';
  const p999: FigureText = (figure) => `p99.9 ${number(figure.median)} ms`;
  const answer = judge(input, claim, pairsOf(input, 'equal-load', path), 'lower', p999);
  if (answer.verdict === 'not-tested') return answer;
  const verdict = withVendorsClients(input, answer, ['equal-load'], path, 'lower', p999);
  return { ...verdict, scope: `of minutes, not of days: there was no soak; ${verdict.scope}` };
}

// ------------------------------------------------------------------------------------------------ pairs

/** Kafka's cells of the throughput workloads beside RabbitMQ's: with the bare clients where they ran, else through the port. */
function pairsOf(input: SpeedEvidence, mode: WorkloadMode, path: string): readonly Pair[] {
  const cells = input.cells.filter((cell) => isThroughput(cell, mode));
  const layer: Layer = cells.some((cell) => cell.layer === 'bare' && cell.system === 'kafka') ? 'bare' : 'port';
  const onLayer = cells.filter((cell) => cell.layer === layer);
  return pairsAmong(onLayer, 'kafka', path, noiseOfRun(input, mode, path)).map((pair) => testedPair(pair, path, input));
}

function isThroughput({ workload, mode, validRepeats }: CellSummary, wanted: WorkloadMode): boolean {
  return workload.startsWith('throughput-') && mode === wanted && validRepeats > 0;
}

function pairsAmong(cells: readonly CellSummary[], kafkaName: string, path: string, floor: number): readonly Pair[] {
  return cells
    .filter(({ system }) => system === kafkaName)
    .flatMap((kafka) =>
      cells
        .filter((cell) => cell.workload === kafka.workload && isRabbitMq(cell.system))
        .flatMap((other) => pairOf(kafka, other, path, floor)),
    );
}

/** The larger of what is always asked for and what this run showed of the figure. */
function noiseOfRun({ noise }: SpeedEvidence, mode: WorkloadMode, path: string): number {
  const measured = noise.filter((row) => row.mode === mode && row.figure === path).map(({ floor }) => floor);
  return Math.max(leastNoiseFloor, ...measured);
}

function pairOf(kafka: CellSummary, other: CellSummary, path: string, floor: number): readonly Pair[] {
  const kafkaFigure = kafka.figures[path];
  const otherFigure = other.figures[path];
  if (kafkaFigure === undefined || otherFigure === undefined) return [];
  const isSamePromise =
    kafka.durability.persistence === other.durability.persistence &&
    kafka.durability.copies === other.durability.copies;
  const comparison = compareSpreads(kafkaFigure, otherFigure, floor);
  return [{ kafka, other, kafkaFigure, otherFigure, comparison, isSamePromise, isTested: false }];
}

/** What a primary comparison found of this pair stands; without one it is the intervals that say. */
function testedPair(pair: Pair, path: string, { primary }: SpeedEvidence): Pair {
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
  return { ...pair, comparison: comparisons[tested.outcome], isTested: true };
}

/** Where pairs were tested, one that was not cannot leave open what they decided; it can show another side, and then there is a condition. */
function judge(
  input: SpeedEvidence,
  { id, claim }: Claim,
  pairs: readonly Pair[],
  wanted: 'higher' | 'lower',
  figureText: FigureText,
): ClaimVerdict {
  const deciding = pairs.filter((pair) => pair.isSamePromise);
  const [first] = deciding;
  if (first === undefined)
    return notTested({ id, claim }, 'no valid cells of Kafka and RabbitMQ with the same durability');
  const forIt = deciding.filter((pair) => pair.comparison === wanted);
  const hasTested = deciding.some((pair) => pair.isTested);
  const undecided = deciding.filter((pair) => pair.comparison === 'no-difference-shown');
  const leftOpen = undecided.filter((pair) => pair.isTested || !hasTested);
  const verdict =
    forIt.length === deciding.length
      ? 'true'
      : forIt.length > 0
        ? 'true-if'
        : leftOpen.length > 0
          ? 'inconclusive'
          : 'false';
  const condition =
    verdict === 'true-if'
      ? `true against ${forIt.map((pair) => `${pair.other.system} on ${pair.kafka.workload}`).join(', ')}; `
      : verdict === 'false' && undecided.length > 0
        ? 'by the pairs that were tested, the others show no difference; '
        : '';
  const runs = Math.min(
    ...deciding.map(({ kafkaFigure, otherFigure }) => Math.min(kafkaFigure.count, otherFigure.count)),
  );
  return {
    id,
    claim,
    verdict,
    basis: 'measured',
    reason: tellPairs(pairs, figureText),
    scope: `${condition}${input.scope}, layer ${first.kafka.layer}, ${first.kafka.mode}, durability ${durability(first.kafka.durability)}, at least ${runs} ${plural(runs, 'valid run')} of each`,
    evidence: evidenceOfPairs(pairs),
  };
}

/** What the vendors' clients did, where they ran: a client of one language is no more than that. They decide nothing, and may put a condition. */
function withVendorsClients(
  { referenceCells }: SpeedEvidence,
  answer: ClaimVerdict,
  modes: readonly ('own-maximum' | 'equal-load')[],
  path: string,
  wanted: 'higher' | 'lower',
  figureText: FigureText,
): ClaimVerdict {
  if (answer.verdict === 'not-tested') return answer;
  const usual = 'by kafkajs and by amqplib, which speaks AMQP 0.9.1';
  const told = modes.flatMap((mode) => {
    const cells = referenceCells.filter((cell) => isThroughput(cell, mode));
    const pairs = pairsAmong(cells, 'kafka-java', path, leastNoiseFloor);
    return pairs.length === 0 ? [] : [{ mode, pairs }];
  });
  const pairs = told.flatMap((one) => one.pairs);
  // What is true of all shows with these clients too; what is false shows with none.
  const isAgainst = ({ isSamePromise, comparison }: Pair): boolean =>
    isSamePromise && (answer.verdict === 'false' ? comparison === wanted : comparison !== wanted);
  const against = answer.verdict === 'inconclusive' ? [] : pairs.filter(isAgainst);
  const names = [...new Set(against.map(({ other }) => other.system))].join(', ');
  const condition =
    answer.verdict === 'false'
      ? `true of kafka-java beside ${names}, not ${usual}`
      : `true ${usual}, not shown of kafka-java beside ${names}`;
  return {
    ...answer,
    verdict: against.length > 0 ? 'true-if' : answer.verdict,
    reason: [
      answer.reason,
      ...told.map(
        (one) => `By the vendors' Java clients, ${placeWords[one.mode]}: ${tellPairs(one.pairs, figureText)}`,
      ),
    ].join(' '),
    scope: `${against.length > 0 ? condition : usual}; ${answer.scope}`,
    evidence: [...new Set([...answer.evidence, ...evidenceOfPairs(pairs)])],
  };
}

const placeWords = { 'own-maximum': 'at their own maximum', 'equal-load': 'at the same load' } as const;

// ------------------------------------------------------------------------------------------------ words

/** `throughput-1k: Kafka 34,600 messages/s, rabbitmq-stream 30,200 messages/s, rabbitmq-quorum 25,800 messages/s (promises fsync × 1, Kafka os × 1).` */
function tellPairs(pairs: readonly Pair[], figureText: FigureText): string {
  const byWorkload = new Map<CellSummary, Pair[]>();
  for (const pair of pairs) byWorkload.set(pair.kafka, [...(byWorkload.get(pair.kafka) ?? []), pair]);
  const sentences = [...byWorkload].map(([kafka, members]) => {
    const others = members.map(({ other, otherFigure, isSamePromise }) => {
      const promise = isSamePromise
        ? ''
        : ` (promises ${durability(other.durability)}, Kafka ${durability(kafka.durability)})`;
      return `${other.system} ${figureText(otherFigure)}${promise}`;
    });
    const [{ kafkaFigure }] = members as [Pair, ...Pair[]];
    const name = kafka.system === 'kafka' ? 'Kafka' : kafka.system;
    return `${kafka.workload}: ${name} ${figureText(kafkaFigure)}, ${others.join(', ')}.`;
  });
  return sentences.join(' ');
}

function evidenceOfPairs(pairs: readonly Pair[]): readonly string[] {
  return [...new Set(pairs.flatMap(({ kafka, other }) => [evidenceOf(kafka), evidenceOf(other)]))];
}

/** A cell as it is cited. */
export function evidenceOf(cell: CellSummary): string {
  return `${cell.workload}.${cell.system}.${cell.layer}`;
}

export function isRabbitMq(system: string): boolean {
  return system.startsWith('rabbitmq-');
}

function perSecond(figure: Pick<Spread, 'median'>): string {
  return `${number(figure.median)} messages/s`;
}
