/** docker/compose.yaml: what it says holds, and the part of it runs whose images can be had here: two gateways, RabbitMQ and Prometheus. */

import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { repository } from '../package/packed-project.ts';
import { standIns } from './images.ts';

const run = promisify(execFile);
const folder = join(repository, 'docker');
const PROJECT = 'sluice-compose-test';
const UP_MS = 180_000;

interface Service {
  readonly image: string;
  readonly read_only?: boolean;
  readonly ports?: readonly string[];
  readonly volumes?: readonly string[];
}

async function compose(...args: readonly string[]): Promise<string> {
  const env = {
    ...process.env,
    SLUICE_IMAGE: 'sluice',
    RABBITMQ_IMAGE: standIns.rabbitmq,
    PROMETHEUS_IMAGE: standIns.prometheus,
  };
  const { stdout } = await run('docker-compose', ['-p', PROJECT, '-f', join(folder, 'compose.yaml'), ...args], {
    cwd: folder,
    env,
    timeout: UP_MS,
    maxBuffer: 16 * 1024 * 1024,
  });
  return stdout;
}

describe('docker/compose.yaml', { timeout: 240_000 }, () => {
  afterAll(async () => {
    await compose('down', '--volumes', '--timeout', '10');
  }, 60_000);

  it('is valid, publishes on loopback only, pins its images and mounts what is there', async () => {
    const { services } = parse(await compose('config')) as { services: Record<string, Service> };
    const named = ['grafana', 'kafka', 'prometheus', 'rabbitmq', 'sluice', 'sluice-kafka', 'sluice-rabbitmq'];
    expect(Object.keys(services).toSorted()).toEqual(named);
    for (const [name, { image, read_only: isReadOnly, ports = [], volumes = [] }] of Object.entries(services)) {
      for (const port of ports) expect(`${name} ${JSON.stringify(port)}`).toContain('127.0.0.1');
      if (name.startsWith('sluice')) expect(isReadOnly, name).toBe(true);
      else expect(image, name).toMatch(/:v?\d+\.\d+|^sluice\.test\//);
      for (const volume of volumes) {
        const [from = ''] = volume.split(':');
        if (from.startsWith('/') || from.startsWith('.')) expect(existsSync(resolve(folder, from)), volume).toBe(true);
      }
    }
  });

  it('starts gateways on their own log and on RabbitMQ, which Prometheus scrapes and judges', async () => {
    // docker-compose 1.29 knows no way to leave out a build, so the image that is there already is named.
    await compose('up', '--detach', '--no-build', 'sluice', 'sluice-rabbitmq', 'rabbitmq', 'prometheus');
    for (const [port, product] of [
      [8080, 'Sluice log'],
      [8081, 'RabbitMQ'],
    ] as const) {
      const answer = async (path: string, body?: unknown) =>
        await fetch(`http://127.0.0.1:${port}/v1/${path}`, {
          ...(body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) }),
          headers: { 'content-type': 'application/json' },
        }).catch(() => null);
      await expect.poll(async () => (await answer('backend'))?.status, { timeout: 120_000, interval: 500 }).toBe(200);
      expect(await (await answer('backend'))?.json()).toMatchObject({ product });
      await answer('topics', { name: 'orders' });
      await answer('subscriptions', { name: 'billing', topic: 'orders' });
      expect((await answer('topics/orders/messages', { messages: [{ value: 'paid' }] }))?.status).toBe(200);
      const pulled = (await (await answer('subscriptions/billing/pull', { waitMs: 5_000 }))?.json()) as {
        deliveries: { message: { value: string } }[];
      };
      expect(pulled.deliveries.map(({ message }) => message.value)).toEqual(['paid']);
    }
    await expect
      .poll(async () => await asked('sum(sluice_publish_messages_total{result="stored"})'), {
        timeout: 60_000,
        interval: 1_000,
      })
      .toBe(2);
    expect(await asked('up{job="sluice",instance=~"sluice:.*|sluice-rabbitmq:.*"}')).toBe(1);
    const rules = await (await fetch('http://127.0.0.1:9091/api/v1/rules')).json();
    expect(JSON.stringify(rules)).toContain('SluiceGatewayDown');
  });
});

/** The first value of the answer; null where there is none yet. */
async function asked(query: string): Promise<number | null> {
  const answer = await fetch(`http://127.0.0.1:9091/api/v1/query?query=${encodeURIComponent(query)}`).catch(() => null);
  if (answer === null) return null;
  const { data } = (await answer.json()) as { data: { result: { value: [number, string] }[] } };
  const value = data.result[0]?.value[1];
  return value === undefined ? null : Number(value);
}
