/**
 * A load that a Java process drives: it is told the plan, sends and receives by itself, and tells afterwards what happened when. Here
 * that is read in the order of time into the books of a LoadRun, so that rates, latencies and losses are counted by the same code as
 * those of every other client.
 */

import type { DrivenLoad, DrivenResult } from '../load/driven-load.ts';
import { backlogMax } from '../load/load-run.ts';
import { UsageWatch } from '../usage/process-usage.ts';
import type { SendResult } from '../systems/wire.ts';
import { type Plan, planFromSpec, type WorkloadSpec } from '../workloads/index.ts';
import type { FrameReader, FrameWriter } from './frames.ts';
import { asked, type JavaProcess } from './java-process.ts';

const seriesPoints = 20;
/** Beside the plan's own time: probes (20 s), what is sent late (20 s), drain (30 s). Less than what a cell may take. */
const hangMs = 75_000;
/** Against nothing: long enough for the JVM to have compiled what every load runs through. */
const ceilingMs = 400;
const ceilingWarmupMs = 400;
const ceilingMessages = 2_000_000;
/** On a topic of its own, as fast as it goes: a JVM that has compiled nothing yet measures its compiler. */
const warmupMs = 2_500;
const warmupMessages = 250_000;

export interface Driving {
  /** Acknowledged and not yet received: above it the sender of a closed window waits. */
  readonly backlogMax: number;
  /** Latency from the moment of the sending, as tools have it that know no other; else from the time that was intended. */
  readonly countsFromSend: boolean;
}

/** Rejects when the process fails; what the broker does is in the books. The process must have been warmed up. */
export async function driveLoad(
  java: JavaProcess,
  load: DrivenLoad,
  { generatorCeiling, ...driving }: Driving & { readonly generatorCeiling: number | null },
): Promise<DrivenResult> {
  const { run, spec, pids } = load;
  const own = java.pid === null ? [] : [java.pid];
  const watch = () => ({
    broker: pids.length === 0 ? null : new UsageWatch(pids),
    client: new UsageWatch(own),
    startedMs: performance.now(),
  });
  // Its own waits are all shorter; this is for a process that hangs.
  const hangs = setTimeout(
    () => void java.kill(),
    spec.warmupMs + Math.max(spec.measuredMs, planMs(load.plan)) + hangMs,
  );
  let watches = watch();
  let windowOpens: NodeJS.Timeout | undefined;
  let used: ReturnType<typeof stopped> | null = null;
  try {
    const fields = await java.call(asked.load, (frame) => writeJob(frame.boolean(false), load, driving.backlogMax), {
      begun() {
        windowOpens = setTimeout(() => {
          stopped(watches);
          watches = watch();
        }, spec.warmupMs);
      },
      sent() {
        used = stopped(watches);
      },
    });
    const log = readLog(fields);
    const usage = used ?? stopped(watches);
    replayInto(load, log, driving.countsFromSend);
    if (log.failure !== '') run.fail(new Error(log.failure));
    return {
      generatorCeiling,
      measured: {
        broker: usage.broker,
        client: usage.client ?? { cpuSeconds: Number.NaN, bytesWritten: 0, rssBytes: 0 },
        eventLoop: log.busiestThread,
        seconds: usage.seconds,
        counted: countedBetween(log, load.plan, spec.warmupMs, log.sentMs),
      },
    };
  } finally {
    clearTimeout(hangs);
    clearTimeout(windowOpens);
    stopped(watches);
  }
}

function planMs({ sendAtMs }: Plan): number {
  return sendAtMs.at(-1) ?? 0;
}

function stopped(watches: { broker: UsageWatch | null; client: UsageWatch; startedMs: number }) {
  return {
    broker: watches.broker === null ? null : watches.broker.stop(),
    client: watches.client.stop(),
    seconds: (performance.now() - watches.startedMs) / 1000,
  };
}

// ------------------------------------------------------------------------------------------------ the job

function writeJob(
  frame: FrameWriter,
  job: Pick<DrivenLoad, 'spec' | 'plan' | 'codecRun' | 'topic' | 'subscriptions'>,
  ownBacklogMax: number,
): void {
  const { spec, plan, codecRun, topic, subscriptions } = job;
  frame.text(topic);
  writeTexts(frame, subscriptions);
  frame
    .int(spec.consumersPerSubscription)
    .int(spec.credit)
    .int(spec.ackBatch)
    .int(spec.publishWindow)
    .int(ownBacklogMax);
  frame.double(spec.warmupMs).double(spec.measuredMs);
  frame.boolean(spec.arrival === 'closed-window').int(codecRun);
  writeTexts(frame, plan.keyNames);
  frame.int(plan.count).doubles(plan.sendAtMs).ints(plan.keyIndex).ints(plan.keySeq).ints(plan.bytes);
}

function writeTexts(frame: FrameWriter, texts: readonly string[]): void {
  frame.int(texts.length);
  for (const text of texts) frame.text(text);
}

// ------------------------------------------------------------------------------------------------ the log

interface EventLog {
  readonly numbers: Int32Array;
  readonly timesMs: Float64Array;
  readonly marks: Buffer;
}

interface LoadLog {
  readonly failure: string;
  readonly windowEndMs: number;
  /** When the last message was handed over. */
  readonly sentMs: number;
  /** Of one core, in the window. */
  readonly busiestThread: number;
  readonly sent: EventLog;
  readonly settled: EventLog;
  readonly received: readonly { readonly subscription: number; readonly log: EventLog }[];
}

function readLog(fields: FrameReader): LoadLog {
  const failure = fields.text();
  const windowEndMs = fields.double();
  const busiestThread = fields.double();
  const sent = readEvents(fields);
  const settled = readEvents(fields);
  const consumers = fields.int();
  const received = Array.from({ length: consumers }, () => ({ subscription: fields.int(), log: readEvents(fields) }));
  return { failure, windowEndMs, sentMs: sent.timesMs.at(-1) ?? 0, busiestThread, sent, settled, received };
}

function readEvents(fields: FrameReader): EventLog {
  const count = fields.int();
  return { numbers: fields.ints(count), timesMs: fields.doubles(count), marks: fields.raw(count) };
}

/** Of what was acknowledged: what the costs of the same time are divided by. */
function countedBetween({ settled }: LoadLog, plan: Plan, fromMs: number, toMs: number) {
  let messages = 0;
  let bytes = 0;
  for (const [index, atMs] of settled.timesMs.entries()) {
    if (atMs < fromMs || atMs > toMs || settled.marks[index] !== fates.acked) continue;
    messages++;
    bytes += plan.bytes[settled.numbers[index] as number] as number;
  }
  return { messages, bytes };
}

const fates = { acked: 0, refused: 1, unknown: 2 } as const;
/** Of a received one: what is not a message of this run. Its number is then its length. */
const strange = 1;

function resultOf(fate: number): SendResult {
  if (fate === fates.acked) return { fate: 'acked' };
  return { fate: fate === fates.refused ? 'refused' : 'unknown', code: 'client' };
}

/** Each log is in the order of time already, so the next event is at the front of one of them. */
function replayInto({ run, setNow, spec }: DrivenLoad, log: LoadLog, countsFromSend: boolean): void {
  run.bookWindow(spec.warmupMs, log.windowEndMs);
  const rows: { readonly log: EventLog; readonly book: (number: number, mark: number) => void; next: number }[] = [
    // First: of two events at the same time the handing over was the earlier one.
    { log: log.sent, book: (number) => run.bookSent(number, intendedOf(number)), next: 0 },
    { log: log.settled, book: (number, fate) => run.bookSettled(number, resultOf(fate)), next: 0 },
    ...log.received.map(({ subscription, log: own }) => ({
      log: own,
      book(number: number, mark: number) {
        if (mark === strange)
          run.checker.phantom(subscription, `${number} bytes that this run did not send, or damaged ones`);
        else run.bookReceived(subscription, number);
      },
      next: 0,
    })),
  ];
  const isClosed = spec.arrival === 'closed-window' || countsFromSend;
  const intendedOf = (number: number) => (isClosed ? run.nowMs() : run.plannedMs(number));
  const everyMs = Math.max(50, (spec.warmupMs + spec.measuredMs) / seriesPoints);
  let sampleMs = everyMs;
  for (;;) {
    const row = earliest(rows);
    if (row === null) break;
    const atMs = row.log.timesMs[row.next] as number;
    for (; sampleMs < atMs; sampleMs += everyMs) {
      setNow(sampleMs);
      run.samplePoint();
    }
    setNow(atMs);
    row.book(row.log.numbers[row.next] as number, row.log.marks[row.next] as number);
    row.next++;
  }
  run.samplePoint();
}

function earliest<Row extends { readonly log: EventLog; readonly next: number }>(rows: readonly Row[]): Row | null {
  let found: Row | null = null;
  let foundMs = Number.POSITIVE_INFINITY;
  for (const row of rows) {
    const atMs = row.log.timesMs[row.next];
    if (atMs === undefined || atMs >= foundMs) continue;
    found = row;
    foundMs = atMs;
  }
  return found;
}

// ------------------------------------------------------------------------------------------------ what the program can do alone

/** Messages a second against nothing; the first thing that is asked of a process, which it also warms up. */
export async function measureCeiling(java: JavaProcess, spec: WorkloadSpec): Promise<number> {
  const log = await driveAlone(java, spec, {
    isAgainstNothing: true,
    topic: 'nowhere',
    subscription: 'nobody',
    messages: ceilingMessages,
    warmupMs: ceilingWarmupMs,
    measuredMs: ceilingMs,
  });
  const { messages } = log.counted;
  return Math.round((messages / Math.max(1, log.windowEndMs - ceilingWarmupMs)) * 1000);
}

/** So that the first measured cell is like the ones after it. */
export async function warmUp(
  java: JavaProcess,
  spec: WorkloadSpec,
  topic: string,
  subscription: string,
): Promise<void> {
  const sizes = { isAgainstNothing: false, messages: warmupMessages, warmupMs: 0, measuredMs: warmupMs };
  await driveAlone(java, spec, { ...sizes, topic, subscription });
}

interface Alone {
  readonly isAgainstNothing: boolean;
  readonly topic: string;
  readonly subscription: string;
  readonly messages: number;
  readonly warmupMs: number;
  readonly measuredMs: number;
}

/** One publisher, one consumer, as fast as they can. */
async function driveAlone(java: JavaProcess, spec: WorkloadSpec, alone: Alone) {
  const { isAgainstNothing, topic, subscription, messages, warmupMs: ownWarmupMs, measuredMs } = alone;
  const plan = planFromSpec({
    seed: 1,
    messages,
    messageBytes: spec.messageBytes,
    keys: spec.keys,
    keyDistribution: spec.keyDistribution,
    ratePerSecond: null,
    arrival: 'closed-window',
  });
  const own: WorkloadSpec = {
    ...spec,
    subscriptions: 1,
    consumersPerSubscription: 1,
    arrival: 'closed-window',
    warmupMs: ownWarmupMs,
    measuredMs,
  };
  const job = { spec: own, plan, codecRun: 1, topic, subscriptions: [subscription] };
  const log = readLog(
    await java.call(asked.load, (frame) => writeJob(frame.boolean(isAgainstNothing), job, backlogMax)),
  );
  if (log.failure !== '') throw new Error(log.failure);
  return { ...log, counted: countedBetween(log, plan, ownWarmupMs, log.windowEndMs) };
}
