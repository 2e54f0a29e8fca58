/**
 * The scenarios that touch a system's files: on systems of a file that do with damage what a system may do, each wrong in its own
 * way, and on the embedded log, which is really cut off and really damaged.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { compare } from '../../src/compare/index.ts';
import { scenarios, Stage } from '../../src/compare/scenarios/index.ts';
import type { OwnSystem, ScenarioContext } from '../../src/compare/scenarios/scenario.ts';
import type { Wire } from '../../src/compare/systems/wire.ts';
import { memoryWire } from './memory-wire.ts';

const scratch = mkdtempSync(join(tmpdir(), 'sluice-damaged-'));
afterAll(async () => await rm(scratch, { recursive: true, force: true }));

type Habit =
  | 'hands out what is there'
  | 'leaves it out'
  | 'leaves it out and logs it'
  | 'tells the reader'
  | 'does not start';

/** Lines of a file, each behind a check sum that only some habits look at. */
function fileSystem(habit: Habit): OwnSystem {
  const dataDir = mkdtempSync(join(scratch, 'data-'));
  const path = join(dataDir, 'lines');
  const log: string[] = [];
  const sumOf = (text: string) => Buffer.from(text, 'latin1').reduce((sum, byte) => sum + byte, 0);
  const lines = async () => {
    const all = (await readFile(path, 'latin1')).split('\n').filter((line) => line !== '');
    return all.map((line) => {
      const [sum = '', text = ''] = line.split(' ');
      return { text, isWhole: Number(sum) === sumOf(text) };
    });
  };
  const memory = memoryWire('none');
  const wire: Wire = {
    ...memory,
    layer: 'bare',
    createTopic: () => writeFile(path, ''),
    createSubscription: () => Promise.resolve(),
    publisher: () =>
      Promise.resolve({
        publish(messages, settled) {
          void (async () => {
            for (const [index, { value }] of messages.entries()) {
              const text = value.toString('latin1');
              await appendFile(path, `${sumOf(text)} ${text}\n`, 'latin1');
              settled(index, { fate: 'acked' });
            }
          })();
        },
        close: () => Promise.resolve(),
      }),
    async consume(_, { onDelivery, onError }) {
      for (const { text, isWhole } of await lines()) {
        if (!isWhole && habit === 'tells the reader') {
          onError(new Error('a line is damaged'));
          break;
        }
        if (!isWhole && habit !== 'hands out what is there') {
          if (habit === 'leaves it out and logs it') log.push('checksum failure in lines');
          continue;
        }
        const settle = () => {};
        onDelivery({
          key: null,
          value: Buffer.from(text, 'latin1'),
          partition: 0,
          offset: null,
          attempt: null,
          isRedelivered: null,
          headers: () => ({}),
          ack: settle,
          nack: settle,
          reject: settle,
        });
      }
      return { close: () => Promise.resolve() };
    },
  };
  return {
    dataDir,
    scratch: dataDir,
    pid: () => null,
    open: () => Promise.resolve(wire),
    pause: () => {},
    resume: () => {},
    kill: () => Promise.resolve(),
    stop: () => Promise.resolve(),
    async start() {
      if (habit === 'does not start' && (await lines()).some(({ isWhole }) => !isWhole))
        throw new Error('checksum failure in lines');
      const content = await readFile(path, 'latin1');
      if (content.endsWith('\n')) return;
      const lastWhole = content.slice(0, content.lastIndexOf('\n') + 1);
      await writeFile(path, habit === 'hands out what is there' ? `${content}\n` : lastWhole, 'latin1');
    },
    logLines: () => Promise.resolve([...log]),
    close: () => Promise.resolve(),
  };
}

async function ask(id: string, habit: Habit) {
  await mkdir(scratch, { recursive: true });
  const wire = memoryWire('none');
  const none = () => Promise.reject(new Error('not in this test'));
  const context: ScenarioContext = {
    wire,
    stage: new Stage({ wire, prefix: 'test', deadlineMs: 40_000, now: () => performance.now() }),
    messages: 100,
    seed: 1,
    disk: () => Promise.resolve(null),
    usage: () => null,
    open: none,
    openProcess: none,
    cluster: none,
    own: () => Promise.resolve(fileSystem(habit)),
    faults: null,
  };
  return await scenarios.find((scenario) => scenario.id === id)?.run(context);
}

describe.concurrent('a flipped bit', () => {
  test.each([
    ['hands out what is there', 'DIFFERS', { deliveredWrong: 1, readerIsTold: false }],
    ['leaves it out', 'DIFFERS', { deliveredWrong: 0, othersMissing: 0, logged: 0 }],
    ['leaves it out and logs it', 'PASS', { deliveredWrong: 0, logged: 1 }],
    ['tells the reader', 'PASS', { deliveredWrong: 0, othersMissing: 99, readerIsTold: true }],
    ['does not start', 'PASS', { startsAgain: false }],
  ] as const)(
    'a system that %s: %s',
    async (habit, verdict, observed) => {
      const found = await ask('corruption', habit);
      expect([found?.summary, found?.verdict]).toEqual([found?.summary, verdict]);
      expect(found?.observed).toMatchObject(observed);
    },
    60_000,
  );
});

describe.concurrent('a torn end', () => {
  test.each([
    ['hands out what is there', 'DIFFERS', { deliveredWrong: 1 }],
    ['leaves it out', 'PASS', { deliveredWrong: 0, othersMissing: 0 }],
    ['does not start', 'DIFFERS', { startsAgain: false }],
  ] as const)(
    'a system that %s: %s',
    async (habit, verdict, observed) => {
      const found = await ask('torn-tail', habit);
      expect([found?.summary, found?.verdict]).toEqual([found?.summary, verdict]);
      expect(found?.observed).toMatchObject(observed);
    },
    60_000,
  );
});

const hasStrace = spawnSync('strace', ['--version']).status === 0;

test.skipIf(!hasStrace).concurrent(
  'the embedded log: keeps what was synced through a power cut, loses with the durability os what was not, and notices damage',
  async () => {
    const report = await compare({
      systems: ['log'],
      systemsAreRequired: true,
      allowsRemote: false,
      layers: ['bare'],
      profile: 'smoke',
      repeats: 1,
      seed: 1,
      scenarioIds: ['power-loss', 'corruption', 'torn-tail'],
      workloads: [],
      assertions: [],
      command: 'test',
      onProgress: () => {},
    });
    const [power, ...others] = report.scenarios;
    expect(power?.evidence.filter((line) => line.startsWith('not understood'))).toEqual([]);
    expect([power?.summary, power?.verdict]).toEqual([power?.summary, 'PASS']);
    expect(power?.observed).toMatchObject({ powerCuts: 1, lost: 0, phantom: 0, startsAgain: true, phantomWithOs: 0 });
    // What shows that the cut takes something at all.
    expect(Number(power?.observed['lostWithOs'])).toBeGreaterThan(0);
    expect(others.map(({ id, verdict }) => [id, verdict])).toEqual([
      ['corruption', 'PASS'],
      ['torn-tail', 'PASS'],
    ]);
  },
  90_000,
);
