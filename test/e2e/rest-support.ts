/** The backends that a REST test runs on: native in a directory of its own, each queue type of RabbitMQ, and Kafka. */

import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, type TestContext } from 'vitest';
import { type Gateway, type GatewayConfigInput, startGateway } from '../../src/gateway/index.ts';

export interface RestSystem {
  readonly name: string;
  /** Extra fields of a topic. */
  readonly topicOptions: { readonly queueType?: 'quorum' | 'classic' | 'stream' };
  /** The configuration, or the reason to skip. */
  config(): GatewayConfigInput | string;
}

export const restSystems: readonly RestSystem[] = [
  {
    name: 'native',
    topicOptions: {},
    config: () => ({ backend: 'native', native: { dataDir: mkdtempSync(join(tmpdir(), 'sluice-rest-')) } }),
  },
  { name: 'rabbitmq quorum', topicOptions: { queueType: 'quorum' }, config: rabbitmq },
  { name: 'rabbitmq classic', topicOptions: { queueType: 'classic' }, config: rabbitmq },
  { name: 'rabbitmq stream', topicOptions: { queueType: 'stream' }, config: rabbitmq },
  { name: 'kafka', topicOptions: {}, config: kafka },
];

/** A gateway on a free port over that system; closed, with its data removed, when the test ends. Skips without the broker. */
export async function gatewayOn(
  system: RestSystem,
  context: TestContext,
  also: GatewayConfigInput = {},
): Promise<Gateway> {
  const config = system.config();
  if (typeof config === 'string') context.skip(config);
  const gateway = await startGateway({ port: 0, ...also, ...(config as GatewayConfigInput) });
  context.onTestFinished(async () => {
    for (const { name } of mine.splice(0)) await gateway.port.deleteTopic(name).catch(() => undefined); // a test may have deleted it
    await gateway.close();
    const { dataDir } = gateway.config.native;
    if (gateway.config.backend === 'native') rmSync(dataDir, { recursive: true, force: true });
  });
  return gateway;
}

const mine: { readonly name: string }[] = [];

/** A name that no other test has; its topic and dead letters are deleted with the gateway. */
export function ownTopic(prefix: string): string {
  const name = `${prefix}-${randomUUID().slice(0, 8)}`;
  mine.push({ name }, { name: `${name}-reader.dead` });
  return name;
}

export interface RestAnswer {
  readonly status: number;
  readonly json: ReturnType<typeof JSON.parse>;
}

export async function post(gateway: { readonly url: string }, path: string, body: unknown): Promise<RestAnswer> {
  const answer = await fetch(`${gateway.url}/v1/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  return { status: answer.status, json: await answer.json() };
}

export async function get(gateway: { readonly url: string }, path: string): Promise<RestAnswer> {
  const answer = await fetch(`${gateway.url}/${path}`);
  return { status: answer.status, json: await answer.json() };
}

/** Runs a script with /bin/sh as a person would paste it. */
export async function shell(
  script: string,
): Promise<{ readonly status: number | null; readonly output: string; readonly errors: string }> {
  return await new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    child.on('error', reject);
    child.on('close', (status) => resolve({ status, output, errors }));
  });
}

function rabbitmq(): GatewayConfigInput | string {
  const handle = inject('rabbitmq');
  return handle === null ? 'no RabbitMQ' : { backend: 'rabbitmq', rabbitmq: { urls: [...handle.urls] } };
}

function kafka(): GatewayConfigInput | string {
  const handle = inject('kafka');
  return handle === null ? 'no Kafka' : { backend: 'kafka', kafka: { brokers: [...handle.brokers] } };
}
