/** One table of codes, two doors: whatever the port says, REST and gRPC say it with the same code and the same particulars. */

import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { describe, expect, it } from 'vitest';
import { type ErrorCode, errorCodes, type MessagingPort, PortError } from '../../../src/adapters/index.ts';
import { openModel } from '../../support/model-driver.ts';
import { type GrpcWorld, grpcGateway, refusal } from './support.ts';

const codes = Object.keys(errorCodes) as ErrorCode[];

describe('every code of the table', () => {
  it('is the same over REST and over gRPC: code, text, retryable, capability, fields, and the two statuses of its row', async () => {
    const { port, failWith } = await failingPort();
    const world = await grpcGateway({ port });
    for (const code of codes) {
      failWith(
        new PortError(code, `what happened: ${code}`, {
          retryAfterMs: 1_250,
          capability: 'browse',
          errors: [{ path: 'messages[0].key', message: 'is wrong' }],
        }),
      );
      const problem = await restProblem(world);
      const refused = await refusal(world.ask.publish({ topic: 'orders', messages: [{ text: 'x' }] }));
      expect(refused.reason, code).toBe(code);
      expect(problem['code'], code).toBe(code);
      expect([problem['status'], refused.status], code).toEqual([
        errorCodes[code].httpStatus,
        errorCodes[code].grpcStatus,
      ]);
      expect(refused.code, code).toBe(status[refused.status as keyof typeof status]);
      expect(refused.text, code).toBe(problem['detail']);
      expect(refused.about, code).toEqual({
        retryable: String(problem['retryable']),
        retryAfterMs: '1250',
        capability: 'browse',
        instance: expect.stringMatching(/./),
      });
      expect(refused.retryDelayMs, code).toBe(1_250);
      expect(refused.fields, code).toEqual(problem['errors']);
    }
  });

  it('is the same for a message among others, and for a frame of PublishStream', async () => {
    const { port, failWith, refuseWith } = await failingPort();
    const world = await grpcGateway({ port });
    for (const code of codes) {
      const error = new PortError(code, `what happened: ${code}`, { capability: 'browse' });
      failWith(undefined);
      refuseWith(error);
      const { results } = await world.ask.publish({ topic: 'orders', messages: [{ text: 'a' }, { text: 'b' }] });
      const body = { messages: [{ value: 'a' }, { value: 'b' }] };
      const rest = (await (await post(world, body)).json()) as { results: { problem: Record<string, unknown> }[] };
      const { retryable, detail } = rest.results[0]?.problem ?? {};
      const problem = { code, detail, retryable, capability: 'browse' };
      expect(results?.[0]?.problem, code).toEqual({ ...problem, messageId: 'an-id' });

      failWith(error);
      const stream = world.publisher.publishStream();
      const answered = new Promise((resolve) => stream.once('data', resolve));
      stream.write({ correlationId: 7, topic: 'orders', messages: [{ text: 'a' }] });
      expect(await answered, code).toEqual({ correlationId: 7, problem });
      stream.end();
      await once(stream, 'end');
    }
  });

  it('a lone refused message is answered with its own code and id', async () => {
    const { port, refuseWith } = await failingPort();
    const world = await grpcGateway({ port });
    for (const code of codes) {
      refuseWith(new PortError(code, 'refused'));
      const refused = await refusal(world.ask.publish({ topic: 'orders', messages: [{ text: 'x' }] }));
      expect([refused.reason, refused.about['messageId']], code).toEqual([code, 'an-id']);
    }
  });
});

describe('what is refused before the port is asked', () => {
  it.each([
    ['no messages', { messages: [] }, { messages: [] }],
    ['two bad ids', { messages: [{ text: 'a', id: '' }] }, { messages: [{ value: 'a', id: '' }] }],
    [
      'a delay that is none and a priority above the limit',
      { messages: [{ text: 'a' }, { text: 'a', delayMs: -1, priority: 256 }] },
      { messages: [{ value: 'a' }, { value: 'a', delayMs: -1, priority: 256 }] },
    ],
    [
      'a content type with a line end',
      { messages: [{ text: 'a', contentType: 'a\nb' }] },
      { messages: [{ value: 'a', contentType: 'a\nb' }] },
    ],
    ['too many copies', { messages: [{ text: 'a' }], minCopies: 100 }, { messages: [{ value: 'a' }], minCopies: 100 }],
    [
      'a timestamp in microseconds',
      { messages: [{ text: 'a', timestamp: 1e15 }] },
      { messages: [{ value: 'a', timestamp: 1e15 }] },
    ],
  ])('publish, %s: the same code and the same fields', async (_, request, body) => {
    const world = await grpcGateway();
    await world.ask.createTopic({ name: 'orders' });
    const refused = await refusal(world.ask.publish({ topic: 'orders', ...request }));
    const problem = (await (await post(world, body)).json()) as Record<string, unknown>;
    expect([refused.reason, refused.fields]).toEqual([problem['code'], problem['errors']]);
  });

  it('a value and a text, or neither, are refused as two values are', async () => {
    const world = await grpcGateway();
    await world.ask.createTopic({ name: 'orders' });
    for (const message of [{}, { tombstone: false }]) {
      const refused = await refusal(world.ask.publish({ topic: 'orders', messages: [{ text: 'good' }, message] }));
      expect(refused.fields).toEqual([
        { path: 'messages[1].value', message: 'give exactly one of value, text and tombstone' },
      ]);
    }
  });
});

interface FailingPort {
  readonly port: MessagingPort;
  /** Every publish rejects with it. */
  failWith(error: PortError | undefined): void;
  /** Every message of a publish is refused with it. */
  refuseWith(error: PortError): void;
}

async function failingPort(): Promise<FailingPort> {
  const model = await openModel();
  let failure: PortError | undefined;
  let refusing: PortError | undefined;
  const publish: MessagingPort['publish'] = async (_, messages) => {
    if (failure !== undefined) throw failure;
    const error = refusing ?? new PortError('internal', 'nothing was set');
    return messages.map(() => ({ kind: 'refused', id: 'an-id', error }));
  };
  const port = new Proxy(model, {
    get: (target, name) => {
      if (name === 'publish') return publish;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
  return {
    port,
    failWith: (error) => (failure = error),
    refuseWith: (error) => (refusing = error),
  };
}

async function restProblem(world: GrpcWorld): Promise<Record<string, unknown>> {
  return (await (await post(world, { messages: [{ value: 'x' }] })).json()) as Record<string, unknown>;
}

async function post(world: GrpcWorld, body: unknown): Promise<Response> {
  return await fetch(`${world.gateway.url}/v1/topics/orders/messages`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
}
