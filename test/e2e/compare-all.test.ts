/** The first honest comparison, end to end: five systems, two layers, scenarios, workloads, conclusions, report. */

import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { brokersOfOthers } from '../../src/brokers/index.ts';
import {
  compare,
  type CompareOptions,
  parseAssertion,
  planFromMessages,
  type Report,
  scenarios,
  systemIds,
  traceWorkload,
  workloadsOf,
} from '../../src/compare/index.ts';
import { renderHtml, renderMarkdown } from '../../src/compare/report/index.ts';

const rabbitmq = inject('rabbitmq');
const kafka = inject('kafka');
const isComplete = rabbitmq !== null && kafka !== null;

/** On a machine that is busy with something else the generator itself may be late. The run says so, and is not a number. */
const LATE = 'the generator was late';

const base: CompareOptions = {
  systems: systemIds,
  systemsAreRequired: true,
  allowsRemote: false,
  layers: ['bare', 'port'],
  profile: 'smoke',
  repeats: 1,
  seed: 7,
  scenarioIds: [],
  workloads: [],
  assertions: [],
  command: 'test',
  onProgress: () => {},
  ...(isComplete ? { brokers: brokersOfOthers({ rabbitmq, kafka }) } : {}),
};

describe.skipIf(!isComplete)('the smoke comparison of all five systems', () => {
  let report: Report;

  beforeAll(async () => {
    report = await compare({
      ...base,
      scenarioIds: scenarios.filter(({ isInSmoke }) => isInSmoke === true).map(({ id }) => id),
      workloads: workloadsOf('smoke').map((spec) => ({ spec })),
      assertions: [
        parseAssertion('throughput-1k.kafka.publish.messagesPerSecond > 10/s'),
        parseAssertion('throughput-1k.kafka.publish.messagesPerSecond > 100000k/s'),
      ],
    });
  }, 180_000);

  test('has no surprise, and no question is left open', () => {
    const wrong = report.scenarios.filter((row) => row.verdict !== row.expected.verdict);
    expect(
      wrong.map(({ id, system, layer, verdict, expected, summary }) => ({
        id,
        system,
        layer,
        verdict,
        expected: expected.verdict,
        summary,
      })),
    ).toEqual([]);
  });

  test('asks every scenario of the profile of every system on every layer, or says why not', () => {
    for (const scenario of scenarios.filter(({ isInSmoke }) => isInSmoke === true))
      for (const system of systemIds)
        for (const layer of scenario.layers.filter((one) => base.layers.includes(one))) {
          const isThere = (row: { id: string; system: string | null; layer: string | null }) =>
            row.id === scenario.id && row.system === system && row.layer === layer;
          expect(
            report.scenarios.some(isThere) || report.notMeasured.some(isThere),
            `${scenario.id} ${system} ${layer}`,
          ).toBe(true);
        }
  });

  test('loses nothing and invents nothing in any workload', () => {
    expect(report.workloads.length).toBe(15);
    for (const { id, system, layer, checks } of report.workloads) {
      expect(checks, `${id} ${system} ${layer}`).toMatchObject({ lost: 0, phantom: 0, unknown: 0, refused: 0 });
      expect(checks.received, `${id} ${system} ${layer}`).toBe(checks.acked);
    }
  });

  test('gives every system the same work', () => {
    for (const mode of ['equal-load', 'own-maximum'])
      expect(new Set(report.workloads.filter((row) => row.mode === mode).map((row) => row.planHash)).size).toBe(1);
  });

  test('says what each promise reached, and what it cost where that can be seen', () => {
    const durabilityOf = Object.fromEntries(report.workloads.map((row) => [row.system, row.durability.persistence]));
    expect(durabilityOf).toEqual({
      log: 'fsync',
      'rabbitmq-quorum': 'fsync',
      'rabbitmq-classic': 'os',
      'rabbitmq-stream': 'os',
      kafka: 'os',
    });
    for (const row of report.workloads.filter(({ system }) => system !== 'log'))
      expect(row.cost.brokerCpuSecondsPerMillion, row.system).toBeGreaterThan(0);
  });

  test('judges the claims from its own cells and leaves the embedded log out', () => {
    expect(report.verdicts).toHaveLength(13);
    const cells = new Set(
      [...report.scenarios, ...report.workloads].map((row) => `${row.id}.${row.system}.${row.layer}`),
    );
    for (const verdict of report.verdicts)
      for (const evidence of verdict.evidence) {
        expect(cells.has(evidence), `${verdict.id}: ${evidence}`).toBe(true);
        expect(evidence).not.toMatch(/\.log\./);
      }
    expect(report.verdicts.find(({ id }) => id === 'kafka-stores-rabbitmq-forgets')?.verdict).toBe('true-if');
  });

  test('checks assertions, those that fail too', () => {
    expect(report.assertions.map(({ holds }) => holds)).toEqual([true, false]);
  });

  test('is plain data that the renderings are made from', () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
    expect(renderMarkdown(report)).toContain('rabbitmq-quorum');
    expect(renderHtml(report)).toContain('</html>');
  });

  test('leaves nothing behind on the brokers', async () => {
    const client = new Kafka({ brokers: [...(kafka?.brokers ?? [])], logLevel: logLevel.NOTHING });
    const admin = client.admin();
    await admin.connect();
    try {
      await expect
        .poll(async () => (await admin.listTopics()).filter((name) => name.includes(`sluice-cmp-${report.run.id}`)))
        .toEqual([]);
    } finally {
      await admin.disconnect();
    }
  });
});

test('brokers elsewhere are not loaded unasked', async () => {
  const elsewhere = {
    kind: 'kafka',
    brokers: ['broker.example:9092'],
    version: '4.3.1',
    nodes: [],
    source: 'address',
    startMs: null,
    libDir: null,
  } as const;
  const refused = compare({
    ...base,
    systems: ['kafka'],
    brokers: brokersOfOthers({ rabbitmq: null, kafka: elsewhere }),
  });
  await expect(refused).rejects.toThrow('broker.example');
});

describe('a trace', () => {
  let directory: string;

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'sluice-trace-test-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test('is replayed on the log with its own keys, times and sizes', async () => {
    const messages = Array.from({ length: 300 }, (_, i) => ({
      atMs: i * 4,
      key: i % 5 === 0 ? null : `k${i % 3}`,
      bytes: 40 + (i % 100),
      headers: { n: String(i) },
    }));
    const plan = planFromMessages(messages, 2);
    const report = await compare({
      ...base,
      systems: ['log'],
      layers: ['port'],
      workloads: [{ spec: traceWorkload(plan, 'made up', ['port']), plan }],
    });
    const [row] = report.workloads;
    expect(row).toMatchObject({ id: 'trace', planHash: plan.hash });
    expect(row?.invalidBecause ?? LATE).toMatch(LATE);
    expect(row?.checks).toMatchObject({ sent: 300, received: 300, lost: 0, reordered: 0 });
    expect(row?.parameters.measuredMs).toBeGreaterThanOrEqual(598);
  });

  test('through the command line writes its files, and a broken line is named with its number', async () => {
    const { Command } = await import('commander');
    const { registerCompareCommands } = await import('../../src/compare/main.ts');
    const run = async (...words: string[]) => {
      const program = new Command('sluice').exitOverride();
      registerCompareCommands(program);
      process.exitCode = 0;
      await program.parseAsync(['compare', ...words], { from: 'user' });
      const status = process.exitCode;
      process.exitCode = 0;
      return status;
    };
    const good = join(directory, 'good.jsonl');
    const bad = join(directory, 'bad.jsonl');
    const out = join(directory, 'out');
    const line = (t: number) => JSON.stringify({ t, topic: 'orders', key: 'a', size: 100 });
    await writeFile(good, `${[0, 5, 9].map(line).join('\n')}\n`);
    await writeFile(bad, `${line(0)}\n{"t": 1, "topic": "orders"}\n`);
    const status = await run('--trace', good, '--systems', 'log', '--layers', 'port', '--repeats', '1', '--out', out);
    for (const name of ['report.json', 'report.md', 'report.html', 'report.ar.html', 'report.csv'])
      expect((await stat(join(out, name))).size).toBeGreaterThan(500);
    const [row] = (JSON.parse(await readFile(join(out, 'report.json'), 'utf8')) as Report).workloads;
    expect(row?.id).toBe('trace');
    expect(row?.invalidBecause ?? LATE).toMatch(LATE);
    expect(status).toBe(row?.valid === true ? 0 : 1);
    const errors: string[] = [];
    const write = process.stderr.write.bind(process.stderr);
    process.stderr.write = (text: string | Uint8Array) => {
      errors.push(String(text));
      return true;
    };
    try {
      expect(await run('--trace', bad, '--systems', 'log')).toBe(2);
      expect(await run('--systems', 'mysql')).toBe(2);
      expect(await run('old.json', 'new.json')).toBe(2);
      expect(await run('--only', 'nothing')).toBe(2);
      expect(await run('--assert', 'nonsense')).toBe(2);
    } finally {
      process.stderr.write = write;
    }
    expect(errors.join('')).toContain(`${bad}:2`);
  });
});
