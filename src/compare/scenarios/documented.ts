/** What the documents of a system say about a scenario: its expectation, with the source. */

import { expectationFor, scenarios } from './index.ts';
import { isSystemName, systemOf } from '../systems/system-ids.ts';

/** Null where the table of expectations has no row. */
export function documented(id: string, name: string, version: string) {
  const scenario = scenarios.find((one) => one.id === id);
  if (scenario === undefined || !isSystemName(name)) return null;
  // What the broker does with its own client comes before what a layer makes of it, as for what was measured.
  const layer = (['bare', 'port'] as const).find(
    (one) => scenario.layers.includes(one) && scenario.notFor(systemOf(name), one) === null,
  );
  if (layer === undefined) return null;
  return expectationFor(scenario, systemOf(name), layer, version);
}
