/**
 * A power cut for one process, as far as it can be had without a virtual machine: its calls on files are written down with
 * strace, it is killed, and then every file loses what no sync had put on the disk.
 *
 * It is one of the outcomes that a file system may leave, on the mild side: names stay as they were (what was made, renamed
 * or removed), bytes that were overwritten in place keep their new value, a file that took another's place is whole, and what
 * was there when the recording began counts as on the disk, as the kernel writes everything back within half a minute. Only
 * bytes that were appended and not synced are gone. Memory-mapped writes are in place, so they stay.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, readlink, realpath, stat, truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { type OpenDescriptor, syncedLengths, TRACED_CALLS, type TraceStart } from './synced-length.ts';

/** It cannot be recorded here: no strace, or no right to trace. */
export class CannotRecord extends Error {
  override readonly name = 'CannotRecord';
}

export interface Cut {
  readonly files: number;
  readonly filesShortened: number;
  readonly bytesLost: number;
  readonly syncs: number;
  /** Files that are longer or shorter than the calls tell: left as they are. */
  readonly notUnderstood: readonly string[];
}

export interface FileRecorder {
  /** After the process was killed: takes from its files what no sync had put on the disk. */
  readonly cut: () => Promise<Cut>;
}

const attachMsMax = 20_000;
const endMsMax = 10_000;
const O_APPEND = 0o2000;

/** Nothing may be written in the directory until it resolves: the caller stops the process before, and lets it go on after. */
export async function recordFiles(options: {
  readonly pid: number;
  readonly directory: string;
  readonly traceFile: string;
}): Promise<FileRecorder> {
  const { pid, traceFile } = options;
  const directory = await realpath(options.directory);
  const tracer = await attach(pid, traceFile);
  const start: TraceStart = {
    lengths: await lengthsIn(directory),
    descriptors: await descriptorsOf(pid, directory),
    root: await readlink(`/proc/${pid}/root`),
  };
  return {
    async cut() {
      // It ends with the last process that it watches.
      await ended(tracer, endMsMax);
      const trace = await readFile(traceFile, 'latin1');
      return await shorten(directory, start, trace);
    },
  };
}

async function shorten(directory: string, start: TraceStart, trace: string): Promise<Cut> {
  const { files, syncs, notFollowed } = syncedLengths(trace, start);
  const notUnderstood: string[] = [...notFollowed];
  let filesShortened = 0;
  let bytesLost = 0;
  const actual = await lengthsIn(directory);
  for (const [path, length] of actual) {
    const known = files.get(path);
    const isTold = known?.length === length || (known?.mayBeLonger === true && length > known.length);
    if (known === undefined || !isTold) {
      notUnderstood.push(
        `${path.slice(directory.length + 1)}: ${length} bytes, by its calls ${known?.length ?? 'none'}`,
      );
      continue;
    }
    if (known.synced >= length) continue;
    await truncate(path, known.synced);
    filesShortened++;
    bytesLost += length - known.synced;
  }
  return { files: actual.size, filesShortened, bytesLost, syncs, notUnderstood };
}

async function attach(pid: number, traceFile: string): Promise<ChildProcess> {
  const tracer = spawn(
    'strace',
    ['-f', '-y', '-s', '0', '-e', `trace=${TRACED_CALLS}`, '-e', 'signal=none', '-o', traceFile, '-p', String(pid)],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  let told = '';
  const attached = new Promise<void>((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new CannotRecord(`strace did not attach within ${attachMsMax} ms`)),
      attachMsMax,
    );
    const settle = (end: () => void) => {
      clearTimeout(timer);
      end();
    };
    tracer.once('error', (cause: NodeJS.ErrnoException) =>
      settle(() =>
        reject(
          new CannotRecord(cause.code === 'ENOENT' ? 'strace is not installed' : `strace: ${cause.message}`, { cause }),
        ),
      ),
    );
    tracer.once('exit', () => settle(() => reject(new CannotRecord(`strace ended: ${told.trim()}`))));
    tracer.stderr?.on('data', (chunk: Buffer) => {
      told += chunk.toString();
      if (/^strace: Process \d+ attached/m.test(told)) settle(resolve);
    });
  });
  try {
    await attached;
  } catch (reason) {
    tracer.kill('SIGKILL');
    throw reason;
  }
  return tracer;
}

async function ended(tracer: ChildProcess, withinMs: number): Promise<void> {
  if (tracer.exitCode !== null || tracer.signalCode !== null) return;
  const gone = once(tracer, 'exit');
  const timer = setTimeout(() => tracer.kill('SIGKILL'), withinMs);
  await gone;
  clearTimeout(timer);
}

/** Regular files below it. */
export async function lengthsIn(directory: string): Promise<ReadonlyMap<string, number>> {
  const lengths = new Map<string, number>();
  for (const entry of await readdir(directory, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    const found = await stat(path).catch(() => null);
    if (found !== null) lengths.set(path, found.size);
  }
  return lengths;
}

async function descriptorsOf(pid: number, directory: string): Promise<readonly OpenDescriptor[]> {
  const found: OpenDescriptor[] = [];
  for (const name of await readdir(`/proc/${pid}/fd`)) {
    const path = await readlink(`/proc/${pid}/fd/${name}`).catch(() => '');
    if (!path.startsWith(directory)) continue;
    const info = await readFile(`/proc/${pid}/fdinfo/${name}`, 'utf8').catch(() => '');
    const position = Number(/^pos:\s+(\d+)$/m.exec(info)?.[1] ?? 0);
    const flags = Number.parseInt(/^flags:\s+(\d+)$/m.exec(info)?.[1] ?? '0', 8);
    found.push({ descriptor: Number(name), path, position, isAppending: (flags & O_APPEND) !== 0 });
  }
  return found;
}
