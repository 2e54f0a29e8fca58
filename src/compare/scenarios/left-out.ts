/** What a run of half an hour has no time for, with the reason that its report gives. Pure. */

import type { Layer } from '../report/model.ts';
import type { Scenario } from './scenario.ts';

/** Of the middle profile; null for what it asks. */
export function leftOutOfStandard({ isSlow, isFault, isOnlyInFull }: Scenario, layer: Layer): string | null {
  if (isOnlyInFull === true)
    return 'takes long on each system, with a broker of its own: --profile full, or --only with its name, asks it';
  // What is asked of the reference rows has no bare client to stand for it.
  if (layer === 'bare' || layer === 'reference' || (isSlow !== true && isFault !== true)) return null;
  return 'takes long: this profile asks it of the bare clients only; --profile full, or --only with its name, asks it of all layers';
}
