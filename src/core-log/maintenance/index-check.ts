/** Whether the indexes of a segment lead to where they say: checked beside the walk over its batches, in one pass. */

import type { FileSystem } from '../platform/file-system.ts';
import { lastOffsetOf, maxTimestampOf, readInt64 } from '../record/batch-view.ts';
import { crc32c } from '../record/crc32c.ts';
import { type Seal, segmentPath } from '../storage/format.ts';
import { readSeal } from '../storage/segment.ts';
import { readWhole } from '../storage/whole-file.ts';

const OFFSET_ENTRY_BYTES = 8;
const TIME_ENTRY_BYTES = 12;

export interface IndexFiles {
  readonly seal: Seal | null;
  /** Not null when they are what the seal was written with: only then does the engine use them. */
  readonly trusted: { readonly offsets: Buffer; readonly times: Buffer } | null;
  /** Why the engine will make them again, or null. */
  readonly outdated: { readonly file: string; readonly reason: string } | null;
}

export async function readIndexFiles(
  files: FileSystem,
  directory: string,
  baseOffset: number,
  size: number,
): Promise<IndexFiles> {
  const path = (suffix: '.index' | '.timeindex' | '.seal'): string => segmentPath(directory, baseOffset, suffix);
  const seal = await readSeal(files, directory, baseOffset);
  if (seal === null) {
    const isThere = (await files.status(path('.seal'))) !== undefined;
    const reason = isThere ? 'it is not a whole seal' : 'the file is missing';
    return { seal, trusted: null, outdated: { file: path('.seal'), reason } };
  }
  if (seal.size !== size) {
    const reason = `it is of a log of ${seal.size} bytes, which has ${size}`;
    return { seal, trusted: null, outdated: { file: path('.seal'), reason } };
  }
  const offsets = await readWhole(files, path('.index'));
  const times = await readWhole(files, path('.timeindex'));
  const wrong = (
    [
      ['.index', offsets, seal.indexCrc],
      ['.timeindex', times, seal.timeIndexCrc],
    ] as const
  ).find(([, bytes, crc]) => bytes === null || crc32c(bytes) !== crc);
  if (wrong !== undefined || offsets === null || times === null) {
    const [suffix, bytes] = wrong as NonNullable<typeof wrong>;
    const reason = bytes === null ? 'the file is missing' : 'its checksum is not the one in the seal';
    return { seal, trusted: null, outdated: { file: path(suffix), reason } };
  }
  return { seal, trusted: { offsets, times }, outdated: null };
}

/** Told of every batch in order, then asked. */
export class IndexCheck {
  readonly #baseOffset: number;
  readonly #offsets: Buffer;
  readonly #times: Buffer;
  #offsetAt = 0;
  #timeAt = 0;
  #maxTimestamp = -1;
  #offsetFault: string | null = null;
  #timeFault: string | null = null;

  constructor(baseOffset: number, trusted: { readonly offsets: Buffer; readonly times: Buffer }) {
    this.#baseOffset = baseOffset;
    this.#offsets = trusted.offsets;
    this.#times = trusted.times;
  }

  note(batch: Buffer, position: number): void {
    this.#noteOffset(lastOffsetOf(batch), position);
    this.#noteTime(lastOffsetOf(batch));
    this.#maxTimestamp = Math.max(this.#maxTimestamp, maxTimestampOf(batch));
  }

  /** The first thing wrong in each index, or null. */
  faults(): { readonly offsets: string | null; readonly times: string | null } {
    if (this.#offsetAt < this.#offsets.length) this.#offsetFault ??= this.#offsetText('leads behind the last batch');
    if (this.#timeAt < this.#times.length) this.#timeFault ??= this.#timeText('leads behind the last batch');
    return { offsets: this.#offsetFault, times: this.#timeFault };
  }

  #noteOffset(lastOffset: number, position: number): void {
    if (this.#offsetFault !== null || this.#offsetAt + OFFSET_ENTRY_BYTES > this.#offsets.length) return;
    const wanted = this.#offsets.readInt32BE(this.#offsetAt + 4);
    if (wanted > position) return;
    if (wanted < position) this.#offsetFault = this.#offsetText(`leads to position ${wanted}, where no batch begins`);
    else if (this.#baseOffset + this.#offsets.readInt32BE(this.#offsetAt) !== lastOffset)
      this.#offsetFault = this.#offsetText(`leads to a batch that ends at offset ${lastOffset}`);
    this.#offsetAt += OFFSET_ENTRY_BYTES;
  }

  /** An entry (T, O) promises that nothing before the batch that ends at O is later than T. */
  #noteTime(lastOffset: number): void {
    while (this.#timeFault === null && this.#timeAt + TIME_ENTRY_BYTES <= this.#times.length) {
      const offset = this.#baseOffset + this.#times.readInt32BE(this.#timeAt + 8);
      if (offset > lastOffset) return;
      if (this.#maxTimestamp > readInt64(this.#times, this.#timeAt))
        this.#timeFault = this.#timeText(`passes over a record of ${this.#maxTimestamp}`);
      this.#timeAt += TIME_ENTRY_BYTES;
    }
  }

  #offsetText(what: string): string {
    return `the entry at ${this.#offsetAt} ${what}`;
  }

  #timeText(what: string): string {
    return `the entry at ${this.#timeAt} ${what}`;
  }
}
