/** The scenarios of a run: asked of every wire, and those with faults last, on wires of their own. */

import { openCluster } from '../systems/cluster.ts';
import { openOwnSystem } from '../systems/own-system.ts';
import { brokerFaults, ConnectionWatch } from '../systems/faults.ts';
import type { Going } from './going.ts';
import type { Journal } from './journal.ts';
import { usageOf, withDescendants } from '../usage/process-usage.ts';
import type { Layer, Profile, ScenarioRow } from '../report/model.ts';
import { isAsked } from './plan.ts';
import { runFaultScenarios, runScenarios, type ScenarioRunResult } from './scenarios.ts';
import { closeAll } from './wires.ts';
import type { Faults } from '../scenarios/scenario.ts';
import { systemOf } from '../systems/system-ids.ts';
import {
  brokerPids,
  brokerPorts,
  brokersOf,
  diskMeter,
  openWire,
  openWireProcess,
  type SystemsContext,
} from '../systems/systems.ts';
import { leaveOutOf, wantedScenarios } from './wanted-scenarios.ts';

/** How many messages a scenario uses, and when it is over. */
const scenarioSizes: Readonly<Record<Profile, { readonly messages: number; readonly deadlineMs: number }>> = {
  smoke: { messages: 200, deadlineMs: 15_000 },
  standard: { messages: 1_000, deadlineMs: 60_000 },
  full: { messages: 10_000, deadlineMs: 300_000 },
};

export async function askScenarios(going: Going): Promise<ScenarioRunResult> {
  const { options, wires } = going;
  const wanted = wantedScenarios(options).filter((scenario) => scenario.isFault !== true);
  if (wanted.length === 0) return { rows: [], notMeasured: [] };
  options.onProgress(`scenarios: ${wanted.length} on ${wires.length} systems and layers`);
  const asked = wires.filter(({ name, layer }) => isAsked(name, layer));
  return await runScenarios({ wires: asked, ...scenarioRun(going), scenarios: wanted });
}

export async function askFaultScenarios(going: Going): Promise<ScenarioRunResult> {
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

function faultsOf(context: SystemsContext, name: string, connections: ConnectionWatch): Faults | string {
  const brokers = brokersOf(context, name);
  const kind = systemOf(name) === 'kafka' ? 'kafka' : 'rabbitmq';
  const handle = brokers?.[kind];
  if (brokers === null || handle === undefined) return `there is no ${kind}`;
  if (!brokers.started.includes(kind) || handle.source !== 'process')
    return 'faults are only for brokers that this run started as processes of this machine';
  return brokerFaults({ brokers, kind, ports: brokerPorts(context, name), connections });
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
