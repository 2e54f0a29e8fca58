/** Dashboards and alerts as committed: printed from code, of the catalogue's names only, and with a chapter of the runbook each. */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { printedDashboards } from '../../scripts/print-dashboards.ts';
import { metricCatalogue } from '../../src/gateway/metrics.ts';
import { committedDashboards, committedRules, nameProblems, panelQueries, root } from './queries.ts';

const recorded = new Set(committedRules().flatMap(({ record }) => record ?? []));

describe('what is committed', () => {
  it.each(Object.entries(printedDashboards))('%s is as `npm run dashboards` prints it', (path, print) => {
    expect(readFileSync(join(root, path), 'utf8')).toBe(print());
  });

  it('and nothing else is there', () => {
    const files = ['grafana/dashboards', 'grafana/alerts'].flatMap((folder) =>
      readdirSync(join(root, folder)).map((name) => `${folder}/${name}`),
    );
    expect(files.toSorted()).toEqual(Object.keys(printedDashboards).toSorted());
  });

  it('is shipped', () => {
    const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
    expect(files).toContain('grafana');
  });
});

describe('the names in queries', () => {
  it.each(panelQueries().map(({ where, expr }) => [where, expr]))('%s', (_, expr) => {
    expect(nameProblems(expr)).toEqual([]);
  });

  it.each(committedDashboards().map((dashboard) => [dashboard.title, dashboard] as const))(
    'annotations and variables of %s',
    (_, { annotations, templating }) => {
      for (const { expr } of annotations.list) expect(nameProblems(expr)).toEqual([]);
      for (const { type, query } of templating.list) {
        if (type !== 'query') continue;
        const [, metric = '', label = ''] =
          /^label_values\((\w+), (\w+)\)$/.exec((query as { query: string }).query) ?? [];
        expect(nameProblems(`sum by (${label}) (${metric})`)).toEqual([]);
      }
    },
  );

  it.each(committedRules().map(({ alert, record, expr }) => [alert ?? record, expr]))('rule %s', (_, expr) => {
    expect(nameProblems(expr ?? '', recorded)).toEqual([]);
  });

  it.each([
    ['sum(rate(sluice_publish_mesages_total[5m]))', 'sluice_publish_mesages_total is not in the catalogue'],
    ['sluice_log_bytes{subscription="a"}', 'sluice_log_bytes has no label subscription'],
    ['sum by (topic) (sluice_backend_up)', 'no metric of the query has the label topic'],
    ['rate(sluice_log_bytes[5m])', 'rate() of sluice_log_bytes, which is not a counter'],
    ['deriv(sluice_requests_total[5m])', 'deriv() of sluice_requests_total, which is a counter'],
    ['sluice_log_fsync_duration_seconds > 1', 'sluice_log_fsync_duration_seconds is not in the catalogue'],
  ])('a wrong one is found: %s', (expr, problem) => {
    expect(nameProblems(expr)).toContain(problem);
  });

  it('every metric that says how messages and the disk are is on a dashboard', () => {
    const all = panelQueries()
      .map(({ expr }) => expr)
      .join('\n');
    const asked = Object.keys(metricCatalogue).filter((name) => name !== 'sluice_build_info');
    expect(asked.filter((name) => !all.includes(name))).toEqual([]);
  });
});

describe('the model that Grafana loads', () => {
  it.each(committedDashboards().map((dashboard) => [dashboard.title, dashboard] as const))('%s', (_, dashboard) => {
    expect(dashboard.uid).toMatch(/^[a-zA-Z0-9_-]{1,40}$/);
    expect(dashboard.editable).toBe(false);
    expect(new Set(dashboard.panels.map(({ id }) => id)).size).toBe(dashboard.panels.length);
    const variables = new Set(dashboard.templating.list.map(({ name }) => name));
    for (const panel of dashboard.panels) {
      if (panel.type === 'row') continue;
      expect(['timeseries', 'stat']).toContain(panel.type);
      expect(panel.description, panel.title).toBeTruthy();
      for (const { expr, legendFormat } of panel.targets ?? []) {
        expect(legendFormat).not.toBe('');
        for (const [, name = ''] of expr.matchAll(/\$(\w+)/g))
          if (!name.startsWith('__')) expect([...variables], expr).toContain(name);
        for (const [range] of expr.matchAll(/rate\([^[]*\[[^\]]*\]/g)) expect(range).toContain('[$__rate_interval]');
      }
    }
  });

  it.each(committedDashboards().map((dashboard) => [dashboard.title, dashboard] as const))(
    'no two panels of %s lie on each other, and none is cut off',
    (_, { panels }) => {
      const taken = new Map<string, string>();
      for (const { title, gridPos } of panels) {
        expect(gridPos.x + gridPos.w).toBeLessThanOrEqual(24);
        for (let x = gridPos.x; x < gridPos.x + gridPos.w; x += 1)
          for (let y = gridPos.y; y < gridPos.y + gridPos.h; y += 1) {
            expect(taken.get(`${x},${y}`), `${title} at ${x},${y}`).toBeUndefined();
            taken.set(`${x},${y}`, title);
          }
      }
    },
  );

  it('uids and titles are each of one dashboard', () => {
    const all = committedDashboards();
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(all.length);
    expect(new Set(all.map(({ title }) => title)).size).toBe(all.length);
  });
});

describe('the runbook', () => {
  const chapters = [...readFileSync(join(root, 'docs/RUNBOOK.md'), 'utf8').matchAll(/^## (.+)$/gm)].map(
    ([, title = '']) => title,
  );
  const alerts = committedRules().flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }]));

  it('has a chapter for every alert and no other', () => {
    expect(chapters).toEqual(
      alerts.map(({ alert }) => alert).toSorted((a, b) => chapters.indexOf(a) - chapters.indexOf(b)),
    );
  });

  it.each(alerts.map(({ alert, annotations }) => [alert, annotations?.runbook_url ?? '']))(
    'is where the link of %s leads',
    (_, url) => {
      const [file = '', anchor] = url.split('#');
      expect(existsSync(join(root, file))).toBe(true);
      expect(chapters.map((title) => title.toLowerCase())).toContain(anchor);
    },
  );
});
