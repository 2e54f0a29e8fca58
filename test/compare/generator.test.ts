/** The generator as a process of its own: what its parent does is in none of its figures, and what happens to it costs one cell. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { Generator, GeneratorGone } from '../../src/compare/generator/index.ts';
import { compare, type CompareOptions } from '../../src/compare/index.ts';
import { LiveMetrics } from '../../src/compare/run/live-metrics.ts';
import { usageOf, withDescendants } from '../../src/compare/usage/process-usage.ts';
import { arabicOf } from '../../src/compare/report/phrases/index.ts';
import { runPlanOf } from '../../src/compare/run/plan.ts';
import { type WorkloadSpec, workloadsOf } from '../../src/compare/workloads/index.ts';

const equalLoad: WorkloadSpec = {
  ...(workloadsOf('smoke')[0] as WorkloadSpec),
  layers: ['port'],
  ratePerSecond: 100,
  messages: 250,
  warmupMs: 500,
  measuredMs: 2_000,
};
/** Every time that somebody in the parent is busy for so long, a generator in the same process would be late by it. */
const busyMs = 1_200;

async function generatorOfLog(): Promise<Generator> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-generator-'));
  const generator = new Generator();
  onTestFinished(async () => {
    await generator.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const target = { name: 'log', layer: 'port', dataDir, sluiceVersion: 'test', rabbitmq: null, kafka: null } as const;
  await generator.open('log port', target);
  return generator;
}

const question = { spec: equalLoad, source: { seed: 1 }, repeat: 0, prefix: 'own', generatorCeiling: null };

test('a parent that stands still makes no message of the generator late, and its processor time is not the client’s', async () => {
  const generator = await generatorOfLog();
  const pid = generator.pid as number;
  const usedBefore = usageOf([pid])?.cpuSeconds ?? Number.NaN;
  const points: number[] = [];
  let hasStoodStill = false;
  const { row } = await generator.measure(
    'log port',
    [],
  )({
    ...question,
    onSample: ({ tMs }) => {
      points.push(tMs);
      if (hasStoodStill || points.length < 10) return;
      hasStoodStill = true;
      const endMs = performance.now() + busyMs;
      while (performance.now() < endMs);
    },
  });
  expect(hasStoodStill).toBe(true);
  expect(row.checks).toMatchObject({ sent: 250, lost: 0, duplicated: 0, phantom: 0 });
  expect(row.slipMs.max).toBeLessThan(busyMs / 2);
  expect(row.eventLoopLagMs?.max).toBeLessThan(busyMs / 2);
  // What /proc says of that process alone, from before the topic was made to after it was gone.
  const used = (usageOf([pid])?.cpuSeconds ?? Number.NaN) - usedBefore;
  expect(row.utilization.clientCores * 2).toBeLessThan(used + 0.1);
  expect(row.cost.clientCpuSecondsPerMillion).toBeGreaterThan(0);
  expect(row.cost.peakRssBytes).toBeGreaterThan(10_000_000);
}, 60_000);

test('what makes no sense there is refused by the generator as by the run, and it goes on', async () => {
  const generator = await generatorOfLog();
  const measure = generator.measure('log port', []);
  const short = { ...equalLoad, measuredMs: 200, warmupMs: 50, messages: 25 };
  await expect(generator.measure('nobody', [])(question)).rejects.toThrow('there is no client nobody');
  await expect(
    generator.open('kafka bare', {
      name: 'kafka',
      layer: 'bare',
      dataDir: tmpdir(),
      sluiceVersion: 'test',
      rabbitmq: null,
      kafka: null,
    }),
  ).rejects.toThrow(/could not be opened: kafka/);
  const { row } = await measure({ ...question, spec: short });
  expect(row.checks.received).toBe(25);
  expect(await generator.ceiling(short)).toBeGreaterThan(1_000);
}, 60_000);

test('one that is killed in the middle says so at once, and does nothing more', async () => {
  const generator = await generatorOfLog();
  const measure = generator.measure('log port', []);
  const broken = measure({ ...question, onSample: () => void generator.kill() });
  await expect(broken).rejects.toThrow(GeneratorGone);
  await expect(measure(question)).rejects.toThrow('the generator ended: SIGKILL');
  expect(generator.pid).toBeNull();
}, 60_000);

test('in a run a killed generator costs its cell: an invalid row that says it, and the next cell has a new one', async () => {
  const seed = [1, 2, 3, 4, 5, 6, 7, 8].find(
    (one) => runPlanOf({ ...twoRepeats, seed: one }).cells[0]?.isTwin === false,
  );
  let killed: number | undefined;
  class Killing extends LiveMetrics {
    override sample(): void {
      killed ??= generators()[0];
      if (killed !== undefined && generators().includes(killed)) process.kill(killed, 'SIGKILL');
    }
  }
  const report = await compare({ ...twoRepeats, seed: seed ?? 1, live: new Killing() });
  const broken = report.workloads.filter(({ invalidBecause }) => invalidBecause?.startsWith('it broke') === true);
  expect(broken.map(({ invalidBecause }) => invalidBecause)).toEqual(['it broke: the generator ended: SIGKILL']);
  const { checks } = report.workloads.find((row) => row !== broken[0]) ?? {};
  expect(checks).toMatchObject({ sent: 50, received: 50, lost: 0 });
  expect(report.workloads).toHaveLength(2);
}, 60_000);

test('with fresh data every round has a generator of its own, which for the log is an empty data directory; for every second one, or without, one does for both', async () => {
  const seen = async (roundsPerFreshData: number | null) => {
    const found = new Set<number>();
    const rounds: string[] = [];
    const report = await compare({
      ...twoRepeats,
      ...(roundsPerFreshData === null ? {} : { roundsPerFreshData }),
      onState: ({ now }) => {
        for (const pid of generators()) found.add(pid);
        if (now.startsWith('brokers on fresh data')) rounds.push(now);
      },
    });
    for (const { checks } of report.workloads) expect(checks).toMatchObject({ sent: 50, received: 50, lost: 0 });
    const said = report.limits.filter((limit) => limit.includes('empty data directories'));
    expect(said.map(arabicOf)).not.toContain(null);
    return { generators: found.size, rounds, said: said.map((limit) => limit.slice(0, limit.indexOf(';'))) };
  };
  expect(await seen(1)).toEqual({
    generators: 2,
    rounds: ['brokers on fresh data, for round 2'],
    said: ['Each round of repeats began with brokers started anew on empty data directories'],
  });
  expect(await seen(2)).toEqual({
    generators: 1,
    rounds: [],
    said: ['Brokers were started anew on empty data directories for every 2 rounds of repeats'],
  });
  expect(await seen(null)).toEqual({ generators: 1, rounds: [], said: [] });
}, 90_000);

test('a generator that waits keeps its heap: V8 is told not to make it small', async () => {
  const lines: string[] = [];
  await compare({
    ...twoRepeats,
    onState: () =>
      lines.push(
        ...generators()
          .map(commandLineOf)
          .filter((line) => line !== ''),
      ),
  });
  expect(lines.length).toBeGreaterThan(0);
  for (const line of lines) expect(line).toContain('--no-memory-reducer');
}, 60_000);

const twoRepeats: CompareOptions = {
  systems: ['log'],
  systemsAreRequired: true,
  allowsRemote: false,
  layers: ['port'],
  profile: 'smoke',
  repeats: 2,
  seed: 1,
  scenarioIds: [],
  workloads: [{ spec: { ...equalLoad, warmupMs: 100, measuredMs: 400, messages: 50 } }],
  assertions: [],
  command: 'test',
  onProgress: () => {},
};

function generators(): readonly number[] {
  return withDescendants([process.pid]).filter(isGenerator);
}

function isGenerator(pid: number): boolean {
  return commandLineOf(pid).includes('generator-process');
}

/** Empty where it ended meanwhile. */
function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8');
  } catch {
    return '';
  }
}
