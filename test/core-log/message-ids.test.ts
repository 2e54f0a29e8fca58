/** A message with an id is stored once within the window, and a repetition is answered with the first one's place. */

import { describe, expect, it } from 'vitest';
import type { Engine } from '../../src/core-log/index.ts';
import { MessageIdBudget, MessageIds } from '../../src/core-log/broker/message-ids.ts';
import { limits } from '../../src/core-log/limits.ts';
import { fillableFiles, numbered, type Place, readAll, temporaryPlace, valuesOf } from './temporary-engine.ts';

async function opened(place: Place): Promise<Engine> {
  const engine = await place.open();
  if (engine.topic('t') === undefined) await engine.createTopic('t');
  return engine;
}

async function publish(engine: Engine, ...ids: (string | null)[]) {
  return await engine.append(
    't',
    0,
    ids.map((id) => ({ value: `of ${id}` })),
    { ids },
  );
}

describe('ids of many partitions', () => {
  it('that are over give way first, and the oldest of all after them: an idle partition takes nothing from a busy one', () => {
    const budget = new MessageIdBudget(1_000);
    const idle = Array.from({ length: 10 }, () => new MessageIds(budget));
    for (const table of idle) for (let at = 0; at < 100; at += 1) table.note(`i${at}`, at, 0);
    const busy = new MessageIds(budget);
    const laterMs = limits.messageIdWindowMs + 1;
    for (const id of ['x', 'y']) busy.note(id, 0, laterMs);
    expect([busy.find('x', laterMs)?.offset, busy.size, budget.count]).toEqual([0, 2, 2]);
  });

  it('within their time: the oldest of all go', () => {
    const budget = new MessageIdBudget(200);
    const [old, young] = [new MessageIds(budget), new MessageIds(budget)];
    for (let at = 0; at < 100; at += 1) old.note(`o${at}`, at, at);
    for (let at = 0; at < 150; at += 1) young.note(`y${at}`, at, 10_000 + at);
    expect(budget.count).toBeLessThanOrEqual(200);
    expect([young.size, old.find('o0', 10_200), old.find('o99', 10_200) !== undefined]).toEqual([
      150,
      undefined,
      budget.count > 150,
    ]);
    old.close();
    expect(budget.count).toBe(150);
  });
});

describe('a message with an id', () => {
  it('that comes again is answered with the first place, and only what is new is stored', async () => {
    const engine = await opened(await temporaryPlace());
    await engine.append('t', 0, numbered(3));
    expect((await publish(engine, 'a', null, 'b')).positions).toEqual([
      { offset: 3, isDuplicate: false },
      { offset: 4, isDuplicate: false },
      { offset: 5, isDuplicate: false },
    ]);
    expect(await publish(engine, 'b', 'c', null, 'a')).toEqual({
      baseOffset: 3,
      lastOffset: 7,
      durability: 'fsync',
      positions: [
        { offset: 5, isDuplicate: true },
        { offset: 6, isDuplicate: false },
        { offset: 7, isDuplicate: false },
        { offset: 3, isDuplicate: true },
      ],
    });
    expect(await publish(engine, 'a', 'b')).toMatchObject({ isDuplicate: true, baseOffset: 3, lastOffset: 5 });
    expect((await valuesOf(engine, 't')).slice(3)).toEqual(['of a', 'of null', 'of b', 'of c', 'of null']);
  });

  it('carries it as a header behind its own', async () => {
    const engine = await opened(await temporaryPlace());
    await engine.append('t', 0, [{ value: 'v', headers: [{ name: 'h', value: '1' }] }], { ids: ['a'] });
    const [record] = await readAll(engine, 't');
    expect(record?.headers.map(({ name, value }) => `${name}=${String(value)}`)).toEqual(['h=1', 'sluice-id=a']);
  });

  it('twice in one append is stored once', async () => {
    const engine = await opened(await temporaryPlace());
    expect((await publish(engine, 'a', 'b', 'a')).positions).toEqual([
      { offset: 0, isDuplicate: false },
      { offset: 1, isDuplicate: false },
      { offset: 0, isDuplicate: true },
    ]);
    expect(engine.status('t', 0).next).toBe(2);
  });

  it('that is on its way is answered when the first one is stored, not before', async () => {
    const engine = await opened(await temporaryPlace());
    const answered: string[] = [];
    const told = (name: string) => () => answered.push(name);
    await Promise.all([
      publish(engine, 'a').then(told('first')),
      publish(engine, 'a').then(told('second')),
      publish(engine, 'a').then(told('third')),
    ]);
    expect(answered[0]).toBe('first');
    expect(engine.status('t', 0).next).toBe(1);
  });

  it('that could not be written is not known: none of its repetitions is told that it was stored', async () => {
    const place = await temporaryPlace();
    const fileSystem = fillableFiles();
    const engine = await place.open({ fileSystem });
    await engine.createTopic('t');
    fileSystem.isFull = true;
    const refused = await Promise.allSettled([publish(engine, 'a'), publish(engine, 'a'), publish(engine, 'b', 'a')]);
    expect(refused.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    fileSystem.isFull = false;
    expect((await publish(engine, 'a')).positions).toEqual([{ offset: 0, isDuplicate: false }]);
    expect(await valuesOf(engine, 't')).toEqual(['of a']);
  });

  it('that was stored less deep than a repetition asks is made as deep before the answer', async () => {
    const place = await temporaryPlace();
    let syncs = 0;
    const files = fillableFiles();
    const fileSystem = {
      ...files,
      open: async (path: string, mode: 'read' | 'write') => {
        const file = await files.open(path, mode);
        const dataSync = file.dataSync.bind(file);
        if (path.endsWith('.log'))
          file.dataSync = async () => {
            syncs += 1;
            await dataSync();
          };
        return file;
      },
    };
    const engine = await place.open({ fileSystem });
    await engine.createTopic('t');
    syncs = 0;
    await engine.append('t', 0, [{ value: 'v' }], { ids: ['a'], durability: 'os' });
    expect(syncs).toBe(0);
    await engine.append('t', 0, [{ value: 'v' }], { ids: ['a'], durability: 'fsync' });
    expect(syncs).toBe(1);
  });

  it.each([
    ['fewer ids than records', ['a']],
    ['an id without characters', ['a', '']],
    ['an id that is too long', ['a', 'x'.repeat(limits.messageIdCharactersMax + 1)]],
  ])('with %s is refused', async (_, ids) => {
    const engine = await opened(await temporaryPlace());
    await expect(engine.append('t', 0, numbered(2), { ids })).rejects.toMatchObject({ code: 'invalid_option' });
    expect(engine.status('t', 0).next).toBe(0);
  });
});

describe('the window of ids', () => {
  it('ends with its time', async () => {
    const place = await temporaryPlace();
    const engine = await opened(place);
    await publish(engine, 'a');
    place.clock.move(limits.messageIdWindowMs - 1);
    expect(await publish(engine, 'a')).toMatchObject({ isDuplicate: true });
    place.clock.move(1);
    expect(await publish(engine, 'a')).toMatchObject({ baseOffset: 1 });
  });

  it('is bounded in number: the oldest is forgotten first', async () => {
    const engine = await opened(await temporaryPlace());
    const ids = Array.from({ length: limits.messageIdsPerPartitionMax + 1 }, (_, index) => `id-${index}`);
    for (let from = 0; from < ids.length; from += 20_000) {
      const part = ids.slice(from, from + 20_000);
      await engine.append(
        't',
        0,
        part.map(() => ({ value: null })),
        { ids: part, durability: 'os' },
      );
    }
    expect((await publish(engine, 'id-1', 'id-0')).positions?.map(({ isDuplicate }) => isDuplicate)).toEqual([
      true,
      false,
    ]);
  });

  it('survives a clean close, with its time', async () => {
    const place = await temporaryPlace();
    const engine = await opened(place);
    await publish(engine, 'a', 'b');
    await engine.close();
    place.clock.move(limits.messageIdWindowMs - 1);
    const again = await opened(place);
    expect(await publish(again, 'b')).toMatchObject({ baseOffset: 1, isDuplicate: true });
    place.clock.move(1);
    expect(await publish(again, 'b')).toMatchObject({ baseOffset: 2 });
  });

  it('survives a crash: what the log has, the window knows', async () => {
    const place = await temporaryPlace();
    const engine = await opened(place);
    await publish(engine, 'a', 'b');
    await engine.append('t', 0, numbered(5));
    await publish(engine, 'c');
    const again = await opened(await place.afterCrash());
    expect((await publish(again, 'c', 'a', 'd', 'b')).positions).toEqual([
      { offset: 7, isDuplicate: true },
      { offset: 0, isDuplicate: true },
      { offset: 8, isDuplicate: false },
      { offset: 1, isDuplicate: true },
    ]);
  });

  it('survives that its records are deleted', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t', { segmentBytes: 1_024 });
    await publish(engine, 'a', 'b');
    await engine.append('t', 0, [{ value: Buffer.alloc(1_000) }]);
    await engine.deleteRecords('t', 0, 3);
    const again = await (await place.afterCrash()).open();
    expect(again.status('t', 0)).toMatchObject({ earliest: 3, segments: 1 });
    expect(await publish(again, 'b')).toMatchObject({ baseOffset: 1, isDuplicate: true });
  });
});
