/** The client: everything that a gateway has, over REST. */

import { SluiceError } from './errors.ts';
import type {
  Backend,
  BrowsePage,
  Capabilities,
  DeadLettersPage,
  Lag,
  RedriveOptions,
  RedriveResult,
  SeekOptions,
  SubscriptionChanges,
  SubscriptionDefinition,
  SubscriptionOptions,
  TopicChanges,
  TopicDefinition,
  TopicOptions,
} from './generated/schemas.ts';
import { type CallOptions, type ConnectOptions, Gateway, type Request } from './http.ts';
import { type OutgoingMessage, receivedMessage, type ReceivedMessage } from './messages.ts';
import { type MessageSource, publishStream } from './publish-stream.ts';
import { Publishing, type PublishOptions, type PublishOutcome, type StoredMessage } from './publishing.ts';
import { type SubscribeOptions, Subscriber } from './subscriber.ts';

/** What was made or changed, and the tag that a change may ask for (`ifMatch`). */
export type Tagged<T> = T & { readonly etag: string };

export interface ChangeOptions extends CallOptions {
  /** Only while the definition has this `etag`, else `precondition_failed`. */
  readonly ifMatch?: string;
}

export interface BrowseOptions extends CallOptions {
  /** Default earliest. */
  readonly from?: 'earliest' | 'latest' | number;
  /** Default 100, at most 1,000. */
  readonly limit?: number;
  readonly encoding?: 'auto' | 'base64';
}

/** Messages as the client has them in place of those on the wire. */
type WithMessages<P> = Omit<P, 'messages'> & { readonly messages: readonly ReceivedMessage[] };

/**
 * A client of the gateway at this address. Nothing is sent until it is asked for something.
 * @throws SluiceError `invalid_argument` for what is no address.
 * @example const sluice = connect('http://127.0.0.1:8080', { token: process.env.SLUICE_TOKEN });
 */
export function connect(url: string, options: ConnectOptions = {}): SluiceClient {
  return new SluiceClient(new Gateway(url, options));
}

export class SluiceClient {
  readonly url: string;
  readonly topics: Topics;
  readonly subscriptions: Subscriptions;
  readonly #gateway: Gateway;
  readonly #publishing: Publishing;

  constructor(gateway: Gateway) {
    this.url = gateway.url;
    this.#gateway = gateway;
    this.#publishing = new Publishing(gateway);
    this.topics = new Topics(gateway);
    this.subscriptions = new Subscriptions(gateway);
  }

  /**
   * Resolves when the message is stored. A message without an id gets one, so that a second try is the same message.
   * @throws SluiceError: the reason why it is not stored, or not known to be (`publish_outcome_unknown`, `connection_lost`, `client_timeout`).
   */
  async publish(topic: string, message: OutgoingMessage, options: PublishOptions = {}): Promise<StoredMessage> {
    const [outcome] = await this.publishBatch(topic, [message], options);
    if (outcome === undefined) throw new SluiceError('invalid_answer', 'no outcome', { retryable: false });
    if (outcome.kind !== 'stored') throw outcome.error;
    const { kind: _kind, ...stored } = outcome;
    return stored;
  }

  /** Any number of messages, in requests as large as a gateway takes: an outcome for each, in the order given. */
  async publishBatch(
    topic: string,
    messages: readonly OutgoingMessage[],
    options: PublishOptions = {},
  ): Promise<readonly PublishOutcome[]> {
    return await this.#publishing.publishAll(topic, messages, options);
  }

  /** Any number of messages through one request, outcomes as they come; see publish-stream.ts for what happens when it breaks. */
  publishStream(
    topic: string,
    messages: MessageSource,
    options: PublishOptions = {},
  ): AsyncGenerator<PublishOutcome, void, undefined> {
    return publishStream(this.#gateway, topic, messages, options);
  }

  /**
   * @example
   * for await (const delivery of sluice.subscribe('billing')) {
   *   await charge(delivery.message.value);
   *   await delivery.ack();
   * }
   */
  subscribe(subscription: string, options: SubscribeOptions = {}): Subscriber {
    return new Subscriber(this.#gateway, subscription, options);
  }

  /** Messages of a partition, without a subscription. */
  async browse(topic: string, partition: number, options: BrowseOptions = {}): Promise<WithMessages<BrowsePage>> {
    const { from, limit, encoding, ...call } = options;
    const path = `/v1/topics/${encodeURIComponent(topic)}/partitions/${partition}/messages`;
    const page = await got<BrowsePage>(this.#gateway, { path, query: { from, limit, encoding }, ...call });
    return { ...page, messages: page.messages.map(receivedMessage) };
  }

  async capabilities(options: CallOptions & { readonly queueType?: string } = {}): Promise<Capabilities> {
    const { queueType, ...call } = options;
    return await got(this.#gateway, { path: '/v1/capabilities', query: { queueType }, ...call });
  }

  async backend(options: CallOptions = {}): Promise<Backend> {
    return await got(this.#gateway, { path: '/v1/backend', ...options });
  }
}

class Topics {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** The same again is the same topic; one of that name with other options is `already_exists`. */
  async create(topic: TopicOptions, options: CallOptions = {}): Promise<Tagged<TopicDefinition>> {
    return await tagged(this.#gateway, {
      method: 'POST',
      path: '/v1/topics',
      body: topic,
      isRepeatable: true,
      ...options,
    });
  }

  async list(options: CallOptions = {}): Promise<readonly TopicDefinition[]> {
    const answer = await got<{ topics: readonly TopicDefinition[] }>(this.#gateway, { path: '/v1/topics', ...options });
    return answer.topics;
  }

  async describe(name: string, options: CallOptions = {}): Promise<Tagged<TopicDefinition>> {
    return await tagged(this.#gateway, { method: 'GET', path: pathOf('topics', name), isRepeatable: true, ...options });
  }

  /** What is given replaces what was. */
  async alter(name: string, changes: TopicChanges, options: ChangeOptions = {}): Promise<Tagged<TopicDefinition>> {
    return await altered(this.#gateway, pathOf('topics', name), changes, options);
  }

  /** With its messages and its subscriptions. */
  async delete(name: string, options: CallOptions = {}): Promise<void> {
    await deleted(this.#gateway, pathOf('topics', name), options);
  }
}

class Subscriptions {
  readonly #gateway: Gateway;

  constructor(gateway: Gateway) {
    this.#gateway = gateway;
  }

  /** Resolves when every later publish will reach it. */
  async create(subscription: SubscriptionOptions, options: CallOptions = {}): Promise<Tagged<SubscriptionDefinition>> {
    const request = { method: 'POST', path: '/v1/subscriptions', body: subscription, isRepeatable: true } as const;
    return await tagged(this.#gateway, { ...request, ...options });
  }

  async list(options: CallOptions = {}): Promise<readonly SubscriptionDefinition[]> {
    const path = '/v1/subscriptions';
    return (await got<{ subscriptions: readonly SubscriptionDefinition[] }>(this.#gateway, { path, ...options }))
      .subscriptions;
  }

  async describe(name: string, options: CallOptions = {}): Promise<Tagged<SubscriptionDefinition>> {
    const path = pathOf('subscriptions', name);
    return await tagged(this.#gateway, { method: 'GET', path, isRepeatable: true, ...options });
  }

  /** What is given replaces what was. */
  async alter(
    name: string,
    changes: SubscriptionChanges,
    options: ChangeOptions = {},
  ): Promise<Tagged<SubscriptionDefinition>> {
    return await altered(this.#gateway, pathOf('subscriptions', name), changes, options);
  }

  async delete(name: string, options: CallOptions = {}): Promise<void> {
    await deleted(this.#gateway, pathOf('subscriptions', name), options);
  }

  /** Moves it; what is out becomes `expired`. */
  async seek(name: string, to: SeekOptions['to'], options: CallOptions = {}): Promise<void> {
    const path = `${pathOf('subscriptions', name)}/seek`;
    await this.#gateway.call({ method: 'POST', path, body: { to }, isRepeatable: true, ...options });
  }

  async lag(name: string, options: CallOptions = {}): Promise<Lag> {
    return await got(this.#gateway, { path: `${pathOf('subscriptions', name)}/lag`, ...options });
  }

  /** Browses its dead letters. To go on from an offset, name the partition. */
  async deadLetters(
    name: string,
    options: BrowseOptions & { readonly partition?: number } = {},
  ): Promise<WithMessages<DeadLettersPage>> {
    const { from, limit, encoding, partition, ...call } = options;
    const path = `${pathOf('subscriptions', name)}/deadletters`;
    const query = { from, limit, encoding, partition };
    const page = await got<DeadLettersPage>(this.#gateway, { path, query, ...call });
    return { ...page, messages: page.messages.map(receivedMessage) };
  }

  /** Publishes dead letters again. Not tried again by itself: a letter could then be published twice. */
  async redrive(
    name: string,
    { signal, timeoutMs, ...body }: RedriveOptions & CallOptions = {},
  ): Promise<RedriveResult> {
    const path = `${pathOf('subscriptions', name)}/deadletters/redrive`;
    const call = { ...(signal === undefined ? {} : { signal }), ...(timeoutMs === undefined ? {} : { timeoutMs }) };
    const request = { method: 'POST', path, body, isRepeatable: false, ...call } as const;
    return (await this.#gateway.call<RedriveResult>(request)).body;
  }
}

function pathOf(kind: 'topics' | 'subscriptions', name: string): string {
  return `/v1/${kind}/${encodeURIComponent(name)}`;
}

async function got<T>(gateway: Gateway, request: Omit<Request, 'method' | 'isRepeatable'>): Promise<T> {
  return (await gateway.call<T>({ method: 'GET', isRepeatable: true, ...request })).body;
}

async function tagged<T extends object>(gateway: Gateway, request: Request): Promise<Tagged<T>> {
  const { body, headers } = await gateway.call<T>(request);
  return { ...body, etag: headers.get('etag') ?? '' };
}

/** With a tag a second try would fail where the first one was done and its answer lost. */
async function altered<T extends object>(
  gateway: Gateway,
  path: string,
  changes: object,
  { ifMatch, ...call }: ChangeOptions,
): Promise<Tagged<T>> {
  const headers = {
    'content-type': 'application/merge-patch+json',
    ...(ifMatch === undefined ? {} : { 'if-match': ifMatch }),
  };
  const request = { method: 'PATCH', path, body: changes, headers, isRepeatable: ifMatch === undefined } as const;
  return await tagged(gateway, { ...request, ...call });
}

/** Gone at the second try means that the first one did it. */
async function deleted(gateway: Gateway, path: string, options: CallOptions): Promise<void> {
  const deadline = { method: 'DELETE', path, ...options } as const;
  try {
    await gateway.call({ ...deadline, isRepeatable: false });
  } catch (reason) {
    if (!(reason instanceof SluiceError) || reason.status !== undefined || !reason.retryable) throw reason;
    try {
      await gateway.call({ ...deadline, isRepeatable: true });
    } catch (second) {
      if (!(second instanceof SluiceError) || second.status !== 404) throw second;
    }
  }
}
