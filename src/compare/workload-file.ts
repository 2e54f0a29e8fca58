/** A workload of one's own, in a YAML or JSON file: strict, so that a misspelt field is an error and not a default. */

import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Layer } from './report/model.ts';
import { keepsUp, type ReaderSpec, type WorkloadSpec, workloadIds } from './workloads/index.ts';

const count = (most: number) => z.int().min(1).max(most);

const wordOf = (text: string) => z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, text);
const word = 'must be words of small letters, digits and "-"';

/** As the readers of a use: each has a subscription of its own. */
const reader = z.strictObject({
  name: wordOf(word).describe('stands in the report'),
  ordering: z.enum(['none', 'key']).default('none').describe('key: the messages of a key one after the other'),
  consumers: count(64).default(1),
  perSecond: z
    .number()
    .positive()
    .max(1_000_000)
    .optional()
    .describe('works off so many a second, all its consumers together; without it, as many as come'),
  awayPart: z
    .number()
    .gt(0)
    .max(0.5)
    .optional()
    .describe('goes away in the first half of the measured time, and is back after this part of it'),
  failsOneIn: z.int().min(2).max(1_000_000).optional().describe('one message in so many fails once and comes again'),
  isReplay: z.boolean().optional().describe('made when all has been sent; reads everything from the beginning'),
});

const schema = z.strictObject({
  id: wordOf(word),
  title: z.string().max(200).optional(),
  messageBytes: count(1024 * 1024).default(1024),
  /** Without it: as many as each system can. */
  ratePerSecond: z.number().positive().max(1_000_000).optional(),
  /** Instead of a rate: the highest that keeps this bound on the end-to-end p99 and can go on for ever, by ramp and bisection. */
  p99MsMax: z.number().positive().max(60_000).optional(),
  arrival: z.enum(['uniform', 'poisson']).default('poisson'),
  warmupMs: z.int().min(0).max(600_000).default(1_000),
  measuredMs: count(3_600_000).default(5_000),
  partitions: count(64).default(4),
  /** 1, and the like; with `readers` each of them says it. */
  subscriptions: count(32).optional(),
  consumersPerSubscription: count(64).optional(),
  ordering: z.enum(['none', 'key']).optional(),
  readers: z
    .array(reader)
    .min(1)
    .max(32)
    .optional()
    .describe('subscriptions with a pace of their own, instead of equal ones'),
  keys: z.int().min(0).max(1_000_000).default(1_000),
  keyDistribution: z.enum(['none', 'uniform', 'zipf']).default('uniform'),
  publishWindow: count(50_000).default(4_000),
  credit: count(10_000).default(1_000),
  ackBatch: count(1_000).default(100),
});

/** Of `docs/workload.schema.json`, for editors. */
export function workloadJsonSchema(): unknown {
  return {
    ...z.toJSONSchema(schema, { io: 'input' }),
    $id: 'workload.schema.json',
    title: "A workload of one's own: sluice compare --workload FILE",
  };
}

/** The file cannot be read or is not a workload; the message names the file and every wrong field. */
export class WorkloadFileError extends Error {
  override readonly name = 'WorkloadFileError';
}

/** A step takes what the file's `warmupMs` and `measuredMs` say; with their defaults the search is over in about a minute and a half. */
const ladderOfFile = {
  startPerSecond: 500,
  mostPerSecond: 250_000,
  rungsPerDoubling: 8,
  triesPerRung: 2,
  stepsMax: 24,
  searchMsMax: 300_000,
} as const;
const searchesMax = 3;
/** A step that was longer would hold its messages' plan in memory, at the top of the ladder, for nothing. */
const stepMsMax = 30_000;

/** An own maximum is planned for this many messages a second at most; a faster system ends its window early. */
const ownMaximumPerSecondCap = 250_000;

/** Rejects with WorkloadFileError. */
export async function readWorkload(path: string, layers: readonly Layer[]): Promise<WorkloadSpec> {
  const result = schema.safeParse(await parsed(path));
  if (!result.success) {
    const problems = result.error.issues.map(({ path: field, message }) => `${field.join('.') || 'file'}: ${message}`);
    throw new WorkloadFileError(`${path} is not a workload: ${problems.join('; ')}`);
  }
  const { ratePerSecond, p99MsMax, title, readers, ...given } = result.data;
  const fields = { ...given, ...(readers === undefined ? equalReaders(given) : liveReaders(readers)) };
  if (ratePerSecond !== undefined && p99MsMax !== undefined)
    throw new WorkloadFileError(`${path}: ratePerSecond and p99MsMax exclude each other`);
  if (p99MsMax !== undefined && fields.warmupMs + fields.measuredMs > stepMsMax)
    throw new WorkloadFileError(
      `${path}: with p99MsMax every step takes warmupMs and measuredMs, together at most ${stepMsMax} ms`,
    );
  if (readers !== undefined) {
    const problems = problemsOfReaders(result.data, readers, layers);
    if (problems.length > 0) throw new WorkloadFileError(`${path}: ${problems.join('; ')}`);
  }
  if (workloadIds.includes(fields.id))
    throw new WorkloadFileError(`${path}: the id "${fields.id}" is one of Sluice's own`);
  const seconds = (fields.warmupMs + fields.measuredMs) / 1000;
  if (p99MsMax !== undefined)
    return {
      ...fields,
      title: title ?? fields.id,
      kind: 'flow',
      layers,
      mode: 'sustainable-rate',
      arrival: fields.arrival,
      ratePerSecond: null,
      messages: 0,
      ladder: { ...ladderOfFile, p99MsMax, confirmMs: fields.measuredMs },
      repeatsMax: searchesMax,
    };
  return {
    ...fields,
    title: title ?? fields.id,
    kind: 'flow',
    // As the uses: on the bare clients a reader would be another program on each system.
    layers: readers === undefined ? layers : ['port'],
    ...(readers === undefined ? {} : { readers: readers.map(asReader) }),
    mode: ratePerSecond === undefined ? 'own-maximum' : 'equal-load',
    arrival: ratePerSecond === undefined ? 'closed-window' : fields.arrival,
    ratePerSecond: ratePerSecond ?? null,
    messages: Math.ceil((ratePerSecond ?? ownMaximumPerSecondCap) * seconds),
  };
}

// ------------------------------------------------------------------------------------------------ readers

type Fields = z.output<typeof schema>;
type ReaderFields = z.output<typeof reader>;
type Subscribed = Pick<WorkloadSpec, 'subscriptions' | 'consumersPerSubscription' | 'ordering'>;

function equalReaders({
  subscriptions = 1,
  consumersPerSubscription = 1,
  ordering = 'none',
}: Pick<Fields, keyof Subscribed>): Subscribed {
  return { subscriptions, consumersPerSubscription, ordering };
}

/** Those that are there from the start, told as one. */
function liveReaders(readers: readonly ReaderFields[]): Subscribed {
  const live = readers.filter(({ isReplay }) => isReplay !== true);
  return {
    subscriptions: live.length,
    consumersPerSubscription: Math.max(1, ...live.map(({ consumers }) => consumers)),
    ordering: live.some(({ ordering }) => ordering === 'key') ? 'key' : 'none',
  };
}

function asReader({ name, ordering, consumers, perSecond, awayPart, failsOneIn, isReplay }: ReaderFields): ReaderSpec {
  return {
    name,
    ordering,
    consumers,
    ...(perSecond === undefined ? {} : { perSecond }),
    ...(awayPart === undefined ? {} : { awayPart }),
    ...(failsOneIn === undefined ? {} : { failsOneIn }),
    ...(isReplay === true ? { isReplay } : {}),
  };
}

/** What a run waits for a reader that is behind ends before this would. */
const catchUpSecondsMax = 20;

/** All of them at once; none where the readers make sense together and with the rest of the file. */
function problemsOfReaders(
  fields: Fields,
  readers: readonly ReaderFields[],
  layers: readonly Layer[],
): readonly string[] {
  const { ratePerSecond, warmupMs, measuredMs, keys, keyDistribution } = fields;
  const problems: string[] = [];
  for (const field of ['subscriptions', 'consumersPerSubscription', 'ordering'] as const)
    if (fields[field] !== undefined) problems.push(`${field}: said by each of the readers, so not beside them`);
  if (ratePerSecond === undefined)
    problems.push(
      'readers: need ratePerSecond, since a pace means something only beside the rate at which messages come',
    );
  if (!layers.includes('port')) problems.push('readers: are driven through the port, and --layers leaves it out');
  const names = readers.map(({ name }) => name);
  for (const twice of new Set(names.filter((name, index) => names.indexOf(name) !== index)))
    problems.push(`readers: two of them have the name "${twice}"`);
  if (!readers.some((one) => one.isReplay !== true && keepsUp(asReader(one))))
    problems.push(
      'readers: at least one must keep up (without perSecond, awayPart and isReplay), since latencies are those of such readers',
    );
  for (const { name, ordering, perSecond, awayPart, failsOneIn, isReplay } of readers) {
    if (isReplay === true && (perSecond ?? awayPart ?? failsOneIn) !== undefined)
      problems.push(
        `readers: "${name}" comes when all has been sent (isReplay), so it has no perSecond, awayPart or failsOneIn`,
      );
    if (ordering === 'key' && (keys === 0 || keyDistribution === 'none'))
      problems.push(`readers: "${name}" asks for order by key, and the messages have no keys`);
    if (perSecond === undefined || ratePerSecond === undefined) continue;
    const behind = ((ratePerSecond - perSecond) * (warmupMs + measuredMs)) / 1000;
    if (behind / perSecond > catchUpSecondsMax)
      problems.push(
        `readers: "${name}" would need ${Math.ceil(behind / perSecond)} s to catch up after the last message, and a run waits ${catchUpSecondsMax} s at most`,
      );
  }
  return problems;
}

/** YAML holds JSON. */
async function parsed(path: string): Promise<unknown> {
  try {
    return parse(await readFile(path, 'utf8'));
  } catch (reason) {
    throw new WorkloadFileError(`${path}: ${reason instanceof Error ? reason.message : String(reason)}`, {
      cause: reason,
    });
  }
}
