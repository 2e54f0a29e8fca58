/**
 * Every route and every RPC with every kind of credential. Nothing here names a route: the rows come from the table of required
 * scopes, from the routes that the app has and from the .proto, and the three must agree.
 */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js';
import { exportSPKI, SignJWT } from 'jose';
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { buildApp } from '../../../src/gateway/app.ts';
import { rpcNames } from '../../../src/gateway/access/grpc-access.ts';
import { newKey } from '../../../src/gateway/access/keys.ts';
import { type Requirement, requiredScopes, requirementOf } from '../../../src/gateway/access/required-scopes.ts';
import { loadProto } from '../../../src/gateway/grpc/proto.ts';
import { protoDirectory, protoFile } from '../../../src/gateway/grpc/proto-file.ts';
import { openModel } from '../../support/model-driver.ts';
import { AUDIENCE, guarded, type Guarded, ISSUER, issuer, keyWith, seconds } from './support.ts';

/** What paths, bodies and request messages name. None of it exists: being let in shows as 404 or 400. */
const names: Readonly<Record<string, string>> = {
  topic: 'a.orders',
  subscription: 'a.reader',
  name: 'a.reader',
  deadLetterTopic: 'a.letters',
  partition: '0',
};

const calls = Object.entries(requiredScopes);
const routes = calls.filter(([call]) => call.includes(' '));
const rpcs = calls.filter(([call]) => !call.includes(' ') && !call.startsWith('grpc.'));
const foreignRpcs = calls.filter(([call]) => call.startsWith('grpc.'));

/** Each way in, as the scopes that it takes; none where credentials alone are enough. */
function waysIn(requirement: Requirement): string[][] {
  if (requirement.kind === 'open' || requirement.kind === 'authenticated') return [[]];
  if (requirement.kind === 'plain') return [[requirement.scope]];
  return requirement.anyOf.map((needs) =>
    needs.map(([action, field]) => `${action}:${names[field.replace('?', '')] ?? ''}`),
  );
}

/** Everything but what is needed: other actions on everything, and the same actions on the names of another tenant. */
function othersThan(requirement: Requirement): string[][] {
  const needed = new Set(
    waysIn(requirement)
      .flat()
      .map((scope) => scope.split(':')[0] ?? ''),
  );
  const others = ['publish', 'read', 'consume'].filter((action) => !needed.has(action)).map((action) => `${action}:*`);
  const foreign = [...needed]
    .filter((action) => action !== 'admin' && action !== 'metrics')
    .map((action) => `${action}:b.*`);
  return [[...others, ...(needed.has('metrics') ? [] : ['metrics'])], foreign].filter((scopes) => scopes.length > 0);
}

describe('the table of required scopes', () => {
  it('has a row for every route that the app has, and none for another', async () => {
    const port = await openModel();
    const { app } = buildApp({ port });
    onTestFinished(async () => {
      await app.close();
      await port.close();
    });
    await app.ready();
    for (const [call] of routes) {
      const [method = '', url = ''] = call.split(' ');
      expect(app.hasRoute({ method: method as 'GET', url }), call).toBe(true);
    }
  });

  it('has a row for every RPC of the .proto, and none for another', () => {
    const inProto = Object.entries(loadProto()).flatMap(([service, definition]) =>
      'format' in definition ? [] : Object.keys(definition).map((rpc) => `${service.split('.').at(-1) ?? ''}/${rpc}`),
    );
    expect(rpcs.map(([call]) => call).toSorted()).toEqual(inProto.toSorted());
    // The start reads them as text: it must see the same ones.
    expect(rpcNames(join(protoDirectory, protoFile)).toSorted()).toEqual(inProto.toSorted());
    expect(readFileSync(join(protoDirectory, protoFile), 'utf8').match(/^\s+rpc /gm)).toHaveLength(inProto.length);
  });

  it('a route that somebody adds without a row does not start', async () => {
    const port = await openModel();
    const { app } = buildApp({ port });
    onTestFinished(async () => await port.close());
    expect(() => app.route({ method: 'GET', url: '/v1/secrets', handler: async () => 'all of them' })).toThrow(
      /GET \/v1\/secrets is not in the table/,
    );
    expect(() => requirementOf('Admin/DropEverything')).toThrow(/not in the table/);
    await app.close();
  });

  it('asks for a scope on every topic and subscription that a path names, and for admin where there is no such name', () => {
    const kindsOf = (kind: Requirement['kind']) =>
      calls.filter(([, requirement]) => requirement.kind === kind).map(([call]) => call);
    expect(kindsOf('authenticated').toSorted()).toEqual([
      'Admin/GetCapabilities',
      'Admin/ListSubscriptions',
      'Admin/ListTopics',
      'GET /v1/backend',
      'GET /v1/capabilities',
      'GET /v1/subscriptions',
      'GET /v1/topics',
    ]);
    const ofAdmin = calls.filter(([, requirement]) => requirement.kind === 'plain' && requirement.scope === 'admin');
    expect(ofAdmin.map(([call]) => call).toSorted()).toEqual([
      'Admin/CreateTopic',
      'Admin/DeleteTopic',
      'Admin/UpdateTopic',
      'DELETE /v1/topics/:topic',
      'PATCH /v1/topics/:topic',
      'POST /v1/topics',
    ]);
    for (const [call, requirement] of routes) {
      const ways = waysIn(requirement).map((scopes) => scopes.map((scope) => scope.split(':')[0]));
      if (call.includes('/:subscription')) expect(ways, call).toEqual([['consume']]);
      if (call.endsWith('/messages')) expect(ways, call).toEqual([[call.startsWith('POST') ? 'publish' : 'read']]);
    }
    expect(waysIn(requirementOf('POST /v1/subscriptions'))).toEqual([
      ['consume:a.reader', 'read:a.orders', 'read:a.letters', 'publish:a.letters'],
    ]);
  });

  it('what is open to everybody is this, and nothing else', () => {
    const open = calls.filter(([, { kind }]) => kind === 'open').map(([call]) => call);
    expect(open.filter((call) => !call.startsWith('grpc.'))).toEqual([
      'GET /livez',
      'GET /readyz',
      'GET /',
      'GET /docs',
      'GET /docs/*',
      'GET /openapi.json',
    ]);
    expect(open.filter((call) => call.startsWith('grpc.'))).toHaveLength(5);
  });
});

describe('every call x every credential', () => {
  let world: Guarded;
  /** Credentials that are none, each with why. */
  let bad: Record<string, Record<string, string>>;
  const keysByScopes = new Map<string, string>();
  const keyFor = (scopes: readonly string[]): string => keysByScopes.get(scopes.join(' ')) ?? '';

  beforeAll(async () => {
    const made = await issuer();
    const other = await issuer();
    const wanted = calls.flatMap(([, requirement]) => [...waysIn(requirement), ...othersThan(requirement)]);
    const entries = [['admin'], ['metrics'], ...wanted.filter((scopes) => scopes.length > 0)].flatMap((scopes) => {
      if (keysByScopes.has(scopes.join(' '))) return [];
      const { key, entry } = keyWith(scopes);
      keysByScopes.set(scopes.join(' '), key);
      return [entry];
    });
    const expired = keyWith(['admin'], { expires: '2020-01-01T00:00:00Z' });
    world = await guarded({ access: { keys: [...entries, expired.entry], jwt: made.config } });
    const admin = { scope: 'admin' };
    const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
    const hs = new TextEncoder().encode(await exportSPKI(made.publicKey));
    const claims = { sub: 'eve', iss: ISSUER, aud: AUDIENCE, exp: seconds() + 300, ...admin };
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    bad = {
      'no credential': {},
      'a key that nobody has': bearer(newKey()),
      'a key that nobody has, as x-api-key': { 'x-api-key': newKey() },
      'an expired key': bearer(expired.key),
      'half a key': bearer(expired.key.slice(0, 20)),
      'an empty bearer': { authorization: 'Bearer ' },
      'a password': { authorization: `Basic ${Buffer.from('admin:admin').toString('base64')}` },
      'two credentials': { ...bearer(keyFor(['admin'])), 'x-api-key': keyFor(['admin']) },
      'an expired token': bearer(await made.token({ ...admin, exp: seconds() - 60 })),
      'a token without an end': bearer(await made.token({ ...admin, exp: undefined as never })),
      'a token that is not good yet': bearer(await made.token({ ...admin, nbf: seconds() + 60 })),
      'a token for another audience': bearer(await made.token({ ...admin, aud: 'billing' })),
      'a token of another issuer': bearer(await made.token({ ...admin, iss: 'https://other.test' })),
      'a token without a subject': bearer(await made.token({ ...admin, sub: undefined as never })),
      'a token with a line break in its subject': bearer(await made.token({ ...admin, sub: 'a\nb' })),
      'a token with an unknown kid': bearer(await made.token(admin, { kid: 'key-99' })),
      'a token that another key signed': bearer(await other.token(admin)),
      'alg none': bearer(`${part({ alg: 'none' })}.${part(claims)}.`),
      'HS256 with the public key': bearer(
        await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'key-1' }).sign(hs),
      ),
      'a token whose claims were changed': bearer(
        (await made.token({ scope: 'consume:nothing' })).replace(/\.[^.]+\./, `.${part(claims)}.`),
      ),
    };
  });

  it.each(routes)('%s', async (call, requirement) => {
    const [method = '', url = ''] = call.split(' ');
    const path = url.replaceAll(/:(\w+)/g, (_, field: string) => names[field] ?? '').replace('*', 'static/index.html');
    const body = method === 'POST' ? bodyOf(url) : undefined;
    const asked = async (headers: Record<string, string>) => await world.ask(method, path, { headers, body });
    if (requirement.kind === 'open') {
      expect([200, 302, 404]).toContain((await asked({})).status);
      return;
    }
    for (const [why, headers] of Object.entries(bad)) {
      const { status: code, json, headers: answered } = await asked(headers);
      expect([code, json?.code], why).toEqual([401, 'unauthenticated']);
      expect(answered.get('www-authenticate'), why).toMatch(
        why === 'no credential' ? /^Bearer realm="sluice"$/ : /^Bearer realm="sluice"/,
      );
    }
    for (const scopes of requirement.kind === 'authenticated' ? [] : othersThan(requirement)) {
      const { status: code, json, headers: answered } = await asked({ 'x-api-key': keyFor(scopes) });
      expect([code, json?.code], scopes.join(' ')).toEqual([403, 'scope_missing']);
      const needed = waysIn(requirement).flat();
      expect(
        needed.some((scope) => json.detail.includes(scope)),
        json.detail,
      ).toBe(true);
      expect(answered.get('www-authenticate')).toMatch(/error="insufficient_scope", scope="/);
    }
    const right = requirement.kind === 'authenticated' ? [['metrics']] : waysIn(requirement);
    for (const scopes of [...right, ['admin']]) {
      const { status: code, text } = await asked({ authorization: `bearer ${keyFor(scopes)}` });
      expect([200, 201, 204, 400, 404], `${scopes.join(' ')}: ${text}`).toContain(code);
    }
  });

  it.each(rpcs)('%s', async (call, requirement) => {
    const client = new Client(world.gateway.grpcAddress ?? '', credentials.createInsecure());
    onTestFinished(() => client.close());
    const asked = async (headers: Record<string, string>) => await askedOverGrpc(client, call, headers);
    for (const [why, headers] of Object.entries(bad)) expect(await asked(headers), why).toBe('UNAUTHENTICATED');
    for (const scopes of requirement.kind === 'authenticated' ? [] : othersThan(requirement))
      expect(await asked({ 'x-api-key': keyFor(scopes) }), scopes.join(' ')).toBe('PERMISSION_DENIED');
    const right = requirement.kind === 'authenticated' ? [['metrics']] : waysIn(requirement);
    for (const scopes of [...right, ['admin']])
      expect(['OK', 'NOT_FOUND', 'INVALID_ARGUMENT']).toContain(
        await asked({ authorization: `Bearer ${keyFor(scopes)}` }),
      );
  });

  it.each(foreignRpcs)('%s is open', async (call) => {
    const client = new Client(world.gateway.grpcAddress ?? '', credentials.createInsecure());
    onTestFinished(() => client.close());
    // An empty message, which is a question to health and none to reflection: what counts is that it is not refused.
    expect(['OK', 'NOT_FOUND', 'INVALID_ARGUMENT', 'UNIMPLEMENTED']).toContain(
      await rawCall(client, `/${call}`, Buffer.from([0x3a, 0]), {}),
    );
  });
});

function bodyOf(url: string): unknown {
  if (url === '/v1/topics') return { name: 'a.orders' };
  if (url === '/v1/subscriptions') return { name: 'a.reader', topic: 'a.orders', deadLetterTopic: 'a.letters' };
  if (url.endsWith('/messages')) return { messages: [{ value: 1 }] };
  if (url.endsWith('/seek')) return { to: 'earliest' };
  if (url.endsWith('/redrive') || url.endsWith('/pull')) return {};
  return { tokens: ['x'], ...(url.endsWith('/extend') ? { deadlineMs: 1_000 } : {}) };
}

/** The name of the status. A frame of PublishStream is refused by an answer of its own; StreamingPull waits for messages when it may. */
async function askedOverGrpc(client: Client, call: string, headers: Record<string, string>): Promise<string> {
  const [service = '', rpc = ''] = call.split('/');
  const definition = loadedProto[`sluice.v1.${service}`] as unknown as Record<string, RpcDefinition>;
  const method = definition[rpc];
  if (method === undefined) throw new Error(call);
  const { topic, subscription, name, deadLetterTopic } = names;
  const request: Record<string, unknown> = { topic, subscription, tokens: ['x'], deadlineMs: 1_000 };
  if (rpc === 'CreateTopic') Object.assign(request, { name: topic });
  if (rpc === 'CreateSubscription') Object.assign(request, { name, deadLetterTopic });
  if (rpc.startsWith('Publish')) request['messages'] = [{ text: 'x' }];
  if (rpc === 'Seek') request['to'] = { edge: 'EARLIEST' };
  if (rpc === 'StreamingPull') request['start'] = { subscription, credit: { messages: 1 } };
  const bytes = method.requestSerialize(rpc === 'StreamingPull' ? { start: request['start'] } : request);
  return await rawCall(client, method.path, bytes, headers, (answer) => {
    const { problem } = method.responseDeserialize(answer) as { readonly problem?: { readonly code?: string } };
    if (problem === undefined) return 'OK';
    return problem.code === 'scope_missing' ? 'PERMISSION_DENIED' : 'NOT_FOUND';
  });
}

const loadedProto = loadProto();

interface RpcDefinition {
  readonly path: string;
  readonly requestSerialize: (request: unknown) => Buffer;
  readonly responseDeserialize: (bytes: Buffer) => unknown;
}

async function rawCall(
  client: Client,
  path: string,
  request: Buffer,
  headers: Record<string, string>,
  statusOf: (answer: Buffer) => string = () => 'OK',
): Promise<string> {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
  const same = (bytes: Buffer): Buffer => bytes;
  const stream = client.makeBidiStreamRequest(path, same, same, metadata, { deadline: Date.now() + 10_000 });
  return await new Promise((resolve) => {
    stream.once('data', (answer: Buffer) => {
      resolve(statusOf(answer));
      stream.cancel();
    });
    stream.once('end', () => resolve('OK'));
    stream.once('error', (error: ServiceError) => resolve(status[error.code] ?? String(error.code)));
    stream.write(request);
    stream.end();
  });
}
