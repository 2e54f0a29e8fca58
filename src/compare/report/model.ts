/**
 * report.json as types: the one value that the runner fills and that every rendering (Markdown, HTML, CSV, charts, JSON
 * Schema) is made from. What is not in here is in no report. Plain data only: it must survive JSON.stringify unchanged.
 */

export const reportSpecVersion = '1.0';

/** `log`, `rabbitmq-quorum`, ... ; another version is `rabbitmq-quorum@3.10`. */
export type SystemId = string;
export type Layer = 'bare' | 'port' | 'rest' | 'grpc' | 'reference';
export type Profile = 'smoke' | 'standard' | 'full';

export interface Report {
  readonly specVersion: string;
  readonly run: RunInfo;
  readonly environment: Environment;
  readonly systems: readonly SystemRow[];
  readonly scenarios: readonly ScenarioRow[];
  readonly workloads: readonly WorkloadRow[];
  /** Median and spread over the repeats of one cell (workload, system, layer, mode, parameters); only valid repeats count. */
  readonly summaries: readonly CellSummary[];
  /** What one cell, run twice under two names, differed by: the noise of this run. Absent in reports of before it was measured. */
  readonly noise?: readonly NoiseFloor[];
  /** The comparisons that were named before the run and tested after it. Absent where none were named. */
  readonly primary?: PrimaryReport;
  readonly verdicts: readonly ClaimVerdict[];
  /** Which system suits each use, by which cells. Absent in reports of before uses were run. */
  readonly uses?: readonly UseVerdict[];
  /** Results of `--assert`, in the order given. */
  readonly assertions: readonly AssertionResult[];
  /** Our instrument beside independent tools on the same brokers. Absent where `--check` did not ask for it. */
  readonly agreement?: readonly AgreementRow[];
  /** What was asked for and did not run, each with its reason. */
  readonly notMeasured: readonly {
    readonly id: string;
    readonly system: SystemId | null;
    readonly layer: Layer | null;
    readonly reason: string;
  }[];
  /** Threats to validity, as sentences. */
  readonly limits: readonly string[];
}

// ------------------------------------------------------------------------------------------------ run, environment, systems

export interface RunInfo {
  readonly id: string;
  readonly seed: number;
  readonly profile: Profile;
  /** sha256 over the plan hashes of every workload of the run, in a fixed order: equal hash, equal work. */
  readonly planHash: string;
  /** ISO 8601. */
  readonly startedAt: string;
  readonly finishedAt: string;
  /** The command that reproduces the run. */
  readonly command: string;
  readonly durationMs: number;
  readonly repeats: number;
  readonly layers: readonly Layer[];
  /** Order in which the measured cells ran (`<workload>/<system>/<layer>/<repeat>`): interleaved at random by the seed. */
  readonly order: readonly string[];
  /** When an interrupted run went on, and how many rows it had by then. Absent for a run that was not interrupted. */
  readonly resumed?: readonly { readonly at: string; readonly rowsBefore: number }[];
  /** Where brokers were started anew for rounds of repeats: what made them warm. Absent else, and in older reports. */
  readonly warmUps?: readonly WarmUp[];
}

/** Bursts on a broker that had just started, by one client, before cells were measured on it. A run that was interrupted between these has them once more. */
export interface WarmUp {
  /** In which the first cells after it are. */
  readonly round: number;
  readonly system: string;
  readonly layer: Layer;
  /** The last bursts cost the same; else they ended at their most, or because of `endedBecause`. */
  readonly isSteady: boolean;
  readonly endedBecause?: string;
  /** Of each burst, as in `cost`: null where the broker's processes cannot be seen. */
  readonly brokerCpuSecondsPerMillion: readonly (number | null)[];
  readonly messagesPerSecond: readonly number[];
}

export interface Environment {
  readonly cpu: { readonly model: string; readonly cores: number; readonly mhz: number };
  readonly memoryBytes: number;
  readonly kernel: string;
  readonly os: string;
  readonly node: string;
  /** Name -> version: amqplib, kafkajs, ... and Sluice's own. */
  readonly libraries: Readonly<Record<string, string>>;
  /** Of the directory in which the native log and the started brokers keep their data. */
  readonly filesystem: {
    readonly path: string;
    readonly type: string;
    readonly device: string;
    readonly freeBytes: number;
  };
  /** fdatasync after 4 KiB, measured before the run. */
  readonly fsyncMs: { readonly p50: number; readonly p99: number; readonly count: number };
  /** Load average (1 minute) at the start and at the end: what else used the machine. */
  readonly loadAverage: { readonly start: number; readonly end: number };
  /** The most that the load generator and its checkers do against nothing: messages per second, by payload size in bytes. */
  readonly generatorCeiling: Readonly<Record<string, number>>;
}

export interface SystemRow {
  readonly id: SystemId;
  readonly product: string;
  readonly version: string;
  /** How it was obtained. */
  readonly source: 'embedded' | 'address' | 'docker' | 'process';
  readonly nodes: number;
  /** From start to first accepted connection; null when it was running already. */
  readonly startMs: number | null;
  /** Settings in effect that matter for the result, by their own names. */
  readonly configuration: Readonly<Record<string, string>>;
  /** Capability name -> claim; the same object as `GET /v1/capabilities`. */
  readonly capabilities: Readonly<
    Record<
      string,
      {
        readonly level: 'native' | 'emulated' | 'unsupported';
        readonly how: string;
        readonly limits?: Readonly<Record<string, number>>;
      }
    >
  >;
  /** What makes its rows not comparable with the others (such as: embedded and not replicated). */
  readonly notes: readonly string[];
}

// ------------------------------------------------------------------------------------------------ scenarios

export const scenarioVerdicts = ['PASS', 'EMULATED', 'DIFFERS', 'UNSUPPORTED', 'INCONCLUSIVE'] as const;
export type ScenarioVerdict = (typeof scenarioVerdicts)[number];

export type Observed = string | number | boolean | readonly number[] | readonly string[];

export interface ScenarioRow {
  readonly id: string;
  readonly title: string;
  readonly question: string;
  readonly system: SystemId;
  readonly layer: Layer;
  readonly verdict: ScenarioVerdict;
  /** True when there is a verdict (not INCONCLUSIVE) and it is not the expected one. */
  readonly surprise: boolean;
  /** With a surprise: what is known about its cause; null when it is not understood yet. */
  readonly surpriseExplained: string | null;
  readonly expected: {
    readonly verdict: ScenarioVerdict;
    /** Why that is expected, in a sentence. */
    readonly why: string;
    /** Versions of the product for which this expectation holds, such as `>=4.3`; `*` for all. */
    readonly versions: string;
    /** Document or source that says so. */
    readonly source: string;
  };
  /** Why this verdict, in one sentence with the numbers in it: `late subscriber received 0 of 1000`. */
  readonly summary: string;
  /** Figures seen, by name with the unit last. */
  readonly observed: Readonly<Record<string, Observed>>;
  /** Lines of proof: first offenders, the error of the refusal, sizes read. At most 12. */
  readonly evidence: readonly string[];
  readonly durationMs: number;
}

// ------------------------------------------------------------------------------------------------ workloads

export type WorkloadMode = 'equal-load' | 'own-maximum' | 'sustainable-rate';
export type LimitedBy = 'broker' | 'client' | 'machine' | 'port' | 'gateway' | 'generator' | 'offered-load';
export type PersistenceLevel = 'memory' | 'os' | 'fsync';

export interface DurabilityReached {
  readonly persistence: PersistenceLevel;
  readonly copies: number;
}

export interface WorkloadParameters {
  readonly messageBytes: number;
  /** Offered load; null for own-maximum. */
  readonly ratePerSecond: number | null;
  readonly partitions: number;
  readonly subscriptions: number;
  readonly consumersPerSubscription: number;
  readonly keys: number;
  readonly keyDistribution: 'none' | 'uniform' | 'zipf';
  readonly arrival: 'uniform' | 'poisson' | 'closed-window' | 'trace';
  /** Messages of the measured window (planned). */
  readonly messages: number;
  readonly warmupMs: number;
  readonly measuredMs: number;
  /** Unconfirmed publishes allowed at once. */
  readonly publishWindow: number;
  /** Credit or prefetch of each consumer. */
  readonly credit: number;
  /** Messages settled by one ack call at most: bounds what a crash delivers again. */
  readonly ackBatch: number;
}

export interface Checks {
  readonly sent: number;
  readonly acked: number;
  readonly unknown: number;
  /** Refused: certainly not stored. */
  readonly refused: number;
  /** First receptions, summed over the subscriptions. */
  readonly received: number;
  /** Acknowledged and not received by a subscription, summed over the subscriptions. */
  readonly lost: number;
  readonly duplicated: number;
  /** First deliveries that came after a later message of their key. */
  readonly reordered: number;
  /** Received but never sent by this run, or with a wrong checksum. */
  readonly phantom: number;
  /** First offenders as sentences, at most 8. */
  readonly offenders: readonly string[];
}

export interface Rate {
  readonly messagesPerSecond: number;
  /** 10^6 bytes of payload. */
  readonly megabytesPerSecond: number;
}

/** Milliseconds. `count` samples; `negative`: samples below zero, counted and set to 0. */
export interface LatencySummary {
  readonly p50: number;
  readonly p90: number;
  readonly p95: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
  readonly mean: number;
  readonly count: number;
  readonly negative: number;
}

export interface ShortLatency {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

/** One recorded distribution, mergeable: `counts[i]` samples in the bucket whose upper edge is `upperMs[i]`. Empty buckets are left out. */
export interface HistogramData {
  readonly upperMs: readonly number[];
  readonly counts: readonly number[];
}

export interface Cost {
  /** CPU seconds (user + system, children included) of the broker's processes; null when they cannot be seen, or are this process. */
  readonly brokerCpuSecondsPerMillion: number | null;
  /** CPU seconds of the client process; for `log` this is broker and client in one. Less the generator's own share: not subtracted. */
  readonly clientCpuSecondsPerMillion: number | null;
  readonly bytesWrittenPerPayloadByte: number | null;
  readonly peakRssBytes: number | null;
}

/** One second or less of a run, for charts over time. */
export interface SeriesPoint {
  /** Milliseconds since the measured window began; negative in the warm-up. */
  readonly tMs: number;
  readonly published: number;
  readonly received: number;
  /** Acked and not yet received, at the end of the interval. */
  readonly backlog: number;
  readonly endToEndP50Ms: number | null;
  readonly endToEndP99Ms: number | null;
}

/** What a rate must fulfil to be called sustainable; which of these it did not. `generator`: the load was not the one asked for. */
export type SearchCriterion = 'loss' | 'broken' | 'achieved' | 'latency' | 'backlog' | 'generator';

/** How a search ended: with a passing and a failing rung side by side, or before. */
export type SearchEnd = 'bracketed' | 'top-of-ladder' | 'step-limit' | 'time-limit' | 'nothing-passed';

/** One rate, held for a while. The curve of latency against offered load is drawn from these. */
export interface SearchStep {
  readonly kind: 'ramp' | 'bisection' | 'confirmation';
  readonly ratePerSecond: number;
  readonly passed: boolean;
  /** The first that was not fulfilled. */
  readonly criterion: SearchCriterion | null;
  readonly because: string | null;
  /** Of the offered messages, how many were acknowledged in time. */
  readonly achieved: number;
  /** By how many messages a second the backlog grew. */
  readonly backlogPerSecond: number | null;
  readonly publishP99Ms: number;
  readonly endToEndP50Ms: number;
  readonly endToEndP99Ms: number;
  /** Behind the end-to-end percentiles. */
  readonly samples: number;
  readonly slipP99Ms: number;
  /** Who had no more to give, as far as processor shares show it. */
  readonly limitedBy: LimitedBy;
  readonly brokerCores: number | null;
  readonly clientCores: number;
  readonly planHash: string;
}

export interface RateSearch {
  /** The bounds: share acknowledged in time, end-to-end p99, growth of the backlog as a share of the rate; nothing may be lost. */
  readonly bounds: { readonly achievedMin: number; readonly p99MsMax: number; readonly backlogGrowthMax: number };
  /** Held at the end, and published: a little below what was found. 0 where nothing could be held. */
  readonly sustainedPerSecond: number;
  /** The highest rate that passed; null where none did. */
  readonly foundPerSecond: number | null;
  /** The lowest rate that failed, what it failed by, and what limited it there. */
  readonly failed: {
    readonly ratePerSecond: number;
    readonly criterion: SearchCriterion;
    readonly because: string;
    readonly limitedBy: LimitedBy;
  } | null;
  readonly end: SearchEnd;
  readonly steps: readonly SearchStep[];
}

export const phaseNames = ['warmup', 'ramp', 'steady', 'burst', 'backlog', 'drain', 'idle', 'fault', 'replay'] as const;
export type PhaseName = (typeof phaseNames)[number];

/** A part of a run's course; 0 is where the measured window began. */
export interface Phase {
  readonly phase: PhaseName;
  readonly fromMs: number;
  readonly toMs: number;
  /** Of a warm-up: whether rate and latency had settled when it ended. */
  readonly isSteady?: boolean;
  readonly note: string | null;
  /** Of the phases of a course. Latencies are of the messages that were due in it, whenever they came. */
  readonly figures?: {
    readonly publishedPerSecond: number;
    readonly receivedPerSecond: number;
    readonly endToEndP50Ms: number | null;
    readonly endToEndP99Ms: number | null;
    readonly samples: number;
    readonly backlogMax: number;
    /** After a burst or a backlog: when it was gone; null when it was not, or there was none to go. */
    readonly settledAfterMs: number | null;
    readonly brokerCores: number | null;
  };
}

export interface WorkloadRow {
  readonly id: string;
  readonly title: string;
  readonly system: SystemId;
  readonly layer: Layer;
  readonly durability: DurabilityReached;
  readonly mode: WorkloadMode;
  readonly settings: 'stock' | 'tuned';
  readonly parameters: WorkloadParameters;
  readonly planHash: string;
  /** From 0. */
  readonly repeat: number;
  readonly startedAt: string;
  readonly valid: boolean;
  readonly invalidBecause?: string;
  readonly limitedBy: LimitedBy;
  /** The shares behind `limitedBy`: 1 = one core busy for the whole window. */
  readonly utilization: {
    readonly brokerCores: number | null;
    readonly clientCores: number;
    readonly eventLoop: number;
  };
  readonly checks: Checks;
  /**
   * With an offered load: planned inside the window, of these acknowledged in time, and how long the sender had to wait because too
   * many were unanswered. Absent in reports of before it was kept.
   */
  readonly offered?: { readonly planned: number; readonly acknowledgedInTime: number; readonly blockedMs: number };
  /** In mode `sustainable-rate`: how the rate was found. The row's other figures are those of the step that held it. */
  readonly search?: RateSearch;
  readonly publish: Rate;
  /** Of the measured window; over all subscriptions. */
  readonly consume: Rate;
  /** From the intended send time. `publish`: to the answer; `endToEnd`: to the delivery in the consumer. For `replay` only endToEnd is empty (count 0). */
  readonly latencyMs: { readonly publish: LatencySummary; readonly endToEnd: LatencySummary };
  /** The same from the time at which each message was really handed over: what the system took of it. Absent in older reports. */
  readonly serviceMs?: { readonly publish: ShortLatency; readonly endToEnd: ShortLatency };
  /** How much later than it should the generator's event loop came round. Absent in older reports. */
  readonly eventLoopLagMs?: ShortLatency;
  /** How late the generator itself was; part of the latencies above. */
  readonly slipMs: { readonly p50: number; readonly p99: number; readonly max: number };
  readonly cost: Cost;
  readonly histograms: { readonly publish: HistogramData; readonly endToEnd: HistogramData };
  readonly series: readonly SeriesPoint[];
  /** The course of the run, in order. Absent in older reports. */
  readonly phases?: readonly Phase[];
  /** What is special about this row, as sentences. */
  readonly notes: readonly string[];
  /** Of a use: what each of its readers got, by name. `latencyMs` above is then of those that neither are slow nor go away. */
  readonly readers?: Readonly<Record<string, ReaderRow>>;
}

export interface ReaderRow {
  readonly received: number;
  /** Acknowledged and not received; of a reader that was refused, all. */
  readonly missing: number;
  readonly reordered: number;
  /** From the intended send time to the end of its work on the message; null where nothing was measured. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly maxMs: number | null;
  /** Of one that was away: from its return until it had what was there by then. */
  readonly catchUpMs: number | null;
  /** Of one that replays: messages a second from the first to the last. */
  readonly replayPerSecond: number | null;
  /** Why the system would not have it. */
  readonly refused?: string;
}

export interface Spread {
  readonly median: number;
  /** 95 % bootstrap interval of the median; equal to the median when there is one repeat. */
  readonly low: number;
  readonly high: number;
  readonly count: number;
}

export interface CellSummary {
  /** `<workload>.<system>` as in assertions; the cell's other coordinates stand beside it. */
  readonly id: string;
  readonly workload: string;
  readonly system: SystemId;
  readonly layer: Layer;
  readonly mode: WorkloadMode;
  readonly durability: DurabilityReached;
  readonly parameters: WorkloadParameters;
  readonly repeats: number;
  readonly validRepeats: number;
  readonly invalidBecause: readonly string[];
  readonly limitedBy: LimitedBy;
  /** Dotted path of a figure of a WorkloadRow (`publish.messagesPerSecond`, `latencyMs.endToEnd.p99`, `cost.peakRssBytes`) -> spread over valid repeats. */
  readonly figures: Readonly<Record<string, Spread>>;
}

export interface NoiseFloor {
  /** The cell that was run twice, in the same order and number of repeats as every other: `<workload>.<system>.<layer>`. */
  readonly cell: string;
  readonly mode: WorkloadMode;
  /** Dotted path of a figure of a WorkloadRow. */
  readonly figure: string;
  readonly first: Spread;
  readonly second: Spread;
  /** How far from 1 the ratio of the two may be by its 95 % interval; with one repeat, how far it was. */
  readonly floor: number;
}

// ------------------------------------------------------------------------------------------------ primary comparisons

/** One question of two systems, named before the run. At most six; all else in a report is effect size and interval. */
export interface PrimaryComparison {
  readonly id: string;
  /** What is expected, as a sentence. */
  readonly hypothesis: string;
  readonly workload: string;
  readonly mode: WorkloadMode;
  readonly layer: Layer;
  /** Dotted path of a figure of a WorkloadRow. */
  readonly figure: string;
  readonly first: SystemId;
  readonly second: SystemId;
  /** How the figure of the first is expected to be beside that of the second. */
  readonly direction: 'higher' | 'lower';
  /** Planned for each side. */
  readonly repeats: number;
}

/** `cannot-be-shown`: whatever the figures were, too few repeats, or different promises, for a test to say anything. */
export type PrimaryOutcome = 'shown' | 'opposite-shown' | 'no-difference-shown' | 'cannot-be-shown';

export interface PrimaryResult extends PrimaryComparison {
  readonly outcome: PrimaryOutcome;
  /** In one sentence: both figures, or what stands against a difference. */
  readonly because: string;
  readonly firstSpread: Spread | null;
  readonly secondSpread: Spread | null;
  /** Median of the first by median of the second; null where there is none. */
  readonly ratio: number | null;
  /** 95 % bootstrap interval of the ratio. */
  readonly interval: { readonly low: number; readonly high: number } | null;
  /** 1: every repeat of the first above every one of the second; -1: below. */
  readonly cliffsDelta: number | null;
  /** Differences within it are none: at least 0.1, more where this run showed more of the same system run twice. */
  readonly noiseFloor: number;
  /** Exact rank-sum test, two-sided; null where no test could say anything. */
  readonly pValue: number | null;
  /** The same after Holm's correction for all that were named. */
  readonly adjustedPValue: number | null;
}

export interface PrimaryReport {
  /** How often a family without any difference may find one. */
  readonly level: number;
  /** How many were named, and are corrected for. */
  readonly named: number;
  readonly results: readonly PrimaryResult[];
}

// ------------------------------------------------------------------------------------------------ agreement

export interface AgreementRow {
  readonly id: string;
  /** Whose client both used. */
  readonly system: SystemId;
  /** What was measured, in words, and its unit. */
  readonly figure: string;
  readonly unit: string;
  /** What was equal for both. */
  readonly settings: string;
  readonly tool: string;
  readonly ours: Spread;
  readonly theirs: Spread;
  /** Median of ours by median of theirs. */
  readonly ratio: number;
  /** Agreement is a ratio between 1 / (1 + bound) and 1 + bound. */
  readonly bound: number;
  readonly agrees: boolean;
  /** What was not equal all the same: where the two disagree, the first place to look. */
  readonly differs: string;
}

// ------------------------------------------------------------------------------------------------ claims and assertions

export type ClaimResult = 'true' | 'true-if' | 'false' | 'inconclusive' | 'not-tested';

export interface ClaimVerdict {
  /** Stable word, such as `kafka-is-faster`. */
  readonly id: string;
  /** The claim as people repeat it. */
  readonly claim: string;
  readonly verdict: ClaimResult;
  readonly basis: 'measured' | 'documented' | 'not-tested';
  /** The answer in a sentence or two, with figures. */
  readonly reason: string;
  /** For what the answer holds: machine, versions, layer, load, durability. With `true-if`: the condition. */
  readonly scope: string;
  /** Ids of cells: `<workload>.<system>.<layer>` or `<scenario>.<system>.<layer>`. */
  readonly evidence: readonly string[];
}

/** `behind`: it does, and another was shown to be better at the same promise. */
export const fits = ['yes', 'emulated', 'behind', 'no', 'unknown'] as const;
export type Fit = (typeof fits)[number];
export type Basis = 'measured' | 'documented' | 'not tested';

export interface UseFinding {
  readonly need: string;
  readonly system: SystemId;
  readonly fit: Fit;
  readonly basis: Basis;
  /** With the figures, or with the words of the cell. */
  readonly reason: string;
  /** Ids of cells in the report; for what is documented, the source. */
  readonly cites: readonly string[];
}

export interface UseVerdict {
  /** Of the workload. */
  readonly id: string;
  readonly title: string;
  /** Systems that do all that is asked as far as is known; several where nothing sets them apart, none where each lacks something. */
  readonly suited: readonly SystemId[];
  readonly answer: string;
  /** For what the answer holds. */
  readonly scope: string;
  readonly findings: readonly UseFinding[];
}

export interface AssertionResult {
  readonly expression: string;
  readonly holds: boolean;
  /** null when no valid cell has the path. */
  readonly actual: number | null;
  readonly reason: string;
}
