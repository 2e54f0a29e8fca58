/** A gateway over the model port, spoken to by a gRPC client over a real connection. */

import { randomUUID } from 'node:crypto';
import {
  type ClientUnaryCall,
  credentials,
  loadPackageDefinition,
  Metadata,
  type ServiceError,
  status,
} from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';
import type { Capability, MessagingPort } from '../../../src/adapters/index.ts';
import type { ProtoGrpcType } from '../../../src/gateway/grpc/generated/sluice.ts';
import type { AdminClient, AdminDefinition } from '../../../src/gateway/grpc/generated/sluice/v1/Admin.ts';
import type { PublisherClient, PublisherDefinition } from '../../../src/gateway/grpc/generated/sluice/v1/Publisher.ts';
import type {
  SubscriberClient,
  SubscriberDefinition,
} from '../../../src/gateway/grpc/generated/sluice/v1/Subscriber.ts';
import { loadProto } from '../../../src/gateway/grpc/proto.ts';
import { type Gateway, startGateway } from '../../../src/gateway/start.ts';
import { openModel } from '../../support/model-driver.ts';
import { statusDetails } from './status-details.ts';

export interface GrpcWorld {
  readonly gateway: Gateway;
  readonly port: MessagingPort;
  readonly publisher: PublisherClient;
  readonly subscriber: SubscriberClient;
  readonly admin: AdminClient;
  readonly ask: Ask;
}

export async function grpcGateway(
  options: { readonly without?: readonly Capability[]; readonly port?: MessagingPort } = {},
): Promise<GrpcWorld> {
  const port = options.port ?? (await openModel(options.without));
  const gateway = await startGateway({ port: 0 }, { port });
  const clients = connect(gateway.grpcAddress ?? '');
  onTestFinished(async () => {
    for (const client of Object.values(clients)) client.close();
    await gateway.close();
    if (options.port === undefined) await port.close();
  });
  return { gateway, port, ...clients, ask: asking(clients) };
}

export function connect(address: string): Pick<GrpcWorld, 'publisher' | 'subscriber' | 'admin'> {
  const { sluice } = loadPackageDefinition(loadProto()) as unknown as ProtoGrpcType;
  const insecure = credentials.createInsecure();
  // Each world has its own connection: the library shares them between clients of one address otherwise.
  const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 };
  return {
    publisher: new sluice.v1.Publisher(address, insecure, options),
    subscriber: new sluice.v1.Subscriber(address, insecure, options),
    admin: new sluice.v1.Admin(address, insecure, options),
  };
}

interface CallOptions {
  readonly metadata?: Metadata;
  readonly deadline?: number;
  readonly signal?: AbortSignal;
}

/** The unary calls of a service, as promises. */
type Calls<Definition> = {
  readonly [Rpc in keyof Definition as string extends Rpc
    ? never
    : Uncapitalize<Rpc & string>]: Definition[Rpc] extends MethodDefinition<
    infer Request,
    infer _Response,
    infer _RequestOut,
    infer Answer
  >
    ? (request: Request, options?: CallOptions) => Promise<Answer>
    : never;
};

export type Ask = Calls<PublisherDefinition> & Calls<SubscriberDefinition> & Calls<AdminDefinition>;

export function asking(clients: Pick<GrpcWorld, 'publisher' | 'subscriber' | 'admin'>): Ask {
  type Untyped = Record<string, (...args: unknown[]) => unknown>;
  const all = Object.values(clients) as unknown as Untyped[];
  return new Proxy({} as Ask, {
    get:
      (_, rpc: string) =>
      async (request: unknown, options: CallOptions = {}) =>
        await new Promise((resolve, reject) => {
          const client = all.find((candidate) => rpc in candidate);
          const { metadata: sent = new Metadata(), signal, ...rest } = options;
          const cancel = (): void => call.cancel();
          const call = client?.[rpc]?.(request, sent, rest, (error: ServiceError | null, answer: unknown) => {
            signal?.removeEventListener('abort', cancel);
            if (error === null) resolve(answer);
            else reject(error);
          }) as ClientUnaryCall;
          signal?.addEventListener('abort', cancel, { once: true });
        }),
  });
}

/** What a call was refused with, read as a client reads it; throws when it was not refused. */
export async function refusal(work: Promise<unknown>): Promise<ReturnType<typeof refusalOf>> {
  let answer: unknown;
  try {
    answer = await work;
  } catch (reason) {
    return refusalOf(reason as ServiceError);
  }
  throw new Error(`answered ${JSON.stringify(answer)}`);
}

export function refusalOf(error: ServiceError) {
  const [bytes] = error.metadata.get('grpc-status-details-bin');
  return { status: status[error.code], text: error.details, ...statusDetails(bytes as Buffer) };
}

export function metadata(fields: Readonly<Record<string, string>>): Metadata {
  const made = new Metadata();
  for (const [name, value] of Object.entries(fields)) made.set(name, value);
  return made;
}

/** A topic and a subscription on it, both with names of their own. */
export async function topicAndSubscription(
  world: GrpcWorld,
  topicOptions: object = {},
  subscriptionOptions: object = {},
) {
  const topic = `orders-${randomUUID().slice(0, 8)}`;
  const subscription = `${topic}-reader`;
  await world.ask.createTopic({ name: topic, ...topicOptions });
  await world.ask.createSubscription({ name: subscription, topic, ...subscriptionOptions });
  return { topic, subscription };
}
