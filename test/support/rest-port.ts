/**
 * The port over the gateway's REST API: what the conformance suite needs to run through HTTP. A consumer here is a client
 * that pulls no more than its credit, and that releases what it holds when it closes.
 */

import type { CapabilityTable } from '../../src/adapters/capabilities.ts';
import { type ErrorCode, type FieldProblem, PortError } from '../../src/adapters/errors.ts';
import { limits } from '../../src/adapters/limits.ts';
import { messageBytes } from '../../src/adapters/log-codec.ts';
import type {
  AlterOptions,
  BackendInfo,
  Consumer,
  Created,
  Credit,
  Delivery,
  Health,
  Message,
  MessagingPort,
  Position,
  PublishMessage,
  PublishOptions,
  PublishOutcome,
  QueueType,
  ReadResult,
  SubscriptionChanges,
  SubscriptionDefinition,
  SubscriptionLag,
  SubscriptionOptions,
  TokenResult,
  TopicChanges,
  TopicDefinition,
  TopicOptions,
} from '../../src/adapters/port.ts';

interface Problem {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly capability?: string;
  readonly retryAfterMs?: number;
  readonly errors?: readonly FieldProblem[];
  readonly messageId?: string;
}

type StoredResult = Omit<Extract<PublishOutcome, { kind: 'stored' }>, 'kind' | 'offset'> & { readonly offset?: number };
type PublishResult = StoredResult | { readonly problem: Problem };
type HeaderJson = string | { readonly base64: string };

interface MessageJson {
  readonly topic: string;
  readonly partition: number;
  readonly offset?: number;
  readonly key?: string;
  readonly keyBase64?: string;
  readonly value?: null;
  readonly valueBase64?: string;
  readonly headers: Readonly<Record<string, HeaderJson | readonly HeaderJson[]>>;
  readonly contentType: string | null;
  readonly id: string | null;
  readonly timestamp: number;
}

interface DeliveryJson {
  readonly ackToken: string;
  readonly attempt: number;
  readonly deadline: number;
  readonly message: MessageJson;
}

type PositionJson =
  | 'earliest'
  | 'latest'
  | { readonly timestamp: number }
  | { readonly offsets: Readonly<Record<string, number>> };
type SubscriptionJson = Omit<SubscriptionDefinition, 'start'> & { readonly start: PositionJson };

interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/**
 * Resolves when the gateway answered what stands behind it.
 * @param end what else ends with the port, such as the gateway.
 */
export async function openRestPort(url: string, end?: () => Promise<void>): Promise<MessagingPort> {
  const port = new RestPort(url, end);
  await port.load();
  return port;
}

export type SettleVerb = 'ack' | 'nack' | 'release' | 'reject' | 'extend';

export class RestPort implements MessagingPort {
  info: BackendInfo = { backend: '', product: '', version: '' };
  readonly #url: string;
  readonly #tables = new Map<QueueType | undefined, CapabilityTable>();
  readonly #consumers = new Set<RestConsumer>();
  readonly #end: (() => Promise<void>) | undefined;
  #isClosed = false;

  constructor(url: string, end: (() => Promise<void>) | undefined) {
    this.#url = url;
    this.#end = end;
  }

  async load(): Promise<void> {
    const { capabilities, ...info } = await this.get<BackendInfo & { capabilities: CapabilityTable }>(
      '/v1/capabilities',
    );
    this.info = info;
    this.#tables.set(undefined, capabilities);
    if (info.backend !== 'rabbitmq') return;
    for (const queueType of ['quorum', 'classic', 'stream'] as const) {
      const answer = await this.get<{ capabilities: CapabilityTable }>(`/v1/capabilities?queueType=${queueType}`);
      this.#tables.set(queueType, answer.capabilities);
    }
  }

  capabilities(queueType?: QueueType): CapabilityTable {
    return (this.#tables.get(queueType) ?? this.#tables.get(undefined)) as CapabilityTable;
  }

  // ------------------------------------------------------------------------------------------ definitions

  async createTopic(options: TopicOptions): Promise<Created<TopicDefinition>> {
    const { status, body } = await this.#call<TopicDefinition>('POST', '/v1/topics', options);
    return { created: status === 201, definition: body };
  }

  async describeTopic(name: string): Promise<TopicDefinition> {
    return await this.get(`/v1/topics/${encodeURIComponent(name)}`);
  }

  async listTopics(): Promise<readonly TopicDefinition[]> {
    return (await this.get<{ topics: readonly TopicDefinition[] }>('/v1/topics')).topics;
  }

  async alterTopic(name: string, changes: TopicChanges, options: AlterOptions = {}): Promise<TopicDefinition> {
    const path = `/v1/topics/${encodeURIComponent(name)}`;
    return (await this.#call<TopicDefinition>('PATCH', path, changes, undefined, ifMatch(options))).body;
  }

  async alterSubscription(
    name: string,
    changes: SubscriptionChanges,
    options: AlterOptions = {},
  ): Promise<SubscriptionDefinition> {
    const path = `/v1/subscriptions/${encodeURIComponent(name)}`;
    return subscriptionOf(
      (await this.#call<SubscriptionJson>('PATCH', path, changes, undefined, ifMatch(options))).body,
    );
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#call('DELETE', `/v1/topics/${encodeURIComponent(name)}`);
  }

  async createSubscription(options: SubscriptionOptions): Promise<Created<SubscriptionDefinition>> {
    const { start, ...rest } = options;
    const asked = start === undefined ? rest : { ...rest, start: positionJson(start) };
    const { status, body } = await this.#call<SubscriptionJson>('POST', '/v1/subscriptions', asked);
    return { created: status === 201, definition: subscriptionOf(body) };
  }

  async describeSubscription(name: string): Promise<SubscriptionDefinition> {
    return subscriptionOf(await this.get<SubscriptionJson>(`/v1/subscriptions/${encodeURIComponent(name)}`));
  }

  async listSubscriptions(): Promise<readonly SubscriptionDefinition[]> {
    const { subscriptions } = await this.get<{ subscriptions: readonly SubscriptionJson[] }>('/v1/subscriptions');
    return subscriptions.map(subscriptionOf);
  }

  async deleteSubscription(name: string): Promise<void> {
    await this.#call('DELETE', `/v1/subscriptions/${encodeURIComponent(name)}`);
  }

  // ------------------------------------------------------------------------------------------ publish

  async publish(
    topic: string,
    messages: readonly PublishMessage[],
    options: PublishOptions = {},
  ): Promise<readonly PublishOutcome[]> {
    const { signal, ...asked } = options;
    const path = `/v1/topics/${encodeURIComponent(topic)}/messages`;
    try {
      const { body } = await this.#call<{ results: readonly PublishResult[] }>(
        'POST',
        path,
        { ...asked, messages: messages.map(publishJson) },
        signal,
      );
      return body.results.map(outcomeOf);
    } catch (reason) {
      // A lone message that failed is answered with its own problem.
      if (reason instanceof MessageProblem) return [outcomeOf({ problem: reason.problem })];
      throw reason;
    }
  }

  // ------------------------------------------------------------------------------------------ consume

  async subscribe(
    name: string,
    options: { readonly credit: Credit; readonly signal?: AbortSignal },
  ): Promise<Consumer> {
    const { name: subscription } = await this.describeSubscription(name);
    const consumer = new RestConsumer(this, subscription, options.credit, (closed) => this.#consumers.delete(closed));
    this.#consumers.add(consumer);
    options.signal?.addEventListener('abort', () => void consumer.close(), { once: true });
    return consumer;
  }

  async pull(
    subscription: string,
    options: { readonly maxMessages: number; readonly maxBytes: number; readonly waitMs: number },
    signal: AbortSignal,
  ): Promise<readonly Delivery[]> {
    const path = `/v1/subscriptions/${encodeURIComponent(subscription)}/pull?encoding=base64`;
    const { body } = await this.#call<{ deliveries: readonly DeliveryJson[] }>('POST', path, options, signal);
    return body.deliveries.map(({ ackToken, attempt, deadline, message }) => ({
      token: ackToken,
      attempt,
      deadlineMs: deadline,
      message: messageOf(message),
    }));
  }

  async ack(subscription: string, tokens: readonly string[]): Promise<readonly TokenResult[]> {
    return await this.#settle(subscription, 'ack', { tokens });
  }

  async nack(
    subscription: string,
    tokens: readonly string[],
    options: { readonly delayMs?: number; readonly reason?: string } = {},
  ): Promise<readonly TokenResult[]> {
    return await this.#settle(subscription, 'nack', { tokens, ...options });
  }

  async release(subscription: string, tokens: readonly string[]): Promise<readonly TokenResult[]> {
    return await this.#settle(subscription, 'release', { tokens });
  }

  async reject(
    subscription: string,
    tokens: readonly string[],
    options: { readonly reason?: string } = {},
  ): Promise<readonly TokenResult[]> {
    return await this.#settle(subscription, 'reject', { tokens, ...options });
  }

  async extend(subscription: string, tokens: readonly string[], deadlineMs: number): Promise<readonly TokenResult[]> {
    const results = await this.#settle(subscription, 'extend', { tokens, deadlineMs }, false);
    for (const consumer of this.#consumers) consumer.extended(tokens, Date.now() + deadlineMs);
    return results;
  }

  async #settle(
    subscription: string,
    verb: SettleVerb,
    body: {
      readonly tokens: readonly string[];
      readonly deadlineMs?: number;
      readonly delayMs?: number;
      readonly reason?: string;
    },
    ends = true,
  ): Promise<readonly TokenResult[]> {
    const results = await this.sendSettle(subscription, verb, body);
    if (ends) for (const consumer of this.#consumers) consumer.settled(body.tokens);
    return results;
  }

  protected async sendSettle(
    subscription: string,
    verb: SettleVerb,
    body: { readonly tokens: readonly string[] },
  ): Promise<readonly TokenResult[]> {
    const path = `/v1/subscriptions/${encodeURIComponent(subscription)}/${verb}`;
    return (await this.#call<{ results: readonly TokenResult[] }>('POST', path, body)).body.results;
  }

  // ------------------------------------------------------------------------------------------ positions

  async seek(subscription: string, to: Position): Promise<void> {
    await this.sendSeek(subscription, to);
    for (const consumer of this.#consumers) if (consumer.subscription === subscription) consumer.forgetAll();
  }

  protected async sendSeek(subscription: string, to: Position): Promise<void> {
    await this.#call('POST', `/v1/subscriptions/${encodeURIComponent(subscription)}/seek`, { to: positionJson(to) });
  }

  protected get isClosed(): boolean {
    return this.#isClosed;
  }

  async lag(subscription: string): Promise<SubscriptionLag> {
    return await this.get(`/v1/subscriptions/${encodeURIComponent(subscription)}/lag`);
  }

  async read(
    topic: string,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    const path = `/v1/topics/${encodeURIComponent(topic)}/partitions/${partition}/messages?from=${from}&limit=${limit}&encoding=base64`;
    const { messages, next } = await this.get<{ messages: readonly MessageJson[]; next: number }>(path);
    return { messages: messages.map(messageOf), next };
  }

  // ------------------------------------------------------------------------------------------ lifecycle

  async health(): Promise<Health> {
    if (this.#isClosed) return { ok: false, detail: 'closed' };
    return (await this.get<{ health: Health }>('/v1/backend')).health;
  }

  async close(): Promise<void> {
    await Promise.all([...this.#consumers].map(async (consumer) => await consumer.close()));
    this.#isClosed = true;
    await this.#end?.();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async get<T>(path: string): Promise<T> {
    return (await this.#call<T>('GET', path)).body;
  }

  async #call<T>(
    method: string,
    path: string,
    body?: unknown,
    signal?: AbortSignal,
    headers: Readonly<Record<string, string>> = {},
  ): Promise<Answer<T>> {
    if (this.#isClosed) throw new PortError('closed', 'the port was closed');
    const response = await fetch(this.#url + path, {
      method,
      ...(body === undefined
        ? {}
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json', ...headers } }),
      ...(signal === undefined ? {} : { signal }),
    });
    const text = await response.text();
    if (response.ok) return { status: response.status, body: (text === '' ? undefined : JSON.parse(text)) as T };
    const problem = JSON.parse(text) as Problem;
    throw problem.messageId === undefined ? errorOf(problem) : new MessageProblem(problem);
  }
}

function ifMatch({ ifRevision }: AlterOptions): Record<string, string> {
  if (ifRevision === undefined) return {};
  return {
    'if-match': [ifRevision]
      .flat()
      .map((revision) => `"${revision}"`)
      .join(', '),
  };
}

class RestConsumer implements Consumer {
  readonly subscription: string;
  readonly #port: RestPort;
  readonly #credit: Credit;
  readonly #onClosed: (consumer: RestConsumer) => void;
  readonly #held = new Map<string, { deadlineMs: number; readonly bytes: number }>();
  readonly #end = new AbortController();
  #wake: (() => void) | undefined;
  #closing: Promise<void> | undefined;

  constructor(port: RestPort, subscription: string, credit: Credit, onClosed: (consumer: RestConsumer) => void) {
    this.#port = port;
    this.subscription = subscription;
    this.#credit = credit;
    this.#onClosed = onClosed;
  }

  async pull(options: {
    readonly maxMessages: number;
    readonly maxBytes?: number;
    readonly waitMs: number;
  }): Promise<readonly Delivery[]> {
    const endsAtMs = Date.now() + options.waitMs;
    do {
      if (this.#end.signal.aborted) return [];
      const leftMs = Math.max(0, endsAtMs - Date.now());
      const room = this.#room();
      if (room.messages > 0) {
        const deliveries = await this.#pullNow(options, room, Math.min(leftMs, limits.pullWaitMsMax));
        if (deliveries.length > 0) return deliveries;
      } else await this.#untilRoom(leftMs);
    } while (Date.now() < endsAtMs);
    return [];
  }

  [Symbol.asyncIterator](): AsyncIterator<Delivery> {
    return {
      next: async () => {
        const [delivery] = await this.pull({ maxMessages: 1, waitMs: Number.POSITIVE_INFINITY });
        return delivery === undefined ? { done: true, value: undefined } : { done: false, value: delivery };
      },
      return: async () => {
        await this.close();
        return { done: true, value: undefined };
      },
    };
  }

  settled(tokens: readonly string[]): void {
    for (const token of tokens) this.#held.delete(token);
    this.#wake?.();
  }

  extended(tokens: readonly string[], deadlineMs: number): void {
    for (const token of tokens) {
      const lease = this.#held.get(token);
      if (lease !== undefined) lease.deadlineMs = deadlineMs;
    }
  }

  forgetAll(): void {
    this.settled([...this.#held.keys()]);
  }

  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeNow(): Promise<void> {
    this.#end.abort();
    this.#wake?.();
    this.#onClosed(this);
    if (this.#held.size === 0) return;
    // The subscription may be gone, and its leases with it.
    await this.#port.release(this.subscription, [...this.#held.keys()]).catch(() => undefined);
  }

  async #pullNow(
    options: { readonly maxMessages: number; readonly maxBytes?: number },
    room: Required<Credit>,
    waitMs: number,
  ) {
    const { signal } = this.#end;
    const maxMessages = Math.min(options.maxMessages, room.messages);
    const maxBytes = Math.min(options.maxBytes ?? limits.pullBytesMax, room.bytes);
    try {
      const deliveries = await this.#port.pull(
        this.subscription,
        { maxMessages, maxBytes, waitMs: Math.floor(waitMs) },
        signal,
      );
      for (const { token, deadlineMs, message } of deliveries)
        this.#held.set(token, { deadlineMs, bytes: messageBytes(message) });
      return deliveries;
    } catch (reason) {
      if (signal.aborted) return [];
      throw reason;
    }
  }

  #room(): Required<Credit> {
    const nowMs = Date.now();
    for (const [token, { deadlineMs }] of this.#held) if (deadlineMs <= nowMs) this.#held.delete(token);
    const bytes = [...this.#held.values()].reduce((sum, lease) => sum + lease.bytes, 0);
    const room = (this.#credit.bytes ?? limits.pullBytesMax) - bytes;
    return {
      messages: room > 0 ? this.#credit.messages - this.#held.size : 0,
      bytes: Math.min(Math.max(1, room), limits.pullBytesMax),
    };
  }

  /** Until something was settled, the first lease ends, or the time is over. */
  async #untilRoom(leftMs: number): Promise<void> {
    const firstEndMs = Math.min(...[...this.#held.values()].map(({ deadlineMs }) => deadlineMs));
    const waitMs = Math.min(leftMs, Math.max(1, firstEndMs - Date.now()));
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, waitMs);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }
}

/** The problem of one message, as an answer of its own. */
class MessageProblem extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail);
    this.problem = problem;
  }
}

function errorOf({ code, detail, capability, retryAfterMs, errors }: Problem): PortError {
  return new PortError(code, detail, {
    ...(capability === undefined ? {} : { capability }),
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
    ...(errors === undefined ? {} : { errors }),
  });
}

function outcomeOf(result: PublishResult): PublishOutcome {
  if (!('problem' in result)) return { kind: 'stored', ...result, offset: result.offset ?? null };
  const { problem } = result;
  const kind = problem.code === 'publish_outcome_unknown' ? 'unknown' : 'refused';
  return { kind, id: problem.messageId ?? '', error: errorOf(problem) };
}

function publishJson({ key, value, headers, timestampMs, ...rest }: PublishMessage) {
  return {
    ...rest,
    ...(typeof key === 'string' ? { key } : {}),
    ...(key instanceof Uint8Array ? { keyBase64: base64(key) } : {}),
    ...(value instanceof Uint8Array ? { valueBase64: base64(value) } : { value }),
    ...(headers === undefined ? {} : { headers: headersJson(headers) }),
    ...(timestampMs === undefined ? {} : { timestamp: timestampMs }),
  };
}

function headersJson(headers: NonNullable<PublishMessage['headers']>): Record<string, HeaderJson[]> {
  const byName: Record<string, HeaderJson[]> = {};
  for (const { name, value } of headers) {
    byName[name] ??= [];
    byName[name].push(typeof value === 'string' ? value : { base64: base64(value) });
  }
  return byName;
}

function messageOf(json: MessageJson): Message {
  return {
    topic: json.topic,
    partition: json.partition,
    offset: json.offset ?? null,
    key: json.keyBase64 === undefined ? bytesOf(json.key ?? null) : Buffer.from(json.keyBase64, 'base64'),
    value: json.valueBase64 === undefined ? null : Buffer.from(json.valueBase64, 'base64'),
    headers: Object.entries(json.headers).flatMap(([name, values]) =>
      (Array.isArray(values) ? (values as readonly HeaderJson[]) : [values as HeaderJson]).map((value) => ({
        name,
        value: typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64'),
      })),
    ),
    contentType: json.contentType,
    id: json.id,
    timestampMs: json.timestamp,
  };
}

function bytesOf(text: string | null): Buffer | null {
  return text === null ? null : Buffer.from(text);
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}

function positionJson(position: Position): PositionJson {
  return typeof position === 'object' && 'timestampMs' in position ? { timestamp: position.timestampMs } : position;
}

function subscriptionOf(json: SubscriptionJson): SubscriptionDefinition {
  const { start } = json;
  return {
    ...json,
    start: typeof start === 'object' && 'timestamp' in start ? { timestampMs: start.timestamp } : start,
  };
}
