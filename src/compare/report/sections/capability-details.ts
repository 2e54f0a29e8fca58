/** How each adapter does what it claims, or why it does not, in its own sentences. */

import {
  colon,
  comma,
  type Inline,
  name as named,
  type Part,
  quiet,
  quote,
  space,
  systemName,
  type Text,
} from '../document.ts';
import { capabilityAnchor } from '../evidence.ts';
import { say } from '../language.ts';
import type { Report, SystemRow } from '../model.ts';
import { orderedSystems } from '../view.ts';
import { levelMark } from './marks.ts';
import { capabilityNames } from './matrix.ts';

export function capabilityParts(report: Report): readonly Part[] {
  const names = capabilityNames(report);
  if (names.length === 0) return [];
  return [
    {
      id: 'capabilities',
      title: say('Capability claims in words', 'ادعاءات القدرات بالكلمات'),
      blocks: [
        {
          kind: 'table',
          id: 'capabilities-table',
          caption: say('How, or why not', 'كيف، أو لماذا لا'),
          columns: [{ title: say('Capability', 'القدرة') }, { title: say('Claim', 'الادعاء') }],
          rows: names.map((name) => ({
            id: capabilityAnchor(name),
            cells: [named(name), { lines: sentences(name, orderedSystems(report)) }],
          })),
        },
      ],
    },
  ];
}

/** Systems that say the same share a line. */
function sentences(name: string, systems: readonly SystemRow[]): readonly Text[] {
  const lines = new Map<string, { claim: SystemRow['capabilities'][string]; systems: string[] }>();
  for (const system of systems) {
    const claim = system.capabilities[name];
    if (claim === undefined) continue;
    const key = JSON.stringify(claim);
    const line = lines.get(key) ?? { claim, systems: [] };
    line.systems.push(system.id);
    lines.set(key, line);
  }
  return [...lines.values()].map(({ claim, systems: who }) => [
    levelMark(claim.level),
    space,
    ...who.flatMap((id, index): readonly Inline[] => (index === 0 ? [systemName(id)] : [comma, systemName(id)])),
    colon,
    quote(claim.how),
    ...limitsOf(claim),
  ]);
}

function limitsOf({ limits }: SystemRow['capabilities'][string]): readonly Inline[] {
  if (limits === undefined) return [];
  const bounds = Object.entries(limits).map(([name, value]) => `${name} ${value.toLocaleString('en-US')}`);
  return [quiet(named(` (${bounds.join(', ')})`))];
}
