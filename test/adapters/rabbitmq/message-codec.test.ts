import type { ConsumeMessage } from 'amqplib';
import fc from 'fast-check';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { OutgoingMessage } from '../../../src/adapters/driver.ts';
import { fromAmqp, packHeaders, toAmqp, unpackHeaders } from '../../../src/adapters/rabbitmq/message-codec.ts';

/** amqplib's own table codec, what a header really becomes on the wire; it is not among the package's exports. */
const require = createRequire(import.meta.url);
const wire = require(join(dirname(require.resolve('amqplib')), 'lib', 'codec.js')) as {
  encodeTable(buffer: Buffer, table: unknown, offset: number): number;
  decodeFields(slice: Buffer): Record<string, unknown>;
};

const where = { topic: 't', partition: 3 };

/** As the broker hands it out; `stream` as RabbitMQ 4.3 converts it there: binary becomes text, arrays are dropped. */
function overTheWire(message: OutgoingMessage): ConsumeMessage {
  const { content, options } = toAmqp(message, true);
  const buffer = Buffer.alloc(65_536);
  const size = wire.encodeTable(buffer, options.headers, 0);
  const headers = wire.decodeFields(buffer.subarray(4, size));
  for (const value of Object.values(headers)) expect(typeof value).toMatch(/^(string|number|boolean)$/); // what streams keep
  const properties = {
    contentType: options.contentType,
    messageId: options.messageId,
    timestamp: options.timestamp,
    headers,
  };
  return { content, properties, fields: {} } as unknown as ConsumeMessage;
}

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const text = fc.string({ unit: 'grapheme', maxLength: 20 }).map((string) => Buffer.from(string));
const headerName = fc.oneof(
  fc.constantFrom(
    'a',
    'b',
    'CC',
    'BCC',
    'x-death',
    'x-own',
    '1',
    '0',
    '__proto__',
    'sluice-key',
    'constructor',
    'hasOwnProperty',
  ),
  fc.string({ unit: 'grapheme', minLength: 1, maxLength: 80 }),
);
const message: fc.Arbitrary<OutgoingMessage> = fc.record({
  key: fc.oneof(fc.constant(null), bytes, text),
  value: fc.oneof(fc.constant(null), bytes, text),
  headers: fc.array(fc.record({ name: headerName, value: fc.oneof(bytes, text) }), { maxLength: 6 }),
  contentType: fc.oneof(fc.constant(null), fc.string({ unit: 'grapheme', maxLength: 200 })),
  id: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 200 }),
  timestampMs: fc.nat({ max: 4_000_000_000_000 }),
  partition: fc.constant(3),
});

describe('a message over AMQP', () => {
  it('comes back byte for byte: key, value, headers in order and repeated, type, id and time', () => {
    fc.assert(
      fc.property(message, (sent) => {
        const got = fromAmqp(overTheWire(sent), where);
        expect(got).toEqual({
          topic: 't',
          partition: 3,
          offset: null,
          key: sent.key,
          value: sent.value,
          headers: sent.headers,
          contentType: sent.contentType,
          id: sent.id,
          timestampMs: sent.timestampMs,
        });
      }),
      { numRuns: 1_000 },
    );
  });

  it('of another client is delivered as it is: types become text, arrays repeat, nothing of ours is made up', () => {
    const foreign = {
      content: Buffer.from('body'),
      fields: {},
      properties: {
        contentType: 'text/plain',
        messageId: undefined,
        timestamp: 1_700_000_000,
        headers: {
          n: 42,
          yes: true,
          none: null,
          raw: Buffer.from([255]),
          list: ['a', 1],
          at: { '!': 'timestamp', value: 5 },
          nested: { a: 1 },
          'x-delivery-count': 2,
          'x-stream-offset': 7,
        },
      },
    } as unknown as ConsumeMessage;
    const got = fromAmqp(foreign, where);
    expect(got).toMatchObject({
      key: null,
      id: null,
      offset: 7,
      contentType: 'text/plain',
      timestampMs: 1_700_000_000_000,
    });
    expect(got.headers.map(({ name, value }) => `${name}=${value.toString('latin1')}`)).toEqual([
      'n=42',
      'yes=true',
      'none=',
      'raw=\xff',
      'list=a',
      'list=1',
      'at=5',
      'nested={"a":1}',
    ]);
  });

  it('asks for a mandatory, persistent publish with its expiration and priority', () => {
    const sent = { key: null, value: null, headers: [], contentType: null, id: 'i', timestampMs: 1_999, partition: 0 };
    expect(toAmqp({ ...sent, ttlMs: 1_500, priority: 7 }, true).options).toMatchObject({
      mandatory: true,
      persistent: true,
      expiration: '1500',
      priority: 7,
      timestamp: 1,
    });
    expect(toAmqp(sent, false).options).toMatchObject({ persistent: false });
  });
});

describe('packed headers', () => {
  it('that are cut short are refused, not misread', () => {
    const packed = packHeaders([{ name: 'name', value: Buffer.from('value') }]);
    expect(unpackHeaders(packed)).toEqual([{ name: 'name', value: Buffer.from('value') }]);
    for (let length = 1; length < packed.length; length += 1) {
      expect(() => unpackHeaders(packed.subarray(0, length))).toThrow(RangeError);
    }
  });
});
