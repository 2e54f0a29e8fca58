/** What `openEngine` and `createTopic` take: a table of rules for each; all problems are reported at once. */

import { EngineError } from './errors.ts';
import { limits } from './limits.ts';
import { type Clock, systemClock } from './platform/clock.ts';
import { type FileSystem, systemFileSystem } from './platform/file-system.ts';
import { type Random, systemRandom } from './platform/random.ts';
import type { Cleanup, LogPersistence, LogTopic, LogTopicOptions, TimestampType } from './types.ts';

export interface EngineOptions {
  /** Created when it does not exist. One engine at a time has it. */
  readonly dataDir: string;
  /** What an append reaches that does not ask. Default `fsync`. */
  readonly defaultDurability?: LogPersistence;
  /** Retention is applied this often. Default 5 minutes. */
  readonly retentionCheckIntervalMs?: number;
  /** Partitions of compacted topics are looked at this often. Default 15 seconds. */
  readonly compactionCheckIntervalMs?: number;
  /** For tests and simulation: time, files and chance. */
  readonly clock?: Clock;
  readonly fileSystem?: FileSystem;
  readonly random?: Random;
}

type Rule = (value: unknown) => string | null;
type Rules<T> = { readonly [key in keyof Required<T>]: Rule };

const durabilities: readonly unknown[] = ['memory', 'os', 'fsync'] satisfies LogPersistence[];
const cleanups: readonly unknown[] = ['delete', 'compact', 'compact,delete'] satisfies Cleanup[];
const timestampTypes: readonly unknown[] = ['create', 'append'] satisfies TimestampType[];

const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined ? null : rule(value);
const text: Rule = (value) => (typeof value === 'string' && value !== '' ? null : 'must be a text that is not empty');
const oneOf =
  (values: readonly unknown[]): Rule =>
  (value) =>
    values.includes(value) ? null : `must be one of ${values.join(', ')}`;
const whole =
  (min: number, max: number): Rule =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
      ? null
      : `must be a whole number from ${min} to ${max}`;
const orNull =
  (rule: Rule): Rule =>
  (value) =>
    value === null ? null : rule(value);
const withMethods =
  (...names: string[]): Rule =>
  (value) => {
    const missing = names.filter((name) => typeof (value as Record<string, unknown> | null)?.[name] !== 'function');
    return missing.length === 0 ? null : `lacks ${missing.join(', ')}`;
  };

const engineRules: Rules<EngineOptions> = {
  dataDir: text,
  defaultDurability: optional(oneOf(durabilities)),
  retentionCheckIntervalMs: optional(whole(1, limits.retentionCheckIntervalMsMax)),
  compactionCheckIntervalMs: optional(whole(1, limits.retentionCheckIntervalMsMax)),
  clock: optional(withMethods('nowMs', 'monotonicMs', 'after', 'soon')),
  fileSystem: optional(
    withMethods('open', 'status', 'list', 'makeDirectory', 'rename', 'remove', 'syncDirectory', 'lock'),
  ),
  random: optional(withMethods('id')),
};

const retentionRules: Rules<NonNullable<LogTopicOptions['retention']>> = {
  ms: optional(orNull(whole(1, Number.MAX_SAFE_INTEGER))),
  bytes: optional(orNull(whole(1, Number.MAX_SAFE_INTEGER))),
};

const topicRules: Rules<LogTopicOptions> = {
  partitions: optional(whole(1, limits.partitionsPerTopicMax)),
  retention: optional((value) => problemsOf(value, retentionRules).join('; ') || null),
  cleanup: optional(oneOf(cleanups)),
  segmentBytes: optional(whole(limits.segmentBytesMin, limits.segmentBytesMax)),
  segmentMs: optional(orNull(whole(1, Number.MAX_SAFE_INTEGER))),
  deleteRetentionMs: optional(whole(0, Number.MAX_SAFE_INTEGER)),
  timestampType: optional(oneOf(timestampTypes)),
  maxRecordBytes: optional(whole(1, limits.recordBytesMax)),
};

export function engineOptions(options: EngineOptions): Required<EngineOptions> {
  refuseProblems('openEngine', problemsOf(options, engineRules));
  return {
    defaultDurability: 'fsync',
    retentionCheckIntervalMs: limits.retentionCheckIntervalMsDefault,
    compactionCheckIntervalMs: limits.compactionCheckIntervalMsDefault,
    clock: systemClock,
    fileSystem: systemFileSystem,
    random: systemRandom,
    ...withoutUndefined(options),
  };
}

/** The topic that these options describe, every default filled in. */
export function topicOf(name: string, options: LogTopicOptions): LogTopic {
  const problems = problemsOf(options, topicRules);
  if (typeof name !== 'string' || !limits.namePattern.test(name))
    problems.unshift(`name ${JSON.stringify(name)} must match ${limits.namePattern.source}`);
  refuseProblems('createTopic', problems);
  return changed({ ...topicDefaults, name }, options);
}

/** The topic after these changes. What a topic was made with before an option existed is the option's default. */
export function alteredTopic(topic: LogTopic, changes: LogTopicOptions): LogTopic {
  const problems = problemsOf(changes, topicRules);
  if (changes.partitions !== undefined && changes.partitions < topic.partitions)
    problems.push(`partitions ${changes.partitions} is below the ${topic.partitions} that there are`);
  refuseProblems('alterTopic', problems);
  return changed(topic, changes);
}

/** Every default of a topic; also what the entry of an older topic is completed with. */
export const topicDefaults: Omit<LogTopic, 'name'> = {
  partitions: 1,
  retention: { ms: null, bytes: null },
  cleanup: 'delete',
  segmentBytes: limits.segmentBytesDefault,
  segmentMs: null,
  deleteRetentionMs: limits.deleteRetentionMsDefault,
  timestampType: 'create',
  maxRecordBytes: limits.recordBytesMax,
};

function changed(topic: LogTopic, changes: LogTopicOptions): LogTopic {
  const { retention, ...others } = withoutUndefined(changes);
  return { ...topic, ...others, retention: { ...topic.retention, ...withoutUndefined(retention ?? {}) } };
}

export function checkDurability(durability: unknown): void {
  const problem = oneOf(durabilities)(durability);
  if (problem !== null) throw new EngineError('invalid_option', `durability ${problem}`);
}

function problemsOf<T>(value: unknown, rules: Rules<T>): string[] {
  if (typeof value !== 'object' || value === null) return ['must be an object'];
  const known = rules as Readonly<Record<string, Rule>>;
  const unknown = Object.keys(value).filter((key) => !Object.hasOwn(known, key));
  const broken = Object.entries(known).flatMap(([key, rule]) => {
    const problem = rule((value as Record<string, unknown>)[key]);
    return problem === null ? [] : [`${key} ${problem}`];
  });
  return [...unknown.map((key) => `${key} is not an option`), ...broken];
}

function refuseProblems(what: string, problems: readonly string[]): void {
  if (problems.length > 0) throw new EngineError('invalid_option', `${what}: ${problems.join('; ')}`);
}

function withoutUndefined<T extends object>(options: T): T {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as T;
}
