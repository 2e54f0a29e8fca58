/** Brokers that have just started are loaded until they are warm: by whom, how long, and what the report says of it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { ClientFailed } from '../../src/compare/generator/index.ts';
import type { CellQuestion, MeasureCell } from '../../src/compare/load/measure-cell.ts';
import type { Fault } from '../../src/compare/load/validity.ts';
import { parseReport } from '../../src/compare/report/index.ts';
import type { WarmUp } from '../../src/compare/report/model.ts';
import { arabicOf } from '../../src/compare/report/phrases/index.ts';
import type { Going } from '../../src/compare/run/going.ts';
import { isRow, Journal, readJournal } from '../../src/compare/run/journal.ts';
import { burstsMax, isSteady, type Warmer, warmersOf, warmUp, warmUpsInWords } from '../../src/compare/run/warm-up.ts';
import { emptyReport } from '../report/synthetic-report.ts';
import { workloadRow } from './builders.ts';

describe('a broker is warm', () => {
  it.each([
    ['when the last three bursts cost the same', [60, 30, 20, 10, 10.5, 9.8], 3, true],
    ['not while they become cheaper', [60, 50, 40, 30, 24, 19], 3, false],
    ['not while they become a little cheaper each time', [13, 12, 11, 10, 9.2], 3, false],
    ['not when one of them was dear', [10, 10, 10, 10, 16, 10], 3, false],
    ['not by a plateau at the beginning, where there may be another after it', [24, 24, 24, 24], 8, false],
    ['not before there were any', [], 3, false],
  ])('%s', (_, costs, burstsMin, expected) => {
    expect(isSteady(costs, burstsMin)).toBe(expected);
  });
});

describe('what loads a broker', () => {
  const kafkaAndQueues = [
    { system: 'log', layer: 'bare' },
    { system: 'rabbitmq-quorum', layer: 'bare' },
    { system: 'rabbitmq-classic', layer: 'bare' },
    { system: 'kafka', layer: 'bare' },
    { system: 'kafka', layer: 'port' },
    { system: 'kafka', layer: 'rest' },
    { system: 'kafka-java', layer: 'reference' },
    { system: 'kafka-share', layer: 'reference' },
  ] as const;
  const places = (warmers: readonly Warmer[]) => warmers.map(({ system, layer }) => `${system} ${layer}`);

  it('is of Kafka the Java client, which has most to do, then the other Java programs and the usual client; the log is none', () => {
    const warmers = warmersOf(kafkaAndQueues, kafkaAndQueues);
    expect(places(warmers)).toEqual([
      'kafka-java reference',
      'kafka-share reference',
      'kafka bare',
      'rabbitmq-quorum bare',
    ]);
    const [first, ...others] = warmers;
    for (const other of others) {
      expect(first?.burstsMin).toBeGreaterThan(other.burstsMin);
      expect(first?.msMax).toBeGreaterThan(other.msMax);
    }
    expect(warmers.map(({ asksOften }) => asksOften)).toEqual([true, false, true, false]);
  });

  it('is every Java program of the run, so that none is measured before it is compiled', () => {
    const programs = ['rabbitmq-quorum-java', 'rabbitmq-classic-java', 'rabbitmq-stream-protocol'];
    const more = [...kafkaAndQueues, ...programs.map((system) => ({ system, layer: 'reference' as const }))];
    expect(places(warmersOf([{ system: 'rabbitmq-quorum', layer: 'port' }], more))).toEqual([
      ...programs.map((system) => `${system} reference`),
      'rabbitmq-quorum bare',
    ]);
  });

  it('is kafkajs alone where there is no Java, with what the first of Kafka has to do', () => {
    const without = kafkaAndQueues.filter(({ layer }) => layer !== 'reference');
    const warmers = warmersOf([{ system: 'kafka', layer: 'bare' }], without);
    expect(places(warmers)).toEqual(['kafka bare']);
    expect(warmers[0]).toMatchObject({ asksOften: true, burstsMin: 8 });
  });

  it('is for a broker by itself where a name has one: other settings, another version', () => {
    const more = [
      ...kafkaAndQueues,
      { system: 'rabbitmq-quorum-tuned', layer: 'bare' },
      { system: 'rabbitmq-quorum@3.10', layer: 'bare' },
    ] as const;
    expect(places(warmersOf(more, more)).slice(3)).toEqual([
      'rabbitmq-quorum bare',
      'rabbitmq-quorum@3.10 bare',
      'rabbitmq-quorum-tuned bare',
    ]);
    expect(places(warmersOf([{ system: 'rabbitmq-classic', layer: 'port' }], more))).toEqual(['rabbitmq-quorum bare']);
  });

  it('is a client of the gateway where a run has no other, and the broker’s own where it has only that', () => {
    const [rest] = [{ system: 'kafka', layer: 'rest' }] as const;
    expect(places(warmersOf([rest], [rest]))).toEqual(['kafka rest']);
    const [java] = [{ system: 'rabbitmq-quorum-java', layer: 'reference' }] as const;
    expect(places(warmersOf([java], [java]))).toEqual(['rabbitmq-quorum-java reference']);
  });
});

describe('a warm-up', () => {
  const kafka: Warmer = { system: 'kafka', layer: 'bare', burstsMin: 3, msMax: 30_000, asksOften: false };

  it('ends with the first burst that is like the two before it, and keeps what each of them cost', async () => {
    const { asked, warm } = madeOf([30, 20, 10, 10, 10, 10]);
    expect(await warm([kafka])).toEqual([
      {
        round: 2,
        system: 'kafka',
        layer: 'bare',
        isSteady: true,
        brokerCpuSecondsPerMillion: [30, 20, 10, 10, 10],
        messagesPerSecond: [1000, 1000, 1000, 1000, 1000],
      },
    ]);
    expect(new Set(asked.map(({ prefix }) => prefix)).size).toBe(5);
  });

  it('ends at its longest where nothing settles, and says so', async () => {
    const { warm, said } = madeOf(Array.from({ length: 100 }, (_, index) => 1000 / (index + 1) ** 2));
    const [one] = await warm([kafka]);
    expect(one).toMatchObject({ isSteady: false });
    expect(one?.brokerCpuSecondsPerMillion).toHaveLength(burstsMax);
    expect(said[0]).toMatch(/^round 3: kafka bare not steady after 16 bursts/);
  });

  it('ends when its time is over, which one client may use alone', async () => {
    vi.spyOn(performance, 'now').mockImplementation(() => clock);
    onTestFinished(() => void vi.restoreAllMocks());
    let clock = 0;
    const { warm } = madeOf(
      Array.from({ length: 100 }, (_, index) => 1000 / (index + 1) ** 2),
      { onBurst: () => void (clock += 8_000) },
    );
    const [one] = await warm([kafka]);
    expect(one).toMatchObject({ isSteady: false });
    expect(one?.messagesPerSecond).toHaveLength(4);
  });

  it('has many small requests before each burst where code is compiled by how often it runs', async () => {
    const { asked, warm } = madeOf([10, 10, 10]);
    await warm([{ ...kafka, asksOften: true }]);
    expect(asked.map(({ spec }) => spec.ratePerSecond)).toEqual([5000, null, 5000, null, 5000, null]);
  });

  it('goes by the pace of its messages where the processes of a broker cannot be seen', async () => {
    const { warm } = madeOf([null, null, null]);
    expect(await warm([kafka])).toMatchObject([{ isSteady: true, brokerCpuSecondsPerMillion: [null, null, null] }]);
  });

  it('of a client that fails keeps what there was, says why it ended, and leaves the others alone', async () => {
    const { warm, said } = madeOf([10, 10, 10]);
    expect(await warm([{ ...kafka, system: 'nobody' }, kafka])).toMatchObject([
      { system: 'nobody', isSteady: false, endedBecause: 'it is not there', messagesPerSecond: [] },
      { system: 'kafka', isSteady: true },
    ]);
    expect(said[0]).toBe('round 3: nobody bare not warm (it is not there) after 0 bursts');
  });

  it('of a client that fails in a way nobody thought of is left out, too', async () => {
    const { warm } = madeOf([10, 10, 10]);
    expect(await warm([{ ...kafka, system: 'odd' }])).toMatchObject([
      { isSteady: false, endedBecause: 'the door is gone' },
    ]);
  });

  it('brings to the disk what it wrote, once, and nothing where it wrote nothing', async () => {
    const { warm, synced } = madeOf([10, 10, 10, 10, 10, 10]);
    await warm([]);
    expect(synced()).toBe(0);
    await warm([kafka, kafka]);
    expect(synced()).toBe(1);
  });

  it('does not count a burst that broke', async () => {
    const broken: Fault = { kind: 'broken', reason: 'it broke: the client was killed' };
    const { warm } = madeOf([30, 20, 10, 10], { faults: [null, null, broken] });
    expect(await warm([kafka])).toMatchObject([
      { isSteady: false, endedBecause: broken.reason, brokerCpuSecondsPerMillion: [30, 20] },
    ]);
  });

  it('ends when the run does', async () => {
    const { warm } = madeOf([10, 10, 10], { signal: AbortSignal.abort(new Error('interrupted')) });
    await expect(warm([kafka])).rejects.toThrow('interrupted');
  });

  it('is in the journal, and is no row of it', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'sluice-warm-up-'));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const journal = Journal.begin(directory, {
      planHash: 'p',
      runId: 'r',
      startedAt: 'now',
      command: 'c',
      flags: {},
      software: {},
    });
    const [one] = await madeOf([10, 10, 10], { journal }).warm([kafka]);
    journal.close();
    const { entries } = readJournal(directory);
    expect(entries).toMatchObject([{ kind: 'part' }, { kind: 'warm-up', warmUp: one }]);
    expect(entries.filter(isRow)).toEqual([]);
  });
});

describe('the report', () => {
  const of = (system: string, costs: readonly (number | null)[], isWarm = true): WarmUp => ({
    round: 0,
    system,
    layer: 'bare',
    isSteady: isWarm,
    brokerCpuSecondsPerMillion: costs,
    messagesPerSecond: costs.map((cost) => 1e6 / (cost ?? 1)),
  });

  it('says how far a broker that had just started was from a warm one, by the median of its rounds', () => {
    expect(warmUpsInWords([of('kafka', [40, 10]), of('rabbitmq-quorum', [50, 50]), of('kafka', [10, 5])])).toEqual([
      'Brokers that had just started were loaded before cells were measured, until their processor time stayed where it was or, by one client, for about 30 to 75 s. Messages a second, first burst → last (seconds of the broker’s processor for a million): kafka 62,500 → 150,000 (25 → 7.5), rabbitmq-quorum 20,000 → 20,000 (50 → 50).',
    ]);
  });

  it('says nothing of a processor that could not be seen', () => {
    expect(warmUpsInWords([of('kafka', [null, null])])[0]).toMatch(/: kafka 1,000,000 → 1,000,000\.$/);
  });

  it('says how many did not come to rest, and nothing where there was no warm-up', () => {
    const failed = { ...of('kafka', [], false), endedBecause: 'it is not there' };
    expect(warmUpsInWords([of('kafka', [30, 9], false), failed, of('kafka', [30, 9])])[1]).toMatch(
      /^2 of 3 such warm-ups ended/,
    );
    expect(warmUpsInWords([])).toEqual([]);
  });

  it('has no figure of a client that was never there', () => {
    const failed = { ...of('kafka-share', [], false), endedBecause: 'it is not there' };
    expect(warmUpsInWords([failed])).toEqual([expect.stringMatching(/^1 of 1 such warm-ups/)]);
    expect(warmUpsInWords([failed, of('kafka', [30, 9])])[0]).not.toMatch(/kafka-share|NaN/);
  });

  it('says it in Arabic, too, with the same figures', () => {
    for (const sentence of warmUpsInWords([of('kafka', [30, 9], false), of('rabbitmq-quorum', [48, 47])]))
      expect(arabicOf(sentence)?.match(/[\d.,]*\d/g), sentence).toEqual(sentence.match(/[\d.,]*\d/g));
  });

  it('keeps every burst', () => {
    const empty = emptyReport();
    const warmUps = [of('kafka', [30, 9]), { ...of('kafka', [null], false), endedBecause: 'it is not there' }];
    const report = { ...empty, run: { ...empty.run, warmUps } };
    expect(parseReport(JSON.stringify(report)).run.warmUps).toEqual(warmUps);
  });
});

interface Made {
  readonly signal?: AbortSignal;
  readonly journal?: Journal;
  /** Of the bursts, one after the other. */
  readonly faults?: readonly (Fault | null)[];
  readonly onBurst?: () => void;
}

/** A run whose bursts cost what is given, one after the other; the system `nobody` has no client. */
function madeOf(costs: readonly (number | null)[], { signal, journal, faults = [], onBurst }: Made = {}) {
  const asked: CellQuestion[] = [];
  const said: string[] = [];
  let bursts = 0;
  const measure: MeasureCell = async (question) => {
    asked.push(question);
    const row = workloadRow();
    if (question.spec.ratePerSecond !== null) return { row, fault: null };
    onBurst?.();
    const fault = faults[bursts] ?? null;
    const brokerCpuSecondsPerMillion = costs[bursts++] ?? null;
    return { row: { ...row, cost: { ...row.cost, brokerCpuSecondsPerMillion } }, fault };
  };
  const going = {
    options: { seed: 1, onProgress: (line: string) => said.push(line), ...(signal === undefined ? {} : { signal }) },
    steps: { begin: () => undefined },
    prefix: 'test',
    journal: journal ?? null,
  } as unknown as Going;
  const makers = {
    async forCell({ system }: { readonly system: string }) {
      if (system === 'nobody') throw new ClientFailed('it is not there');
      if (system === 'odd') throw new Error('the door is gone');
      return measure;
    },
  };
  let syncs = 0;
  const sync = async () => void syncs++;
  const warm = (warmers: readonly Warmer[]) => warmUp(going, makers, { round: 2, warmers, sync });
  return { asked, said, warm, synced: () => syncs };
}
