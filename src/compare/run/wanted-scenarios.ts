/** Which scenarios a run asks, and of which layers it leaves them out. */

import type { CompareOptions } from './compare-options.ts';
import { leftOutOfStandard, scenarios } from '../scenarios/index.ts';
import type { Scenario } from '../scenarios/scenario.ts';

export function wantedScenarios({ scenarioIds }: CompareOptions): readonly Scenario[] {
  return scenarios.filter((scenario) => scenarioIds.includes(scenario.id));
}

export function leaveOutOf({ asksSlowOnAllLayers, layers }: CompareOptions): typeof leftOutOfStandard | undefined {
  return asksSlowOnAllLayers === false && layers.includes('bare') ? leftOutOfStandard : undefined;
}
