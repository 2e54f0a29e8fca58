/** What a topic can be told, what of it can change, and that it is still known after a restart. */

import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { systemFileSystem } from '../../src/core-log/platform/file-system.ts';
import { systemClock } from '../../src/core-log/platform/clock.ts';
import { DurableMap } from '../../src/core-log/storage/durable-map.ts';
import { SpaceReserve } from '../../src/core-log/storage/space-reserve.ts';
import { numbered, START_MS, temporaryPlace, valuesOf } from './temporary-engine.ts';

describe('the options of a topic', () => {
  it('are kept through a restart, all of them', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    const options = {
      partitions: 2,
      retention: { ms: 5_000, bytes: 6_000 },
      cleanup: 'compact,delete',
      segmentBytes: 7_000,
      segmentMs: 8_000,
      deleteRetentionMs: 9_000,
      timestampType: 'append',
      maxRecordBytes: 10_000,
    } as const;
    expect(await engine.createTopic('t', options)).toEqual({ name: 't', ...options });
    await engine.close();
    expect((await place.open()).topic('t')).toEqual({ name: 't', ...options });
  });

  it('that are wrong are refused together, and nothing is made', async () => {
    const engine = await (await temporaryPlace()).open();
    const wrong = { cleanup: 'shred', timestampType: 'never', segmentMs: 0, maxRecordBytes: -1 } as never;
    await expect(engine.createTopic('t', wrong)).rejects.toMatchObject({
      code: 'invalid_option',
      message: expect.stringMatching(/cleanup.*segmentMs.*timestampType.*maxRecordBytes/),
    });
    expect(engine.topic('t')).toBeUndefined();
  });

  it('of an entry that an older version wrote are completed with the defaults', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.append('t', 0, numbered(2));
    await engine.close();
    const older = {
      name: 't',
      partitions: 1,
      retention: { ms: null, bytes: null },
      cleanup: 'delete',
      segmentBytes: 4_096,
    };
    const meta = join(place.dataDir, 'meta');
    const reserve = new SpaceReserve(systemFileSystem, meta);
    const topics = await DurableMap.open(systemFileSystem, systemClock, reserve, meta, 'topics');
    await topics.put('t', Buffer.from(JSON.stringify({ ...older, isGoing: false })));
    await topics.close();
    const again = await place.open();
    expect(again.topic('t')).toMatchObject({ ...older, segmentMs: null, timestampType: 'create' });
    expect(await valuesOf(again, 't')).toEqual(['v-0', 'v-1']);
  });
});

describe('altering a topic', () => {
  it('adds partitions that work at once and after a restart, and leaves the others as they are', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.append('t', 0, numbered(2));
    expect(await engine.alterTopic('t', { partitions: 3 })).toMatchObject({ partitions: 3 });
    await engine.append('t', 2, numbered(1, 'new'));
    await engine.close();
    const again = await place.open();
    expect(again.topic('t')?.partitions).toBe(3);
    expect(await valuesOf(again, 't', 0)).toEqual(['v-0', 'v-1']);
    expect(await valuesOf(again, 't', 2)).toEqual(['new-0']);
  });

  it('cannot take partitions away', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t', { partitions: 3 });
    await expect(engine.alterTopic('t', { partitions: 2 })).rejects.toMatchObject({ code: 'invalid_option' });
    await expect(engine.alterTopic('gone', { partitions: 2 })).rejects.toMatchObject({ code: 'topic_not_found' });
    expect(engine.topic('t')?.partitions).toBe(3);
  });

  it('does not disturb appends and readers under way, and many at once do not undo each other', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    const waiting = engine.waitForAppend('t', 0, 20);
    const [, ...appended] = await Promise.all([
      Promise.all([
        engine.alterTopic('t', { partitions: 4 }),
        engine.alterTopic('t', { segmentMs: 60_000 }),
        engine.alterTopic('t', { retention: { bytes: 1_000_000 } }),
        engine.alterTopic('t', { partitions: 5 }),
      ]),
      ...numbered(21).map(async (record) => await engine.append('t', 0, [record])),
    ]);
    expect(appended.map(({ baseOffset }) => baseOffset)).toEqual(Array.from({ length: 21 }, (_, index) => index));
    expect(await waiting).toBe(true);
    expect(engine.topic('t')).toMatchObject({
      partitions: 5,
      segmentMs: 60_000,
      retention: { ms: null, bytes: 1_000_000 },
    });
  });

  it('changes what the next append and the next retention go by', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.alterTopic('t', { segmentBytes: 1_024, maxRecordBytes: 700 });
    for (let index = 0; index < 4; index += 1) await engine.append('t', 0, [{ value: Buffer.alloc(600, index) }]);
    expect(engine.status('t', 0).segments).toBe(4);
    await expect(engine.append('t', 0, [{ value: Buffer.alloc(700) }])).rejects.toMatchObject({
      code: 'record_too_large',
    });
    await engine.alterTopic('t', { retention: { bytes: 700 } });
    await engine.applyRetention();
    expect(engine.status('t', 0).earliest).toBe(2);
  });
});

describe('a segment', () => {
  it('is closed at the age that the topic says', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    // A segment's age counts from the birth of its file, which knows real time only.
    place.clock.move(Date.now() - START_MS);
    await engine.createTopic('t', { segmentMs: 60_000 });
    await engine.append('t', 0, numbered(1));
    place.clock.move(50_000);
    await engine.append('t', 0, numbered(1));
    expect(engine.status('t', 0).segments).toBe(1);
    place.clock.move(60_000);
    await engine.append('t', 0, numbered(1));
    expect(engine.status('t', 0).segments).toBe(2);
  });
});

describe('a compacted topic', () => {
  it('takes no record without a key, at either door', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t', { cleanup: 'compact' });
    await expect(engine.append('t', 0, [{ key: 'k', value: 'a' }, { value: 'b' }])).rejects.toMatchObject({
      code: 'key_required',
      message: expect.stringContaining('records[1]'),
    });
    expect(engine.status('t', 0).next).toBe(0);
  });

  it('without "delete" loses nothing to retention', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t', { cleanup: 'compact', segmentBytes: 1_024, retention: { bytes: 1 } });
    for (let index = 0; index < 3; index += 1)
      await engine.append('t', 0, [{ key: `k${index}`, value: Buffer.alloc(900) }]);
    expect(await engine.applyRetention()).toBe(0);
    await engine.alterTopic('t', { cleanup: 'compact,delete' });
    expect(await engine.applyRetention()).toBe(2);
  });
});

describe('the version of the directory', () => {
  it('is raised when an older one is opened, and its identity stays', async () => {
    const place = await temporaryPlace();
    await (await place.open()).close();
    const path = join(place.dataDir, 'format-version');
    await writeFile(path, `${JSON.stringify({ format: 'sluice-log', version: 1, id: 'mine' })}\n`);
    await (await place.open()).close();
    expect(JSON.parse(await readFile(path, 'utf8'))).toEqual({ format: 'sluice-log', version: 2, id: 'mine' });
    await writeFile(path, `${JSON.stringify({ format: 'sluice-log', version: 3, id: 'mine' })}\n`);
    await expect(place.open()).rejects.toMatchObject({ code: 'format_too_new' });
    expect(existsSync(join(place.dataDir, 'clean-shutdown'))).toBe(true);
  });
});
