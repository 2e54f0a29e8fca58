/**
 * Everything that a run is going to do, decided before it starts: which cell in which order, once for every repeat, and a hash
 * over all of it, by which an interrupted run knows that what goes on is the same run. Pure.
 */

import { createHash } from 'node:crypto';
import type { PlanSource } from '../load/measure-cell.ts';
import type { Layer, PrimaryComparison, Profile } from '../report/model.ts';
import { isSideOf, primaryComparisonsOf } from '../conclusions/primary-comparisons.ts';
import { isBesideTheAnswer, isVariantName, namesOn, systemOf, variantSystems } from '../systems/system-ids.ts';
import {
  deriveSeed,
  ladderHash,
  type LadderSpec,
  type Plan,
  seededRandom,
  shuffled,
  type WorkloadSpec,
} from '../workloads/index.ts';

/** A workload and, for a trace, its fixed plan; the others are planned anew for each repeat, equal for all systems. */
export interface PlannedWorkload {
  readonly spec: WorkloadSpec;
  readonly plan?: Plan;
  readonly notes?: readonly string[];
}

export interface RunQuestion {
  /** Names: `kafka`, `rabbitmq-quorum@3.10`. */
  readonly systems: readonly string[];
  readonly layers: readonly Layer[];
  readonly profile: Profile;
  readonly repeats: number;
  /** Of the cells of the primary comparisons; as many as of all others by default. */
  readonly primaryRepeats?: number;
  readonly seed: number;
  readonly scenarioIds: readonly string[];
  /** Brokers that the run starts itself are started anew, on empty data directories, whenever so many rounds of repeats are over; else never. */
  readonly roundsPerFreshData?: number;
  /** Default true; false keeps a run of everything within half an hour. */
  readonly asksSlowOnAllLayers?: boolean;
  readonly workloads: readonly PlannedWorkload[];
}

export interface PlannedCell {
  readonly planned: PlannedWorkload;
  readonly system: string;
  readonly layer: Layer;
  readonly repeat: number;
  /** Rounds of repeats come one after the other. */
  readonly round: number;
  /** The same cell a second time, for the noise of the run: no row of its own. */
  readonly isTwin: boolean;
}

export interface RunPlan {
  readonly cells: readonly PlannedCell[];
  /** Named before anything runs. */
  readonly primary: readonly PrimaryComparison[];
  /** sha256 over the question and the order. */
  readonly hash: string;
}

export function runPlanOf(question: RunQuestion): RunPlan {
  const primary = primaryOf(question);
  const cells = cellsInOrder(question, primary);
  const { systems, layers, profile, repeats, seed, scenarioIds, asksSlowOnAllLayers, workloads } = question;
  const roundsPerFreshData = question.roundsPerFreshData ?? null;
  const asked = {
    systems,
    layers,
    profile,
    repeats,
    seed,
    scenarioIds,
    asksSlowOnAllLayers: asksSlowOnAllLayers !== false,
    roundsPerFreshData,
    workloads: workloads.map(({ spec, plan }) => ({ spec, plan: plan?.hash ?? null })),
    order: cells.map(cellName),
    primary,
  };
  return { cells, primary, hash: createHash('sha256').update(JSON.stringify(asked)).digest('hex') };
}

/** `<workload>/<mode>/<system>/<layer>/<repeat>`; a twin says so. */
export function cellName({ planned, system, layer, repeat, isTwin }: PlannedCell): string {
  return `${planned.spec.id}/${planned.spec.mode}/${system}/${layer}/${repeat}${isTwin ? '/again' : ''}`;
}

/**
 * Whether scenarios are put to it. Of the reference rows only to share groups, which do what no client of JavaScript can ask of Kafka;
 * the others speak the protocols that the bare clients speak, and the broker answers them the same. Settings change figures: the
 * questions are put to systems as they are.
 */
export function isAsked(name: string, layer: Layer): boolean {
  return !isVariantName(name) && (layer !== 'reference' || name === 'kafka-share');
}

/** Every name that is run on a layer: those asked for, and the variants that a workload wants of them. */
export function namesOfRun(question: Pick<RunQuestion, 'systems' | 'workloads'>, layer: Layer): readonly string[] {
  const all = question.workloads.flatMap(({ spec }) => namesFor(spec, question, layer));
  return [...new Set([...namesOn(layer, question.systems), ...all])];
}

function namesFor(spec: WorkloadSpec, { systems }: Pick<RunQuestion, 'systems'>, layer: Layer): readonly string[] {
  const wanted = layer === 'bare' ? (spec.variants ?? []).filter((name) => systems.includes(variantSystems[name])) : [];
  return [...new Set([...namesOn(layer, systems), ...wanted])];
}

/** The same messages for every system; another set in each repeat. */
export function sourceOf({ spec, plan }: PlannedWorkload, seed: number, repeat: number): PlanSource {
  return plan === undefined ? { seed: deriveSeed(seed, `${spec.id}/${spec.mode}/${repeat}`) } : { plan };
}

/** What is planned of a search is its ladder: every step has a plan of its own, which follows from it. */
export function ladderPlanHash(spec: WorkloadSpec, ladder: LadderSpec, seed: number, repeat: number): string {
  return ladderHash(ladder, deriveSeed(seed, `${spec.id}/${spec.mode}/${repeat}`), { ...spec });
}

/** What a step of a ladder sends follows from it: the same for every system that comes to it. */
export function seedOfStep(spec: WorkloadSpec, seed: number, repeat: number): number {
  return deriveSeed(seed, `${spec.id}/${spec.ratePerSecond}/${spec.measuredMs}/${repeat}`);
}

function primaryOf({ systems, layers, workloads, repeats, primaryRepeats }: RunQuestion): readonly PrimaryComparison[] {
  const specs = workloads.map(({ spec }) => spec);
  return primaryComparisonsOf({ systems, layers, specs, repeats: primaryRepeats ?? repeats });
}

/**
 * Repeat by repeat, each in a random order of its own: what drifts on the machine meets every system alike. Repeats that only some
 * cells have are dealt among the others, so that they meet the same machine.
 */
function cellsInOrder(question: RunQuestion, primary: readonly PrimaryComparison[]): readonly PlannedCell[] {
  const random = seededRandom(deriveSeed(question.seed, 'order'));
  const twins = twinsOf(question);
  const each = question.workloads.flatMap((planned) =>
    question.layers
      .filter((layer) => planned.spec.layers.includes(layer))
      .flatMap((layer) => namesFor(planned.spec, question, layer).map((system) => ({ planned, system, layer }))),
  );
  const rounds: PlannedCell[][] = Array.from({ length: roundsOf(question) }, () => []);
  const deal = (cell: Omit<PlannedCell, 'repeat' | 'round'>, repeats: number) => {
    // Those that run less often than there are rounds do not all run in the first one.
    const shift = random();
    for (let repeat = 0; repeat < repeats; repeat++) {
      const round = Math.floor(((repeat + shift) * rounds.length) / repeats);
      rounds[round]?.push({ ...cell, repeat, round });
    }
  };
  for (const cell of each) deal({ ...cell, isTwin: false }, repeatsOf(cell, question, primary));
  for (const twin of twins) deal({ ...twin, isTwin: true }, question.repeats);
  return rounds.flatMap((round) => shuffled(round, random));
}

/** Which start of the brokers a cell is measured after, where they are started anew for every `roundsPerFreshData` rounds: 0, 1, ... */
export function startOf({ round }: Pick<PlannedCell, 'round'>, roundsPerFreshData: number): number {
  return Math.floor(round / roundsPerFreshData);
}

/** As many as the cells that are repeated most. */
export function roundsOf({ repeats, primaryRepeats = repeats }: RunQuestion): number {
  return Math.max(repeats, primaryRepeats);
}

function repeatsOf(
  { planned: { spec }, system, layer }: Omit<PlannedCell, 'repeat' | 'round' | 'isTwin'>,
  question: RunQuestion,
  primary: readonly PrimaryComparison[],
): number {
  if (isVariantName(system)) return Math.min(question.repeats, spec.variantRepeatsMax ?? question.repeats);
  const isPrimary = primary.some((comparison) => isSideOf(comparison, { ...spec, system, layer }));
  const asked = isPrimary ? (question.primaryRepeats ?? question.repeats) : repeatsOn(layer, question);
  const isGateway = layer === 'rest' || layer === 'grpc';
  const ofLayer = isGateway ? spec.gatewayRepeatsMax : layer === 'reference' ? spec.referenceRepeatsMax : undefined;
  return Math.min(asked, spec.repeatsMax ?? asked, ofLayer ?? asked);
}

/** A run of everything within half an hour has no time for more of rows that decide nothing. */
const referenceRepeatsMax = 2;

function repeatsOn(layer: Layer, { repeats, asksSlowOnAllLayers }: RunQuestion): number {
  return layer === 'reference' && asksSlowOnAllLayers === false ? Math.min(repeats, referenceRepeatsMax) : repeats;
}

/**
 * What is run twice: the first workload of each mode, on one system and layer. A broker if there is one, since a broker's noise
 * is what its rows have; through the port, on which every workload runs.
 */
function twinsOf({
  workloads,
  systems: all,
  layers,
  profile,
}: RunQuestion): readonly Omit<PlannedCell, 'repeat' | 'round' | 'isTwin'>[] {
  const systems = all.filter((name) => !isBesideTheAnswer(name));
  const system =
    systems.find((name) => systemOf(name) === 'kafka') ?? systems.find((name) => name !== 'log') ?? systems[0];
  const layer = layers.includes('port') ? 'port' : layers[0];
  if (system === undefined || layer === undefined || layer === 'reference') return [];
  // A minute has room for one of them; the noise of an own maximum is then the one that is always assumed.
  const modes = profile === 'smoke' ? (['equal-load'] as const) : (['equal-load', 'own-maximum'] as const);
  return modes.flatMap((mode) => {
    const planned = workloads.find(
      ({ spec }) => spec.mode === mode && spec.kind === 'flow' && spec.layers.includes(layer),
    );
    return planned === undefined ? [] : [{ planned, system, layer }];
  });
}
