/** What is written down is what runs: the OpenAPI document, docs/ERRORS.md, docs/CONFIG.md and the metrics. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { errorCodes } from '../../src/adapters/index.ts';
import { metricCatalogue } from '../../src/gateway/metrics.ts';
import { configPage, errorsPage } from '../../src/gateway/reference-pages.ts';
import { gateway, topicAndSubscription } from './support.ts';

const routes = [
  'DELETE /v1/subscriptions/{subscription}',
  'DELETE /v1/topics/{topic}',
  'GET /livez',
  'GET /metrics',
  'GET /readyz',
  'GET /v1/backend',
  'GET /v1/capabilities',
  'GET /v1/subscriptions',
  'GET /v1/subscriptions/{subscription}',
  'GET /v1/subscriptions/{subscription}/deadletters',
  'GET /v1/subscriptions/{subscription}/lag',
  'GET /v1/subscriptions/{subscription}/stream',
  'GET /v1/subscriptions/{subscription}/ws',
  'GET /v1/topics',
  'GET /v1/topics/{topic}',
  'GET /v1/topics/{topic}/partitions/{partition}/messages',
  'PATCH /v1/subscriptions/{subscription}',
  'PATCH /v1/topics/{topic}',
  'POST /v1/subscriptions',
  'POST /v1/subscriptions/{subscription}/ack',
  'POST /v1/subscriptions/{subscription}/deadletters/redrive',
  'POST /v1/subscriptions/{subscription}/extend',
  'POST /v1/subscriptions/{subscription}/nack',
  'POST /v1/subscriptions/{subscription}/pull',
  'POST /v1/subscriptions/{subscription}/reject',
  'POST /v1/subscriptions/{subscription}/release',
  'POST /v1/subscriptions/{subscription}/seek',
  'POST /v1/topics',
  'POST /v1/topics/{topic}/messages',
];

describe('the OpenAPI document', () => {
  it('is 3.1 and names every route, and the app has every route that it names', async () => {
    const world = await gateway();
    const { status, json: document } = await world.call('GET', '/openapi.json');
    expect([status, document.openapi, document.info.title]).toEqual([200, '3.1.0', 'Sluice']);
    const named = Object.entries(document.paths as Record<string, object>).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    );
    expect(named.toSorted()).toEqual(routes);
    for (const route of routes) {
      const [method = '', path = ''] = route.split(' ');
      const url = path.replaceAll(/\{(\w+)\}/g, ':$1');
      expect(world.app.hasRoute({ method: method as 'GET', url }), route).toBe(true);
    }
  });

  it('refers only to schemas that it has, and every operation says what it does, takes and answers', async () => {
    const world = await gateway();
    const { json: document } = await world.call('GET', '/openapi.json');
    const references = [...JSON.stringify(document).matchAll(/"\$ref":"([^"]+)"/g)].map(
      ([, reference = '']) => reference,
    );
    expect(references.length).toBeGreaterThan(20);
    for (const reference of references) {
      const target = reference
        .slice(2)
        .split('/')
        .reduce((value, part) => value?.[part], document);
      expect(target, reference).toBeTypeOf('object');
    }
    for (const [path, methods] of Object.entries(document.paths as Record<string, Record<string, never>>)) {
      for (const [method, operation] of Object.entries(
        methods as Record<string, { summary?: string; requestBody?: object; responses: object }>,
      )) {
        expect(operation.summary, path).toMatch(/./);
        if (method === 'post') expect(operation.requestBody, path).toBeDefined();
        if (path.startsWith('/v1')) expect(Object.keys(operation.responses), path).toContain('default');
      }
    }
  });

  it('is shown by a page that needs nothing from elsewhere', async () => {
    const world = await gateway();
    const page = await world.call('GET', '/docs/');
    expect([page.status, String(page.headers['content-type'])]).toEqual([200, expect.stringContaining('text/html')]);
    expect(page.text).not.toMatch(/(src|href)="https?:/);
    const root = await world.call('GET', '/');
    expect([root.status, root.headers['location']]).toEqual([302, '/docs']);
  });
});

describe('the pages', () => {
  const read = (name: string): string => readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8');

  it('docs/ERRORS.md is printed from the table of codes (npm run docs)', () => {
    expect(read('ERRORS.md')).toBe(errorsPage());
    for (const code of Object.keys(errorCodes)) expect(errorsPage()).toContain(`\`${code}\``);
  });

  it('docs/CONFIG.md is printed from the settings (npm run docs)', () => {
    expect(read('CONFIG.md')).toBe(configPage());
  });
});

describe('metrics', () => {
  it('are those of the catalogue, with its help, and count what happened', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    await world.call('POST', `/v1/topics/${topic}/messages`, {
      messages: [{ value: 'abc' }, { value: 'x', partition: 9 }],
    });
    const pulled = await world.call('POST', `/v1/subscriptions/${subscription}/pull`, {});
    const tokens = [pulled.json.deliveries[0].ackToken, 'nonsense'];
    await world.call('POST', `/v1/subscriptions/${subscription}/ack`, { tokens });
    await world.call('GET', '/v1/topics/none');
    const { text, headers } = await world.call('GET', '/metrics');
    expect(String(headers['content-type'])).toContain('text/plain');
    // The model keeps its messages nowhere: there is no disk to tell of.
    const catalogue = Object.entries(metricCatalogue).filter(([name]) => !name.startsWith('sluice_log_'));
    for (const [name, { help, type }] of catalogue) {
      expect(text).toContain(`# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`);
    }
    for (const line of [
      `sluice_publish_messages_total{topic="${topic}",result="stored"} 1`,
      `sluice_publish_messages_total{topic="${topic}",result="refused"} 1`,
      `sluice_publish_bytes_total{topic="${topic}"} 3`,
      'sluice_publish_duration_seconds_count 1',
      'sluice_publish_inflight 0',
      `sluice_deliver_messages_total{subscription="${subscription}"} 1`,
      `sluice_settle_total{subscription="${subscription}",call="ack",status="ok"} 1`,
      `sluice_settle_total{subscription="${subscription}",call="ack",status="invalid"} 1`,
      `sluice_subscription_lag_messages{topic="${topic}",subscription="${subscription}"} 0`,
      'sluice_problems_total{code="topic_not_found"} 1',
      'sluice_requests_total{method="POST",route="/v1/topics/:topic/messages",status="207"} 1',
      'sluice_backend_up 1',
      'sluice_pull_sessions 1',
    ]) {
      expect(text).toContain(`${withBackend(line)}\n`);
    }
    const names = new Set([...text.matchAll(/^# TYPE (sluice_\w+)/gm)].map(([, name = '']) => name));
    expect([...names].toSorted()).toEqual(catalogue.map(([name]) => name).toSorted());
  });

  it('topics beyond the cap share one label', async () => {
    const { GatewayMetrics } = await import('../../src/gateway/observability.ts');
    const metrics = new GatewayMetrics();
    const stored = {
      kind: 'stored',
      id: 'a',
      partition: 0,
      offset: 0,
      durability: { persistence: 'os', copies: 1 },
    } as const;
    for (let topic = 0; topic < 260; topic += 1) metrics.published(`t${topic}`, [stored], 1, 1);
    const text = await metrics.registry.metrics();
    expect(text.match(/sluice_publish_bytes_total\{/g)).toHaveLength(201);
    expect(text).toContain('sluice_publish_bytes_total{topic="__other__"} 60\n');
  });
});

/** Every line has the label of what is behind the gateway. */
function withBackend(line: string): string {
  const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\d+)$/.exec(line) ?? [];
  return `${name}{${labels === undefined ? '' : `${labels},`}backend="model"} ${value}`;
}
