/** Idempotency-Key: a request that comes again is answered as the first one was, and stored once. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openPort, PortError, type PublishOutcome } from '../../src/adapters/index.ts';
import { IdempotencyKeys } from '../../src/gateway/idempotency.ts';
import { gatewayLimits } from '../../src/gateway/limits.ts';
import { alter } from '../support/broken-ports.ts';
import { openModel } from '../support/model-driver.ts';
import { guarded, keyWith } from './access/support.ts';
import { gateway, problemOf, topicAndSubscription, type World } from './support.ts';

const twoMessages = { messages: [{ value: 'paid' }, { key: 'k', value: { total: 1 }, headers: { a: '1' } }] };

async function publish(world: World, topic: string, body: unknown, key: string) {
  return await world.raw('POST', `/v1/topics/${topic}/messages`, JSON.stringify(body), {
    'content-type': 'application/json',
    'idempotency-key': key,
  });
}

async function storedIn(world: World, topic: string): Promise<string[]> {
  const { json } = await world.call('GET', `/v1/topics/${topic}/partitions/0/messages`);
  return (json.messages as { id: string }[]).map(({ id }) => id);
}

describe('the same key', () => {
  it('with the same messages is answered with the first answer, and stored once', async () => {
    const world = await gateway({ without: ['publish.dedup'] });
    const { topic } = await topicAndSubscription(world);
    const first = await publish(world, topic, twoMessages, 'order-1');
    expect([first.status, first.headers['idempotency-replayed']], first.text).toEqual([200, undefined]);
    const again = await publish(world, topic, twoMessages, '"order-1"');
    expect([again.status, again.headers['idempotency-replayed']]).toEqual([200, 'true']);
    expect(again.json.results).toEqual(
      first.json.results.map((result: object) => ({ ...result, duplicate: true })) as object[],
    );
    expect(await storedIn(world, topic)).toEqual(['order-1.0', 'order-1.1']);
    expect((await publish(world, topic, twoMessages, 'order-2')).json.results[0].duplicate).toBeUndefined();
  });

  it.each([
    ['another value', { messages: [{ value: 'other' }, twoMessages.messages[1]] }],
    ['another header', { messages: [twoMessages.messages[0], { ...twoMessages.messages[1], headers: { a: '2' } }] }],
    ['another durability', { ...twoMessages, durability: 'memory' }],
    ['fewer messages', { messages: [twoMessages.messages[0]] }],
  ])('with %s is refused, and nothing of it stored', async (_, body) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    await publish(world, topic, twoMessages, 'order-1');
    const refused = await publish(world, topic, body, 'order-1');
    expect(problemOf(refused)).toMatchObject({ status: 422, code: 'idempotency_key_reused', retryable: false });
    expect(await storedIn(world, topic)).toHaveLength(2);
  });

  it('on another topic is another key; raw bodies and events have it too; lines, and what is no key, are refused', async () => {
    const world = await gateway({ without: ['publish.dedup'] });
    const { topic } = await topicAndSubscription(world);
    const { topic: other } = await topicAndSubscription(world);
    for (const each of [topic, other]) expect((await publish(world, each, twoMessages, 'k')).status).toBe(200);
    const url = `/v1/topics/${topic}/messages`;
    for (const type of ['image/png', 'application/cloudevents+json']) {
      const body = type === 'image/png' ? 'bytes' : '{"specversion":"1.0","id":"1","source":"/s","type":"t","data":1}';
      const headers = { 'content-type': type, 'idempotency-key': type };
      expect((await world.raw('POST', url, body, headers)).json.results[0].duplicate, type).toBeUndefined();
      expect((await world.raw('POST', url, body, headers)).json.results[0].duplicate, type).toBe(true);
    }
    const lines = { 'content-type': 'application/x-ndjson', 'idempotency-key': 'k' };
    expect(problemOf(await world.raw('POST', url, '{"value":1}\n', lines)).code).toBe('invalid_argument');
    for (const bad of ['a b', 'x'.repeat(197)])
      expect(problemOf(await publish(world, topic, twoMessages, bad)).code, bad).toBe('invalid_argument');
    expect(await storedIn(world, topic)).toHaveLength(4);
  });

  it('while the first is under way waits for it; after one that failed it is a new try with the same ids', async () => {
    const model = await openModel(['publish.dedup']);
    let gate = Promise.resolve();
    let failure: PortError | undefined;
    let calls = 0;
    const port = alter(model, {
      publish: async (...given) => {
        calls += 1;
        await gate;
        if (failure === undefined) return await model.publish(...given);
        const error = failure;
        return given[1].map(({ id = '' }): PublishOutcome => ({ kind: 'unknown', id, error }));
      },
    });
    const world = await gateway({ port });
    const { topic } = await topicAndSubscription(world);
    failure = new PortError('publish_outcome_unknown', 'the connection went away');
    const unknown = await publish(world, topic, { messages: [{ value: 'x' }] }, 'key');
    expect(problemOf(unknown)).toMatchObject({ status: 504, messageId: 'key' });
    failure = undefined;
    let open: () => void = () => undefined;
    gate = new Promise((resolve) => (open = resolve));
    const all = Promise.all(
      [1, 2, 3].map(async () => await publish(world, topic, { messages: [{ value: 'x' }] }, 'key')),
    );
    await expect.poll(() => calls).toBe(2);
    open();
    const results = (await all).map(({ json }) => json.results[0] as { id: string; duplicate?: true });
    expect(results.filter(({ duplicate }) => duplicate === undefined)).toHaveLength(1);
    expect(results.map(({ id }) => id)).toEqual(['key', 'key', 'key']);
    expect(calls).toBe(2);
    expect(await storedIn(world, topic)).toEqual(['key']);
  });
});

describe('a key of which a part was stored', () => {
  it('stays with its request: other messages would get the ids of what is stored', async () => {
    const model = await openModel(['publish.dedup']);
    let refusesSecond = true;
    let isAway = false;
    const port = alter(model, {
      publish: async (topic, messages, options) => {
        if (isAway) throw new PortError('backend_unavailable', 'it is away');
        const outcomes = await model.publish(topic, refusesSecond ? messages.slice(0, 1) : messages, options);
        const error = new PortError('storage_full', 'the disk is full');
        return messages.map(({ id = '' }, at) => outcomes[at] ?? ({ kind: 'refused', id, error } as const));
      },
    });
    const world = await gateway({ port });
    const { topic } = await topicAndSubscription(world);
    expect((await publish(world, topic, twoMessages, 'key')).status).toBe(207);
    const other = await publish(world, topic, { messages: [{ value: 'b' }, { value: 'c' }] }, 'key');
    expect(problemOf(other)).toMatchObject({ status: 422, code: 'idempotency_key_reused' });
    // Nor does a try that fails altogether free it.
    isAway = true;
    expect((await publish(world, topic, twoMessages, 'key')).status).toBe(503);
    isAway = false;
    expect((await publish(world, topic, { messages: [{ value: 'd' }, { value: 'e' }] }, 'key')).status).toBe(422);
    refusesSecond = false;
    expect((await publish(world, topic, twoMessages, 'key')).status).toBe(200);
    expect((await publish(world, topic, twoMessages, 'key')).headers['idempotency-replayed']).toBe('true');
  });

  it('of which nothing was stored may come with another request: it was corrected', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const large = { messages: [{ value: 'x'.repeat(2 * 1024 * 1024) }] };
    expect((await publish(world, topic, large, 'key')).status).toBe(413);
    expect((await publish(world, topic, twoMessages, 'key')).status).toBe(200);
  });

  it('that is empty is refused: a client whose variable is empty is told that it has no protection', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    expect(problemOf(await publish(world, topic, twoMessages, '')).code).toBe('invalid_argument');
  });
});

it('the same key of two principals: each is stored, also by a backend that tells repetitions by ids', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-idempotency-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const port = await openPort({ backend: 'native', config: { dataDir } });
  onTestFinished(async () => await port.close());
  const [one, two] = [keyWith(['publish:*']), keyWith(['publish:*'])];
  const world = await guarded({ access: { keys: [one.entry, two.entry] } }, { port });
  await port.createTopic({ name: 'a' });
  const publishAs = async (key: string, value: string) =>
    await world.ask('POST', '/v1/topics/a/messages', {
      key,
      body: { messages: [{ value }] },
      headers: { 'idempotency-key': 'order-4711' },
    });
  expect((await publishAs(one.key, 'paid')).json.results[0].duplicate).toBeUndefined();
  expect((await publishAs(two.key, 'shipped')).json.results[0].duplicate).toBeUndefined();
  expect((await port.read('a', 0, 'earliest', 10)).messages.map(({ value }) => String(value))).toEqual([
    'paid',
    'shipped',
  ]);
});

it('a repetition through a gateway that knows nothing of the key is stored once by a backend that claims publish.dedup', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-idempotency-'));
  onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const port = await openPort({ backend: 'native', config: { dataDir } });
  onTestFinished(async () => await port.close());
  const [one, two] = [await gateway({ port }), await gateway({ port })];
  const { topic } = await topicAndSubscription(one);
  const first = await publish(one, topic, twoMessages, 'order-1');
  const again = await publish(two, topic, twoMessages, 'order-1');
  expect(again.headers['idempotency-replayed']).toBeUndefined();
  expect(again.json.results).toEqual(
    first.json.results.map((result: object) => ({ ...result, duplicate: true })) as object[],
  );
  expect(await storedIn(one, topic)).toHaveLength(2);
});

describe('what is remembered', () => {
  const stored = async (): Promise<readonly PublishOutcome[]> => [
    { kind: 'stored', id: 'a', partition: 0, offset: 0, durability: { persistence: 'os', copies: 1 } },
  ];

  it('is forgotten after its time', async () => {
    let nowMs = 0;
    const keys = new IdempotencyKeys(() => nowMs);
    await keys.once('k', 'f', stored);
    nowMs = gatewayLimits.idempotencyMs - 1;
    expect((await keys.once('k', 'f', stored)).isRepeated).toBe(true);
    nowMs += 1;
    expect((await keys.once('k', 'f', stored)).isRepeated).toBe(false);
  });

  it('is bounded: beyond the bound the oldest are forgotten', async () => {
    const keys = new IdempotencyKeys();
    for (let key = 0; key <= gatewayLimits.idempotencyKeysMax; key += 1) await keys.once(String(key), 'f', stored);
    expect((await keys.once(String(gatewayLimits.idempotencyKeysMax), 'f', stored)).isRepeated).toBe(true);
    expect((await keys.once('1', 'f', stored)).isRepeated).toBe(true);
    expect((await keys.once('0', 'f', stored)).isRepeated).toBe(false);
  });
});
