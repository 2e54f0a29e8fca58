/** Stock, tuned and the fsync tier: what the table says is what is set, and none of it becomes part of an answer. */

import { describe, expect, test } from 'vitest';
import type { Profile } from '../../src/compare/report/model.ts';
import { runPlanOf, type RunQuestion } from '../../src/compare/run/plan.ts';
import { rabbitMqSettingsOf, settingNotes, settingsOf, settingsPage } from '../../src/compare/settings/index.ts';
import { settingLines } from '../../src/compare/settings/table.ts';
import { isSystemName, systemIds, systemOf, variantNames } from '../../src/compare/systems/system-ids.ts';
import { decideClaims } from '../../src/compare/conclusions/verdicts.ts';
import { primaryRepeatsOf, repeatsOf, workloadsOf } from '../../src/compare/workloads/index.ts';
import { repeated } from './builders.ts';
import { summarize } from '../../src/compare/conclusions/summaries.ts';

function questionOf(profile: Profile, systems: readonly string[] = systemIds, which?: 'all'): RunQuestion {
  return {
    systems,
    layers: ['bare', 'port'],
    profile,
    repeats: repeatsOf(profile),
    primaryRepeats: primaryRepeatsOf(profile),
    seed: 1,
    scenarioIds: [],
    asksSlowOnAllLayers: profile !== 'standard' || which === 'all',
    workloads: workloadsOf(profile, which).map((spec) => ({ spec })),
  };
}

function variantsIn(question: RunQuestion): readonly string[] {
  const found = runPlanOf(question).cells.filter(({ system }) => variantNames.some((name) => name === system));
  return [...new Set(found.map(({ system, layer, planned }) => `${planned.spec.id} ${system} ${layer}`))].toSorted();
}

describe('the table of settings', () => {
  test('has a line for every variant, and each line a reason and a source', () => {
    for (const name of variantNames)
      expect(
        settingLines.some(({ of }) => of.includes(name)),
        name,
      ).toBe(true);
    for (const { name, reason, source } of settingLines) {
      expect(reason.length, name).toBeGreaterThan(20);
      expect(source, name).toMatch(/kafka\.apache\.org|confluent\.io|rabbitmq\.com/);
    }
  });

  test('tunes nothing that is part of the promise', () => {
    const ofTuned = settingLines.filter(({ of }) => of.some((name) => settingsOf(name) === 'tuned'));
    expect(
      ofTuned.map(({ name }) => name).filter((name) => /acks|flush|sync|replica|prefetch|durable/i.test(name)),
    ).toEqual([]);
  });

  test('is what a RabbitMQ with settings is started by, all of it and nothing else', () => {
    const given = rabbitMqSettingsOf('rabbitmq-classic-tuned');
    const lines = settingLines.filter(({ place }) => place === 'rabbitmq.conf');
    expect(given?.conf).toHaveLength(lines.length);
    expect(given?.conf).toContain('quorum_queue.commands_soft_limit = 256');
    expect(rabbitMqSettingsOf('kafka-tuned')).toBeNull();
    expect(rabbitMqSettingsOf('rabbitmq-quorum')).toBeNull();
  });

  test('is printed whole', () => {
    const page = settingsPage();
    for (const { name, reason } of settingLines) {
      expect(page).toContain(name);
      expect(page).toContain(reason);
    }
  });
});

describe('what runs by other settings', () => {
  test('standard has the fsync tier of Kafka, full all of it, smoke nothing that was not named', () => {
    expect(variantsIn(questionOf('standard'))).toEqual(['throughput-1k kafka-fsync bare']);
    expect(variantsIn(questionOf('full'))).toEqual(variantNames.map((name) => `throughput-1k ${name} bare`).toSorted());
    expect(variantsIn(questionOf('smoke'))).toEqual([]);
    expect(variantsIn(questionOf('smoke', ['kafka', 'kafka-tuned']))).toEqual(['throughput-1k kafka-tuned bare']);
  });

  test('goes with its system: without Kafka there is no tier of it', () => {
    expect(variantsIn(questionOf('full', ['rabbitmq-quorum']))).toEqual(['throughput-1k rabbitmq-quorum-tuned bare']);
  });

  test('is asked for by name, and stands for its system', () => {
    expect(variantNames.every(isSystemName)).toBe(true);
    expect(variantNames.map(systemOf)).toEqual([
      'kafka',
      'kafka',
      'rabbitmq-quorum',
      'rabbitmq-classic',
      'rabbitmq-stream',
    ]);
    expect(isSystemName('log-tuned')).toBe(false);
  });

  test('decides nothing: a tuned Kafka that is ten times as fast changes no claim', () => {
    const common = { layer: 'bare', durability: { persistence: 'os', copies: 1 } } as const;
    const stock = [
      ...repeated([1000, 1010, 990], { ...common, system: 'kafka' }),
      ...repeated([1000, 1005, 995], { ...common, system: 'rabbitmq-classic' }),
    ];
    const tuned = repeated([10_000, 10_100, 9_900], { ...common, system: 'kafka-tuned', settings: 'tuned' });
    const claimsOf = (rows: typeof stock) =>
      decideClaims({ systems: [], scenarios: [], cells: summarize(rows, 1), machine: 'here', searches: rows });
    expect(claimsOf([...stock, ...tuned])).toEqual(claimsOf(stock));
  });

  test('says under its rows what differs, and what Kafka advises', () => {
    expect(settingNotes('kafka-fsync').join(' ')).toMatch(/flush\.messages 1 .*replication/s);
    expect(settingNotes('kafka')).toEqual([]);
  });
});
