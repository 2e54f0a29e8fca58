/** One seed: what clients do to the engine, what the machine does to it, and the model that every opening is held against. */

import {
  type Engine,
  EngineError,
  type LogPersistence,
  openEngine,
  type RecordInput,
} from '../../../src/core-log/index.ts';
import { limits } from '../../../src/core-log/limits.ts';
import { DATA_DIR, diceOf, readAll } from '../support.ts';
import { foreignBatch } from '../temporary-engine.ts';
import { type FaultKind, faultKinds, Machine } from './machine.ts';
import { CursorModel, type Ending, MARK_HEADER, PartitionModel, type Sent, Violation } from './model.ts';

/** Of a seed at least; up to twice as many. */
const LIVES_MIN = 2;
const ACTIONS_PER_LIFE_MIN = 20;
const KEYS = 6;
const RETENTION_BYTES = 9_000;
const EXTRA = 'extra';

/** How a run is told from another: by all that happened in it. */
export interface Outcome {
  readonly fingerprint: string;
  /** Answers that said stored, by durability; how often lives ended, and how. */
  readonly counts: Readonly<Record<string, number>>;
}

interface Producer {
  producerId: number;
  epoch: number;
  next: number;
  sent: { readonly sequence: number; readonly count: number }[];
  /** Something was refused: the next thing is a new epoch. */
  isBroken: boolean;
}

export class History {
  readonly steps: string[] = [];
  readonly #machine: Machine;
  readonly #models: readonly PartitionModel[];
  readonly #extra = new PartitionModel(EXTRA, 0, false);
  readonly #cursors = new Map<PartitionModel, CursorModel>();
  readonly #producers = new Map<PartitionModel, Producer>();
  readonly #counts: Record<string, number> = {};
  #engine!: Engine;
  #answers = new Set<Promise<void>>();
  /** Up to where everything is known to be on the disk, and in the page cache. */
  readonly #ends = new Map<PartitionModel, { fsync: number; os: number }>();
  #sends = 0;
  #identities = 0;
  #extraState: 'there' | 'gone' | 'unknown' = 'gone';
  #extraPartitions: readonly number[] = [1];
  #isExtraBusy = false;
  /** Only the next open tells whether it was deleted. */
  #isExtraInDoubt = false;
  /** Since the engine was opened; its timers count from there. */
  #lifeMs = 0;

  constructor(seed: number) {
    this.#machine = new Machine(diceOf(seed));
    this.#models = [
      new PartitionModel('plain', 0, false),
      new PartitionModel('plain', 1, false),
      new PartitionModel('kept', 0, false),
      new PartitionModel('keyed', 0, true),
    ];
    for (const model of [...this.#models, this.#extra]) {
      this.#cursors.set(model, new CursorModel());
      this.#ends.set(model, { fsync: 0, os: 0 });
    }
  }

  async run(): Promise<Outcome> {
    await this.#begin();
    for (let lives = this.#upToTwice(LIVES_MIN); lives > 0; lives -= 1) {
      for (let actions = this.#upToTwice(ACTIONS_PER_LIFE_MIN); actions > 0; actions -= 1) {
        await this.#act();
        for (let steps = this.#dice(10); steps > 0; steps -= 1) await this.#machine.step();
      }
      await this.#end();
    }
    await this.#machine.until(this.#engine.close(), 'the last close');
    return { fingerprint: this.#machine.fingerprint(), counts: this.#counts };
  }

  #dice(below: number): number {
    return this.#machine.dice(below);
  }

  #upToTwice(min: number): number {
    return min + this.#dice(min + 1);
  }

  #one<T>(of: readonly T[]): T {
    return of[this.#dice(of.length)] as T;
  }

  #say(text: string): void {
    this.steps.push(text);
    this.#machine.note(text);
  }

  #count(what: string): void {
    this.#counts[what] = (this.#counts[what] ?? 0) + 1;
  }

  async #begin(): Promise<void> {
    this.#engine = await this.#machine.until(this.#openEngine(), 'the first open');
    const segmentBytes = (): number => limits.segmentBytesMin + this.#dice(this.#dice(2) === 0 ? 4_000 : 16_000);
    const topics = [
      { name: 'plain', partitions: 2, segmentBytes: segmentBytes() },
      { name: 'kept', segmentBytes: segmentBytes(), retention: { bytes: RETENTION_BYTES } },
      { name: 'keyed', segmentBytes: segmentBytes(), cleanup: 'compact', deleteRetentionMs: this.#one([0, 60_000]) },
    ] as const;
    for (const { name, ...options } of topics)
      await this.#machine.until(this.#engine.createTopic(name, options), `making ${name}`);
  }

  async #openEngine(): Promise<Engine> {
    const machine = this.#machine;
    return await openEngine({ dataDir: DATA_DIR, clock: machine.clock(), fileSystem: machine.files, random: machine });
  }

  async #act(): Promise<void> {
    const roll = this.#dice(100);
    if (roll < 28) this.#append(this.#one(this.#models));
    else if (roll < 34) for (let count = this.#dice(12); count >= 0; count -= 1) this.#append(this.#one(this.#models));
    else if (roll < 46) this.#appendIdentified(this.#models[this.#dice(2)] as PartitionModel);
    else if (roll < 58) await this.#appendIdempotent(this.#one(this.#models));
    else if (roll < 65) await this.#fetch(this.#one(this.#models));
    else if (roll < 69) await this.#settle();
    else if (roll < 74) this.#passTime();
    else if (roll < 78) this.#watch('compact', this.#engine.compact());
    else if (roll < 80) this.#applyRetention();
    else if (roll < 84) this.#deleteRecords(this.#one(this.#models));
    else if (roll < 91) this.#putCursor(this.#one(this.#models));
    else if (roll < 94) this.#break();
    else if (roll < 95) this.#machine.heal();
    else this.#changeExtra();
  }

  #records(
    model: PartitionModel,
    identities: readonly (string | null)[],
  ): { readonly sent: Sent[]; readonly records: RecordInput[] } {
    const sent: Sent[] = [];
    const records: RecordInput[] = [];
    for (const identity of identities) {
      this.#sends += 1;
      const mark = `${this.#sends}.`;
      const key = model.isCompacted ? `key-${this.#dice(KEYS)}` : null;
      const isTombstone = model.isCompacted && this.#dice(5) === 0;
      sent.push(model.send(mark, { key, identity, isTombstone }));
      const value = mark.padEnd(10 + this.#dice(this.#dice(8) === 0 ? 2_500 : 300), 'x');
      records.push({
        key,
        value: isTombstone ? null : value,
        headers: [{ name: MARK_HEADER, value: mark }],
        timestamp: this.#machine.nowMs - this.#dice(2_000),
      });
    }
    return { sent, records };
  }

  #durability(): LogPersistence {
    return this.#one(['memory', 'os', 'os', 'fsync', 'fsync', 'fsync'] as const);
  }

  #append(model: PartitionModel): void {
    const durability = this.#durability();
    const { sent, records } = this.#records(
      model,
      Array.from({ length: 1 + this.#dice(4) }, () => null),
    );
    this.#say(`append ${sent.map(({ mark }) => mark).join(' ')} to ${model.name} at ${durability}`);
    const answer = this.#engine.append(model.topic, model.partition, records, { durability });
    this.#answered(model, sent, answer, ({ baseOffset }) => {
      for (const [index, one] of sent.entries()) model.acked(one, baseOffset + index, durability);
      this.#reached(model, baseOffset + sent.length, durability);
    });
  }

  #appendIdentified(model: PartitionModel): void {
    const durability = this.#durability();
    const identities = Array.from({ length: 1 + this.#dice(3) }, () => {
      if (this.#identities > 0 && this.#dice(2) === 0) return `id/${model.name}/${this.#dice(this.#identities)}`;
      this.#identities += 1;
      return `id/${model.name}/${this.#identities - 1}`;
    });
    const { sent, records } = this.#records(model, identities);
    for (const identity of identities) model.identify(identity, this.#machine.nowMs);
    this.#say(`append ${sent.map(({ mark, identity }) => `${mark}(${identity})`).join(' ')} at ${durability}`);
    const answer = this.#engine.append(model.topic, model.partition, records, { durability, ids: identities });
    this.#answered(model, sent, answer, ({ positions }) => {
      for (const [index, one] of sent.entries()) {
        const { offset, isDuplicate } = positions?.[index] ?? { offset: -1, isDuplicate: false };
        if (isDuplicate) model.repeated(one, offset, durability);
        else model.acked(one, offset, durability);
        this.#reached(model, offset + 1, durability);
      }
    });
  }

  async #appendIdempotent(model: PartitionModel): Promise<void> {
    const producer = await this.#producer(model);
    if (producer === undefined) return;
    const again = this.#dice(3) === 0 ? producer.sent.slice(-limits.producerBatchesKept) : [];
    const isAgain = again.length > 0;
    const { sequence, count } = isAgain ? this.#one(again) : { sequence: producer.next, count: 1 + this.#dice(3) };
    if (!isAgain) {
      producer.next += count;
      producer.sent.push({ sequence, count });
    }
    const { producerId, epoch } = producer;
    const identities = Array.from({ length: count }, (_, index) => `p/${producerId}/${epoch}/${sequence + index}`);
    const durability = this.#durability();
    const { sent, records } = this.#records(model, identities);
    this.#say(
      `batch ${sent.map(({ mark, identity }) => `${mark}(${identity})`).join(' ')} to ${model.name} at ${durability}`,
    );
    const bytes = foreignBatch(records, { producerId, producerEpoch: epoch, baseSequence: sequence });
    const answer = this.#engine.appendBatch(model.topic, model.partition, bytes, { durability });
    this.#answered(
      model,
      sent,
      answer,
      ({ baseOffset, isDuplicate }) => {
        for (const [index, one] of sent.entries()) {
          if (isDuplicate === true) model.repeated(one, baseOffset + index, durability);
          else model.acked(one, baseOffset + index, durability);
        }
        this.#reached(model, baseOffset + count, durability);
      },
      () => {
        producer.isBroken = true;
      },
    );
  }

  /** A client whose batch was refused goes on with the next epoch, as those of Kafka do. */
  async #producer(model: PartitionModel): Promise<Producer | undefined> {
    const known = this.#producers.get(model);
    if (known !== undefined && !known.isBroken && this.#dice(30) > 0) return known;
    try {
      const previous = known === undefined ? undefined : { producerId: known.producerId, epoch: known.epoch };
      const identity = await this.#machine.until(this.#engine.initProducer(previous), 'initProducer');
      this.#say(`producer ${identity.producerId}, epoch ${identity.epoch}`);
      const producer = { ...identity, next: 0, sent: [], isBroken: false };
      this.#producers.set(model, producer);
      return producer;
    } catch (reason) {
      this.#refusal(reason);
      // It may have been given out or not: somebody else takes its place.
      this.#producers.delete(model);
      return undefined;
    }
  }

  /** Keeps what is answered, and what it says of the records. */
  #answered<T>(
    model: PartitionModel,
    sent: readonly Sent[],
    answer: Promise<T>,
    stored: (result: T) => void,
    refused: () => void = () => undefined,
  ): void {
    const { state } = this.#engine.status(model.topic, model.partition);
    this.#watch(
      `answer for ${sent[0]?.mark}`,
      answer,
      (result) => {
        if (state === 'fenced') throw new Violation(`${model.name} was fenced, and stored ${sent[0]?.mark}`);
        this.#count('stored');
        stored(result);
      },
      (reason) => {
        refused();
        this.#count('refused');
        // Anything else is a no: none of it is in the log, or ever will be.
        if (!(reason instanceof EngineError && reason.code === 'sync_failed'))
          for (const one of sent) one.status = 'refused';
      },
    );
  }

  /** Violations found in answers, thrown where somebody sees them. */
  #found: unknown;

  #watch<T>(
    what: string,
    promise: Promise<T>,
    whenDone: (result: T) => void = () => undefined,
    whenFailed: (reason: unknown) => void = () => undefined,
  ): void {
    const engine = this.#engine;
    const answer = promise.then(
      (result) => {
        if (engine !== this.#engine) return;
        this.#say(`${what}: done`);
        whenDone(result);
      },
      (reason: unknown) => {
        if (engine !== this.#engine) return;
        this.#say(`${what}: ${codeOf(reason)}`);
        this.#refusal(reason);
        whenFailed(reason);
      },
    );
    const kept = answer
      .catch((reason: unknown) => {
        this.#found ??= reason;
      })
      .finally(() => this.#answers.delete(kept));
    this.#answers.add(kept);
  }

  /** Nothing is refused on a good disk, and nothing is ever called damaged: nobody here damages anything. */
  #refusal(reason: unknown): void {
    const code = codeOf(reason);
    if (code === 'log_corrupt') throw new Violation(`called damaged: ${String(reason)}`);
    const isOfClient = [
      'out_of_order_sequence',
      'producer_fenced',
      'engine_closed',
      'topic_not_found',
      'offset_out_of_range',
    ];
    if (!this.#machine.wasStruck && !isOfClient.includes(code))
      throw new Violation(`refused on a good disk: ${String(reason)}`);
  }

  #reached(model: PartitionModel, end: number, durability: LogPersistence): void {
    const ends = this.#ends.get(model);
    if (ends === undefined || durability === 'memory') return;
    ends.os = Math.max(ends.os, end);
    if (durability === 'fsync') ends.fsync = Math.max(ends.fsync, end);
  }

  async #fetch(model: PartitionModel): Promise<void> {
    const { earliest, next } = this.#engine.status(model.topic, model.partition);
    const from = earliest + this.#dice(next - earliest + 1);
    this.#say(`fetch ${model.name} from ${from}`);
    try {
      const fetching = this.#engine.fetch(model.topic, model.partition, from, { maxRecords: 1 + this.#dice(20) });
      const { records } = await this.#machine.until(fetching, 'fetch');
      if (records.length === 0 && from < next && !model.isCompacted)
        throw new Violation(`${model.name} gave nothing from ${from}, and ends at ${next}`);
      model.read(records, from);
    } catch (reason) {
      if (reason instanceof Violation) throw reason;
      this.#refusal(reason);
    }
  }

  /** Everybody who waits is answered: nothing is forgotten, however the disk behaves. */
  async #settle(): Promise<void> {
    this.#say('settle');
    await this.#machine.until(Promise.all(this.#answers), `${this.#answers.size} answers`);
    this.#throwFound();
  }

  #throwFound(): void {
    if (this.#found !== undefined) throw this.#found;
  }

  #passTime(): void {
    if (this.#dice(3) === 0) {
      const ms = this.#one([-3_600_000, -90_000, -1, 1_000, 90_000, 3_600_000]);
      this.#say(`the clock is set by ${ms} ms`);
      this.#machine.stepWall(ms);
    } else {
      const ms = this.#one([1, 100, 1_000, 1_000, 20_000, 400_000]);
      this.#say(`${ms} ms pass`);
      this.#lifeMs += ms;
      if (this.#lifeMs >= limits.retentionCheckIntervalMsDefault) this.#retentionRuns();
      this.#machine.advance(ms);
    }
    for (const model of this.#models) model.passTime(this.#machine.nowMs, limits.messageIdWindowMs);
  }

  #retentionRuns(): void {
    for (const model of this.#models) model.mayDrop ||= model.topic === 'kept';
  }

  #applyRetention(): void {
    this.#retentionRuns();
    this.#watch('retention', this.#engine.applyRetention());
  }

  #deleteRecords(model: PartitionModel): void {
    if (model.isCompacted) return;
    const { earliest, next } = this.#engine.status(model.topic, model.partition);
    const before =
      earliest + this.#dice(this.#dice(4) === 0 ? next - earliest + 1 : Math.floor((next - earliest) / 3) + 1);
    model.deleting(before);
    model.mayDrop ||= model.topic === 'kept'; // what else may go goes with it
    this.#watch(
      `delete of ${model.name} before ${before}`,
      this.#engine.deleteRecords(model.topic, model.partition, before),
      (now) => {
        if (now < before) throw new Violation(`${model.name} was emptied up to ${before}, and begins at ${now}`);
        model.deleted(before);
      },
    );
  }

  /** A consumer writes down where it is: at most as far as it was told that the data is as safe as what it writes. */
  #putCursor(model: PartitionModel): void {
    const { os, fsync } = this.#ends.get(model) as { readonly os: number; readonly fsync: number };
    const covers = this.#one(['os', 'fsync'] as const);
    const durability = this.#one(['os', 'fsync'] as const);
    const value = covers === 'os' ? os : fsync;
    const put = (this.#cursors.get(model) as CursorModel).put(value, durability, covers);
    const bytes = Buffer.from(String(value).padEnd(this.#dice(3) === 0 ? 9_000 : 8));
    this.#watch(
      `cursor of ${model.name} at ${value}, ${durability}`,
      this.#engine.cursors.put(model.name, bytes, durability),
      () => {
        put.state = 'acked';
      },
      (reason) => {
        if (codeOf(reason) !== 'sync_failed') put.state = 'refused';
      },
    );
  }

  #break(): void {
    const kind: FaultKind = this.#one(faultKinds);
    this.#say(`break ${kind}`);
    this.#machine.break(kind);
  }

  /** A topic comes, is written to, grows, and goes. */
  #changeExtra(): void {
    if (this.#isExtraBusy || this.#isExtraInDoubt) return;
    const isThere = this.#engine.topic(EXTRA) !== undefined;
    const roll = this.#dice(4);
    if (!isThere) {
      this.#extraState = 'unknown';
      this.#extraPartitions = [1];
      this.#extra.begin();
      this.#ends.set(this.#extra, { fsync: 0, os: 0 });
      this.#busy('create', this.#engine.createTopic(EXTRA, { segmentBytes: 2_000 }), () => {
        this.#extraState = 'there';
      });
    } else if (roll < 2) {
      this.#append(this.#extra);
    } else if (roll === 2) {
      const partitions = (this.#engine.topic(EXTRA)?.partitions ?? 1) + 1;
      this.#extraPartitions = [...this.#extraPartitions, partitions];
      this.#busy('grow', this.#engine.alterTopic(EXTRA, { partitions }), () => {
        this.#extraPartitions = [partitions];
      });
    } else {
      this.#extraState = 'unknown';
      const gone = (): void => {
        this.#extraState = 'gone';
      };
      this.#busy('delete', this.#engine.deleteTopic(EXTRA), gone, (reason) => {
        this.#isExtraInDoubt = codeOf(reason) === 'sync_failed';
      });
    }
  }

  #busy(
    what: string,
    work: Promise<unknown>,
    done: () => void,
    failed: (reason: unknown) => void = () => undefined,
  ): void {
    this.#isExtraBusy = true;
    const free = work.finally(() => {
      this.#isExtraBusy = false;
    });
    this.#watch(`${what} ${EXTRA}`, free, done, failed);
  }

  async #end(): Promise<void> {
    let ending: Ending = this.#one(['close', 'kill', 'powerCut', 'powerCut'] as const);
    this.#say(ending);
    await this.#machine.turn(); // what is refused already is known
    const wasStruck = this.#machine.wasStruck;
    if (ending === 'close') {
      const closing = this.#engine.close();
      if (this.#dice(5) === 0) {
        closing.catch(() => undefined);
        for (let steps = this.#dice(60); steps > 0; steps -= 1) await this.#machine.step();
        ending = 'kill';
      } else {
        try {
          await this.#machine.until(closing, 'close');
        } catch (reason) {
          this.#refusal(reason);
          ending = 'kill';
        }
        await this.#machine.until(Promise.all(this.#answers), 'answers at close');
        // Everything is on the disk then, but of partitions that a fault has fenced.
        if (this.#dice(2) === 0) {
          this.#machine.die('powerCut');
          if (wasStruck) ending = 'powerCut';
        }
      }
    }
    this.#throwFound();
    this.#count(ending);
    await this.#open(ending, wasStruck);
  }

  /** The next process, which may not live long either. */
  async #open(ending: Ending, wasStruck: boolean): Promise<void> {
    let worst = ending;
    let isDirty = wasStruck;
    this.#machine.die(ending === 'powerCut' ? 'powerCut' : 'kill');
    this.#answers = new Set();
    this.#isExtraBusy = false;
    this.#isExtraInDoubt = false;
    for (let tries = this.#dice(3); tries > 0; tries -= 1) {
      if (this.#dice(3) > 0) continue;
      const way = await this.#openInVain();
      if (way === 'powerCut') worst = 'powerCut';
      else if (worst === 'close') worst = 'kill';
      isDirty = true;
      this.#machine.die(way);
    }
    this.#say('open');
    this.#lifeMs = 0;
    this.#engine = await this.#machine.until(this.#openEngine(), 'open');
    await this.#check(worst, isDirty);
    this.#throwFound();
  }

  async #openInVain(): Promise<'kill' | 'powerCut'> {
    this.#count('opened in vain');
    if (this.#dice(2) === 0) this.#machine.break(this.#one(faultKinds));
    const opening = this.#openEngine().then(
      () => undefined,
      (reason: unknown) => this.#refusal(reason),
    );
    opening.catch((reason: unknown) => {
      this.#found ??= reason;
    });
    for (let steps = this.#dice(120); steps > 0; steps -= 1) await this.#machine.step();
    const way = this.#one(['kill', 'powerCut'] as const);
    this.#say(`open in vain, ${way}`);
    return way;
  }

  async #check(ending: Ending, wasStruck: boolean): Promise<void> {
    for (const model of this.#models) await this.#checkPartition(model, ending, wasStruck);
    await this.#checkExtra(ending, wasStruck);
  }

  async #checkPartition(model: PartitionModel, ending: Ending, wasStruck: boolean): Promise<void> {
    const { topic, partition } = model;
    const status = this.#engine.status(topic, partition);
    if (status.state === 'fenced') throw new Violation(`${model.name} is fenced on a good disk: ${status.reason}`);
    const records = await this.#machine.until(readAll(this.#engine, topic, partition), 'reading all');
    model.opened(records, status, { ending, wasStruck, nowMs: this.#machine.nowMs });
    this.#ends.set(model, { fsync: status.next, os: status.next });
    this.#machine.note(`${model.name} ${status.earliest} ${status.next} ${records.length} ${status.bytes}`);
    const cursor = this.#engine.cursors.get(model.name);
    const place = cursor === undefined ? null : Number(cursor.toString());
    (this.#cursors.get(model) as CursorModel).opened(model.name, place, status.next, ending);
    if (records.length > 0) await this.#checkLookups(model, records, status.next);
  }

  /** By offset and by time one finds what reading from the beginning finds. */
  async #checkLookups(
    model: PartitionModel,
    records: Awaited<ReturnType<typeof readAll>>,
    next: number,
  ): Promise<void> {
    const { topic, partition } = model;
    for (let times = 0; times < 4; times += 1) {
      const from = this.#one(records).offset;
      const fetched = await this.#machine.until(this.#engine.fetch(topic, partition, from, { maxRecords: 3 }), 'fetch');
      if (fetched.records[0]?.offset !== from)
        throw new Violation(`${model.name} gave ${fetched.records[0]?.offset} for ${from}`);
      const time = this.#one(records).timestamp + this.#dice(3) - 1;
      const found = await this.#machine.until(this.#engine.offsetForTimestamp(topic, partition, time), 'lookup');
      const expected = records.find(({ timestamp }) => timestamp >= time)?.offset ?? next;
      if (found !== expected) throw new Violation(`${model.name} has ${expected} for time ${time}, and says ${found}`);
    }
  }

  async #checkExtra(ending: Ending, wasStruck: boolean): Promise<void> {
    const topic = this.#engine.topic(EXTRA);
    if (this.#extraState !== 'unknown' && (topic !== undefined) !== (this.#extraState === 'there'))
      throw new Violation(
        `topic ${EXTRA} was ${this.#extraState} for sure, and is ${topic === undefined ? 'gone' : 'there'}`,
      );
    if (topic === undefined) {
      this.#extraState = 'gone';
      return;
    }
    if (!this.#extraPartitions.includes(topic.partitions))
      throw new Violation(`topic ${EXTRA} has ${topic.partitions} partitions`);
    this.#extraPartitions = [topic.partitions];
    // A deletion that did not come to its end has refused what was in memory only.
    await this.#checkPartition(this.#extra, ending, wasStruck || this.#extraState === 'unknown');
    this.#extraState = 'there';
    for (let partition = 1; partition < topic.partitions; partition += 1) {
      const { next, state } = this.#engine.status(EXTRA, partition);
      if (next !== 0 || state !== 'open') throw new Violation(`${EXTRA}-${partition} is new, and ${state} at ${next}`);
    }
  }
}

function codeOf(reason: unknown): string {
  return (reason as { readonly code?: string } | null)?.code ?? String(reason);
}
