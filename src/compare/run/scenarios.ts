/** Runs scenarios: systems side by side, one scenario at a time on each; then those that need their broker alone. */

import { backendNames } from '../../adapters/index.ts';
import type { Layer, ScenarioRow } from '../report/model.ts';
import { processFaults } from '../systems/faults.ts';
import type { Usage } from '../usage/process-usage.ts';
import type { ProcessWire } from '../remote/index.ts';
import {
  type Cluster,
  type DiskMeter,
  expectationFor,
  type Faults,
  type Finding,
  type OwnSystem,
  type Scenario,
  type ScenarioContext,
} from '../scenarios/scenario.ts';
import { Stage, Undecided } from '../scenarios/index.ts';
import { backendOf, systemOf } from '../systems/system-ids.ts';
import { isRefusalCode, type Wire, WireRefusal } from '../systems/wire.ts';
import { deriveSeed } from '../workloads/index.ts';

export interface ScenarioRun {
  readonly wires: readonly Wire[];
  readonly scenarios: readonly Scenario[];
  /** Prefix of every name that is made. */
  readonly prefix: string;
  readonly messages: number;
  /** Hard end of one scenario on one system. */
  readonly deadlineMs: number;
  readonly seed: number;
  readonly diskOf: (name: string) => DiskMeter;
  readonly usageOf: (name: string) => () => Usage | null;
  readonly open: (name: string, layer: Layer) => Promise<Wire>;
  readonly openProcess: (name: string, layer: Layer) => Promise<ProcessWire>;
  readonly openCluster: (name: string) => Promise<Cluster>;
  readonly openOwn: (name: string) => Promise<OwnSystem>;
  /** Why this run does not ask it on that layer; null where it does. */
  readonly leaveOut?: (scenario: Scenario, layer: Layer) => string | null;
  readonly onProgress: (line: string) => void;
  /** A row that an interrupted run had already. */
  readonly known?: (id: string, name: string, layer: Layer) => ScenarioRow | undefined;
  readonly onRow?: (row: ScenarioRow) => void;
  /** Ends the run before the next scenario. */
  readonly signal?: AbortSignal;
}

/** Scenarios with faults, on systems whose usual wires are closed. */
export interface FaultRun extends Omit<ScenarioRun, 'wires'> {
  readonly targets: readonly { readonly name: string; readonly layer: Layer }[];
  /** A reason where nothing may be done to it. */
  readonly faultsOf: (name: string) => Faults | string;
}

export interface NotMeasured {
  readonly id: string;
  readonly system: string;
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
    const reason = scenario.notFor(wire.system, wire.layer) ?? run.leaveOut?.(scenario, wire.layer) ?? null;
    const known = run.known?.(scenario.id, wire.name, wire.layer);
    if (known !== undefined) rows.push(known);
    else if (reason === null) rows.push(await runScenario(run, scenario, wire, null));
    else notMeasured.push({ id: scenario.id, system: wire.name, layer: wire.layer, reason });
  };
  const quiet = run.scenarios.filter((scenario) => scenario.isFault !== true);
  const shared = quiet.filter((scenario) => !scenario.exclusive);
  const exclusive = quiet.filter((scenario) => scenario.exclusive);
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
  return { rows: inOrder(rows, run.scenarios, run.wires), notMeasured };
}

/** Backend by backend side by side; on each, one scenario at a time on a wire of its own. As `runScenarios` it rejects for no scenario. */
export async function runFaultScenarios(run: FaultRun): Promise<ScenarioRunResult> {
  const rows: ScenarioRow[] = [];
  const notMeasured: NotMeasured[] = [];
  const faulty = run.scenarios.filter((scenario) => scenario.isFault === true);
  const runOne = async (scenario: Scenario, { name, layer }: FaultRun['targets'][number]) => {
    run.signal?.throwIfAborted();
    if (!scenario.layers.includes(layer)) return;
    const system = systemOf(name);
    const leaveOut = (reason: string) => void notMeasured.push({ id: scenario.id, system: name, layer, reason });
    const senseless = scenario.notFor(system, layer) ?? run.leaveOut?.(scenario, layer) ?? null;
    if (senseless !== null) {
      leaveOut(senseless);
      return;
    }
    const known = run.known?.(scenario.id, name, layer);
    if (known !== undefined) {
      rows.push(known);
      return;
    }
    const given = system === 'log' ? null : run.faultsOf(name);
    if (typeof given === 'string') {
      leaveOut(given);
      return;
    }
    const opened = await openPatiently(() => (system === 'log' ? run.openProcess(name, layer) : run.open(name, layer)));
    if (typeof opened === 'string') {
      leaveOut(opened);
      return;
    }
    const faults = given ?? processFaults(opened as ProcessWire);
    try {
      rows.push(await runScenario(run, scenario, opened, faults));
    } finally {
      await closed(opened);
    }
  };
  await Promise.all(
    backendNames.map(async (backend) => {
      const own = run.targets.filter(({ name }) => backendOf[systemOf(name)] === backend);
      for (const scenario of faulty) for (const target of own) await runOne(scenario, target);
    }),
  );
  return { rows: inOrder(rows, run.scenarios, run.targets), notMeasured };
}

function inOrder(
  rows: readonly ScenarioRow[],
  scenarios: readonly Scenario[],
  targets: FaultRun['targets'],
): readonly ScenarioRow[] {
  const place = (row: ScenarioRow) =>
    scenarios.findIndex((scenario) => scenario.id === row.id) * targets.length +
    targets.findIndex(({ name, layer }) => name === row.system && layer === row.layer);
  return rows.toSorted((a, b) => place(a) - place(b));
}

async function runScenario(
  run: Omit<ScenarioRun, 'wires'>,
  scenario: Scenario,
  wire: Wire,
  faults: Faults | null,
): Promise<ScenarioRow> {
  const startedMs = performance.now();
  const stage = new Stage({
    wire,
    prefix: `${run.prefix}-${scenario.id}-${wire.name.replace('@', '-')}-${wire.layer}`,
    deadlineMs: scenario.deadlineMs?.(run.messages) ?? run.deadlineMs,
    now: () => performance.now(),
  });
  const others: Wire[] = [];
  let fresh: Wire | undefined;
  const keep = <W extends Wire>(other: W): W => {
    others.push(other);
    return other;
  };
  const context: ScenarioContext = {
    wire,
    stage,
    messages: run.messages,
    seed: deriveSeed(run.seed, scenario.id),
    disk: run.diskOf(wire.name),
    usage: run.usageOf(wire.name),
    faults,
    cluster: () => run.openCluster(wire.name),
    own: () => run.openOwn(wire.name),
    async open() {
      // The log is one process's: there it is the same one.
      if (wire.system === 'log') return wire;
      fresh = keep(await run.open(wire.name, wire.layer));
      return fresh;
    },
    async openProcess() {
      if (wire.system === 'log') throw new WireRefusal('broker_has_none', 'the log belongs to one process');
      return keep(await run.openProcess(wire.name, wire.layer));
    },
  };
  const finding = await stage.within(scenario.run(context), 'the scenario').catch(findingOfFailure);
  const leftOver = [...(await healed(context)), ...(await stage.strike(faults === null ? undefined : fresh))];
  for (const other of others) await closed(other);
  const row = rowOf(scenario, wire, finding, leftOver, Math.round(performance.now() - startedMs));
  run.onRow?.(row);
  const mark = row.surprise ? ` SURPRISE (expected ${row.expected.verdict})` : '';
  run.onProgress(`${scenario.id} ${wire.name} ${wire.layer}: ${row.verdict}${mark}, ${row.summary}`);
  return row;
}

/** After the fault before this one a system may take a while to be itself again; a reason where it does not come back. */
async function openPatiently(open: () => Promise<Wire>): Promise<Wire | string> {
  const endMs = performance.now() + openWaitMsMax;
  for (;;) {
    try {
      return await open();
    } catch (reason) {
      if (performance.now() > endMs)
        return `no client could be opened within ${openWaitMsMax} ms: ${reason instanceof Error ? reason.message : String(reason)}`;
      await new Promise<void>((resolve) => setTimeout(resolve, openPauseMs));
    }
  }
}

const openWaitMsMax = 30_000;
const openPauseMs = 500;

/** Whatever was paused goes on. Starting what was killed is the scenario's own part: where it failed, what follows says so. */
async function healed({ faults }: ScenarioContext): Promise<readonly string[]> {
  try {
    faults?.resume();
    return [];
  } catch (reason) {
    try {
      await faults?.start();
      return [];
    } catch {
      return [`the system could not be started again: ${String(reason)}`];
    }
  }
}

/** Closing a wire whose system was killed may take its client long, and is nobody's result. */
async function closed(wire: Wire): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, wireCloseMsMax);
  });
  await Promise.race([wire.close().catch(() => undefined), late]);
  clearTimeout(timer);
}

const wireCloseMsMax = 5_000;

/** A refusal is an answer; everything else leaves the question open. */
function findingOfFailure(reason: unknown): Finding {
  const message = reason instanceof Error ? reason.message : String(reason);
  if (reason instanceof WireRefusal && isRefusalCode(reason.code)) {
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
  // Nothing seen is no surprise, it is a question left open.
  const isSurprise = ![expectation.verdict, expectation.or, 'INCONCLUSIVE'].includes(verdict);
  return {
    id,
    title,
    question,
    system: wire.name,
    layer: wire.layer,
    verdict,
    surprise: isSurprise,
    surpriseExplained: isSurprise ? (expectation.explained ?? null) : null,
    // Where either is right, the one that was seen was expected.
    expected: { verdict: verdict === expectation.or ? verdict : expectation.verdict, why, versions, source },
    summary,
    observed,
    evidence: [...evidence, ...leftOver.map((failure) => `not removed: ${failure}`)].slice(0, 12),
    durationMs,
  };
}
