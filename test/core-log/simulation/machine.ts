/**
 * The machine of the simulation: its clock, its disk and its chance, all of one seed. Nothing happens by itself: every
 * operation of the disk and every callback waits until the scheduler picks it, in an order that only the seed decides. So a
 * run is a function of its seed, and `trace` is its fingerprint.
 */

import { createHash } from 'node:crypto';
import type { Clock, FileSystem, Random, Timer } from '../../../src/core-log/index.ts';
import { type Dice, errno, MemoryDisk, type Operation } from '../memory-disk.ts';
import { START_MS } from '../support.ts';

/** What can be wrong with the disk for a while. */
export const faultKinds = ['sync', 'write', 'torn', 'answer', 'truncate', 'read', 'names', 'full'] as const;
export type FaultKind = (typeof faultKinds)[number];

/** More events than the longest seed has by far: above it something goes round in circles. */
const EVENTS_MAX = 200_000;

interface Waiting {
  readonly life: number;
  readonly label: string;
  readonly go: () => void;
}

export class Machine implements Random {
  readonly dice: Dice;
  readonly #hash = createHash('sha256');
  #waiting: Waiting[] = [];
  #timers: { readonly life: number; readonly dueMs: number; readonly callback: () => void }[] = [];
  #wallMs = START_MS;
  #monotonicMs = 0;
  #life = 0;
  #ids = 0;
  #events = 0;
  readonly faults = new Set<FaultKind>();
  /** A fault struck in this life. */
  wasStruck = false;
  disk: MemoryDisk;

  constructor(dice: Dice) {
    this.dice = dice;
    this.disk = new MemoryDisk(() => this.#wallMs);
    this.#haunt();
  }

  /** Goes into the fingerprint. */
  note(text: string): void {
    this.#hash.update(text).update('\n');
  }

  fingerprint(): string {
    return this.#hash.copy().digest('hex');
  }

  get nowMs(): number {
    return this.#wallMs;
  }

  get files(): FileSystem {
    return this.disk;
  }

  id(): string {
    this.#ids += 1;
    return `id-${this.#ids}`;
  }

  /** A process's own clock: when the process is dead, its timers are too. */
  clock(): Clock {
    const life = this.#life;
    return {
      nowMs: () => this.#wallMs,
      monotonicMs: () => this.#monotonicMs,
      after: (delayMs, callback): Timer => {
        const timer = { life, dueMs: this.#monotonicMs + delayMs, callback };
        this.#timers.push(timer);
        return {
          cancel: () => {
            this.#timers = this.#timers.filter((other) => other !== timer);
          },
        };
      },
      soon: (callback) => this.#wait(life, 'soon', callback),
    };
  }

  /** Time goes on; what falls due is called. */
  advance(ms: number): void {
    this.#monotonicMs += ms;
    this.#wallMs += ms;
    const due = this.#timers.filter(({ dueMs }) => dueMs <= this.#monotonicMs).sort((a, b) => a.dueMs - b.dueMs);
    this.#timers = this.#timers.filter(({ dueMs }) => dueMs > this.#monotonicMs);
    for (const timer of due) if (timer.life === this.#life) timer.callback();
  }

  /** Somebody sets the clock. */
  stepWall(ms: number): void {
    this.#wallMs += ms;
  }

  /** The process is gone; what it had under way never comes. */
  die(way: 'kill' | 'powerCut'): void {
    this.#life += 1;
    this.#waiting = [];
    this.#timers = [];
    this.disk = way === 'kill' ? this.disk.kill() : this.disk.powerCut(this.dice);
    this.wasStruck = false;
    this.heal();
    this.#haunt();
  }

  heal(): void {
    this.faults.clear();
    this.disk.spaceLeft = Number.POSITIVE_INFINITY;
  }

  break(kind: FaultKind): void {
    this.wasStruck = true;
    this.faults.add(kind);
    if (kind === 'full') this.disk.spaceLeft = this.dice(3_000);
  }

  get isIdle(): boolean {
    return this.#waiting.length === 0;
  }

  /** One thing that waits happens, and all that follows from it at once. False: nothing waits. */
  async step(): Promise<boolean> {
    const [picked] = this.#waiting.splice(this.dice(this.#waiting.length || 1), 1);
    if (picked !== undefined) {
      this.note(picked.label);
      picked.go();
    }
    await turn();
    this.#events += 1;
    if (this.#events > EVENTS_MAX) throw new Error(`${EVENTS_MAX} events, and no end`);
    return picked !== undefined;
  }

  /** Until the promise is settled; by rejecting, when nothing is left that could settle it. */
  async until<T>(promise: Promise<T>, what: string): Promise<T> {
    let isSettled = false;
    const settle = (): void => {
      isSettled = true;
    };
    promise.then(settle, settle);
    await turn();
    while (!isSettled) {
      const happened = await this.step();
      if (!happened && !isSettled && this.isIdle) throw new Error(`it hangs: ${what}`);
    }
    return await promise;
  }

  /** All that can happen without the disk has happened. */
  async turn(): Promise<void> {
    await turn();
  }

  #wait(life: number, label: string, go: () => void): void {
    if (life === this.#life) this.#waiting.push({ life, label, go });
  }

  #hold(label: string): Promise<void> {
    return new Promise((resolve) => this.#wait(this.#life, label, resolve));
  }

  /** Operations wait before they have happened, and some again after: then only their answer is late. */
  #haunt(): void {
    const { disk } = this;
    disk.intruder = async (operation) => {
      await this.#hold(labelOf(operation));
      this.#strike(operation);
    };
    disk.follower = async ({ kind, path }) => {
      if (this.faults.has('answer') && kind === 'write' && this.dice(4) === 0) throw errno('EIO', path);
      if (this.dice(3) === 0) await this.#hold(`answer to ${kind} ${path}`);
    };
  }

  #strike({ kind, path }: Operation): void {
    const isStruck = (fault: FaultKind, oneIn: number): boolean => this.faults.has(fault) && this.dice(oneIn) === 0;
    const isNaming = kind === 'rename' || kind === 'remove' || kind === 'makeDirectory' || kind === 'syncDirectory';
    if (kind === 'dataSync' && isStruck('sync', 3)) throw errno('EIO', path);
    if (kind === 'write' && isStruck('write', 3)) throw errno('EIO', path);
    if (kind === 'write' && isStruck('torn', 3)) this.disk.tear(this.dice(600));
    if (kind === 'truncate' && isStruck('truncate', 2)) throw errno('EIO', path);
    if (kind === 'read' && isStruck('read', 4)) throw errno('EIO', path);
    if (isNaming && isStruck('names', 4)) throw errno('EIO', path);
  }
}

function labelOf({ kind, path, bytes }: Operation): string {
  return `${kind} ${path} ${bytes}`;
}

async function turn(): Promise<void> {
  await new Promise<void>((resolve) => setImmediate(resolve));
}
