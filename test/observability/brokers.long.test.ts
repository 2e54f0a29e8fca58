/**
 * One gateway on each backend, all scraped by one Prometheus: the columns of the comparison are filled, rates, lags and ages are those of the books on
 * each backend; then both brokers are killed under load, which the alert must notice, and come back, which must end it.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { obtainBrokers } from '../../src/brokers/index.ts';
import { type Gateway, type GatewayConfigInput, startGateway } from '../../src/gateway/index.ts';
import { connect } from '../gateway/grpc/support.ts';
import { askPanels, askRules, emptyOnes, notFinite } from './ask-everything.ts';
import { Load } from './load.ts';
import { drawDashboards } from './picture.ts';
import { needsPrometheus, startPrometheus } from './prometheus-tools.ts';

const RATE = 150;
const LOAD_MS = 20_000;
const WINDOW_MS = 12_000;
/** Lag is asked for every five seconds, and Prometheus scrapes in between; a queue was first seen to wait at such a look. */
const AGE_SLACK_S = 12;
/** The alert waits for a minute. */
const ALERT_MS = 120_000;
const RECOVERED_MS = 120_000;

const mayBeEmpty = /^nothing was read again|^no comparison runs/;

it('three backends side by side, and both brokers killed', { timeout: 600_000 }, async (context) => {
  needsPrometheus(context);
  const brokers = await obtainBrokers({ want: ['rabbitmq', 'kafka'], fresh: true });
  onTestFinished(async () => await brokers.stop());
  const { rabbitmq, kafka } = brokers;
  if (rabbitmq?.source !== 'process' || kafka?.source !== 'process')
    return context.skip('no brokers of our own that could be killed');
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-observed-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const configs: readonly BackendConfig[] = [
    { backend: 'native', native: { dataDir } },
    { backend: 'rabbitmq', rabbitmq: { urls: [...rabbitmq.urls] } },
    { backend: 'kafka', kafka: { brokers: [...kafka.brokers] } },
  ];
  const worlds = await Promise.all(configs.map(opened));
  const prometheus = await startPrometheus(
    context,
    worlds.map(({ gateway }) => gateway.url),
  );

  const startedMs = Date.now();
  for (const { load } of worlds) load.start(RATE);
  while (Date.now() - startedMs < LOAD_MS) {
    await Promise.all(worlds.map(askOtherDoors));
    await new Promise((resolve) => setTimeout(resolve, 200)); // the pace of the load
  }
  const endedMs = Date.now();
  await Promise.all(worlds.map(async ({ load }) => await load.stopPublishing()));
  await Promise.all(worlds.map(async ({ load }) => await load.stopConsuming()));
  for (const { backend, gateway, load } of worlds) {
    const rate = await prometheus.value(
      `sum(rate(sluice_publish_messages_total{backend="${backend}",result="stored"}[${WINDOW_MS / 1_000}s]))`,
      endedMs,
    );
    const { fromMs, toMs } = await prometheus.measured(gateway.url, endedMs, WINDOW_MS);
    const sent = load.rate(fromMs, toMs);
    expect(rate / sent, `${backend}: ${rate} by Prometheus, ${sent} by the books`).toBeGreaterThan(0.95);
    expect(rate / sent, `${backend}: ${rate} by Prometheus, ${sent} by the books`).toBeLessThan(1.05);
    for (const subscription of [load.quick, load.slow]) {
      const lag = `sluice_subscription_lag_messages{backend="${backend}",subscription="${subscription}"}`;
      await expect
        .poll(async () => await prometheus.value(lag), { timeout: 30_000, message: `${backend}: ${subscription}` })
        .toBe(load.lag(subscription));
    }
    expect(load.lag(load.slow), backend).toBeGreaterThan(RATE);
    // Nobody reads `live`: its first message is its oldest. A queue of RabbitMQ tells how long it was seen to wait.
    const ageOf = async (subscription: string): Promise<number> =>
      await prometheus.value(
        `max(sluice_subscription_oldest_unacked_seconds{backend="${backend}",subscription="${subscription}"})`,
      );
    const [live, slow] = [await ageOf(load.live), await ageOf(load.slow)];
    const ageS = (Date.now() - load.firstStoredMs) / 1_000;
    expect(live, `${backend}: ${live} s of ${ageS}`).toBeGreaterThan(ageS - AGE_SLACK_S);
    expect(live, `${backend}: ${live} s of ${ageS}`).toBeLessThan(ageS + 1);
    expect(slow, `${backend}: ${slow} s of ${ageS}`).toBeGreaterThan(1);
    expect(slow, `${backend}: ${slow} s of ${ageS}`).toBeLessThan(ageS + 1);
  }
  const panels = await askPanels(prometheus, startedMs + 8_000, endedMs);
  expect(notFinite(panels)).toEqual([]);
  expect(
    emptyOnes(panels)
      .filter(({ emptyWhen }) => !mayBeEmpty.test(emptyWhen ?? ''))
      .map(({ where }) => where),
  ).toEqual([]);

  const killedMs = Date.now();
  for (const { load } of worlds) load.start(RATE);
  await Promise.all([brokers.killNode('rabbitmq'), brokers.killNode('kafka')]);
  const down = 'count(ALERTS{alertname="SluiceBackendDown",alertstate="firing"}) or vector(0)';
  await expect.poll(async () => await prometheus.value(down), { timeout: ALERT_MS, interval: 1_000 }).toBe(2);
  expect(await prometheus.value('sum(sluice_backend_up{backend="native"})')).toBe(1);
  await Promise.all([brokers.startNode('rabbitmq'), brokers.startNode('kafka')]);
  await expect.poll(async () => await prometheus.value(down), { timeout: RECOVERED_MS, interval: 1_000 }).toBe(0);
  for (const { backend } of worlds) {
    const flowing = `sum(rate(sluice_publish_messages_total{backend="${backend}",result="stored"}[5s]))`;
    await expect
      .poll(async () => await prometheus.value(flowing), { timeout: RECOVERED_MS, interval: 1_000, message: backend })
      .toBeGreaterThan(0);
  }
  await Promise.all(worlds.map(async ({ load }) => await load.stopPublishing()));
  await Promise.all(worlds.map(async ({ load }) => await load.stopConsuming()));
  const outage = [
    ...(await askPanels(prometheus, killedMs, Date.now())),
    ...(await askRules(prometheus, killedMs, Date.now())),
  ];
  expect(notFinite(outage)).toEqual([]);
  const pictures = process.env['SLUICE_DASHBOARD_PICTURES'];
  if (pictures !== undefined) await drawDashboards(prometheus, pictures, startedMs, Date.now());
  const failed = await prometheus.value('max(sluice:errors:ratio_rate5m{backend=~"rabbitmq|kafka"})');
  expect(failed).toBeGreaterThan(0);
});

type BackendConfig = GatewayConfigInput & { readonly backend: string };

interface World {
  readonly backend: string;
  readonly gateway: Gateway;
  readonly load: Load;
  readonly clients: ReturnType<typeof connect>;
}

async function opened(config: BackendConfig): Promise<World> {
  const gateway = await startGateway({ port: 0, grpcPort: 0, ...config });
  const clients = connect(gateway.grpcAddress ?? '');
  onTestFinished(async () => {
    for (const client of Object.values(clients)) client.close();
    await gateway.close();
  });
  const load = new Load(gateway.url);
  onTestFinished(async () => await load.stop());
  await load.prepare();
  return { backend: config.backend, gateway, load, clients };
}

async function askOtherDoors({ gateway, load, clients }: World): Promise<void> {
  await new Promise((resolve) => clients.admin.getLag({ subscription: load.slow }, resolve));
  const headers = { 'content-type': 'application/json' };
  await fetch(`${gateway.url}/v1/topics`, { method: 'POST', body: '{', headers });
}
