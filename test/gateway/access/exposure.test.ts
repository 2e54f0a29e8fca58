/** What is exposed to whom without credentials: addresses, web pages, probes, the configuration that contradicts itself. */

import { request } from 'node:http';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../../src/gateway/config.ts';
import { alter } from '../../support/broken-ports.ts';
import { openModel } from '../../support/model-driver.ts';
import { guarded, type Guarded, keyWith } from './support.ts';

const { key, entry } = keyWith(['admin']);
const keys = { keys: [entry] };
const page = 'https://app.example.com';

describe('an address that other machines can reach', () => {
  it.each(['0.0.0.0', '::', '10.1.2.3', 'example.com'])(
    '%s needs credentials, or to be told in so many words',
    (host) => {
      expect(() => parseConfig({ host })).toThrow(/there are no credentials/);
      expect(() => parseConfig({ host, access: { quota: { messagesPerSecond: 5 } } })).toThrow(
        /there are no credentials/,
      );
      expect(parseConfig({ host, access: keys }).host).toBe(host);
      expect(parseConfig({ host, access: { keysFile: 'keys.yaml' } }).host).toBe(host);
      expect(parseConfig({ host, allowUnauthenticated: true }).host).toBe(host);
    },
  );

  it('both at once contradict each other', () => {
    expect(() => parseConfig({ access: keys, allowUnauthenticated: true })).toThrow(/contradicts access/);
  });

  it('without TLS is warned of', async () => {
    const world = await guarded({ host: '0.0.0.0', access: keys });
    expect(world.logged()).toMatch(/travel unencrypted/);
    expect((await world.ask('GET', '/v1/topics', {})).status).toBe(401);
  });
});

describe('with credentials asked for', () => {
  it('probes are open, metrics are not, unless they are told to be', async () => {
    const closed = await guarded({ access: keys });
    const statuses = async (world: Guarded) =>
      Promise.all(
        ['/livez', '/readyz', '/metrics', '/openapi.json'].map(async (path) => (await world.ask('GET', path)).status),
      );
    expect(await statuses(closed)).toEqual([200, 200, 401, 200]);
    expect(await statuses(await guarded({ access: { ...keys, openMetrics: true } }))).toEqual([200, 200, 200, 200]);
  });

  it('what is wrong with the backend is told to an admin and not to everybody: it may name topics and addresses', async () => {
    const model = await openModel();
    onTestFinished(async () => await model.close());
    const detail = 'orders-0: segment 00000000000000000000.log is damaged';
    const reader = keyWith(['consume:*']);
    const port = alter(model, { health: async () => ({ ok: false, detail }) });
    const world = await guarded({ access: { keys: [entry, reader.entry] } }, { port });
    expect((await world.ask('GET', '/readyz')).json).toMatchObject({ status: 503, detail: 'the backend is not well' });
    const told = async (by: string) =>
      (await world.ask('GET', '/v1/backend', { key: by })).json.health.detail as string;
    expect([await told(reader.key), await told(key)]).toEqual(['the backend is not well', detail]);
    const open = await guarded({}, { port });
    expect((await open.ask('GET', '/readyz')).json.detail).toBe(detail);
  });

  it('a body is not read, and takes no room, before it is known whose it is', async () => {
    const world = await guarded({ access: keys });
    const socket = request(`${world.url}/v1/topics/a/messages`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'content-length': 8_000_000 },
    });
    socket.flushHeaders();
    const status = await new Promise((resolve, reject) => {
      socket.on('response', (answer) => resolve(answer.statusCode));
      socket.on('error', reject);
    });
    socket.destroy();
    expect(status).toBe(401);
  });

  it('an unknown route is 404 and an unknown method 405, as everywhere', async () => {
    const world = await guarded({ access: keys });
    expect((await world.ask('GET', '/v1/nothing')).status).toBe(404);
    expect((await world.ask('PUT', '/v1/topics')).status).toBe(405);
  });
});

describe('a web page', () => {
  it('of another origin gets nothing by default', async () => {
    const world = await guarded({ access: keys });
    const preflight = await world.ask('OPTIONS', '/v1/topics', { headers: preflightFrom(page) });
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([403, null]);
    expect((await world.ask('GET', '/v1/topics', { key, headers: { origin: page } })).json.code).toBe(
      'origin_not_allowed',
    );
  });

  it('of another origin gets nothing by another spelling of the path, nor by what it only shows', async () => {
    const world = await guarded({});
    await world.port.createTopic({ name: 'a' });
    const disguised = await world.ask('POST', '/%761/topics/a/messages', {
      headers: { origin: page, 'content-type': 'text/plain' },
      body: 'x',
    });
    expect([disguised.status, disguised.json.code]).toEqual([403, 'origin_not_allowed']);
    expect((await world.port.read('a', 0, 'earliest', 1)).messages).toEqual([]);
    // An image, a frame or a link names no origin; the browser says that it is another site's.
    const from = async (site: string) =>
      (await world.ask('GET', '/v1/topics', { headers: { 'sec-fetch-site': site } })).status;
    expect([await from('cross-site'), await from('same-site'), await from('same-origin'), await from('none')]).toEqual([
      403, 403, 200, 200,
    ]);
  });

  it('that is listed may ask with its key, and read every kind of answer', async () => {
    const world = await guarded({ access: keys, corsOrigins: [page] });
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'r', topic: 'a' });
    const preflight = await world.ask('OPTIONS', '/v1/topics/a/messages', {
      headers: { ...preflightFrom(page), 'access-control-request-headers': 'authorization,sluice-header-trace,x-evil' },
    });
    expect(preflight.status).toBe(204);
    expect(preflight.headers.get('access-control-allow-origin')).toBe(page);
    expect(preflight.headers.get('access-control-allow-credentials')).toBeNull();
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/authorization.*sluice-header-trace$/);
    const allowed = async (path: string, method: string, body?: unknown, credentials?: string) =>
      (await world.ask(method, path, { key: credentials, body, headers: { origin: page } })).headers.get(
        'access-control-allow-origin',
      );
    expect(await allowed('/v1/topics', 'GET', undefined, key)).toBe(page);
    expect(await allowed('/v1/topics', 'GET')).toBe(page);
    const stream = await fetch(`${world.url}/v1/subscriptions/r/stream`, {
      headers: { authorization: `Bearer ${key}`, origin: page },
    });
    expect(stream.headers.get('access-control-allow-origin')).toBe(page);
    await stream.body?.cancel();
    const other = await world.ask('GET', '/v1/topics', { key, headers: { origin: 'https://evil.example.com' } });
    expect([other.status, other.headers.get('access-control-allow-origin'), other.headers.get('vary')]).toEqual([
      403,
      null,
      'origin',
    ]);
  });

  it.each(['*', 'app.example.com', 'https://app.example.com/', 'null'])('%s is no origin to list', (origin) => {
    expect(() => parseConfig({ corsOrigins: [origin] })).toThrow(/must be an origin/);
  });

  it('whose name was made to lead here (DNS rebinding) gets nothing from a gateway without credentials', async () => {
    const world = await guarded({});
    expect(await statusFor(world, 'evil.example.com')).toBe(403);
    expect(await statusFor(world, '192.168.1.7:8080')).toBe(403);
    for (const host of ['127.0.0.1:1', 'localhost', '[::1]:8080', 'sluice'])
      expect(await statusFor(world, host)).toBe(200);
    expect(await statusFor(await guarded({ allowUnauthenticated: true }), 'proxy.example.com')).toBe(200);
  });
});

function preflightFrom(origin: string): Record<string, string> {
  return { origin, 'access-control-request-method': 'POST' };
}

/** `fetch` does not let a host be named. */
async function statusFor(world: Guarded, host: string): Promise<number | undefined> {
  return await new Promise((resolve, reject) => {
    request(`${world.url}/v1/topics`, { headers: { host } }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    })
      .on('error', reject)
      .end();
  });
}
