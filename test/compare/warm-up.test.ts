/** Brokers that have just started are loaded until they are warm: by whom, how long, and what the report says of it. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { ClientFailed } from '../../src/compare/generator/index.ts';
import type { CellQuestion, MeasureCell } from '../../src/compare/load/measure-cell.ts';
import type { WarmUp } from '../../src/compare/report/model.ts';
import { arabicOf } from '../../src/compare/report/phrases/index.ts';
import type { Going } from '../../src/compare/run/going.ts';
import { Journal, readJournal } from '../../src/compare/run/journal.ts';
import { burstsMax, isSteady, type Warmer, warmersOf, warmUp, warmUpsInWords } from '../../src/compare/run/warm-up.ts';
import { workloadRow } from './builders.ts';

describe('a broker is warm', () => {
  it.each([
    ['when the last three bursts cost the same', [60, 30, 20, 10, 10.5, 9.8], 3, true],
    ['not while they become cheaper', [60, 50, 40, 30, 24, 19], 3, false],
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

  it('is one client of RabbitMQ, and of Kafka the Java client and then kafkajs; the log is none', () => {
    const warmers = warmersOf(kafkaAndQueues, kafkaAndQueues);
    expect(places(warmers)).toEqual(['rabbitmq-quorum bare', 'kafka-java reference', 'kafka bare']);
    expect(warmers.map(({ asksOften }) => asksOften)).toEqual([false, true, false]);
    expect(warmers[1]?.burstsMin).toBeGreaterThan(warmers[2]?.burstsMin ?? Number.NaN);
  });

  it('is the Java client also in a round that has no cell of it, when the run has', () => {
    expect(places(warmersOf([{ system: 'kafka', layer: 'port' }], kafkaAndQueues))).toEqual([
      'kafka-java reference',
      'kafka bare',
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
    expect(places(warmersOf(more, more))).toEqual([
      'rabbitmq-quorum bare',
      'kafka-java reference',
      'kafka bare',
      'rabbitmq-quorum-tuned bare',
      'rabbitmq-quorum@3.10 bare',
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
  const kafka: Warmer = { system: 'kafka', layer: 'bare', burstsMin: 3, asksOften: false };

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
    expect(said[0]).toMatch(/^round 3: kafka bare: not steady after 12 bursts/);
  });

  it('has many small requests before each burst where code is compiled by how often it runs', async () => {
    const { asked, warm } = madeOf([10, 10, 10]);
    await warm([{ ...kafka, asksOften: true }]);
    expect(asked.map(({ spec }) => spec.ratePerSecond)).toEqual([5000, null, 5000, null, 5000, null]);
  });

  it('goes by the time of its messages where the processes of a broker cannot be seen', async () => {
    const { warm } = madeOf([null, null, null]);
    expect((await warm([kafka]))[0]).toMatchObject({ isSteady: true, brokerCpuSecondsPerMillion: [1000, 1000, 1000] });
  });

  it('of a client that cannot be opened costs nothing but itself', async () => {
    const { warm, said } = madeOf([10, 10, 10]);
    const done = await warm([{ ...kafka, system: 'nobody' }, kafka]);
    expect(done.map(({ system }) => system)).toEqual(['kafka']);
    expect(said[0]).toBe('round 3: nobody bare: not warmed up, it is not there');
  });

  it('ends when the run does', async () => {
    const { warm } = madeOf([10, 10, 10], AbortSignal.abort(new Error('interrupted')));
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
    const [one] = await madeOf([10, 10, 10], undefined, journal).warm([kafka]);
    journal.close();
    expect(readJournal(directory).entries).toMatchObject([{ kind: 'part' }, { kind: 'warm-up', warmUp: one }]);
  });
});

describe('the report', () => {
  const of = (system: string, costs: readonly number[], isWarm = true): WarmUp => ({
    round: 0,
    system,
    layer: 'bare',
    isSteady: isWarm,
    brokerCpuSecondsPerMillion: costs,
    messagesPerSecond: costs,
  });

  it('says how far a broker that had just started was from a warm one, by the median of its rounds', () => {
    expect(warmUpsInWords([of('kafka', [30, 9]), of('rabbitmq-quorum', [48, 47]), of('kafka', [20, 7])])).toEqual([
      'Brokers that had just started were loaded before each round until their processor time stayed where it was. Seconds for a million messages, first burst → last: kafka 25 → 8, rabbitmq-quorum 48 → 47.',
    ]);
  });

  it('says how many did not come to rest, and nothing where there was no warm-up', () => {
    expect(warmUpsInWords([of('kafka', [30, 9], false), of('kafka', [30, 9])])[1]).toMatch(/^1 of 2 such warm-ups/);
    expect(warmUpsInWords([])).toEqual([]);
  });

  it('says it in Arabic, too, with the same figures', () => {
    for (const sentence of warmUpsInWords([of('kafka', [30, 9], false), of('rabbitmq-quorum', [48, 47])]))
      expect(arabicOf(sentence)?.match(/\d+/g), sentence).toEqual(sentence.match(/\d+/g));
  });
});

/** A run whose bursts cost what is given, one after the other; the system `nobody` has no client. */
function madeOf(costs: readonly (number | null)[], signal?: AbortSignal, journal: Journal | null = null) {
  const asked: CellQuestion[] = [];
  const said: string[] = [];
  let bursts = 0;
  const measure: MeasureCell = async (question) => {
    asked.push(question);
    const row = workloadRow();
    if (question.spec.ratePerSecond !== null) return { row, fault: null };
    const brokerCpuSecondsPerMillion = costs[bursts++] ?? null;
    return { row: { ...row, cost: { ...row.cost, brokerCpuSecondsPerMillion } }, fault: null };
  };
  const going = {
    options: { seed: 1, onProgress: (line: string) => said.push(line), ...(signal === undefined ? {} : { signal }) },
    steps: { begin: () => undefined },
    prefix: 'test',
    journal,
  } as unknown as Going;
  const makers = {
    async forCell({ system }: { readonly system: string }) {
      if (system === 'nobody') throw new ClientFailed('it is not there');
      return measure;
    },
  };
  return { asked, said, warm: (warmers: readonly Warmer[]) => warmUp(going, makers, { round: 2, warmers }) };
}
