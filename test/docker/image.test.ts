/** The image: what it is, what it refuses, and that what it acknowledged is there however it ends. */

import { randomUUID } from 'node:crypto';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runs } from '../core-log/support.ts';
import { Container } from './container.ts';
import { docker } from './engine.ts';

/** Publishes that are under way when the container is killed. */
const SENDERS = 8;
const ACKED_BEFORE_KILL = 400;

async function started(options: readonly string[] = [], volume: string = randomUUID()): Promise<Container> {
  const container = await Container.start(volume, options);
  onTestFinished(async () => await container.remove());
  return container;
}

describe('the image', { timeout: 120_000 }, () => {
  it('is of a user by number, has one volume, a health check and no command but the gateway', async () => {
    const { stdout } = await docker(['image', 'inspect', '--format', '{{json .Config}}', 'sluice']);
    expect(JSON.parse(stdout)).toMatchObject({
      User: '10001:10001',
      Volumes: { '/var/lib/sluice': {} },
      StopSignal: 'SIGTERM',
      Entrypoint: ['node', '/app/dist/cli.js'],
      Cmd: ['serve'],
      Healthcheck: { Test: ['CMD', 'node', '/app/docker/healthcheck.mjs'] },
      Labels: { 'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}$/) },
    });
  });

  it('holds what the gateway needs, with its bill of materials, and nothing of the tools that built it', async () => {
    const list = await docker([
      'run',
      '--rm',
      '--entrypoint',
      'ls',
      'sluice',
      '/app',
      '/app/node_modules',
      '/app/dist',
    ]);
    const names = list.stdout.split('\n');
    for (const name of ['dist', 'grafana', 'proto', 'fastify', 'sbom.cdx.json']) expect(names).toContain(name);
    for (const name of ['src', 'test', 'typescript', 'vitest', '.git', '.npmrc']) expect(names).not.toContain(name);
    const version = await docker(['run', '--rm', 'sluice', '--version', '--json']);
    expect(JSON.parse(version.stdout)).toMatchObject({
      commit: expect.stringMatching(/^[0-9a-f]{40}$/),
      dataFormat: 2,
    });
  });

  it('does not listen to everybody without credentials, and says what to do', async () => {
    const refused = await docker(['run', '--rm', '--read-only', 'sluice']).catch((reason: object) => reason);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('there are no credentials') });
  });

  it('serves read-only, without capabilities and not as root, is healthy, and writes nothing outside of its volume', async () => {
    const container = await started();
    await container.ready();
    expect(await container.exec('id', '-u')).toBe('10001\n');
    await expect(container.exec('touch', '/app/x')).rejects.toThrow('Read-only file system');
    await expect.poll(async () => (await container.state()).Health?.Status, { timeout: 40_000 }).toBe('healthy');
    expect((await docker(['diff', container.id])).stdout).toBe('');
  });

  it('is unhealthy when the process stands still', async () => {
    const quick = ['--health-interval=1s', '--health-timeout=2s', '--health-retries=2'];
    const container = await started(quick);
    // Until it was healthy once, failures do not count.
    await expect.poll(async () => (await container.state()).Health?.Status, { timeout: 40_000 }).toBe('healthy');
    await docker(['kill', '--signal=STOP', container.id]);
    await expect.poll(async () => (await container.state()).Health?.Status, { timeout: 40_000 }).toBe('unhealthy');
    await docker(['kill', '--signal=CONT', container.id]);
    await expect.poll(async () => (await container.state()).Health?.Status, { timeout: 40_000 }).toBe('healthy');
  });

  it('ends in good order within ten seconds of docker stop, with status 0', async () => {
    const container = await started();
    await container.ready();
    await container.post('topics', { name: 'orders' });
    const startedAt = performance.now();
    expect(await container.stop()).toBe(0);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('refuses a volume that another container has open', async () => {
    const volume = randomUUID();
    const first = await started([], volume);
    await first.ready();
    const second = await started([], volume);
    expect(await second.ended()).toBe(3);
    expect(await second.logs()).toContain('directory_locked');
    await first.kill();
    const third = await started([], volume);
    await third.ready();
  });
});

describe('a container that is killed', { timeout: 300_000 }, () => {
  it('has everything that it acknowledged when it starts again, round after round', async () => {
    const container = await started();
    await container.ready();
    expect((await container.post('topics', { name: 'orders', partitions: 3 })).status).toBe(201);
    /** `partition:offset` -> value, as it was acknowledged. */
    const acked = new Map<string, string>();
    for (let round = 0; round < runs(3, 12); round += 1) {
      const before = acked.size;
      const killed = new AbortController();
      const senders = Array.from({ length: SENDERS }, async (_, sender) => {
        for (let count = 0; !killed.signal.aborted; count += 1) {
          const value = `${round}-${sender}-${count}`;
          try {
            const answer = await container.post('topics/orders/messages', { messages: [{ key: value, value }] });
            if (answer.status !== 200) continue;
            const { results } = (await answer.json()) as { results: { partition: number; offset: number }[] };
            for (const { partition, offset } of results) acked.set(`${partition}:${offset}`, value);
          } catch {
            // not answered: it may be stored or not
          }
        }
      });
      await expect.poll(() => acked.size - before, { timeout: 60_000 }).toBeGreaterThan(ACKED_BEFORE_KILL);
      await container.kill();
      killed.abort();
      await Promise.all(senders);
      await container.again();
      const stored = await everything(container, 'orders', 3);
      const lost = [...acked].filter(([place, value]) => stored.get(place) !== value);
      expect(lost, `round ${round}: lost of ${acked.size} acknowledged`).toEqual([]);
    }
    console.log(`acknowledged and found after ${runs(3, 12)} kills: ${acked.size}`);
  });
});

async function everything(container: Container, topic: string, partitions: number): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  for (let partition = 0; partition < partitions; partition += 1) {
    for (let from: number | 'earliest' = 'earliest'; ; ) {
      const answer = await fetch(
        `${container.url}/v1/topics/${topic}/partitions/${partition}/messages?from=${from}&limit=1000`,
      );
      const { messages, next } = (await answer.json()) as {
        messages: { offset: number; value: string }[];
        next: number;
      };
      for (const { offset, value } of messages) found.set(`${partition}:${offset}`, value);
      if (messages.length === 0) break;
      from = next;
    }
  }
  return found;
}
