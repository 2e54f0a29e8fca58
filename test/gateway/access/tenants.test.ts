/** S9: two tenants on one gateway. Neither sees, settles, guesses or reaches through something else what belongs to the other. */

import { describe, expect, it } from 'vitest';
import { guarded, type Guarded, keyWith } from './support.ts';

/** Of a token that settles nothing. */
const nothing = ['invalid', 'expired'];
const ownScopes = (tenant: string) => [`publish:${tenant}.*`, `read:${tenant}.*`, `consume:${tenant}.*`];

describe('two tenants', () => {
  it('a name of the other is refused in the same words whether it exists or not', async () => {
    const { world, b } = await tenants();
    for (const [method, path] of [
      ['GET', '/v1/topics/NAME'],
      ['DELETE', '/v1/topics/NAME'],
      ['GET', '/v1/topics/NAME/partitions/0/messages'],
      ['GET', '/v1/subscriptions/NAME'],
      ['GET', '/v1/subscriptions/NAME/lag'],
      ['GET', '/v1/subscriptions/NAME/deadletters'],
      ['GET', '/v1/subscriptions/NAME/stream'],
      ['DELETE', '/v1/subscriptions/NAME'],
    ] as const) {
      const there = path.includes('topics') ? 'a.orders' : 'a.reader';
      const texts: string[] = [];
      for (const name of [there, 'a.nothing']) {
        const { status, text } = await world.ask(method, path.replace('NAME', name), { key: b });
        expect(status, path).toBe(403);
        texts.push(text.replaceAll(name, 'NAME').replace(/"instance":"[^"]+"/, ''));
      }
      expect(texts[0], path).toBe(texts[1]);
    }
  });

  it('a dead-letter topic that is there already is not had by naming a subscription like it', async () => {
    const { world, admin } = await tenants();
    const { key, entry } = keyWith(['consume:b*', 'read:a.orders']);
    const narrow = await guarded({ access: { keys: [entry] } }, { port: world.port });
    await world.ask('POST', '/v1/topics', { key: admin, body: { name: 'b-eu.dead' } });
    const body = { name: 'b-eu', topic: 'a.orders' };
    const refused = await narrow.ask('POST', '/v1/subscriptions', { key, body });
    expect([refused.status, refused.json.code], refused.text).toEqual([403, 'scope_missing']);
    expect((await narrow.ask('POST', '/v1/subscriptions', { key, body: { ...body, name: 'b-us' } })).status).toBe(201);
    // Once more, when its topic is there because it was made with it.
    expect((await narrow.ask('POST', '/v1/subscriptions', { key, body: { ...body, name: 'b-us' } })).status).toBe(200);
    expect(
      (await narrow.ask('POST', '/v1/subscriptions', { key, body: { ...body, onExhausted: 'drop' } })).status,
    ).toBe(201);
  });

  it('lists have only what is their own; admin sees all', async () => {
    const { world, a, b, admin } = await tenants();
    const listed = async (key: string) => {
      const { topics } = (await world.ask('GET', '/v1/topics', { key })).json as { topics: { name: string }[] };
      const { subscriptions } = (await world.ask('GET', '/v1/subscriptions', { key })).json as {
        subscriptions: { name: string }[];
      };
      return [...topics, ...subscriptions]
        .map(({ name }) => name)
        .filter((name) => !name.endsWith('.dead'))
        .toSorted();
    };
    expect(await listed(a)).toEqual(['a.orders', 'a.reader']);
    expect(await listed(b)).toEqual(['b.orders', 'b.reader']);
    expect(await listed(admin)).toEqual(['a.orders', 'a.reader', 'b.orders', 'b.reader']);
  });

  it('tokens of the other are worth nothing: by the other subscription they are refused, by the own one they name nothing', async () => {
    const { world, a, b } = await tenants();
    await world.ask('POST', '/v1/topics/a.orders/messages', { key: a, body: { messages: [{ value: 'secret' }] } });
    const pulled = await world.ask('POST', '/v1/subscriptions/a.reader/pull', { key: a, body: {} });
    const [{ ackToken }] = pulled.json.deliveries;
    for (const call of ['ack', 'nack', 'release', 'reject', 'extend']) {
      const body = { tokens: [ackToken], ...(call === 'extend' ? { deadlineMs: 1 } : {}) };
      expect((await world.ask('POST', `/v1/subscriptions/a.reader/${call}`, { key: b, body })).status, call).toBe(403);
      const own = await world.ask('POST', `/v1/subscriptions/b.reader/${call}`, { key: b, body });
      expect(own.status, call).toBe(207);
      expect(nothing, call).toContain(own.json.results[0].status);
    }
    const guesses = Array.from({ length: 1_000 }, (_, guess) => ackToken.replace(/[^.]*$/, guess.toString(36)));
    const guessed = await world.ask('POST', '/v1/subscriptions/b.reader/ack', { key: b, body: { tokens: guesses } });
    for (const { status } of guessed.json.results) expect(nothing).toContain(status);
    const settled = await world.ask('POST', '/v1/subscriptions/a.reader/ack', { key: a, body: { tokens: [ackToken] } });
    expect(settled.json.results[0].status).toBe('ok');
  });

  it('a subscription of the own name on the topic of the other is refused, and so is one that dead-letters into it', async () => {
    const { world, b } = await tenants();
    const create = async (body: object) => await world.ask('POST', '/v1/subscriptions', { key: b, body });
    expect((await create({ name: 'b.spy', topic: 'a.orders', start: 'earliest' })).json.detail).toMatch(
      /read:a\.orders$/,
    );
    const writes = await create({ name: 'b.pipe', topic: 'b.orders', deadLetterTopic: 'a.orders' });
    expect(writes.json.detail).toMatch(/read:a\.orders and publish:a\.orders$/);
    expect((await create({ name: 'b.mine', topic: 'b.orders', deadLetterTopic: 'b.letters' })).status).toBe(201);
  });

  it('a dead letter that was made by hand is not redriven into the topic of the other', async () => {
    const { world, b } = await tenants();
    const forged = {
      value: 'planted',
      headers: {
        'dead-letter-topic': 'a.orders',
        'dead-letter-subscription': 'b.reader',
        'dead-letter-reason': 'nack',
      },
    };
    // The port stands for whoever writes to the dead-letter topic past this gateway.
    const { deadLetterTopic } = await world.port.describeSubscription('b.reader');
    const headers = Object.entries(forged.headers).map(([name, value]) => ({ name, value }));
    await world.port.publish(deadLetterTopic ?? '', [{ value: forged.value, headers }]);
    const path = '/v1/subscriptions/b.reader/deadletters/redrive';
    for (const dryRun of [true, false]) {
      const redriven = await world.ask('POST', path, { key: b, body: { dryRun } });
      expect([redriven.status, redriven.json.code]).toEqual([403, 'scope_missing']);
    }
    expect((await world.port.read('a.orders', 0, 'earliest', 10)).messages).toEqual([]);
  });

  it('a cursor of the other is only a number: it reads the own topic or nothing', async () => {
    const { world, a, b } = await tenants();
    await world.ask('POST', '/v1/topics/a.orders/messages', { key: a, body: { messages: [{ value: 'secret' }] } });
    const answer = await fetch(`${world.url}/v1/subscriptions/b.reader/stream`, {
      headers: { authorization: `Bearer ${b}`, 'last-event-id': '0:0' },
    });
    const reader = answer.body?.getReader();
    const first = Buffer.from((await reader?.read())?.value ?? []).toString();
    await reader?.cancel();
    expect([answer.status, first]).toEqual([200, expect.stringMatching(/^id: 0:0\n/)]);
  });
});

async function tenants(): Promise<{ world: Guarded; a: string; b: string; admin: string }> {
  const [a, b, admin] = [keyWith(ownScopes('a')), keyWith(ownScopes('b')), keyWith(['admin'])];
  const world = await guarded({ access: { keys: [a.entry, b.entry, admin.entry] } });
  for (const tenant of ['a', 'b']) {
    await world.port.createTopic({ name: `${tenant}.orders` });
    await world.port.createSubscription({ name: `${tenant}.reader`, topic: `${tenant}.orders` });
  }
  return { world, a: a.key, b: b.key, admin: admin.key };
}
