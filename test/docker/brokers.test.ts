/** `sluice brokers` in Docker, through testcontainers: a real RabbitMQ in a real container. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { endKept, leaveRunning } from '../../src/brokers/kept.ts';
import { obtainBrokers } from '../../src/brokers/index.ts';
import { keptRuns } from '../../src/brokers/running.ts';
import { reapOrphans } from '../../src/brokers/run-state.ts';
import { docker } from './engine.ts';

const runs = mkdtempSync(join(tmpdir(), 'sluice-docker-runs-'));

describe('a broker in Docker', { timeout: 180_000 }, () => {
  beforeAll(() => {
    process.env['SLUICE_BROKERS_RUN_DIR'] = runs;
    for (const name of ['SLUICE_RABBITMQ_URL', 'SLUICE_KAFKA_BROKERS']) Reflect.deleteProperty(process.env, name);
  });
  afterAll(() => rmSync(runs, { recursive: true, force: true }));

  it('is started, published on loopback only, used through the port, and gone after stop', async () => {
    const said: string[] = [];
    const brokers = await obtainBrokers({ want: ['rabbitmq'], onProgress: (line) => said.push(line) });
    expect(brokers.rabbitmq, said.join('\n')).toMatchObject({
      source: 'docker',
      version: expect.stringMatching(/^4\.3\./),
    });
    const [id = ''] = await containers();
    const ports = (await docker(['port', id])).stdout.trim().split('\n');
    expect(ports).toEqual([expect.stringMatching(/^5672\/tcp -> 127\.0\.0\.1:\d+$/)]);

    const port = await openPort({ backend: 'rabbitmq', config: { urls: [brokers.rabbitmq?.url ?? ''] } });
    await port.createTopic({ name: 'orders' });
    await port.createSubscription({ name: 'billing', topic: 'orders' });
    const values = Array.from({ length: 50 }, (_, index) => `value-${index}`);
    const outcomes = await port.publish(
      'orders',
      values.map((value) => ({ value })),
    );
    expect(outcomes.filter(({ kind }) => kind === 'stored')).toHaveLength(50);
    const received: string[] = [];
    for await (const { token, message } of await port.subscribe('billing', { credit: { messages: 10 } })) {
      received.push(Buffer.from(message.value ?? '').toString());
      await port.ack('billing', [token]);
      if (received.length === values.length) break;
    }
    expect(received).toEqual(values);
    await port.close();
    await brokers.stop();
    expect(await containers()).toEqual([]);
  });

  it('is left running by `up`, found by the next command, and removed by `down`', async () => {
    const [outcome] = await leaveRunning(['rabbitmq'], {});
    expect(outcome).toMatchObject({ handle: { kind: 'rabbitmq', source: 'docker' } });
    expect(await keptRuns()).toMatchObject([{ trouble: null, handle: { source: 'docker' } }]);
    expect(await containers()).toHaveLength(1);
    expect(await endKept(['rabbitmq'])).toHaveLength(1);
    expect(await containers()).toEqual([]);
  });

  it('of an owner that was killed is removed by the next start', async () => {
    const module = new URL('../../src/brokers/index.ts', import.meta.url).href;
    const script = `const { obtainBrokers } = await import('${module}');
      const { rabbitmq } = await obtainBrokers({ want: ['rabbitmq'], fresh: true }); console.log(rabbitmq?.source); setInterval(() => {}, 1e6);`;
    const owner = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [said] = (await once(owner.stdout, 'data')) as [Buffer];
    expect(said.toString()).toBe('docker\n');
    expect(await containers()).toHaveLength(1);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await reapOrphans();
    expect(await containers()).toEqual([]);
  });

  it('whose image cannot be had is a process instead, and that is said', async () => {
    const said: string[] = [];
    // There is no stand-in of this version, and no registry.
    const brokers = await obtainBrokers({
      want: ['rabbitmq'],
      rabbitmqVersion: '4.0',
      onProgress: (line) => said.push(line),
    });
    await brokers.stop();
    expect(said.join('\n')).toContain('rabbitmq: not in Docker');
    expect(brokers.rabbitmq?.source).toBe('process');
  });
});

async function containers(): Promise<string[]> {
  const { stdout } = await docker(['ps', '--all', '--quiet', '--filter', 'ancestor=rabbitmq:4.3']);
  return stdout.split('\n').filter((id) => id !== '');
}
