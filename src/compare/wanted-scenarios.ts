/** Which scenarios a run asks, and of which layers it leaves them out. */

import type { CompareOptions } from './compare-options.ts';
import type { Layer } from './report/model.ts';
import { scenarios } from './scenarios/index.ts';
import type { Scenario } from './scenarios/scenario.ts';

export function wantedScenarios({ scenarioIds }: CompareOptions): readonly Scenario[] {
  return scenarios.filter((scenario) => scenarioIds.includes(scenario.id));
}

/** A run of everything within half an hour asks what takes long of the bare clients alone. */
function onlyBare({ isSlow, isFault }: Scenario, layer: Layer): string | null {
  // What is asked of the reference rows has no bare client to stand for it.
  if (layer === 'bare' || layer === 'reference' || (isSlow !== true && isFault !== true)) return null;
  return 'takes long: this profile asks it of the bare clients only; --profile full, or --only with its name, asks it of all layers';
}

export function leaveOutOf({ asksSlowOnAllLayers, layers }: CompareOptions): typeof onlyBare | undefined {
  return asksSlowOnAllLayers === false && layers.includes('bare') ? onlyBare : undefined;
}
