/** `sluice/client` against a real gateway: everything that a gateway has, and what becomes of a call when the network fails. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { PortError, type PublishOutcome as PortOutcome } from '../../src/adapters/index.ts';
import { connect, type PublishOutcome, SluiceError, valueBytes } from '../../src/client/index.ts';
import { clientTypesPath, printClientTypes } from '../../scripts/print-client-types.ts';
import { alter } from '../support/broken-ports.ts';
import { openModel } from '../support/model-driver.ts';
import { gatewayOver, proxyTo, world } from './support.ts';

const normal = (text: string): string => text.replaceAll(/['"]/g, '').replaceAll(/[\s|]+/g, '');

it('the types are printed from the schemas: npm run client-types', () => {
  expect(normal(readFileSync(clientTypesPath, 'utf8'))).toBe(normal(printClientTypes()));
});

describe('topics and subscriptions', () => {
  it('are created, described, listed, changed under their etag, moved, measured and deleted', async () => {
    const { sluice } = await world();
    const topic = await sluice.topics.create({ name: 'orders', partitions: 2 });
    expect(topic).toMatchObject({ name: 'orders', partitions: 2, etag: expect.stringMatching(/^".+"$/) });
    expect(await sluice.topics.create({ name: 'orders', partitions: 2 })).toEqual(topic);
    const billing = await sluice.subscriptions.create({ name: 'billing', topic: 'orders' });
    expect(await sluice.topics.describe('orders')).toEqual(topic);
    const grown = await sluice.topics.alter('orders', { partitions: 3 }, { ifMatch: topic.etag });
    expect(grown.partitions).toBe(3);
    await expect(sluice.topics.alter('orders', { partitions: 4 }, { ifMatch: topic.etag })).rejects.toMatchObject({
      name: 'SluiceError',
      code: 'precondition_failed',
      status: 412,
      retryable: false,
    });
    const patient = await sluice.subscriptions.alter('billing', { ackDeadlineMs: 60_000 }, { ifMatch: billing.etag });
    expect(await sluice.subscriptions.describe('billing')).toEqual(patient);
    await sluice.publishBatch('orders', [{ value: 'a' }, { value: 'b' }]);
    expect((await sluice.subscriptions.lag('billing')).total).toBe(2);
    await sluice.subscriptions.seek('billing', 'latest');
    expect((await sluice.subscriptions.lag('billing')).total).toBe(0);
    expect((await sluice.topics.list()).map(({ name }) => name)).toEqual(['billing.dead', 'orders']);
    expect((await sluice.subscriptions.list()).map(({ name }) => name)).toEqual(['billing']);
    await sluice.subscriptions.delete('billing');
    await sluice.topics.delete('orders');
    for (const call of [
      async () => await sluice.topics.describe('orders'),
      async () => await sluice.topics.delete('orders'),
      async () => await sluice.publish('orders', { value: 1 }),
    ])
      await expect(call()).rejects.toMatchObject({ code: 'topic_not_found', status: 404 });
    await expect(sluice.subscriptions.lag('billing')).rejects.toMatchObject({ code: 'subscription_not_found' });
    expect(await sluice.capabilities()).toMatchObject({
      backend: 'native',
      capabilities: { delay: { level: 'unsupported' } },
    });
    expect((await sluice.backend()).health.ok).toBe(true);
  });

  it('a wrong field is told with its place, as the gateway says it', async () => {
    const { sluice } = await world();
    const wrong = { name: 'orders', partitons: 2 } as unknown as { name: string };
    const error = await sluice.topics.create(wrong).catch((reason: unknown) => reason as SluiceError);
    expect(error).toBeInstanceOf(SluiceError);
    expect(error).toMatchObject({
      code: 'unknown_field',
      errors: [{ path: 'partitons' }],
      requestId: expect.any(String),
    });
  });
});

describe('messages', () => {
  it('keep key, value, headers and content type, as text, JSON and bytes', async () => {
    const { sluice } = await world();
    await sluice.topics.create({ name: 't' });
    const bytes = Buffer.from([0, 255, 254]);
    const stored = await sluice.publish('t', {
      key: 'k',
      value: { a: [1, 'ü'] },
      headers: { one: 'x', more: ['1', bytes] },
    });
    expect(stored).toMatchObject({ partition: 0, offset: 0, durability: { persistence: 'os', copies: 1 } });
    await sluice.publishBatch('t', [{ key: bytes, value: bytes }, { value: 'text' }, { key: 'gone', value: null }]);
    const { messages, next } = await sluice.browse('t', 0);
    expect(next).toBe(4);
    expect(messages.map(({ key, value }) => [key, value])).toEqual([
      ['k', { a: [1, 'ü'] }],
      [bytes, bytes],
      [null, 'text'],
      ['gone', null],
    ]);
    expect(messages[0]?.headers).toEqual({ one: 'x', more: ['1', bytes] });
    expect(messages.map((message) => valueBytes(message)?.toString('hex'))).toEqual([
      Buffer.from('{"a":[1,"ü"]}').toString('hex'),
      '00fffe',
      Buffer.from('text').toString('hex'),
      undefined,
    ]);
    expect((await sluice.browse('t', 0, { from: 2, limit: 1, encoding: 'base64' })).messages[0]?.value).toEqual(
      Buffer.from('text'),
    );
  });

  it('a batch above the size of a request goes in several, and each message has its own outcome', async () => {
    const { sluice } = await world();
    await sluice.topics.create({ name: 't' });
    const many = Array.from({ length: 2_500 }, (_, index) => ({
      value: index,
      ...(index % 1_000 === 7 && { partition: 9 }),
    }));
    const outcomes = await sluice.publishBatch('t', many);
    const refused = outcomes.flatMap((outcome, index) => (outcome.kind === 'refused' ? [index] : []));
    expect([outcomes.length, refused]).toEqual([2_500, [7, 1_007, 2_007]]);
    const large = Array.from({ length: 12 }, () => ({ value: 'x'.repeat(900_000) }));
    expect((await sluice.publishBatch('t', large)).map(({ kind }) => kind)).toEqual(Array(12).fill('stored'));
    // Three bytes a character, and keys: what counts is what is sent.
    const wide = Array.from({ length: 40 }, (_, at) => ({ key: `k${at}`, value: '語'.repeat(100_000) }));
    expect((await sluice.publishBatch('t', wide)).map(({ kind }) => kind)).toEqual(Array(40).fill('stored'));
    const first = refused[0] ?? 0;
    expect(outcomes[first]).toMatchObject({ kind: 'refused', error: { code: 'invalid_argument', retryable: false } });
  });
});

it('a message without a value is refused before it is sent: a forgotten value must not delete', async () => {
  const { sluice } = await world();
  await sluice.topics.create({ name: 't' });
  await expect(sluice.publish('t', { key: 'a', value: undefined })).rejects.toThrow(/null is a tombstone/);
  expect((await sluice.browse('t', 0)).messages).toEqual([]);
});

describe('a publish whose answer is lost', () => {
  it('is tried again with the same id where the backend stores that once', async () => {
    const { gateway, sluice: direct } = await world();
    await direct.topics.create({ name: 't' });
    const proxy = await proxyTo(gateway.url);
    const sluice = connect(proxy.url);
    await sluice.capabilities();
    proxy.cutAnswers(1);
    expect(await sluice.publish('t', { value: 'once', id: 'mine' })).toMatchObject({ id: 'mine', duplicate: true });
    expect((await direct.browse('t', 0)).messages).toHaveLength(1);
  });

  it('is unknown where it would be stored twice, and says so', async () => {
    const model = await openModel(['publish.dedup']);
    const gateway = await gatewayOver(model);
    const direct = connect(gateway.url);
    await direct.topics.create({ name: 't' });
    const proxy = await proxyTo(gateway.url);
    const sluice = connect(proxy.url);
    await sluice.capabilities();
    proxy.cutAnswers(1);
    const [outcome] = await sluice.publishBatch('t', [{ value: 'once' }]);
    expect(outcome).toMatchObject({ kind: 'unknown', error: { code: 'connection_lost', retryable: true } });
    proxy.cutAnswers(1);
    await expect(sluice.publish('t', { value: 'again' })).rejects.toMatchObject({ code: 'connection_lost' });
    expect((await direct.browse('t', 0)).messages).toHaveLength(2);
  });

  it('of what was refused and may be tried again only that is tried again', async () => {
    const model = await openModel(['publish.dedup']);
    const sent: string[][] = [];
    let refusals = 2;
    const port = alter(model, {
      publish: async (topic, messages, options): Promise<readonly PortOutcome[]> => {
        sent.push(messages.map(({ id = '' }) => id));
        const outcomes = await model.publish(
          topic,
          messages.filter(({ id }) => id !== 'b' || refusals === 0),
          options,
        );
        if (refusals === 0) return outcomes;
        refusals -= 1;
        const error = new PortError('backend_unavailable', 'not now', { retryAfterMs: 5 });
        const left = outcomes.values();
        return messages.map(({ id = '' }) =>
          id === 'b' ? { kind: 'refused', id, error } : (left.next().value as PortOutcome),
        );
      },
    });
    const sluice = connect((await gatewayOver(port)).url);
    await sluice.topics.create({ name: 't' });
    const outcomes = await sluice.publishBatch(
      't',
      ['a', 'b', 'c'].map((id) => ({ id, value: id })),
    );
    expect(outcomes.map(({ kind }) => kind)).toEqual(['stored', 'stored', 'stored']);
    expect(sent).toEqual([['a', 'b', 'c'], ['b'], ['b']]);
  });
});

describe('a gateway that is not there', () => {
  it('is gateway_unreachable after bounded tries; an abort ends the call with its reason; so does the deadline', async () => {
    const { gateway, sluice: gone } = await world({ attempts: 2 });
    await gateway.close();
    await expect(gone.topics.list()).rejects.toMatchObject({ code: 'gateway_unreachable', retryable: true });
    await expect(gone.publish('t', { value: 1 })).rejects.toMatchObject({ code: 'gateway_unreachable' });
    const patient = connect(gateway.url, { attempts: 1_000 });
    const reason = new Error('enough');
    const controller = new AbortController();
    const listing = patient.topics.list({ signal: controller.signal });
    controller.abort(reason);
    await expect(listing).rejects.toBe(reason);
    const startedAt = performance.now();
    await expect(patient.topics.list({ timeoutMs: 300 })).rejects.toMatchObject({ code: 'gateway_unreachable' });
    // What was said for the connection holds for its publishes, too.
    const hasty = connect(gateway.url, { attempts: 1_000, timeoutMs: 300 });
    await expect(hasty.publish('t', { value: 1 })).rejects.toMatchObject({ code: 'gateway_unreachable' });
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it('what answers there and is none is invalid_answer, and what is no address is refused', async () => {
    const { sluice } = await world();
    const other = connect(`${sluice.url}/docs`);
    await expect(other.topics.list()).rejects.toMatchObject({ name: 'SluiceError' });
    for (const url of ['nonsense', 'ftp://127.0.0.1', 'http://user:secret@127.0.0.1'])
      expect(() => connect(url), url).toThrow(SluiceError);
  });
});

describe('publishStream', () => {
  it('has an outcome for each message, in order, also for those that are refused, and reads the source as outcomes come', async () => {
    const { sluice } = await world();
    await sluice.topics.create({ name: 't' });
    const total = 20_000;
    let read = 0;
    let outMax = 0;
    let done = 0;
    async function* source() {
      for (let index = 0; index < total; index += 1) {
        read += 1;
        outMax = Math.max(outMax, read - done);
        yield { value: index, ...(index === 5_000 && { partition: 7 }) };
      }
    }
    const kinds: PublishOutcome['kind'][] = [];
    for await (const outcome of sluice.publishStream('t', source())) {
      done += 1;
      kinds.push(outcome.kind);
    }
    expect([kinds.length, kinds.indexOf('refused'), kinds.lastIndexOf('refused')]).toEqual([total, 5_000, 5_000]);
    expect(outMax).toBeLessThanOrEqual(2_001);
    const { messages } = await sluice.browse('t', 0, { from: 5_000, limit: 1 });
    expect(messages[0]?.value).toBe(5_001);
  });

  it('gives up what is out as unknown when the connection is cut, and then throws', async () => {
    const { gateway, sluice: direct } = await world();
    await direct.topics.create({ name: 't' });
    const proxy = await proxyTo(gateway.url);
    const outcomes: PublishOutcome[] = [];
    let isClosed = false;
    async function* endless() {
      try {
        for (let index = 0; ; index += 1) yield { value: index };
      } finally {
        isClosed = true;
      }
    }
    const publishing = (async () => {
      for await (const outcome of connect(proxy.url).publishStream('t', endless())) {
        outcomes.push(outcome);
        if (outcomes.length === 3_000) proxy.cutAll();
      }
    })();
    await expect(publishing).rejects.toMatchObject({ code: 'connection_lost' });
    const stored = outcomes.filter(({ kind }) => kind === 'stored').length;
    expect(outcomes.slice(stored).every(({ kind }) => kind === 'unknown')).toBe(true);
    expect([outcomes.length > stored, isClosed]).toEqual([true, true]);
  });

  it('on an unknown topic, from a source that throws, and left early: each ends it', async () => {
    const { sluice } = await world();
    await sluice.topics.create({ name: 't' });
    const nowhere = sluice.publishStream('nowhere', [{ value: 1 }]);
    // Nothing was read by the gateway, and the message says so before the error does.
    await expect(collect(nowhere)).rejects.toMatchObject({ code: 'topic_not_found' });
    async function* broken() {
      yield { value: 1 };
      throw new Error('the file is gone');
    }
    await expect(collect(sluice.publishStream('t', broken()))).rejects.toThrow('the file is gone');
    async function* endless() {
      for (let index = 0; ; index += 1) yield { value: index };
    }
    for await (const outcome of sluice.publishStream('t', endless())) {
      expect(outcome.kind).toBe('stored');
      break;
    }
  });
});

async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const collected: T[] = [];
  for await (const item of items) collected.push(item);
  return collected;
}
