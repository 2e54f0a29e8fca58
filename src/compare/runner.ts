/**
 * The whole comparison, as one story: get the systems, look at the machine, ask the scenarios, run the workloads, draw the
 * conclusions. It always cleans up what it made, and a system that cannot be had costs its rows, not the run.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type BrokerKind, type ObtainedBrokers, obtainBrokers } from '../brokers/index.ts';
import { type Assertion, checkAssertion } from './assertions.ts';
import { describeEnvironment, ownVersion } from './environment.ts';
import { brokerFaults, ConnectionWatch } from './faults.ts';
import { generatorCeiling } from './generator-ceiling.ts';
import { blamePort } from './limited-by.ts';
import { backlogMax } from './load-run.ts';
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
import { runFaultScenarios, runScenarios, type ScenarioRunResult } from './run-scenarios.ts';
import { NotMeasurable, runWorkload } from './run-workload.ts';
import { notRun, scenarios } from './scenarios/index.ts';
import type { Faults, Scenario } from './scenarios/scenario.ts';
import { summarize } from './summaries.ts';
import { backendOf, type RabbitMqVersionName, systemOf, versionOf } from './system-ids.ts';
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
import {
  deriveSeed,
  hashOfPlans,
  type Plan,
  planFromSpec,
  seededRandom,
  shuffled,
  type WorkloadSpec,
} from './workloads/index.ts';

export interface CompareOptions {
  /** Names: `kafka`, `rabbitmq-quorum@3.10`. */
  readonly systems: readonly string[];
  /** A missing one ends the run with SystemMissing; else it is left out and said so. */
  readonly systemsAreRequired: boolean;
  readonly layers: readonly Layer[];
  readonly profile: Profile;
  readonly repeats: number;
  readonly seed: number;
  readonly scenarioIds: readonly string[];
  /** Default true; false keeps a run of everything within half an hour. */
  readonly asksSlowOnAllLayers?: boolean;
  readonly workloads: readonly PlannedWorkload[];
  readonly assertions: readonly Assertion[];
  /** What reproduces the run. */
  readonly command: string;
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal;
  /** Load may be put on brokers that are not on this machine. */
  readonly allowsRemote: boolean;
  /** Brokers that somebody else started and will end; without it the run gets its own. */
  readonly brokers?: ObtainedBrokers;
}

/** A workload and, for a trace, its fixed plan; the others are planned anew for each repeat, equal for all systems. */
export interface PlannedWorkload {
  readonly spec: WorkloadSpec;
  readonly plan?: Plan;
  readonly notes?: readonly string[];
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
  const startedMs = performance.now();
  const startedAt = new Date().toISOString();
  const runId = `${startedAt.replaceAll(/\D/g, '').slice(2, 14)}-${process.pid.toString(36)}`;
  const dataDir = await mkdtemp(join(tmpdir(), 'sluice-cmp-'));
  const brokers = options.brokers ?? (await obtainNeeded(options));
  const others = await obtainOthers(options);
  const wires: Wire[] = [];
  try {
    if (!options.allowsRemote) for (const obtained of [brokers, ...others.values()]) refuseRemote(obtained);
    const environment = await describeEnvironment(dataDir);
    const context: SystemsContext = { brokers, others, dataDir, sluiceVersion: await ownVersion() };
    const missing = await openWires(context, options, wires);
    const asked = await askScenarios(context, options, wires, runId);
    const measured = await runWorkloads(context, options, wires, runId);
    // What is killed comes last: nothing after it would find its broker as it was.
    const faulted = await askFaultScenarios(context, options, wires, runId);
    const scenarioRows = inScenarioOrder([...asked.rows, ...faulted.rows]);
    const rows = blamePort(measured.rows);
    const cells = summarize(rows, options.seed);
    const systems = options.systems
      .filter((system) => wires.some((wire) => wire.name === system))
      .map((system) => systemRow(context, system, wires));
    const machine = `${environment.cpu.model}, ${environment.cpu.cores} cores, everything on one host`;
    return {
      specVersion: reportSpecVersion,
      run: {
        id: runId,
        seed: options.seed,
        profile: options.profile,
        planHash: hashOfPlans(measured.planHashes),
        startedAt,
        finishedAt: new Date().toISOString(),
        command: options.command,
        durationMs: Math.round(performance.now() - startedMs),
        repeats: options.repeats,
        layers: options.layers,
        order: measured.order,
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
      verdicts: decideClaims({ systems, scenarios: scenarioRows, cells, machine }),
      assertions: options.assertions.map((assertion) => checkAssertion(assertion, cells)),
      notMeasured: [
        ...missing,
        ...asked.notMeasured,
        ...faulted.notMeasured,
        ...measured.notMeasured,
        ...(asked.rows.length + faulted.rows.length > 0 ? notAsked() : []),
      ],
      limits: limitsOf(options),
    };
  } finally {
    await closeAll(wires, options);
    if (options.brokers === undefined) await brokers?.stop();
    for (const older of others.values()) await older.stop();
    await rm(dataDir, { recursive: true, force: true });
  }
}

// ------------------------------------------------------------------------------------------------ systems

async function obtainNeeded({ systems, onProgress }: CompareOptions): Promise<ObtainedBrokers | null> {
  const kinds = new Set(systems.filter((name) => versionOf(name) === null).map((name) => backendOf[systemOf(name)]));
  const want = (['rabbitmq', 'kafka'] as const satisfies readonly BrokerKind[]).filter((kind) => kinds.has(kind));
  if (want.length === 0) return null;
  return await obtainBrokers({ want, onProgress });
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
  for (const layer of options.layers)
    for (const system of options.systems) {
      try {
        wires.push(await openWire(context, system, layer));
      } catch (reason) {
        if (!(reason instanceof SystemMissing) || options.systemsAreRequired) throw reason;
        missing.push({ id: 'all', system, layer, reason: reason.message });
        options.onProgress(`left out: ${system} (${layer}): ${reason.message}`);
      }
    }
  if (wires.length === 0) throw new SystemMissing('none of the systems can be had');
  return missing;
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

async function askScenarios(
  context: SystemsContext,
  options: CompareOptions,
  wires: readonly Wire[],
  runId: string,
): Promise<ScenarioRunResult> {
  const wanted = wantedScenarios(options).filter((scenario) => scenario.isFault !== true);
  if (wanted.length === 0) return { rows: [], notMeasured: [] };
  options.onProgress(`scenarios: ${wanted.length} on ${wires.length} systems and layers`);
  return await runScenarios({ wires, ...scenarioRun(context, options, runId), scenarios: wanted });
}

async function askFaultScenarios(
  context: SystemsContext,
  options: CompareOptions,
  wires: readonly Wire[],
  runId: string,
): Promise<ScenarioRunResult> {
  const wanted = wantedScenarios(options).filter((scenario) => scenario.isFault === true);
  if (wanted.length === 0) return { rows: [], notMeasured: [] };
  const targets = wires.map(({ name, layer }) => ({ name, layer }));
  await closeAll(wires, options);
  options.onProgress(`scenarios with faults: ${wanted.length} on ${targets.length} systems and layers`);
  const connections = new ConnectionWatch();
  connections.start();
  try {
    return await runFaultScenarios({
      ...scenarioRun(context, options, runId),
      scenarios: wanted,
      targets,
      faultsOf: (name) => faultsOf(context, name, connections),
    });
  } finally {
    connections.stop();
  }
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

function onlyBare({ isSlow, isFault }: Scenario, layer: Layer): string | null {
  if (layer === 'bare' || (isSlow !== true && isFault !== true)) return null;
  return 'takes long: this profile asks it of the bare clients only; --profile full, or --only with its name, asks it of all layers';
}

/** As the report has it: for every system and layer. */
function notAsked(): Report['notMeasured'] {
  return notRun.map(({ id, reason }) => ({ id, system: null, layer: null, reason }));
}

/** In the order of the list, whether they ran first or last. */
function inScenarioOrder(rows: readonly ScenarioRow[]): readonly ScenarioRow[] {
  const place = ({ id }: ScenarioRow) => scenarios.findIndex((scenario) => scenario.id === id);
  return rows.toSorted((a, b) => place(a) - place(b));
}

function scenarioRun(context: SystemsContext, options: CompareOptions, runId: string) {
  const pidsOf = (name: string) => withDescendants(brokerPids(context, name));
  return {
    prefix: `sluice-cmp-${runId}`,
    ...scenarioSizes[options.profile],
    seed: options.seed,
    diskOf: (name: string) => diskMeter(context, name, pidsOf(name)),
    usageOf: (name: string) => () => usageOf(pidsOf(name)),
    open: (name: string, layer: Layer) => openWire(context, name, layer),
    openProcess: (name: string, layer: Layer) => openWireProcess(context, name, layer),
    openCluster: (name: string) => openCluster(context, name),
    ...(options.asksSlowOnAllLayers === false && options.layers.includes('bare') ? { leaveOut: onlyBare } : {}),
    onProgress: options.onProgress,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };
}

interface Cell {
  readonly planned: PlannedWorkload;
  readonly wire: Wire;
  readonly repeat: number;
}

interface WorkloadsResult {
  readonly rows: readonly WorkloadRow[];
  readonly notMeasured: Report['notMeasured'];
  readonly order: readonly string[];
  readonly planHashes: readonly string[];
  readonly ceilings: Readonly<Record<string, number>>;
}

async function runWorkloads(
  context: SystemsContext,
  options: CompareOptions,
  wires: readonly Wire[],
  runId: string,
): Promise<WorkloadsResult> {
  const rows: WorkloadRow[] = [];
  const order: string[] = [];
  const planHashes: string[] = [];
  const refused = new Map<string, Report['notMeasured'][number]>();
  const ceilings = await measureCeilings(options.workloads);
  const cells = cellsInOrder(options, wires);
  for (const [index, cell] of cells.entries()) {
    options.signal?.throwIfAborted();
    const { planned, wire, repeat } = cell;
    const name = `${planned.spec.id}/${planned.spec.mode}/${wire.name}/${wire.layer}/${repeat}`;
    const refusalKey = `${planned.spec.id}/${wire.name}/${wire.layer}`;
    if (refused.has(refusalKey)) continue;
    const plan = planOf(planned, options.seed, repeat);
    order.push(name);
    planHashes.push(`${planned.spec.id}/${planned.spec.mode}/${repeat} ${plan.hash}`);
    try {
      const row = await runWorkload({
        wire,
        spec: planned.spec,
        plan,
        repeat,
        prefix: `sluice-cmp-${runId}-${index}`,
        pids: withDescendants(brokerPids(context, wire.name)),
        generatorCeiling: ceilings[String(planned.spec.messageBytes)] ?? null,
      });
      rows.push({ ...row, notes: [...row.notes, ...(planned.notes ?? [])] });
      options.onProgress(`${index + 1}/${cells.length} ${name}: ${inWords(row)}`);
    } catch (reason) {
      if (!(reason instanceof NotMeasurable)) throw reason;
      refused.set(refusalKey, { id: planned.spec.id, system: wire.name, layer: wire.layer, reason: reason.message });
      options.onProgress(`${index + 1}/${cells.length} ${name}: not measured, ${reason.message}`);
    }
  }
  return {
    rows: inReportOrder(rows, options),
    notMeasured: [...refused.values()],
    order,
    planHashes: [...new Set(planHashes)].toSorted(),
    ceilings,
  };
}

/** Repeat by repeat, each in a random order of its own: what drifts on the machine meets every system alike. */
function cellsInOrder(options: CompareOptions, wires: readonly Wire[]): readonly Cell[] {
  const random = seededRandom(deriveSeed(options.seed, 'order'));
  const cells: Cell[] = [];
  for (let repeat = 0; repeat < options.repeats; repeat++) {
    const ofRepeat = options.workloads.flatMap((planned) =>
      wires.filter((wire) => planned.spec.layers.includes(wire.layer)).map((wire) => ({ planned, wire, repeat })),
    );
    cells.push(...shuffled(ofRepeat, random));
  }
  return cells;
}

function inReportOrder(
  rows: readonly WorkloadRow[],
  { workloads, layers, systems }: CompareOptions,
): readonly WorkloadRow[] {
  const place = (row: WorkloadRow) => [
    workloads.findIndex(({ spec }) => spec.id === row.id && spec.mode === row.mode),
    layers.indexOf(row.layer),
    systems.findIndex((system) => system === row.system),
    row.repeat,
  ];
  return rows.toSorted((a, b) => {
    const left = place(a);
    const right = place(b);
    const different = left.findIndex((value, index) => value !== right[index]);
    return different === -1 ? 0 : (left[different] ?? 0) - (right[different] ?? 0);
  });
}

function planOf({ spec, plan }: PlannedWorkload, seed: number, repeat: number): Plan {
  return plan ?? planFromSpec({ ...spec, seed: deriveSeed(seed, `${spec.id}/${spec.mode}/${repeat}`) });
}

async function measureCeilings(workloads: readonly PlannedWorkload[]): Promise<Readonly<Record<string, number>>> {
  const ceilings: Record<string, number> = {};
  for (const { spec } of workloads) ceilings[String(spec.messageBytes)] ??= await generatorCeiling(spec);
  return ceilings;
}

// ------------------------------------------------------------------------------------------------ words

function inWords(row: WorkloadRow): string {
  if (!row.valid) return `INVALID, ${row.invalidBecause}`;
  const { publish, consume, latencyMs } = row;
  return `${Math.round(publish.messagesPerSecond)}/s in, ${Math.round(consume.messagesPerSecond)}/s out, end to end p50 ${latencyMs.endToEnd.p50} ms, p99 ${latencyMs.endToEnd.p99} ms, limited by ${row.limitedBy}`;
}

function limitsOf({ profile, repeats }: CompareOptions): readonly string[] {
  return [
    'Everything runs on one host over loopback: there is no network, and load generator and brokers share its cores. Ratios may transfer, absolute figures do not.',
    'Each broker is one node: copies, elections and the loss of a machine are not measured. Quorum queues and Kafka are built for three or more.',
    'Clients are amqplib and kafkajs in one Node process: single-threaded JavaScript may be the limit (see "limited by"); the vendors\' own clients do more.',
    `An own maximum keeps at most ${backlogMax.toLocaleString('en')} acknowledged messages waiting for the consumer, so that it could go on for ever; its latencies are those of saturation.`,
    'Durability differs by system and stands in every row; rows of different durability are not the same promise.',
    'What survives a power cut was not tested; fsync stands for it.',
    ...(repeats < 5
      ? [
          `${repeats} ${repeats === 1 ? 'repeat' : 'repeats'} (profile ${profile}): too few for an interval that means much.`,
        ]
      : []),
  ];
}
