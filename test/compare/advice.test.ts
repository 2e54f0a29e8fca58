/** `sluice recommend`: every rule row by row, what counts as measured, and which system the needs lead to. */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { decideAdvice, type Load, rules } from '../../src/compare/advice/index.ts';
import type { Report, ScenarioVerdict } from '../../src/compare/report/model.ts';
import { scenarios } from '../../src/compare/scenarios/index.ts';
import { repeated, reportOf, scenarioRow, systemRow, workloadRow } from './builders.ts';

const root = resolve(import.meta.dirname, '../..');
const shippedReport = join(root, 'docs/reports/two-cores/report.json');
const noLoad: Load = { ratePerSecond: null, messageBytes: null, p99Ms: null };
const nothingSaid = () => null;
const rates = [1000, 1010, 990, 1005, 995];
const latency = { p50: 1, p90: 2, p95: 2, p99: 3, p999: 4, max: 5, mean: 1, count: 100, negative: 0 };

function ruleOf(need: string) {
  const rule = rules.find((one) => one.need === need);
  if (rule === undefined) throw new Error(`no rule ${need}`);
  return rule;
}

function advise(
  report: Report,
  needs: readonly string[],
  load: Partial<Load> = {},
  documented: Parameters<typeof decideAdvice>[0]['documented'] = nothingSaid,
) {
  return decideAdvice({ report, rules: needs.map(ruleOf), load: { ...noLoad, ...load }, documented });
}

/** A report in which each system answers each scenario so. */
function verdicts(given: Readonly<Record<string, Readonly<Record<string, ScenarioVerdict>>>>): Report {
  return reportOf({
    scenarios: Object.entries(given).flatMap(([system, answers]) =>
      Object.entries(answers).map(([id, verdict]) =>
        scenarioRow({
          system,
          id,
          verdict,
          layer: 'bare',
          expected: { verdict, why: 'so', versions: '*', source: 'docs' },
        }),
      ),
    ),
  });
}

const holding = rules.flatMap(({ need, predicate }) =>
  predicate.kind === 'holds' ? [{ need, scenarios: predicate.scenarios }] : [],
);

describe('the table of rules', () => {
  it('has about twenty needs and more, each with its own word, a question and what would change it', () => {
    expect(rules.length).toBeGreaterThanOrEqual(20);
    expect(new Set(rules.map(({ need }) => need)).size).toBe(rules.length);
    for (const { need, question, wouldChange } of rules) {
      expect(need).toMatch(/^[a-z][a-z0-9-]+$/);
      expect(question).toMatch(/\?$/);
      expect(wouldChange.length).toBeGreaterThan(10);
    }
  });

  it('names only scenarios that there are', () => {
    const known = scenarios.map(({ id }) => id);
    const named = rules.flatMap(({ predicate }) =>
      predicate.kind === 'holds' ? predicate.scenarios : predicate.kind === 'best-observed' ? [predicate.scenario] : [],
    );
    expect(named.filter((id) => !known.includes(id))).toEqual([]);
  });

  it.each(holding)(
    '$need: a system that has all of it is recommended, one that lacks any of it is not',
    ({ need, scenarios: ids }) => {
      const all = Object.fromEntries(ids.map((id) => [id, 'PASS' as const]));
      for (const id of ids) {
        const advice = advise(verdicts({ kafka: all, 'rabbitmq-quorum': { ...all, [id]: 'DIFFERS' } }), [need]);
        expect(advice.recommended).toEqual(['kafka']);
        expect(advice.findings.find(({ system }) => system === 'rabbitmq-quorum')).toMatchObject({
          fit: 'no',
          basis: 'measured',
        });
        expect(advice.findings.find(({ system }) => system === 'kafka')?.cites).toEqual(
          ids.map((one) => `${one}.kafka.bare`),
        );
      }
    },
  );

  it.each(rules.filter(({ predicate }) => predicate.kind === 'best-cell'))(
    '$need: the best cell wins, beyond the noise',
    (rule) => {
      const { predicate, need } = rule;
      if (predicate.kind !== 'best-cell') throw new Error('not of this kind');
      const cells = (system: string, factor: number) =>
        rates.map((rate, repeat) =>
          workloadRow({
            id: predicate.workload,
            mode: predicate.mode,
            system,
            repeat,
            publish: { messagesPerSecond: rate * factor, megabytesPerSecond: 1 },
            latencyMs: { publish: latency, endToEnd: { ...latency, p99: rate * factor } },
            cost: {
              brokerCpuSecondsPerMillion: rate * factor,
              clientCpuSecondsPerMillion: 1,
              bytesWrittenPerPayloadByte: rate * factor,
              peakRssBytes: 1,
            },
          }),
        );
      const winner = predicate.better === 'higher' ? 2 : 0.5;
      const report = reportOf({ workloads: [...cells('kafka', winner), ...cells('rabbitmq-stream', 1)] });
      expect(advise(report, [need]).recommended).toEqual(['kafka']);
      expect(advise(report, [need]).findings.map(({ fit }) => fit)).toEqual(['yes', 'behind']);
      const equal = reportOf({ workloads: [...cells('kafka', 1), ...cells('rabbitmq-stream', 1)] });
      expect(advise(equal, [need]).answer).toMatch(/^No difference shown .* kafka, rabbitmq-stream/);
    },
  );

  it('low-memory and quick-start: what was observed, where it differs by half and more', () => {
    const report = reportOf({
      systems: [systemRow('kafka', { startMs: 9000 }), systemRow('rabbitmq-quorum', { startMs: 3000 })],
      scenarios: [
        scenarioRow({ id: 'idle-cost', system: 'kafka', observed: { rssMib: 400 } }),
        scenarioRow({ id: 'idle-cost', system: 'rabbitmq-quorum', observed: { rssMib: 150 } }),
      ],
    });
    expect(advise(report, ['low-memory']).recommended).toEqual(['rabbitmq-quorum']);
    expect(advise(report, ['quick-start']).recommended).toEqual(['rabbitmq-quorum']);
  });
});

describe('the basis of a finding', () => {
  const said = () => ({ verdict: 'PASS' as const, why: 'so the manual', source: 'https://example.invalid/manual' });
  it('is documented where the scenario was not run, with the source, and not tested where nothing says it', () => {
    const report = verdicts({ kafka: { 'fan-out': 'PASS' } });
    expect(advise(report, ['priority'], {}, said).findings).toMatchObject([
      { fit: 'yes', basis: 'documented', cites: ['https://example.invalid/manual'] },
    ]);
    expect(advise(report, ['priority']).findings).toMatchObject([{ fit: 'unknown', basis: 'not tested', cites: [] }]);
    expect(advise(report, ['priority']).answer).toContain('not known of priority');
  });
  it('is not tested where the question was left open, and what is emulated is said to be', () => {
    const report = verdicts({ kafka: { priority: 'INCONCLUSIVE' }, 'rabbitmq-quorum': { priority: 'EMULATED' } });
    const advice = advise(report, ['priority']);
    expect(advice.findings).toMatchObject([
      { fit: 'unknown', basis: 'not tested' },
      { fit: 'emulated', basis: 'measured' },
    ]);
    expect(advice.recommended).toEqual(['rabbitmq-quorum']);
  });
});

describe('the answer', () => {
  it('leaves the native log out, whatever it measured', () => {
    const report = verdicts({ log: { priority: 'PASS' }, kafka: { priority: 'UNSUPPORTED' } });
    const advice = advise(report, ['priority']);
    expect(advice.ranking.map(({ system }) => system)).toEqual(['kafka']);
    expect(advice.answer).toBe('No system meets all of it. Nearest is kafka, without priority.');
  });

  it('offers two kinds of queue of one RabbitMQ where none does it alone', () => {
    const replay = { 'replay-after-ack': 'PASS', 'replay-offset': 'PASS' } as const;
    const none = { 'replay-after-ack': 'DIFFERS', 'replay-offset': 'UNSUPPORTED' } as const;
    const report = verdicts({
      kafka: { ...replay, priority: 'UNSUPPORTED' },
      'rabbitmq-stream': { ...replay, priority: 'UNSUPPORTED' },
      'rabbitmq-quorum': { ...none, priority: 'PASS' },
    });
    const advice = advise(report, ['replay', 'priority']);
    expect(advice.recommended).toEqual([]);
    expect(advice.together).toEqual({ replay: 'rabbitmq-stream', priority: 'rabbitmq-quorum' });
  });

  it('ranks only equal promises against each other', () => {
    const report = reportOf({
      workloads: [
        ...repeated(rates, { system: 'kafka' }),
        ...repeated(
          rates.map((rate) => rate / 3),
          { system: 'rabbitmq-quorum', durability: { persistence: 'fsync', copies: 1 } },
        ),
      ],
    });
    expect(advise(report, ['high-rate']).findings.map(({ fit }) => fit)).toEqual(['yes', 'yes']);
  });
});

it('says that the machine was busy where its load at the start was more than its cores carry', () => {
  const report = verdicts({ kafka: { priority: 'PASS' } });
  const busy = { ...report, environment: { ...report.environment, loadAverage: { start: 9, end: 9 } } };
  expect(advise(report, ['priority']).notes.join()).not.toContain('busy');
  expect(advise(busy, ['priority']).notes.join()).toContain('busy');
});

describe('a rate and a bound of latency', () => {
  const report = (limitedBy: 'broker' | 'client') =>
    reportOf({
      workloads: [
        ...repeated(rates, { limitedBy }),
        ...[2, 3, 4].map((p99, repeat) =>
          workloadRow({
            mode: 'equal-load',
            repeat,
            parameters: { ...workloadRow().parameters, ratePerSecond: 500 },
            latencyMs: { publish: latency, endToEnd: { ...latency, p99 } },
          }),
        ),
      ],
    });
  it('a rate that was held within its bounds is met without a share of a maximum', () => {
    const held = reportOf({
      workloads: [
        ...repeated(rates, { limitedBy: 'broker' }),
        ...repeated([800, 810, 790], { id: 'sustainable-1k', mode: 'sustainable-rate' }),
      ],
    });
    const rateFinding = (load: Partial<Load>) => advise(held, [], { ...noLoad, ...load }).findings[0];
    expect(rateFinding({ ratePerSecond: 780 })).toMatchObject({
      fit: 'yes',
      reason: '800 msg/s held with 1024 B messages, p99 3 ms',
      cites: ['sustainable-1k.kafka.port'],
    });
    expect(rateFinding({ ratePerSecond: 900 })?.fit).toBe('unknown');
    expect(rateFinding({ ratePerSecond: 780, messageBytes: 100_000 })?.fit).toBe('unknown');
  });
  const fitOf = (load: Partial<Load>, limitedBy: 'broker' | 'client' = 'broker') =>
    advise(report(limitedBy), [], load).findings.map(({ need, fit }) => `${need} ${fit}`);
  it.each([
    [{ ratePerSecond: 600 }, ['rate yes']],
    [{ ratePerSecond: 900 }, ['rate unknown']],
    [{ ratePerSecond: 2000 }, ['rate no']],
    [{ ratePerSecond: 600, messageBytes: 100_000 }, ['rate unknown']],
    [{ p99Ms: 10 }, ['p99 yes']],
    [{ p99Ms: 1 }, ['p99 no']],
    [{ p99Ms: 3 }, ['p99 unknown']],
    [{ p99Ms: 10, ratePerSecond: 600 }, ['rate yes', 'p99 unknown']],
  ])('%o: %o', (load, fits) => {
    expect(fitOf(load)).toEqual(fits);
  });
  it('above what the client reached, the broker is not shown to be too slow', () => {
    expect(fitOf({ ratePerSecond: 2000 }, 'client')).toEqual(['rate unknown']);
  });
});

describe('sluice recommend', { timeout: 60_000 }, () => {
  const file = join(mkdtempSync(join(tmpdir(), 'sluice-advice-')), 'report.json');
  writeFileSync(
    file,
    JSON.stringify(
      verdicts({
        kafka: { priority: 'UNSUPPORTED' },
        'rabbitmq-quorum': { priority: 'PASS' },
        // A reference row is no system that one could choose beside the others.
        'kafka-share': { priority: 'PASS' },
      }),
    ),
  );

  it('answers for scripts from the report that is named, and from the one that ships without', () => {
    const own = recommend(['--need', 'priority', '--report', file, '--json']);
    expect(own.stderr).toBe('');
    expect(JSON.parse(own.stdout)).toMatchObject({ recommended: ['rabbitmq-quorum'] });
    onTestFinished(() => rmSync(file, { force: true }));
    const shipped = recommend(['--need', 'replay,per-key-order', '--rate', '5k', '--size', '1k']);
    expect(shipped.stderr).toBe('');
    expect(shipped.stdout).toMatch(/replay-after-ack\.kafka\.bare/);
  });

  it('knows what a use needs, and says of a workload that did not run that it is not known', () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-advice-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const file = join(directory, 'report.json');
    const { workloads, summaries, ...rest } = JSON.parse(readFileSync(shippedReport, 'utf8')) as Report;
    const isOther = (id: string): boolean => id !== 'log-collection';
    const without = {
      ...rest,
      workloads: workloads.filter(({ id }) => isOther(id)),
      summaries: summaries.filter(({ workload }) => isOther(workload)),
    };
    writeFileSync(file, JSON.stringify({ ...without, uses: [] }));
    const { stdout, stderr } = recommend(['--use', 'log-collection', '--report', file, '--json']);
    expect(stderr).toBe('');
    const { findings } = JSON.parse(stdout) as { findings: { need: string; system: string; fit: string }[] };
    const fitOf = (system: string) => findings.filter((one) => one.system === system).map(({ fit }) => fit);
    expect(fitOf('kafka')).toEqual(['yes', 'yes', 'yes', 'unknown']);
    expect(fitOf('rabbitmq-quorum')).toContain('no');
  });

  it.each([
    [['--use', 'chess'], /there is no use "chess"; there are microservice-events/],
    [['--need', 'speed'], /there is no need "speed"/],
    [['--rate', 'fast'], /--rate: "fast" is not a number above 0/],
    [['--need', 'replay', '--report', '/nowhere/report.json'], /\/nowhere\/report\.json: ENOENT/],
    [[], /nobody to ask/],
  ])('%o is wrong usage', (args, line) => {
    const { status, stderr } = recommend(args);
    expect([status, stderr]).toEqual([2, expect.stringMatching(line)]);
  });
});

function recommend(args: readonly string[]) {
  return spawnSync(process.execPath, ['--import', 'tsx', 'src/cli.ts', 'recommend', ...args], {
    cwd: root,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}
