/**
 * The readers of a use while it runs: each has a subscription and a pace of its own, fails now and then, or goes away and comes
 * back. What a reader has worked off is handed to the run; how far it got is asked for at the end.
 */

import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LoadRun } from './load-run.ts';
import type { ReaderRow } from '../report/model.ts';
import type { Wire, WireConsumer, WireDelivery } from '../systems/wire.ts';
import type { Plan, ReaderSpec, WorkloadSpec } from '../workloads/index.ts';

/** How often a slow reader takes what its pace allows. */
const paceTickMs = 5;
/** Slow readers hold little, so that what they cannot do stays with the broker. */
const slowCredit = 100;
/** An absence begins in this part of the measured window; it always ends before the window does. */
const leavesFrom = 0.1;
const leavesWithin = 0.3;

export interface ReaderOptions {
  readonly wire: Wire;
  readonly run: LoadRun;
  readonly spec: ReaderSpec;
  readonly workload: WorkloadSpec;
  readonly plan: Plan;
  readonly subscription: string;
  /** Of the subscription among those of the run. */
  readonly index: number;
  readonly seqOf: (value: Buffer) => number | null;
  /** True for what is none of the run's messages, such as a probe: it is taken at once. */
  readonly isOther: (value: Buffer) => boolean;
}

export class Reader {
  readonly #options: ReaderOptions;
  #consumers: readonly WireConsumer[] = [];
  #waiting: WireDelivery[] = [];
  #pace: NodeJS.Timeout | undefined;
  #isOpen = false;
  /** What had been acked when it came back, and when that was. */
  #cameBack: { readonly atMs: number; readonly acked: number } | null = null;
  #catchUpMs: number | null = null;

  constructor(options: ReaderOptions) {
    this.#options = options;
  }

  /** Resolves when its consumers are open. */
  async open(): Promise<void> {
    const { wire, spec, workload, subscription, run } = this.#options;
    this.#isOpen = true;
    const isEach = spec.perSecond !== undefined || spec.failsOneIn !== undefined;
    const credit = spec.perSecond === undefined ? workload.credit : slowCredit;
    const opening = Array.from({ length: spec.consumers }, () =>
      wire.consume(subscription, {
        credit: Math.max(1, Math.floor(credit / spec.consumers)),
        settle: isEach ? { kind: 'each' } : { kind: 'batch', ackBatch: workload.ackBatch },
        onDelivery: (delivery) => this.#take(delivery, isEach),
        onError: (reason) => run.fail(reason),
      }),
    );
    this.#consumers = await Promise.all(opening);
    if (spec.perSecond !== undefined) this.#pace = this.#workAt(spec.perSecond);
  }

  /** What it holds and has not worked off is given back. Idempotent. */
  async close(): Promise<void> {
    this.#isOpen = false;
    clearInterval(this.#pace);
    this.#waiting = [];
    await Promise.all(this.#consumers.map((consumer) => consumer.close()));
    this.#consumers = [];
  }

  /** Its absence, if it has one: gone and back. Resolves when it reads again. */
  async absence(): Promise<void> {
    const { spec, workload, plan, run } = this.#options;
    if (spec.awayPart === undefined) return;
    // By the plan, so the same on every system.
    const draw = Number.parseInt(plan.hash.slice(0, 8), 16) / 2 ** 32;
    const goesMs = workload.warmupMs + workload.measuredMs * (leavesFrom + leavesWithin * draw);
    await sleep(Math.max(0, goesMs - run.nowMs()));
    if (run.failure !== null) return;
    await this.close();
    await sleep(Math.max(0, goesMs + workload.measuredMs * spec.awayPart - run.nowMs()));
    if (run.failure !== null) return;
    this.#cameBack = { atMs: run.nowMs(), acked: run.checker.ackedCount };
    await this.open();
  }

  row(): ReaderRow {
    const { run, index } = this.#options;
    const { p50, p99, max, count } = run.latencyOf(index);
    const known = (value: number) => (count === 0 ? null : value);
    return {
      ...run.checker.countsOf(index),
      p50Ms: known(p50),
      p99Ms: known(p99),
      maxMs: known(max),
      catchUpMs: this.#catchUpMs,
      replayPerSecond: null,
    };
  }

  #take(delivery: WireDelivery, isEach: boolean): void {
    const { spec, run, isOther, index } = this.#options;
    if (isOther(delivery.value)) {
      if (isEach) delivery.ack();
    } else if (spec.failsOneIn !== undefined && delivery.attempt === 1 && this.#fails(delivery, spec.failsOneIn)) {
      delivery.nack();
    } else if (spec.perSecond !== undefined) {
      // While it closes, what still comes is not settled, and so goes back.
      if (this.#isOpen) this.#waiting.push(delivery);
    } else {
      run.receive(index, delivery);
      if (isEach) delivery.ack();
      this.#noteCaughtUp();
    }
  }

  #fails({ value }: WireDelivery, oneIn: number): boolean {
    const seq = this.#options.seqOf(value);
    return seq !== null && seq % oneIn === 0;
  }

  /** As many as the time that has passed allows; what was not used while there was nothing is not saved up. */
  #workAt(perSecond: number): NodeJS.Timeout {
    let allowed = 0;
    let lastMs = performance.now();
    return setInterval(() => {
      const nowMs = performance.now();
      allowed += ((nowMs - lastMs) * perSecond) / 1000;
      lastMs = nowMs;
      const taken = this.#waiting.splice(0, Math.floor(allowed));
      allowed = taken.length < Math.floor(allowed) ? 0 : allowed - taken.length;
      for (const delivery of taken) {
        this.#options.run.receive(this.#options.index, delivery);
        delivery.ack();
      }
      this.#noteCaughtUp();
    }, paceTickMs);
  }

  #noteCaughtUp(): void {
    const { run, index } = this.#options;
    if (this.#cameBack === null || this.#catchUpMs !== null) return;
    if (run.checker.receivedBy(index) >= this.#cameBack.acked)
      this.#catchUpMs = Math.round(run.nowMs() - this.#cameBack.atMs);
  }
}
