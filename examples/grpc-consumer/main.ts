/**
 * A consumer over gRPC, with @grpc/grpc-js and the definition that ships in the package: makes a topic and a subscription, publishes
 * by one stream, consumes by another with credit, acknowledges in the same stream, and asks for the lag. An error has its stable
 * code in a google.rpc.ErrorInfo: one is made on purpose at the end.
 */

import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { credentials, loadPackageDefinition, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { openGateway } from '../gateway.ts';

const messageCount = 500;
const framed = 50;
const credit = 100;

/** What is used of the definition; `proto-loader-gen-types` prints all of it. */
interface Delivery {
  readonly ackToken: string;
  readonly message: { readonly value?: Buffer };
}
/** Deliveries, or the results of what was settled. */
interface PullFrame {
  readonly deliveries: readonly Delivery[];
}
interface PublishedFrame {
  readonly results: readonly { readonly outcome: 'stored' | 'problem' }[];
  readonly problem?: { readonly code: string };
}
type Unary = (request: object, done: (error: ServiceError | null, answer: Record<string, unknown>) => void) => void;
type Duplex<A> = (options?: { readonly deadline: number }) => ClientDuplexStream<object, A>;
interface Services {
  readonly Admin: new (
    address: string,
    how: ReturnType<typeof credentials.createInsecure>,
  ) => {
    readonly createTopic: Unary;
    readonly createSubscription: Unary;
    readonly getLag: Unary;
    readonly close: () => void;
  };
  readonly Publisher: new (
    address: string,
    how: ReturnType<typeof credentials.createInsecure>,
  ) => {
    readonly publishStream: Duplex<PublishedFrame>;
    readonly close: () => void;
  };
  readonly Subscriber: new (
    address: string,
    how: ReturnType<typeof credentials.createInsecure>,
  ) => {
    readonly streamingPull: Duplex<PullFrame>;
    readonly close: () => void;
  };
}

await using gateway = await openGateway('grpc-consumer');
const address = gateway.grpcAddress === '' ? (process.env['SLUICE_GRPC'] ?? '127.0.0.1:9090') : gateway.grpcAddress;
const proto = join(dirname(fileURLToPath(import.meta.url)), '..', '..', 'proto', 'sluice', 'v1', 'sluice.proto');
const definition = loadSync(proto, { keepCase: false, longs: Number, enums: String, oneofs: true, arrays: true });
const { Admin, Publisher, Subscriber } = (loadPackageDefinition(definition) as unknown as { sluice: { v1: Services } })
  .sluice.v1;
const insecure = credentials.createInsecure();
const admin = new Admin(address, insecure);
const publisher = new Publisher(address, insecure);
const subscriber = new Subscriber(address, insecure);

const topic = gateway.named('events');
const subscription = gateway.named('reader');
// The name is a topic of this run's too, so that it is removed with the others.
await gateway.topic('events', { partitions: 2 });
await call(admin.createSubscription.bind(admin), { name: subscription, topic, ordering: 'ORDERING_KEY' });

// ------------------------------------------------------------------------------------------------ both streams

const received = new Map<string, number>();
/** A stream that stands still is an error, not a wait for ever. */
const deadlineMs = 60_000;
const pulling = subscriber.streamingPull({ deadline: Date.now() + deadlineMs });
const consumed = new Promise<void>((resolve, reject) => {
  pulling.on('error', reject);
  pulling.on('data', ({ deliveries }: PullFrame) => {
    if (deliveries.length === 0) return;
    for (const { message } of deliveries) {
      const text = message.value?.toString() ?? '';
      received.set(text, (received.get(text) ?? 0) + 1);
    }
    pulling.write({ ack: { tokens: deliveries.map(({ ackToken }) => ackToken) } });
    pulling.write({ credit: { messages: deliveries.length } });
    if (received.size === messageCount) resolve();
  });
});
pulling.write({ start: { subscription, credit: { messages: credit } } });

const publishing = publisher.publishStream();
let stored = 0;
const published = new Promise<void>((resolve, reject) => {
  publishing.on('error', reject);
  publishing.on('end', resolve);
  publishing.on('data', ({ results, problem }: PublishedFrame) => {
    if (problem) reject(new Error(`a frame was refused: ${problem.code}`));
    stored += results.filter(({ outcome }) => outcome === 'stored').length;
  });
});
for (let from = 0; from < messageCount; from += framed)
  publishing.write({
    correlationId: from,
    topic,
    messages: Array.from({ length: framed }, (_, index) => ({
      key: Buffer.from(`key-${index % 10}`),
      text: `event ${from + index}`,
    })),
  });
publishing.end();

await published;
console.log(`published ${stored} of ${messageCount} messages in ${messageCount / framed} frames of one stream`);
await consumed;
pulling.end();
await new Promise((resolve) => pulling.once('end', resolve));
const repeated = [...received.values()].filter((times) => times > 1).length;
const { total } = await call(admin.getLag.bind(admin), { subscription });
console.log(`received ${received.size} with a credit of ${credit}, ${repeated} more than once; lag ${String(total)}`);

// ------------------------------------------------------------------------------------------------ an error

const refusal = await call(admin.getLag.bind(admin), { subscription: 'nobody' }).then(
  () => 'nothing was refused',
  (error: ServiceError) => `${error.code} ${error.details}`,
);
console.log(`asked for the lag of nobody: ${refusal}`);
for (const client of [admin, publisher, subscriber]) client.close();
process.exitCode = stored === messageCount && Number(total) === 0 ? 0 : 1;

async function call(unary: Unary, request: object): Promise<Record<string, unknown>> {
  return await new Promise((resolve, reject) => {
    unary(request, (error, answer) => (error === null ? resolve(answer) : reject(error)));
  });
}
