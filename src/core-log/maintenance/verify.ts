/** Whether a data directory is whole: every batch, checksum, offset, index and map in it is looked at, and nothing is changed. */

import { type FileSystem, systemFileSystem } from '../platform/file-system.ts';
import { type DataLayout, layoutOf, type PartitionPlace, topicEntry } from './data-layout.ts';
import { examinePartition, type Problem } from './examine.ts';
import type { MapSight } from './map-file.ts';

export type { Problem } from './examine.ts';

export interface VerifyReport {
  readonly directory: string;
  /** Nothing that was stored is lost or changed; notes may be there. */
  readonly isWhole: boolean;
  readonly inUseBy: string | null;
  readonly cleanShutdown: boolean;
  readonly problems: readonly Problem[];
  readonly checked: {
    readonly partitions: number;
    readonly segments: number;
    readonly batches: number;
    readonly records: number;
    readonly bytes: number;
    readonly mapEntries: number;
  };
}

/**
 * Walks the whole directory, which takes as long as reading it. A directory in use may be looked at: what is being written at
 * that moment is a note.
 * @throws EngineError `not_a_data_directory`, `format_too_new`
 */
export async function verifyLog(
  directory: string,
  options: { readonly fileSystem?: FileSystem } = {},
): Promise<VerifyReport> {
  const files = options.fileSystem ?? systemFileSystem;
  const layout = await layoutOf(files, directory);
  const problems = [...layout.maps.flatMap((map) => mapProblems(map, layout)), ...strangerNotes(layout)];
  const checked = { partitions: 0, segments: 0, batches: 0, records: 0, bytes: 0, mapEntries: 0 };
  for (const { entries } of layout.maps) checked.mapEntries += entries.size;
  for (const place of placesToCheck(layout, problems)) {
    const exam = await examinePartition(files, place, {
      isInUse: layout.inUseBy !== null,
      cleanShutdown: layout.cleanShutdown,
    });
    problems.push(...exam.problems);
    checked.partitions += 1;
    checked.segments += exam.segments.length;
    for (const segment of exam.segments) {
      checked.records += segment.records;
      checked.bytes += segment.bytes;
      checked.batches += segment.runs.reduce((sum, { batches }) => sum + batches, 0);
    }
  }
  return {
    directory,
    isWhole: problems.every(({ severity }) => severity === 'note'),
    inUseBy: layout.inUseBy,
    cleanShutdown: layout.cleanShutdown,
    problems,
    checked,
  };
}

/** When the map of topics is damaged, a directory without a topic may well be a partition. */
function placesToCheck(layout: DataLayout, problems: readonly Problem[]): readonly PartitionPlace[] {
  const isMapDamaged = problems.some(({ severity, file }) => severity === 'damage' && file === layout.maps[0]?.file);
  if (!isMapDamaged) return layout.partitions;
  return [
    ...layout.partitions,
    ...layout.strangers.flatMap((directory) => {
      const [, topic, number] = /([^/\\]+)-(\d+)$/.exec(directory) ?? [];
      return topic === undefined ? [] : [{ topic, partition: Number(number), directory, mayHaveGaps: true }];
    }),
  ];
}

function mapProblems(map: MapSight, { inUseBy }: DataLayout): Problem[] {
  const problem = (severity: Problem['severity'], position: number, reason: string): Problem => ({
    severity,
    topic: null,
    partition: null,
    file: map.file,
    position,
    reason,
  });
  const problems: Problem[] = [];
  if (map.nextWholeAt !== null)
    problems.push(problem('damage', map.wholeBytes, `bad bytes before a whole entry at ${map.nextWholeAt}`));
  else if (map.wholeBytes < map.bytes) {
    const tail = `the last ${map.bytes - map.wholeBytes} bytes are no whole entry`;
    const then = inUseBy === null ? 'the next open cuts them off into quarantine' : 'it is being written';
    problems.push(problem('note', map.wholeBytes, `${tail}: ${then}`));
  }
  if (map.name !== 'topics') return problems;
  for (const [name, bytes] of map.entries) {
    const entry = topicEntry(name, bytes);
    if (entry === null) problems.push(problem('damage', 0, `the entry of topic "${name}" cannot be read`));
    else if (entry.isGoing)
      problems.push(problem('note', 0, `topic "${name}" is being deleted: the next open goes on with it`));
  }
  return problems;
}

function strangerNotes({ strangers }: DataLayout): Problem[] {
  return strangers.map((file) => ({
    severity: 'note',
    topic: null,
    partition: null,
    file,
    position: 0,
    reason: 'belongs to no topic: the next open removes it, or puts it aside when it holds records',
  }));
}
