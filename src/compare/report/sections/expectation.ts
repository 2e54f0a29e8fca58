/** What was expected of a system at its version, why, and who says so. */

import { type Inline, inlines, quote, space, type Text } from '../document.ts';
import { say } from '../language.ts';
import type { ScenarioRow } from '../model.ts';
import { scenarioMark } from './marks.ts';

/** The same as one text. */
export function expectationText(row: ScenarioRow): readonly Inline[] {
  return expectationLines(row).flatMap((line, index) => [...(index === 0 ? [] : [space]), ...inlines(line)]);
}

export function expectationLines({ expected }: ScenarioRow): readonly Text[] {
  const versions =
    expected.versions === '*'
      ? say('all versions', 'كل الإصدارات')
      : say(`versions ${expected.versions}`, `الإصدارات ${expected.versions}`);
  return [
    [scenarioMark(expected.verdict), say(` for ${versions.en}. `, ` في ${versions.ar}. `), quote(expected.why)],
    [say('Source: ', 'المصدر: '), { kind: 'source', text: expected.source }],
  ];
}
