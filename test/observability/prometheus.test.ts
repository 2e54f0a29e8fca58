/** A real Prometheus scrapes a gateway under load, and is asked everything that dashboards and alerts ask: the numbers are those of the load's own books. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { startGateway } from '../../src/gateway/index.ts';
import { connect } from '../gateway/grpc/support.ts';
import { openEvents } from '../support/stream-clients.ts';
import { askPanels, askRules, emptyOnes, notFinite } from './ask-everything.ts';
import { Load } from './load.ts';
import { drawDashboards } from './picture.ts';
import { needsPrometheus, promtool, startPrometheus } from './prometheus-tools.ts';

const RATE = 400;
const LOAD_MS = 12_000;
const WINDOW_MS = 9_000;

/** On the native log alone, with nothing refused by a keys file. */
const mayBeEmpty = /^no gateway is on (RabbitMQ|Kafka)|^nothing was read again|^no comparison runs/;

it('every panel and alert has its query answered, and rate and lag are right', { timeout: 90_000 }, async (context) => {
  needsPrometheus(context);
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-observed-'));
  const gateway = await startGateway({ port: 0, grpcPort: 0, backend: 'native', native: { dataDir } });
  context.onTestFinished(async () => {
    await gateway.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  const load = new Load(gateway.url);
  context.onTestFinished(async () => await load.stop());
  await load.prepare();
  const prometheus = await startPrometheus(context, [gateway.url]);
  const events = await openEvents(gateway, load.live);
  context.onTestFinished(() => events.leave());

  const startedMs = Date.now();
  load.start(RATE);
  const { publisher, admin } = connect(gateway.grpcAddress ?? '');
  context.onTestFinished(() => {
    publisher.close();
    admin.close();
  });
  // Asked all the while, as a client would: gRPC, and something that does not exist.
  while (Date.now() - startedMs < LOAD_MS) {
    await new Promise((resolve) => admin.getLag({ subscription: load.slow }, resolve));
    await fetch(`${gateway.url}/v1/topics/none`);
    await fetch(`${gateway.url}/v1/topics`, {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  const endedMs = Date.now();
  const rate = await prometheus.value(
    `sum(rate(sluice_publish_messages_total{topic="${load.topic}",result="stored"}[${WINDOW_MS / 1_000}s]))`,
    endedMs,
  );
  const { fromMs, toMs } = await prometheus.measured(gateway.url, endedMs, WINDOW_MS);
  await load.stopPublishing();
  await load.stopConsuming();

  const sent = load.rate(fromMs, toMs);
  expect(rate / sent, `${rate} by Prometheus, ${sent} by the books`).toBeGreaterThan(0.95);
  expect(rate / sent, `${rate} by Prometheus, ${sent} by the books`).toBeLessThan(1.05);

  const panels = await askPanels(prometheus, startedMs + 6_000, endedMs);
  expect(notFinite(panels)).toEqual([]);
  const empty = emptyOnes(panels);
  expect(empty.filter(({ emptyWhen }) => !mayBeEmpty.test(emptyWhen ?? '')).map(({ where }) => where)).toEqual([]);
  // The columns of the other backends: else the query would not look at the backend.
  expect(empty.filter(({ where }) => where.includes('RabbitMQ:')).length).toBeGreaterThan(5);

  const rules = await askRules(prometheus, startedMs + 6_000, endedMs);
  expect(notFinite(rules)).toEqual([]);
  expect(emptyOnes(rules).filter(({ emptyWhen }) => emptyWhen === undefined)).toEqual([]);
  const health = await prometheus.rules();
  expect(health.filter((rule) => rule.health !== 'ok').map(({ name, lastError }) => `${name}: ${lastError}`)).toEqual(
    [],
  );

  for (const subscription of [load.quick, load.slow])
    await expect
      .poll(async () => await prometheus.value(`sluice_subscription_lag_messages{subscription="${subscription}"}`), {
        timeout: 20_000,
        interval: 200,
      })
      .toBe(load.lag(subscription));
  expect(load.lag(load.slow)).toBeGreaterThan(RATE);

  const pictures = process.env['SLUICE_DASHBOARD_PICTURES'];
  if (pictures !== undefined) await drawDashboards(prometheus, pictures, startedMs, endedMs);

  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  expect(await promtool(['check', 'metrics'], text)).toEqual({ ok: true, text: '' });
});
