/**
 * The highest rate that a system carries for ever, found on real runs: every step is a whole run of the workload at one offered
 * rate, with its own topic, checks and drain, so a step at which anything was lost is seen as such. The row that comes out has
 * the figures of the step in which the rate was held, and every step beside them.
 */

import { availableParallelism } from 'node:os';
import { climb, type StepQuestion } from './climb.ts';
import { limitedBy } from './limited-by.ts';
import { plural } from '../report/figures.ts';
import type { Phase, RateSearch, SearchStep, WorkloadRow } from '../report/model.ts';
import type { CellQuestion, MeasureCell } from './measure-cell.ts';
import { seedOfStep } from '../run/plan.ts';
import { isGrowing, rounded, trendOf } from '../statistics/index.ts';
import { achievedMin, type Fault } from './validity.ts';
import type { LadderSpec, WorkloadSpec } from '../workloads/index.ts';

export interface SearchOptions extends Omit<CellQuestion, 'source'> {
  readonly seed: number;
  /** What the row is known by: every step has a plan of its own. */
  readonly planHash: string;
  readonly measure: MeasureCell;
  /** Ends the search between two steps: what was tried so far is no result. */
  readonly signal?: AbortSignal;
}

/** A backlog that grows by less than this part of the rate would take a minute and more to hold a second's messages. */
const backlogGrowthMax = 0.01;

interface MadeStep {
  readonly step: SearchStep;
  readonly row: WorkloadRow;
}

/** Rejects with NotMeasurable, as a run does, and when aborted; a system that carries not even the lowest rung has an invalid row that says why. */
export async function findSustainableRate(options: SearchOptions): Promise<WorkloadRow> {
  const { spec, planHash } = options;
  const { ladder } = spec;
  if (ladder === undefined) throw new RangeError(`${spec.id} has no ladder`);
  const found = await climb(ladder, {
    stepMs: spec.measuredMs,
    probe: (question) => probe(options, ladder, question),
    nowMs: () => performance.now(),
  });
  const best = found.confirmed ?? found.steps.at(-1);
  if (best === undefined) throw new RangeError(`${spec.id} made no step`);
  const failed = found.failed?.step ?? null;
  const search: RateSearch = {
    bounds: { achievedMin, p99MsMax: ladder.p99MsMax, backlogGrowthMax },
    sustainedPerSecond: found.confirmed?.step.ratePerSecond ?? 0,
    foundPerSecond: found.foundPerSecond,
    failed:
      failed === null || failed.criterion === null
        ? null
        : {
            ratePerSecond: failed.ratePerSecond,
            criterion: failed.criterion,
            because: failed.because ?? '',
            limitedBy: failed.limitedBy,
          },
    end: found.end,
    steps: found.steps.map(({ step }) => step),
  };
  const { invalidBecause: _, ...held } = best.row;
  const invalidBecause = found.confirmed === null ? nothingHeld(search) : null;
  return {
    ...held,
    mode: spec.mode,
    parameters: { ...held.parameters, ratePerSecond: null, messages: 0, measuredMs: spec.measuredMs },
    planHash,
    valid: invalidBecause === null,
    ...(invalidBecause === null ? {} : { invalidBecause }),
    limitedBy: search.failed?.limitedBy ?? 'offered-load',
    search,
    phases: [rampPhase(found.steps, best.row), ...(held.phases ?? [])],
    notes: [...held.notes, searchSentence(search)],
  };
}

/** The rate, where it ended, by which criterion and what limited it, in one sentence. */
export function searchSentence({ bounds, sustainedPerSecond, foundPerSecond, failed, end, steps }: RateSearch): string {
  const bound = `p99 of at most ${bounds.p99MsMax} ms, ${bounds.achievedMin * 100} % acknowledged in time, backlog not growing, nothing lost`;
  const held = sustainedPerSecond === 0 ? 'nothing held' : `${sustainedPerSecond}/s held`;
  const first =
    failed === null
      ? 'no rate failed'
      : `the lowest that failed was ${failed.ratePerSecond}/s, by ${criterionWords[failed.criterion]} (${failed.because}), limited by ${failed.limitedBy.replace('-', ' ')}`;
  return `${held} (${bound}); found ${foundPerSecond ?? 'none'}; ${first}; ${steps.length} ${plural(steps.length, 'step')}, ${endWords[end]}`;
}

const criterionWords = {
  loss: 'loss',
  broken: 'breaking',
  achieved: 'what was acknowledged in time',
  latency: 'latency',
  backlog: 'a growing backlog',
  generator: 'the generator, which was late',
} as const satisfies Record<SearchStep['criterion'] & string, string>;

const endWords = {
  bracketed: 'the search ended between two neighbouring rates',
  'top-of-ladder': 'the search ended at the top of its ladder',
  'step-limit': 'the search ended at its limit of steps',
  'time-limit': 'the search ended at its limit of time',
  'nothing-passed': 'not even the lowest rate passed',
} as const satisfies Record<RateSearch['end'], string>;

/** All that was tried before what the row shows. */
function rampPhase(steps: readonly MadeStep[], shown: WorkloadRow): Phase {
  const beganMs = Date.parse(steps[0]?.row.startedAt ?? shown.startedAt);
  const warmupMs = -(shown.phases?.find(({ phase }) => phase === 'warmup')?.fromMs ?? 0);
  const rates = steps.filter(({ step }) => step.kind !== 'confirmation').map(({ step }) => step.ratePerSecond);
  return {
    phase: 'ramp',
    fromMs: beganMs - Date.parse(shown.startedAt) - warmupMs,
    toMs: -warmupMs,
    note: `${rates.length} steps from ${Math.min(...rates)} to ${Math.max(...rates)} messages/s`,
  };
}

function nothingHeld({ foundPerSecond, failed, steps, end }: RateSearch): string {
  if (foundPerSecond === null)
    return failed === null
      ? `no rate was tried to the end: ${endWords[end]}`
      : failed.criterion === 'generator'
        ? `nothing is known of it: at ${failed.ratePerSecond} messages/s ${failed.because}`
        : `not even ${failed.ratePerSecond} messages/s are sustainable: ${failed.because}`;
  return `${foundPerSecond} messages/s passed once and could not be held: ${steps.at(-1)?.because ?? ''}`;
}

// ------------------------------------------------------------------------------------------------ one step

/** What comes to a system first pays for what is not warm yet, at the lowest rate, where latency would be least. */
const firstWarmupFactor = 4;

async function probe(options: SearchOptions, ladder: LadderSpec, question: StepQuestion): Promise<MadeStep> {
  options.signal?.throwIfAborted();
  const { ratePerSecond, measuredMs, number, kind } = question;
  const { ladder: _, ...rest } = options.spec;
  const warmupMs = rest.warmupMs * (number === 0 ? firstWarmupFactor : 1);
  const spec: WorkloadSpec = {
    ...rest,
    warmupMs,
    mode: 'equal-load',
    ratePerSecond,
    measuredMs,
    // Whoever is allowed so much latency is not late within it.
    onTimeGraceMs: ladder.p99MsMax,
    messages: Math.ceil((ratePerSecond * (warmupMs + measuredMs)) / 1000),
  };
  const { repeat, generatorCeiling, onSample } = options;
  const { row, fault } = await options.measure({
    spec,
    repeat,
    generatorCeiling,
    prefix: `${options.prefix}-${number}`,
    source: { seed: seedOfStep(spec, options.seed, repeat) },
    ...(onSample === undefined ? {} : { onSample }),
  });
  return { row, step: stepOf(row, fault, { kind, ratePerSecond, generatorCeiling: options.generatorCeiling, ladder }) };
}

/** What a run at one rate came to. Exported for its tests. */
export function stepOf(
  row: WorkloadRow,
  fault: Fault | null,
  given: {
    readonly kind: SearchStep['kind'];
    readonly ratePerSecond: number;
    readonly generatorCeiling: number | null;
    readonly ladder: Pick<LadderSpec, 'p99MsMax'>;
  },
): SearchStep {
  const { ratePerSecond, ladder } = given;
  const windowed = row.series.filter(({ tMs }) => tMs > 0 && tMs <= row.parameters.measuredMs);
  const trend = trendOf(windowed.map(({ tMs, backlog }) => ({ tMs, value: backlog })));
  const { p50, p99, count } = row.latencyMs.endToEnd;
  const { planned, acknowledgedInTime } = row.offered ?? { planned: 0, acknowledgedInTime: 0 };
  const isBacklogGrowing = isGrowing(trend, ratePerSecond * backlogGrowthMax);
  const broken = brokenBy();
  return {
    kind: given.kind,
    ratePerSecond,
    passed: broken === null,
    criterion: broken?.criterion ?? null,
    because: broken?.because ?? null,
    achieved: planned === 0 ? 0 : rounded(acknowledgedInTime / planned),
    backlogPerSecond: trend === null ? null : rounded(trend.perSecond),
    publishP99Ms: row.latencyMs.publish.p99,
    endToEndP50Ms: p50,
    endToEndP99Ms: p99,
    samples: count,
    slipP99Ms: row.slipMs.p99,
    limitedBy: limit(),
    brokerCores: row.utilization.brokerCores,
    clientCores: row.utilization.clientCores,
    planHash: row.planHash,
  };

  function limit(): SearchStep['limitedBy'] {
    const by = limitedBy({
      mode: broken === null ? 'equal-load' : 'own-maximum',
      messagesPerSecond: row.publish.messagesPerSecond,
      generatorCeiling: given.generatorCeiling,
      eventLoop: row.utilization.eventLoop,
      clientCores: row.utilization.clientCores,
      brokerCores: row.utilization.brokerCores,
      machineCores: availableParallelism(),
    });
    // Late without being held up: it is the generator, or the client that shares its event loop.
    return broken?.criterion === 'generator' && by !== 'client' ? 'generator' : by;
  }

  /** The first that is not fulfilled: what was lost or broke, then a load that was not the one asked for, then what the system did. */
  function brokenBy(): { readonly criterion: NonNullable<SearchStep['criterion']>; readonly because: string } | null {
    if (fault !== null && (fault.kind === 'loss' || fault.kind === 'broken'))
      return { criterion: fault.kind, because: fault.reason };
    if (fault !== null && fault.kind === 'generator') return { criterion: 'generator', because: fault.reason };
    if (acknowledgedInTime < planned * achievedMin)
      return { criterion: 'achieved', because: `${acknowledgedInTime} of ${planned} were acknowledged in time` };
    if (p99 > ladder.p99MsMax) return { criterion: 'latency', because: `p99 ${p99} ms, allowed ${ladder.p99MsMax} ms` };
    if (isBacklogGrowing)
      return { criterion: 'backlog', because: `it grew by ${Math.round(trend?.perSecond ?? 0)} messages a second` };
    return fault === null ? null : { criterion: 'achieved', because: fault.reason };
  }
}
