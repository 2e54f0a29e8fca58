/**
 * What the broker's processes and this one have used: CPU, bytes written, memory, from /proc. Numbers only where they can
 * be had: a broker given by address, in a container or on another system gives null, and the report says so.
 */

import { readdir, readFile } from 'node:fs/promises';

/** USER_HZ: fixed at 100 for /proc on every Linux that Node runs on. */
const ticksPerSecond = 100;

export interface Usage {
  readonly cpuSeconds: number;
  readonly bytesWritten: number;
  readonly rssBytes: number;
}

/** The processes and all their descendants, as they are now. */
export async function withDescendants(pids: readonly number[]): Promise<readonly number[]> {
  const children = new Map<number, number[]>();
  for (const name of await readdir('/proc')) {
    const pid = Number(name);
    if (!Number.isInteger(pid)) continue;
    const stat = await statFields(pid);
    if (stat === null) continue;
    const parent = Number(stat[1]);
    children.set(parent, [...(children.get(parent) ?? []), pid]);
  }
  const found = new Set(pids);
  for (const pid of found) for (const child of children.get(pid) ?? []) found.add(child);
  return [...found];
}

/** Summed over the processes that still live; null when none can be read. */
export async function usageOf(pids: readonly number[]): Promise<Usage | null> {
  const each = await Promise.all(pids.map(usageOfOne));
  const alive = each.filter((usage) => usage !== null);
  if (alive.length === 0) return null;
  return {
    cpuSeconds: alive.reduce((sum, usage) => sum + usage.cpuSeconds, 0),
    bytesWritten: alive.reduce((sum, usage) => sum + usage.bytesWritten, 0),
    rssBytes: alive.reduce((sum, usage) => sum + usage.rssBytes, 0),
  };
}

async function usageOfOne(pid: number): Promise<Usage | null> {
  const stat = await statFields(pid);
  if (stat === null) return null;
  const [io, status] = await Promise.all([readText(`/proc/${pid}/io`), readText(`/proc/${pid}/status`)]);
  // Fields 14 to 17 of stat: user, system, and those of children that ended.
  const ticks = [11, 12, 13, 14].reduce((sum, index) => sum + Number(stat[index] ?? 0), 0);
  return {
    cpuSeconds: ticks / ticksPerSecond,
    bytesWritten: Number(/^write_bytes: (\d+)$/m.exec(io ?? '')?.[1] ?? 0),
    rssBytes: Number(/^VmRSS:\s+(\d+) kB$/m.exec(status ?? '')?.[1] ?? 0) * 1024,
  };
}

/** The fields of /proc/PID/stat from the state (field 3) on: the name before them may hold blanks and brackets. */
async function statFields(pid: number): Promise<readonly string[] | null> {
  const text = await readText(`/proc/${pid}/stat`);
  if (text === null) return null;
  return text.slice(text.lastIndexOf(')') + 2).split(' ');
}

/** null when the process is gone or may not be read, which is what the caller wants to know. */
async function readText(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
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

  private constructor(pids: readonly number[], before: Usage | null, sampleEveryMs: number) {
    this.#pids = pids;
    this.#before = before;
    this.#peakRssBytes = before?.rssBytes ?? 0;
    this.#timer = setInterval(() => void this.#sample(), sampleEveryMs);
  }

  static async start(pids: readonly number[], sampleEveryMs = 250): Promise<UsageWatch> {
    return new UsageWatch(pids, await usageOf(pids), sampleEveryMs);
  }

  /** What was used since the start; null when the processes cannot be seen. */
  async stop(): Promise<Usage | null> {
    clearInterval(this.#timer);
    const after = await usageOf(this.#pids);
    if (after === null || this.#before === null) return null;
    return {
      cpuSeconds: after.cpuSeconds - this.#before.cpuSeconds,
      bytesWritten: after.bytesWritten - this.#before.bytesWritten,
      rssBytes: Math.max(this.#peakRssBytes, after.rssBytes),
    };
  }

  async #sample(): Promise<void> {
    const usage = await usageOf(this.#pids);
    if (usage !== null) this.#peakRssBytes = Math.max(this.#peakRssBytes, usage.rssBytes);
  }
}
