/** A workload of one's own, in a YAML or JSON file: strict, so that a misspelt field is an error and not a default. */

import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Layer } from './report/model.ts';
import { type WorkloadSpec, workloadIds } from './workloads/index.ts';

const count = (most: number) => z.int().min(1).max(most);

const schema = z.strictObject({
  id: z.string().regex(/^[a-z][a-z0-9-]{0,40}$/, 'must be words of small letters, digits and "-"'),
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
  subscriptions: count(32).default(1),
  consumersPerSubscription: count(64).default(1),
  ordering: z.enum(['none', 'key']).default('none'),
  keys: z.int().min(0).max(1_000_000).default(1_000),
  keyDistribution: z.enum(['none', 'uniform', 'zipf']).default('uniform'),
  publishWindow: count(50_000).default(4_000),
  credit: count(10_000).default(1_000),
  ackBatch: count(1_000).default(100),
});

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
  const { ratePerSecond, p99MsMax, title, ...fields } = result.data;
  if (ratePerSecond !== undefined && p99MsMax !== undefined)
    throw new WorkloadFileError(`${path}: ratePerSecond and p99MsMax exclude each other`);
  if (p99MsMax !== undefined && fields.warmupMs + fields.measuredMs > stepMsMax)
    throw new WorkloadFileError(
      `${path}: with p99MsMax every step takes warmupMs and measuredMs, together at most ${stepMsMax} ms`,
    );
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
    layers,
    mode: ratePerSecond === undefined ? 'own-maximum' : 'equal-load',
    arrival: ratePerSecond === undefined ? 'closed-window' : fields.arrival,
    ratePerSecond: ratePerSecond ?? null,
    messages: Math.ceil((ratePerSecond ?? ownMaximumPerSecondCap) * seconds),
  };
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
