/**
 * One run of a flow: sends a plan, receives it, records what happened. Open loop (a rate): every message has an intended
 * time, goes at once when it is late, is never skipped, and its latency counts from the intended time. Closed window (own
 * maximum): as many as may be unconfirmed, each intended when it is sent.
 */

import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { DeliveryChecker } from '../checkers/index.ts';
import type { LatencySummary, SeriesPoint } from '../report/model.ts';
import { LatencyHistogram } from '../statistics/index.ts';
import { type Steadiness, steadinessOf, type WarmupWindow, windowsOfWarmup } from './steady-state.ts';
import type { SendResult, WireDelivery, WireMessage, WirePublisher } from '../systems/wire.ts';
import {
  keepsUp,
  type PartWindow,
  partWindows,
  type PayloadCodec,
  type Plan,
  type WorkloadSpec,
} from '../workloads/index.ts';

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

/** How the warm-up went. */
export interface Warmup extends Steadiness {
  readonly tookMs: number;
  /** It ends here, steady or not. */
  readonly limitMs: number;
}

export class LoadRun {
  readonly checker: DeliveryChecker;
  readonly publishLatency = new LatencyHistogram();
  readonly endToEndLatency = new LatencyHistogram();
  readonly slip = new LatencyHistogram();
  /** The same from the time at which the message was really handed over: what the system took, without what waited before it. */
  readonly publishService = new LatencyHistogram();
  readonly endToEndService = new LatencyHistogram();
  readonly window: WindowCounts = { acked: 0, ackedBytes: 0, received: 0, receivedBytes: 0 };
  /** Called once, when the warm-up is over and the measured window begins. */
  onWindowOpens: () => void = () => {};
  /** null before it is over, and without one. */
  warmup: Warmup | null = null;
  /** Planned inside the window, and of these acked in time (`onTimeGraceMs` after its end). */
  plannedInWindow = 0;
  ackedOnTime = 0;
  /** How long the sender of an open loop waited inside the window because too many messages were unanswered: back-pressure. */
  blockedMs = 0;
  /** Over the whole run. */
  ackedBytes = 0;
  failure: Error | null = null;

  readonly #spec: WorkloadSpec;
  readonly #plan: Plan;
  readonly #codec: PayloadCodec;
  readonly #clock: RunClock;
  #originMs: number;
  readonly #intervalLatency = new LatencyHistogram();
  /** Of a use, by subscription; those of readers that are slow or away are theirs alone. */
  readonly #ofReaders: readonly { readonly latency: LatencyHistogram; readonly keepsUp: boolean }[];
  readonly #sendAtMs: Float64Array;
  readonly #handedAtMs: Float64Array;
  /** Of the run, not of the window: when that begins may not be known yet. */
  readonly #points: SeriesPoint[] = [];
  readonly #parts: readonly { readonly window: PartWindow; readonly latency: LatencyHistogram }[];
  #warmupMaxMs: number;
  readonly #warmupWindows: WarmupWindow[] = [];
  readonly #warmupLatency = new LatencyHistogram();
  #warmupSampledMs = 0;
  #warmupReceived = 0;
  #isOpen = false;
  #windowStartMs: number;
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
    this.#handedAtMs = new Float64Array(plan.count);
    this.#parts = partWindows(spec.course ?? []).map((window) => ({ window, latency: new LatencyHistogram() }));
    this.#warmupMaxMs = spec.warmupMs === 0 ? 0 : Math.max(spec.warmupMs, spec.warmupMaxMs ?? 0);
    this.#windowStartMs = this.#warmupMaxMs;
    this.#windowEndMs = spec.measuredMs === 0 ? Number.POSITIVE_INFINITY : this.#warmupMaxMs + spec.measuredMs;
    this.#ofReaders = (spec.readers ?? []).map((reader) => ({
      latency: new LatencyHistogram(),
      keepsUp: keepsUp(reader),
    }));
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
    this.#noteLatency(subscription, { seq, intendedMs }, atMs);
  }

  // ---------------------------------------------------------------------------------------------- by a sender elsewhere

  /** A message that another process handed over now, on this run's clock; the same books as for those that `send` sends. */
  bookSent(seq: number, intendedMs: number): void {
    this.#watchWarmup(this.nowMs());
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

  /** The window as it was there: it began after the shortest warm-up, steady or not, and ended early where the plan ran out. */
  bookWindow(fromMs: number, toMs: number): void {
    this.#windowStartMs = fromMs;
    this.#windowEndMs = toMs;
    this.#warmupMaxMs = fromMs;
  }

  /** Of one reader of a use. */
  latencyOf(subscription: number): LatencySummary {
    return (this.#ofReaders[subscription]?.latency ?? new LatencyHistogram()).summary();
  }

  #noteLatency(subscription: number, { seq, intendedMs }: { seq: number; intendedMs: number }, atMs: number): void {
    const ms = atMs - intendedMs;
    const isInWindow = this.#isInWindow(intendedMs);
    const reader = this.#ofReaders[subscription];
    if (isInWindow) reader?.latency.record(ms);
    if (reader?.keepsUp === false) return;
    this.#intervalLatency.record(ms);
    if (!this.#isOpen) this.#warmupLatency.record(ms);
    if (!isInWindow) return;
    this.endToEndLatency.record(ms);
    this.endToEndService.record(atMs - (this.#handedAtMs[seq] as number));
    this.#recordPart(intendedMs - this.#windowStartMs, ms);
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
  samplePoint(): SeriesPoint {
    const acked = this.checker.ackedCount;
    const received = this.checker.receivedCount;
    const { p50, p99, count } = this.#intervalLatency.summary();
    const point: SeriesPoint = {
      tMs: this.nowMs(),
      published: acked - this.#seriesBefore.acked,
      received: received - this.#seriesBefore.received,
      backlog: this.checker.missing,
      endToEndP50Ms: count === 0 ? null : p50,
      endToEndP99Ms: count === 0 ? null : p99,
    };
    this.#points.push(point);
    this.#seriesBefore = { acked, received };
    this.#intervalLatency.reset();
    return point;
  }

  /** What happened in each interval, by its end; the window begins at 0. */
  get series(): readonly SeriesPoint[] {
    // Not -0, which JSON does not know.
    return this.#points.map((point) => ({ ...point, tMs: Math.round(point.tMs - this.#windowStartMs) + 0 }));
  }

  /** Of the messages that were due in that part of the course. */
  latencyOfPart(index: number): LatencyHistogram {
    const part = this.#parts[index];
    if (part === undefined) throw new RangeError(`the course has no part ${index}`);
    return part.latency;
  }

  #recordPart(dueMs: number, latencyMs: number): void {
    for (const { window, latency } of this.#parts)
      if (dueMs >= window.fromMs && dueMs < window.toMs) latency.record(latencyMs);
  }

  /** Milliseconds since the window began. */
  get sinceWindowMs(): number {
    return this.nowMs() - this.#windowStartMs;
  }

  // ---------------------------------------------------------------------------------------------- the two senders

  async #sendOpenLoop(publisher: WirePublisher): Promise<void> {
    const { sendAtMs, count } = this.#plan;
    let next = 0;
    while (next < count && this.failure === null && !this.#isBeyond(sendAtMs[next] as number)) {
      const now = this.nowMs();
      this.#watchWarmup(now);
      const room = this.#spec.publishWindow - this.#outstanding;
      let end = next;
      while (end < count && end - next < room && (sendAtMs[end] as number) <= now) end++;
      for (let seq = next; seq < end; seq++) this.#noteIntended(seq, sendAtMs[seq] as number, now);
      this.#hand(publisher, next, end);
      next = end;
      if (this.#outstanding >= this.#spec.publishWindow) await this.#blocked();
      else await this.#clock.sleep(tickMs);
    }
  }

  async #blocked(): Promise<void> {
    const fromMs = this.nowMs();
    await this.#roomFor(1);
    if (this.#isInWindow(fromMs)) this.blockedMs += this.nowMs() - fromMs;
  }

  async #sendClosedWindow(publisher: WirePublisher): Promise<void> {
    const { count } = this.#plan;
    const perTurn = Math.max(1, Math.min(sendBatchMax, Math.floor(sendBytesPerTurnMax / this.#spec.messageBytes)));
    const refill = Math.max(1, Math.floor(this.#spec.publishWindow * windowRefill));
    let next = 0;
    while (next < count && this.failure === null) {
      const now = this.nowMs();
      this.#watchWarmup(now);
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
    return this.#windowEndMs - this.#windowStartMs;
  }

  /** A plan that has room for a longer warm-up is longer than what is sent of it. */
  #isBeyond(intendedMs: number): boolean {
    return this.#warmupMaxMs > this.#spec.warmupMs && this.#isOpen && intendedMs >= this.#windowEndMs;
  }

  /** Looks whether the warm-up is over: when it is long enough and the run is steady, or at its limit. */
  #watchWarmup(nowMs: number): void {
    const { warmupMs, measuredMs } = this.#spec;
    if (this.#isOpen) return;
    if (warmupMs > 0 && nowMs - this.#warmupSampledMs >= warmupMs / windowsOfWarmup) this.#sampleWarmup(nowMs);
    if (nowMs < warmupMs) return;
    const steadiness = steadinessOf(this.#warmupWindows);
    if (!steadiness.isSteady && nowMs < this.#warmupMaxMs) return;
    this.#isOpen = true;
    if (this.#warmupMaxMs > warmupMs) {
      this.#windowStartMs = nowMs;
      this.#windowEndMs = nowMs + measuredMs;
    }
    if (warmupMs > 0)
      this.warmup = { ...steadiness, tookMs: Math.round(this.#windowStartMs), limitMs: this.#warmupMaxMs };
    this.onWindowOpens();
  }

  #sampleWarmup(nowMs: number): void {
    const received = this.checker.receivedCount;
    const p50Ms = this.#warmupLatency.percentile(0.5);
    this.#warmupWindows.push({ ms: nowMs - this.#warmupSampledMs, received: received - this.#warmupReceived, p50Ms });
    this.#warmupSampledMs = nowMs;
    this.#warmupReceived = received;
    this.#warmupLatency.reset();
  }

  #noteIntended(seq: number, intendedMs: number, nowMs: number): void {
    this.#sendAtMs[seq] = intendedMs;
    this.#handedAtMs[seq] = nowMs;
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
        this.publishService.record(atMs - (this.#handedAtMs[seq] as number));
        if (atMs <= this.#windowEndMs + (this.#spec.onTimeGraceMs ?? onTimeGraceMs)) this.ackedOnTime++;
      }
    }
    this.#wakeSender();
  }

  // ---------------------------------------------------------------------------------------------- waiting for room

  #isInWindow(atMs: number): boolean {
    return atMs >= this.#windowStartMs && atMs < this.#windowEndMs;
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
