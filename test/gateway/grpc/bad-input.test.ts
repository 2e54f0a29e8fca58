/** Bytes that no generated client sends: unknown fields, broken messages, text that is not UTF-8. Nothing is ignored. */

import { Client, credentials, Metadata, type ServiceError } from '@grpc/grpc-js';
import { describe, expect, it, onTestFinished } from 'vitest';
import { grpcGateway, type GrpcWorld, refusal } from './support.ts';

const text = (number: number, value: string | Buffer): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2, Buffer.byteLength(value)]), Buffer.from(value)]);
const int = (number: number, value: number): Buffer => Buffer.from([number << 3, value]);
const message = (...fields: Buffer[]): Buffer => Buffer.concat(fields);

const topic = text(1, 'orders');
const good = text(2, text(3, 'good'));

describe('a request', () => {
  it.each([
    ['an unknown number at the top', message(topic, good, int(9, 1)), 'unknown_field', ['9']],
    [
      'unknown fields in two messages',
      message(topic, good, text(2, message(text(3, 'x'), int(13, 1))), text(2, message(text(3, 'x'), text(15, 'y')))),
      'unknown_field',
      ['messages[1].13', 'messages[2].15'],
    ],
    [
      'an unknown field of a header',
      message(topic, text(2, message(text(3, 'x'), text(5, text(1, 'a')), text(5, int(3, 1))))),
      'unknown_field',
      ['messages[0].headers[1].3'],
    ],
    [
      'text that is not UTF-8',
      message(topic, text(2, text(3, Buffer.from([0xff, 0xfe])))),
      'invalid_argument',
      ['messages[0].text'],
    ],
    ['an enum value that is none', message(topic, good, int(3, 77)), 'invalid_argument', ['durability']],
  ])('with %s is refused with its place', async (_, bytes, code, paths) => {
    const world = await worldWithTopic();
    const refused = await refusal(send(world, bytes));
    expect([refused.status, refused.reason]).toEqual(['INVALID_ARGUMENT', code]);
    expect(refused.fields.map(({ path }) => path)).toEqual(paths);
  });

  it.each([
    ['cut off in a length', Buffer.from([0x0a, 0x80])],
    ['cut off in a field', Buffer.from([0x0a, 0x05, 0x61])],
    ['of noise', Buffer.from('this is not a message at all')],
  ])('%s is refused as invalid, not as a fault of ours', async (_, bytes) => {
    const world = await worldWithTopic();
    const refused = await refusal(send(world, bytes));
    expect(refused.status).toBe('INVALID_ARGUMENT');
  });

  it('of random bytes never is a fault of ours', async () => {
    const world = await worldWithTopic();
    const seed = Math.floor(Math.random() * 2 ** 31);
    let state = seed;
    const next = (bound: number): number => {
      state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff;
      return (state >>> 8) % bound;
    };
    const whole = message(topic, good, text(2, message(text(3, 'x'), text(5, message(text(1, 'h'), text(2, 'v'))))));
    for (let round = 0; round < 300; round += 1) {
      const bytes = Buffer.from(whole);
      for (let change = next(4); change >= 0; change -= 1) bytes[next(bytes.length)] = next(256);
      try {
        await send(world, bytes);
      } catch (reason) {
        const { code } = reason as ServiceError;
        expect([3, 5, 9], `seed ${seed}, bytes ${bytes.toString('hex')}`).toContain(code);
      }
    }
  });
});

async function worldWithTopic(): Promise<GrpcWorld> {
  const world = await grpcGateway();
  await world.ask.createTopic({ name: 'orders' });
  return world;
}

async function send(world: GrpcWorld, bytes: Buffer): Promise<unknown> {
  const client = new Client(world.gateway.grpcAddress ?? '', credentials.createInsecure());
  onTestFinished(() => client.close());
  return await new Promise((resolve, reject) => {
    client.makeUnaryRequest(
      '/sluice.v1.Publisher/Publish',
      (request: Buffer) => request,
      (answer) => answer,
      bytes,
      new Metadata(),
      (error, answer) => (error === null ? resolve(answer) : reject(error)),
    );
  });
}
