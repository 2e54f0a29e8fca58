/**
 * Prints every document that is made from code: `npm run docs`. A test holds the committed files to what this prints.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { liveMetricsChapter } from '../src/compare/run/live-metrics.ts';
import { workloadJsonSchema } from '../src/compare/workload-file.ts';
import { reportJsonSchema } from '../src/compare/report/index.ts';
import { settingsPage } from '../src/compare/settings/index.ts';
import { limitsPage } from '../src/gateway/limit-table.ts';
import { metricsPage } from '../src/gateway/metrics-page.ts';
import { configPage, errorsPage } from '../src/gateway/reference-pages.ts';
import { renderCapabilities, renderMatrix, tables } from './print-capabilities.ts';
import { conformancePage } from './print-conformance.ts';
import { claimsTable, faqPage } from './print-faq.ts';
import { scenariosPage } from './print-scenarios.ts';
import { arabicPage } from './print-arabic.ts';
import { faultsPage } from './print-faults.ts';
import { comparisonPicture } from './print-pictures.ts';

const root = new URL('../', import.meta.url);

/** Path from the top of the repository -> the whole file. */
export const printedFiles: Readonly<Record<string, () => string>> = {
  'docs/ERRORS.md': errorsPage,
  'docs/CONFIG.md': configPage,
  'docs/LIMITS.md': limitsPage,
  'docs/METRICS.md': () => `${metricsPage()}\n${liveMetricsChapter()}`,
  'docs/CAPABILITIES.md': () => renderCapabilities(tables),
  'docs/CONFORMANCE.md': conformancePage,
  'docs/BROKER-SETTINGS.md': settingsPage,
  'docs/SCENARIOS.md': scenariosPage,
  'docs/FAULTS.md': faultsPage,
  'docs/ar/README.md': arabicPage,
  'docs/pictures/comparison.svg': comparisonPicture,
  'docs/FAQ.md': faqPage,
  'docs/workload.schema.json': () => `${JSON.stringify(workloadJsonSchema(), null, 2)}\n`,
  'docs/report.schema.json': () => `${JSON.stringify(reportJsonSchema(), null, 2)}\n`,
  'README.md': () =>
    withPart(
      withPart(currentText('README.md'), 'capabilities', renderMatrix(tables, 'docs/CAPABILITIES.md')),
      'claims',
      claimsTable(),
    ),
};

/** The text with `part` between its markers. Throws when a marker is missing: a table must not vanish in silence. */
export function withPart(text: string, name: string, part: string): string {
  const begin = `<!-- ${name}:begin -->`;
  const end = `<!-- ${name}:end -->`;
  const from = text.indexOf(begin);
  const to = text.indexOf(end, from);
  if (from === -1 || to === -1) throw new Error(`the markers ${begin} and ${end} are not there in this order`);
  return `${text.slice(0, from + begin.length)}\n\n${part}\n\n${text.slice(to)}`;
}

export function currentText(path: string): string {
  return readFileSync(new URL(path, root), 'utf8');
}

function writeAll(): void {
  for (const [path, print] of Object.entries(printedFiles)) {
    writeFileSync(new URL(path, root), print());
    console.log(`wrote ${path}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeAll();
