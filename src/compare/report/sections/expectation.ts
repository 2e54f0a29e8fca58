/** What was expected of a system at its version, why, and who says so. */

import type { Text } from '../document.ts';
import type { ScenarioRow } from '../model.ts';
import { scenarioMark } from './marks.ts';

export function expectationLines({ expected }: ScenarioRow): readonly Text[] {
  const versions = expected.versions === '*' ? 'all versions' : `versions ${expected.versions}`;
  return [
    [scenarioMark(expected.verdict), ` for ${versions}. ${expected.why}`],
    ['Source: ', { kind: 'source', text: expected.source }],
  ];
}
