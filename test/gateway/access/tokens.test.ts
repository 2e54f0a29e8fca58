/** Tokens (JWT): the issuer's keys from a file and from a URL, changed, away and back; claims into a principal and scopes. */

import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWTPayload } from 'jose';
import { describe, expect, it, onTestFinished } from 'vitest';
import { KeySet } from '../../../src/gateway/access/key-set.ts';
import { accessLimits } from '../../../src/gateway/access/limits.ts';
import { AUDIENCE, guarded, ISSUER, issuer, seconds } from './support.ts';

const topics = '/v1/topics';

describe('claims', () => {
  it.each([
    ['scope as a text', { scope: 'openid publish:a profile' }],
    ['scp as a text', { scp: 'publish:a' }],
    ['scp as a list', { scp: ['User.Read', 'publish:a'] }],
  ])('%s: ours count, those of others are passed over', async (_, claims) => {
    const made = await issuer();
    const world = await guarded({ access: { jwt: made.config } });
    const key = await made.token(claims);
    const body = { messages: [{ value: 1 }] };
    expect((await world.ask('POST', '/v1/topics/a/messages', { key, body })).status).toBe(404);
    const refused = await world.ask('POST', '/v1/topics/b/messages', { key, body });
    expect([refused.status, refused.json.detail]).toEqual([
      403,
      'jwt:alice may not do this: it needs the scope publish:b',
    ]);
  });

  it.each(['RS256', 'PS384', 'ES512', 'EdDSA'])(
    'a token signed with %s is taken, unless the list leaves it out',
    async (alg) => {
      const made = await issuer(alg);
      const key = await made.token({ scope: 'admin' });
      expect((await (await guarded({ access: { jwt: made.config } })).ask('GET', topics, { key })).status).toBe(200);
      const strict = await guarded({ access: { jwt: { ...made.config, algorithms: ['ES256'] } } });
      const refused = await strict.ask('GET', topics, { key });
      expect([refused.status, refused.json.detail]).toEqual([
        401,
        'the token is not valid: its algorithm is not allowed',
      ]);
    },
  );

  it('HS256 and none cannot be allowed', async () => {
    const { config } = await issuer();
    for (const algorithm of ['HS256', 'none'])
      await expect(guarded({ access: { jwt: { ...config, algorithms: [algorithm as 'ES256'] } } })).rejects.toThrow(
        /algorithms\[0\]/,
      );
  });

  it('the clock of the issuer may be a little ahead or behind, and no more', async () => {
    const made = await issuer();
    const world = await guarded({ access: { jwt: { ...made.config, clockToleranceMs: 30_000 } } });
    const statusOf = async (claims: JWTPayload) =>
      (await world.ask('GET', topics, { key: await made.token(claims) })).status;
    expect(await statusOf({ exp: seconds() - 10 })).toBe(200);
    expect(await statusOf({ exp: seconds() - 40 })).toBe(401);
    expect(await statusOf({ nbf: seconds() + 10 })).toBe(200);
    expect(await statusOf({ nbf: seconds() + 40 })).toBe(401);
  });

  it('another claim may say who it is', async () => {
    const made = await issuer();
    const world = await guarded({ access: { jwt: { ...made.config, principalClaim: 'client_id' } } });
    const refused = await world.ask('POST', topics, {
      key: await made.token({ client_id: 'shop' }),
      body: { name: 'x' },
    });
    expect(refused.json.detail).toMatch(/^jwt:shop may not/);
    expect((await world.ask('GET', topics, { key: await made.token({ client_id: 5 }) })).status).toBe(401);
  });

  it('a stream ends when its token does', async () => {
    const made = await issuer();
    const world = await guarded({ access: { jwt: { ...made.config, clockToleranceMs: 0 } } });
    await world.port.createTopic({ name: 'a' });
    await world.port.createSubscription({ name: 'r', topic: 'a' });
    const key = await made.token({ scope: 'consume:r', exp: seconds() + 2 });
    const stream = await world.ask('GET', '/v1/subscriptions/r/stream?ack=manual', { key });
    expect(stream.text).toMatch(/event: problem\ndata: .*"unauthenticated".*/);
    expect(stream.text).toContain('the credentials have expired');
  });
});

describe("the issuer's keys", () => {
  it('of a file are read again when it changes', async () => {
    const made = await issuer();
    const world = await guarded({ access: { jwt: made.config } });
    const old = await made.token({ scope: 'admin' });
    expect((await world.ask('GET', topics, { key: old })).status).toBe(200);
    await made.rotate();
    const young = await made.token({ scope: 'admin' });
    await expect.poll(async () => (await world.ask('GET', topics, { key: young })).status).toBe(200);
    await expect.poll(async () => (await world.ask('GET', topics, { key: old })).status).toBe(401);
  });

  it('of a URL are asked for once, again for an unknown kid, and not again within the cooldown', async () => {
    const made = await issuer();
    let now = 0;
    const { url, asked } = await serving(() => readFileSync(made.jwksFile, 'utf8'));
    const keySet = new KeySet({ url, now: () => now });
    const first = await headerOf(made.token());
    await keySet.keyOf(...first);
    await keySet.keyOf(...first);
    expect(asked()).toBe(1);
    await made.rotate();
    const second = await headerOf(made.token());
    await expect(keySet.keyOf(...second)).rejects.toMatchObject({ code: 'ERR_JWKS_NO_MATCHING_KEY' });
    expect(asked()).toBe(1);
    now += accessLimits.jwksCooldownMs;
    await keySet.keyOf(...second);
    expect(asked()).toBe(2);
    for (let round = 0; round < 100; round += 1) {
      const forged: Asked = [{ alg: 'ES256', kid: `made-up-${round}` }, second[1]];
      await expect(keySet.keyOf(...forged)).rejects.toThrow();
    }
    expect(asked()).toBe(2);
  });

  it('are believed for an hour while the issuer is away, then nobody is let in: 503, which is not 401', async () => {
    const made = await issuer();
    let now = 0;
    let isAway = false;
    const { url } = await serving(() => (isAway ? undefined : readFileSync(made.jwksFile, 'utf8')));
    const keySet = new KeySet({ url, now: () => now });
    const header = await headerOf(made.token());
    await keySet.keyOf(...header);
    isAway = true;
    now += accessLimits.jwksStaleMs;
    await keySet.keyOf(...header);
    now += 1;
    await expect(keySet.keyOf(...header)).rejects.toMatchObject({ code: 'access_unavailable', httpStatus: 503 });
    isAway = false;
    now += accessLimits.jwksCooldownMs;
    await keySet.keyOf(...header);
  });

  it.each([
    ['an answer without an end', () => 'x'.repeat(accessLimits.jwksBytesMax + 1)],
    ['an answer that is no JSON', () => '<html>'],
    ['an answer that is no set of keys', () => '{"keys":5}'],
    ['a redirect', () => 302],
  ])('%s are not taken; the gateway starts, and answers 503', async (_, answer) => {
    const { url } = await serving(answer);
    const made = await issuer();
    const world = await guarded({ access: { jwt: { issuer: ISSUER, audience: AUDIENCE, jwksUrl: url } } });
    const refused = await world.ask('GET', topics, { key: await made.token() });
    expect([refused.status, refused.json.code, refused.headers.get('retry-after')]).toEqual([
      503,
      'access_unavailable',
      '1',
    ]);
    expect((await world.ask('GET', '/livez')).status).toBe(200);
  });

  it('a set with a key for HS256 in it does not make that key count', async () => {
    const made = await issuer();
    const { url } = await serving(() =>
      JSON.stringify({ keys: [{ kty: 'oct', kid: 'key-1', k: Buffer.from('public').toString('base64url') }] }),
    );
    const world = await guarded({ access: { jwt: { issuer: ISSUER, audience: AUDIENCE, jwksUrl: url } } });
    expect((await world.ask('GET', topics, { key: await made.token({ scope: 'admin' }) })).status).toBe(401);
  });
});

type Asked = Required<Parameters<KeySet['keyOf']>>;

async function headerOf(token: Promise<string>): Promise<Asked> {
  const [header = ''] = (await token).split('.');
  return [JSON.parse(Buffer.from(header, 'base64url').toString()), { payload: '', signature: '' }];
}

async function serving(answer: () => string | number | undefined): Promise<{ url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((_, reply) => {
    asked += 1;
    const text = answer();
    if (typeof text === 'number') reply.writeHead(text, { location: 'http://127.0.0.1:1/' }).end();
    else reply.writeHead(text === undefined ? 500 : 200).end(text);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`, asked: () => asked };
}
