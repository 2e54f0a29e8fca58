/** A workload file is believed only as far as it is understood. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWorkload, WorkloadFileError } from '../../src/compare/workload-file.ts';

let directory: string;
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'sluice-workload-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

async function read(text: string) {
  const path = join(directory, 'workload.yaml');
  await writeFile(path, text);
  return await readWorkload(path, ['port']);
}

test('with a bound on the p99 instead of a rate it is a search for the highest rate that keeps it', async () => {
  const spec = await read('id: my-orders\np99MsMax: 40\nmeasuredMs: 2000\n');
  expect(spec).toMatchObject({
    mode: 'sustainable-rate',
    ratePerSecond: null,
    ladder: { p99MsMax: 40, confirmMs: 2_000 },
    repeatsMax: 3,
  });
  await expect(read('id: x\np99MsMax: 40\nratePerSecond: 5\n')).rejects.toThrow(/exclude each other/);
  await expect(read('id: x\np99MsMax: 40\nmeasuredMs: 60000\n')).rejects.toThrow(/together at most 30000 ms/);
});

test('with a rate it is an equal load as long as its window', async () => {
  const spec = await read('id: my-orders\nratePerSecond: 200\nmeasuredMs: 2000\nwarmupMs: 500\nmessageBytes: 300\n');
  expect(spec).toMatchObject({
    id: 'my-orders',
    mode: 'equal-load',
    arrival: 'poisson',
    messages: 500,
    messageBytes: 300,
  });
});

test('without a rate it is an own maximum', async () => {
  expect(await read('{"id": "as-fast-as-can"}')).toMatchObject({
    mode: 'own-maximum',
    arrival: 'closed-window',
    ratePerSecond: null,
  });
});

test.each([
  ['id: x\nmessagebytes: 5\n', 'messagebytes'],
  ['id: x\npartitions: 0\n', 'partitions'],
  ['messageBytes: 5\n', 'id'],
  ['id: fan-out\n', 'fan-out'],
  ['id: [\n', 'workload.yaml'],
])('%j is refused, and the message names %s', async (text, named) => {
  const reading = read(text);
  await expect(reading).rejects.toThrow(WorkloadFileError);
  await expect(reading).rejects.toThrow(named);
});
