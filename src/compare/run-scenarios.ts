/** Runs scenarios: systems side by side, one scenario at a time on each; then those that need their broker alone. */

import { backendNames } from '../adapters/index.ts';
import type { Layer, ScenarioRow } from './report/model.ts';
import { type DiskMeter, expectationFor, type Finding, type Scenario } from './scenarios/scenario.ts';
import { Stage, Undecided } from './scenarios/index.ts';
import type { SystemId } from './system-ids.ts';
import { backendOf } from './system-ids.ts';
import { type Wire, WireRefusal } from './wire.ts';
import { deriveSeed } from './workloads/index.ts';

export interface ScenarioRun {
  readonly wires: readonly Wire[];
  readonly scenarios: readonly Scenario[];
  /** Prefix of every name that is made. */
  readonly prefix: string;
  readonly messages: number;
  /** Hard end of one scenario on one system. */
  readonly deadlineMs: number;
  readonly seed: number;
  readonly diskOf: (wire: Wire) => DiskMeter;
  readonly onProgress: (line: string) => void;
  /** Ends the run before the next scenario. */
  readonly signal?: AbortSignal;
}

export interface NotMeasured {
  readonly id: string;
  readonly system: SystemId;
  readonly layer: Layer;
  readonly reason: string;
}

export interface ScenarioRunResult {
  readonly rows: readonly ScenarioRow[];
  readonly notMeasured: readonly NotMeasured[];
}

/** Resolves when every scenario has a row or a reason why not; never rejects for a scenario's sake. */
export async function runScenarios(run: ScenarioRun): Promise<ScenarioRunResult> {
  const rows: ScenarioRow[] = [];
  const notMeasured: NotMeasured[] = [];
  const runOne = async (scenario: Scenario, wire: Wire) => {
    run.signal?.throwIfAborted();
    if (!scenario.layers.includes(wire.layer)) return;
    const reason = scenario.notFor(wire.system, wire.layer);
    if (reason === null) rows.push(await runScenario(run, scenario, wire));
    else notMeasured.push({ id: scenario.id, system: wire.system, layer: wire.layer, reason });
  };
  const shared = run.scenarios.filter((scenario) => !scenario.exclusive);
  const exclusive = run.scenarios.filter((scenario) => scenario.exclusive);
  await Promise.all(
    run.wires.map(async (wire) => {
      for (const scenario of shared) await runOne(scenario, wire);
    }),
  );
  await Promise.all(
    backendNames.map(async (backend) => {
      const sharing = run.wires.filter((wire) => backendOf[wire.system] === backend);
      for (const scenario of exclusive) for (const wire of sharing) await runOne(scenario, wire);
    }),
  );
  return { rows: inOrder(rows, run), notMeasured };
}

function inOrder(rows: readonly ScenarioRow[], run: ScenarioRun): readonly ScenarioRow[] {
  const place = (row: ScenarioRow) =>
    run.scenarios.findIndex((scenario) => scenario.id === row.id) * run.wires.length +
    run.wires.findIndex((wire) => wire.system === row.system && wire.layer === row.layer);
  return rows.toSorted((a, b) => place(a) - place(b));
}

async function runScenario(run: ScenarioRun, scenario: Scenario, wire: Wire): Promise<ScenarioRow> {
  const startedMs = performance.now();
  const stage = new Stage({
    wire,
    prefix: `${run.prefix}-${scenario.id}-${wire.system}-${wire.layer}`,
    deadlineMs: run.deadlineMs,
    now: () => performance.now(),
  });
  const seed = deriveSeed(run.seed, scenario.id);
  const finding = await stage
    .within(scenario.run({ wire, stage, messages: run.messages, seed, disk: run.diskOf(wire) }), 'the scenario')
    .catch(findingOfFailure);
  const leftOver = await stage.strike();
  const row = rowOf(scenario, wire, finding, leftOver, Math.round(performance.now() - startedMs));
  const mark = row.surprise ? ` SURPRISE (expected ${row.expected.verdict})` : '';
  run.onProgress(`${scenario.id} ${wire.system} ${wire.layer}: ${row.verdict}${mark}, ${row.summary}`);
  return row;
}

/** A refusal is an answer; everything else leaves the question open. */
function findingOfFailure(reason: unknown): Finding {
  const message = reason instanceof Error ? reason.message : String(reason);
  if (reason instanceof WireRefusal && (reason.code === 'capability_unsupported' || reason.code === 'broker_refused')) {
    const evidence = [`${reason.code}: ${message}`];
    return { verdict: 'UNSUPPORTED', summary: `refused: ${message}`, observed: { code: reason.code }, evidence };
  }
  const kind = reason instanceof Undecided ? 'undecided' : 'failed';
  return { verdict: 'INCONCLUSIVE', summary: `${kind}: ${message}`, observed: {}, evidence: [] };
}

function rowOf(
  scenario: Scenario,
  wire: Wire,
  finding: Finding,
  leftOver: readonly string[],
  durationMs: number,
): ScenarioRow {
  const { id, title, question } = scenario;
  const { verdict, summary, observed, evidence } = finding;
  const expectation = expectationFor(scenario, wire.system, wire.layer, wire.version);
  if (expectation === null)
    throw new Error(`scenario ${id} expects nothing of ${wire.system} ${wire.version} (${wire.layer})`);
  const { why, versions, source } = expectation;
  return {
    id,
    title,
    question,
    system: wire.system,
    layer: wire.layer,
    verdict,
    // Nothing seen is no surprise, it is a question left open.
    surprise: verdict !== expectation.verdict && verdict !== 'INCONCLUSIVE',
    surpriseExplained: null,
    expected: { verdict: expectation.verdict, why, versions, source },
    summary,
    observed,
    evidence: [...evidence, ...leftOver.map((failure) => `not removed: ${failure}`)].slice(0, 12),
    durationMs,
  };
}
