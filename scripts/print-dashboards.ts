/** Prints what Grafana and Prometheus load: `npm run dashboards`. A test holds the committed files to what this prints. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stringify } from 'yaml';
import { alertRules } from './grafana/alerts.ts';
import { dashboards } from './grafana/dashboards.ts';
import { dashboardJson } from './grafana/panels.ts';

const root = new URL('../', import.meta.url);

/** Path from the top of the repository -> the whole file. */
export const printedDashboards: Readonly<Record<string, () => string>> = {
  ...Object.fromEntries(
    dashboards.map((dashboard) => [
      `grafana/dashboards/sluice-${dashboard.uid}.json`,
      () => `${JSON.stringify(dashboardJson(dashboard), null, 2)}\n`,
    ]),
  ),
  'grafana/alerts/sluice.yaml': () =>
    `# Printed from scripts/grafana/alerts.ts by \`npm run dashboards\`.\n${stringify(alertRules(), { lineWidth: 0 })}`,
};

function writeAll(): void {
  for (const [path, print] of Object.entries(printedDashboards)) {
    const file = fileURLToPath(new URL(path, root));
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, print());
    console.log(`wrote ${path}`);
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeAll();
