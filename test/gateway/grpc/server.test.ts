/** The door of gRPC: health, reflection, the shutdown, the port, and what a start costs. */

import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { protoPath as healthProto } from 'grpc-health-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { PortError } from '../../../src/adapters/index.ts';
import { startGateway } from '../../../src/gateway/index.ts';
import { openModel } from '../../support/model-driver.ts';
import { asking, connect, grpcGateway, type GrpcWorld, refusal, refusalOf, topicAndSubscription } from './support.ts';

describe('health', () => {
  it('serves, for the server and for each service, and says so when the backend is away', async () => {
    let isWell = true;
    const model = await openModel();
    const port = new Proxy(model, {
      get: (target, name) => {
        if (name === 'health') return async () => ({ ok: isWell, detail: isWell ? '' : 'away' });
        const value = Reflect.get(target, name) as unknown;
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
    const world = await grpcGateway({ port });
    const health = healthClient(world);
    const check = async (service: string): Promise<string> =>
      await new Promise((resolve, reject) => {
        health.check({ service }, (error: ServiceError | null, answer: { status: string }) =>
          error === null ? resolve(answer.status) : reject(error),
        );
      });
    for (const service of ['', 'sluice.v1.Publisher', 'sluice.v1.Subscriber', 'sluice.v1.Admin'])
      expect(await check(service)).toBe('SERVING');
    await expect(check('sluice.v1.Nothing')).rejects.toMatchObject({ code: 5 });
    isWell = false;
    await expect.poll(async () => await check(''), { timeout: 10_000 }).toBe('NOT_SERVING');
  });
});

describe('reflection', () => {
  it('lists the services and gives the file with the names that the file has', async () => {
    const world = await grpcGateway();
    await world.ask.listTopics({});
    const stream = reflectionClient(world).serverReflectionInfo();
    const answers: ReturnType<typeof JSON.parse>[] = [];
    stream.on('data', (answer: unknown) => answers.push(answer));
    stream.write({ listServices: '' });
    stream.write({ fileContainingSymbol: 'sluice.v1.Publisher' });
    await expect.poll(() => answers.length).toBe(2);
    stream.end();
    const services = answers[0].listServicesResponse.service.map(({ name }: { name: string }) => name);
    expect(services.toSorted()).toEqual(['sluice.v1.Admin', 'sluice.v1.Publisher', 'sluice.v1.Subscriber']);
    const file = Buffer.concat(answers[1].fileDescriptorResponse.fileDescriptorProto).toString('latin1');
    expect(file).toContain('PublishStreamRequest');
    expect(file).toContain('correlation_id');
  });
});

describe('shutdown', () => {
  it('answers what is under way, gives back what is held, and tells every stream that it drains', async () => {
    const port = await openModel();
    const world = await grpcGateway({ port });
    const { topic, subscription } = await topicAndSubscription(world);
    const messages = Array.from({ length: 5 }, () => ({ text: 'x' }));
    await world.ask.publish({ topic, messages });
    const pulling = world.subscriber.streamingPull();
    const publishing = world.publisher.publishStream();
    const watching = healthClient(world).watch({ service: '' });
    let delivered = 0;
    pulling.on('data', ({ deliveries }: { deliveries?: unknown[] }) => (delivered += deliveries?.length ?? 0));
    publishing.on('data', () => undefined);
    watching.on('data', () => undefined);
    pulling.write({ start: { subscription, credit: { messages: 10 } } });
    publishing.write({ correlationId: 1, topic, messages: [{ text: 'one more' }] });
    await expect.poll(() => delivered).toBe(6);
    const { subscription: idle } = await topicAndSubscription(world);
    const waiting = world.ask.pull({ subscription: idle, waitMs: 30_000 });
    await expect
      .poll(async () => await (await fetch(`${world.gateway.url}/metrics`)).text())
      .toMatch(/^sluice_pulls_waiting\{[^}]*\} 1$/m);

    const ends = [pulling, publishing, watching].map(async (stream) => (await once(stream, 'error')) as [ServiceError]);
    const startedAt = performance.now();
    const closing = world.gateway.close();
    for (const [error] of await Promise.all(ends)) {
      expect(refusalOf(error)).toMatchObject({ status: 'UNAVAILABLE', reason: 'draining' });
    }
    expect((await waiting).deliveries ?? []).toEqual([]);
    await closing;
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    const consumer = await port.subscribe(subscription, { credit: { messages: 10 } });
    const again = await consumer.pull({ maxMessages: 10, waitMs: 5_000 });
    expect(again.map(({ attempt }) => attempt)).toEqual([1, 1, 1, 1, 1, 1]);
    await expect(world.ask.listTopics({})).rejects.toMatchObject({ code: 14 });
    await port.close();
  });
});

describe('the port', () => {
  it('that is taken is refused with what to do; REST does not stay open', async () => {
    const taken = createServer().listen(0, '127.0.0.1');
    await once(taken, 'listening');
    onTestFinished(() => void taken.close());
    const { port: number } = taken.address() as AddressInfo;
    const port = await openModel();
    onTestFinished(async () => await port.close());
    await expect(startGateway({ port: 0, grpcPort: number }, { port })).rejects.toMatchObject({
      code: 'invalid_argument',
      message: `port ${number} on 127.0.0.1 is taken by another process: end it, or choose another with --grpc-port, or do without gRPC with --grpc-port off`,
    });
  });

  it('can be turned off', async () => {
    const port = await openModel();
    const gateway = await startGateway({ port: 0, grpcPort: 'off' }, { port });
    expect(gateway.grpcAddress).toBeNull();
    await gateway.close();
    await port.close();
  });

  it('is on the host of REST and under its rule', async () => {
    await expect(startGateway({ host: '0.0.0.0', port: 0 })).rejects.toBeInstanceOf(PortError);
    const world = await grpcGateway();
    expect(world.gateway.grpcAddress).toMatch(/^127\.0\.0\.1:\d+$/);
  });

  it('survives what is not HTTP/2, and many that connect at once before the library is there', async () => {
    const world = await grpcGateway();
    const address = world.gateway.grpcAddress ?? '';
    await expect(fetch(`http://${address}/`)).rejects.toThrow();
    const fresh = await grpcGateway();
    const clients = Array.from({ length: 8 }, () => connect(fresh.gateway.grpcAddress ?? ''));
    onTestFinished(() => {
      for (const { publisher, subscriber, admin } of clients) for (const c of [publisher, subscriber, admin]) c.close();
    });
    await Promise.all(clients.map(async (client) => await asking(client).listTopics({})));
    await world.ask.listTopics({});
  });

  it('a message above the limit is refused, and the connection goes on', async () => {
    const world = await grpcGateway();
    const { topic } = await topicAndSubscription(world);
    const messages = Array.from({ length: 9 }, () => ({ value: Buffer.alloc(1024 * 1024) }));
    await expect(world.ask.publish({ topic, messages })).rejects.toMatchObject({ code: 8 });
    const refused = await refusal(world.ask.getTopic({ topic: 'nothing' }));
    expect(refused.reason).toBe('topic_not_found');
  });
});

interface Untyped {
  check(request: object, callback: (error: ServiceError | null, answer: { status: string }) => void): void;
  watch(request: object): NodeJS.ReadableStream;
  serverReflectionInfo(): NodeJS.ReadWriteStream & { write(request: object): boolean };
  close(): void;
}

function healthClient(world: GrpcWorld): Untyped {
  return untypedClient(world, healthProto, 'Health', 'health');
}

function reflectionClient(world: GrpcWorld): Untyped {
  const proto = new URL(
    '../../../node_modules/@grpc/reflection/build/proto/grpc/reflection/v1/reflection.proto',
    import.meta.url,
  );
  return untypedClient(world, proto.pathname, 'ServerReflection', 'reflection');
}

function untypedClient(world: GrpcWorld, file: string, service: string, name: 'health' | 'reflection'): Untyped {
  const loaded = loadPackageDefinition(loadSync(file, { enums: String })) as unknown as {
    grpc: Record<string, { v1: Record<string, new (address: string, insecure: unknown) => Untyped> }>;
  };
  const Client = loaded.grpc[name]?.v1[service];
  if (Client === undefined) throw new Error(`no ${service}`);
  const client = new Client(world.gateway.grpcAddress ?? '', credentials.createInsecure());
  onTestFinished(() => client.close());
  return client;
}
