/** A report whose every free text tries to be something else: markup, a table cell, a link, a formula, an override of direction. */

import type { Report } from '../../src/compare/report/model.ts';
import { scenarioEvidenceId, workloadEvidenceId } from '../../src/compare/report/evidence.ts';

export const attacks = [
  '<script>alert(1)</script>',
  '"><img src=x onerror=alert(1)>',
  "' onmouseover='x",
  '</style></svg></title><b>',
  '\u202Eright to left\u2066',
  'a | b || c\\| d\\\\|',
  '\n\n# heading\n- item\n| cell |\r\n```\n',
  '[click](javascript:alert(1)) ![x](http://evil.example/x.png) <http://evil.example>',
  '`code` **bold** _it_ ~~gone~~ &lt;b&gt; &#60;i&#62;',
  '=HYPERLINK("http://evil.example","x")',
  '@SUM(1,"2")\t',
  'javascript:alert(1)',
  '\u0000\u0007\uD800 lone',
  ']]> --> *',
] as const;

/** Words of a closed list, and names that decide what is drawn. */
const keptKeys = new Set([
  'specVersion',
  'profile',
  'startedAt',
  'finishedAt',
  'layer',
  'layers',
  'verdict',
  'basis',
  'mode',
  'settings',
  'persistence',
  'keyDistribution',
  'arrival',
  'limitedBy',
  'level',
  'direction',
  'outcome',
  'criterion',
  'phase',
  'end',
  'kind',
  'evidence-ids',
]);
const sources = new Set(['embedded', 'address', 'docker', 'process']);
/** Records whose names come from outside. */
const freeRecords = new Set(['libraries', 'generatorCeiling', 'configuration', 'capabilities', 'limits', 'observed']);
const keptValues = new Set(['fan-out-disk']);
const keptNames = new Set(['subscriptions', 'bytesWrittenPerMessage', 'messageBytes']);

/** Same texts become same texts, so that ids still find each other. */
export function hostileReport(report: Report): Report {
  const spoiled = spoil(report, '') as Report;
  const renamed = new Map<string, string>();
  report.scenarios.forEach((row, index) =>
    renamed.set(scenarioEvidenceId(row), scenarioEvidenceId(spoiled.scenarios[index] as typeof row)),
  );
  report.workloads.forEach((row, index) =>
    renamed.set(workloadEvidenceId(row), workloadEvidenceId(spoiled.workloads[index] as typeof row)),
  );
  return {
    ...spoiled,
    verdicts: spoiled.verdicts.map((claim, index) => ({
      ...claim,
      evidence: (report.verdicts[index]?.evidence ?? []).map((id) => renamed.get(id) ?? id),
    })),
  };
}

export function spoiledText(text: string): string {
  const sum = Array.from(text).reduce((total, character) => total + (character.codePointAt(0) ?? 0), text.length);
  const first = attacks[sum % attacks.length] ?? '';
  const second = attacks[(sum * 7 + 3) % attacks.length] ?? '';
  return `${first}${text}${second}`;
}

function spoil(value: unknown, key: string): unknown {
  if (typeof value === 'string') {
    const isKept = keptKeys.has(key) || keptValues.has(value) || (key === 'source' && sources.has(value));
    return isKept ? value : spoiledText(value);
  }
  if (Array.isArray(value)) return value.map((item) => spoil(item, key));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      freeRecords.has(key) && !keptNames.has(name) ? spoiledText(name) : name,
      spoil(inner, freeRecords.has(key) && key !== 'capabilities' ? '' : name),
    ]),
  );
}
