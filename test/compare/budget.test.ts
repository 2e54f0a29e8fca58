/** What a profile may take: its own printed budget, with every system, layer and scenario that it has. */

import { expect, test } from 'vitest';
import { budgetOf } from '../../src/compare/run/budget.ts';
import type { Layer, Profile } from '../../src/compare/report/model.ts';
import { runPlanOf, type RunQuestion } from '../../src/compare/run/plan.ts';
import { leftOutOfStandard, scenarios } from '../../src/compare/scenarios/index.ts';
import { systemIds } from '../../src/compare/systems/system-ids.ts';
import { primaryRepeatsOf, repeatsOf, workloadsOf } from '../../src/compare/workloads/index.ts';

function budget(profile: Profile, layers: readonly Layer[]) {
  const question: RunQuestion = {
    systems: systemIds,
    layers,
    profile,
    repeats: repeatsOf(profile),
    primaryRepeats: primaryRepeatsOf(profile),
    seed: 1,
    scenarioIds: [],
    asksSlowOnAllLayers: profile !== 'standard',
    ...(profile === 'full' ? { roundsPerFreshData: 2 } : {}),
    workloads: workloadsOf(profile).map((spec) => ({ spec })),
  };
  const asked = profile === 'smoke' ? scenarios.filter(({ isInSmoke }) => isInSmoke === true) : scenarios;
  return budgetOf(question, runPlanOf(question).cells, asked, profile === 'standard' ? leftOutOfStandard : undefined);
}

test('smoke is over in a minute', () => {
  expect(budget('smoke', ['bare', 'port']).expectedMs).toBeLessThan(50_000);
});

test('standard is over in half an hour, with ten repeats of its primary comparisons and a sustainable rate of each system', () => {
  const { cells, expectedMs } = budget('standard', ['bare', 'port', 'rest', 'grpc', 'reference']);
  expect(expectedMs).toBeLessThan(29.5 * 60_000);
  expect(cells).toBeGreaterThan(300);
});

test('full is over in an evening, and says more than standard of everything that standard says', () => {
  const layers = ['bare', 'port', 'rest', 'grpc', 'reference'] as const;
  const full = budget('full', layers);
  expect(full.expectedMs).toBeLessThan(2.6 * 60 * 60_000);
  expect(full.cells).toBeGreaterThan(500);
  const cellsOf = (profile: Profile) =>
    runPlanOf({
      systems: systemIds,
      layers,
      profile,
      repeats: repeatsOf(profile),
      primaryRepeats: primaryRepeatsOf(profile),
      seed: 1,
      scenarioIds: [],
      asksSlowOnAllLayers: profile !== 'standard',
      workloads: workloadsOf(profile).map((spec) => ({ spec })),
    }).cells.filter(({ isTwin }) => !isTwin);
  const count = (cells: ReturnType<typeof cellsOf>) => {
    const counted = new Map<string, { repeats: number; measuredMs: number }>();
    for (const { planned, system, layer } of cells) {
      const key = `${planned.spec.id}/${planned.spec.mode}/${system}/${layer}`;
      const { repeats = 0 } = counted.get(key) ?? {};
      counted.set(key, { repeats: repeats + 1, measuredMs: planned.spec.measuredMs });
    }
    return counted;
  };
  const deeper = count(cellsOf('full'));
  for (const [key, standard] of count(cellsOf('standard'))) {
    const own = deeper.get(key);
    expect(own?.repeats, key).toBeGreaterThanOrEqual(standard.repeats);
    expect(own?.measuredMs, key).toBeGreaterThanOrEqual(standard.measuredMs * (standard.measuredMs === 0 ? 1 : 2));
  }
});
