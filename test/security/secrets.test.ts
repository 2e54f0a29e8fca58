/** S16: canaries in every place where a secret can be; then every output is searched for them. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { credentials, loadPackageDefinition, Metadata, type ServiceError } from '@grpc/grpc-js';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { hashOfKey } from '../../src/gateway/access/keys.ts';
import { configText, parseConfig } from '../../src/gateway/config.ts';
import type { ProtoGrpcType } from '../../src/gateway/grpc/generated/sluice.ts';
import { loadProto } from '../../src/gateway/grpc/proto.ts';
import { openModel } from '../support/model-driver.ts';
import { directory, guarded, issuer, keyWith } from '../gateway/access/support.ts';

const root = resolve(import.meta.dirname, '../..');

it('a key, a token, a message and what is in the key file are in no log, error or metric, whatever goes wrong', async () => {
  const made = await issuer();
  const good = keyWith(['admin']);
  const poor = keyWith(['metrics']);
  const wrong = keyWith(['admin']);
  const [token, expired] = [await made.token({ scope: 'admin' }), await made.token({ exp: 1 })];
  const payload = 'canary-payload-7f3a';
  const model = await openModel();
  // One call that fails in a way nobody expected: its reason goes to the log.
  const port = new Proxy(model, {
    get: (target, name) => {
      if (name === 'lag') return async () => Promise.reject(new TypeError('broken inside'));
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  const file = join(directory(), 'keys.yaml');
  const entries = stringify({ keys: [good.entry, poor.entry] });
  writeFileSync(file, entries);
  const world = await guarded({ logLevel: 'trace', access: { keysFile: file, jwt: made.config } }, { port });
  const outputs: string[] = [];
  const ask = async (...asked: Parameters<typeof world.ask>): Promise<number> => {
    const { status, text, headers } = await world.ask(...asked);
    outputs.push(text, JSON.stringify([...headers]));
    return status;
  };
  await model.createTopic({ name: 'a' });
  await model.createSubscription({ name: 'r', topic: 'a' });
  const message = { messages: [{ key: payload, value: payload, headers: { h: payload } }] };
  const statuses = [
    await ask('POST', '/v1/topics/a/messages', { key: good.key, body: message }),
    await ask('POST', '/v1/topics/a/messages', { key: token, body: message }),
    await ask('POST', '/v1/topics/b/messages', { key: good.key, body: message }),
    await ask('POST', '/v1/topics/a/messages', { key: poor.key, body: message }),
    await ask('POST', '/v1/topics/a/messages', { key: wrong.key, body: message }),
    await ask('POST', '/v1/topics/a/messages', { key: expired, body: message }),
    await ask('POST', '/v1/topics/a/messages', { key: `${token}x`, body: message }),
    await ask('POST', '/v1/topics/a/messages', { headers: { 'x-api-key': wrong.key }, body: message }),
    await ask('GET', '/v1/topics', { headers: { authorization: `Basic ${wrong.key}` } }),
    await ask('GET', '/v1/subscriptions/r/lag', { key: good.key }),
    await ask('GET', '/v1/nothing', { key: good.key }),
    await ask('GET', '/metrics', { key: good.key }),
    await ask('GET', '/readyz', { key: good.key }),
    await ask('GET', '/v1/backend', { key: good.key }),
    await ask('GET', '/openapi.json', { key: good.key }),
  ];
  expect(statuses).toEqual([200, 200, 404, 403, 401, 401, 401, 401, 401, 500, 404, 200, 200, 200, 200]);
  for (const key of [wrong.key, expired, poor.key]) outputs.push(await overGrpc(world.gateway.grpcAddress ?? '', key));
  // A key in the file where its hash should be, as somebody will do.
  writeFileSync(file, entries.replace(hashOfKey(good.key), good.key));
  await world.gateway.reloadAccess();
  writeFileSync(file, `${entries}\n  - {name: x, hash: ${wrong.key}, : [`);
  await world.gateway.reloadAccess();
  expect(world.logged()).toMatch(/the old one stays/);
  expect(world.logged()).toMatch(/broken inside/);
  const everything = [world.logged(), ...outputs].join('\n');
  for (const secret of [good.key, poor.key, wrong.key, token, expired, payload, good.entry.hash, hashOfKey(wrong.key)])
    expect(everything.includes(secret), secret).toBe(false);
  // The search finds what is there.
  expect(everything).toContain('scope_missing');
});

it('the configuration that is printed has no password, no hash, and no user in an address', () => {
  const { entry } = keyWith(['admin']);
  const text = configText(
    parseConfig({
      backend: 'rabbitmq',
      rabbitmq: {
        urls: ['amqp://shop:canary-1@a', 'amqps://shop:canary-2@b/v'],
        username: 'shop',
        password: 'canary-3',
      },
      kafka: { sasl: { mechanism: 'plain', username: 'shop', password: 'canary-4' } },
      access: { keys: [entry], jwt: { issuer: 'i', audience: 'a', jwksUrl: 'https://me:canary-5@issuer.test/jwks' } },
    }),
  );
  expect(text).toContain('"scopes":["admin"]');
  expect(text).not.toMatch(/canary/);
  expect(text).not.toContain(entry.hash);
});

it('nor has what the process writes, with secrets in its environment', { timeout: 60_000 }, async () => {
  const data = directory();
  const { entry } = keyWith(['admin']);
  const file = join(data, 'keys.yaml');
  writeFileSync(file, stringify({ keys: [entry] }));
  const env = {
    ...process.env,
    SLUICE_RABBITMQ_PASSWORD: 'canary-1',
    SLUICE_KAFKA_USERNAME: 'u',
    SLUICE_KAFKA_PASSWORD: 'canary-2',
    SLUICE_KAFKA_SASL_MECHANISM: 'plain',
    SLUICE_RABBITMQ_URL: 'amqp://u:canary-3@h',
  };
  const child = spawn(
    process.execPath,
    [
      '--import',
      'tsx',
      'src/cli.ts',
      'serve',
      '--port',
      '0',
      '--data-dir',
      join(data, 'log'),
      '--keys-file',
      file,
      '--log-level',
      'trace',
    ],
    { cwd: root, env },
  );
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  await expect.poll(() => output, { timeout: 40_000 }).toContain('Ctrl-C ends it');
  // SIGHUP is not the end: it reads the keys again.
  child.kill('SIGHUP');
  await expect.poll(() => output).toContain('access control was loaded');
  child.kill('SIGTERM');
  const [status] = (await once(child, 'close')) as [number];
  expect(status).toBe(0);
  expect(output).toMatch(/authorization: Bearer \$SLUICE_KEY/);
  expect(output).not.toMatch(/canary/);
  expect(output).not.toContain(entry.hash);
  expect(readFileSync(file, 'utf8')).toContain(entry.hash);
});

async function overGrpc(address: string, key: string): Promise<string> {
  const { sluice } = loadPackageDefinition(loadProto()) as unknown as ProtoGrpcType;
  const client = new sluice.v1.Admin(address, credentials.createInsecure());
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${key}`);
  const error = await new Promise<ServiceError | null>((done) =>
    client.createTopic({ name: 'x' }, metadata, (reason) => done(reason)),
  );
  client.close();
  return `${error?.message} ${error?.details} ${JSON.stringify(error?.metadata.getMap())}`;
}
