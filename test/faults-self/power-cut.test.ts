/** A power cut for a real process: it keeps what it synced, and loses what it only wrote. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CannotRecord, cutFrom, flipBit, placesOf, recordFiles } from '../../src/faults/index.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-power-'));
});
afterAll(async () => await rm(directory, { recursive: true, force: true }));

const hasStrace = spawnSync('strace', ['--version']).status === 0;

/** Writes a byte to each of two files a hundred times and syncs one of them after the first fifty; what was open before it was recorded too. */
const program = `
const fs = require('node:fs');
const [synced, written] = ['synced', 'written'].map((name) => fs.openSync(process.argv[1] + '/' + name, 'a'));
const both = (count) => { for (let i = 0; i < count; i++) for (const file of [synced, written]) fs.writeSync(file, 'x'); };
both(10);
process.stdin.once('data', () => {
  both(50);
  fs.fdatasyncSync(synced);
  both(40);
  fs.writeFileSync(process.argv[1] + '/made', 'never synced');
  process.stdout.write('done');
});
process.stdout.write('ready');
`;

test.skipIf(!hasStrace)(
  'what was synced stays, what was only written goes, and what was there before stays',
  async () => {
    const data = await mkdtemp(join(directory, 'data-'));
    const child = spawn(process.execPath, ['-e', program, data], { stdio: ['pipe', 'pipe', 'inherit'] });
    await once(child.stdout, 'data');
    child.kill('SIGSTOP');
    const recorder = await recordFiles({ pid: child.pid ?? 0, directory: data, traceFile: join(directory, 'trace') });
    child.kill('SIGCONT');
    child.stdin.write('go');
    await once(child.stdout, 'data');
    child.kill('SIGKILL');
    const cut = await recorder.cut();
    const lengthOf = async (name: string) => (await readFile(join(data, name))).length;
    expect(await Promise.all(['synced', 'written', 'made'].map(lengthOf))).toEqual([60, 10, 0]);
    expect(cut).toEqual({ files: 3, filesShortened: 3, bytesLost: 40 + 90 + 12, syncs: 1, notUnderstood: [] });
  },
);

test.skipIf(!hasStrace)('a file that grew in a way that was not seen is left as it is, and named', async () => {
  const data = await mkdtemp(join(directory, 'data-'));
  const child = spawn(process.execPath, ['-e', program, data], { stdio: ['pipe', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const recorder = await recordFiles({ pid: child.pid ?? 0, directory: data, traceFile: join(directory, 'trace-2') });
  await writeFile(join(data, 'written'), 'by somebody else', { flag: 'a' });
  child.kill('SIGKILL');
  const cut = await recorder.cut();
  expect((await readFile(join(data, 'written'))).length).toBe(26);
  expect(cut.notUnderstood).toEqual(['written: 26 bytes, by its calls 10']);
});

test.skipIf(!hasStrace)('a process that is not there cannot be recorded, and that is said', async () => {
  const child = spawn(process.execPath, ['-e', '']);
  await once(child, 'exit');
  const recording = recordFiles({ pid: child.pid ?? 0, directory, traceFile: join(directory, 'trace-3') });
  await expect(recording).rejects.toThrow(CannotRecord);
});

test('a message is found by its bytes wherever it lies; one bit of it flips, or the file ends in it', async () => {
  const data = await mkdtemp(join(directory, 'data-'));
  await writeFile(join(data, 'log'), 'head message tail message');
  await writeFile(join(data, 'other'), 'no such thing');
  const places = await placesOf(data, Buffer.from('message'));
  expect(places.map(({ offset }) => offset)).toEqual([5, 18]);
  const [first, last] = places;
  if (first === undefined || last === undefined) throw new Error('not found');
  await flipBit(first);
  expect(await readFile(join(data, 'log'), 'utf8')).toBe('head lessage tail message');
  await cutFrom({ ...last, offset: last.offset + 3 });
  expect(await readFile(join(data, 'log'), 'utf8')).toBe('head lessage tail mes');
});
