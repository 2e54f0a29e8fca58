/** How much a run is going to do, and about how long it takes, said before it starts and counted down while it runs. Pure. */

import type { Layer, Profile } from '../report/model.ts';
import { isAsked, type PlannedCell, type RunQuestion, startOf } from './plan.ts';
import { warmersOf } from './warm-up.ts';
import type { Scenario } from '../scenarios/scenario.ts';
import { backendOf, namesOn, systemOf } from '../systems/system-ids.ts';

export interface Budget {
  readonly cells: number;
  readonly scenarioRows: number;
  readonly faultRows: number;
  readonly expectedMs: number;
}

/** Around the window of a cell: topic, consumers, probes, drain, clean-up. */
const cellOverheadMs = 800;
/** Readers of a use that are behind at the end of the window catch up, one that was away joins again, one reads all of it. */
const readersOverheadMs = 1_500;
/** A second reading is about this fast, and so is the filling before it. */
const replayPerSecond = 15_000;
/** Of a search for a sustainable rate: five of the ramp, and those between the last two of it with a second try. */
const stepsUsual = 11;
/** Brokers ended and started anew, with gateways, clients and what has to be warm again. */
const freshDataMs = 20_000;
/** Of a client that makes its broker warm: of one that has many small requests before each burst, and of every other. */
const warmUpMs = { often: 45_000, other: 15_000 } as const;
/** Without a broker only the generator begins again. */
const freshLogMs = 2_000;
const programMs = 7_000;
/** Of one scenario on one system and layer, as seen on two cores; those of different brokers run side by side. */
const scenarioMs: Readonly<Record<Profile, { readonly short: number; readonly long: number; readonly fault: number }>> =
  {
    smoke: { short: 200, long: 1_000, fault: 5_000 },
    standard: { short: 300, long: 1_500, fault: 8_000 },
    full: { short: 1_500, long: 6_000, fault: 22_000 },
  };

export function budgetOf(
  question: RunQuestion,
  cells: readonly PlannedCell[],
  scenarios: readonly Scenario[],
  leaveOut: ((scenario: Scenario, layer: Layer) => string | null) | undefined,
): Budget {
  const rows = scenarios.flatMap((scenario) =>
    question.layers.flatMap((layer) =>
      namesOn(layer, question.systems)
        .filter(
          (name) =>
            isAsked(name, layer) &&
            scenario.layers.includes(layer) &&
            scenario.notFor(systemOf(name), layer) === null &&
            (leaveOut?.(scenario, layer) ?? null) === null,
        )
        .map((name) => ({ kind: kindOf(scenario), backend: backendOf[systemOf(name)] })),
    ),
  );
  const of = (kind: ScenarioKind) => rows.filter((row) => row.kind === kind);
  const each = scenarioMs[question.profile];
  return {
    cells: cells.length,
    scenarioRows: of('short').length + of('long').length,
    faultRows: of('fault').length,
    expectedMs:
      cells.reduce((sum, cell) => sum + cellMs(cell), 0) +
      freshMs(cells, question.roundsPerFreshData) +
      (['short', 'long', 'fault'] as const).reduce((sum, kind) => sum + mostOfOne(of(kind)) * each[kind], 0),
  };
}

/** Where brokers are started anew the programs of reference rows are too, and everything has to get warm before the first cell. */
function freshMs(cells: readonly PlannedCell[], roundsPerFreshData: number | undefined): number {
  if (roundsPerFreshData === undefined) return 0;
  const places = [...new Map(cells.map(({ system, layer }) => [`${system} ${layer}`, { system, layer }])).values()];
  const starts = new Set(cells.map((cell) => startOf(cell, roundsPerFreshData)));
  return [...starts].reduce((sum, start) => {
    const own = cells.filter((cell) => startOf(cell, roundsPerFreshData) === start);
    const warmers = warmersOf(own, places);
    const bursts = warmers.reduce((all, { asksOften }) => all + (asksOften ? warmUpMs.often : warmUpMs.other), 0);
    const programs = warmers.filter(({ layer }) => layer === 'reference').length * programMs;
    return sum + (warmers.length > 0 ? freshDataMs : freshLogMs) + programs + bursts;
  }, 0);
}

/** What one cell of a workload takes, about; where a warm-up may become longer, every other one does. */
export function cellMs({ planned: { spec } }: PlannedCell): number {
  if (spec.ladder !== undefined) {
    const { searchMsMax, confirmMs } = spec.ladder;
    const searchMs = stepsUsual * (cellOverheadMs + spec.warmupMs + spec.measuredMs);
    return Math.min(searchMsMax, searchMs) + cellOverheadMs + spec.warmupMs + confirmMs;
  }
  const replayMs = spec.kind === 'replay' ? (2 * spec.messages * 1000) / replayPerSecond : 0;
  const readersMs = spec.readers === undefined ? 0 : readersOverheadMs;
  const warmupMs = (spec.warmupMs + Math.max(spec.warmupMs, spec.warmupMaxMs ?? 0)) / 2;
  return cellOverheadMs + readersMs + warmupMs + spec.measuredMs + replayMs;
}

/** `standard: 130 cells of workloads (5 repeats), 640 scenario rows, 90 of them with faults; about 24 min`. */
export function budgetInWords({ profile, repeats, primaryRepeats }: RunQuestion, budget: Budget): string {
  const rows = budget.scenarioRows + budget.faultRows;
  const ofPrimary =
    primaryRepeats === undefined || primaryRepeats === repeats ? '' : `, ${primaryRepeats} for primary comparisons`;
  return [
    `${profile}: ${budget.cells} cells of workloads (${repeats} ${repeats === 1 ? 'repeat' : 'repeats'}${ofPrimary})`,
    `${rows} scenario rows${budget.faultRows === 0 ? '' : `, ${budget.faultRows} of them with faults`}; about ${timeInWords(budget.expectedMs)}`,
  ].join(', ');
}

export function timeInWords(ms: number): string {
  const seconds = Math.max(1, Math.round(ms / 1000));
  if (seconds < 90) return `${seconds} s`;
  if (seconds < 5_400) return `${Math.round(seconds / 60)} min`;
  return `${Math.floor(seconds / 3_600)} h ${Math.round((seconds % 3_600) / 60)} min`;
}

type ScenarioKind = 'short' | 'long' | 'fault';

function kindOf({ isFault, isInSmoke }: Scenario): ScenarioKind {
  if (isFault === true) return 'fault';
  return isInSmoke === true ? 'short' : 'long';
}

function mostOfOne(rows: readonly { readonly backend: string }[]): number {
  const counts = new Map<string, number>();
  for (const { backend } of rows) counts.set(backend, (counts.get(backend) ?? 0) + 1);
  return Math.max(0, ...counts.values());
}
