/**
 * The engine against a model of it: random appends, reads, retention, faults of the disk, closes, kills and power cuts. What must hold
 * is in `check`. A failure begins with the seed; SLUICE_SEED=<seed> runs that one first.
 */

import { expect, it } from 'vitest';
import type { Engine, LogPersistence } from '../../src/core-log/index.ts';
import { limits } from '../../src/core-log/limits.ts';
import { type Dice, errno } from './memory-disk.ts';
import { diceOf, readAll, runs, seedOfRun, turns, type World, world } from './support.ts';

const RUNS = runs(300, 100_000);
const STEPS = 60;
const PARTITIONS = 2;
const RETENTION_BYTES = 12_000;

type Ending = 'close' | 'kill' | 'powerCut';

interface Batch {
  readonly partition: number;
  readonly sequence: number;
  readonly values: readonly string[];
  readonly timestamps: readonly number[];
  readonly durability: LogPersistence;
  /** `settled`: found after an opening, so it must stay. `gone`: not found, so it must not come back. */
  state: 'waiting' | 'acked' | 'refused' | 'unknown' | 'settled' | 'gone';
  baseOffset: number | undefined;
}

it(`${RUNS} random histories agree with the model`, { timeout: runs(180_000, 6 * 3_600_000) }, async () => {
  const seed = seedOfRun();
  for (let run = 0; run < RUNS; run += 1) {
    const history = new History(seed + run);
    try {
      await history.run();
    } catch (reason) {
      throw new Error(`SLUICE_SEED=${seed + run}\n${String(reason)}\n${history.steps.join('\n')}`, { cause: reason });
    }
  }
});

class History {
  readonly steps: string[] = [];
  readonly #dice: Dice;
  readonly #world: World = world();
  readonly #batches: Batch[] = [];
  readonly #byValue = new Map<string, Batch>();
  readonly #floor: number[] = Array.from({ length: PARTITIONS }, () => 0);
  #engine: Engine | undefined;
  #answers: Promise<void>[] = [];
  /** What goes wrong at the moment. */
  #faults = new Set<'sync' | 'truncate'>();
  /** The disk was broken in this life: then what was answered from memory may be lost, and nobody is there to be told. */
  #wasBroken = false;
  #isRetentionApplied = false;

  constructor(seed: number) {
    this.#dice = diceOf(seed);
  }

  async run(): Promise<void> {
    this.#intrude();
    this.#engine = await this.#world.open();
    await this.#engine.createTopic('t', {
      partitions: PARTITIONS,
      segmentBytes: 1_024 + this.#dice(6_000),
      ...(this.#dice(2) === 0 ? { retention: { bytes: RETENTION_BYTES } } : {}),
    });
    for (let step = 0; step < STEPS; step += 1) await this.#step();
    await this.#end('close');
  }

  async #step(): Promise<void> {
    const roll = this.#dice(100);
    if (roll < 40) this.#append();
    else if (roll < 50) for (let count = this.#dice(20); count >= 0; count -= 1) this.#append();
    else if (roll < 62) await turns(this.#dice(6));
    else if (roll < 72) await this.#read();
    else if (roll < 78) await this.#settle();
    else if (roll < 82) this.#advance();
    else if (roll < 86) await this.#applyRetention();
    else if (roll < 90) this.#break();
    else if (roll < 92) await this.#time();
    else if (roll < 95) await this.#end('close');
    else if (roll < 97) await this.#end('kill');
    else await this.#end('powerCut');
  }

  #append(): void {
    const partition = this.#dice(PARTITIONS);
    const durability = (['memory', 'os', 'fsync', 'fsync'] as const)[this.#dice(4)] as LogPersistence;
    const sequence = this.#batches.length;
    const values = Array.from({ length: 1 + this.#dice(4) }, (_, index) =>
      `${sequence}.${index}.`.padEnd(8 + this.#dice(this.#dice(10) === 0 ? 3_000 : 300), 'x'),
    );
    const timestamps = values.map(() => this.#world.clock.nowMs() - this.#dice(1_000));
    const batch: Batch = {
      partition,
      sequence,
      values,
      timestamps,
      durability,
      state: 'waiting',
      baseOffset: undefined,
    };
    this.#batches.push(batch);
    for (const value of values) this.#byValue.set(value, batch);
    this.steps.push(`append ${sequence} to ${partition}, ${values.length} at ${durability}`);
    const records = values.map((value, index) => ({ value, timestamp: timestamps[index] as number }));
    const life = this.#engine as Engine;
    const answer = life.append('t', partition, records, { durability }).then(
      ({ baseOffset }) => {
        batch.state = 'acked';
        batch.baseOffset = baseOffset;
      },
      (reason: { readonly code: string }) => {
        batch.state = reason.code === 'sync_failed' ? 'unknown' : 'refused';
      },
    );
    this.#answers.push(answer);
  }

  /** Everybody is answered, unless the disk is dead. */
  async #settle(): Promise<void> {
    this.steps.push('settle');
    await Promise.all(this.#answers.splice(0));
  }

  async #read(): Promise<void> {
    const engine = this.#engine as Engine;
    const partition = this.#dice(PARTITIONS);
    const { earliest, next } = engine.status('t', partition);
    const from = earliest + this.#dice(next - earliest + 1);
    this.steps.push(`read ${partition} from ${from}`);
    const { records } = await engine.fetch('t', partition, from, { maxRecords: 1 + this.#dice(20) });
    if (from < next) expect(records.length).toBeGreaterThan(0);
    for (const [index, { offset, value }] of records.entries()) {
      expect(offset).toBe(from + index);
      this.#known(partition, offset, value);
    }
  }

  async #time(): Promise<void> {
    await this.#settle();
    const engine = this.#engine as Engine;
    const partition = this.#dice(PARTITIONS);
    const time = this.#world.clock.nowMs() - this.#dice(1_200);
    const records = await readAll(engine, 't', partition);
    const expected = records.find(({ timestamp }) => timestamp >= time)?.offset ?? engine.status('t', partition).next;
    expect(await engine.offsetForTimestamp('t', partition, time)).toBe(expected);
  }

  #advance(): void {
    const ms = [1, 100, 1_000, 3_600_000][this.#dice(4)] as number;
    this.steps.push(`advance ${ms} ms`);
    if (ms > limits.retentionCheckIntervalMsDefault) this.#isRetentionApplied = true; // by the timer, some time
    this.#world.clock.advance(ms);
  }

  async #applyRetention(): Promise<void> {
    const engine = this.#engine as Engine;
    this.steps.push('retention');
    this.#isRetentionApplied = true;
    await engine.applyRetention().catch(() => undefined); // the disk may be full
    for (let partition = 0; partition < PARTITIONS; partition += 1)
      this.#floor[partition] = engine.status('t', partition).earliest;
  }

  #break(): void {
    const roll = this.#dice(6);
    this.steps.push(`break ${roll}`);
    this.#wasBroken = true;
    if (roll < 2) this.#world.disk.spaceLeft = this.#dice(2_000);
    else if (roll === 2) this.#faults.add('sync');
    else if (roll === 3) this.#faults.add('truncate');
    else this.#heal();
  }

  #heal(): void {
    this.#faults.clear();
    this.#world.disk.spaceLeft = Number.POSITIVE_INFINITY;
  }

  /** Every operation takes some turns, so that others come in between, and may fail. */
  #intrude(): void {
    this.#world.disk.intruder = async ({ kind, path }) => {
      const delay = this.#dice(4);
      if (delay > 1) await turns(delay - 1);
      const isLog = path.endsWith('.log');
      if (kind === 'dataSync' && isLog && this.#faults.has('sync') && this.#dice(3) === 0) throw errno('EIO', path);
      if (kind === 'truncate' && isLog && this.#faults.has('truncate')) throw errno('EIO', path);
    };
  }

  async #end(ending: Ending): Promise<void> {
    this.steps.push(ending);
    const engine = this.#engine as Engine;
    let way = ending;
    if (ending === 'close') {
      await engine.close().catch(() => {
        way = 'kill';
      });
      await this.#settle();
      if (this.#dice(3) === 0) this.#world.disk = this.#world.disk.kill();
    } else if (ending === 'kill') {
      this.#world.disk = this.#world.disk.kill();
    } else {
      this.#world.disk = this.#world.disk.powerCut(this.#dice);
    }
    this.#answers = []; // those of a dead process come never
    this.#heal();
    this.#intrude();
    this.#engine = await this.#world.open();
    for (let partition = 0; partition < PARTITIONS; partition += 1) await this.#check(partition, way);
    this.#wasBroken = false;
    this.#isRetentionApplied = false;
  }

  /** What a partition holds after it was opened. */
  async #check(partition: number, way: Ending): Promise<void> {
    const engine = this.#engine as Engine;
    const { state, earliest, next, reason } = engine.status('t', partition);
    expect([state, reason]).toEqual(['open', null]);
    const records = await readAll(engine, 't', partition);
    expect(records.map(({ offset }) => offset)).toEqual(
      Array.from({ length: next - earliest }, (_, index) => earliest + index),
    );
    // What retention removed stays away, and nothing but retention removes what is old.
    expect(earliest).toBeGreaterThanOrEqual(this.#floor[partition] as number);
    if (!this.#isRetentionApplied) expect(earliest).toBe(this.#floor[partition]);
    this.#floor[partition] = earliest;
    let previous: { readonly batch: Batch; readonly index: number } | undefined;
    const found = new Set<Batch>();
    for (const { offset, value, timestamp } of records) {
      const { batch, index } = this.#known(partition, offset, value);
      expect(timestamp).toBe(batch.timestamps[index]);
      // In the order of the appends, each batch whole.
      if (previous?.batch === batch) expect(index).toBe(previous.index + 1);
      else if (previous !== undefined) {
        expect(batch.sequence).toBeGreaterThan(previous.batch.sequence);
        expect([previous.index, index]).toEqual([previous.batch.values.length - 1, 0]);
      }
      previous = { batch, index };
      batch.baseOffset = offset - index;
      found.add(batch);
    }
    if (previous !== undefined) expect(previous.index).toBe(previous.batch.values.length - 1);
    for (const batch of this.#batches.filter((one) => one.partition === partition)) {
      const isRemoved = batch.baseOffset !== undefined && batch.baseOffset + batch.values.length <= earliest;
      if (found.has(batch) || (isRemoved && this.#mustBeThere(batch, way))) batch.state = 'settled';
      else if (this.#mustBeThere(batch, way)) throw new Error(`batch ${batch.sequence} (${batch.state}) is lost`);
      else if (batch.state !== 'refused') batch.state = 'gone';
    }
  }

  #mustBeThere({ state, durability }: Batch, way: Ending): boolean {
    if (state === 'settled') return true;
    if (state !== 'acked') return false;
    if (durability === 'memory') return way === 'close' && !this.#wasBroken;
    return durability === 'fsync' || way !== 'powerCut';
  }

  /** A record that is read was sent, to this partition, was not refused, did not come back, and has the offset that was answered. */
  #known(partition: number, offset: number, value: Buffer | null): { readonly batch: Batch; readonly index: number } {
    const text = value?.toString() ?? '';
    const batch = this.#byValue.get(text);
    if (batch === undefined)
      throw new Error(`offset ${offset} of ${partition} holds what nobody sent: ${text.slice(0, 20)}`);
    expect([batch.sequence, batch.partition]).toEqual([batch.sequence, partition]);
    expect(['refused', 'gone'], `batch ${batch.sequence}`).not.toContain(batch.state);
    const index = batch.values.indexOf(text);
    const isOffsetSure = batch.state === 'settled' || (batch.state === 'acked' && batch.durability !== 'memory');
    if (isOffsetSure) expect([batch.sequence, offset]).toEqual([batch.sequence, (batch.baseOffset as number) + index]);
    return { batch, index };
  }
}
