/** The native driver's options: where the data lies and what a publish reaches by default. */

import type { LogTopicOptions } from '../../core-log/index.ts';
import { type FieldProblem, PortError } from '../errors.ts';
import type { Persistence } from '../port.ts';

export interface NativeOptions {
  readonly dataDir: string;
  /** What a publish reaches that does not ask: default fsync. */
  readonly durability: Persistence;
  /** A segment is closed at this size; undefined: the engine's default. */
  readonly segmentBytes: number | undefined;
  /** Compacted topics are looked at this often; undefined: the engine's default. */
  readonly compactionCheckIntervalMs?: number | undefined;
  /** Retention is applied this often; undefined: the engine's default. */
  readonly retentionCheckIntervalMs?: number | undefined;
}

/** Options of one topic, beside those of the port: by the engine's names. */
export const topicOptionNames = [
  'segmentBytes',
  'segmentMs',
  'deleteRetentionMs',
  'timestampType',
  'maxRecordBytes',
] as const satisfies readonly (keyof LogTopicOptions)[];

const numbers: readonly string[] = ['segmentBytes', 'compactionCheckIntervalMs', 'retentionCheckIntervalMs'];
const persistences: readonly unknown[] = ['memory', 'os', 'fsync'];

export function nativeOptions(config: Readonly<Record<string, unknown>>): NativeOptions {
  const errors: FieldProblem[] = [];
  for (const key of Object.keys(config)) {
    if (!['dataDir', 'durability', ...numbers].includes(key))
      errors.push({ path: key, message: 'is not an option of the native backend' });
  }
  const { dataDir, durability = 'fsync', segmentBytes, compactionCheckIntervalMs, retentionCheckIntervalMs } = config;
  if (typeof dataDir !== 'string' || dataDir === '') errors.push({ path: 'dataDir', message: 'must be a directory' });
  if (!persistences.includes(durability)) errors.push({ path: 'durability', message: 'must be memory, os or fsync' });
  for (const path of numbers) {
    const value = config[path];
    if (value !== undefined && !(Number.isInteger(value) && (value as number) > 0))
      errors.push({ path, message: 'must be a positive whole number' });
  }
  if (errors.length > 0) {
    const text = errors.map(({ path, message }) => `${path} ${message}`).join('; ');
    throw new PortError('invalid_argument', `native: ${text}`, { errors });
  }
  return {
    dataDir: dataDir as string,
    durability: durability as Persistence,
    segmentBytes: segmentBytes as number | undefined,
    compactionCheckIntervalMs: compactionCheckIntervalMs as number | undefined,
    retentionCheckIntervalMs: retentionCheckIntervalMs as number | undefined,
  };
}
