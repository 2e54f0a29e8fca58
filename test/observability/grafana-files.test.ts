/**
 * What Grafana loads, checked without a Grafana: the dashboards by the compiler against the types of their maker, the provisioning files field by field,
 * and that they fit each other, compose.yaml and prometheus.yaml.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';

const root = resolve(import.meta.dirname, '../..');
const fileOf = (...path: readonly string[]): string => readFileSync(join(root, ...path), 'utf8');
const yamlOf = (...path: readonly string[]): unknown => parse(fileOf(...path));

/**
 * In JSON an enum is its value. Fields that Grafana's types leave to others: of an annotation, those that its Prometheus data source reads; of a
 * variable, the text that the list of variables shows.
 */
const types = `import type { Dashboard as Model } from '@grafana/schema';
type Json<T> = T extends string ? \`\${T}\` : T extends object ? { [K in keyof T]: Json<T[K]> } : T;
type Plain = Json<Model>;
type Annotation = NonNullable<NonNullable<Plain['annotations']>['list']>[number];
type Variable = NonNullable<NonNullable<Plain['templating']>['list']>[number];
type Dashboard = Omit<Plain, 'annotations' | 'templating'> & {
  annotations: { list: (Annotation & { expr: string; titleFormat?: string; textFormat?: string })[] };
  templating: { list: (Variable & { definition?: string })[] };
};
`;

const dashboards = readdirSync(join(root, 'grafana', 'dashboards')).map((file) =>
  fileOf('grafana', 'dashboards', file),
);

/** What the compiler finds wrong, a line each. */
function problemsOf(models: readonly string[]): string[] {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-dashboards-'));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  symlinkSync(join(root, 'node_modules'), join(directory, 'node_modules'));
  const literals = models.map((model, index) => `export const model${index}: Dashboard = ${model};`);
  writeFileSync(join(directory, 'dashboards.ts'), types + literals.join('\n'));
  const compiler = join(root, 'node_modules', 'typescript', 'bin', 'tsc');
  const flags = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--types', ''];
  const { stdout } = spawnSync(process.execPath, [compiler, ...flags, 'dashboards.ts'], {
    cwd: directory,
    encoding: 'utf8',
  });
  return stdout.split('\n').filter((line) => line.includes('error'));
}

describe('the dashboards', () => {
  it('have the fields and values that Grafana knows, and no others', () => {
    expect(problemsOf(dashboards)).toEqual([]);
  });

  it('of which each that is wrong would be found', () => {
    const [model = ''] = dashboards;
    const wrong = [
      ['"editable": false', '"editable": "no"'],
      ['"graphTooltip": 1', '"graphToltip": 1'],
      ['"mode": "absolute"', '"mode": "absolut"'],
      ['"gridPos": {', '"gridPos": { "q": 1,'],
    ].map(([from = '', to = '']) => {
      expect(model).toContain(from);
      return model.replace(from, to);
    });
    const problems = problemsOf(wrong).map((line) => /TS\d+/.exec(line)?.[0]);
    expect(problems).toHaveLength(wrong.length);
  });
});

/** Fields as Grafana's page about provisioning has them. */
const DataSources = z.strictObject({
  apiVersion: z.literal(1),
  prune: z.boolean().optional(),
  deleteDatasources: z.array(z.strictObject({ name: z.string(), orgId: z.int().optional() })).optional(),
  datasources: z.array(
    z.strictObject({
      name: z.string(),
      type: z.string(),
      access: z.enum(['proxy', 'direct']),
      orgId: z.int().optional(),
      uid: z.string().max(40),
      url: z.string(),
      isDefault: z.boolean().optional(),
      editable: z.boolean().optional(),
      version: z.int().optional(),
      jsonData: z.strictObject({ timeInterval: z.string(), httpMethod: z.enum(['GET', 'POST']).optional() }),
      secureJsonData: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

const Providers = z.strictObject({
  apiVersion: z.literal(1),
  providers: z.array(
    z.strictObject({
      name: z.string(),
      orgId: z.int().optional(),
      folder: z.string().optional(),
      folderUid: z.string().optional(),
      type: z.literal('file'),
      disableDeletion: z.boolean().optional(),
      updateIntervalSeconds: z.int().optional(),
      allowUiUpdates: z.boolean().optional(),
      options: z.strictObject({ path: z.string(), foldersFromFilesStructure: z.boolean().optional() }),
    }),
  ),
});

const Compose = z.object({
  services: z.object({
    grafana: z.object({ environment: z.record(z.string(), z.string()), volumes: z.array(z.string()) }),
    prometheus: z.object({ image: z.string() }),
  }),
});

describe('the provisioning files', () => {
  const { datasources } = DataSources.parse(yamlOf('grafana', 'provisioning', 'datasources', 'prometheus.yaml'));
  const { providers } = Providers.parse(yamlOf('grafana', 'provisioning', 'dashboards', 'sluice.yaml'));
  const { grafana } = Compose.parse(yamlOf('docker', 'compose.yaml')).services;

  it('are all that is there', () => {
    const files = readdirSync(join(root, 'grafana', 'provisioning'), { recursive: true, encoding: 'utf8' });
    expect(files.filter((file) => /\.\w+$/.test(file)).toSorted()).toEqual([
      'dashboards/sluice.yaml',
      'datasources/prometheus.yaml',
    ]);
  });

  it('name one data source, the default, of the kind that every dashboard asks for', () => {
    expect(datasources.map(({ type, isDefault }) => [type, isDefault])).toEqual([['prometheus', true]]);
    for (const text of dashboards) {
      const asked = new Set([...text.matchAll(/"type": "(\w+)",\s+"uid": "/g)].map(([, type]) => type));
      expect([...asked]).toEqual(['prometheus']);
      expect(text).toMatch(/"name": "DS_PROMETHEUS",[^}]*"query": "prometheus"/);
    }
  });

  it('are mounted, with the dashboards, where compose.yaml has them, and its environment has the address', () => {
    expect(grafana.volumes).toContain('../grafana/provisioning:/etc/grafana/provisioning:ro');
    expect(grafana.volumes).toContain(`../grafana/dashboards:${providers[0]?.options.path}:ro`);
    const variable = /^\$(\w+)$/.exec(datasources[0]?.url ?? '')?.[1] ?? '';
    expect(grafana.environment[variable]).toBe('http://prometheus:9090');
  });

  it('scrape as often as they say: a rate over less than four scrapes would have holes', () => {
    const Prometheus = z.object({ global: z.object({ scrape_interval: z.string() }) });
    for (const path of [
      ['grafana', 'prometheus.yaml'],
      ['docker', 'prometheus.yaml'],
    ])
      expect(Prometheus.parse(yamlOf(...path)).global.scrape_interval).toBe(datasources[0]?.jsonData.timeInterval);
  });
});
