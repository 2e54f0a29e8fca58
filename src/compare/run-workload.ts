/** Runs one workload once on one wire: stage, probes, warm-up, measured window, drain, verdict, clean-up. */

import { limitedBy } from './limited-by.ts';
import { LoadRun, type RunClock } from './load-run.ts';
import { type Measured, Meter } from './meter.ts';
import { followCourse, withLatencies } from './run-course.ts';
import type { Checks, HistogramData, Phase, ReaderRow, SeriesPoint, WorkloadRow } from './report/model.ts';
import type { LatencyHistogram } from './statistics/index.ts';
import { Reader } from './use-readers.ts';
import { type Fault, faultOf, type RunNotes } from './validity.ts';
import { type Wire, type WireConsumer, WireRefusal } from './wire.ts';
import { PayloadCodec, type Plan, type ReaderSpec, type WorkloadSpec } from './workloads/index.ts';

export interface WorkloadRunOptions {
  readonly wire: Wire;
  readonly spec: WorkloadSpec;
  readonly plan: Plan;
  readonly repeat: number;
  /** Unique: prefix of every name that is made. */
  readonly prefix: string;
  /** Of the broker, descendants included; empty when there is nothing to see. */
  readonly pids: readonly number[];
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

const probes = 64;
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
  const limitMs = Math.max(spec.warmupMs, spec.warmupMaxMs ?? 0) + spec.measuredMs + drainDeadlineMs + marginMs;
  try {
    const row = await withDeadline(spec.kind === 'replay' ? cell.replay() : cell.flow(), limitMs);
    return { row, fault: cell.fault };
  } catch (reason) {
    if (reason instanceof NotMeasurable) throw reason;
    const row = cell.brokenRow(reason instanceof Error ? reason.message : String(reason));
    return { row, fault: cell.fault };
  } finally {
    await withDeadline(cell.strike(), marginMs);
  }
}

class Cell {
  readonly #options: WorkloadRunOptions;
  readonly #topic: string;
  readonly #subscriptions: string[] = [];
  readonly #consumers: WireConsumer[] = [];
  /** Of a use: those that read while it is published, and what those got that read all of it again. */
  readonly #readers: Reader[] = [];
  readonly #replays = new Map<string, ReaderRow>();
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
    const largest = options.plan.bytes.reduce((max, bytes) => Math.max(max, bytes), 0);
    this.#codec = new PayloadCodec(hashOf(options.prefix), largest);
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
      codecRun: hashOf(prefix),
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
    const { spec, wire, pids, plan } = this.#options;
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
    const meter = new Meter(pids, () => ({ messages: checker.receivedCount, bytes: receivedBytes }));
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
    const measured = meter.stop();
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
    const empty = {
      broker: null,
      client: { cpuSeconds: 0, rssBytes: 0, bytesWritten: 0 },
      eventLoop: 0,
      eventLoopLagMs: { p50: 0, p99: 0, max: 0 },
      seconds: 1,
      counted: { messages: 0, bytes: 0 },
    };
    const row = this.#row(this.#run, empty, Math.max(1, this.#run.windowMs), { drained: false, notes: [] });
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
    const { wire, spec, pids } = this.#options;
    await wire.createTopic(this.#topic, { partitions: spec.partitions });
    this.#hasTopic = true;
    const heard = await this.#openConsumers();
    const publisher = await wire.publisher(this.#topic);
    await this.#probe(publisher, heard);

    const run = this.#run;
    const counted = () => ({ messages: run.checker.ackedCount, bytes: run.ackedBytes });
    run.begin();
    let meter = new Meter(pids, counted);
    run.onWindowOpens = () => {
      meter.stop();
      meter = new Meter(pids, counted);
    };
    const points = spec.course === undefined ? seriesPoints : seriesPointsOfCourse;
    const everyMs = Math.max(50, (spec.warmupMs + spec.measuredMs) / points);
    const sample = (): void => this.#options.onSample?.(run.samplePoint());
    const sampler = setInterval(sample, everyMs);
    const absences = Promise.all(this.#readers.map(async (reader) => await reader.absence()));
    absences.catch((reason: unknown) => run.fail(reason));
    try {
      const [course] = await Promise.all([this.#follow(), run.send(publisher)]);
      const measured = meter.stop();
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
      meter.stop();
      clearInterval(sampler);
    }
  }

  async #follow() {
    const { spec, pids } = this.#options;
    if (spec.course === undefined) return [];
    return await followCourse({
      run: this.#run,
      spec,
      pids,
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
    const messages = Array.from({ length: probes }, (_, i) => ({
      key: `probe-${i}`,
      value: Buffer.from(`${probePrefix}${i}`),
    }));
    publisher.publish(messages, (_, result) => {
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
    const checks: Checks = run.checker.result();
    const seconds = windowMs / 1000;
    const publish = rateOf(run.window.acked, run.window.ackedBytes, seconds);
    const consume = rateOf(run.window.received, run.window.receivedBytes, seconds);
    const brokerCores = measured.broker === null ? null : measured.broker.cpuSeconds / measured.seconds;
    const evidence = {
      mode: spec.mode,
      messagesPerSecond: spec.kind === 'replay' ? consume.messagesPerSecond : publish.messagesPerSecond,
      generatorCeiling,
      eventLoop: measured.eventLoop,
      clientCores: measured.client.cpuSeconds / measured.seconds,
      brokerCores,
    };
    const slip = run.slip.summary();
    this.fault = faultOf({ spec, checks: this.#promised(checks), slip, run, notes });
    const invalidBecause = this.fault?.reason ?? null;
    return {
      id: spec.id,
      title: spec.title,
      system: wire.name,
      layer: wire.layer,
      durability: wire.durability,
      mode: spec.mode,
      settings: wire.settings ?? 'stock',
      parameters: parametersOf(spec, plan),
      planHash: plan.hash,
      repeat,
      startedAt: this.#startedAt,
      valid: invalidBecause === null,
      ...(invalidBecause === null ? {} : { invalidBecause }),
      limitedBy: limitedBy(evidence),
      utilization: {
        brokerCores: brokerCores === null ? null : rounded(brokerCores),
        clientCores: rounded(measured.client.cpuSeconds / measured.seconds),
        eventLoop: rounded(measured.eventLoop),
      },
      checks,
      ...(spec.mode === 'equal-load'
        ? {
            offered: {
              planned: run.plannedInWindow,
              acknowledgedInTime: run.ackedOnTime,
              blockedMs: Math.round(run.blockedMs),
            },
          }
        : {}),
      publish,
      consume,
      latencyMs: { publish: run.publishLatency.summary(), endToEnd: run.endToEndLatency.summary() },
      serviceMs: { publish: shortOf(run.publishService), endToEnd: shortOf(run.endToEndService) },
      slipMs: { p50: slip.p50, p99: slip.p99, max: slip.max },
      ...(measured.eventLoopLagMs === undefined ? {} : { eventLoopLagMs: measured.eventLoopLagMs }),
      cost: costOf(measured),
      histograms: histogramsOf(run),
      series: run.series,
      phases: this.#phases,
      notes: [...notes.notes, ...unsteadyNote(run)],
      ...(spec.readers === undefined || this.#readers.length === 0 ? {} : { readers: this.#readerRows(spec.readers) }),
    };
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

// ------------------------------------------------------------------------------------------------ figures

function costOf(measured: Measured): WorkloadRow['cost'] {
  const { messages, bytes } = measured.counted;
  const perMillion = (cpuSeconds: number) => (messages === 0 ? null : rounded((cpuSeconds / messages) * 1e6));
  // Without a broker process of its own the system is in this process.
  const store = measured.broker ?? measured.client;
  return {
    brokerCpuSecondsPerMillion: measured.broker === null ? null : perMillion(measured.broker.cpuSeconds),
    clientCpuSecondsPerMillion: perMillion(measured.client.cpuSeconds),
    bytesWrittenPerPayloadByte: bytes === 0 ? null : rounded(store.bytesWritten / bytes),
    peakRssBytes: store.rssBytes === 0 ? null : store.rssBytes,
  };
}

function shortOf(histogram: LatencyHistogram): { readonly p50: number; readonly p99: number; readonly max: number } {
  const { p50, p99, max } = histogram.summary();
  return { p50, p99, max };
}

// ------------------------------------------------------------------------------------------------ phases

/** Of every flow: what came before the window, the window, and what was still to come after it. */
function phasesOf(
  run: LoadRun,
  course: readonly Phase[],
  drain: { readonly fromMs: number; readonly toMs: number; readonly waiting: number },
): readonly Phase[] {
  const { warmup } = run;
  const windowMs = Math.round(run.windowMs);
  const fromMs = Math.max(windowMs, Math.round(drain.fromMs));
  const first: readonly Phase[] =
    warmup === null
      ? []
      : [
          {
            phase: 'warmup',
            fromMs: -warmup.tookMs,
            toMs: 0,
            isSteady: warmup.isSteady,
            note: warmup.because ?? `steady, limit ${warmup.limitMs} ms`,
          },
        ];
  return [
    ...first,
    ...(course.length > 0 ? course : [{ phase: 'steady', fromMs: 0, toMs: windowMs, note: null } as const]),
    {
      phase: 'drain',
      fromMs,
      toMs: Math.max(fromMs, Math.round(drain.toMs)),
      note: `${drain.waiting} messages to come`,
    },
  ];
}

/** A row of a run that had not settled says so. */
function unsteadyNote({ warmup }: LoadRun): readonly string[] {
  if (warmup === null || warmup.isSteady) return [];
  return [`not steady when its warm-up ended, at the limit of ${warmup.limitMs} ms`];
}

function rateOf(messages: number, bytes: number, seconds: number): WorkloadRow['publish'] {
  return { messagesPerSecond: rounded(messages / seconds), megabytesPerSecond: rounded(bytes / seconds / 1e6) };
}

function histogramsOf(run: LoadRun): { readonly publish: HistogramData; readonly endToEnd: HistogramData } {
  return { publish: run.publishLatency.data(), endToEnd: run.endToEndLatency.data() };
}

function parametersOf(spec: WorkloadSpec, plan: Plan): WorkloadRow['parameters'] {
  return {
    messageBytes: spec.messageBytes,
    ratePerSecond: spec.ratePerSecond,
    partitions: spec.partitions,
    subscriptions: spec.subscriptions,
    consumersPerSubscription: spec.consumersPerSubscription,
    keys: plan.keyNames.length,
    keyDistribution: spec.keyDistribution,
    arrival: spec.arrival,
    messages: plan.count,
    warmupMs: spec.warmupMs,
    measuredMs: spec.measuredMs,
    publishWindow: spec.publishWindow,
    credit: spec.credit,
    ackBatch: spec.ackBatch,
  };
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}

// ------------------------------------------------------------------------------------------------ probes and waiting

const probePrefix = 'probe ';

function probeNumber(value: Buffer): number | null {
  // Shorter than any payload, so that no measured message can be taken for one.
  if (value.length >= 12 || !value.toString('latin1').startsWith(probePrefix)) return null;
  return Number(value.toString('latin1').slice(probePrefix.length));
}

/** What the programs of the reference rows were not written for; null where they were. */
function whyNotDriven({ spec, plan }: WorkloadRunOptions): string | null {
  if (spec.kind === 'replay') return 'the reference programs publish and consume; they do not read again';
  if (spec.ordering === 'key') return 'the reference programs keep no order by key among competing consumers';
  return plan.headers.some((headers) => headers !== undefined) ? 'the reference programs send no headers' : null;
}

function isQueue(wire: Wire): boolean {
  return wire.system === 'rabbitmq-quorum' || wire.system === 'rabbitmq-classic';
}

function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}

/** Resolves when it is so, or at the deadline: the caller looks. */
async function until(isSo: () => boolean, deadlineMs: number): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!isSo() && performance.now() < endMs) await pause(2);
}

async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not finished within ${Math.round(ms / 1000)} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
