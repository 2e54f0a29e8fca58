/** Things to do at a time: a binary heap and one timer for the earliest. Cancelled ones are dropped when they come up. */

import type { PortClock, PortTimer } from './clock.ts';

export interface DueTask {
  readonly dueMs: number;
  run: (() => void) | null;
}

export class DueQueue {
  readonly #clock: PortClock;
  readonly #heap: DueTask[] = [];
  #timer: PortTimer | undefined;
  #timerDueMs = Number.POSITIVE_INFINITY;

  constructor(clock: PortClock) {
    this.#clock = clock;
  }

  /** @param dueMs on the clock that never goes back. */
  at(dueMs: number, run: () => void): DueTask {
    const task: DueTask = { dueMs, run };
    this.#push(task);
    if (dueMs < this.#timerDueMs) this.#arm(dueMs);
    return task;
  }

  cancel(task: DueTask): void {
    task.run = null;
  }

  clear(): void {
    this.#heap.length = 0;
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
  }

  #arm(dueMs: number): void {
    this.#timer?.cancel();
    this.#timerDueMs = dueMs;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => this.#fire());
  }

  #fire(): void {
    this.#timer = undefined;
    this.#timerDueMs = Number.POSITIVE_INFINITY;
    const now = this.#clock.monotonicMs();
    for (let first = this.#heap[0]; first !== undefined; first = this.#heap[0]) {
      if (first.run !== null && first.dueMs > now) break;
      this.#pop();
      const { run } = first;
      first.run = null;
      run?.();
    }
    const next = this.#heap[0];
    if (next !== undefined && next.dueMs < this.#timerDueMs) this.#arm(next.dueMs);
  }

  #push(task: DueTask): void {
    const heap = this.#heap;
    let index = heap.push(task) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if ((heap[parent] as DueTask).dueMs <= task.dueMs) break;
      heap[index] = heap[parent] as DueTask;
      index = parent;
    }
    heap[index] = task;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = index * 2 + 1;
      if (child >= heap.length) break;
      const right = child + 1;
      if (right < heap.length && (heap[right] as DueTask).dueMs < (heap[child] as DueTask).dueMs) child = right;
      if ((heap[child] as DueTask).dueMs >= last.dueMs) break;
      heap[index] = heap[child] as DueTask;
      index = child;
    }
    heap[index] = last;
  }
}
