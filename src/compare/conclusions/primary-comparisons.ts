/**
 * The few comparisons that a run is made to decide, named before it starts: what each expects, of which two systems, by which
 * figure. Only these are tested; everything else in a report is an effect size with its interval. Whoever looks at hundreds of
 * figures finds a difference in some of them, so the tests of these few are corrected for their number. Pure.
 */

import { type ComparedFigure, comparedFigures, valuesOf } from '../regression/figures.ts';
import type {
  Layer,
  NoiseFloor,
  PrimaryComparison,
  PrimaryOutcome,
  PrimaryReport,
  PrimaryResult,
  WorkloadMode,
  WorkloadRow,
} from '../report/model.ts';
import { amount, durability, plural } from '../report/figures.ts';
import { isBesideTheAnswer, systemOf } from '../systems/system-ids.ts';
import {
  cliffsDelta,
  type Effect,
  effectOf,
  holmAdjusted,
  leastNoiseFloor,
  leastPValue,
  rankTest,
  spreadOf,
} from '../statistics/index.ts';
import type { WorkloadSpec } from '../workloads/index.ts';

/** More of them would take from each what it can show. */
export const primaryComparisonsMax = 6;
/** How often a family of comparisons without any difference may find one. */
export const familyErrorMax = 0.05;

/**
 * Kafka beside the two systems of RabbitMQ that promise what it promises by default (in the page cache, one copy), by the figures
 * of what people say of it: faster, lower latency, less work for the broker. Quorum queues promise more and are in none of these.
 */
const questions: readonly {
  readonly id: string;
  readonly mode: WorkloadMode;
  readonly figure: string;
  readonly direction: PrimaryComparison['direction'];
  readonly words: string;
}[] = [
  {
    id: 'rate',
    mode: 'own-maximum',
    figure: 'publish.messagesPerSecond',
    direction: 'higher',
    words: 'takes more messages a second',
  },
  {
    id: 'latency',
    mode: 'equal-load',
    figure: 'latencyMs.endToEnd.p99',
    direction: 'lower',
    words: 'has a lower end-to-end p99 at the same load',
  },
  {
    id: 'broker-cpu',
    mode: 'own-maximum',
    figure: 'cost.brokerCpuSecondsPerMillion',
    direction: 'lower',
    words: "needs less of the broker's processor for a message",
  },
];
const peers = ['rabbitmq-classic', 'rabbitmq-stream'] as const;
const mainWorkload = 'throughput-1k';

export interface PrimaryQuestion {
  readonly systems: readonly string[];
  readonly layers: readonly Layer[];
  readonly specs: readonly Pick<WorkloadSpec, 'id' | 'mode' | 'layers' | 'kind' | 'course'>[];
  readonly repeats: number;
}

/** Those of which both sides will be run; with the bare clients where they are, since what is asked of is the broker. */
export function primaryComparisonsOf({
  systems: named,
  layers,
  specs,
  repeats,
}: PrimaryQuestion): readonly PrimaryComparison[] {
  const systems = named.filter((name) => !isBesideTheAnswer(name));
  const kafka = systems.find((name) => systemOf(name) === 'kafka');
  if (kafka === undefined) return [];
  return questions
    .flatMap(({ id, mode, figure, direction, words }) => {
      const spec = specOf(specs, mode);
      const layer = layers.find((one) => one === 'bare' && spec?.layers.includes(one)) ?? 'port';
      if (spec === undefined || !layers.includes(layer) || !spec.layers.includes(layer)) return [];
      return systems
        .filter((name) => peers.some((peer) => peer === systemOf(name)))
        .map(
          (other): PrimaryComparison => ({
            id: `${id}-${kafka}-${other}`,
            hypothesis: `${kafka} ${words} than ${other}`,
            workload: spec.id,
            mode,
            layer,
            figure,
            first: kafka,
            second: other,
            direction,
            repeats,
          }),
        );
    })
    .slice(0, primaryComparisonsMax);
}

/** The main workload, or the only one where somebody brought their own. */
function specOf(specs: PrimaryQuestion['specs'], mode: WorkloadMode) {
  const own = specs.filter((spec) => spec.kind === 'flow' && spec.course === undefined);
  const isOnlyOne = new Set(own.map(({ id }) => id)).size === 1;
  return own.find((spec) => spec.mode === mode && (spec.id === mainWorkload || isOnlyOne));
}

/** Whether a row is one side of it. */
export function isSideOf(
  { workload, mode, layer, first, second }: PrimaryComparison,
  cell: { readonly id: string; readonly mode: WorkloadMode; readonly layer: Layer; readonly system: string },
): boolean {
  return (
    cell.id === workload &&
    cell.mode === mode &&
    cell.layer === layer &&
    (cell.system === first || cell.system === second)
  );
}

/** One line for each, as the budget prints it before the run. */
export function primaryInWords(comparisons: readonly PrimaryComparison[]): readonly string[] {
  const count = comparisons.length;
  return comparisons.map(({ hypothesis, workload, mode, layer, figure, repeats }, index) => {
    const canShow = leastPValue(repeats, repeats) * count <= familyErrorMax;
    const about = `${workload}, ${mode.replace('-', ' ')}, ${layer}: ${figure}, ${repeats} ${plural(repeats, 'repeat')} each`;
    return `primary comparison ${index + 1} of ${count}: ${hypothesis} (${about})${canShow ? '' : `; cannot be shown with ${repeats} ${plural(repeats, 'repeat')}`}`;
  });
}

// ------------------------------------------------------------------------------------------------ after the run

/** null where none were named. */
export function decidePrimary(
  comparisons: readonly PrimaryComparison[],
  rows: readonly WorkloadRow[],
  noise: readonly NoiseFloor[],
  seed: number,
): PrimaryReport | null {
  if (comparisons.length === 0) return null;
  const measured = comparisons.map((comparison) => measure(comparison, rows, noise, seed));
  const untestable = measured.map((one) => obstacleOf(one, comparisons.length));
  const pValues = measured.map(({ values }, index) => (untestable[index] === null ? rankTest(...values) : null));
  // One that cannot be tested was named all the same: it counts in the correction, as one in which nothing was found.
  const adjusted = holmAdjusted(pValues.map((p) => p ?? 1));
  return {
    level: familyErrorMax,
    named: comparisons.length,
    results: measured.map((one, index) => {
      const pValue = pValues[index] ?? null;
      const adjustedPValue = pValue === null ? null : (adjusted[index] as number);
      return resultOf(one, untestable[index] ?? null, pValue, adjustedPValue);
    }),
  };
}

interface Sides {
  readonly comparison: PrimaryComparison;
  readonly figure: ComparedFigure;
  readonly rows: readonly [readonly WorkloadRow[], readonly WorkloadRow[]];
  readonly values: readonly [readonly number[], readonly number[]];
  readonly floor: number;
  readonly seed: number;
}

function measure(
  comparison: PrimaryComparison,
  rows: readonly WorkloadRow[],
  noise: readonly NoiseFloor[],
  seed: number,
): Sides {
  const figure = comparedFigures.find(({ path }) => path === comparison.figure);
  if (figure === undefined) throw new RangeError(`there is no figure ${comparison.figure}`);
  const own = rows.filter((row) => isSideOf(comparison, row));
  const first = own.filter(({ system }) => system === comparison.first);
  const second = own.filter(({ system }) => system === comparison.second);
  const floors = noise.filter((one) => one.mode === comparison.mode && one.figure === comparison.figure);
  return {
    comparison,
    figure,
    rows: [first, second],
    values: [valuesOf(figure, first), valuesOf(figure, second)],
    floor: Math.max(leastNoiseFloor, ...floors.map(({ floor }) => floor)),
    seed,
  };
}

/** Why no test of it can say anything; null where one can. */
function obstacleOf({ rows, values, comparison }: Sides, howMany: number): string | null {
  const [first, second] = rows.map((side) => side[0]?.durability);
  if (first !== undefined && second !== undefined && durability(first) !== durability(second))
    return `the two promise different things: ${durability(first)} and ${durability(second)}`;
  const [n, m] = [values[0].length, values[1].length];
  const least = leastPValue(n, m);
  if (least * howMany <= familyErrorMax) return null;
  const counted = n === m ? `${n} valid ${plural(n, 'repeat')} each` : `${n} and ${m} valid repeats`;
  const planned = n < comparison.repeats || m < comparison.repeats ? ` of ${comparison.repeats} planned` : '';
  const why =
    n === 0 || m === 0
      ? 'there is nothing to compare'
      : `even if all of one side were above all of the other, p would be ${pInWords(Math.min(1, least * howMany))} among ${howMany}, above ${familyErrorMax}`;
  return `with ${counted}${planned}: ${why}`;
}

function resultOf(
  { comparison, figure, values, floor, seed }: Sides,
  obstacle: string | null,
  pValue: number | null,
  adjustedPValue: number | null,
): PrimaryResult {
  const effect = finite(effectOf(values[1], values[0], seed));
  const found = adjustedPValue === null ? null : findingOf(effect, floor, adjustedPValue);
  const outcome: PrimaryOutcome =
    found === null
      ? 'cannot-be-shown'
      : found.way === null
        ? 'no-difference-shown'
        : found.way === comparison.direction
          ? 'shown'
          : 'opposite-shown';
  return {
    ...comparison,
    outcome,
    because: obstacle ?? sentence(found, figure, values, comparison),
    firstSpread: values[0].length === 0 ? null : spreadOf(values[0], seed),
    secondSpread: values[1].length === 0 ? null : spreadOf(values[1], seed),
    ratio: effect?.ratio ?? null,
    interval: effect?.interval ?? null,
    cliffsDelta: values[0].length === 0 || values[1].length === 0 ? null : cliffsDelta(...values),
    noiseFloor: floor,
    pValue,
    adjustedPValue,
  };
}

/** A figure of which some repeats are nothing (the processor time of a few milliseconds) has no ratio. */
function finite(effect: Effect | null): Effect | null {
  if (effect === null || !Number.isFinite(effect.ratio)) return null;
  const isWhole = effect.interval !== null && Number.isFinite(effect.interval.low + effect.interval.high);
  return { ratio: effect.ratio, interval: isWhole ? effect.interval : null };
}

/** `way` is null where no difference is shown, and `why` says what stands against it. */
interface Found {
  readonly way: 'higher' | 'lower' | null;
  readonly why: string;
}

/** A difference is beyond chance, by the test; on one side, by its interval; and larger than what the run makes of nothing. */
function findingOf(effect: Effect | null, floor: number, adjusted: number): Found {
  if (adjusted > familyErrorMax)
    return { way: null, why: `by the test (p ${pInWords(adjusted)} after the correction)` };
  if (effect === null || effect.interval === null) return { way: null, why: 'there is no ratio of the two' };
  const { ratio, interval } = effect;
  const distance = (ratio >= 1 ? ratio : 1 / ratio) - 1;
  if (distance <= floor)
    return {
      way: null,
      why: `by the noise: ${percent(distance)} apart, and up to ${percent(floor)} is what this run makes of nothing`,
    };
  if (interval.low > 1) return { way: 'higher', why: '' };
  if (interval.high < 1) return { way: 'lower', why: '' };
  return { way: null, why: 'by the interval of the ratio, which has 1 in it' };
}

function sentence(
  found: Found | null,
  { unit }: ComparedFigure,
  values: Sides['values'],
  { first, second }: PrimaryComparison,
): string {
  const [a, b] = [spreadOf(values[0], 1).median, spreadOf(values[1], 1).median];
  const both = `${first} ${amount(a, unit)}, ${second} ${amount(b, unit)}`;
  return found !== null && found.way === null ? `${found.why}: ${both}` : both;
}

/** `0.00007`, `0.031`: two digits that mean something. */
export function pInWords(p: number): string {
  return p < 0.00001 ? 'below 0.00001' : String(Number(p.toPrecision(2)));
}

function percent(part: number): string {
  return `${Number((part * 100).toPrecision(2))} %`;
}
