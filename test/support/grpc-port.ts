/**
 * The port over the gateway's gRPC, for the conformance suite. What gRPC does not have (browse, health) is asked over REST; a
 * consumer is the same client as there, only that it pulls and settles over gRPC.
 */

import { credentials, loadPackageDefinition, type ServiceError } from '@grpc/grpc-js';
import type { CapabilityTable } from '../../src/adapters/capabilities.ts';
import { type ErrorCode, PortError } from '../../src/adapters/errors.ts';
import type {
  AlterOptions,
  Created,
  Delivery,
  MessagingPort,
  Position,
  PublishMessage,
  PublishOptions,
  PublishOutcome,
  SettleStatus,
  SubscriptionChanges,
  SubscriptionDefinition,
  SubscriptionLag,
  SubscriptionOptions,
  TokenResult,
  TopicChanges,
  TopicDefinition,
  TopicOptions,
} from '../../src/adapters/port.ts';
import type { ProtoGrpcType } from '../../src/gateway/grpc/generated/sluice.ts';
import type { Message__Output } from '../../src/gateway/grpc/generated/sluice/v1/Message.ts';
import type { OptionValue, OptionValue__Output } from '../../src/gateway/grpc/generated/sluice/v1/OptionValue.ts';
import type {
  Position as PositionProto,
  Position__Output,
} from '../../src/gateway/grpc/generated/sluice/v1/Position.ts';
import type { Problem__Output } from '../../src/gateway/grpc/generated/sluice/v1/Problem.ts';
import type { PublishMessage as MessageProto } from '../../src/gateway/grpc/generated/sluice/v1/PublishMessage.ts';
import type { Subscription__Output } from '../../src/gateway/grpc/generated/sluice/v1/Subscription.ts';
import type { Topic__Output } from '../../src/gateway/grpc/generated/sluice/v1/Topic.ts';
import { loadProto } from '../../src/gateway/grpc/proto.ts';
import {
  cleanups,
  edges,
  onExhausted,
  orderings,
  persistences,
  queueTypes,
  tokenStatuses,
  wordOf,
} from '../../src/gateway/grpc/words.ts';
import { type Ask, asking, refusalOf } from '../gateway/grpc/support.ts';
import { RestPort, type SettleVerb } from './rest-port.ts';

export async function openGrpcPort(
  addresses: { readonly url: string; readonly grpcAddress: string | null },
  end: () => Promise<void>,
): Promise<MessagingPort> {
  const { sluice } = loadPackageDefinition(loadProto()) as unknown as ProtoGrpcType;
  const insecure = credentials.createInsecure();
  const options = { 'grpc.use_local_subchannel_pool': 1, 'grpc.max_receive_message_length': -1 };
  const address = addresses.grpcAddress ?? '';
  const clients = {
    publisher: new sluice.v1.Publisher(address, insecure, options),
    subscriber: new sluice.v1.Subscriber(address, insecure, options),
    admin: new sluice.v1.Admin(address, insecure, options),
  };
  const port = new GrpcPort(addresses.url, asking(clients), async () => {
    for (const client of Object.values(clients)) client.close();
    await end();
  });
  await port.load();
  return port;
}

class GrpcPort extends RestPort {
  readonly #ask: Ask;

  constructor(url: string, ask: Ask, end: () => Promise<void>) {
    super(url, end);
    this.#ask = ask;
  }

  override async load(): Promise<void> {
    await super.load();
    // The same table, or the suite would run on what REST says.
    const { capabilities = {} } = await this.#call(async () => await this.#ask.getCapabilities({}));
    const table: CapabilityTable = this.capabilities();
    for (const [name, { level }] of Object.entries(table)) {
      if (capabilities[name]?.level !== `CAPABILITY_LEVEL_${level.toUpperCase()}`) throw new Error(`${name} differs`);
    }
  }

  override async createTopic({
    cleanup,
    queueType,
    options,
    ...rest
  }: TopicOptions): Promise<Created<TopicDefinition>> {
    const { created = false, topic } = await this.#call(
      async () =>
        await this.#ask.createTopic({
          ...rest,
          ...(cleanup === undefined ? {} : { cleanup: cleanups[cleanup] }),
          ...(queueType === undefined ? {} : { queueType: queueTypes[queueType] }),
          ...(options === undefined ? {} : { options: mapValues(options, optionProto) }),
        }),
    );
    return { created, definition: topicOf(topic) };
  }

  override async describeTopic(topic: string): Promise<TopicDefinition> {
    return topicOf(await this.#call(async () => await this.#ask.getTopic({ topic })));
  }

  override async listTopics(): Promise<readonly TopicDefinition[]> {
    return ((await this.#call(async () => await this.#ask.listTopics({}))).topics ?? []).map(topicOf);
  }

  override async alterTopic(
    topic: string,
    { cleanup, options, retention, partitions }: TopicChanges,
    { ifRevision }: AlterOptions = {},
  ): Promise<TopicDefinition> {
    return topicOf(
      await this.#call(
        async () =>
          await this.#ask.updateTopic({
            topic,
            ...(partitions === undefined ? {} : { partitions }),
            ...(retention === undefined ? {} : { retention: mapValues({ ...retention }, (bound) => bound ?? 0) }),
            ...(cleanup === undefined ? {} : { cleanup: cleanups[cleanup] }),
            ...(options === undefined
              ? {}
              : { options: mapValues(options, (value) => (value === null ? {} : optionProto(value))) }),
            ...(typeof ifRevision === 'string' ? { etag: ifRevision } : {}),
          }),
      ),
    );
  }

  override async alterSubscription(
    subscription: string,
    changes: SubscriptionChanges,
    { ifRevision }: AlterOptions = {},
  ): Promise<SubscriptionDefinition> {
    const etag = typeof ifRevision === 'string' ? { etag: ifRevision } : {};
    return subscriptionOf(
      await this.#call(async () => await this.#ask.updateSubscription({ subscription, ...changes, ...etag })),
    );
  }

  override async deleteTopic(topic: string): Promise<void> {
    await this.#call(async () => await this.#ask.deleteTopic({ topic }));
  }

  override async createSubscription(options: SubscriptionOptions): Promise<Created<SubscriptionDefinition>> {
    const { start, ordering, onExhausted: exhausted, requires, ...rest } = options;
    const { created = false, subscription } = await this.#call(
      async () =>
        await this.#ask.createSubscription({
          ...rest,
          ...(start === undefined ? {} : { start: positionProto(start) }),
          ...(ordering === undefined ? {} : { ordering: orderings[ordering] }),
          ...(exhausted === undefined ? {} : { onExhausted: onExhausted[exhausted] }),
          ...(requires === undefined ? {} : { requires: [...requires] }),
        }),
    );
    return { created, definition: subscriptionOf(subscription) };
  }

  override async describeSubscription(subscription: string): Promise<SubscriptionDefinition> {
    return subscriptionOf(await this.#call(async () => await this.#ask.getSubscription({ subscription })));
  }

  override async listSubscriptions(): Promise<readonly SubscriptionDefinition[]> {
    return ((await this.#call(async () => await this.#ask.listSubscriptions({}))).subscriptions ?? []).map(
      subscriptionOf,
    );
  }

  override async deleteSubscription(subscription: string): Promise<void> {
    await this.#call(async () => await this.#ask.deleteSubscription({ subscription }));
  }

  override async publish(
    topic: string,
    messages: readonly PublishMessage[],
    { durability, minCopies }: PublishOptions = {},
  ): Promise<readonly PublishOutcome[]> {
    if (this.isClosed) throw new PortError('closed', 'the port was closed');
    try {
      const { results = [] } = await this.#ask.publish({
        topic,
        messages: messages.map(messageProto),
        ...(durability === undefined ? {} : { durability: persistences[durability] }),
        ...(minCopies === undefined ? {} : { minCopies }),
      });
      return results.map(({ stored, problem }) => {
        if (stored === undefined) return failed(problem?.messageId ?? '', problemError(problem ?? {}));
        const { id = '', partition = 0, offset = null, durability: reached, duplicate } = stored;
        const persistence = wordOf(persistences, reached?.persistence) as 'memory' | 'os' | 'fsync';
        const outcome = {
          kind: 'stored',
          id,
          partition,
          offset,
          durability: { persistence, copies: reached?.copies ?? 0 },
        } as const;
        return duplicate === true ? { ...outcome, duplicate } : outcome;
      });
    } catch (reason) {
      const { about } = refusalOf(reason as ServiceError);
      const error = callError(reason);
      if (about['messageId'] === undefined) throw error;
      return [failed(about['messageId'], error)];
    }
  }

  override async pull(
    subscription: string,
    options: { readonly maxMessages: number; readonly maxBytes: number; readonly waitMs: number },
    signal: AbortSignal,
  ): Promise<readonly Delivery[]> {
    const { deliveries = [] } = await this.#call(
      async () => await this.#ask.pull({ subscription, ...options }, { signal }),
    );
    return deliveries.map(({ ackToken = '', attempt = 0, deadline = 0, message }) => ({
      token: ackToken,
      attempt,
      deadlineMs: deadline,
      message: messageOf(message ?? {}),
    }));
  }

  protected override async sendSettle(
    subscription: string,
    verb: SettleVerb,
    body: { readonly tokens: readonly string[] },
  ): Promise<readonly TokenResult[]> {
    const rpc = verb === 'ack' ? 'acknowledge' : verb;
    const { results = [] } = await this.#call(
      async () => await this.#ask[rpc]({ subscription, ...body, tokens: [...body.tokens] }),
    );
    return results.map(({ token = '', status }) => ({ token, status: wordOf(tokenStatuses, status) as SettleStatus }));
  }

  protected override async sendSeek(subscription: string, to: Position): Promise<void> {
    await this.#call(async () => await this.#ask.seek({ subscription, to: positionProto(to) }));
  }

  override async lag(subscription: string): Promise<SubscriptionLag> {
    const { partitions = [], total = 0 } = await this.#call(async () => await this.#ask.getLag({ subscription }));
    return {
      total,
      partitions: partitions.map(({ partition = 0, lag = 0, ...rest }) => ({ partition, lag, ...rest })),
    };
  }

  async #call<Answer>(work: () => Promise<Answer>): Promise<Answer> {
    if (this.isClosed) throw new PortError('closed', 'the port was closed');
    try {
      return await work();
    } catch (reason) {
      throw callError(reason);
    }
  }
}

function callError(reason: unknown): unknown {
  if (!(reason instanceof Error) || !('metadata' in reason)) return reason;
  const { reason: code, text, about, fields } = refusalOf(reason as ServiceError);
  return problemError({
    code,
    detail: text,
    errors: [...fields],
    ...(about['capability'] === undefined ? {} : { capability: about['capability'] }),
    ...(about['retryAfterMs'] === undefined ? {} : { retryAfterMs: Number(about['retryAfterMs']) }),
  });
}

function problemError({ code, detail = '', capability, retryAfterMs, errors = [] }: Problem__Output): PortError {
  return new PortError(code as ErrorCode, detail, {
    ...(capability === undefined ? {} : { capability }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(errors.length === 0 ? {} : { errors: errors.map(({ path = '', message = '' }) => ({ path, message })) }),
  });
}

function failed(id: string, error: unknown): PublishOutcome {
  const known = PortError.from(error);
  return { kind: known.code === 'publish_outcome_unknown' ? 'unknown' : 'refused', id, error: known };
}

function messageProto({ key, value, headers, timestampMs, ...rest }: PublishMessage): MessageProto {
  return {
    ...rest,
    ...(key === undefined || key === null ? {} : { key: Buffer.from(key as string) }),
    ...(value === null
      ? { tombstone: true }
      : typeof value === 'string'
        ? { text: value }
        : { value: Buffer.from(value) }),
    ...(headers === undefined
      ? {}
      : { headers: headers.map((header) => ({ name: header.name, value: Buffer.from(header.value as string) })) }),
    ...(timestampMs === undefined ? {} : { timestamp: timestampMs }),
  };
}

function messageOf(message: Message__Output): Delivery['message'] {
  return {
    topic: message.topic ?? '',
    partition: message.partition ?? 0,
    offset: message.offset ?? null,
    key: message.key ?? null,
    value: message.value ?? null,
    headers: (message.headers ?? []).map(({ name = '', value = Buffer.alloc(0) }) => ({ name, value })),
    contentType: message.contentType ?? null,
    id: message.id ?? null,
    timestampMs: message.timestamp ?? 0,
  };
}

function topicOf(topic: Topic__Output = {}): TopicDefinition {
  return {
    name: topic.name ?? '',
    partitions: topic.partitions ?? 0,
    retention: { ms: topic.retention?.ms ?? null, bytes: topic.retention?.bytes ?? null },
    cleanup: wordOf(cleanups, topic.cleanup) as TopicDefinition['cleanup'],
    queueType: (wordOf(queueTypes, topic.queueType) ?? null) as TopicDefinition['queueType'],
    replicas: topic.replicas ?? null,
    options: mapValues(
      topic.options ?? {},
      ({ text, number, flag }: OptionValue__Output) => text ?? number ?? flag ?? '',
    ),
  };
}

function subscriptionOf(subscription: Subscription__Output = {}): SubscriptionDefinition {
  const { start, maxInFlight, retry } = subscription;
  return {
    name: subscription.name ?? '',
    topic: subscription.topic ?? '',
    start: positionOf(start),
    ordering: wordOf(orderings, subscription.ordering) as SubscriptionDefinition['ordering'],
    ackDeadlineMs: subscription.ackDeadlineMs ?? 0,
    maxInFlight: { messages: maxInFlight?.messages ?? 0, bytes: maxInFlight?.bytes ?? 0 },
    retry: {
      minBackoffMs: retry?.minBackoffMs ?? 0,
      maxBackoffMs: retry?.maxBackoffMs ?? 0,
      maxAttempts: retry?.maxAttempts ?? 0,
    },
    onExhausted: wordOf(onExhausted, subscription.onExhausted) as SubscriptionDefinition['onExhausted'],
    deadLetterTopic: subscription.deadLetterTopic ?? null,
    requires: subscription.requires ?? [],
  };
}

function positionProto(position: Position): PositionProto {
  if (typeof position === 'string') return { edge: edges[position] };
  if ('timestampMs' in position) return { timestamp: position.timestampMs };
  return { offsets: { byPartition: { ...position.offsets } } };
}

function positionOf(position: Position__Output = {}): Position {
  if (position.timestamp !== undefined) return { timestampMs: position.timestamp };
  if (position.offsets !== undefined) return { offsets: position.offsets.byPartition ?? {} };
  return wordOf(edges, position.edge) as Position;
}

function optionProto(value: string | number | boolean): OptionValue {
  if (typeof value === 'string') return { text: value };
  return typeof value === 'number' ? { number: value } : { flag: value };
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}
