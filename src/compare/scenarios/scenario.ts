/** What a scenario is: one semantic property, a question, what is expected of whom and why, and a way to look. */

import type { Layer, Observed, ScenarioVerdict } from '../report/model.ts';
import type { SystemId } from '../system-ids.ts';
import type { Wire } from '../wire.ts';
import type { Stage } from './stage.ts';

export interface Expectation {
  readonly systems: readonly SystemId[];
  /** Without it: on every layer. */
  readonly layers?: readonly Layer[];
  /** `*`, `>=4.3`, `<4.0`. */
  readonly versions: string;
  readonly verdict: ScenarioVerdict;
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
}

export interface Scenario {
  readonly id: string;
  readonly title: string;
  readonly question: string;
  readonly layers: readonly Layer[];
  /** Why it makes no sense there; null where it does. */
  readonly notFor: (system: SystemId, layer: Layer) => string | null;
  /** Must have its broker to itself. */
  readonly exclusive: boolean;
  readonly expectations: readonly Expectation[];
  readonly run: (context: ScenarioContext) => Promise<Finding>;
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
