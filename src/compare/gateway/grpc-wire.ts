/** The wire over gRPC: publishes through one stream, consumes through another with credit. Topics and subscriptions are made over REST. */

import { fileURLToPath } from 'node:url';
import {
  type ClientDuplexStream,
  credentials,
  loadPackageDefinition,
  type ServiceClientConstructor,
} from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import type { DurabilityReached } from '../report/model.ts';
import {
  type ConsumeOptions,
  type SendResult,
  type Wire,
  type WireConsumer,
  type WireMessage,
  type WirePublisher,
  WireRefusal,
} from '../systems/wire.ts';
import { CoalescingPublisher } from './coalescing-publisher.ts';
import { type GatewayWireOptions, openRestWire } from './rest-wire.ts';

/** The same place from src and from dist. */
const protoDirectory = fileURLToPath(new URL('../../../proto', import.meta.url));

/** As the loader gives them with the options below: absent fields are absent. */
interface PublishAnswer {
  readonly correlationId: number;
  readonly results?: readonly {
    readonly stored?: { readonly durability?: { readonly persistence: string; readonly copies: number } };
    readonly problem?: { readonly code: string };
  }[];
  readonly problem?: { readonly code: string };
}

interface PullAnswer {
  readonly deliveries?: readonly {
    readonly ackToken: string;
    readonly attempt: number;
    readonly message: {
      readonly partition?: number;
      readonly offset?: number;
      readonly key?: Buffer;
      readonly value?: Buffer;
      readonly headers?: readonly { readonly name: string; readonly value: Buffer }[];
    };
  }[];
}

type Stream<Answer> = ClientDuplexStream<object, Answer>;

export async function openGrpcWire(options: GatewayWireOptions): Promise<Wire> {
  const rest = await openRestWire(options);
  const { Publisher, Subscriber } = servicesOf();
  const publishing = new Publisher(options.gateway.grpcAddress, credentials.createInsecure());
  const subscribing = new Subscriber(options.gateway.grpcAddress, credentials.createInsecure());
  let reached = options.durability;
  return {
    ...rest,
    layer: 'grpc',
    get durability() {
      return reached;
    },
    configuration: { ...rest.configuration, client: '@grpc/grpc-js, PublishStream and StreamingPull' },
    publisher: (topic) =>
      Promise.resolve(
        publisherOn(
          (publishing as unknown as { publishStream(): Stream<PublishAnswer> }).publishStream(),
          topic,
          (durability) => {
            reached = durability;
          },
        ),
      ),
    consume: (subscription, consumeOptions) =>
      Promise.resolve(
        consumerOn(
          (subscribing as unknown as { streamingPull(): Stream<PullAnswer> }).streamingPull(),
          subscription,
          consumeOptions,
        ),
      ),
    async close() {
      publishing.close();
      subscribing.close();
      await rest.close();
    },
  };
}

function servicesOf(): { readonly Publisher: ServiceClientConstructor; readonly Subscriber: ServiceClientConstructor } {
  const definition = loadSync('sluice/v1/sluice.proto', {
    longs: Number,
    enums: String,
    includeDirs: [protoDirectory],
  });
  const { v1 } = loadPackageDefinition(definition)['sluice'] as unknown as {
    v1: Record<'Publisher' | 'Subscriber', ServiceClientConstructor>;
  };
  return v1;
}

// ------------------------------------------------------------------------------------------------ publish

/** Frames under way are known by their number. */
function publisherOn(
  stream: Stream<PublishAnswer>,
  topic: string,
  note: (reached: DurabilityReached) => void,
): WirePublisher {
  const waiting = new Map<
    number,
    { resolve: (results: readonly SendResult[]) => void; reject: (reason: Error) => void; count: number }
  >();
  let last = 0;
  let ended: Error | null = null;
  const end = (reason: Error) => {
    ended ??= reason;
    for (const { reject } of waiting.values()) reject(ended);
    waiting.clear();
  };
  stream.on('data', ({ correlationId, results, problem }: PublishAnswer) => {
    const frame = waiting.get(correlationId);
    if (frame === undefined) return;
    waiting.delete(correlationId);
    const first = results?.[0]?.stored?.durability;
    if (first !== undefined) note(durabilityOf(first));
    if (problem !== undefined)
      frame.resolve(Array.from({ length: frame.count }, () => ({ fate: 'refused', code: problem.code })));
    else frame.resolve((results ?? []).map((result) => resultOf(result.problem?.code)));
  });
  stream.on('error', end);
  stream.on('end', () => end(new Error('the publish stream ended')));
  const frames = new CoalescingPublisher(
    async (messages) =>
      await new Promise<readonly SendResult[]>((resolve, reject) => {
        if (ended !== null) {
          reject(ended);
          return;
        }
        const correlationId = ++last;
        waiting.set(correlationId, { resolve, reject, count: messages.length });
        stream.write({ correlationId, topic, messages: messages.map(outgoing) });
      }),
  );
  return {
    publish: (messages, settled) => frames.publish(messages, settled),
    async close() {
      await frames.close();
      stream.end();
    },
  };
}

function outgoing({ key, value, headers }: WireMessage): object {
  return {
    value,
    ...(key === null ? {} : { key: Buffer.from(key) }),
    ...(headers === undefined
      ? {}
      : { headers: Object.entries(headers).map(([name, text]) => ({ name, value: Buffer.from(text) })) }),
  };
}

function resultOf(code: string | undefined): SendResult {
  if (code === undefined) return { fate: 'acked' };
  return { fate: code === 'publish_outcome_unknown' ? 'unknown' : 'refused', code };
}

function durabilityOf({
  persistence,
  copies,
}: {
  readonly persistence: string;
  readonly copies: number;
}): DurabilityReached {
  const words = { PERSISTENCE_MEMORY: 'memory', PERSISTENCE_OS: 'os', PERSISTENCE_FSYNC: 'fsync' } as const;
  return { persistence: words[persistence as keyof typeof words], copies };
}

// ------------------------------------------------------------------------------------------------ consume

function consumerOn(stream: Stream<PullAnswer>, subscription: string, options: ConsumeOptions): WireConsumer {
  const { credit, settle, onDelivery, onError } = options;
  if (settle.kind !== 'batch') throw new WireRefusal('broker_has_none', 'only workloads run on this layer');
  let isClosed = false;
  const gone = new Promise<void>((resolve) => {
    stream.on('close', resolve);
    stream.on('end', resolve);
    stream.on('error', (reason: Error) => {
      if (!isClosed) onError(reason);
      resolve();
    });
  });
  const tell = (call: 'ack' | 'nack' | 'reject', token: string) => void stream.write({ [call]: { tokens: [token] } });
  stream.on('data', ({ deliveries = [] }: PullAnswer) => {
    for (const { ackToken, attempt, message } of deliveries)
      onDelivery({
        key: message.key === undefined ? null : message.key.toString(),
        value: message.value ?? Buffer.alloc(0),
        partition: message.partition ?? 0,
        offset: message.offset ?? null,
        attempt,
        isRedelivered: attempt > 1,
        headers: () => Object.fromEntries((message.headers ?? []).map(({ name, value }) => [name, value.toString()])),
        ack: () => tell('ack', ackToken),
        nack: () => tell('nack', ackToken),
        reject: () => tell('reject', ackToken),
      });
    if (deliveries.length === 0 || isClosed) return;
    const tokens = deliveries.map(({ ackToken }) => ackToken);
    for (let from = 0; from < tokens.length; from += settle.ackBatch)
      stream.write({ ack: { tokens: tokens.slice(from, from + settle.ackBatch) } });
    stream.write({ credit: { messages: deliveries.length } });
  });
  stream.write({ start: { subscription, credit: { messages: credit } } });
  return {
    async close() {
      if (isClosed) return await gone;
      isClosed = true;
      stream.end();
      await gone;
    },
  };
}
