/**
 * The whole comparison, as one story: get the systems, look at the machine, ask the scenarios, run the workloads, draw the
 * conclusions. It always cleans up what it made, and a system that cannot be had costs its rows, not the run.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerKind, type ObtainedBrokers, obtainBrokers } from '../brokers/index.ts';
import { decideUses } from './advice/index.ts';
import { agreementMs, type AgreementResult, checkAgreement } from './agreement/index.ts';
import { type Assertion, checkAssertion } from './assertions.ts';
import { budgetInWords, budgetOf, timeInWords } from './budget.ts';
import { documented } from './documented.ts';
import { codeDigest, describeEnvironment, ownVersion } from './environment.ts';
import { brokerFaults, ConnectionWatch } from './faults.ts';
import type { LiveMetrics } from './live-metrics.ts';
import { withoutReference } from './reference-rows.ts';
import { findSustainableRate, type SearchOptions, searchSentence } from './sustainable-rate.ts';
import type { GatewayProcess } from './gateway/index.ts';
import { generatorCeiling } from './generator-ceiling.ts';
import { Journal, measuredMsOf, readJournal, refuseOtherPlan, type RunHeader } from './journal.ts';
import { blameLayer } from './limited-by.ts';
import { backlogMax } from './load-run.ts';
import { noiseFloors } from './noise.ts';
import { usageOf, withDescendants } from './process-usage.ts';
import {
  type Layer,
  type Profile,
  type Report,
  reportSpecVersion,
  type ScenarioRow,
  type WorkloadRow,
} from './report/model.ts';
import { openCluster } from './cluster.ts';
import { openOwnSystem } from './own-system.ts';
import {
  cellName,
  isAsked,
  type PlannedWorkload,
  planOf,
  type RunPlan,
  runPlanOf,
  type RunQuestion,
} from './run-plan.ts';
import { runFaultScenarios, runScenarios, type ScenarioRunResult } from './run-scenarios.ts';
import { decidePrimary, primaryInWords } from './primary-comparisons.ts';
import { NotMeasurable, runWorkload } from './run-workload.ts';
import { leftOutOfStandard, notRun, scenarios } from './scenarios/index.ts';
import type { Faults, Scenario } from './scenarios/scenario.ts';
import { summarize } from './summaries.ts';
import { backendOf, namesOn, type RabbitMqVersionName, systemOf, versionOf } from './system-ids.ts';
import {
  brokerPids,
  brokerPorts,
  brokersOf,
  diskMeter,
  openWire,
  openWireProcess,
  SystemMissing,
  systemRow,
  type SystemsContext,
} from './systems.ts';
import { decideClaims } from './verdicts.ts';
import type { Wire } from './wire.ts';
import { hashOfPlans } from './workloads/index.ts';

/** The question (`systems`, `layers`, `profile`, ...) and how it is asked. */
export interface CompareOptions extends RunQuestion {
  /** A missing one ends the run with SystemMissing; else it is left out and said so. */
  readonly systemsAreRequired: boolean;
  readonly assertions: readonly Assertion[];
  /** What reproduces the run. */
  readonly command: string;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Also independent tools on the same brokers, beside our instrument. */
  readonly checksAgreement?: boolean;
  /** Load may be put on brokers that are not on this machine. */
  readonly allowsRemote: boolean;
  /** Brokers that somebody else started and will end; without it the run gets its own. */
  readonly brokers?: ObtainedBrokers;
  /** Every row is kept here as it comes; with `resume` what is there already is not run again. */
  readonly journal?: {
    readonly directory: string;
    readonly resume: boolean;
    readonly flags: Readonly<Record<string, unknown>>;
  };
  /** What runs now, what is done and about how long the rest takes. */
  readonly onState?: (state: RunState) => void;
  /** For those who watch the run by its metrics. */
  readonly live?: LiveMetrics;
}

export interface RunState {
  readonly now: string;
  readonly done: number;
  readonly total: number;
  readonly leftMs: number;
}

/** How many messages a scenario uses, and when it is over. */
const scenarioSizes: Readonly<Record<Profile, { readonly messages: number; readonly deadlineMs: number }>> = {
  smoke: { messages: 200, deadlineMs: 15_000 },
  standard: { messages: 1_000, deadlineMs: 60_000 },
  full: { messages: 10_000, deadlineMs: 300_000 },
};

const closeDeadlineMs = 15_000;

/** Addresses outside this machine were given, and nobody said that they may be loaded. */
export class RemoteRefused extends Error {
  override readonly name = 'RemoteRefused';
}

/** Resolves with the report, also when runs were invalid or assertions failed. Rejects with SystemMissing, RemoteRefused, or when aborted. */
export async function compare(options: CompareOptions): Promise<Report> {
  const plan = runPlanOf(options);
  const { journal } = options;
  // Before brokers are started: a plan that is not the one begun is refused at once.
  const begun = journal?.resume === true ? readJournal(journal.directory) : null;
  if (begun !== null) refuseOtherPlan(begun.header, plan.hash);
  const startedMs = performance.now();
  const now = new Date().toISOString();
  const startedAt = begun?.header.startedAt ?? now;
  const runId = begun?.header.runId ?? `${startedAt.replaceAll(/\D/g, '').slice(2, 14)}-${process.pid.toString(36)}`;
  // What the interrupted part made on brokers may still be there.
  const prefix = begun === null ? runId : `${runId}-${process.pid.toString(36)}`;
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-cmp-'));
  const brokers = options.brokers ?? (await obtainNeeded(options));
  const others = await obtainOthers(options);
  const wires: Wire[] = [];
  const gateways = new Map<string, Promise<GatewayProcess>>();
  let kept: Journal | null = null;
  try {
    if (!options.allowsRemote) for (const obtained of [brokers, ...others.values()]) refuseRemote(obtained);
    const environment = await describeEnvironment(dataDir);
    const context: SystemsContext = { brokers, others, dataDir, sluiceVersion: await ownVersion(), gateways };
    const missing = await openWires(context, options, wires);
    const software = await softwareOf(environment, wires);
    kept = openJournal(options, { planHash: plan.hash, runId, startedAt, command: options.command, software });
    const going: Going = { context, options, plan, wires, prefix, journal: kept, steps: stepsOf(options, plan, kept) };
    const asked = await askScenarios(going);
    const measured = await runWorkloads(going);
    const agreement = options.checksAgreement === true ? await agreementOf(going) : null;
    // What is killed comes last: nothing after it would find its broker as it was.
    const faulted = await askFaultScenarios(going);
    const scenarioRows = inScenarioOrder([...asked.rows, ...faulted.rows]);
    const rows = blameLayer(measured.rows);
    const cells = summarize(rows, options.seed);
    const noise = noiseFloors(rows, measured.twins, options.seed);
    const primary = decidePrimary(plan.primary, rows, noise, options.seed);
    const systems = [...new Set(options.layers.flatMap((layer) => namesOn(layer, options.systems)))]
      .filter((system) => wires.some((wire) => wire.name === system))
      .map((system) => systemRow(context, system, wires));
    const machine = `${environment.cpu.model}, ${environment.cpu.cores} cores, everything on one host`;
    const resumed = resumptionsOf(kept, now);
    return withUses({
      specVersion: reportSpecVersion,
      run: {
        id: runId,
        seed: options.seed,
        profile: options.profile,
        planHash: hashOfPlans(measured.planHashes),
        startedAt,
        finishedAt: new Date().toISOString(),
        command: options.command,
        durationMs: Math.round(performance.now() - startedMs) + measuredMsOf(kept?.entries ?? []),
        repeats: options.repeats,
        layers: options.layers,
        order: measured.order,
        ...(resumed.length === 0 ? {} : { resumed }),
      },
      environment: {
        ...environment,
        loadAverage: { start: environment.loadAverage.start, end: loadavg()[0] ?? 0 },
        generatorCeiling: measured.ceilings,
      },
      systems,
      scenarios: scenarioRows,
      workloads: rows,
      summaries: cells,
      ...(noise.length === 0 ? {} : { noise }),
      ...(primary === null ? {} : { primary }),
      verdicts: decideClaims({ systems, scenarios: scenarioRows, cells, machine, noise, primary, searches: rows }),
      assertions: options.assertions.map((assertion) => checkAssertion(assertion, cells)),
      ...(agreement === null ? {} : { agreement: agreement.rows }),
      notMeasured: [
        ...missing,
        ...asked.notMeasured,
        ...faulted.notMeasured,
        ...measured.notMeasured,
        ...(agreement?.reasons ?? []).map((one) => ({ ...one, system: null, layer: null })),
        ...(asked.rows.length + faulted.rows.length > 0 ? notAsked() : []),
        ...protocolsNotMeasured(options),
      ],
      limits: limitsOf(options, resumed),
    });
  } finally {
    kept?.close();
    await closeAll(wires, options);
    for (const gateway of gateways.values()) await gateway.then((one) => one.close()).catch(() => undefined);
    if (options.brokers === undefined) await brokers?.stop();
    for (const older of others.values()) await older.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

/** Which system suits each use that was run, from everything else in the report. */
function withUses(report: Report): Report {
  const decided = decideUses(withoutReference(report), documented);
  return decided.length === 0 ? report : { ...report, uses: decided };
}

/** What every part of a run that is under way needs. */
interface Going {
  readonly context: SystemsContext;
  readonly options: CompareOptions;
  readonly plan: RunPlan;
  readonly wires: readonly Wire[];
  /** In the name of everything that is made. */
  readonly prefix: string;
  readonly journal: Journal | null;
  readonly steps: Steps;
}

// ------------------------------------------------------------------------------------------------ going on

function openJournal(options: CompareOptions, header: Omit<RunHeader, 'kind' | 'journal' | 'flags'>): Journal | null {
  const { journal } = options;
  if (journal === undefined) return null;
  if (journal.resume) return Journal.resume(journal.directory, header.planHash, header.software);
  return Journal.begin(journal.directory, { ...header, flags: journal.flags });
}

/** Everything that a figure depends on, beside the machine's load. */
async function softwareOf(
  { cpu, kernel, node, libraries }: Omit<Report['environment'], 'generatorCeiling'>,
  wires: readonly Wire[],
): Promise<RunHeader['software']> {
  return {
    processor: `${cpu.model}, ${cpu.cores} cores`,
    kernel,
    node,
    ...libraries,
    'code of sluice': await codeDigest(),
    ...Object.fromEntries(
      wires.map(({ name, layer, product, version, configuration: { libraries: clients, java } }) => [
        `${name} ${layer}`,
        [
          `${product} ${version}`,
          ...(clients === undefined ? [] : [clients]),
          ...(java === undefined ? [] : [java]),
        ].join(', '),
      ]),
    ),
  };
}

function resumptionsOf(journal: Journal | null, now: string): NonNullable<Report['run']['resumed']> {
  if (journal === null || journal.entries.length === 0) return [];
  const parts: { at: string; rowsBefore: number }[] = [];
  let rows = 0;
  for (const entry of journal.entries)
    if (entry.kind === 'part') parts.push({ at: entry.at, rowsBefore: rows });
    else rows++;
  return [...parts.slice(1), { at: now, rowsBefore: rows }];
}

/** Counts what is done, and tells it with the time that is left. */
class Steps {
  readonly #options: CompareOptions;
  readonly #total: number;
  readonly #expectedMs: number;
  readonly #startedMs = performance.now();
  #done = 0;

  constructor(options: CompareOptions, total: number, expectedMs: number) {
    this.#options = options;
    this.#total = total;
    this.#expectedMs = expectedMs;
  }

  begin(what: string): void {
    const state = { now: what, done: this.#done, total: this.#total, leftMs: this.#leftMs() };
    this.#options.onState?.(state);
    this.#options.live?.state(state);
  }

  end(what: string): void {
    this.#done++;
    this.begin(what);
  }

  /** At first by the budget, later more and more by the pace so far. */
  #leftMs(): number {
    const part = this.#total === 0 ? 1 : this.#done / this.#total;
    const byBudget = this.#expectedMs * (1 - part);
    if (part === 0) return byBudget;
    const byPace = ((performance.now() - this.#startedMs) / part) * (1 - part);
    return byPace * part + byBudget * (1 - part);
  }
}

function stepsOf(options: CompareOptions, plan: RunPlan, journal: Journal | null): Steps {
  const leaveOut = leaveOutOf(options);
  const budget = budgetOf(options, plan.cells, wantedScenarios(options), leaveOut);
  const check =
    options.checksAgreement === true ? `; the check about ${timeInWords(agreementMs(options.profile))}` : '';
  options.onProgress(`budget ${budgetInWords(options, budget)}${check}`);
  for (const line of primaryInWords(plan.primary)) options.onProgress(line);
  const known = (journal?.entries ?? []).filter(({ kind }) => kind !== 'part').length;
  const total = budget.cells + budget.scenarioRows + budget.faultRows;
  if (known > 0) options.onProgress(`going on: ${known} of ${total} rows are there already`);
  return new Steps(options, Math.max(0, total - known), budget.expectedMs * (total === 0 ? 0 : 1 - known / total));
}

// ------------------------------------------------------------------------------------------------ systems

async function obtainNeeded({ systems, layers, onProgress }: CompareOptions): Promise<ObtainedBrokers | null> {
  const kinds = new Set(systems.filter((name) => versionOf(name) === null).map((name) => backendOf[systemOf(name)]));
  const want = (['rabbitmq', 'kafka'] as const satisfies readonly BrokerKind[]).filter((kind) => kinds.has(kind));
  if (want.length === 0) return null;
  const asksForStreams = layers.some((layer) => namesOn(layer, systems).includes('rabbitmq-stream-protocol'));
  return await obtainBrokers({ want, onProgress, ...(asksForStreams ? { rabbitmqStreams: true } : {}) });
}

/** One RabbitMQ for each version that a name asks for. */
async function obtainOthers({
  systems,
  onProgress,
}: CompareOptions): Promise<ReadonlyMap<RabbitMqVersionName, ObtainedBrokers>> {
  const found = new Map<RabbitMqVersionName, ObtainedBrokers>();
  for (const name of systems) {
    const version = versionOf(name);
    if (version !== null && !found.has(version))
      found.set(version, await obtainBrokers({ want: ['rabbitmq'], rabbitmqVersion: version, onProgress }));
  }
  return found;
}

/** A comparison is a load test: not for a broker that others may be using. */
function refuseRemote(brokers: ObtainedBrokers | null): void {
  const hosts = [
    ...(brokers?.rabbitmq?.urls.map((url) => new URL(url).hostname) ?? []),
    ...(brokers?.kafka?.brokers.map((address) => address.slice(0, address.lastIndexOf(':'))) ?? []),
  ];
  const remote = hosts.find((host) => !/^(127\.\d+\.\d+\.\d+|localhost|\[?::1\]?)$/.test(host));
  if (remote !== undefined)
    throw new RemoteRefused(`${remote} is not this machine; --allow-remote puts the load on it all the same`);
}

/** Opens every wire that can be had into `wires`; resolves with what cannot. */
async function openWires(
  context: SystemsContext,
  options: CompareOptions,
  wires: Wire[],
): Promise<Report['notMeasured']> {
  const missing: { id: string; system: string; layer: Layer; reason: string }[] = [];
  for (const layer of options.layers.filter((one) => isUsed(one, options)))
    for (const system of namesOn(layer, options.systems)) {
      try {
        wires.push(await openWire(context, system, layer));
      } catch (reason) {
        // Without Java there are no reference rows, and the comparison is none the worse for it.
        const isRequired = options.systemsAreRequired && layer !== 'reference';
        if (!(reason instanceof SystemMissing) || isRequired) throw reason;
        missing.push({ id: 'all', system, layer, reason: reason.message });
        options.onProgress(`left out: ${system} (${layer}): ${reason.message}`);
      }
    }
  const isOnlyChecked = options.checksAgreement === true && missing.length === 0;
  if (wires.length === 0 && !isOnlyChecked) throw new SystemMissing('none of the systems can be had');
  return missing;
}

/** A gateway that nothing would be asked of is not started. */
function isUsed(layer: Layer, options: CompareOptions): boolean {
  return (
    options.workloads.some(({ spec }) => spec.layers.includes(layer)) ||
    wantedScenarios(options).some((scenario) => scenario.layers.includes(layer))
  );
}

const closedWires = new WeakSet<Wire>();

/** Those that are not closed yet: before scenarios with faults all are, and at the end again. */
async function closeAll(wires: readonly Wire[], options: CompareOptions): Promise<void> {
  for (const wire of wires) {
    if (closedWires.has(wire)) continue;
    closedWires.add(wire);
    await closing(wire.close(), `${wire.name} ${wire.layer}`, options);
  }
}

/** A client that does not close must not keep the report from being written. */
async function closing(work: Promise<void>, what: string, { onProgress }: CompareOptions): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      onProgress(`${what} did not close within ${closeDeadlineMs} ms`);
      resolve();
    }, closeDeadlineMs);
  });
  const told = work.catch((reason: unknown) => onProgress(`${what} did not close: ${String(reason)}`));
  await Promise.race([told, late]);
  clearTimeout(timer);
}

// ------------------------------------------------------------------------------------------------ scenarios and workloads

async function askScenarios(going: Going): Promise<ScenarioRunResult> {
  const { options, wires } = going;
  const wanted = wantedScenarios(options).filter((scenario) => scenario.isFault !== true);
  if (wanted.length === 0) return { rows: [], notMeasured: [] };
  options.onProgress(`scenarios: ${wanted.length} on ${wires.length} systems and layers`);
  const asked = wires.filter(({ name, layer }) => isAsked(name, layer));
  return await runScenarios({ wires: asked, ...scenarioRun(going), scenarios: wanted });
}

async function askFaultScenarios(going: Going): Promise<ScenarioRunResult> {
  const { context, options, wires } = going;
  const wanted = wantedScenarios(options).filter((scenario) => scenario.isFault === true);
  if (wanted.length === 0) return { rows: [], notMeasured: [] };
  const targets = wires.filter(({ name, layer }) => isAsked(name, layer)).map(({ name, layer }) => ({ name, layer }));
  await closeAll(wires, options);
  options.onProgress(`scenarios with faults: ${wanted.length} on ${targets.length} systems and layers`);
  const connections = new ConnectionWatch();
  connections.start();
  try {
    return await runFaultScenarios({
      ...scenarioRun(going),
      scenarios: wanted,
      targets,
      faultsOf: (name) => faultsOf(context, name, connections),
    });
  } finally {
    connections.stop();
  }
}

async function agreementOf({ context, options, prefix }: Going): Promise<AgreementResult> {
  const { profile, seed, signal, onProgress } = options;
  onProgress('agreement: independent tools on the same brokers');
  const own = signal === undefined ? {} : { signal };
  return await checkAgreement({ context, profile, seed, prefix: `sluice-cmp-${prefix}`, onProgress, ...own });
}

function faultsOf(context: SystemsContext, name: string, connections: ConnectionWatch): Faults | string {
  const brokers = brokersOf(context, name);
  const kind = systemOf(name) === 'kafka' ? 'kafka' : 'rabbitmq';
  const handle = brokers?.[kind];
  if (brokers === null || handle === undefined) return `there is no ${kind}`;
  if (!brokers.started.includes(kind) || handle.source !== 'process')
    return 'faults are only for brokers that this run started as processes of this machine';
  return brokerFaults({ brokers, kind, ports: brokerPorts(context, name), connections });
}

function wantedScenarios({ scenarioIds }: CompareOptions): readonly Scenario[] {
  return scenarios.filter((scenario) => scenarioIds.includes(scenario.id));
}

/** As the report has it: for every system and layer. */
function notAsked(): Report['notMeasured'] {
  return notRun.map(({ id, reason }) => ({ id, system: null, layer: null, reason }));
}

/** What RabbitMQ speaks and no row here does. */
function protocolsNotMeasured({ systems }: CompareOptions): Report['notMeasured'] {
  if (!systems.some((name) => backendOf[systemOf(name)] === 'rabbitmq')) return [];
  const reason =
    'every row of RabbitMQ is by AMQP 0.9.1, but for rabbitmq-stream-protocol; AMQP 1.0, which 4.x speaks natively, was not tried';
  return [{ id: 'amqp-1.0', system: null, layer: null, reason }];
}

/** In the order of the list, whether they ran first or last. */
function inScenarioOrder(rows: readonly ScenarioRow[]): readonly ScenarioRow[] {
  const place = ({ id }: ScenarioRow) => scenarios.findIndex((scenario) => scenario.id === id);
  return rows.toSorted((a, b) => place(a) - place(b));
}

function leaveOutOf({ asksSlowOnAllLayers, layers }: CompareOptions): typeof leftOutOfStandard | undefined {
  return asksSlowOnAllLayers === false && layers.includes('bare') ? leftOutOfStandard : undefined;
}

function scenarioRun({ context, options, prefix, journal, steps }: Going) {
  const pidsOf = (name: string) => withDescendants(brokerPids(context, name));
  const leaveOut = leaveOutOf(options);
  return {
    prefix: `sluice-cmp-${prefix}`,
    ...scenarioSizes[options.profile],
    seed: options.seed,
    diskOf: (name: string) => diskMeter(context, name, pidsOf(name)),
    usageOf: (name: string) => () => usageOf(pidsOf(name)),
    open: (name: string, layer: Layer) => openWire(context, name, layer),
    openProcess: (name: string, layer: Layer) => openWireProcess(context, name, layer),
    openCluster: (name: string) => openCluster(context, name),
    openOwn: (name: string) => openOwnSystem(context, name),
    ...(leaveOut === undefined ? {} : { leaveOut }),
    known: (id: string, name: string, layer: Layer) => knownScenario(journal, id, name, layer),
    onRow(row: ScenarioRow) {
      journal?.add({ kind: 'scenario', row });
      steps.end(`${row.id} ${row.system} ${row.layer}`);
    },
    onProgress: options.onProgress,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

function knownScenario(journal: Journal | null, id: string, name: string, layer: Layer): ScenarioRow | undefined {
  for (const entry of journal?.entries ?? [])
    if (entry.kind === 'scenario' && entry.row.id === id && entry.row.system === name && entry.row.layer === layer)
      return entry.row;
  return undefined;
}

interface WorkloadsResult {
  readonly rows: readonly WorkloadRow[];
  readonly twins: readonly WorkloadRow[];
  readonly notMeasured: Report['notMeasured'];
  readonly order: readonly string[];
  readonly planHashes: readonly string[];
  readonly ceilings: Readonly<Record<string, number>>;
}

async function runWorkloads(going: Going): Promise<WorkloadsResult> {
  const { context, options, plan: runPlan, wires, prefix, journal, steps } = going;
  const rows: WorkloadRow[] = [];
  const twins: WorkloadRow[] = [];
  const order: string[] = [];
  const planHashes: string[] = [];
  const known = knownWorkloads(journal);
  const refused = new Map(known.refused);
  const ceilings = await measureCeilings(options.workloads);
  const { cells } = runPlan;
  for (const [index, cell] of cells.entries()) {
    options.signal?.throwIfAborted();
    const { planned, repeat, isTwin } = cell;
    const name = cellName(cell);
    const wire = wires.find((one) => one.name === cell.system && one.layer === cell.layer);
    const refusalKey = `${planned.spec.id}/${cell.system}/${cell.layer}`;
    if (wire === undefined || refused.has(refusalKey)) continue;
    const keep = (row: WorkloadRow) => void (isTwin ? twins : rows).push(row);
    order.push(name);
    const before = known.rows.get(name);
    if (before !== undefined) {
      planHashes.push(`${planned.spec.id}/${planned.spec.mode}/${repeat} ${before.planHash}`);
      keep(before);
      continue;
    }
    const plan = planOf(planned, options.seed, repeat);
    planHashes.push(`${planned.spec.id}/${planned.spec.mode}/${repeat} ${plan.hash}`);
    steps.begin(name);
    const shown = { workload: planned.spec.id, mode: planned.spec.mode, system: cell.system, layer: cell.layer };
    options.live?.cellBegins(shown, repeat);
    let ended: WorkloadRow | null = null;
    try {
      const row = await runCell({
        seed: options.seed,
        ...(options.live === undefined ? {} : { onSample: (point) => options.live?.sample(shown, point) }),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        wire,
        spec: planned.spec,
        plan,
        repeat,
        prefix: `sluice-cmp-${prefix}-${index}`,
        pids: withDescendants([...brokerPids(context, wire.name), ...(wire.pids?.() ?? [])]),
        generatorCeiling: ceilings[String(planned.spec.messageBytes)] ?? null,
      });
      const told = { ...row, notes: [...row.notes, ...(wire.notes ?? []), ...(planned.notes ?? [])] };
      journal?.add({ kind: isTwin ? 'twin' : 'workload', name, row: told });
      keep(told);
      ended = row;
      options.onProgress(`${index + 1}/${cells.length} ${name}: ${inWords(row)}`);
    } catch (reason) {
      if (!(reason instanceof NotMeasurable)) throw reason;
      const why = { id: planned.spec.id, system: wire.name, layer: wire.layer, reason: reason.message };
      journal?.add({ kind: 'refused', name: refusalKey, reason: why });
      refused.set(refusalKey, why);
      options.onProgress(`${index + 1}/${cells.length} ${name}: not measured, ${reason.message}`);
    } finally {
      options.live?.cellEnds(shown, ended);
    }
    steps.end(name);
  }
  return {
    rows: inReportOrder(rows, options),
    twins,
    notMeasured: [...refused.values()],
    order,
    planHashes: [...new Set(planHashes)].toSorted(),
    ceilings,
  };
}

async function runCell(options: SearchOptions): Promise<WorkloadRow> {
  return options.spec.ladder === undefined ? await runWorkload(options) : await findSustainableRate(options);
}

function knownWorkloads(journal: Journal | null) {
  const rows = new Map<string, WorkloadRow>();
  const refused = new Map<string, Report['notMeasured'][number]>();
  for (const entry of journal?.entries ?? [])
    if (entry.kind === 'workload' || entry.kind === 'twin') rows.set(entry.name, entry.row);
    else if (entry.kind === 'refused') refused.set(entry.name, entry.reason);
  return { rows, refused };
}

function inReportOrder(
  rows: readonly WorkloadRow[],
  { workloads, layers, systems }: CompareOptions,
): readonly WorkloadRow[] {
  const place = (row: WorkloadRow) => [
    workloads.findIndex(({ spec }) => spec.id === row.id && spec.mode === row.mode),
    layers.indexOf(row.layer),
    namesOn(row.layer, systems).indexOf(row.system),
    row.repeat,
  ];
  return rows.toSorted((a, b) => {
    const left = place(a);
    const right = place(b);
    const different = left.findIndex((value, index) => value !== right[index]);
    return different === -1 ? 0 : (left[different] ?? 0) - (right[different] ?? 0);
  });
}

async function measureCeilings(workloads: readonly PlannedWorkload[]): Promise<Readonly<Record<string, number>>> {
  const ceilings: Record<string, number> = {};
  for (const { spec } of workloads) ceilings[String(spec.messageBytes)] ??= await generatorCeiling(spec);
  return ceilings;
}

// ------------------------------------------------------------------------------------------------ words

function inWords(row: WorkloadRow): string {
  if (!row.valid) return `INVALID, ${row.invalidBecause}`;
  if (row.search !== undefined) return searchSentence(row.search);
  const { publish, consume, latencyMs } = row;
  return `${Math.round(publish.messagesPerSecond)}/s in, ${Math.round(consume.messagesPerSecond)}/s out, end to end p50 ${latencyMs.endToEnd.p50} ms, p99 ${latencyMs.endToEnd.p99} ms, limited by ${row.limitedBy}`;
}

function limitsOf(
  { profile, repeats, workloads, layers, scenarioIds, asksSlowOnAllLayers }: CompareOptions,
  resumed: NonNullable<Report['run']['resumed']>,
): readonly string[] {
  return [
    ...resumed.map(
      ({ at, rowsBefore }) =>
        `The run was interrupted and went on at ${at}, with ${rowsBefore} rows from before: the same plan and software, with brokers started anew; what else the machine did may have been another thing.`,
    ),
    'Everything runs on one host over loopback: there is no network, and load generator and brokers share its cores. Ratios may transfer, absolute figures do not.',
    'Each broker is one node: copies, elections and the loss of a machine are not measured. Quorum queues and Kafka are built for three or more.',
    `Clients are amqplib and kafkajs in one Node process: single-threaded JavaScript may be the limit (see "limited by"). ${
      layers.includes('reference')
        ? 'What the vendors\' own Java clients do stands in the rows of the layer "reference", which are no part of the verdicts.'
        : "The vendors' own clients do more: --layers reference measures them where Java is on the machine."
    }`,
    `An own maximum keeps at most ${backlogMax.toLocaleString('en')} acknowledged messages waiting for the consumer, so that it could go on for ever; its latencies are those of saturation.`,
    ...(workloads.some(({ spec }) => spec.ladder !== undefined)
      ? [
          'A sustainable rate was held for seconds: what takes minutes or days to show (retention, compaction, a heap that fills) is not in it.',
        ]
      : []),
    'Durability differs by system and stands in every row; rows of different durability are not the same promise.',
    scenarioIds.includes('power-loss') && asksSlowOnAllLayers !== false
      ? 'A power cut is simulated, on one node: what was not synced is taken away. That copies on other machines outlive it, which is what Kafka relies on, was not tested.'
      : 'What survives a power cut was not tested; fsync stands for it.',
    ...(repeats < 5
      ? [
          `${repeats} ${repeats === 1 ? 'repeat' : 'repeats'} (profile ${profile}): too few for an interval that means much.`,
        ]
      : []),
  ];
}
