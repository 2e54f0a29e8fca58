/**
 * What of an intake may be handed out next, under the subscription's ordering. With `key` (or `partition`) ordering each
 * key (or partition) is a lane: only its first message is out at a time, and the next one waits until that is settled,
 * also through retries. Messages without a key have no order to keep and use no lane.
 */

import type { DriverDelivery } from './driver.ts';
import type { Ordering } from './port.ts';

/** One unsettled message of a session. */
export interface Entry {
  readonly delivery: DriverDelivery;
  /** Number of the delivery that is out or comes next, from 1. */
  attempt: number;
  /** A delivery of it failed since it came from the backend. */
  hasFailed: boolean;
  state: 'queued' | 'ready' | 'leased' | 'waiting' | 'gone';
  lane: Lane | null;
}

interface Lane {
  readonly name: string;
  /** Entries behind the one that is out. */
  readonly behind: Fifo<Entry>;
}

export class ReadyQueue {
  readonly #ordering: Ordering;
  readonly #lanes = new Map<string, Lane>();
  /** Given back or due again: before everything new. */
  readonly #again = new Fifo<Entry>();
  readonly #fresh = new Fifo<Entry>();
  #count = 0;

  constructor(ordering: Ordering) {
    this.#ordering = ordering;
  }

  /** How many can be taken now. */
  get count(): number {
    return this.#count;
  }

  add(delivery: DriverDelivery): Entry {
    const entry: Entry = { delivery, attempt: delivery.attempt, hasFailed: false, state: 'ready', lane: null };
    const name = this.#laneName(delivery);
    if (name !== undefined) {
      const lane = this.#lanes.get(name);
      if (lane !== undefined) {
        entry.lane = lane;
        entry.state = 'queued';
        lane.behind.push(entry);
        return entry;
      }
      entry.lane = { name, behind: new Fifo() };
      this.#lanes.set(name, entry.lane);
    }
    this.#fresh.push(entry);
    this.#count += 1;
    return entry;
  }

  take(): Entry | undefined {
    if (this.#count === 0) return undefined;
    this.#count -= 1;
    return this.#next(this.#again) ?? this.#next(this.#fresh);
  }

  /** The next one without taking it. */
  peek(): Entry | undefined {
    return this.#first(this.#again) ?? this.#first(this.#fresh);
  }

  /** Out again at once: given back, or its back-off ended. Its lane stays taken. */
  again(entry: Entry): void {
    entry.state = 'ready';
    this.#again.push(entry);
    this.#count += 1;
  }

  /** Settled or lost: whatever waits behind it in its lane may go. */
  done(entry: Entry): void {
    const before = entry.state;
    entry.state = 'gone';
    if (before === 'ready') this.#count -= 1;
    const { lane } = entry;
    if (lane === null || before === 'queued') return;
    let next = lane.behind.shift();
    while (next !== undefined && next.state === 'gone') next = lane.behind.shift();
    if (next === undefined) {
      this.#lanes.delete(lane.name);
      return;
    }
    next.state = 'ready';
    this.#fresh.push(next);
    this.#count += 1;
  }

  /** Entries that left while they were in line are skipped here; counting them out was done by `done`. */
  #next(line: Fifo<Entry>): Entry | undefined {
    for (let entry = line.shift(); entry !== undefined; entry = line.shift()) {
      if (entry.state === 'ready') return entry;
    }
    return undefined;
  }

  #first(line: Fifo<Entry>): Entry | undefined {
    for (let entry = line.first(); entry !== undefined; entry = line.first()) {
      if (entry.state === 'ready') return entry;
      line.shift();
    }
    return undefined;
  }

  #laneName({ message }: DriverDelivery): string | undefined {
    switch (this.#ordering) {
      case 'none':
        return undefined;
      case 'partition':
        return String(message.partition);
      case 'key':
        return message.key === null ? undefined : `${message.partition}:${message.key.toString('latin1')}`;
    }
  }
}

/** A queue whose shift does not move the rest; its head is cut off now and then. */
export class Fifo<T> {
  #items: (T | undefined)[] = [];
  #head = 0;

  get length(): number {
    return this.#items.length - this.#head;
  }

  push(item: T): void {
    this.#items.push(item);
  }

  first(): T | undefined {
    return this.#items[this.#head];
  }

  shift(): T | undefined {
    if (this.#head === this.#items.length) return undefined;
    const item = this.#items[this.#head];
    this.#items[this.#head] = undefined;
    this.#head += 1;
    if (this.#head === this.#items.length) {
      this.#items = [];
      this.#head = 0;
    } else if (this.#head >= 4096 && this.#head * 2 >= this.#items.length) {
      this.#items = this.#items.slice(this.#head);
      this.#head = 0;
    }
    return item;
  }
}
