/**
 * What the broker's processes and this one have used: CPU, bytes written, memory, from /proc. Numbers only where they can
 * be had: a broker given by address, in a container or on another system gives null, and the report says so.
 *
 * Read synchronously on purpose: a file of /proc takes microseconds, while under load an answer from the thread pool comes
 * when the measured window is long over.
 */

import { readdirSync, readFileSync } from 'node:fs';

/** USER_HZ: fixed at 100 for /proc on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Usage {
  readonly cpuSeconds: number;
  readonly bytesWritten: number;
  readonly rssBytes: number;
}

/** The processes and all their descendants, as they are now. */
export function withDescendants(pids: readonly number[]): readonly number[] {
  const children = new Map<number, number[]>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = statFields(pid);
    if (stat === null) continue;
    const parent = Number(stat[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = new Set(pids);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

/** Summed over the processes that still live; null when none can be read. */
export function usageOf(pids: readonly number[]): Usage | null {
  const alive = pids.map(usageOfOne).filter((usage) => usage !== null);
  if (alive.length === 0) return null;
  return {
    cpuSeconds: alive.reduce((sum, usage) => sum + usage.cpuSeconds, 0),
    bytesWritten: alive.reduce((sum, usage) => sum + usage.bytesWritten, 0),
    rssBytes: alive.reduce((sum, usage) => sum + usage.rssBytes, 0),
  };
}

function usageOfOne(pid: number): Usage | null {
  const stat = statFields(pid);
  if (stat === null) return null;
  const io = readText(`/proc/${pid}/io`);
  const status = readText(`/proc/${pid}/status`);
  // Fields 14 to 17 of stat: user, system, and those of children that ended.
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(stat[index] ?? 0), 0);
  return {
    cpuSeconds: ticks / ticksPerSecond,
    bytesWritten: Number(/^write_bytes: (\d+)$/m.exec(io ?? '')?.[1] ?? 0),
    rssBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0) * 1024,
  };
}

/** The fields of /proc/PID/stat from the state (field 3) on: the name before them may hold blanks and brackets. */
function statFields(pid: number): readonly string[] | null {
  const text = readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** null when the process is gone or may not be read, which is what the caller wants to know. */
function readText(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Watches processes during a measured window: CPU and bytes as differences, memory as the highest of samples. */
export class UsageWatch {
  readonly #pids: readonly number[];
  readonly #before: Usage | null;
  readonly #timer: NodeJS.Timeout;
  #peakRssBytes = 0;

  constructor(pids: readonly number[], sampleEveryMs = 250) {
    this.#pids = pids;
    this.#before = usageOf(pids);
    this.#peakRssBytes = this.#before?.rssBytes ?? 0;
    this.#timer = setInterval(() => this.#sample(), sampleEveryMs);
  }

  /** What was used since the start; null when the processes cannot be seen. */
  stop(): Usage | null {
    clearInterval(this.#timer);
    const after = usageOf(this.#pids);
    if (after === null || this.#before === null) return null;
    return {
      cpuSeconds: after.cpuSeconds - this.#before.cpuSeconds,
      bytesWritten: after.bytesWritten - this.#before.bytesWritten,
      rssBytes: Math.max(this.#peakRssBytes, after.rssBytes),
    };
  }

  #sample(): void {
    const usage = usageOf(this.#pids);
    if (usage !== null) this.#peakRssBytes = Math.max(this.#peakRssBytes, usage.rssBytes);
  }
}
