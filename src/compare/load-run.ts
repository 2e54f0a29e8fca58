/**
 * One run of a flow: sends a plan, receives it, records what happened. Open loop (a rate): every message has an intended
 * time, goes at once when it is late, is never skipped, and its latency counts from the intended time. Closed window (own
 * maximum): as many as may be unconfirmed, each intended when it is sent.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { DeliveryChecker } from './checkers/index.ts';
import type { SeriesPoint } from './report/model.ts';
import { LatencyHistogram } from './statistics/index.ts';
import type { SendResult, WireDelivery, WireMessage, WirePublisher } from './wire.ts';
import type { PayloadCodec, Plan, WorkloadSpec } from './workloads/index.ts';

/** Timers of Node are about this fine: what is due within is sent in one batch. */
const tickMs = 1;
/** One call to the wire carries at most this many. */
const sendBatchMax = 500;
/**
 * ... and at its own maximum at most these bytes in one turn of the event loop: Node reads 64 KiB from a socket in a turn, so
 * a sender that takes more for itself starves the consumers that share its process, and they would look slow.
 */
const sendBytesPerTurnMax = 64 * 1024;
/** A full window is refilled when this part of it is free again, so that batches stay worth sending. */
const windowRefill = 1 / 16;
/** Acked and not yet received: above it the sender of a closed window waits, so that what is measured can go on for ever. */
export const backlogMax = 8_000;

/** What a run takes its times from. Tests move one by hand, so that what they show does not depend on the machine's load. */
export interface RunClock {
  /** Milliseconds, from anywhere. */
  now(): number;
  sleep(ms: number): Promise<void>;
}

const machineClock: RunClock = { now: () => performance.now(), sleep: (ms) => sleep(ms) };

export interface WindowCounts {
  /** Answered with success inside the measured window. */
  acked: number;
  ackedBytes: number;
  received: number;
  receivedBytes: number;
}

export class LoadRun {
  readonly checker: DeliveryChecker;
  readonly publishLatency = new LatencyHistogram();
  readonly endToEndLatency = new LatencyHistogram();
  readonly slip = new LatencyHistogram();
  readonly window: WindowCounts = { acked: 0, ackedBytes: 0, received: 0, receivedBytes: 0 };
  readonly series: SeriesPoint[] = [];
  /** Planned inside the window, and of these acked in time (`onTimeGraceMs` after its end). */
  plannedInWindow = 0;
  ackedOnTime = 0;
  /** Over the whole run. */
  ackedBytes = 0;
  failure: Error | null = null;

  readonly #spec: WorkloadSpec;
  readonly #plan: Plan;
  readonly #codec: PayloadCodec;
  readonly #clock: RunClock;
  #originMs: number;
  readonly #intervalLatency = new LatencyHistogram();
  readonly #sendAtMs: Float64Array;
  #windowEndMs: number;
  #outstanding = 0;
  #wake: (() => void) | null = null;
  #progressAtMs = 0;
  #seriesBefore = { acked: 0, received: 0 };

  constructor(spec: WorkloadSpec, plan: Plan, codec: PayloadCodec, clock: RunClock = machineClock) {
    this.#clock = clock;
    this.#originMs = clock.now();
    this.#spec = spec;
    this.#plan = plan;
    this.#codec = codec;
    this.#sendAtMs = new Float64Array(plan.count);
    this.#windowEndMs = spec.measuredMs === 0 ? Number.POSITIVE_INFINITY : spec.warmupMs + spec.measuredMs;
    this.checker = new DeliveryChecker(plan, spec.subscriptions, { keylessInOrder: spec.partitions === 1 });
  }

  /** The clock starts: time 0 of the plan is now. */
  begin(): void {
    this.#originMs = this.#clock.now();
  }

  /** Milliseconds since the run began. */
  nowMs(): number {
    return this.#clock.now() - this.#originMs;
  }

  /** Sends the plan. Resolves when the last message was handed over, or the window of an own maximum is over, or a consumer failed. */
  async send(publisher: WirePublisher): Promise<void> {
    if (this.#spec.arrival === 'closed-window') await this.#sendClosedWindow(publisher);
    else await this.#sendOpenLoop(publisher);
  }

  receive(subscription: number, delivery: WireDelivery): void {
    const atMs = this.nowMs();
    const header = this.#codec.decode(delivery.value);
    if (header === null) {
      this.checker.phantom(subscription, `${delivery.value.length} bytes that this run did not send, or damaged ones`);
      return;
    }
    this.#progressAtMs = atMs;
    this.#received(subscription, header.seq, { atMs, intendedMs: header.intendedMs, bytes: delivery.value.length });
    this.#wakeSender();
  }

  #received(
    subscription: number,
    seq: number,
    { atMs, intendedMs, bytes }: { readonly atMs: number; readonly intendedMs: number; readonly bytes: number },
  ): void {
    if (!this.checker.received(subscription, seq)) return;
    if (this.#isInWindow(atMs)) {
      this.window.received++;
      this.window.receivedBytes += bytes;
    }
    this.#intervalLatency.record(atMs - intendedMs);
    if (this.#isInWindow(intendedMs)) this.endToEndLatency.record(atMs - intendedMs);
  }

  // ---------------------------------------------------------------------------------------------- by a sender elsewhere

  /** A message that another process handed over now, on this run's clock; the same books as for those that `send` sends. */
  bookSent(seq: number, intendedMs: number): void {
    this.checker.sent(seq);
    this.#outstanding++;
    this.#noteIntended(seq, intendedMs, this.nowMs());
  }

  plannedMs(seq: number): number {
    return this.#plan.sendAtMs[seq] as number;
  }

  bookSettled(seq: number, result: SendResult): void {
    this.#settled(seq, result);
  }

  bookReceived(subscription: number, seq: number): void {
    const atMs = this.nowMs();
    const intendedMs = this.#sendAtMs[seq] as number;
    this.#received(subscription, seq, { atMs, intendedMs, bytes: this.#plan.bytes[seq] as number });
  }

  /** The measured window's true end, where the plan ran out before. */
  bookWindowEnd(atMs: number): void {
    this.#windowEndMs = atMs;
  }

  fail(reason: unknown): void {
    this.failure ??= reason instanceof Error ? reason : new Error(String(reason));
    this.#wake?.();
  }

  /** Resolves true when everything acked has come; false after `quietMs` without anything, or at the deadline. */
  async drain(options: { readonly quietMs: number; readonly deadlineMs: number }): Promise<boolean> {
    const startedMs = this.nowMs();
    this.#progressAtMs = startedMs;
    while (!this.checker.isComplete()) {
      const now = this.nowMs();
      if (this.failure !== null || now - this.#progressAtMs > options.quietMs || now - startedMs > options.deadlineMs)
        return false;
      await this.#clock.sleep(5);
    }
    return true;
  }

  /** Adds a point to the series: what happened since the last one. */
  samplePoint(): void {
    const acked = this.checker.ackedCount;
    const received = this.checker.receivedCount;
    const { p50, p99, count } = this.#intervalLatency.summary();
    this.series.push({
      tMs: Math.round(this.nowMs() - this.#spec.warmupMs) + 0, // not -0, which JSON does not know
      published: acked - this.#seriesBefore.acked,
      received: received - this.#seriesBefore.received,
      backlog: this.checker.missing,
      endToEndP50Ms: count === 0 ? null : p50,
      endToEndP99Ms: count === 0 ? null : p99,
    });
    this.#seriesBefore = { acked, received };
    this.#intervalLatency.reset();
  }

  // ---------------------------------------------------------------------------------------------- the two senders

  async #sendOpenLoop(publisher: WirePublisher): Promise<void> {
    const { sendAtMs, count } = this.#plan;
    let next = 0;
    while (next < count && this.failure === null) {
      const now = this.nowMs();
      const room = this.#spec.publishWindow - this.#outstanding;
      let end = next;
      while (end < count && end - next < room && (sendAtMs[end] as number) <= now) end++;
      for (let seq = next; seq < end; seq++) this.#noteIntended(seq, sendAtMs[seq] as number, now);
      this.#hand(publisher, next, end);
      next = end;
      if (this.#outstanding >= this.#spec.publishWindow) await this.#roomFor(1);
      else await this.#clock.sleep(tickMs);
    }
  }

  async #sendClosedWindow(publisher: WirePublisher): Promise<void> {
    const { count } = this.#plan;
    const perTurn = Math.max(1, Math.min(sendBatchMax, Math.floor(sendBytesPerTurnMax / this.#spec.messageBytes)));
    const refill = Math.max(1, Math.floor(this.#spec.publishWindow * windowRefill));
    let next = 0;
    while (next < count && this.failure === null) {
      const now = this.nowMs();
      if (now >= this.#windowEndMs) return;
      const free = this.#spec.publishWindow - this.#outstanding;
      const room = Math.min(free, perTurn, count - next);
      if (free < Math.min(refill, count - next) || this.checker.missing > backlogMax) {
        await this.#roomFor(refill);
        continue;
      }
      for (let seq = next; seq < next + room; seq++) this.#noteIntended(seq, now, now);
      this.#hand(publisher, next, next + room);
      next += room;
      // Sockets must have their turn between two batches.
      await nextTurn();
    }
    if (this.#windowEndMs === Number.POSITIVE_INFINITY || next === count) this.#windowEndMs = this.nowMs();
  }

  /** The measured window's true end: an own maximum may run out of plan before. */
  get windowMs(): number {
    return this.#windowEndMs - this.#spec.warmupMs;
  }

  #noteIntended(seq: number, intendedMs: number, nowMs: number): void {
    this.#sendAtMs[seq] = intendedMs;
    if (!this.#isInWindow(intendedMs)) return;
    this.plannedInWindow++;
    this.slip.record(nowMs - intendedMs);
  }

  #hand(publisher: WirePublisher, from: number, to: number): void {
    for (let start = from; start < to; start += sendBatchMax) {
      const end = Math.min(to, start + sendBatchMax);
      const batch: WireMessage[] = [];
      for (let seq = start; seq < end; seq++) {
        this.checker.sent(seq);
        batch.push(this.#message(seq));
      }
      this.#outstanding += batch.length;
      publisher.publish(batch, (index, result) => this.#settled(start + index, result));
    }
  }

  #message(seq: number): WireMessage {
    const keyIndex = this.#plan.keyIndex[seq] as number;
    const keySeq = this.#plan.keySeq[seq] as number;
    const header = { producer: 0, seq, keyIndex, keySeq, intendedMs: this.#sendAtMs[seq] as number };
    const key = keyIndex === -1 ? null : (this.#plan.keyNames[keyIndex] as string);
    const value = this.#codec.encode(header, this.#plan.bytes[seq] as number);
    const headers = this.#plan.headers[seq];
    return headers === undefined ? { key, value } : { key, value, headers };
  }

  #settled(seq: number, result: SendResult): void {
    const atMs = this.nowMs();
    const intendedMs = this.#sendAtMs[seq] as number;
    this.checker.settled(seq, result.fate);
    this.#outstanding--;
    this.#progressAtMs = atMs;
    if (result.fate === 'acked') {
      this.ackedBytes += this.#plan.bytes[seq] as number;
      if (this.#isInWindow(atMs)) {
        this.window.acked++;
        this.window.ackedBytes += this.#plan.bytes[seq] as number;
      }
      if (this.#isInWindow(intendedMs)) {
        this.publishLatency.record(atMs - intendedMs);
        if (atMs <= this.#windowEndMs + onTimeGraceMs) this.ackedOnTime++;
      }
    }
    this.#wakeSender();
  }

  // ---------------------------------------------------------------------------------------------- waiting for room

  #isInWindow(atMs: number): boolean {
    return atMs >= this.#spec.warmupMs && atMs < this.#windowEndMs;
  }

  /** Resolves when `wanted` more may be sent, and at the latest after `roomWaitMs` to look at the clock again. */
  async #roomFor(wanted: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(() => this.#wake?.(), roomWaitMs);
      this.#wake = () => {
        clearTimeout(timer);
        this.#wake = null;
        resolve();
      };
      this.#wakeAtRoom = wanted;
    });
  }

  #wakeAtRoom = 1;

  #wakeSender(): void {
    if (this.#wake === null) return;
    const hasRoom = this.#spec.publishWindow - this.#outstanding >= this.#wakeAtRoom;
    if (hasRoom && this.checker.missing <= backlogMax) this.#wake();
  }
}

const roomWaitMs = 50;
/** An ack may be this late after the window and its message still counts for the rate that was offered. */
const onTimeGraceMs = 50;
