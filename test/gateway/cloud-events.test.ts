/** CloudEvents 1.0, in and out, in the three modes; attributes are kept. */

import { describe, expect, it } from 'vitest';
import { gateway, problemOf, topicAndSubscription, type World } from './support.ts';

const required = { specversion: '1.0', id: 'A-1', source: '/shop/42', type: 'shop.order.placed' };
const structured = { 'content-type': 'application/cloudevents+json; charset=utf-8' };
const batched = { 'content-type': 'application/cloudevents-batch+json' };

describe('structured mode', () => {
  it.each([
    ['JSON data', { data: { order: 1, note: 'grüezi' } }, '{"order":1,"note":"grüezi"}', 'application/json'],
    ['a text', { datacontenttype: 'text/plain', data: 'hello' }, 'hello', 'text/plain'],
    [
      'a JSON string',
      { datacontenttype: 'application/vnd.x+json', data: 'hello' },
      '"hello"',
      'application/vnd.x+json',
    ],
    ['bytes', { data_base64: 'AAH/' }, Buffer.from([0, 1, 255]), null],
    ['no data', {}, '', null],
  ])(
    '%s: the data is the value, the attributes are headers, and the event comes out as it went in',
    async (_, data, value, contentType) => {
      const world = await gateway();
      const { topic, subscription } = await topicAndSubscription(world);
      const event = {
        ...required,
        subject: 'o',
        time: '2026-01-02T03:04:05.6+02:00',
        comexample: 'x',
        partitionkey: 'k',
        ...data,
      };
      const answer = await send(world, topic, event, structured);
      expect(answer.status, answer.text).toBe(200);
      const [message] = (await world.port.read(topic, 0, 'earliest', 10)).messages;
      expect(message?.value).toEqual(Buffer.from(value));
      expect([message?.contentType, message?.key?.toString()]).toEqual([contentType, 'k']);
      expect(message?.headers.map(({ name, value: of }) => [name, of.toString()])).toEqual([
        ['ce_specversion', '1.0'],
        ['ce_id', 'A-1'],
        ['ce_source', '/shop/42'],
        ['ce_type', 'shop.order.placed'],
        ['ce_subject', 'o'],
        ['ce_time', '2026-01-02T03:04:05.6+02:00'],
        ['ce_comexample', 'x'],
        ['ce_partitionkey', 'k'],
      ]);
      const pulled = await world.call('POST', `/v1/subscriptions/${subscription}/pull?encoding=cloudevents`, {});
      const [delivery] = pulled.json.deliveries;
      const { sluicepartition, sluiceoffset, ...same } = delivery.message;
      expect([sluicepartition, sluiceoffset]).toEqual([0, 0]);
      expect(same).toEqual(contentType === 'application/json' ? { ...event, datacontenttype: contentType } : event);
    },
  );

  it('the same event twice is the same message id, another source another', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const ids = await Promise.all(
      [required, required, { ...required, source: '/shop/43' }].map(
        async (event) => (await send(world, topic, event, structured)).json.results[0].id as string,
      ),
    );
    expect(ids[0]).toBe(ids[1]);
    expect(ids[0]).not.toBe(ids[2]);
  });

  it.each([
    ['no type', { type: undefined }, 'type'],
    ['another version', { specversion: '0.3' }, 'specversion'],
    ['an empty source', { source: '' }, 'source'],
    ['a time that is none', { time: 'yesterday' }, 'time'],
    ['a name with a capital', { comExample: 'x' }, 'comExample'],
    ['an attribute that is a list', { comexample: [1] }, 'comexample'],
    ['two kinds of data', { data: 1, data_base64: 'AAAA' }, 'data'],
    ['base64 that is none', { data_base64: 'AAA' }, 'data_base64'],
  ])('%s is refused with its place', async (_, change, path) => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const problem = problemOf(await send(world, topic, { ...required, ...change }, structured));
    expect([problem.code, problem.errors?.map((error) => error.path)]).toEqual(['invalid_argument', [path]]);
  });

  it('an attribute that is null is one that is not there', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    expect((await send(world, topic, { ...required, subject: null, comexample: null }, structured)).status).toBe(200);
  });
});

describe('batched mode', () => {
  it('is a message an event, with a result for each', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const events = [required, { ...required, id: 'A-2', data: 2 }];
    const answer = await send(world, topic, events, batched);
    expect([answer.status, answer.json.results.length]).toEqual([200, 2]);
    const wrong = problemOf(await send(world, topic, [required, { ...required, id: 1 }], batched));
    expect(wrong.errors?.map(({ path }) => path)).toEqual(['[1].id']);
    expect(problemOf(await send(world, topic, [], batched)).code).toBe('invalid_argument');
  });
});

describe('binary mode', () => {
  it.each(['application/json', 'text/plain', 'application/octet-stream'])(
    'with %s: attributes are fields of the head, the body is the data',
    async (contentType) => {
      const world = await gateway();
      const { topic } = await topicAndSubscription(world);
      const body = Buffer.from('{"not": "read", "big": 12345678901234567890}');
      const answer = await world.raw('POST', `/v1/topics/${topic}/messages`, body, {
        'content-type': contentType,
        'ce-specversion': '1.0',
        'ce-id': 'A-1',
        'ce-source': '/shop',
        'ce-type': 't',
        'ce-subject': 'gr%C3%BCezi',
      });
      expect(answer.status, answer.text).toBe(200);
      const [message] = (await world.port.read(topic, 0, 'earliest', 10)).messages;
      expect([message?.value, message?.contentType]).toEqual([body, contentType]);
      const headers = new Map(message?.headers.map(({ name, value }) => [name, value.toString()]));
      expect(headers.get('ce_subject')).toBe('grüezi');
    },
  );

  it('without a body is an event of its attributes alone', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const fields = { 'ce-specversion': '1.0', 'ce-id': 'A-1', 'ce-source': '/shop', 'ce-type': 't' };
    const answer = await world.raw('POST', `/v1/topics/${topic}/messages`, '', fields);
    expect(answer.status, answer.text).toBe(200);
    const [message] = (await world.port.read(topic, 0, 'earliest', 10)).messages;
    expect([message?.value?.length, message?.contentType]).toEqual([0, null]);
  });

  it('whose data is lines of JSON is one event', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const answer = await world.raw('POST', `/v1/topics/${topic}/messages`, '{"value":1}\n{"value":2}\n', {
      'content-type': 'application/x-ndjson',
      'ce-specversion': '1.0',
      'ce-id': 'A-1',
      'ce-source': '/shop',
      'ce-type': 't',
    });
    expect(answer.status, answer.text).toBe(200);
    const { messages } = await world.port.read(topic, 0, 'earliest', 10);
    expect(messages.map(({ value, contentType }) => [String(value), contentType])).toEqual([
      ['{"value":1}\n{"value":2}\n', 'application/x-ndjson'],
    ]);
  });

  it('without an attribute that is required is refused', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    const answer = await world.raw('POST', `/v1/topics/${topic}/messages`, '1', {
      'content-type': 'application/json',
      'ce-specversion': '1.0',
    });
    expect(problemOf(answer).errors?.map(({ path }) => path)).toEqual(['id', 'source', 'type']);
  });
});

describe('out', () => {
  it('a message that was published as none is described as one', async () => {
    const world = await gateway();
    const { topic } = await topicAndSubscription(world);
    await world.call('POST', `/v1/topics/${topic}/messages`, {
      messages: [
        { key: 'k', value: { a: 1 }, id: 'mine', timestamp: 1_000 },
        { value: null, key: 'k' },
      ],
    });
    const browsed = await world.call('GET', `/v1/topics/${topic}/partitions/0/messages?encoding=cloudevents`);
    const [first, tombstone] = browsed.json.messages;
    expect(first).toEqual({
      specversion: '1.0',
      id: 'mine',
      source: `/v1/topics/${topic}`,
      type: 'sluice.message',
      time: '1970-01-01T00:00:01.000Z',
      partitionkey: 'k',
      sluicepartition: 0,
      sluiceoffset: 0,
      datacontenttype: 'application/json',
      data: { a: 1 },
    });
    expect(tombstone.data).toBeUndefined();
  });
});

async function send(world: World, topic: string, event: unknown, headers: Record<string, string>) {
  return await world.raw('POST', `/v1/topics/${topic}/messages`, JSON.stringify(event), headers);
}
