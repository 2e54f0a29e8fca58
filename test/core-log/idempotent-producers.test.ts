/** A batch of an idempotent producer is stored once, in its order, whatever is sent again and whatever happens in between. */

import { readdirSync } from 'node:fs';
import { readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Engine, LogPersistence } from '../../src/core-log/index.ts';
import { limits } from '../../src/core-log/limits.ts';
import { fillableFiles, foreignBatch, numbered, type Place, temporaryPlace, valuesOf } from './temporary-engine.ts';

interface Sent {
  readonly producerId?: number;
  readonly epoch?: number;
  readonly count?: number;
  readonly durability?: LogPersistence;
}

/** Sends the batch of a producer that begins at this sequence; its values are its sequences. */
async function send(
  engine: Engine,
  sequence: number,
  { producerId = 1, epoch = 0, count = 2, durability = 'os' }: Sent = {},
) {
  const records = Array.from({ length: count }, (_, index) => ({
    value: `${producerId}.${epoch}.${sequence + index}`,
  }));
  const batch = foreignBatch(records, { producerId, producerEpoch: epoch, baseSequence: sequence });
  return await engine.appendBatch('t', 0, batch, { durability });
}

async function opened(place: Place): Promise<Engine> {
  const engine = await place.open();
  if (engine.topic('t') === undefined) await engine.createTopic('t');
  return engine;
}

const outOfOrder = { code: 'out_of_order_sequence' };
const fenced = { code: 'producer_fenced' };

describe('a producer with an id', () => {
  it('is told the first place when it sends one of its last five batches again, and nothing is stored twice', async () => {
    const engine = await opened(await temporaryPlace());
    for (let sequence = 0; sequence < 14; sequence += 2) {
      await send(engine, sequence);
      await engine.append('t', 0, [{ value: 'x' }], { durability: 'os' });
    }
    const { next } = engine.status('t', 0);
    for (let batch = 2; batch < 7; batch += 1) {
      expect(await send(engine, batch * 2)).toEqual({
        baseOffset: batch * 3,
        lastOffset: batch * 3 + 1,
        durability: 'os',
        isDuplicate: true,
      });
    }
    expect(engine.status('t', 0).next).toBe(next);
    await expect(send(engine, 0)).rejects.toMatchObject(outOfOrder);
  });

  it('cannot leave a batch out, nor send the same records cut another way', async () => {
    const engine = await opened(await temporaryPlace());
    await send(engine, 0);
    await expect(send(engine, 4)).rejects.toMatchObject({
      ...outOfOrder,
      message: expect.stringContaining('sent sequence 4 to t-0 where 2 follows'),
    });
    await expect(send(engine, 0, { count: 1 })).rejects.toMatchObject(outOfOrder);
    await expect(send(engine, 1)).rejects.toMatchObject(outOfOrder);
    await send(engine, 2);
    expect(await valuesOf(engine, 't')).toEqual(['1.0.0', '1.0.1', '1.0.2', '1.0.3']);
  });

  it('has a sequence of its own on every partition, beside those of others', async () => {
    const engine = await opened(await temporaryPlace());
    await engine.alterTopic('t', { partitions: 2 });
    await send(engine, 0);
    await send(engine, 0, { producerId: 2 });
    await send(engine, 2);
    const elsewhere = foreignBatch(numbered(1), { producerId: 1, producerEpoch: 0, baseSequence: 0 });
    expect(await engine.appendBatch('t', 1, elsewhere)).toEqual({ baseOffset: 0, lastOffset: 0, durability: 'fsync' });
    expect(engine.status('t', 0).next).toBe(6);
  });

  it('goes on at 0 after the last sequence of 31 bits', async () => {
    const engine = await opened(await temporaryPlace());
    await send(engine, 2 ** 31 - 3, { count: 2 });
    const around = foreignBatch(numbered(3), { producerId: 1, producerEpoch: 0, baseSequence: 2 ** 31 - 1 });
    await engine.appendBatch('t', 0, Buffer.from(around));
    expect(await engine.appendBatch('t', 0, Buffer.from(around))).toMatchObject({ baseOffset: 2, isDuplicate: true });
    await send(engine, 2);
    expect(engine.status('t', 0).next).toBe(7);
  });

  it('can have five batches under way, and send them all again before the first is answered', async () => {
    const engine = await opened(await temporaryPlace());
    const sequences = [0, 2, 4, 6, 8];
    const answers = await Promise.all(
      [...sequences, ...sequences].map(async (sequence) => await send(engine, sequence, { durability: 'fsync' })),
    );
    expect(answers.map(({ baseOffset }) => baseOffset)).toEqual([...sequences, ...sequences]);
    expect(answers.map(({ isDuplicate }) => isDuplicate ?? false)).toEqual([
      ...Array(5).fill(false),
      ...Array(5).fill(true),
    ]);
    expect(engine.status('t', 0).next).toBe(10);
  });

  it('whose first write failed is not told that it was stored, and can send all of it again in order', async () => {
    const place = await temporaryPlace();
    const fileSystem = fillableFiles();
    const engine = await place.open({ fileSystem });
    await engine.createTopic('t');
    await send(engine, 0);
    fileSystem.isFull = true;
    const refused = await Promise.allSettled([send(engine, 2), send(engine, 2), send(engine, 4), send(engine, 0)]);
    expect(refused.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected', 'rejected', 'fulfilled']);
    fileSystem.isFull = false;
    await expect(send(engine, 4)).rejects.toMatchObject(outOfOrder);
    expect(await send(engine, 2)).toEqual({ baseOffset: 2, lastOffset: 3, durability: 'os' });
    await send(engine, 4);
    expect(await valuesOf(engine, 't')).toEqual([0, 1, 2, 3, 4, 5].map((sequence) => `1.0.${sequence}`));
  });

  it('of which nothing is left after a refused first batch cannot begin with the second', async () => {
    const place = await temporaryPlace();
    const fileSystem = fillableFiles();
    const engine = await place.open({ fileSystem });
    await engine.createTopic('t');
    fileSystem.isFull = true;
    await expect(send(engine, 0)).rejects.toMatchObject({ code: 'storage_full' });
    fileSystem.isFull = false;
    await expect(send(engine, 2)).rejects.toMatchObject(outOfOrder);
    expect(await send(engine, 0)).toMatchObject({ baseOffset: 0 });
  });

  it('keeps its whole window when what pushed the oldest out was refused', async () => {
    const place = await temporaryPlace();
    const fileSystem = fillableFiles();
    const engine = await place.open({ fileSystem });
    await engine.createTopic('t');
    for (const sequence of [0, 2, 4, 6, 8]) await send(engine, sequence);
    fileSystem.isFull = true;
    await Promise.allSettled([10, 12, 14].map(async (sequence) => await send(engine, sequence)));
    fileSystem.isFull = false;
    expect(await send(engine, 0)).toMatchObject({ baseOffset: 0, isDuplicate: true });
  });
});

describe('epochs', () => {
  it('that are older than the last one are fenced; a newer one begins at sequence 0', async () => {
    const engine = await opened(await temporaryPlace());
    await send(engine, 0, { epoch: 3 });
    await expect(send(engine, 2, { epoch: 2 })).rejects.toMatchObject(fenced);
    await expect(send(engine, 2, { epoch: 4 })).rejects.toMatchObject(outOfOrder);
    await send(engine, 0, { epoch: 4 });
    await expect(send(engine, 2, { epoch: 3 })).rejects.toMatchObject(fenced);
    expect(await valuesOf(engine, 't')).toEqual(['1.3.0', '1.3.1', '1.4.0', '1.4.1']);
  });

  it('are counted up by initProducer, and the older ones end at once, also on partitions that never saw the new one', async () => {
    const place = await temporaryPlace();
    const engine = await opened(place);
    const first = await engine.initProducer();
    await send(engine, 0, { producerId: first.producerId });
    const second = await engine.initProducer(first);
    expect(second).toEqual({ producerId: first.producerId, epoch: 1 });
    await expect(send(engine, 2, { producerId: first.producerId })).rejects.toMatchObject(fenced);
    await expect(engine.initProducer(first)).rejects.toMatchObject(fenced);
    const after = await opened(await place.afterCrash());
    await expect(send(after, 2, { producerId: first.producerId })).rejects.toMatchObject(fenced);
    expect(await send(after, 0, second)).toMatchObject({ baseOffset: 2 });
  });

  it('that are used up lead to another id', async () => {
    const engine = await opened(await temporaryPlace());
    const { producerId } = await engine.initProducer();
    const other = await engine.initProducer({ producerId, epoch: 32_767 });
    expect([other.producerId === producerId, other.epoch]).toEqual([false, 0]);
  });
});

describe('producer ids', () => {
  it('are given out once, also after crashes', async () => {
    const given = new Set<number>();
    let place = await temporaryPlace();
    for (let round = 0; round < 3; round += 1) {
      const engine = await place.open();
      const ids = await Promise.all(Array.from({ length: 700 }, async () => await engine.initProducer()));
      for (const { producerId } of ids) given.add(producerId);
      place = await place.afterCrash();
    }
    expect(given.size).toBe(2_100);
  });

  it('that were not given out here cannot be renewed', async () => {
    const engine = await opened(await temporaryPlace());
    await expect(engine.initProducer({ producerId: 5, epoch: 0 })).rejects.toMatchObject({ code: 'invalid_option' });
  });
});

describe('what is known of producers', () => {
  const restarts: readonly [string, (place: Place, engine: Engine) => Promise<Place>][] = [
    [
      'a clean close',
      async (place, engine) => {
        await engine.close();
        return place;
      },
    ],
    ['a crash', async (place) => await place.afterCrash()],
    [
      'a clean close and the loss of what was written down',
      async (place, engine) => {
        await engine.close();
        for (const name of snapshots(place)) await truncate(join(place.partition('t'), name), 10);
        return place;
      },
    ],
    [
      'a crash after retention took its batches',
      async (place, engine) => {
        await engine.append('t', 0, [{ value: Buffer.alloc(1_000) }]);
        expect(await engine.deleteRecords('t', 0, engine.status('t', 0).next)).toBeGreaterThan(0);
        expect(engine.status('t', 0).segments).toBe(1);
        return await place.afterCrash();
      },
    ],
  ];
  it.each(restarts)('survives %s', async (_, restart) => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t', { segmentBytes: 1_024 });
    for (let sequence = 0; sequence < 20; sequence += 2) await send(engine, sequence, { durability: 'fsync' });
    await send(engine, 0, { producerId: 2, epoch: 5, durability: 'fsync' });
    const again = await opened(await restart(place, engine));
    const { next } = again.status('t', 0);
    for (const sequence of [10, 12, 14, 16, 18]) {
      expect(await send(again, sequence)).toMatchObject({
        baseOffset: sequence,
        lastOffset: sequence + 1,
        isDuplicate: true,
      });
    }
    await expect(send(again, 22)).rejects.toMatchObject(outOfOrder);
    await expect(send(again, 0, { producerId: 2, epoch: 4 })).rejects.toMatchObject(fenced);
    expect(await send(again, 20)).toMatchObject({ baseOffset: next });
  });

  it('of a tail that a power cut took is forgotten with it', async () => {
    const place = await temporaryPlace();
    const engine = await opened(place);
    await send(engine, 0, { durability: 'fsync' });
    await engine.close();
    // The log and the mark of now, and what was written down later, of batches that are gone.
    const log = join(place.partition('t'), '00000000000000000000.log');
    const mark = join(place.partition('t'), 'synced-mark');
    const before = [await readFile(log), await readFile(mark)] as const;
    const later = await opened(place);
    await send(later, 2, { durability: 'fsync' });
    await later.close();
    await writeFile(log, before[0]);
    await writeFile(mark, before[1]);
    const again = await opened(place);
    expect(again.status('t', 0)).toMatchObject({ state: 'open', next: 2 });
    expect(snapshots(place)).toEqual(['00000000000000000002.publishers']);
    await again.append('t', 0, numbered(3));
    expect(await send(again, 2)).toEqual({ baseOffset: 5, lastOffset: 6, durability: 'os' });
  });

  it('is bounded: the producer used longest ago is forgotten, and one that rests for a day', async () => {
    const place = await temporaryPlace();
    const engine = await opened(place);
    for (let producerId = 0; producerId <= limits.producersMax; producerId += 100) {
      await Promise.all(
        Array.from(
          { length: 100 },
          async (_, index) => await send(engine, 0, { producerId: producerId + index, count: 1 }),
        ),
      );
    }
    // Forgotten: its second batch is taken at any sequence.
    expect(await send(engine, 77, { producerId: 0 })).not.toHaveProperty('isDuplicate');
    await expect(send(engine, 77, { producerId: limits.producersMax })).rejects.toMatchObject(outOfOrder);
    place.clock.move(limits.producerExpiryMs);
    await send(engine, 0, { producerId: 1_000_000 });
    expect(await send(engine, 77, { producerId: limits.producersMax })).not.toHaveProperty('isDuplicate');
  });
});

function snapshots(place: Place): string[] {
  return readdirSync(place.partition('t')).filter((name) => name.endsWith('.publishers'));
}
