/** TLS on both servers: versions, client certificates as principals, certificates that change while it runs. */

import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as tlsConnect } from 'node:tls';
import { credentials, loadPackageDefinition, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { makeCertificates } from '../../../src/brokers/certificates.ts';
import type { Certificates } from '../../../src/brokers/types.ts';
import { WebSocket } from 'ws';
import type { ProtoGrpcType } from '../../../src/gateway/grpc/generated/sluice.ts';
import { loadProto } from '../../../src/gateway/grpc/proto.ts';
import { directory, guarded, type Guarded, keyWith } from './support.ts';

let made: Certificates;
beforeAll(async () => {
  made = await makeCertificates(directory(), ['billing', 'stranger']);
});

interface Shown {
  readonly certFile: string;
  readonly keyFile: string;
}

describe('TLS', () => {
  it('is on both ports, and plain text is not answered', async () => {
    const { key, entry } = keyWith(['admin']);
    const world = await guarded({ access: { keys: [entry] }, tls: made.server });
    expect(world.url).toMatch(/^https:/);
    expect((await get(world, '/v1/topics', { key })).status).toBe(200);
    expect(await listTopics(world, { key })).toBe('OK');
    await expect(fetch(world.url.replace('https', 'http'))).rejects.toThrow();
    const stranger = await makeCertificates(directory(), []);
    await expect(get(world, '/livez', { caFile: stranger.caFile })).rejects.toThrow(/certificate/);
  });

  it('carries WebSockets, and requests that ask for h2c, as plain text does', async () => {
    const { key, entry } = keyWith(['admin']);
    const world = await guarded({ access: { keys: [entry] }, tls: made.server });
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'r', topic: 'a' });
    await world.port.publish('a', [{ value: 'over TLS' }]);
    const ca = await readFile(made.caFile);
    const headers = { authorization: `Bearer ${key}` };
    const address = world.url.replace('https://127.0.0.1', 'wss://localhost');
    const socket = new WebSocket(`${address}/v1/subscriptions/r/ws`, { ca, headers });
    onTestFinished(() => socket.close());
    await once(socket, 'open');
    socket.send('{"start":{"credit":{"messages":1}}}');
    const [frame] = (await once(socket, 'message')) as [Buffer];
    expect(frame.toString()).toContain('"over TLS"');
    const upgrading = { ...headers, upgrade: 'h2c', connection: 'upgrade', 'http2-settings': 'AAMAAABkAAQAAP__' };
    expect((await get(world, '/v1/topics', { headers: upgrading })).status).toBe(200);
  });

  it('one connection above the bound is told so, and what has not shaken hands takes no place', async () => {
    const world = await guarded({ tls: made.server, limits: { connectionsMax: 1 } });
    const port = Number(new URL(world.url).port);
    for (let at = 0; at < 3; at += 1) {
      const silent = connect({ port, host: '127.0.0.1' });
      onTestFinished(() => void silent.destroy());
      await once(silent, 'connect');
    }
    const ca = await readFile(made.caFile);
    const asked = async (): Promise<string> => {
      const socket = tlsConnect({ port, host: '127.0.0.1', servername: 'localhost', ca });
      onTestFinished(() => void socket.destroy());
      socket.write('GET /livez HTTP/1.1\r\nhost: a\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [Buffer];
      return answer.toString();
    };
    expect(await asked()).toMatch(/^HTTP\/1\.1 200/);
    expect(await asked()).toMatch(/^HTTP\/1\.1 503[^]*"code":"overloaded"/);
  });

  it.each(['TLSv1.2', 'TLSv1.3'] as const)('the least version %s is held to', async (minVersion) => {
    const world = await guarded({ tls: { ...made.server, minVersion } });
    for (const address of [new URL(world.url).port, world.gateway.grpcAddress?.split(':').at(-1)]) {
      const agreed = await handshake(Number(address), { maxVersion: 'TLSv1.2' });
      expect(agreed).toBe(minVersion === 'TLSv1.2' ? 'TLSv1.2' : 'refused');
      expect(await handshake(Number(address), { minVersion: 'TLSv1.1', maxVersion: 'TLSv1.1' })).toBe('refused');
    }
  });

  it('a new certificate is shown without a restart; a broken one is not, and the log says so', async () => {
    const files = { certFile: join(directory(), 'cert.pem'), keyFile: join(directory(), 'key.pem') };
    const take = ({ certFile, keyFile }: Shown): void => {
      copyFileSync(certFile, files.certFile);
      copyFileSync(keyFile, files.keyFile);
    };
    take(made.server);
    const world = await guarded({ tls: files });
    const [rest, grpc] = [Number(new URL(world.url).port), Number(world.gateway.grpcAddress?.split(':').at(-1))];
    const before = await Promise.all([shownBy(rest), shownBy(grpc)]);
    writeFileSync(files.keyFile, 'no key');
    await expect.poll(() => world.logged()).toMatch(/"certificates".*the old one stays/);
    expect(await Promise.all([shownBy(rest), shownBy(grpc)])).toEqual(before);
    take((await makeCertificates(directory(), [])).server);
    await expect.poll(async () => await shownBy(rest)).not.toBe(before[0]);
    expect(await shownBy(grpc)).toBe(await shownBy(rest));
  });

  it.each([
    ['a file that is not there', { certFile: '/nowhere/cert.pem', keyFile: '/nowhere/key.pem' }, /\/nowhere\/cert.pem/],
    [
      'client certificates that nobody may have signed',
      { clientCertificates: 'required' as const },
      /needs tls.caFile/,
    ],
  ])('%s is said at the start', async (_, change, why) => {
    await expect(guarded({ tls: { ...made.server, ...change } })).rejects.toThrow(why);
  });
});

describe('a client certificate', () => {
  const access = { certificates: [{ name: 'billing', subject: 'CN=billing', scopes: ['publish:a'] }] };
  const tls = (clientCertificates: 'optional' | 'required') => ({
    ...made.server,
    caFile: made.caFile,
    clientCertificates,
  });

  it('is a principal with scopes, over REST and gRPC', async () => {
    const world = await guarded({ access, tls: tls('required') });
    const client = made.clients['billing'];
    const refused = await get(world, '/metrics', { client });
    expect([refused.status, JSON.parse(refused.text).detail]).toEqual([
      403,
      'certificate:billing may not do this: it needs the scope metrics',
    ]);
    expect((await get(world, '/v1/topics', { client })).status).toBe(200);
    expect(await listTopics(world, { client })).toBe('OK');
  });

  it('is asked for where it is required: without one, or with one that others signed, there is no connection', async () => {
    const world = await guarded({ access, tls: tls('required') });
    const foreign = (await makeCertificates(directory(), ['billing'])).clients['billing'];
    await expect(get(world, '/livez', {})).rejects.toThrow();
    await expect(get(world, '/livez', { client: foreign })).rejects.toThrow();
    expect(await listTopics(world, {})).toBe('UNAVAILABLE');
    expect(await listTopics(world, { client: foreign })).toBe('UNAVAILABLE');
  });

  it('that is optional counts only when it is known and signed by who may sign; a key goes before it', async () => {
    const { key, entry } = keyWith(['metrics']);
    const world = await guarded({ access: { ...access, keys: [entry] }, tls: tls('optional') });
    const foreign = (await makeCertificates(directory(), ['billing'])).clients['billing'];
    const statusWith = async (path: string, shown: Asking) => (await get(world, path, shown)).status;
    expect(await statusWith('/livez', {})).toBe(200);
    expect(await statusWith('/v1/topics', {})).toBe(401);
    expect(await statusWith('/v1/topics', { client: made.clients['stranger'] })).toBe(401);
    expect(await statusWith('/v1/topics', { client: foreign })).toBe(401);
    expect(await listTopics(world, { client: foreign })).toBe('UNAUTHENTICATED');
    expect(await statusWith('/v1/topics', { client: made.clients['billing'] })).toBe(200);
    expect(await statusWith('/metrics', { client: made.clients['billing'], key })).toBe(200);
  });

  it('may be known by an alternative name', async () => {
    const world = await guarded({
      access: { certificates: [{ name: 'anybody', subject: 'DNS:localhost', scopes: ['metrics'] }] },
      tls: tls('required'),
    });
    expect((await get(world, '/metrics', { client: made.clients['stranger'] })).status).toBe(200);
  });

  it('cannot be configured where nobody is asked for one', async () => {
    await expect(guarded({ access, tls: made.server })).rejects.toThrow(/needs tls.clientCertificates/);
  });
});

interface Asking {
  readonly key?: string;
  readonly client?: Shown | undefined;
  readonly caFile?: string;
  readonly headers?: Record<string, string>;
}

async function get(
  world: Guarded,
  path: string,
  { key, client, caFile = made.caFile, headers: more = {} }: Asking,
): Promise<{ status: number; text: string }> {
  const ca = await readFile(caFile);
  const shown =
    client === undefined ? {} : { cert: await readFile(client.certFile), key: await readFile(client.keyFile) };
  const { port } = new URL(world.url);
  return await new Promise((resolve, reject) => {
    const headers = key === undefined ? more : { ...more, authorization: `Bearer ${key}` };
    const request = httpsRequest(
      { host: '127.0.0.1', port, path, ca, ...shown, headers, servername: 'localhost', agent: false },
      (answer) => {
        let text = '';
        answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
      },
    );
    request.on('error', reject);
    request.end();
  });
}

async function listTopics(world: Guarded, { key, client }: Asking): Promise<string> {
  const { sluice } = loadPackageDefinition(loadProto()) as unknown as ProtoGrpcType;
  const [ca, certKey, cert] = await Promise.all([
    readFile(made.caFile),
    client === undefined ? null : readFile(client.keyFile),
    client === undefined ? null : readFile(client.certFile),
  ]);
  const channel = credentials.createSsl(ca, certKey, cert);
  const call = credentials.createFromMetadataGenerator((_, done) => {
    const metadata = new Metadata();
    if (key !== undefined) metadata.set('authorization', `Bearer ${key}`);
    done(null, metadata);
  });
  const address = `localhost:${world.gateway.grpcAddress?.split(':').at(-1)}`;
  const admin = new sluice.v1.Admin(address, credentials.combineChannelCredentials(channel, call), {
    'grpc.use_local_subchannel_pool': 1,
  });
  onTestFinished(() => admin.close());
  return await new Promise((resolve) => {
    admin.listTopics({}, new Metadata(), { deadline: Date.now() + 5_000 }, (error: ServiceError | null) =>
      resolve(error === null ? 'OK' : (status[error.code] ?? '')),
    );
  });
}

async function handshake(port: number, options: object): Promise<string | null> {
  return await new Promise((resolve) => {
    const socket = tlsConnect({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      ALPNProtocols: ['h2', 'http/1.1'],
      ...options,
    });
    onTestFinished(() => void socket.destroy());
    socket.once('secureConnect', () => resolve(socket.getProtocol()));
    socket.once('error', () => resolve('refused'));
  });
}

async function shownBy(port: number): Promise<string> {
  return await new Promise((resolve, reject) => {
    const socket = tlsConnect(
      { host: '127.0.0.1', port, rejectUnauthorized: false, ALPNProtocols: ['h2', 'http/1.1'] },
      () => {
        resolve(socket.getPeerCertificate().fingerprint256);
        socket.destroy();
      },
    );
    socket.once('error', reject);
  });
}
