/** What a scenario is: one semantic property, a question, what is expected of whom and why, and a way to look. */

import type { Layer, Observed, ScenarioVerdict } from '../report/model.ts';
import type { SystemId } from '../systems/system-ids.ts';
import type { Usage } from '../usage/process-usage.ts';
import type { ProcessWire } from '../remote/index.ts';
import type { Wire } from '../systems/wire.ts';
import type { Stage } from './stage.ts';

export interface Expectation {
  readonly systems: readonly SystemId[];
  /** Without it: on every layer. */
  readonly layers?: readonly Layer[];
  /** `*`, `>=4.3`, `<4.0`. */
  readonly versions: string;
  readonly verdict: ScenarioVerdict;
  /** What is not promised may go either way: this is no surprise either. */
  readonly or?: ScenarioVerdict;
  /** What was found out about it where it was seen to be otherwise. */
  readonly explained?: string;
  readonly why: string;
  readonly source: string;
}

export interface Finding {
  readonly verdict: ScenarioVerdict;
  readonly summary: string;
  readonly observed: Readonly<Record<string, Observed>>;
  readonly evidence: readonly string[];
}

/** Bytes that the system under test has written to its disk so far; null when that cannot be seen. */
export type DiskMeter = () => Promise<number | null>;

export interface ScenarioContext {
  readonly wire: Wire;
  readonly stage: Stage;
  /** Roughly how many messages: small in smoke. */
  readonly messages: number;
  readonly seed: number;
  readonly disk: DiskMeter;
  /** CPU and memory of the broker's processes; null when they cannot be seen. */
  readonly usage: () => Usage | null;
  /** Another wire to the same system and layer, closed after the scenario; the same one for the log, which is one process's. */
  readonly open: () => Promise<Wire>;
  /** The same in a process of its own, which can be killed. WireRefusal where the system lives in the process. */
  readonly openProcess: () => Promise<ProcessWire>;
  /** Only for scenarios with a fault. */
  readonly faults: Faults | null;
  /** Three nodes for this scenario alone, which closes them. WireRefusal where the system has no nodes. */
  readonly cluster: () => Promise<Cluster>;
  /** A system for this scenario alone, which closes it. SystemMissing where its files are not here. */
  readonly own: () => Promise<OwnSystem>;
}

/** A broker of one node, or the embedded log in a process, whose files may be damaged. */
export interface OwnSystem {
  readonly dataDir: string;
  /** A directory for what is beside it. */
  readonly scratch: string;
  /** Of the process that writes the files; null while it does not run. */
  readonly pid: () => number | null;
  /** Its usual client. */
  readonly open: () => Promise<Wire>;
  /** The vendor's own client, where that is another one; rejects where it cannot be had. */
  readonly openReference?: () => Promise<Wire>;
  /** SIGSTOP and SIGCONT. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** Its clients are closed and it ends in good order. */
  readonly stop: () => Promise<void>;
  /** Again, on its files; rejects where it does not come up. */
  readonly start: () => Promise<void>;
  /** Everything it has logged so far. */
  readonly logLines: () => Promise<readonly string[]>;
  readonly close: () => Promise<void>;
}

/** A cluster whose nodes may be killed. */
export interface Cluster {
  readonly nodes: number;
  /** Through the port, knowing all nodes. */
  readonly wire: Wire;
  /** Another one. */
  readonly open: () => Promise<Wire>;
  /** SIGKILL for the node that leads what a publish to the topic is stored in; resolves with its number when it is gone. */
  readonly killLeader: (topic: string, subscription: string) => Promise<number>;
  readonly start: (node: number) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** What can be done to a system under test. Everything is undone at the end of the scenario. */
export interface Faults {
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<void>;
  /** Starts it again on its data; resolves when it answers, with the milliseconds that took. */
  readonly start: () => Promise<number>;
  /** SIGSTOP and SIGCONT. */
  readonly pause: () => void;
  readonly resume: () => void;
  /** Resets every connection of this process to it; with how many there were. WireRefusal where there are none. */
  readonly cut: () => number;
  /** Nothing more that the system sends on the connections that exist now reaches its clients. */
  readonly deafen: () => number;
  /** RabbitMQ's alarm that the disk is nearly full, raised by its limit; rejects with WireRefusal elsewhere. */
  readonly diskAlarm: (isOn: boolean) => Promise<void>;
}

export interface Scenario {
  readonly id: string;
  /** Its row in the list of properties that docs/SCENARIOS.md accounts for. */
  readonly number: string;
  readonly title: string;
  readonly question: string;
  readonly layers: readonly Layer[];
  /** Why it makes no sense there; null where it does. */
  readonly notFor: (system: SystemId, layer: Layer) => string | null;
  /** Must have its broker to itself. */
  readonly exclusive: boolean;
  /** Kills, pauses or cuts: it runs after everything else, on wires of its own. */
  readonly isFault?: boolean;
  /** Also in the smallest profile, which must end within a minute. */
  readonly isInSmoke?: boolean;
  /** Takes half a minute and more on each system: the middle profile asks it of the bare clients only, as it does what has a fault. */
  readonly isSlow?: boolean;
  /** Takes minutes: asked in the largest profile, or where it is named. */
  readonly isOnlyInFull?: boolean;
  /** How long it may take, where the profile's bound is not enough: once for each `messages`. */
  readonly deadlineMs?: (messages: number) => number;
  readonly expectations: readonly Expectation[];
  readonly run: (context: ScenarioContext) => Promise<Finding>;
}

/** A row of the table of expectations. */
export function expected(
  systems: readonly SystemId[],
  layer: Layer | 'any',
  verdict: ScenarioVerdict,
  why: string,
  source: string,
  versions = '*',
): Expectation {
  return { systems, versions, verdict, why, source, ...(layer === 'any' ? {} : { layers: [layer] }) };
}

export const everySystem: readonly SystemId[] = [
  'log',
  'rabbitmq-quorum',
  'rabbitmq-classic',
  'rabbitmq-stream',
  'kafka',
];
export const queues: readonly SystemId[] = ['rabbitmq-quorum', 'rabbitmq-classic'];
export const logLike: readonly SystemId[] = ['log', 'rabbitmq-stream', 'kafka'];

/** The first that fits; a scenario without one for a system would be a hole in its table, which a test looks for. */
export function expectationFor(
  scenario: Scenario,
  system: SystemId,
  layer: Layer,
  version: string,
): Expectation | null {
  return (
    scenario.expectations.find(
      (row) =>
        row.systems.includes(system) &&
        (row.layers === undefined || row.layers.includes(layer)) &&
        versionFits(version, row.versions),
    ) ?? null
  );
}

/** `4.3.6` fits `>=4.3`, `4.10` is above `4.9`. An unreadable version fits only `*`. */
export function versionFits(version: string, range: string): boolean {
  if (range === '*') return true;
  const match = /^(>=|<)(\d+(?:\.\d+)*)$/.exec(range);
  const parts = /\d+(?:\.\d+)*/.exec(version);
  if (match === null || parts === null) return false;
  const order = compareVersions(parts[0], match[2] as string);
  return match[1] === '<' ? order < 0 : order >= 0;
}

function compareVersions(a: string, b: string): number {
  const left = a.split('.').map(Number);
  const right = b.split('.').map(Number);
  for (let i = 0; i < Math.max(left.length, right.length); i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
