/** What the native log says of itself, and how it comes to /metrics. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { type MessagingPort, openPort } from '../../src/adapters/index.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { type Gateway, startGateway } from '../../src/gateway/index.ts';

async function gatewayOnLog(): Promise<Gateway> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-figures-'));
  const gateway = await startGateway({ port: 0, grpcPort: 'off', backend: 'native', native: { dataDir } });
  onTestFinished(async () => {
    await gateway.close();
    rmSync(dataDir, { recursive: true, force: true });
  });
  return gateway;
}

/** A scrape on a machine that is busy may not have waited for it. */
async function figure(gateway: Gateway, series: string): Promise<number> {
  let value = Number.NaN;
  await expect
    .poll(async () => {
      value = await figureNow(gateway, series);
      return value;
    })
    .not.toBeNaN();
  return value;
}

async function figureNow(gateway: Gateway, series: string): Promise<number> {
  const text = await (await fetch(`${gateway.url}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${series} `));
  return Number(line?.slice(series.length + 1) ?? Number.NaN);
}

describe('the age of the oldest unacked message', () => {
  const HOUR_MS = 3_600_000;

  async function withThree(port: MessagingPort): Promise<readonly string[]> {
    await port.createTopic({ name: 'orders' });
    await port.createSubscription({ name: 'billing', topic: 'orders' });
    const ages = [3, 2, 1].map((hours) => ({ value: 'x', timestampMs: Date.now() - hours * HOUR_MS }));
    await port.publish('orders', ages);
    const consumer = await port.subscribe('billing', { credit: { messages: 3 } });
    onTestFinished(async () => await consumer.close());
    return (await consumer.pull({ maxMessages: 3, waitMs: 5_000 })).map(({ token }) => token);
  }

  const hours = async (port: MessagingPort): Promise<number | undefined> => {
    const [row] = (await port.lag('billing')).partitions;
    return row?.oldestUnackedMs === undefined ? undefined : Math.round(row.oldestUnackedMs / HOUR_MS);
  };

  it('is of the first that is not settled, whatever is settled after it', async () => {
    const { port } = await gatewayOnLog();
    const [first = '', second = '', third = ''] = await withThree(port);
    expect(await hours(port)).toBe(3);
    await port.ack('billing', [second]);
    expect(await hours(port)).toBe(3);
    await port.ack('billing', [first]);
    expect(await hours(port)).toBe(1);
    await port.ack('billing', [third]);
    expect(await hours(port)).toBeUndefined();
  });

  it('is in /metrics in seconds', async () => {
    const gateway = await gatewayOnLog();
    await withThree(gateway.port);
    const labels = '{topic="orders",subscription="billing",backend="native"}';
    const age = await figure(gateway, `sluice_subscription_oldest_unacked_seconds${labels}`);
    expect(age).toBeGreaterThanOrEqual(3 * 3_600);
    expect(age).toBeLessThan(3 * 3_600 + 60);
  });

  it('is that of the new message after the topic was made again', async () => {
    const { port } = await gatewayOnLog();
    await withThree(port);
    expect(await hours(port)).toBe(3);
    await port.deleteTopic('orders');
    await port.createTopic({ name: 'orders' });
    await port.createSubscription({ name: 'billing', topic: 'orders' });
    await port.publish('orders', [{ value: 'x' }]);
    expect(await hours(port)).toBe(0);
  });
});

describe('the disk below the native log', () => {
  it('bytes, segments and partitions are those of the topics; syncs are counted as they end', async () => {
    const gateway = await gatewayOnLog();
    await gateway.port.createTopic({ name: 'orders', partitions: 3 });
    const before = await figure(gateway, 'sluice_log_fsync_duration_seconds_count{backend="native"}');
    for (let count = 0; count < 5; count += 1)
      await gateway.port.publish('orders', [{ value: 'x'.repeat(1_000), partition: 0 }]);
    await expect
      .poll(async () => await figure(gateway, 'sluice_log_bytes{topic="orders",backend="native"}'))
      .toBeGreaterThan(5_000);
    expect(await figure(gateway, 'sluice_log_segments{topic="orders",backend="native"}')).toBe(3);
    expect(await figure(gateway, 'sluice_log_partitions{state="open",backend="native"}')).toBe(3);
    expect(await figure(gateway, 'sluice_log_partitions{state="fenced",backend="native"}')).toBe(0);
    const after = await figure(gateway, 'sluice_log_fsync_duration_seconds_count{backend="native"}');
    expect(after - before).toBeGreaterThanOrEqual(5);
    const free = await figure(gateway, 'sluice_log_disk_free_bytes{backend="native"}');
    expect(free).toBeGreaterThan(0);
    expect(free).toBeLessThan(await figure(gateway, 'sluice_log_disk_size_bytes{backend="native"}'));
  });

  it('is told in the manners of another system too', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'sluice-figures-'));
    const port = await openPort({ backend: 'native', config: { dataDir }, like: 'kafka' });
    onTestFinished(async () => {
      await port.close();
      rmSync(dataDir, { recursive: true, force: true });
    });
    await port.createTopic({ name: 'orders' });
    expect((await port.storage?.())?.topics.map(({ topic }) => topic)).toEqual(['orders']);
  });
});

it('topics and subscriptions beyond the cap share one series of lag, which adds up', async () => {
  const { GatewayMetrics } = await import('../../src/gateway/observability.ts');
  const { port, url } = await gatewayOnLog();
  expect(url).toContain('127.0.0.1');
  const metrics = new GatewayMetrics();
  const none = { openCount: 0, waitingCount: 0 };
  const { OpenStreams } = await import('../../src/gateway/open-streams.ts');
  for (let index = 0; index < gatewayLimits.metricNamesMax; index += 1) metrics.delivered(`taken-${index}`, 1);
  await port.createTopic({ name: 'orders' });
  for (const name of ['a', 'b']) await port.createSubscription({ name, topic: 'orders' });
  await port.publish('orders', [{ value: 'x' }, { value: 'y' }]);
  metrics.watch(port, '0', none, new OpenStreams());
  expect(await metrics.registry.metrics()).toContain(
    'sluice_subscription_lag_messages{topic="orders",subscription="__other__",backend="native"} 4\n',
  );
});

it('the first dead letter is an increase: its counter is there with 0 before', async () => {
  const gateway = await gatewayOnLog();
  await gateway.port.createTopic({ name: 'orders' });
  await gateway.port.createSubscription({ name: 'billing', topic: 'orders' });
  await expect
    .poll(
      async () => await figure(gateway, 'sluice_dead_lettered_messages_total{subscription="billing",backend="native"}'),
    )
    .toBe(0);
});

it('a backend that hangs does not hold up a scrape, which says that it is away once it should have answered', async () => {
  const { GatewayMetrics } = await import('../../src/gateway/observability.ts');
  const { OpenStreams } = await import('../../src/gateway/open-streams.ts');
  const { port } = await gatewayOnLog();
  let hangs = false;
  const silent = async (): Promise<never> => await new Promise<never>(() => undefined);
  const hanging = new Proxy(port, {
    get: (target, name) => {
      if (hangs && (name === 'health' || name === 'listSubscriptions')) return silent;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const metrics = new GatewayMetrics();
  metrics.watch(hanging, '0', { openCount: 0, waitingCount: 0 }, new OpenStreams());
  await expect.poll(async () => await metrics.registry.metrics()).toContain('sluice_backend_up{backend="native"} 1\n');
  hangs = true;
  let slowestMs = 0;
  await expect
    .poll(
      async () => {
        const startedMs = performance.now();
        const text = await metrics.registry.metrics();
        slowestMs = Math.max(slowestMs, performance.now() - startedMs);
        return text;
      },
      { timeout: 3 * gatewayLimits.healthTimeoutMs },
    )
    .toContain('sluice_backend_up{backend="native"} 0\n');
  expect(slowestMs).toBeLessThan(gatewayLimits.healthTimeoutMs);
});
