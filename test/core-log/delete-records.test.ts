/** deleteRecords: what was deleted stays deleted, whatever happens to the process. */

import { describe, expect, it } from 'vitest';
import { numbered, temporaryPlace, valuesOf } from './temporary-engine.ts';

describe('deleting records', () => {
  it('moves the earliest offset, inside a batch too, and reads below it are out of range', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    await engine.append('t', 0, numbered(10));
    expect(await engine.deleteRecords('t', 0, 4)).toBe(4);
    expect(engine.status('t', 0)).toMatchObject({ earliest: 4, next: 10 });
    expect((await valuesOf(engine, 't'))[0]).toBe('v-4');
    await expect(engine.fetch('t', 0, 3)).rejects.toMatchObject({ code: 'offset_out_of_range' });
    await expect(engine.readBatches('t', 0, 3)).rejects.toMatchObject({ code: 'offset_out_of_range' });
    expect(await engine.offsetForTimestamp('t', 0, 0)).toBe(4);
  });

  it('holds after a restart and never goes back', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    await engine.append('t', 0, numbered(10));
    await engine.deleteRecords('t', 0, 6);
    expect(await engine.deleteRecords('t', 0, 2)).toBe(6);
    await engine.close();
    const again = await place.open();
    expect(again.status('t', 0)).toMatchObject({ earliest: 6, next: 10, state: 'open' });
    expect(await valuesOf(again, 't')).toEqual(['v-6', 'v-7', 'v-8', 'v-9']);
  });

  it('frees the segments that nobody can read any more, and no other', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t', { segmentBytes: 1_024, cleanup: 'compact' });
    for (let index = 0; index < 5; index += 1) await engine.append('t', 0, [{ key: 'k', value: Buffer.alloc(900) }]);
    expect(engine.status('t', 0).segments).toBe(5);
    await engine.deleteRecords('t', 0, 3);
    expect(engine.status('t', 0)).toMatchObject({ segments: 2, earliest: 3 });
    await engine.close();
    expect((await place.open()).status('t', 0)).toMatchObject({ segments: 2, earliest: 3, next: 5 });
  });

  it('up to the end leaves an empty log that goes on with the next offset', async () => {
    const place = await temporaryPlace();
    const engine = await place.open();
    await engine.createTopic('t');
    void engine.append('t', 0, numbered(3), { durability: 'memory' });
    expect(await engine.deleteRecords('t', 0, 3)).toBe(3);
    expect(await valuesOf(engine, 't')).toEqual([]);
    expect(await engine.fetch('t', 0, 3)).toEqual({ records: [], next: 3 });
    await engine.append('t', 0, [{ value: 'after' }]);
    await engine.close();
    expect(await valuesOf(await place.open(), 't')).toEqual(['after']);
  });

  it('beyond the end is refused', async () => {
    const engine = await (await temporaryPlace()).open();
    await engine.createTopic('t');
    await engine.append('t', 0, numbered(3));
    await expect(engine.deleteRecords('t', 0, 4)).rejects.toMatchObject({ code: 'offset_out_of_range' });
    await expect(engine.deleteRecords('t', 0, -1)).rejects.toMatchObject({ code: 'offset_out_of_range' });
  });
});
