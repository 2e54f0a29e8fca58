/** The words that stand beside every figure, before the first of them. */

import { type Block, name as named, space, strong, type Text } from '../document.ts';
import { durability, durabilityMeaning } from '../figures.ts';
import type { DurabilityReached, Report } from '../model.ts';
import { layerMeaning, layers } from '../view.ts';

/** Only those that the report uses. */
export function termsBlock(report: Report): readonly Block[] {
  const tiers = new Map(report.workloads.map((row) => [durability(row.durability), row.durability]));
  const used = layers.filter((layer) => report.workloads.some((row) => row.layer === layer));
  if (used.length === 0) return [];
  return [
    {
      kind: 'list',
      look: 'key',
      items: [
        ...used.map((layer): Text => [strong(named(layer)), space, layerMeaning[layer]]),
        ...[...tiers].map(
          ([name, tier]: [string, DurabilityReached]): Text => [strong(named(name)), space, durabilityMeaning(tier)],
        ),
      ],
    },
  ];
}
