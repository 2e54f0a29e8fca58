/** What a profile may take: its own printed budget, with every system, layer and scenario that it has. */

import { expect, test } from 'vitest';
import { budgetOf } from '../../src/compare/budget.ts';
import type { Layer, Profile } from '../../src/compare/report/model.ts';
import { runPlanOf, type RunQuestion } from '../../src/compare/run-plan.ts';
import { leftOutOfStandard, scenarios } from '../../src/compare/scenarios/index.ts';
import { systemIds } from '../../src/compare/system-ids.ts';
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
