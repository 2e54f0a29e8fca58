/** File < environment < flags, one strict schema, and nothing secret printed. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PortError } from '../../src/adapters/index.ts';
import { configText, isLoopback, loadConfig, parseConfig } from '../../src/gateway/config.ts';
import { settings } from '../../src/gateway/settings.ts';

describe('the sources', () => {
  it('defaults alone are the native log on loopback', () => {
    expect(loadConfig({})).toMatchObject({
      backend: 'native',
      host: '127.0.0.1',
      port: 8080,
      native: { dataDir: './sluice-data', durability: 'fsync' },
    });
  });

  it('the environment wins over the file, a flag over both', () => {
    const file = yaml('port: 1\nhost: 127.0.0.9\nnative: {dataDir: from-file, durability: os}\n');
    const config = loadConfig({ file, env: { SLUICE_PORT: '2', SLUICE_DATA_DIR: 'from-env' }, flags: { port: '3' } });
    expect(config).toMatchObject({ port: 3, host: '127.0.0.9', native: { dataDir: 'from-env', durability: 'os' } });
  });

  it('settings deep in a section come from all sources', () => {
    const file = yaml('kafka: {brokers: ["a:1"], tls: {caFile: from-file}, sasl: {mechanism: plain, username: u}}\n');
    const env = { SLUICE_KAFKA_TLS_CA_FILE: 'from-env', SLUICE_KAFKA_PASSWORD: 'p', SLUICE_KAFKA_TLS_VERIFY: 'false' };
    const { kafka } = loadConfig({ file, env, flags: { 'kafka.tls.caFile': 'from-flag' } });
    expect(kafka).toMatchObject({
      brokers: ['a:1'],
      tls: { caFile: 'from-flag', verify: false },
      sasl: { mechanism: 'plain', username: 'u', password: 'p' },
    });
  });

  it('lists are separated by commas; an empty variable is none', () => {
    const config = loadConfig({
      env: { SLUICE_KAFKA_BROKERS: 'a:1, b:2', SLUICE_HOST: '', SLUICE_ALLOW_UNAUTHENTICATED: 'true' },
    });
    expect(config).toMatchObject({ kafka: { brokers: ['a:1', 'b:2'] }, host: '127.0.0.1', allowUnauthenticated: true });
  });

  it.each([
    ['a setting that is none', 'prot: 1', 'unknown_field', 'prot'],
    ['one further in', 'native: {dir: x}', 'unknown_field', 'native.dir'],
    ['a wrong type', 'port: high', 'invalid_argument', 'port'],
    ['a backend that is none', 'backend: pulsar', 'invalid_argument', 'backend'],
    ['not settings', '- a', 'invalid_argument', 'must hold settings'],
    ['not YAML', '{', 'invalid_argument', 'cannot be read'],
    ['an address that is none', 'kafka: {brokers: [localhost]}', 'invalid_argument', 'kafka.brokers[0]'],
    ['an alias bomb', 'a: &a [x]\nb: *a', 'invalid_argument', 'cannot be read'],
  ])('a file with %s is refused by name', (_, text, code, named) => {
    expect(refusalOf(() => loadConfig({ file: yaml(text) }))).toMatchObject({
      code,
      message: expect.stringContaining(named),
    });
  });

  it.each([
    [{ SLUICE_PORT: 'tcp://10.0.0.1:8080' }, 'SLUICE_PORT'],
    [{ SLUICE_PORT: '70000' }, 'port'],
    [{ SLUICE_ALLOW_UNAUTHENTICATED: 'yes please' }, 'SLUICE_ALLOW_UNAUTHENTICATED'],
    [{ SLUICE_RABBITMQ_URL: 'http://a' }, 'rabbitmq.urls[0]'],
  ])('the environment %j is refused by name', (env, named) => {
    expect(refusalOf(() => loadConfig({ env }))).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining(named),
    });
  });

  it('a file that cannot be read is named', () => {
    const refused = refusalOf(() => loadConfig({ file: '/nowhere/sluice.yaml' }));
    expect(refused).toMatchObject({
      code: 'invalid_argument',
      message: expect.stringContaining('/nowhere/sluice.yaml'),
    });
  });
});

describe('what is printed', () => {
  it('has the effective values and no password', () => {
    const urls = ['amqp://guest:secret@127.0.0.1:5672', 'amqps://u:p%40ss@b/v'];
    const text = configText(parseConfig({ backend: 'rabbitmq', rabbitmq: { urls } }));
    expect(text).toContain('amqp://***@127.0.0.1:5672');
    const odd = configText(
      parseConfig({ backend: 'rabbitmq', rabbitmq: { urls: ['amqp://u:p@ss@127.0.0.1:5672/?x=secret'] } }),
    );
    expect(odd).toContain('amqp://***@127.0.0.1:5672/?***');
    expect(text).not.toMatch(/secret|guest|p%40ss|\n/);
    expect(configText(parseConfig({}))).toContain('"dataDir":"./sluice-data"');
  });

  it.each(['rabbitmq', 'kafka'])('has no password of %s, from the file or the environment', (backend) => {
    const name = backend.toUpperCase();
    const env = { SLUICE_BACKEND: backend, [`SLUICE_${name}_USERNAME`]: 'shop', [`SLUICE_${name}_PASSWORD`]: 'hidden' };
    const file = yaml('rabbitmq: {password: hidden}\nkafka: {sasl: {mechanism: plain, password: hidden}}\n');
    for (const text of [
      configText(loadConfig({ env, file })),
      configText(loadConfig({ env: { ...env, [`SLUICE_${name}_PASSWORD`]: '' }, file })),
    ]) {
      expect(text).toContain('"username":"shop","password":"***"');
      expect(text).not.toContain('hidden');
    }
  });

  it('has no key of ack tokens', () => {
    const env = { SLUICE_ACK_TOKEN_KEYS: `${'hidden'.repeat(8)},${'buried'.repeat(8)}` };
    expect(loadConfig({ env }).ackTokenKeys).toHaveLength(2);
    expect(configText(loadConfig({ env }))).not.toMatch(/hidden|buried/);
  });

  it('a secret has no flag', () => {
    expect(settings.filter(({ path, flag }) => /(password|keys)$/i.test(path) && flag !== undefined)).toEqual([]);
  });
});

it('every setting of the table is one of the schema', () => {
  const files = { caFile: 'ca', certFile: 'cert', keyFile: 'key' };
  const tls = { enabled: true, ...files, serverName: 'x', verify: true };
  const login = { username: 'x', password: 'x', passwordFile: 'x' };
  const quota = { requestsPerSecond: 1, messagesPerSecond: 1, bytesPerSecond: 1 };
  const withKeysAt = (where: object) =>
    parseConfig({
      like: 'kafka',
      gatewayName: 'x',
      tracing: { otlp: 'off' },
      ackTokenKeys: ['x'.repeat(32)],
      tls: { certFile: 'x', keyFile: 'x', caFile: 'x' },
      access: { keysFile: 'x', quota, jwt: { issuer: 'x', audience: 'x', ...where } },
      rabbitmq: { urls: ['amqp://a'], vhost: 'x', mechanism: 'plain', ...login, tls },
      kafka: { brokers: ['a:1'], clientId: 'x', tls, sasl: { mechanism: 'plain', ...login, tokenFile: 'x' } },
    });
  // One of the two, never both.
  const configs = [withKeysAt({ jwksFile: 'x' }), withKeysAt({ jwksUrl: 'https://x' })];
  const valueIn = (config: unknown, path: string): unknown =>
    path.split('.').reduce<unknown>((value, part) => (value as Record<string, unknown>)[part], config);
  const has = (path: string): unknown =>
    configs.map((config) => valueIn(config, path)).find((value) => value !== undefined);
  for (const { path } of settings) expect(has(path), path).toBeDefined();
  expect(new Set(settings.map(({ variable }) => variable)).size).toBe(settings.length);
});

it('a section that is none is refused, also where a variable sets something in it', () => {
  const work = () => loadConfig({ file: yaml('native: 5'), env: { SLUICE_DATA_DIR: '/data' } });
  expect(refusalOf(work).errors?.[0]?.path).toBe('native');
});

it('loopback is 127.0.0.0/8, ::1 and localhost', () => {
  expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].every(isLoopback)).toBe(true);
  expect(['0.0.0.0', '::', '10.0.0.1', '127.0.0.1.evil.org', 'localhost.evil.org'].some(isLoopback)).toBe(false);
});

function yaml(text: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-config-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'sluice.yaml');
  writeFileSync(file, text);
  return file;
}

function refusalOf(work: () => unknown): PortError {
  try {
    work();
  } catch (reason) {
    if (reason instanceof PortError) return reason;
    throw reason;
  }
  throw new Error('it was accepted');
}
