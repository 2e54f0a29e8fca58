/** The report arranged as it is read, the same for every rendering: order of systems, groups that may be compared, sections. */

import { durability, plural } from './figures.ts';
import { countedArabic, joinedNames, joinedWords, nouns, type Said, say } from './language.ts';
import type {
  CellSummary,
  ClaimResult,
  DurabilityReached,
  Layer,
  LimitedBy,
  Report,
  ScenarioRow,
  ScenarioVerdict,
  SystemRow,
  WorkloadMode,
  WorkloadRow,
} from './model.ts';

export const layers = ['bare', 'port', 'rest', 'grpc', 'reference'] as const satisfies readonly Layer[];
const persistenceOrder = ['fsync', 'os', 'memory'] as const;

export const layerMeaning: Readonly<Record<Layer, Said>> = {
  bare: say('the usual JavaScript client alone, in its own idiom', 'عميل JavaScript المعتاد وحده، بأسلوبه هو'),
  port: say('through the one API, in process', 'عبر الواجهة الموحّدة، داخل العملية نفسها'),
  rest: say('through the gateway over REST', 'عبر البوابة بواجهة REST'),
  grpc: say('through the gateway over gRPC', 'عبر البوابة بواجهة gRPC'),
  reference: say(
    "the vendor's own Java client, which does the same work in a process of its own",
    'عميل Java الذي يقدمه صاحب المنتج نفسه، يؤدي العمل نفسه في عملية مستقلة',
  ),
};

export const modeWords: Readonly<Record<WorkloadMode, Said>> = {
  'equal-load': say('equal load', 'حِمل متساوٍ'),
  'own-maximum': say('own maximum', 'الحد الأقصى الذاتي'),
  'sustainable-rate': say('sustainable rate', 'المعدل المستدام'),
};

export const limitedByWords: Readonly<Record<LimitedBy, Said>> = {
  broker: say('broker', 'الوسيط'),
  client: say('client', 'العميل'),
  machine: say('machine (client and broker together)', 'الجهاز (العميل والوسيط معًا)'),
  port: say('port', 'الواجهة الموحّدة (port)'),
  gateway: say('gateway', 'البوابة'),
  generator: say('generator', 'المولّد'),
  'offered-load': say('offered load', 'الحِمل المعروض'),
};

/** Cells whose bars or lines may stand on one axis: the same durability, and in-process apart from brokers. */
export interface ComparisonGroup<C extends { system: string }> {
  readonly id: string;
  readonly label: Said;
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
        label: isInProcess(first)
          ? say(`${name}, in-process, unreplicated`, `${name}، داخل العملية، بلا نسخ مكرّرة`)
          : say(`durability ${name}`, `الديمومة ${name}`),
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
  return /crash|kill|restart|pause|outage|reconnect|disconnect|broker-(?:down|loss)|connection-(?:loss|cut)|after-retry|alarm|rebalance|at-most-once|one-result|confirm-meaning|power|corruption|torn|fault/.test(
    id,
  );
}

export const scenarioMarks: Readonly<
  Record<ScenarioVerdict, { readonly mark: string; readonly word: Said; readonly meaning: Said }>
> = {
  PASS: {
    mark: '✓',
    word: say('PASS', 'متحقق'),
    meaning: say('the property holds, natively', 'الخاصية متحققة من النظام نفسه (PASS)'),
  },
  EMULATED: {
    mark: '◐',
    word: say('EMULATED', 'بالمحاكاة'),
    meaning: say('it holds by work of the adapter', 'تتحقق بعمل المحوّل (EMULATED)'),
  },
  DIFFERS: {
    mark: '≠',
    word: say('DIFFERS', 'مختلف'),
    meaning: say('it does not hold; what happens instead is said', 'غير متحققة، ومذكور ما يحدث بدلًا منها (DIFFERS)'),
  },
  UNSUPPORTED: {
    mark: '⊘',
    word: say('UNSUPPORTED', 'مرفوض'),
    meaning: say('asked for and refused', 'طُلبت فرُفض الطلب (UNSUPPORTED)'),
  },
  INCONCLUSIVE: {
    mark: '?',
    word: say('INCONCLUSIVE', 'غير محسوم'),
    meaning: say('the run could not tell', 'لم يستطع التشغيل أن يحكم (INCONCLUSIVE)'),
  },
};

export const claimMarks: Readonly<Record<ClaimResult, { readonly mark: string; readonly words: Said }>> = {
  true: { mark: '✓', words: say('holds', 'صحيح') },
  'true-if': { mark: '◐', words: say('holds, if', 'صحيح بشرط') },
  false: { mark: '✕', words: say('does not hold', 'غير صحيح') },
  inconclusive: { mark: '?', words: say('inconclusive', 'غير محسوم') },
  'not-tested': { mark: '–', words: say('not tested', 'لم يُختبر') },
};

export const basisWords = {
  measured: say('measured here', 'بالقياس في هذا التشغيل'),
  documented: say('from documents, not measured', 'من الوثائق، لا بالقياس'),
  'not-tested': say('not tested', 'لم يُختبر'),
} as const satisfies Readonly<Record<string, Said>>;

/** Sentences of the first paragraph: what was done, what came out, how far it reaches. `found`: each verdict with its claims. */
export function leadSentences(report: Report): {
  readonly first: Said;
  readonly found: readonly { readonly words: Said; readonly claims: readonly string[] }[];
  readonly counted: readonly Said[];
} {
  const brokers = orderedSystems(report).filter((system) => baseSystem(system.id) !== 'log');
  const products = [...new Set(brokers.map((system) => `${system.product} ${system.version}`))];
  const scenarios = new Set(report.scenarios.map((row) => row.id)).size;
  const workloads = new Set(report.workloads.map((row) => row.id)).size;
  const { cores } = report.environment.cpu;
  const work = [
    ...(scenarios === 0
      ? []
      : [
          say(
            `answered the same ${scenarios} ${plural(scenarios, 'question')}`,
            `الإجابة عن الأسئلة نفسها (${countedArabic(scenarios, nouns.question)})`,
          ),
        ]),
    ...(workloads === 0
      ? []
      : [
          say(
            `carried the same ${workloads} ${plural(workloads, 'workload')}`,
            `حمل الأحمال نفسها (${countedArabic(workloads, nouns.workload)})`,
          ),
        ]),
    ...(scenarios + workloads === 0 ? [say('had nothing to do', 'لا شيء')] : []),
  ];
  const who = products.length === 0 ? say('The embedded log', 'السجل المضمّن') : joinedNames(products);
  const what = joinedWords(work);
  return {
    first: say(
      `${who.en} ${what.en} on one machine with ${cores} ${plural(cores, 'core')}.`,
      `المطلوب من ${who.ar}: ${what.ar}، على جهاز واحد فيه ${countedArabic(cores, nouns.core)}.`,
    ),
    found: claimSentences(report),
    counted: [...scenarioSentence(report), validitySentence(report)],
  };
}

const claimPhrases: Readonly<Record<ClaimResult, Said>> = {
  true: say('Holds', 'صحيح'),
  'true-if': say('Holds under a condition', 'صحيح بشرط'),
  false: say('Does not hold', 'غير صحيح'),
  inconclusive: say('Could not be decided', 'لم يُحسم'),
  'not-tested': say('Not tested', 'لم يُختبر'),
};

function claimSentences(report: Report): ReturnType<typeof leadSentences>['found'] {
  return (['true', 'true-if', 'false', 'inconclusive', 'not-tested'] as const).flatMap((verdict) => {
    const claims = report.verdicts.filter((claim) => claim.verdict === verdict).map(({ claim }) => claim);
    return claims.length === 0 ? [] : [{ words: claimPhrases[verdict], claims }];
  });
}

function scenarioSentence(report: Report): readonly Said[] {
  const rows = report.scenarios.length;
  if (rows === 0) return [];
  const counted = (['PASS', 'EMULATED', 'DIFFERS', 'UNSUPPORTED', 'INCONCLUSIVE'] as const)
    .map((verdict) => ({ verdict, times: report.scenarios.filter((row) => row.verdict === verdict).length }))
    .filter(({ times }) => times > 0)
    .map(({ verdict, times }) => say(`${times} ${verdict}`, `${times} ${scenarioMarks[verdict].word.ar}`));
  const surprises = report.scenarios.filter((row) => row.surprise).length;
  const each = joinedWords(counted);
  return [
    say(
      `Of ${rows} scenario results: ${each.en}; ${surprises === 0 ? 'none' : surprises} against expectation.`,
      `من نتائج السيناريوهات (${rows}): ${each.ar}؛ والمخالف للتوقع ${surprises === 0 ? 'لا شيء' : surprises}.`,
    ),
  ];
}

function validitySentence(report: Report): Said {
  const invalid = report.workloads.filter((row) => !row.valid).length;
  const runs = report.workloads.length;
  if (runs === 0) return say('No workload was measured.', 'لم يُقس أي حِمل عمل.');
  return say(
    `${runs} workload runs with every message checked for loss, duplicates and order: ${invalid === 0 ? 'all valid' : `${invalid} invalid, shown as such and in no figure`}.`,
    `${countedArabic(runs, nouns.run)} لأحمال العمل، فُحصت فيها كل رسالة بحثًا عن الفقد والتكرار واختلال الترتيب: ${invalid === 0 ? 'كلها صالحة' : `غير الصالح منها ${invalid}، وهو مذكور بصفته هذه ولا يدخل في أي رقم`}.`,
  );
}
