/** The cells of a run, one after the other in the order of the plan; what is in the journal already is not run again. */

import { ClientFailed, GeneratorGone } from '../generator/index.ts';
import type { Going } from './going.ts';
import type { Journal } from './journal.ts';
import { LoadMakers } from './load-makers.ts';
import { planFor } from '../load/measure-cell.ts';
import type { Report, WarmUp, WorkloadRow } from '../report/model.ts';
import { cellName, ladderPlanHash, namesOfRun, type PlannedCell, sourceOf, startOf } from './plan.ts';
import { NotMeasurable } from '../load/workload-run.ts';
import { closeAll } from './wires.ts';
import { findSustainableRate, searchSentence } from '../load/sustainable-rate.ts';
import type { CompareOptions } from './compare-options.ts';
import type { Wire } from '../systems/wire.ts';
import { rowOfNothing } from '../load/workload-row.ts';
import { warmersOf, warmUp } from './warm-up.ts';

export interface WorkloadsResult {
  readonly rows: readonly WorkloadRow[];
  readonly twins: readonly WorkloadRow[];
  readonly notMeasured: Report['notMeasured'];
  readonly order: readonly string[];
  readonly planHashes: readonly string[];
  readonly ceilings: Readonly<Record<string, number>>;
  readonly warmUps: readonly WarmUp[];
}

/** What went on here: rows as they come, and what was refused. */
class Kept {
  readonly rows: WorkloadRow[] = [];
  readonly twins: WorkloadRow[] = [];
  readonly order: string[] = [];
  readonly planHashes = new Set<string>();
  readonly refused: Map<string, Report['notMeasured'][number]>;

  constructor(refused: ReadonlyMap<string, Report['notMeasured'][number]>) {
    this.refused = new Map(refused);
  }

  keep({ planned: { spec }, repeat, isTwin }: PlannedCell, row: WorkloadRow): void {
    this.planHashes.add(`${spec.id}/${spec.mode}/${repeat} ${row.planHash}`);
    (isTwin ? this.twins : this.rows).push(row);
  }
}

/** The clients of the scenarios are closed before: the generator has its own, and nothing else is open while it measures. */
export async function runWorkloads(going: Going): Promise<WorkloadsResult> {
  const { context, options, plan, wires, journal } = going;
  const known = knownWorkloads(journal);
  const kept = new Kept(known.refused);
  const makers = new LoadMakers(context, options, wires);
  if (options.workloads.length > 0) await makers.begin();
  await closeAll(
    wires.filter((wire) => wire.drive === undefined),
    options,
  );
  try {
    const ceilings = await makers.ceilings(options.workloads);
    const fresh = new FreshData(going, makers);
    for (const [index, cell] of plan.cells.entries()) {
      options.signal?.throwIfAborted();
      const wire = wires.find((one) => one.name === cell.system && one.layer === cell.layer);
      if (wire === undefined || kept.refused.has(refusalKey(cell))) continue;
      const name = cellName(cell);
      kept.order.push(name);
      const before = known.rows.get(name);
      if (before !== undefined) {
        kept.keep(cell, before);
        continue;
      }
      await fresh.for(cell);
      await runOne({ going, makers, kept, ceilings }, { cell, wire, index });
    }
    return {
      rows: inReportOrder(kept.rows, options),
      twins: kept.twins,
      notMeasured: [...kept.refused.values()],
      order: kept.order,
      planHashes: [...kept.planHashes].toSorted(),
      ceilings,
      warmUps: [...known.warmUps, ...fresh.warmUps],
    };
  } finally {
    await makers.close();
  }
}

/**
 * Where a run has fresh data: brokers are ended and started anew when the first cell of so many rounds comes, and warmed up. Of a run that was
 * interrupted in the middle of them, too: its brokers are new.
 */
class FreshData {
  readonly warmUps: WarmUp[] = [];
  readonly #going: Going;
  readonly #makers: LoadMakers;
  #start: number | null = null;
  /** Brokers that nobody has asked anything are fresh. */
  #isFresh: boolean;

  constructor(going: Going, makers: LoadMakers) {
    this.#going = going;
    this.#makers = makers;
    this.#isFresh = going.options.scenarioIds.length === 0;
  }

  async for(cell: PlannedCell): Promise<void> {
    const going = this.#going;
    const { options, brokers, plan, wires } = going;
    const every = options.roundsPerFreshData;
    if (every === undefined || brokers.whyNotFresh !== null) return;
    const start = startOf(cell, every);
    if (start === this.#start) return;
    this.#start = start;
    const { round } = cell;
    if (!this.#isFresh) await this.#renew(round);
    this.#isFresh = false;
    const places = wires.map(({ name, layer }) => ({ system: name, layer }));
    const warmers = warmersOf(
      plan.cells.filter((other) => startOf(other, every) === start),
      places,
    );
    this.warmUps.push(...(await warmUp(going, this.#makers, { round, warmers })));
  }

  async #renew(round: number): Promise<void> {
    const { brokers, context, steps } = this.#going;
    steps.begin(`brokers on fresh data, for round ${round + 1}`);
    await this.#makers.close();
    for (const gateway of context.gateways?.values() ?? [])
      await gateway.then((one) => one.close()).catch(() => undefined);
    context.gateways?.clear();
    await brokers.renew();
  }
}

// ------------------------------------------------------------------------------------------------ one cell

interface CellRun {
  readonly going: Going;
  readonly makers: LoadMakers;
  readonly kept: Kept;
  readonly ceilings: Readonly<Record<string, number>>;
}

async function runOne(
  run: CellRun,
  { cell, wire, index }: { readonly cell: PlannedCell; readonly wire: Wire; readonly index: number },
): Promise<void> {
  const { going, kept } = run;
  const { options, plan, journal, steps } = going;
  const { planned, repeat, isTwin } = cell;
  const name = cellName(cell);
  const place = `${index + 1}/${plan.cells.length} ${name}`;
  const shown = { workload: planned.spec.id, mode: planned.spec.mode, system: cell.system, layer: cell.layer };
  steps.begin(name);
  options.live?.cellBegins(shown, repeat);
  let ended: WorkloadRow | null = null;
  try {
    const row = await measured(run, { cell, wire, prefix: `sluice-cmp-${going.prefix}-${index}` });
    const told = { ...row, notes: [...row.notes, ...(wire.notes ?? []), ...(planned.notes ?? [])] };
    journal?.add({ kind: isTwin ? 'twin' : 'workload', name, row: told });
    kept.keep(cell, told);
    ended = row;
    options.onProgress(`${place}: ${inWords(row)}`);
  } catch (reason) {
    if (!(reason instanceof NotMeasurable)) throw reason;
    const why = { id: planned.spec.id, system: wire.name, layer: wire.layer, reason: reason.message };
    journal?.add({ kind: 'refused', name: refusalKey(cell), reason: why });
    kept.refused.set(refusalKey(cell), why);
    options.onProgress(`${place}: not measured, ${reason.message}`);
  } finally {
    options.live?.cellEnds(shown, ended);
  }
  steps.end(name);
}

/** A generator that was lost on the way costs its cell, not the run. */
async function measured(
  { going: { options }, makers, ceilings }: CellRun,
  { cell, wire, prefix }: { readonly cell: PlannedCell; readonly wire: Wire; readonly prefix: string },
): Promise<WorkloadRow> {
  const { planned, repeat, system, layer } = cell;
  const { spec } = planned;
  const { seed, live, signal } = options;
  const startedAt = new Date().toISOString();
  const generatorCeiling = ceilings[String(spec.messageBytes)] ?? null;
  const shown = { workload: spec.id, mode: spec.mode, system, layer };
  const question = {
    spec,
    repeat,
    prefix,
    generatorCeiling,
    ...(live === undefined ? {} : { onSample: (point: WorkloadRow['series'][number]) => live.sample(shown, point) }),
  };
  const source = sourceOf(planned, seed, repeat);
  try {
    const measure = await makers.forCell(cell);
    if (spec.ladder === undefined) return (await measure({ ...question, source })).row;
    const planHash = ladderPlanHash(spec, spec.ladder, seed, repeat);
    const ending = signal === undefined ? {} : { signal };
    return await findSustainableRate({ ...question, ...ending, seed, planHash, measure });
  } catch (reason) {
    if (!(reason instanceof GeneratorGone || reason instanceof ClientFailed)) throw reason;
    const plan = planFor(spec, source);
    return rowOfNothing({ wire, spec, plan, repeat, startedAt, generatorCeiling }, `it broke: ${reason.message}`);
  }
}

function refusalKey({ planned: { spec }, system, layer }: PlannedCell): string {
  return `${spec.id}/${system}/${layer}`;
}

function knownWorkloads(journal: Journal | null) {
  const rows = new Map<string, WorkloadRow>();
  const refused = new Map<string, Report['notMeasured'][number]>();
  const warmUps: WarmUp[] = [];
  for (const entry of journal?.entries ?? [])
    if (entry.kind === 'workload' || entry.kind === 'twin') rows.set(entry.name, entry.row);
    else if (entry.kind === 'refused') refused.set(entry.name, entry.reason);
    else if (entry.kind === 'warm-up') warmUps.push(entry.warmUp);
  return { rows, refused, warmUps };
}

function inReportOrder(
  rows: readonly WorkloadRow[],
  { workloads, layers, systems }: CompareOptions,
): readonly WorkloadRow[] {
  const place = (row: WorkloadRow) => [
    workloads.findIndex(({ spec }) => spec.id === row.id && spec.mode === row.mode),
    layers.indexOf(row.layer),
    namesOfRun({ systems, workloads }, row.layer).indexOf(row.system),
    row.repeat,
  ];
  return rows.toSorted((a, b) => {
    const left = place(a);
    const right = place(b);
    const different = left.findIndex((value, index) => value !== right[index]);
    return different === -1 ? 0 : (left[different] ?? 0) - (right[different] ?? 0);
  });
}

function inWords(row: WorkloadRow): string {
  if (!row.valid) return `INVALID, ${row.invalidBecause}`;
  if (row.search !== undefined) return searchSentence(row.search);
  const { publish, consume, latencyMs } = row;
  return `${Math.round(publish.messagesPerSecond)}/s in, ${Math.round(consume.messagesPerSecond)}/s out, end to end p50 ${latencyMs.endToEnd.p50} ms, p99 ${latencyMs.endToEnd.p99} ms, limited by ${row.limitedBy}`;
}
