/** Worlds for the tests of the engine: a clock that is moved by hand, and an engine on a disk in memory. */

import fc from 'fast-check';
import { type Clock, type Engine, type LogRecord, openEngine, type Timer } from '../../src/core-log/index.ts';
import type { Dice } from './memory-disk.ts';
import { MemoryDisk } from './memory-disk.ts';

export const START_MS = 1_700_000_000_000;
export const DATA_DIR = '/data';

export class ManualClock implements Clock {
  #nowMs = START_MS;
  #timers = new Set<{ readonly dueMs: number; readonly callback: () => void }>();

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, callback: () => void): Timer {
    const timer = { dueMs: this.#nowMs + delayMs, callback };
    this.#timers.add(timer);
    return { cancel: () => this.#timers.delete(timer) };
  }

  soon(callback: () => void): void {
    setImmediate(callback);
  }

  get timers(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    this.#nowMs += ms;
    const due = [...this.#timers].filter(({ dueMs }) => dueMs <= this.#nowMs).sort((a, b) => a.dueMs - b.dueMs);
    for (const timer of due) if (this.#timers.delete(timer)) timer.callback();
  }
}

export interface World {
  readonly clock: ManualClock;
  disk: MemoryDisk;
  open(): Promise<Engine>;
}

export function world(): World {
  const clock = new ManualClock();
  const made: World = {
    clock,
    disk: new MemoryDisk(() => clock.nowMs()),
    open: async () => await openEngine({ dataDir: DATA_DIR, clock, fileSystem: made.disk }),
  };
  return made;
}

export function partitionPath(topic: string, partition: number, ...name: string[]): string {
  return [DATA_DIR, 'topics', `${topic}-${partition}`, ...name].join('/');
}

export function logPath(topic: string, partition: number, baseOffset = 0, suffix = '.log'): string {
  return partitionPath(topic, partition, String(baseOffset).padStart(20, '0') + suffix);
}

export async function readAll(
  engine: Engine,
  topic: string,
  partition = 0,
  from: 'earliest' | number = 'earliest',
): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  for await (const record of engine.read(topic, partition, { from })) records.push(record);
  return records;
}

export async function valuesOf(engine: Engine, topic: string, partition = 0): Promise<(string | null)[]> {
  return (await readAll(engine, topic, partition)).map(({ value }) => value?.toString() ?? null);
}

/** What a promise that is expected to reject rejected with. */
export async function rejection(promise: Promise<unknown>): Promise<Error & { readonly code?: string }> {
  try {
    await promise;
  } catch (reason) {
    return reason as Error;
  }
  throw new Error('it was expected to reject');
}

/** Resolves when `isTrue` holds; rejects at the deadline. Turns of the event loop, not time, are what it waits for. */
export async function until(isTrue: () => boolean, what: string, deadlineMs = 10_000): Promise<void> {
  const giveUpMs = performance.now() + deadlineMs;
  while (!isTrue()) {
    if (performance.now() > giveUpMs) throw new Error(`waited ${deadlineMs} ms in vain: ${what}`);
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
}

/** So many turns of the event loop: what is due by then has happened, for claims that something does not. */
export async function turns(count = 20): Promise<void> {
  for (let turn = 0; turn < count; turn += 1) await new Promise<void>((resolve) => setImmediate(resolve));
}

/** A promise and its ends. */
export function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open: () => void = () => undefined;
  const passed = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { passed, open };
}

/** Numbers that depend on the seed only (mulberry32). */
export function diceOf(seed: number): Dice {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

/** A normal run looks at the same cases each time, so that what it says is about the change; the long run looks for new ones. */
const SEED_OF_NORMAL_RUNS = 1;

/** The seed of this run: SLUICE_SEED, or the usual one, or a new one in the long run. Whoever fails says it on the first line. */
export function seedOfRun(): number {
  const asked = process.env['SLUICE_SEED'];
  if (asked !== undefined && asked !== '') return Number(asked);
  return process.env['SLUICE_LONG'] === '1' ? Math.floor(Math.random() * 2 ** 31) : SEED_OF_NORMAL_RUNS;
}

/** Like fc.assert, with the seed on the first line of the failure. */
export function check(property: fc.IRawProperty<unknown>): void {
  const seed = seedOfRun();
  const details = fc.check(property, { seed });
  if (details instanceof Promise) throw new TypeError('the property is asynchronous');
  if (details.failed) throw new Error(`SLUICE_SEED=${seed}\n${fc.defaultReportMessage(details)}`);
}

/** Few in a normal run, many with SLUICE_LONG=1. */
export function runs(normal: number, long: number): number {
  return process.env['SLUICE_LONG'] === '1' ? long : normal;
}
