/** Runs one workload once on one wire: stage, probes, warm-up, measured window, drain, verdict, clean-up. */

import { limitedBy } from './limited-by.ts';
import { LoadRun, type RunClock } from './load-run.ts';
import { type Measured, Meter } from './meter.ts';
import type { Checks, HistogramData, WorkloadRow } from './report/model.ts';
import { type RunNotes, validity } from './validity.ts';
import { type Wire, type WireConsumer, WireRefusal } from './wire.ts';
import { PayloadCodec, type Plan, type WorkloadSpec } from './workloads/index.ts';

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
}

/** The workload makes no sense there, or the system refused it: not a row, a reason. */
export class NotMeasurable extends Error {
  override readonly name = 'NotMeasurable';
}

const probes = 64;
const probeDeadlineMs = 20_000;
const drainQuietMs = 3_000;
const drainDeadlineMs = 30_000;
/** After the last expected message: for what should not come. */
const quietMs = 100;
const seriesPoints = 20;
/** Everything of one cell: window, drain and the rest may not take longer. */
const marginMs = 60_000;

/** Rejects with NotMeasurable; every other failure is an invalid row, since a run that broke is a result. */
export async function runWorkload(options: WorkloadRunOptions): Promise<WorkloadRow> {
  const { wire, spec } = options;
  if (spec.kind === 'replay' && wire.layer === 'bare' && isQueue(wire))
    throw new NotMeasurable('a queue keeps nothing to read again (see the scenario replay-after-ack)');
  const undrivable = wire.drive === undefined ? null : whyNotDriven(options);
  if (undrivable !== null) throw new NotMeasurable(undrivable);
  const cell = new Cell(options);
  const limitMs = spec.warmupMs + spec.measuredMs + drainDeadlineMs + marginMs;
  try {
    return await withDeadline(spec.kind === 'replay' ? cell.replay() : cell.flow(), limitMs);
  } catch (reason) {
    if (reason instanceof NotMeasurable) throw reason;
    return cell.brokenRow(reason instanceof Error ? reason.message : String(reason));
  } finally {
    await withDeadline(cell.strike(), marginMs);
  }
}

class Cell {
  readonly #options: WorkloadRunOptions;
  readonly #topic: string;
  readonly #subscriptions: string[] = [];
  readonly #consumers: WireConsumer[] = [];
  readonly #codec: PayloadCodec;
  readonly #run: LoadRun;
  readonly #startedAt = new Date().toISOString();
  #hasTopic = false;
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
    this.#run.window.received = checker.receivedCount;
    this.#run.window.receivedBytes = receivedBytes;
    this.#run.publishLatency.reset();
    this.#run.endToEndLatency.reset();
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

  /** A row for a run that could not be carried through: no figures but what was counted. */
  brokenRow(why: string): WorkloadRow {
    const empty = {
      broker: null,
      client: { cpuSeconds: 0, rssBytes: 0, bytesWritten: 0 },
      eventLoop: 0,
      seconds: 1,
      counted: { messages: 0, bytes: 0 },
    };
    const row = this.#row(this.#run, empty, Math.max(1, this.#run.windowMs), { drained: false, notes: [] });
    return { ...row, valid: false, invalidBecause: why };
  }

  /** Takes everything down; what cannot be removed does not hide the result. */
  async strike(): Promise<void> {
    const { wire } = this.#options;
    const ignoreSinceTheRowIsMade = () => {};
    await Promise.all(this.#consumers.map((consumer) => consumer.close().catch(ignoreSinceTheRowIsMade)));
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
    const windowOpens = setTimeout(() => {
      meter.stop();
      meter = new Meter(pids, counted);
    }, spec.warmupMs);
    const everyMs = Math.max(50, (spec.warmupMs + spec.measuredMs) / seriesPoints);
    const sampler = setInterval(() => run.samplePoint(), everyMs);
    try {
      await run.send(publisher);
      const measured = meter.stop();
      const drained = await run.drain({ quietMs: drainQuietMs, deadlineMs: drainDeadlineMs });
      await pause(quietMs);
      run.samplePoint();
      await publisher.close();
      return { measured, drained };
    } finally {
      meter.stop();
      clearTimeout(windowOpens);
      clearInterval(sampler);
    }
  }

  /** Opens every consumer; resolves with the counts of probes that each subscription has heard so far. */
  async #openConsumers(): Promise<readonly Set<number>[]> {
    const { spec } = this.#options;
    await this.#makeSubscriptions();
    const heard = this.#subscriptions.map(() => new Set<number>());
    const opening: Promise<void>[] = [];
    for (const [index, name] of this.#subscriptions.entries())
      for (let member = 0; member < spec.consumersPerSubscription; member++)
        opening.push(
          this.#consume(name, (value, delivery) => {
            const probe = probeNumber(value);
            if (probe === null) this.#run.receive(index, delivery);
            else heard[index]?.add(probe);
          }),
        );
    await Promise.all(opening);
    return heard;
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
    const invalidBecause = validity({ spec, checks, slip, run, notes });
    return {
      id: spec.id,
      title: spec.title,
      system: wire.name,
      layer: wire.layer,
      durability: wire.durability,
      mode: spec.mode,
      settings: 'stock',
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
      publish,
      consume,
      latencyMs: { publish: run.publishLatency.summary(), endToEnd: run.endToEndLatency.summary() },
      slipMs: { p50: slip.p50, p99: slip.p99, max: slip.max },
      cost: costOf(measured),
      histograms: histogramsOf(run),
      series: run.series,
      notes: notes.notes,
    };
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
