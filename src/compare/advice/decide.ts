/**
 * The advice: every need asked of every system by its rule, then which systems meet all of them. Each finding cites its cells and
 * says whether it was measured, is documented or was not tested. The embedded log is no answer to "RabbitMQ or Kafka?" and is left
 * out. Pure.
 */

import { amount, number, type Unit } from '../report/figures.ts';
import type {
  Basis,
  CellSummary,
  Fit,
  Layer,
  Report,
  ScenarioRow,
  ScenarioVerdict,
  Spread,
  UseFinding,
} from '../report/model.ts';
import { compareSpreads, leastNoiseFloor } from '../statistics/index.ts';
import type { Ask, Predicate, Rule } from './rules.ts';

export type { Fit };
export type AdviceFinding = UseFinding;

export interface Advice {
  readonly report: {
    readonly id: string;
    readonly startedAt: string;
    readonly profile: string;
    readonly machine: string;
  };
  readonly needs: readonly { readonly need: string; readonly wouldChange: string }[];
  readonly findings: readonly AdviceFinding[];
  /** Systems that meet every need as far as is known, best first; several when nothing that was asked sets them apart. */
  readonly recommended: readonly string[];
  /** Best first. */
  readonly ranking: readonly { readonly system: string; readonly fits: Readonly<Record<Fit, number>> }[];
  /** Kinds of queue that together meet what none does alone; one broker can have them side by side. */
  readonly together: Readonly<Record<string, string>> | null;
  readonly answer: string;
  readonly notes: readonly string[];
}

export interface Load {
  readonly ratePerSecond: number | null;
  readonly messageBytes: number | null;
  readonly p99Ms: number | null;
}

/** What the documents of a system say about a scenario; null where the table of expectations has no row. */
export type Documented = (
  scenario: string,
  system: string,
  version: string,
) => { readonly verdict: ScenarioVerdict; readonly why: string; readonly source: string } | null;

export interface AdviceInput {
  readonly report: Report;
  readonly rules: readonly Rule[];
  readonly load: Load;
  readonly documented: Documented;
}

export function decideAdvice(input: AdviceInput): Advice {
  const { report, rules, load } = input;
  const systems = report.systems.map(({ id }) => id).filter((id) => id !== 'log');
  const findings = [
    ...rules.flatMap((rule) => findingsOf(rule, systems, input)),
    ...systems.flatMap((system) => loadFindings(system, report, load)),
  ];
  const ranking = rank(systems, findings);
  const recommended = recommendedOf(ranking);
  const together = recommended.length > 0 ? null : togetherOf(systems, findings);
  return {
    report: {
      id: report.run.id,
      startedAt: report.run.startedAt,
      profile: report.run.profile,
      machine: `${report.environment.cpu.model}, ${report.environment.cpu.cores} cores`,
    },
    needs: [
      ...rules.map(({ need, wouldChange }) => ({ need, wouldChange })),
      ...loadNames(load).map((need) => ({ need, wouldChange: loadWouldChange })),
    ],
    findings,
    recommended,
    ranking,
    together,
    answer: answerOf(recommended, ranking, together, findings),
    notes: notesOf(report),
  };
}

// ------------------------------------------------------------------------------------------------ one need

function findingsOf(rule: Rule, systems: readonly string[], input: AdviceInput): readonly AdviceFinding[] {
  const { need, predicate } = rule;
  switch (predicate.kind) {
    case 'holds':
      return systems.map((system) => holding(need, system, predicate.scenarios, input));
    case 'best-cell':
      return ranked(need, systems, cellCandidates(predicate, systems, input.report), floorOf(predicate, input.report));
    case 'best-observed':
      return ranked(need, systems, observedCandidates(predicate, systems, input.report), leastNoiseFloor);
    case 'starts-first':
      return ranked(need, systems, startCandidates(systems, input.report), leastNoiseFloor);
    case 'holds-on-any-layer':
      return systems.map((system) => holding(need, system, predicate.scenarios, input, scenarioOnAnyLayer));
    case 'accepts':
      return systems.map((system) => accepting(need, system, predicate, input.report));
  }
}

/** All of them: the worst decides, and what is not known is not a yes. */
function holding(
  need: string,
  system: string,
  scenarios: readonly string[],
  input: AdviceInput,
  find = scenarioFinding,
): AdviceFinding {
  const parts = scenarios.map((scenario) => find(scenario, system, input));
  const order: readonly Fit[] = ['no', 'unknown', 'emulated', 'yes'];
  const fit = order.find((candidate) => parts.some((part) => part.fit === candidate)) ?? 'unknown';
  const deciding = parts.filter((part) => part.fit === fit);
  const bases: readonly Basis[] = ['not tested', 'documented', 'measured'];
  const basis = bases.find((candidate) => deciding.some((part) => part.basis === candidate)) ?? 'not tested';
  // What decided was measured: then a document about another part is no evidence for it.
  const cited = basis === 'measured' ? parts.filter((part) => part.basis === 'measured') : parts;
  return {
    need,
    system,
    fit,
    basis,
    reason: deciding.map(({ reason }) => reason).join('; '),
    cites: cited.flatMap(({ cites }) => cites),
  };
}

interface Part {
  readonly fit: Fit;
  readonly basis: Basis;
  readonly reason: string;
  readonly cites: readonly string[];
}

function scenarioFinding(scenario: string, system: string, { report, documented }: AdviceInput): Part {
  const row = preferred(report.scenarios.filter((one) => one.id === scenario && one.system === system));
  if (row !== undefined && row.verdict !== 'INCONCLUSIVE')
    return { fit: fitOf(row.verdict), basis: 'measured', reason: row.summary, cites: [idOf(row)] };
  const version = report.systems.find(({ id }) => id === system)?.version ?? '';
  const said = documented(scenario, system, version);
  const open = row === undefined ? 'not run' : `left open: ${row.summary}`;
  if (said === null || said.verdict === 'INCONCLUSIVE')
    return {
      fit: 'unknown',
      basis: 'not tested',
      reason: `${scenario} was ${open}`,
      cites: row === undefined ? [] : [idOf(row)],
    };
  return {
    fit: fitOf(said.verdict),
    basis: 'documented',
    reason: `${said.why} (${scenario} was ${open})`,
    cites: [said.source],
  };
}

/** What the broker lacks and the port makes up is emulated, and both are told. */
function scenarioOnAnyLayer(scenario: string, system: string, input: AdviceInput): Part {
  const broker = scenarioFinding(scenario, system, input);
  if (broker.fit !== 'no') return broker;
  const port = input.report.scenarios.find(
    (row) => row.id === scenario && row.system === system && row.layer === 'port',
  );
  if (port === undefined || (port.verdict !== 'PASS' && port.verdict !== 'EMULATED')) return broker;
  return {
    fit: 'emulated',
    basis: broker.basis,
    reason: `not by the bare client in the topology that was asked (${broker.reason}); through Sluice: ${port.summary}`,
    cites: [...(broker.basis === 'measured' ? broker.cites : []), idOf(port)],
  };
}

// ------------------------------------------------------------------------------------------------ a workload that must be borne

/** Faults of the instrument, which say nothing about the system. */
const notItsFault = /^(?:the generator was late|it broke)/;

function accepting(
  need: string,
  system: string,
  { workload, mode, asks }: Extract<Predicate, { kind: 'accepts' }>,
  report: Report,
): AdviceFinding {
  const cell = preferred(
    report.summaries.filter((one) => one.workload === workload && one.mode === mode && one.system === system),
  );
  const open = (reason: string): AdviceFinding => ({
    need,
    system,
    fit: 'unknown',
    basis: 'not tested',
    reason,
    cites: cell === undefined ? [] : [cellId(cell)],
  });
  if (cell === undefined) return open('not run');
  const faults = cell.invalidBecause.filter((reason) => !notItsFault.test(reason));
  if (cell.validRepeats === 0 && faults.length === 0) return open(`left open: ${cell.invalidBecause.join('; ')}`);
  const measured = { need, system, basis: 'measured', cites: [cellId(cell)] } as const;
  // One run that lost something is enough, whatever the others did.
  if (faults.length > 0) return { ...measured, fit: 'no', reason: faults.join('; ') };
  const answers = asks.map((ask) => ({ ask, figure: cell.figures[ask.figure]?.median }));
  const missing = answers.filter(({ figure }) => figure === undefined);
  const failed = answers.filter(({ ask, figure }) => figure !== undefined && !isWithin(ask, figure));
  const told = (failed.length > 0 ? failed : answers).map(({ ask, figure }) => askInWords(ask, figure)).join(', ');
  // What was refused has no figure of its own, and a figure that says so.
  if (failed.length === 0 && missing.length > 0) return open(`left open: ${told}`);
  return { ...measured, fit: failed.length === 0 ? 'yes' : 'no', reason: told };
}

function isWithin({ relation, bound }: Ask, figure: number): boolean {
  return relation === '<=' ? figure <= bound : figure >= bound;
}

/** `p99 of scorers 21.1 ms (at most 100 ms)`. */
function askInWords({ words, unit, relation, bound }: Ask, figure: number | undefined): string {
  const withUnit = (value: number) => `${number(value)}${unit === '' ? '' : ` ${unit}`}`;
  if (bound === 0 && figure === 0) return `${words} 0`;
  return `${words} ${figure === undefined ? 'not measured' : withUnit(figure)} (${relation === '<=' ? 'at most' : 'at least'} ${withUnit(bound)})`;
}

function fitOf(verdict: Exclude<ScenarioVerdict, 'INCONCLUSIVE'>): Fit {
  return ({ PASS: 'yes', EMULATED: 'emulated', DIFFERS: 'no', UNSUPPORTED: 'no' } as const)[verdict];
}

// ------------------------------------------------------------------------------------------------ who is best

interface Candidate {
  readonly system: string;
  readonly figure: Spread;
  /** Only equal promises are ranked against each other. */
  readonly promise: string;
  readonly better: 'higher' | 'lower';
  readonly text: string;
  readonly cite: string;
}

function ranked(
  need: string,
  systems: readonly string[],
  candidates: readonly Candidate[],
  floor: number,
): readonly AdviceFinding[] {
  return systems.map((system) => {
    const own = candidates.find((candidate) => candidate.system === system);
    if (own === undefined)
      return { need, system, fit: 'unknown', basis: 'not tested', reason: 'no valid cell in this report', cites: [] };
    const ahead = candidates.filter(
      (other) =>
        other !== own &&
        other.promise === own.promise &&
        compareSpreads(other.figure, own.figure, floor) === own.better,
    );
    const promise = own.promise === '' ? '' : `, promise ${own.promise}`;
    const others = ahead.map((other) => `${other.system} ${other.text}`).join(', ');
    return {
      need,
      system,
      fit: ahead.length === 0 ? 'yes' : 'behind',
      basis: 'measured',
      reason: `${own.text}${promise}${ahead.length === 0 ? ', nobody of the same promise shown to be better' : `; better: ${others}`}`,
      cites: [own.cite, ...ahead.map(({ cite }) => cite)],
    };
  });
}

function cellCandidates(
  predicate: Extract<Predicate, { kind: 'best-cell' }>,
  systems: readonly string[],
  report: Report,
): readonly Candidate[] {
  const cells = report.summaries.filter(
    (cell) => cell.workload === predicate.workload && cell.mode === predicate.mode && cell.validRepeats > 0,
  );
  // One layer for all: a bare client beside a port is no comparison.
  const layer = layerOfAll(cells, systems);
  return systems.flatMap((system) => {
    const cell = cells.find((one) => one.system === system && one.layer === layer);
    const figure = cell?.figures[predicate.figure];
    if (cell === undefined || figure === undefined) return [];
    return [
      {
        system,
        figure,
        promise: `${cell.durability.persistence} × ${cell.durability.copies}`,
        better: predicate.better,
        text: amount(figure.median, unitOf(predicate.figure)),
        cite: cellId(cell),
      },
    ];
  });
}

function observedCandidates(
  { scenario, figure, unit, better }: Extract<Predicate, { kind: 'best-observed' }>,
  systems: readonly string[],
  report: Report,
): readonly Candidate[] {
  return systems.flatMap((system) => {
    const row = preferred(report.scenarios.filter((one) => one.id === scenario && one.system === system));
    const value = row?.observed[figure];
    if (row === undefined || typeof value !== 'number') return [];
    return [{ system, figure: single(value), promise: '', better, text: `${value} ${unit}`, cite: idOf(row) }];
  });
}

function startCandidates(systems: readonly string[], report: Report): readonly Candidate[] {
  return report.systems.flatMap(({ id, startMs }) =>
    startMs === null || !systems.includes(id)
      ? []
      : [
          {
            system: id,
            figure: single(startMs),
            promise: '',
            better: 'lower',
            text: `${startMs} ms`,
            cite: `systems.${id}`,
          },
        ],
  );
}

/** One value, without a spread: `compareSpreads` then asks for a large difference. */
function single(value: number): Spread {
  return { median: value, low: value, high: value, count: 1 };
}

function floorOf(predicate: Extract<Predicate, { kind: 'best-cell' }>, report: Report): number {
  const measured = (report.noise ?? []).filter(
    ({ mode, figure }) => mode === predicate.mode && figure === predicate.figure,
  );
  return Math.max(leastNoiseFloor, ...measured.map(({ floor }) => floor));
}

// ------------------------------------------------------------------------------------------------ rate, size, latency

/** Of an own maximum: above it a burst has no room. */
const usableShare = 0.7;
const loadWouldChange =
  'the machine: these rates are of one host on which broker and clients share the cores; measure your own with `sluice compare --workload`';

function loadNames({ ratePerSecond, p99Ms }: Load): readonly string[] {
  return [...(ratePerSecond === null ? [] : ['rate']), ...(p99Ms === null ? [] : ['p99'])];
}

function loadFindings(system: string, report: Report, load: Load): readonly AdviceFinding[] {
  return [
    ...(load.ratePerSecond === null ? [] : [rateFinding(system, report, load.ratePerSecond, load.messageBytes)]),
    ...(load.p99Ms === null ? [] : [latencyFinding(system, report, load.p99Ms, load)]),
  ];
}

function rateFinding(system: string, report: Report, rate: number, messageBytes: number | null): AdviceFinding {
  const base = { need: 'rate', system } as const;
  const held = heldFinding(system, report, rate, messageBytes);
  if (held !== null) return held;
  const cell = loadCell(report, system, 'own-maximum', messageBytes);
  const most = cell?.figures['publish.messagesPerSecond'];
  if (cell === undefined || most === undefined)
    return { ...base, fit: 'unknown', basis: 'not tested', reason: 'no valid own maximum in this report', cites: [] };
  const size = `${cell.parameters.messageBytes} B messages`;
  const told = `${amount(most.median, 'perSecond')} at most with ${size}, limited by ${cell.limitedBy}`;
  const cites = [cellId(cell)];
  const isLarger = messageBytes !== null && messageBytes > cell.parameters.messageBytes;
  const measured = { ...base, basis: 'measured', cites } as const;
  if (isLarger) return { ...measured, fit: 'unknown', reason: `${told}; yours are larger, and were not measured` };
  if (rate <= most.low * usableShare) return { ...measured, fit: 'yes', reason: told };
  if (rate <= most.high) return { ...measured, fit: 'unknown', reason: `${told}: no room for a burst` };
  // Where the client or the generator was at its end, the broker was not shown to be.
  return { ...measured, fit: cell.limitedBy === 'broker' ? 'no' : 'unknown', reason: told };
}

/** A rate that was held within its bounds needs no share of a maximum to be believed; above it the own maximum says what is known. */
function heldFinding(system: string, report: Report, rate: number, messageBytes: number | null): AdviceFinding | null {
  const cell = loadCell(report, system, 'sustainable-rate', messageBytes);
  const held = cell?.figures['publish.messagesPerSecond'];
  const p99 = cell?.figures['latencyMs.endToEnd.p99'];
  if (cell === undefined || held === undefined || p99 === undefined || rate > held.low) return null;
  if (messageBytes !== null && messageBytes > cell.parameters.messageBytes) return null;
  const reason = `${amount(held.median, 'perSecond')} held with ${cell.parameters.messageBytes} B messages, p99 ${amount(p99.median, 'ms')}`;
  return { need: 'rate', system, fit: 'yes', basis: 'measured', reason, cites: [cellId(cell)] };
}

function latencyFinding(system: string, report: Report, boundMs: number, load: Load): AdviceFinding {
  const base = { need: 'p99', system } as const;
  const cell = loadCell(report, system, 'equal-load', load.messageBytes);
  const p99 = cell?.figures['latencyMs.endToEnd.p99'];
  if (cell === undefined || p99 === undefined)
    return {
      ...base,
      fit: 'unknown',
      basis: 'not tested',
      reason: 'no valid run at an equal load in this report',
      cites: [],
    };
  const offered = cell.parameters.ratePerSecond ?? 0;
  const told = `p99 ${amount(p99.median, 'ms')} at ${amount(offered, 'perSecond')}`;
  const measured = { ...base, basis: 'measured', cites: [cellId(cell)] } as const;
  if (load.ratePerSecond !== null && load.ratePerSecond > offered)
    return { ...measured, fit: 'unknown', reason: `${told}; at ${load.ratePerSecond} it was not measured` };
  if (p99.high <= boundMs) return { ...measured, fit: 'yes', reason: told };
  if (p99.low > boundMs) return { ...measured, fit: 'no', reason: told };
  return { ...measured, fit: 'unknown', reason: `${told}: the bound is inside its interval` };
}

/** The smallest size that is not below the one asked for; else the largest there is. */
function loadCell(
  report: Report,
  system: string,
  mode: CellSummary['mode'],
  messageBytes: number | null,
): CellSummary | undefined {
  const cells = report.summaries
    .filter((cell) => /^(throughput|sustainable)-/.test(cell.workload) && cell.mode === mode)
    .filter((cell) => cell.system === system && cell.validRepeats > 0)
    .toSorted((a, b) => a.parameters.messageBytes - b.parameters.messageBytes);
  const wanted = messageBytes ?? 1024;
  const size = (cells.find((cell) => cell.parameters.messageBytes >= wanted) ?? cells.at(-1))?.parameters.messageBytes;
  return preferred(cells.filter((cell) => cell.parameters.messageBytes === size));
}

// ------------------------------------------------------------------------------------------------ all needs together

function rank(systems: readonly string[], findings: readonly AdviceFinding[]): Advice['ranking'] {
  const rows = systems.map((system) => {
    const own = findings.filter((finding) => finding.system === system);
    const count = (fit: Fit) => own.filter((finding) => finding.fit === fit).length;
    const fits = {
      yes: count('yes'),
      emulated: count('emulated'),
      behind: count('behind'),
      no: count('no'),
      unknown: count('unknown'),
    };
    return { system, fits };
  });
  return rows.toSorted((a, b) => order(a.fits, b.fits));
}

/** First what does not work, then what nobody knows, then what is slower, then what is work of an adapter. */
function order(a: Readonly<Record<Fit, number>>, b: Readonly<Record<Fit, number>>): number {
  return a.no - b.no || a.unknown - b.unknown || a.behind - b.behind || a.emulated - b.emulated;
}

function recommendedOf(ranking: Advice['ranking']): readonly string[] {
  const [best] = ranking;
  if (best === undefined || best.fits.no > 0) return [];
  return ranking.filter(({ fits }) => order(fits, best.fits) === 0).map(({ system }) => system);
}

/** For RabbitMQ, whose kinds of queue live in one broker: which of them meets which need. */
function togetherOf(
  systems: readonly string[],
  findings: readonly AdviceFinding[],
): Readonly<Record<string, string>> | null {
  // One version at a time: it is one broker that has them all.
  const queues = systems.filter((system) => /^rabbitmq-[a-z]+$/.test(system));
  const needs = [...new Set(findings.map(({ need }) => need))];
  const pairs = needs.map((need) => {
    const met = findings
      .filter((finding) => finding.need === need && queues.includes(finding.system))
      .filter(({ fit }) => fit !== 'no' && fit !== 'unknown')
      .toSorted((a, b) => fitOrder.indexOf(a.fit) - fitOrder.indexOf(b.fit));
    return [need, met[0]?.system] as const;
  });
  if (pairs.some(([, system]) => system === undefined)) return null;
  return Object.fromEntries(pairs as readonly (readonly [string, string])[]);
}

const fitOrder: readonly Fit[] = ['yes', 'behind', 'emulated'];

function answerOf(
  recommended: readonly string[],
  ranking: Advice['ranking'],
  together: Advice['together'],
  findings: readonly AdviceFinding[],
): string {
  const [first] = recommended;
  if (first !== undefined) {
    const own = findings.filter(({ system }) => system === first);
    const open = own.filter(({ fit }) => fit === 'unknown').map(({ need }) => need);
    const slower = own.filter(({ fit }) => fit === 'behind').map(({ need }) => need);
    const unless = [
      ...(slower.length === 0 ? [] : [`; another is ahead in ${slower.join(', ')}`]),
      ...(open.length === 0 ? [] : [`; not known of ${open.join(', ')}`]),
    ].join('');
    if (recommended.length === 1) return `${first} meets what you need${unless}.`;
    return `No difference shown by what you need between ${recommended.join(', ')}${unless}.`;
  }
  if (together !== null) {
    const parts = Object.entries(together).map(([need, system]) => `${system} for ${need}`);
    return `No system meets all of it alone. One RabbitMQ does with several kinds of queue: ${parts.join(', ')}.`;
  }
  const [nearest] = ranking;
  if (nearest === undefined) return 'The report has no broker in it.';
  const missing = findings
    .filter(({ system, fit }) => system === nearest.system && fit === 'no')
    .map(({ need }) => need);
  return `No system meets all of it. Nearest is ${nearest.system}, without ${missing.join(', ')}.`;
}

function notesOf(report: Report): readonly string[] {
  const copies = report.systems.every(({ nodes }) => nodes <= 1);
  const { cpu, loadAverage } = report.environment;
  return [
    ...(loadAverage.start > cpu.cores
      ? [
          `the machine was busy with something else when the run began (load average ${loadAverage.start} on ${cpu.cores} cores): rates and latencies are worse than its own`,
        ]
      : []),
    ...(copies
      ? ['measured on one node of each broker: copies, elections and the loss of a machine are not in it']
      : []),
    ...(report.run.repeats < 5
      ? [
          `${report.run.repeats} repeats (profile ${report.run.profile}): figures are ranked only where they differ by half and more`,
        ]
      : []),
    'the native log is embedded and not replicated, and no answer to "RabbitMQ or Kafka?"',
  ];
}

// ------------------------------------------------------------------------------------------------ words

/** The client that people use of it; else through Sluice's port. */
const layerOrder: readonly Layer[] = ['bare', 'port', 'rest', 'grpc'];

function preferred<T extends ScenarioRow | CellSummary>(rows: readonly T[]): T | undefined {
  return rows.toSorted((a, b) => layerOrder.indexOf(a.layer) - layerOrder.indexOf(b.layer))[0];
}

function layerOfAll(cells: readonly CellSummary[], systems: readonly string[]): Layer | undefined {
  const most = layerOrder.map((layer) => ({
    layer,
    count: cells.filter((cell) => cell.layer === layer && systems.includes(cell.system)).length,
  }));
  return most.toSorted((a, b) => b.count - a.count)[0]?.layer;
}

function idOf({ id, system, layer }: ScenarioRow): string {
  return `${id}.${system}.${layer}`;
}

function cellId({ workload, system, layer }: CellSummary): string {
  return `${workload}.${system}.${layer}`;
}

function unitOf(path: string): Unit {
  if (path.endsWith('messagesPerSecond')) return 'perSecond';
  if (path.startsWith('latencyMs.')) return 'ms';
  return path.endsWith('PerMillion') ? 'cpuSeconds' : 'ratio';
}
