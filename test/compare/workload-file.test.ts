/** A workload file is believed only as far as it is understood. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readWorkload, workloadJsonSchema, WorkloadFileError } from '../../src/compare/workload-file.ts';

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

const shop = `
id: my-shop
ratePerSecond: 200
measuredMs: 2000
readers:
  - {name: database, ordering: key}
  - {name: mail, perSecond: 150, consumers: 2}
  - {name: stock, awayPart: 0.3}
  - {name: rebuild, isReplay: true}
`;

test('readers with a pace of their own are those of a use, through the port', async () => {
  expect(await read(shop)).toMatchObject({
    layers: ['port'],
    subscriptions: 3,
    consumersPerSubscription: 2,
    ordering: 'key',
    readers: [
      { name: 'database', ordering: 'key', consumers: 1 },
      { name: 'mail', ordering: 'none', consumers: 2, perSecond: 150 },
      { name: 'stock', ordering: 'none', consumers: 1, awayPart: 0.3 },
      { name: 'rebuild', ordering: 'none', consumers: 1, isReplay: true },
    ],
  });
});

const one = (fields: string) => `id: x\nratePerSecond: 100\nreaders:\n  - {name: a}\n  - {name: b${fields}}\n`;

test.each([
  ['id: x\nreaders: [{name: a}]\n', 'need ratePerSecond'],
  ['id: x\np99MsMax: 5\nreaders: [{name: a}]\n', 'need ratePerSecond'],
  ['id: x\nratePerSecond: 5\nsubscriptions: 2\nreaders: [{name: a}]\n', 'subscriptions: said by each'],
  ['id: x\nratePerSecond: 5\nordering: key\nreaders: [{name: a}]\n', 'ordering: said by each'],
  ['id: x\nratePerSecond: 5\nreaders: []\n', 'readers'],
  ['id: x\nratePerSecond: 5\nreaders: [{name: a, perSecond: 4}]\n', 'at least one must keep up'],
  ['id: x\nratePerSecond: 5\nkeys: 0\nreaders: [{name: a, ordering: key}]\n', 'have no keys'],
  [one(', pace: 5'), 'readers.1'],
  [one(', awayPart: 0.9'), 'readers.1.awayPart'],
  [one(', perSecond: 1'), 'to catch up after the last message'],
  [one(', isReplay: true, awayPart: 0.2'), 'isReplay'],
  ['id: x\nratePerSecond: 5\nreaders: [{name: a}, {name: a}]\n', 'two of them have the name "a"'],
])('%j: %s', async (text, named) => {
  const reading = read(text);
  await expect(reading).rejects.toThrow(WorkloadFileError);
  await expect(reading).rejects.toThrow(named);
});

test('readers without the layer that drives them are refused before anything starts', async () => {
  const path = join(directory, 'workload.yaml');
  await writeFile(path, shop);
  await expect(readWorkload(path, ['bare'])).rejects.toThrow(/--layers leaves it out/);
});

test('the schema for editors takes what the command takes', async () => {
  const schema = workloadJsonSchema() as { properties: Record<string, unknown>; additionalProperties: boolean };
  expect(schema.additionalProperties).toBe(false);
  expect(Object.keys(schema.properties)).toEqual(
    expect.arrayContaining(['id', 'readers', 'p99MsMax', 'ratePerSecond']),
  );
});
