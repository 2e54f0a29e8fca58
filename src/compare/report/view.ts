/** The report arranged as it is read, the same for every rendering: order of systems, groups that may be compared, sections. */

import { durability, plural } from './figures.ts';
import type {
  CellSummary,
  ClaimResult,
  DurabilityReached,
  Layer,
  Report,
  ScenarioRow,
  ScenarioVerdict,
  SystemRow,
  WorkloadRow,
} from './model.ts';

export const layers = ['bare', 'port', 'rest', 'grpc', 'reference'] as const satisfies readonly Layer[];
const persistenceOrder = ['fsync', 'os', 'memory'] as const;

export const layerMeaning: Readonly<Record<Layer, string>> = {
  bare: 'the usual JavaScript client alone, in its own idiom',
  port: 'through the one API, in process',
  rest: 'through the gateway over REST',
  grpc: 'through the gateway over gRPC',
  reference: "the vendor's own Java client, which does the same work in a process of its own",
};

/** Cells whose bars or lines may stand on one axis: the same durability, and in-process apart from brokers. */
export interface ComparisonGroup<C extends { system: string }> {
  readonly id: string;
  readonly label: string;
  readonly durability: DurabilityReached;
  readonly isInProcess: boolean;
  readonly cells: readonly C[];
}

interface Groupable {
  readonly system: string;
  readonly layer: Layer;
  readonly durability: DurabilityReached;
}

/** The embedded log without a network in between is no broker: it is set beside brokers only behind REST or gRPC. */
export function isInProcess(cell: { readonly system: string; readonly layer: Layer }): boolean {
  return baseSystem(cell.system) === 'log' && (cell.layer === 'bare' || cell.layer === 'port');
}

export function comparisonGroups<C extends Groupable>(
  cells: readonly C[],
  report: Report,
): readonly ComparisonGroup<C>[] {
  const groups = new Map<string, C[]>();
  for (const cell of cells) {
    const id = `${isInProcess(cell) ? 1 : 0}:${cell.durability.persistence}:${cell.durability.copies}`;
    groups.set(id, [...(groups.get(id) ?? []), cell]);
  }
  return [...groups.entries()]
    .map(([id, members]) => {
      const first = members[0] as C;
      const name = durability(first.durability);
      return {
        id,
        label: isInProcess(first) ? `${name}, in-process, unreplicated` : `durability ${name}`,
        durability: first.durability,
        isInProcess: isInProcess(first),
        cells: sortCells(members, report),
      };
    })
    .sort((a, b) => groupRank(a) - groupRank(b));
}

function groupRank(group: ComparisonGroup<Groupable>): number {
  return (
    (group.isInProcess ? 1e9 : 0) +
    persistenceOrder.indexOf(group.durability.persistence) * 1e6 -
    group.durability.copies
  );
}

/** By layer, then in the order of the report's systems. */
export function sortCells<C extends { readonly system: string; readonly layer: Layer }>(
  cells: readonly C[],
  report: Report,
): readonly C[] {
  const systems = systemOrder(report);
  return [...cells].sort(
    (a, b) =>
      layers.indexOf(a.layer) - layers.indexOf(b.layer) || systems.indexOf(a.system) - systems.indexOf(b.system),
  );
}

/** Brokers first, the embedded log last. */
export function orderedSystems(report: Report): readonly SystemRow[] {
  return [...report.systems].sort((a, b) => Number(baseSystem(a.id) === 'log') - Number(baseSystem(b.id) === 'log'));
}

function systemOrder(report: Report): readonly string[] {
  return orderedSystems(report).map((system) => system.id);
}

/** `rabbitmq-quorum` of `rabbitmq-quorum@3.10`. */
export function baseSystem(id: string): string {
  return id.split('@')[0] ?? id;
}

/** Same work on different systems and layers. */
export interface WorkloadGroup {
  readonly workload: string;
  readonly title: string;
  readonly cells: readonly CellSummary[];
  readonly rows: readonly WorkloadRow[];
}

/** The cells of a mode by workload, and by parameters where a workload has several. */
export function workloadGroups(report: Report, mode: CellSummary['mode']): readonly WorkloadGroup[] {
  const groups = new Map<string, CellSummary[]>();
  for (const cell of report.summaries.filter((summary) => summary.mode === mode)) {
    const id = `${cell.workload} ${JSON.stringify(cell.parameters)}`;
    groups.set(id, [...(groups.get(id) ?? []), cell]);
  }
  return [...groups.values()].map((cells) => {
    const first = cells[0] as CellSummary;
    const rows = report.workloads.filter(
      (row) =>
        row.id === first.workload &&
        row.mode === mode &&
        JSON.stringify(row.parameters) === JSON.stringify(first.parameters),
    );
    return { workload: first.workload, title: rows[0]?.title ?? first.workload, cells: sortCells(cells, report), rows };
  });
}

/** Scenarios in the order of the report, each with its row per system and layer. */
export interface ScenarioGroup {
  readonly id: string;
  readonly title: string;
  readonly question: string;
  readonly rows: readonly ScenarioRow[];
}

export function scenarioGroups(report: Report): readonly ScenarioGroup[] {
  const groups = new Map<string, ScenarioRow[]>();
  for (const row of report.scenarios) groups.set(row.id, [...(groups.get(row.id) ?? []), row]);
  return [...groups.values()].map((rows) => {
    const first = rows[0] as ScenarioRow;
    return { id: first.id, title: first.title, question: first.question, rows: sortCells(rows, report) };
  });
}

/** Scenarios and workloads in which something is killed, paused, cut off or crashes, by their ids. */
export function isFault(id: string): boolean {
  return /crash|kill|restart|pause|outage|reconnect|disconnect|broker-(?:down|loss)|connection-(?:loss|cut)|after-retry|alarm|rebalance|at-most-once|one-result|confirm-meaning|power|fault/.test(
    id,
  );
}

export const scenarioMarks: Readonly<Record<ScenarioVerdict, { readonly mark: string; readonly meaning: string }>> = {
  PASS: { mark: '✓', meaning: 'the property holds, natively' },
  EMULATED: { mark: '◐', meaning: 'it holds by work of the adapter' },
  DIFFERS: { mark: '≠', meaning: 'it does not hold; what happens instead is said' },
  UNSUPPORTED: { mark: '⊘', meaning: 'asked for and refused' },
  INCONCLUSIVE: { mark: '?', meaning: 'the run could not tell' },
};

export const claimMarks: Readonly<Record<ClaimResult, { readonly mark: string; readonly words: string }>> = {
  true: { mark: '✓', words: 'holds' },
  'true-if': { mark: '◐', words: 'holds, if' },
  false: { mark: '✕', words: 'does not hold' },
  inconclusive: { mark: '?', words: 'inconclusive' },
  'not-tested': { mark: '–', words: 'not tested' },
};

export const basisWords = {
  measured: 'measured here',
  documented: 'from documents, not measured',
  'not-tested': 'not tested',
} as const;

/** Sentences of the first paragraph: what was done, what came out, how far it reaches. */
export function leadSentences(report: Report): {
  readonly first: string;
  readonly found: readonly string[];
  readonly counted: readonly string[];
} {
  const brokers = orderedSystems(report).filter((system) => baseSystem(system.id) !== 'log');
  const products = [...new Set(brokers.map((system) => `${system.product} ${system.version}`))];
  const scenarios = new Set(report.scenarios.map((row) => row.id)).size;
  const workloads = new Set(report.workloads.map((row) => row.id)).size;
  const { cpu } = report.environment;
  const work = [
    ...(scenarios === 0 ? [] : [`answered the same ${scenarios} ${plural(scenarios, 'question')}`]),
    ...(workloads === 0 ? [] : [`carried the same ${workloads} ${plural(workloads, 'workload')}`]),
    ...(scenarios + workloads === 0 ? ['had nothing to do'] : []),
  ];
  return {
    first: `${joined(products.length === 0 ? ['The embedded log'] : products)} ${joined(work)} on one machine with ${cpu.cores} ${plural(cpu.cores, 'core')}.`,
    found: claimSentences(report),
    counted: [scenarioSentence(report), validitySentence(report)].filter((sentence) => sentence !== ''),
  };
}

function claimSentences(report: Report): readonly string[] {
  const phrases = [
    ['true', 'Holds'],
    ['true-if', 'Holds under a condition'],
    ['false', 'Does not hold'],
    ['inconclusive', 'Could not be decided'],
    ['not-tested', 'Not tested'],
  ] as const;
  return phrases.flatMap(([verdict, words]) => {
    const claims = report.verdicts
      .filter((claim) => claim.verdict === verdict)
      .map((claim) => `“${claim.claim.replace(/[.\s]+$/, '')}”`);
    return claims.length === 0 ? [] : [`${words}: ${joined(claims)}.`];
  });
}

function scenarioSentence(report: Report): string {
  if (report.scenarios.length === 0) return '';
  const counted = (['PASS', 'EMULATED', 'DIFFERS', 'UNSUPPORTED', 'INCONCLUSIVE'] as const)
    .map((verdict) => ({ verdict, times: report.scenarios.filter((row) => row.verdict === verdict).length }))
    .filter(({ times }) => times > 0)
    .map(({ verdict, times }) => `${times} ${verdict}`);
  const surprises = report.scenarios.filter((row) => row.surprise).length;
  return `Of ${report.scenarios.length} scenario results: ${joined(counted)}; ${surprises === 0 ? 'none' : surprises} against expectation.`;
}

function validitySentence(report: Report): string {
  const invalid = report.workloads.filter((row) => !row.valid).length;
  const runs = report.workloads.length;
  if (runs === 0) return 'No workload was measured.';
  return `${runs} workload runs with every message checked for loss, duplicates and order: ${invalid === 0 ? 'all valid' : `${invalid} invalid, shown as such and in no figure`}.`;
}

export function joined(parts: readonly string[]): string {
  return parts.length <= 1 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(', ')} and ${parts.at(-1)}`;
}
