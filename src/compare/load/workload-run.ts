/** Runs one workload once on one wire: stage, probes, warm-up, measured window, drain, verdict, clean-up. */

import { LoadRun, type RunClock } from './load-run.ts';
import { type Measured, Meter, nothingMeasured } from '../usage/meter.ts';
import { observeHere, type UsageObserver } from '../usage/usage-observer.ts';
import { followCourse, withLatencies } from './course.ts';
import { probeMessages, probeNumber, probes } from './probes.ts';
import type { Checks, Phase, ReaderRow, SeriesPoint, WorkloadRow } from '../report/model.ts';
import { Reader } from './use-readers.ts';
import type { Fault, RunNotes } from './validity.ts';
import { pause, until, withDeadline } from '../waiting.ts';
import { type Wire, type WireConsumer, WireRefusal } from '../systems/wire.ts';
import { rounded } from '../statistics/index.ts';
import { phasesOf, rowOf } from './workload-row.ts';
import { codecRunOf, PayloadCodec, type Plan, type ReaderSpec, type WorkloadSpec } from '../workloads/index.ts';

export interface WorkloadRunOptions {
  readonly wire: Wire;
  readonly spec: WorkloadSpec;
  readonly plan: Plan;
  readonly repeat: number;
  /** Unique: prefix of every name that is made. */
  readonly prefix: string;
  /** Of the broker, descendants included; empty when there is nothing to see. */
  readonly pids: readonly number[];
  /** Who looks at what broker and generator use; this process by default. */
  readonly usage?: UsageObserver;
  readonly generatorCeiling: number | null;
  /** Of the sender and of every latency; the machine's by default. */
  readonly clock?: RunClock;
  /** Told at the end of each interval of the series, for those who watch. */
  readonly onSample?: (point: SeriesPoint) => void;
}

/** The workload makes no sense there, or the system refused it: not a row, a reason. */
export class NotMeasurable extends Error {
  override readonly name = 'NotMeasurable';
}

const probeDeadlineMs = 20_000;
const drainQuietMs = 3_000;
/** A reader that comes back joins its group again, which takes a broker some seconds. */
const drainQuietAfterAbsenceMs = 12_000;
const drainDeadlineMs = 30_000;
/** After the last expected message: for what should not come. */
const quietAfterwardsMs = 100;
const seriesPoints = 20;
const seriesPointsOfCourse = 60;
/** Everything of one cell: window, drain and the rest may not take longer. */
const marginMs = 60_000;

/** Rejects with NotMeasurable; every other failure is an invalid row, since a run that broke is a result. */
export async function runWorkload(options: WorkloadRunOptions): Promise<WorkloadRow> {
  return (await measureWorkload(options)).row;
}

/** The same, with the kind of what stands against the row; null where it is valid. */
export async function measureWorkload(
  options: WorkloadRunOptions,
): Promise<{ readonly row: WorkloadRow; readonly fault: Fault | null }> {
  const { wire, spec } = options;
  if (spec.kind === 'replay' && wire.layer === 'bare' && isQueue(wire))
    throw new NotMeasurable('a queue keeps nothing to read again (see the scenario replay-after-ack)');
  const undrivable = wire.drive === undefined ? null : whyNotDriven(options);
  if (undrivable !== null) throw new NotMeasurable(undrivable);
  const cell = new Cell(options);
  try {
    const row = await withDeadline(spec.kind === 'replay' ? cell.replay() : cell.flow(), runLimitMs(spec));
    return { row, fault: cell.fault };
  } catch (reason) {
    if (reason instanceof NotMeasurable) throw reason;
    const row = cell.brokenRow(reason instanceof Error ? reason.message : String(reason));
    return { row, fault: cell.fault };
  } finally {
    await withDeadline(cell.strike(), marginMs);
  }
}

function runLimitMs({ warmupMs, warmupMaxMs = 0, measuredMs }: WorkloadSpec): number {
  return Math.max(warmupMs, warmupMaxMs) + measuredMs + drainDeadlineMs + marginMs;
}

/** Longer than that no measurement takes, its plan and its clean-up included. */
export function cellLimitMs(spec: WorkloadSpec): number {
  return runLimitMs(spec) + 2 * marginMs;
}

class Cell {
  readonly #options: WorkloadRunOptions;
  readonly #topic: string;
  readonly #subscriptions: string[] = [];
  readonly #consumers: WireConsumer[] = [];
  /** Of a use: those that read while it is published, and what those got that read all of it again. */
  readonly #readers: Reader[] = [];
  readonly #replays = new Map<string, ReaderRow>();
  readonly #usage: UsageObserver;
  readonly #codec: PayloadCodec;
  readonly #run: LoadRun;
  readonly #startedAt = new Date().toISOString();
  #hasTopic = false;
  readonly #phases: Phase[] = [];
  /** Of the row that was made last. */
  fault: Fault | null = null;
  /** Of a load that another process drives: where its log is read to. */
  #drivenMs = 0;

  constructor(options: WorkloadRunOptions) {
    this.#options = options;
    this.#topic = `${options.prefix}-t`;
    this.#usage = options.usage ?? observeHere(options.pids);
    const largest = options.plan.bytes.reduce((max, bytes) => Math.max(max, bytes), 0);
    this.#codec = new PayloadCodec(codecRunOf(options.prefix), largest);
    const driven: RunClock = { now: () => this.#drivenMs, sleep: () => Promise.resolve() };
    this.#run = new LoadRun(
      options.spec,
      options.plan,
      this.#codec,
      options.wire.drive === undefined ? options.clock : driven,
    );
  }

  async flow(): Promise<WorkloadRow> {
    if (this.#options.wire.drive !== undefined) return await this.#driven();
    const { measured, drained } = await this.#publishAndConsume();
    if (drained) for (const reader of this.#replaying()) await this.#replayed(reader);
    return this.#row(this.#run, measured, this.#run.windowMs, { drained, notes: [] });
  }

  /** The client's process does the work; the books and the row are made here, as for every other client. */
  async #driven(): Promise<WorkloadRow> {
    const { wire, spec, plan, pids, prefix } = this.#options;
    await wire.createTopic(this.#topic, { partitions: spec.partitions });
    this.#hasTopic = true;
    await this.#makeSubscriptions();
    const result = await wire.drive?.({
      run: this.#run,
      setNow: (ms) => {
        this.#drivenMs = ms;
      },
      spec,
      plan,
      codecRun: codecRunOf(prefix),
      topic: this.#topic,
      subscriptions: this.#subscriptions,
      pids,
    });
    if (result === undefined) throw new Error('the client drives no load');
    const drained = this.#run.checker.isComplete();
    const { generatorCeiling, measured } = result;
    // How much had still to come when it had sent everything is not in its log, so there is no phase of draining.
    const whole = phasesOf(this.#run, [], { fromMs: this.#run.windowMs, toMs: this.#run.sinceWindowMs, waiting: 0 });
    this.#phases.push(...whole.filter(({ phase }) => phase !== 'drain'));
    const notes =
      generatorCeiling === null
        ? []
        : [`against nothing its program does ${generatorCeiling.toLocaleString('en')} messages/s`];
    return this.#row(this.#run, measured, this.#run.windowMs, { drained, notes }, generatorCeiling);
  }

  /** First filled and consumed once, then read again by a subscription that starts at the beginning. */
  async replay(): Promise<WorkloadRow> {
    const { spec, wire, plan } = this.#options;
    const filled = await this.#publishAndConsume();
    if (!filled.drained)
      return this.#row(this.#run, filled.measured, this.#run.windowMs, { drained: false, notes: [] });
    const name = `${this.#topic}-replay`;
    try {
      await wire.createSubscription({
        name,
        topic: this.#topic,
        start: 'earliest',
        ordering: 'none',
        credit: spec.credit,
      });
    } catch (reason) {
      if (reason instanceof WireRefusal && reason.code === 'capability_unsupported')
        throw new NotMeasurable(`refused: ${reason.message}`);
      throw reason;
    }
    this.#subscriptions.push(name);
    const checker = this.#run.checker.forAnotherReader();
    let receivedBytes = 0;
    const meter = new Meter(this.#usage, () => ({ messages: checker.receivedCount, bytes: receivedBytes }));
    let firstMs = Number.NaN;
    let lastMs = Number.NaN;
    await this.#consume(name, (value) => {
      const header = this.#codec.decode(value);
      // The probes come again too; what is neither theirs nor ours was counted in the first reading.
      if (header === null || !checker.received(0, header.seq)) return;
      lastMs = performance.now();
      if (Number.isNaN(firstMs)) firstMs = lastMs;
      receivedBytes += value.length;
    });
    await until(() => checker.isComplete() || this.#run.failure !== null, drainDeadlineMs);
    const measured = await meter.stop();
    const windowMs = Math.max(1, lastMs - firstMs);
    this.#phases.push(this.#replayPhase(checker.receivedCount, firstMs, lastMs));
    this.#run.window.received = checker.receivedCount;
    this.#run.window.receivedBytes = receivedBytes;
    const { publishLatency, endToEndLatency, publishService, endToEndService } = this.#run;
    for (const histogram of [publishLatency, endToEndLatency, publishService, endToEndService]) histogram.reset();
    const row = this.#row(this.#run, measured, windowMs, {
      drained: checker.isComplete(),
      notes: [`rates are of the second reading of ${plan.count} messages; costs count each message read once`],
    });
    return {
      ...row,
      checks: checker.result(),
      publish: { messagesPerSecond: 0, megabytesPerSecond: 0 },
      cost: { ...row.cost, bytesWrittenPerPayloadByte: null },
    };
  }

  #replayPhase(messages: number, firstMs: number, lastMs: number): Phase {
    const toMs = Math.round(this.#run.sinceWindowMs);
    const tookMs = messages === 0 ? 0 : Math.round(lastMs - firstMs);
    return { phase: 'replay', fromMs: toMs - tookMs, toMs, note: `${messages} messages read again` };
  }

  /** A row for a run that could not be carried through: no figures but what was counted. */
  brokenRow(why: string): WorkloadRow {
    const row = this.#row(this.#run, nothingMeasured, Math.max(1, this.#run.windowMs), { drained: false, notes: [] });
    this.fault = { kind: 'broken', reason: why };
    return { ...row, valid: false, invalidBecause: why };
  }

  /** Takes everything down; what cannot be removed does not hide the result. */
  async strike(): Promise<void> {
    const { wire } = this.#options;
    const ignoreSinceTheRowIsMade = () => {};
    await Promise.all(
      [...this.#consumers, ...this.#readers].map((consumer) => consumer.close().catch(ignoreSinceTheRowIsMade)),
    );
    for (const name of this.#subscriptions) await wire.deleteSubscription(name).catch(ignoreSinceTheRowIsMade);
    if (this.#hasTopic) await wire.deleteTopic(this.#topic).catch(ignoreSinceTheRowIsMade);
  }

  async #publishAndConsume(): Promise<{ readonly measured: Measured; readonly drained: boolean }> {
    const { wire, spec } = this.#options;
    await wire.createTopic(this.#topic, { partitions: spec.partitions });
    this.#hasTopic = true;
    const heard = await this.#openConsumers();
    const publisher = await wire.publisher(this.#topic);
    await this.#probe(publisher, heard);

    const run = this.#run;
    const counted = () => ({ messages: run.checker.ackedCount, bytes: run.ackedBytes });
    run.begin();
    let meter = new Meter(this.#usage, counted);
    run.onWindowOpens = () => {
      meter.discard();
      meter = new Meter(this.#usage, counted);
    };
    const points = spec.course === undefined ? seriesPoints : seriesPointsOfCourse;
    const everyMs = Math.max(50, (spec.warmupMs + spec.measuredMs) / points);
    const sample = (): void => {
      // Taken also where nobody watches: the series of the row is made of these points.
      const point = run.samplePoint();
      this.#options.onSample?.(point);
    };
    const sampler = setInterval(sample, everyMs);
    const absences = Promise.all(this.#readers.map(async (reader) => await reader.absence()));
    absences.catch((reason: unknown) => run.fail(reason));
    try {
      const [course] = await Promise.all([this.#follow(), run.send(publisher)]);
      const measured = await meter.stop();
      await absences;
      const drainFromMs = run.sinceWindowMs;
      const waiting = run.checker.missing;
      const isBack = spec.readers?.some(({ awayPart }) => awayPart !== undefined) === true;
      const quietMs = isBack ? drainQuietAfterAbsenceMs : drainQuietMs;
      const drained = await run.drain({ quietMs, deadlineMs: drainDeadlineMs });
      this.#phases.push(
        ...phasesOf(run, withLatencies(course, run), { fromMs: drainFromMs, toMs: run.sinceWindowMs, waiting }),
      );
      await pause(quietAfterwardsMs);
      sample();
      await publisher.close();
      return { measured, drained };
    } finally {
      meter.discard();
      clearInterval(sampler);
    }
  }

  async #follow() {
    const { spec } = this.#options;
    if (spec.course === undefined) return [];
    return await followCourse({
      run: this.#run,
      spec,
      usage: this.#usage,
      closeConsumers: async () => {
        await Promise.all(this.#consumers.splice(0).map((consumer) => consumer.close()));
      },
      openConsumers: () => this.#consumeAll(() => {}),
    });
  }

  /** Opens every consumer; resolves with the counts of probes that each subscription has heard so far. */
  async #openConsumers(): Promise<readonly Set<number>[]> {
    const { spec } = this.#options;
    if (spec.readers !== undefined) return await this.#openReaders(spec.readers);
    await this.#makeSubscriptions();
    const heard = this.#subscriptions.map(() => new Set<number>());
    await this.#consumeAll((index, probe) => heard[index]?.add(probe));
    return heard;
  }

  async #consumeAll(onProbe: (subscription: number, probe: number) => void): Promise<void> {
    const { spec } = this.#options;
    const opening: Promise<void>[] = [];
    for (const [index, name] of this.#subscriptions.entries())
      for (let member = 0; member < spec.consumersPerSubscription; member++)
        opening.push(
          this.#consume(name, (value, delivery) => {
            const probe = probeNumber(value);
            if (probe === null) this.#run.receive(index, delivery);
            else onProbe(index, probe);
          }),
        );
    await Promise.all(opening);
  }

  /** As `#openConsumers`, for readers that are not alike. */
  async #openReaders(specs: readonly ReaderSpec[]): Promise<readonly Set<number>[]> {
    const { wire, plan, spec: workload } = this.#options;
    const live = specs.filter(({ isReplay }) => isReplay !== true);
    const heard: readonly Set<number>[] = live.map(() => new Set<number>());
    for (const [index, spec] of live.entries()) {
      const subscription = `${this.#topic}-${spec.name}`;
      const { ordering } = spec;
      await wire.createSubscription({
        name: subscription,
        topic: this.#topic,
        start: 'latest',
        ordering,
        credit: workload.credit,
      });
      this.#subscriptions.push(subscription);
      const isOther = (value: Buffer) => {
        const probe = probeNumber(value);
        if (probe !== null) heard[index]?.add(probe);
        return probe !== null;
      };
      const seqOf = (value: Buffer) => this.#codec.decode(value)?.seq ?? null;
      this.#readers.push(
        new Reader({ wire, run: this.#run, spec, workload, plan, subscription, index, seqOf, isOther }),
      );
    }
    await Promise.all(this.#readers.map(async (reader) => await reader.open()));
    return heard;
  }

  #replaying(): readonly ReaderSpec[] {
    return (this.#options.spec.readers ?? []).filter(({ isReplay }) => isReplay === true);
  }

  /** Everything once more, by a reader that was not there before; a system that keeps nothing refuses it. */
  async #replayed({ name, ordering }: ReaderSpec): Promise<void> {
    const { wire, spec } = this.#options;
    const checker = this.#run.checker.forAnotherReader();
    const subscription = `${this.#topic}-${name}`;
    const nothing = { p50Ms: null, p99Ms: null, maxMs: null, catchUpMs: null, replayPerSecond: null };
    try {
      const asked = {
        name: subscription,
        topic: this.#topic,
        start: 'earliest',
        ordering,
        credit: spec.credit,
      } as const;
      await wire.createSubscription(asked);
    } catch (reason) {
      if (!(reason instanceof WireRefusal && reason.code === 'capability_unsupported')) throw reason;
      this.#replays.set(name, { ...checker.countsOf(0), ...nothing, refused: reason.message });
      return;
    }
    this.#subscriptions.push(subscription);
    let firstMs = Number.NaN;
    let lastMs = Number.NaN;
    await this.#consume(subscription, (value) => {
      const header = this.#codec.decode(value);
      if (header === null || !checker.received(0, header.seq)) return;
      lastMs = performance.now();
      if (Number.isNaN(firstMs)) firstMs = lastMs;
    });
    await until(() => checker.isComplete() || this.#run.failure !== null, drainDeadlineMs);
    const counts = checker.countsOf(0);
    const seconds = Math.max(1, lastMs - firstMs) / 1000;
    this.#replays.set(name, {
      ...counts,
      ...nothing,
      replayPerSecond: counts.received === 0 ? null : rounded(counts.received / seconds),
    });
  }

  async #makeSubscriptions(): Promise<void> {
    const { wire, spec } = this.#options;
    for (let index = 0; index < spec.subscriptions; index++) {
      const name = `${this.#topic}-s${index}`;
      await wire.createSubscription({
        name,
        topic: this.#topic,
        start: 'latest',
        ordering: spec.ordering,
        credit: spec.credit,
      });
      this.#subscriptions.push(name);
    }
  }

  async #consume(
    name: string,
    onValue: (value: Buffer, delivery: Parameters<LoadRun['receive']>[1]) => void,
  ): Promise<void> {
    const { wire, spec } = this.#options;
    const consumer = await wire.consume(name, {
      credit: Math.max(1, Math.floor(spec.credit / spec.consumersPerSubscription)),
      settle: { kind: 'batch', ackBatch: spec.ackBatch },
      onDelivery: (delivery) => onValue(delivery.value, delivery),
      onError: (reason) => this.#run.fail(reason),
    });
    this.#consumers.push(consumer);
  }

  /** Every subscription hears every probe before the clock starts: joining a group is not part of what is measured. */
  async #probe(publisher: Awaited<ReturnType<Wire['publisher']>>, heard: readonly Set<number>[]): Promise<void> {
    publisher.publish(probeMessages(), (_, result) => {
      if (result.fate !== 'acked') this.#run.fail(new Error(`a probe was ${result.fate}: ${result.code}`));
    });
    await until(() => this.#run.failure !== null || heard.every((set) => set.size === probes), probeDeadlineMs);
    if (this.#run.failure !== null) throw this.#run.failure;
    if (heard.some((set) => set.size < probes))
      throw new Error(
        `only ${heard.map((set) => set.size).join(', ')} of ${probes} probes were heard in ${probeDeadlineMs} ms`,
      );
  }

  #row(
    run: LoadRun,
    measured: Measured,
    windowMs: number,
    notes: RunNotes,
    generatorCeiling = this.#options.generatorCeiling,
  ): WorkloadRow {
    const { wire, spec, plan, repeat } = this.#options;
    const { row, fault } = rowOf({
      wire,
      spec,
      plan,
      repeat,
      run,
      measured,
      windowMs,
      notes,
      generatorCeiling,
      startedAt: this.#startedAt,
      phases: this.#phases,
      promised: (checks) => this.#promised(checks),
      readers: spec.readers === undefined || this.#readers.length === 0 ? null : this.#readerRows(spec.readers),
    });
    this.fault = fault;
    return row;
  }

  /** Order is promised to those readers of a use that asked for it. */
  #promised(checks: Checks): Checks {
    const { readers } = this.#options.spec;
    if (readers === undefined) return checks;
    const live = readers.filter(({ isReplay }) => isReplay !== true);
    const reordered = live.reduce(
      (sum, { ordering }, index) => sum + (ordering === 'key' ? this.#run.checker.countsOf(index).reordered : 0),
      0,
    );
    return { ...checks, reordered };
  }

  #readerRows(specs: readonly ReaderSpec[]): Readonly<Record<string, ReaderRow>> {
    const live = specs.filter(({ isReplay }) => isReplay !== true);
    const rows = this.#readers.map((reader, index) => [live[index]?.name ?? String(index), reader.row()] as const);
    return Object.fromEntries([...rows, ...this.#replays]);
  }
}

// ------------------------------------------------------------------------------------------------ what is not measured

/** What the programs of the reference rows were not written for; null where they were. */
function whyNotDriven({ spec, plan }: WorkloadRunOptions): string | null {
  if (spec.kind === 'replay') return 'the reference programs publish and consume; they do not read again';
  if (spec.ordering === 'key') return 'the reference programs keep no order by key among competing consumers';
  return plan.headers.some((headers) => headers !== undefined) ? 'the reference programs send no headers' : null;
}

function isQueue(wire: Wire): boolean {
  return wire.system === 'rabbitmq-quorum' || wire.system === 'rabbitmq-classic';
}
