/**
 * `--assert "throughput-1k.kafka.latencyMs.publish.p99 < 50ms"`: a bound on a figure of a cell, for CI. Pure.
 *
 *   <workload>.<system>[.<layer>].<path of a figure> <|<=|>|>=|== <number><unit>
 *
 * Without a layer: the port, else the only layer there is. Rates are taken from own-maximum, everything else from
 * equal-load, where the workload has both. The median over the valid repeats is compared; no valid repeat never holds.
 */

import type { AssertionResult, CellSummary, Layer, WorkloadMode } from '../report/model.ts';

type Operator = '<' | '<=' | '>' | '>=' | '==';

export interface Assertion {
  readonly expression: string;
  readonly workload: string;
  readonly system: string;
  readonly layer: Layer | null;
  readonly path: string;
  readonly operator: Operator;
  /** In the figure's own unit. */
  readonly bound: number;
}

/** The text is not an assertion; `message` says what is wrong with it. */
export class AssertionSyntaxError extends Error {
  override readonly name = 'AssertionSyntaxError';
}

type UnitFamily = 'time' | 'bytes' | 'rate' | 'megabytes' | 'count';

/** Unit -> family and factor to the unit of the report (ms, bytes, per second, MB/s, none). */
const units: Readonly<Record<string, { readonly family: UnitFamily; readonly factor: number }>> = {
  us: { family: 'time', factor: 0.001 },
  ms: { family: 'time', factor: 1 },
  s: { family: 'time', factor: 1000 },
  B: { family: 'bytes', factor: 1 },
  kB: { family: 'bytes', factor: 1e3 },
  KiB: { family: 'bytes', factor: 1024 },
  MB: { family: 'bytes', factor: 1e6 },
  MiB: { family: 'bytes', factor: 1024 ** 2 },
  GB: { family: 'bytes', factor: 1e9 },
  GiB: { family: 'bytes', factor: 1024 ** 3 },
  '/s': { family: 'rate', factor: 1 },
  'k/s': { family: 'rate', factor: 1000 },
  'MB/s': { family: 'megabytes', factor: 1 },
};

const pattern =
  /^\s*(?<workload>[a-z0-9-]+)\.(?<system>(?:log|kafka|rabbitmq-(?:quorum|classic|stream))(?:@\d+(?:\.\d+)*)?)\.(?:(?<layer>bare|port|rest|grpc)\.)?(?<path>[A-Za-z0-9.]+)\s*(?<operator><=|>=|==|<|>)\s*(?<number>-?\d+(?:\.\d+)?)\s*(?<unit>[A-Za-z/]*)\s*$/;

/** Throws AssertionSyntaxError. */
export function parseAssertion(expression: string): Assertion {
  const groups = pattern.exec(expression)?.groups;
  if (groups === undefined)
    throw new AssertionSyntaxError(
      `"${expression}" is not an assertion; such as: throughput-1k.kafka.latencyMs.publish.p99 < 50ms`,
    );
  const { workload = '', system = '', layer, path = '', operator, number, unit = '' } = groups;
  return {
    expression: expression.trim(),
    workload,
    system,
    layer: (layer as Layer | undefined) ?? null,
    path,
    operator: operator as Operator,
    bound: Number(number) * factorOf(expression, path, unit),
  };
}

export function checkAssertion(assertion: Assertion, cells: readonly CellSummary[]): AssertionResult {
  const { expression } = assertion;
  const cell = cellFor(assertion, cells);
  if (cell === undefined)
    return {
      expression,
      holds: false,
      actual: null,
      reason: `there is no cell ${assertion.workload}.${assertion.system}`,
    };
  const where = `${cell.layer}, ${cell.mode}`;
  if (cell.validRepeats === 0)
    return {
      expression,
      holds: false,
      actual: null,
      reason: `no valid run (${where}): ${cell.invalidBecause.join('; ')}`,
    };
  const figure = cell.figures[assertion.path];
  if (figure === undefined)
    return { expression, holds: false, actual: null, reason: `the cell has no figure ${assertion.path}` };
  const holds = compare(figure.median, assertion.operator, assertion.bound);
  const reason = `median ${figure.median} of ${figure.count} valid ${figure.count === 1 ? 'run' : 'runs'} (${where}), bound ${assertion.operator} ${assertion.bound}`;
  return { expression, holds, actual: figure.median, reason };
}

function cellFor(assertion: Assertion, cells: readonly CellSummary[]): CellSummary | undefined {
  const own = cells.filter((cell) => cell.workload === assertion.workload && cell.system === assertion.system);
  const layer = assertion.layer ?? (own.some((cell) => cell.layer === 'port') ? 'port' : own[0]?.layer);
  const onLayer = own.filter((cell) => cell.layer === layer);
  const preferred: WorkloadMode = /^(publish|consume)\./.test(assertion.path) ? 'own-maximum' : 'equal-load';
  return onLayer.find((cell) => cell.mode === preferred) ?? onLayer[0];
}

function compare(actual: number, operator: Operator, bound: number): boolean {
  switch (operator) {
    case '<':
      return actual < bound;
    case '<=':
      return actual <= bound;
    case '>':
      return actual > bound;
    case '>=':
      return actual >= bound;
    case '==':
      return actual === bound;
  }
}

function factorOf(expression: string, path: string, unit: string): number {
  const family = familyOf(path);
  if (unit === '') return 1;
  const known = units[unit];
  if (known === undefined)
    throw new AssertionSyntaxError(`"${expression}": the unit "${unit}" is none of ${Object.keys(units).join(', ')}`);
  if (known.family !== family) throw new AssertionSyntaxError(`"${expression}": "${unit}" does not measure ${path}`);
  return known.factor;
}

function familyOf(path: string): UnitFamily {
  if (path.endsWith('.count') || path.endsWith('.negative')) return 'count';
  if (/^(latencyMs|serviceMs|slipMs|eventLoopLagMs)\./.test(path)) return 'time';
  if (path.endsWith('RssBytes')) return 'bytes';
  if (path.endsWith('messagesPerSecond')) return 'rate';
  if (path.endsWith('megabytesPerSecond')) return 'megabytes';
  return 'count';
}
