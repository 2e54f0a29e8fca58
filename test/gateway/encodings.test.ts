/** Whatever bytes go in come out, by publish and pull, in the form that the content type says. */

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { gateway, topicAndSubscription, type World } from './support.ts';

/** Property tests of one gateway each: long enough to find, short enough for every run. */
const RUNS = 150;

describe('round trip', () => {
  it('bytes, keys, headers, content type, id and timestamp come out as they went in', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    let number = 0;
    const bytes = fc.uint8Array({ maxLength: 300 }).map((array) => Buffer.from(array));
    const headerValue = fc.oneof(fc.string({ unit: 'grapheme' }), bytes);
    const message = fc.record({
      value: bytes,
      key: fc.option(bytes),
      headers: fc.dictionary(
        fc
          .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
          .filter((name) => name !== '__proto__' && name !== 'content-type' && !name.startsWith('sluice-')),
        fc.array(headerValue, { minLength: 1, maxLength: 3 }),
        { maxKeys: 4 },
      ),
      contentType: fc.option(
        fc.constantFrom(
          'application/json',
          'text/plain',
          'text/plain; charset=latin1',
          'image/png',
          'application/vnd.a+json',
          'x',
        ),
      ),
      id: fc.option(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })),
      timestamp: fc.option(fc.nat()),
    });
    await fc.assert(
      fc.asyncProperty(message, fc.constantFrom('auto', 'base64'), async (given, encoding) => {
        const { value, key, headers, contentType, timestamp } = given;
        // A backend may store a message with a known id only once.
        const id = given.id === null ? null : `${(number += 1)}${given.id}`;
        const asText = (item: string | Buffer) =>
          typeof item === 'string' ? item : { base64: item.toString('base64') };
        const published = await world.call('POST', `/v1/topics/${topic}/messages`, {
          messages: [
            {
              valueBase64: value.toString('base64'),
              headers: Object.fromEntries(Object.entries(headers).map(([name, values]) => [name, values.map(asText)])),
              ...(key !== null && { keyBase64: key.toString('base64') }),
              ...(contentType !== null && { contentType }),
              ...(id !== null && { id }),
              ...(timestamp !== null && { timestamp }),
            },
          ],
        });
        expect(published.status, published.text).toBe(200);
        const message = await pullOne(world, subscription, encoding);
        if (message.valueBase64 === undefined && message.contentType.includes('json')) {
          expect(message.value).toEqual(JSON.parse(value.toString()));
        } else expect(bytesOf(message.value, message.valueBase64)).toEqual(value);
        if (encoding === 'base64') expect(message.valueBase64).toBe(value.toString('base64'));
        expect(bytesOf(message.key, message.keyBase64)).toEqual(key);
        expect(message.contentType).toBe(contentType ?? 'application/octet-stream');
        expect(message.id).toBe(id ?? published.json.results[0].id);
        if (timestamp !== null) expect(message.timestamp).toBe(timestamp);
        expect(headerBytes(message.headers)).toEqual(
          new Map(
            Object.entries(headers).map(([name, values]) => [
              name,
              values.map((item) => Buffer.from(item).toString('hex')),
            ]),
          ),
        );
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });

  it('a JSON value comes out as the JSON that went in', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    const value = fc
      .jsonValue({ noUnicodeString: false })
      .filter((candidate) => !JSON.stringify(candidate).includes('__proto__'));
    await fc.assert(
      fc.asyncProperty(value, async (given) => {
        const sent: unknown = JSON.parse(JSON.stringify(given)); // -0 and the like are not JSON
        const published = await world.call('POST', `/v1/topics/${topic}/messages`, { messages: [{ value: sent }] });
        // Numbers and texts that JSON cannot carry exactly are refused, which bad-input.test.ts covers.
        fc.pre(published.status === 200);
        const message = await pullOne(world, subscription, 'auto');
        expect(message.value).toEqual(sent);
        const type = typeof sent === 'string' ? 'text/plain; charset=utf-8' : sent === null ? null : 'application/json';
        expect(message.contentType).toBe(type);
      }),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});

describe('the form of a delivered value', () => {
  const b64 = (text: string): string => Buffer.from(text).toString('base64');
  it.each([
    ['text', { value: 'héllo' }, { value: 'héllo' }],
    ['no bytes at all', { value: '' }, { value: '' }],
    ['a tombstone', { value: null }, { value: null }],
    ['bytes', { valueBase64: b64('abc') }, { valueBase64: b64('abc') }],
    ['bytes that say they are text', { valueBase64: b64('abc'), contentType: 'text/csv' }, { value: 'abc' }],
    ['text that is not UTF-8', { valueBase64: '/w==', contentType: 'text/plain' }, { valueBase64: '/w==' }],
    [
      'text in another charset',
      { valueBase64: b64('abc'), contentType: 'text/plain; charset=latin1' },
      { valueBase64: b64('abc') },
    ],
    ['JSON bytes', { valueBase64: b64('{"a":1}'), contentType: 'application/json' }, { value: { a: 1 } }],
    ['a +json type', { valueBase64: b64('[1]'), contentType: 'application/vnd.x+json' }, { value: [1] }],
    [
      'JSON that does not parse',
      { valueBase64: b64('{a'), contentType: 'application/json' },
      { valueBase64: b64('{a') },
    ],
    ['JSON that is text', { value: '"quoted"', contentType: 'application/json' }, { value: 'quoted' }],
  ])('%s', async (_, published, delivered) => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    expect((await world.call('POST', `/v1/topics/${topic}/messages`, { messages: [published] })).status).toBe(200);
    const { value, valueBase64 } = await pullOne(world, subscription, 'auto');
    expect({ ...(value !== undefined && { value }), ...(valueBase64 !== undefined && { valueBase64 }) }).toEqual(
      delivered,
    );
  });

  it('a stored JSON number beyond 2^53 goes out with every digit', async () => {
    const world = await gateway();
    const { topic, subscription } = await topicAndSubscription(world);
    const text = '{"id":12345678901234567890,"b":1,"a":2}';
    await world.call('POST', `/v1/topics/${topic}/messages`, {
      messages: [{ valueBase64: b64(text), contentType: 'application/json' }],
    });
    const answer = await world.call('POST', `/v1/subscriptions/${subscription}/pull`, {});
    expect(answer.text).toContain(`"value":${text}`);
  });

  it('messages of other clients, without id and content type, are delivered as they are', async () => {
    const { messageJson } = await import('../../src/gateway/message-codec.ts');
    const foreign = {
      topic: 't',
      partition: 0,
      offset: null,
      key: null,
      headers: [],
      contentType: null,
      id: null,
      timestampMs: 5,
    };
    expect(JSON.parse(messageJson({ ...foreign, value: Buffer.from('text') }, 'auto'))).toEqual({
      topic: 't',
      partition: 0,
      value: 'text',
      headers: {},
      contentType: null,
      id: null,
      timestamp: 5,
    });
    expect(JSON.parse(messageJson({ ...foreign, value: Buffer.from([0xff]) }, 'auto')).valueBase64).toBe('/w==');
    const header = { name: '__proto__', value: Buffer.from('x') };
    expect(messageJson({ ...foreign, value: null, headers: [header] }, 'auto')).toContain(
      '"headers":{"__proto__":"x"}',
    );
  });
});

async function pullOne(world: World, subscription: string, encoding: string) {
  const answer = await world.call('POST', `/v1/subscriptions/${subscription}/pull?encoding=${encoding}`, {
    maxMessages: 1,
    waitMs: 5_000,
  });
  const [delivery] = answer.json.deliveries;
  await world.call('POST', `/v1/subscriptions/${subscription}/ack`, { tokens: [delivery.ackToken] });
  return delivery.message;
}

/** The bytes behind what was delivered as text or base64. */
function bytesOf(text: string | undefined, base64: string | undefined): Buffer | null {
  if (base64 !== undefined) return Buffer.from(base64, 'base64');
  return text === undefined ? null : Buffer.from(text);
}

function headerBytes(headers: Record<string, unknown>): Map<string, string[]> {
  const hex = (item: unknown): string =>
    (typeof item === 'string'
      ? Buffer.from(item)
      : Buffer.from((item as { base64: string }).base64, 'base64')
    ).toString('hex');
  return new Map(Object.entries(headers).map(([name, values]) => [name, [values].flat().map(hex)]));
}
