/**
 * Driver -> port: definitions, validation, limits, deadlines, sessions and lifecycle, once for every backend. A driver sees
 * only complete, valid calls; a caller sees only `PortError`.
 */

import { AckTokens } from './ack-tokens.ts';
import type { Capability, CapabilityTable } from './capabilities.ts';
import { type PortClock, systemClock } from './clock.ts';
import { definitionRevision, Definitions, sameDefinition } from './definitions.ts';
import type { Driver, DriverHooks, OutgoingMessage } from './driver.ts';
import { PortError } from './errors.ts';
import { LateTokens } from './late-tokens.ts';
import { limits } from './limits.ts';
import { missingCapability, PublishPath } from './publish-path.ts';
import { partitionForKey } from './partitioner.ts';
import type {
  AlterOptions,
  Consumer,
  Created,
  Credit,
  Health,
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
  StorageFigures,
  TokenResult,
  TopicChanges,
  TopicDefinition,
  TopicOptions,
  Traced,
} from './port.ts';
import { type BackendName, backendNames, loadDriver } from './registry.ts';
import { systemOf } from './systems.ts';
import { type DeadLetter, type KnownStatus, type SessionEvent, SubscriptionSession } from './session.ts';
import { TokenSecrets } from './token-secrets.ts';
import { type MessageStamp, PortTracing, stampOf, type TracerProvider } from './tracing.ts';
import {
  alteredSubscription,
  alteredTopic,
  checkName,
  checkPositionIn,
  subscriptionDefinition,
  topicDefinition,
} from './validate.ts';

export interface OpenPortOptions {
  readonly backend: BackendName;
  /**
   * The backend's own options: `dataDir` (native), `url` or `urls` (rabbitmq), `brokers` (kafka), and what its options.ts names: how to log
   * in to a broker that is there already, and how to leave it as it is (docs/EXISTING-BROKERS.md).
   */
  readonly config?: Readonly<Record<string, unknown>>;
  readonly hooks?: PortHooks;
  /** Of the native log: refuse what this system refuses (`rabbitmq-quorum`, `kafka`, `rabbitmq-quorum@3.10`, ...); see likeness.ts. */
  readonly like?: string;
  readonly tokens?: TokenOptions;
  /** Where spans go, rather than to the provider that the program registered with OpenTelemetry's API, if it did (docs/TRACING.md). */
  readonly tracerProvider?: TracerProvider;
}

export interface TokenOptions {
  /**
   * The name of this gateway, which its tokens carry: another one answers `elsewhere` with it. The same after a restart, and of no other
   * gateway on the backend. Without one a token of another process is never `elsewhere`.
   */
  readonly gateway?: string;
  /**
   * Secrets by which tokens are signed (the first) and known (all), the same for every process on the backend. Without any, one is made
   * and kept beside the definitions.
   */
  readonly keys?: readonly string[];
}

/** Told as things happen, for metrics. Must not throw. */
export interface PortHooks extends DriverHooks {
  readonly subscriptionEvent?: (event: SessionEvent, subscription: string, topic: string) => void;
}

/**
 * Opens a port. Resolves when the backend answers and the definitions are loaded.
 * @throws PortError `backend_unavailable` when it cannot be reached, `invalid_argument` for bad options.
 */
export async function openPort(options: OpenPortOptions): Promise<MessagingPort> {
  if (!backendNames.includes(options.backend)) {
    throw new PortError('invalid_argument', `backend "${options.backend}" is none of ${backendNames.join(', ')}`);
  }
  if (options.like !== undefined) {
    systemOf(options.like);
    if (options.backend !== 'native')
      throw new PortError('invalid_argument', `like: only the native log takes on the manners of another system`);
  }
  const { openDriver } = await loadDriver(options.backend);
  let driver = await openDriver(options.config ?? {}, options.hooks);
  if (options.like !== undefined) {
    const { driverLike } = await import('./likeness.ts');
    driver = await driverLike(driver, options.like);
  }
  return await portFromDriver(driver, options.hooks, systemClock, options.tokens, options.tracerProvider);
}

/** A port whose consumers can be cut off, which no user of a port has a use for: for tests. */
export interface SeverablePort extends MessagingPort {
  /** Every lease of every consumer ends now, as if its deadline had come. */
  expireLeases(): void;
}

/** The port over a driver of one's own: for adapter authors and tests. `clock` moves leases, back-offs and timestamps. */
export async function portFromDriver(
  driver: Driver,
  hooks: PortHooks = {},
  clock: PortClock = systemClock,
  tokens: TokenOptions = {},
  tracerProvider?: TracerProvider,
): Promise<SeverablePort> {
  const port = new Port(driver, hooks, clock, tokens, new PortTracing(driver.info, tracerProvider));
  try {
    await port.load();
  } catch (reason) {
    await driver.close().catch(() => undefined); // the reason below is the one that matters
    throw PortError.from(reason, 'backend_unavailable');
  }
  return port;
}

class Port implements SeverablePort {
  readonly #driver: Driver;
  readonly #hooks: PortHooks;
  readonly #clock: PortClock;
  readonly #definitions: Definitions;
  readonly #sessions = new Map<string, SubscriptionSession>();
  readonly #opening = new Map<string, Promise<SubscriptionSession>>();
  /** By subscription: the last of what opens, moves or ends its session. */
  readonly #turns = new Map<string, Promise<unknown>>();
  readonly #publishing: PublishPath;
  /** As the driver: absent where it is absent there. */
  readonly storage?: () => Promise<StorageFigures>;
  readonly #secrets: TokenSecrets;
  readonly #tokens: AckTokens;
  readonly #late: LateTokens;
  readonly #tracing: PortTracing;
  #closing: Promise<void> | undefined;

  constructor(
    driver: Driver,
    hooks: PortHooks,
    clock: PortClock,
    { gateway = '', keys = [] }: TokenOptions,
    tracing: PortTracing,
  ) {
    this.#driver = driver;
    this.#tracing = tracing;
    if (driver.storage !== undefined)
      this.storage = async () =>
        await this.#admin(async () => await (driver.storage as () => Promise<StorageFigures>)());
    this.#hooks = hooks;
    this.#clock = clock;
    this.#definitions = new Definitions((kind, name) => this.#definitionChanged(kind, name));
    this.#publishing = new PublishPath({ driver, clock, definitions: this.#definitions });
    this.#secrets = new TokenSecrets(keys);
    this.#tokens = new AckTokens(this.#secrets, gateway);
    this.#late = new LateTokens({ driver, tokens: this.#tokens, secrets: this.#secrets, clock, gateway });
  }

  async load(): Promise<void> {
    const store = await this.#driver.openMeta((key, value) => {
      this.#definitions.apply(key, value);
      this.#secrets.apply(key, value);
    });
    this.#definitions.use(store);
    await within(limits.adminTimeoutMs, this.#secrets.use(store));
  }

  get info() {
    return this.#driver.info;
  }

  capabilities(queueType?: QueueType): CapabilityTable {
    return this.#driver.capabilities(queueType);
  }

  // ------------------------------------------------------------------------------------------ topics

  async createTopic(options: TopicOptions): Promise<Created<TopicDefinition>> {
    const asked = this.#completeTopic(topicDefinition(options));
    return await this.#admin(async () => await this.#definitions.change(async () => await this.#createTopicNow(asked)));
  }

  #completeTopic(topic: TopicDefinition): TopicDefinition {
    const asked = this.#driver.completeTopic(topic);
    if (asked.cleanup === 'compact') this.#require('compaction', asked.queueType);
    if (asked.retention.ms !== null || asked.retention.bytes !== null) this.#require('ttl.retention', asked.queueType);
    return asked;
  }

  async alterTopic(name: string, changes: TopicChanges, { ifRevision }: AlterOptions = {}): Promise<TopicDefinition> {
    checkName(name, 'topic');
    return await this.#admin(async () => {
      await this.#definitions.topic(name); // one that is not there need not wait for its turn
      const topic = await this.#definitions.change(async () => {
        const from = await this.#definitions.topic(name);
        checkRevision(`topic "${name}"`, from, ifRevision);
        const to = this.#completeTopic(alteredTopic(from, changes));
        if (sameDefinition(from, to)) return from;
        if (this.#driver.alterTopic === undefined) {
          throw new PortError('capability_unsupported', `${this.info.product} cannot change a topic: make another`);
        }
        // The physical topic first: a crash in between leaves one that can do more than is said, which the same change completes.
        await this.#driver.alterTopic(from, to, this.#definitions.subscriptionsOf(name));
        await this.#definitions.putTopic(name, to);
        return to;
      });
      // Consumers here read from what is new when this is answered; those of other processes when they heard of it.
      await Promise.all(this.#sessionsOf(name).map(async (session) => await this.#renew(session)));
      return topic;
    });
  }

  async #createTopicNow(asked: TopicDefinition): Promise<Created<TopicDefinition>> {
    const existing = await this.#definitions.findTopic(asked.name);
    if (existing !== undefined) {
      if (sameDefinition(existing, asked)) {
        await this.#driver.createTopic(existing); // where a delete died half-way, only the definition is left
        return { created: false, definition: existing };
      }
      throw new PortError(
        'already_exists',
        `topic "${asked.name}" exists with other options: ${JSON.stringify(existing)}`,
      );
    }
    // The physical topic first: a crash in between leaves one that the next create finds and completes.
    await this.#driver.createTopic(asked);
    await this.#definitions.putTopic(asked.name, asked);
    return { created: true, definition: asked };
  }

  async describeTopic(name: string): Promise<TopicDefinition> {
    checkName(name, 'topic');
    return await this.#admin(async () => await this.#definitions.topic(name));
  }

  async listTopics(): Promise<readonly TopicDefinition[]> {
    return await this.#admin(async () => byName(await this.#definitions.topics()));
  }

  async deleteTopic(name: string): Promise<void> {
    checkName(name, 'topic');
    await this.#admin(async () => {
      await this.#definitions.topic(name);
      await this.#definitions.change(async () => {
        const topic = await this.#definitions.topic(name);
        for (const subscription of this.#definitions.subscriptionsOf(name))
          await this.#deleteSubscriptionNow(subscription);
        // The physical topic first: should this fail or die in between, the topic is still there to be deleted again. The other
        // way round its messages would lie in wait for the next topic of this name.
        await this.#driver.deleteTopic(topic);
        await this.#definitions.putTopic(name, null);
        this.#publishing.forget(name);
      });
    });
  }

  // ------------------------------------------------------------------------------------------ subscriptions

  async createSubscription(options: SubscriptionOptions): Promise<Created<SubscriptionDefinition>> {
    const asked = subscriptionDefinition(options);
    return await this.#admin(async () => {
      const topic = await this.#definitions.topic(asked.topic);
      this.#checkSubscription(asked, topic);
      return await this.#definitions.change(async () => await this.#createSubscriptionNow(asked));
    });
  }

  async #createSubscriptionNow(asked: SubscriptionDefinition): Promise<Created<SubscriptionDefinition>> {
    const existing = await this.#definitions.findSubscription(asked.name);
    if (existing !== undefined) {
      if (sameDefinition(existing, asked)) return { created: false, definition: existing };
      throw new PortError(
        'already_exists',
        `subscription "${asked.name}" exists with other options: ${JSON.stringify(existing)}`,
      );
    }
    const topic = await this.#definitions.topic(asked.topic);
    if (asked.deadLetterTopic !== null && (await this.#definitions.findTopic(asked.deadLetterTopic)) === undefined) {
      await this.#createTopicNow(this.#driver.deadLetterTopic(asked.deadLetterTopic, topic));
    }
    // Tokens of an earlier subscription of this name are not of this one.
    await this.#secrets.renewEpoch(asked.name);
    await this.#driver.createSubscription(asked, topic);
    await this.#definitions.putSubscription(asked.name, asked);
    return { created: true, definition: asked };
  }

  #checkSubscription(asked: SubscriptionDefinition, topic: TopicDefinition): void {
    if (asked.start === 'earliest') this.#require('subscribe.late', topic.queueType);
    else if (typeof asked.start === 'object') {
      checkPositionIn(asked.start, topic.partitions, 'start');
      this.#require('timestampMs' in asked.start ? 'replay.timestamp' : 'replay.offset', topic.queueType);
    }
    if (asked.ordering !== 'none')
      this.#require(asked.ordering === 'key' ? 'order.key' : 'order.partition', topic.queueType);
    if (asked.deadLetterTopic !== null) this.#require('deadLetter', topic.queueType);
    for (const capability of asked.requires) this.#require(capability as Capability, topic.queueType);
    this.#driver.checkSubscription(asked, topic);
  }

  async describeSubscription(name: string): Promise<SubscriptionDefinition> {
    checkName(name, 'subscription');
    return await this.#admin(async () => await this.#definitions.subscription(name));
  }

  async listSubscriptions(): Promise<readonly SubscriptionDefinition[]> {
    return await this.#admin(async () => byName(await this.#definitions.subscriptions()));
  }

  async alterSubscription(
    name: string,
    changes: SubscriptionChanges,
    { ifRevision }: AlterOptions = {},
  ): Promise<SubscriptionDefinition> {
    checkName(name, 'subscription');
    return await this.#admin(async () => {
      await this.#definitions.subscription(name);
      const subscription = await this.#definitions.change(async () => {
        const from = await this.#definitions.subscription(name);
        checkRevision(`subscription "${name}"`, from, ifRevision);
        const to = alteredSubscription(from, changes);
        if (sameDefinition(from, to)) return from;
        this.#driver.checkAlteredSubscription?.(from, to, await this.#definitions.topic(from.topic));
        await this.#definitions.putSubscription(name, to);
        return to;
      });
      const session = this.#sessions.get(name);
      if (session !== undefined) await this.#renew(session);
      return subscription;
    });
  }

  async deleteSubscription(name: string): Promise<void> {
    checkName(name, 'subscription');
    await this.#admin(async () => {
      await this.#definitions.subscription(name);
      await this.#definitions.change(
        async () => await this.#deleteSubscriptionNow(await this.#definitions.subscription(name)),
      );
    });
  }

  async #deleteSubscriptionNow(subscription: SubscriptionDefinition): Promise<void> {
    const topic = await this.#definitions.topic(subscription.topic);
    await this.#definitions.putSubscription(subscription.name, null);
    await this.#inTurn(subscription.name, async () => await this.#endSession(subscription.name));
    await this.#driver.deleteSubscription(subscription, topic);
    await this.#secrets.forgetEpoch(subscription.name);
  }

  // ------------------------------------------------------------------------------------------ publish

  async publish(
    topicName: string,
    messages: readonly PublishMessage[],
    options: PublishOptions = {},
  ): Promise<readonly PublishOutcome[]> {
    this.#assertOpen();
    const { tracer } = this.#tracing;
    if (tracer === undefined) {
      const topic = this.#definitions.knownTopic(topicName) ?? (await this.#topicNamed(topicName));
      return await this.#publishing.publish(topic, messages, options, stampOf(options.traceContext));
    }
    return await this.#tracing.publish(tracer, topicName, options.traceContext, async (stamp) => {
      const topic = this.#definitions.knownTopic(topicName) ?? (await this.#topicNamed(topicName));
      return await this.#publishing.publish(topic, messages, options, stamp);
    });
  }

  async #topicNamed(name: string): Promise<TopicDefinition> {
    return await this.#admin(async () => {
      checkName(name, 'topic');
      return await this.#definitions.topic(name);
    });
  }

  // ------------------------------------------------------------------------------------------ consume

  async subscribe(
    name: string,
    options: { readonly credit: Credit; readonly signal?: AbortSignal; readonly hasLocalTokens?: boolean },
  ): Promise<Consumer> {
    checkName(name, 'subscription');
    const credit = { messages: options.credit.messages, bytes: options.credit.bytes ?? limits.maxInFlightBytes };
    if (!(Number.isInteger(credit.messages) && credit.messages >= 1 && credit.bytes >= 1)) {
      throw new PortError(
        'invalid_argument',
        `credit must be at least 1 message and 1 byte, not ${JSON.stringify(options.credit)}`,
      );
    }
    let session = await this.#admin(async () => await this.#session(name, credit));
    // Its last consumer may have closed it between the answer and now.
    while (session.isClosing) session = await this.#admin(async () => await this.#session(name, credit));
    return session.addConsumer(credit, options);
  }

  async #session(name: string, credit: Required<Credit>): Promise<SubscriptionSession> {
    const existing = this.#sessions.get(name);
    if (existing !== undefined && !existing.isClosing) return existing;
    if (existing !== undefined) await existing.close();
    let opening = this.#opening.get(name);
    if (opening === undefined) {
      opening = this.#inTurn(name, async () => await this.#openSession(name, credit)).finally(() =>
        this.#opening.delete(name),
      );
      this.#opening.set(name, opening);
    }
    return await opening;
  }

  async #openSession(name: string, credit: Required<Credit>): Promise<SubscriptionSession> {
    const definition = await this.#definitions.subscription(name);
    const topic = await this.#definitions.topic(definition.topic);
    const session = new SubscriptionSession({
      driver: this.#driver,
      clock: this.#clock,
      definition,
      topic,
      tracing: this.#tracing,
      signer: this.#tokens.session(name, this.#secrets.epochOf(name)),
      hooks: {
        storeDeadLetter: async (subscription, letter) => await this.#storeDeadLetter(subscription, letter),
        event: (event, subscription) => this.#hooks.subscriptionEvent?.(event, subscription.name, subscription.topic),
        closed: (closed) => {
          if (this.#sessions.get(name) === closed) this.#sessions.delete(name);
        },
      },
    });
    await session.open(credit);
    this.#sessions.set(name, session);
    // Deleted by another process while it was opened: the news found no session to end.
    if ((await this.#definitions.findSubscription(name)) === undefined) await this.#endSession(name);
    return session;
  }

  /**
   * One after the other for a subscription: opening, moving and ending. A pull that opens while a seek moves the cursor would read on
   * from the old place and write it back; two seeks would leave two intakes, of which nobody ever closes one.
   */
  async #inTurn<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(name) ?? Promise.resolve();
    const turn = before.then(work);
    const settled = turn.catch(() => undefined);
    this.#turns.set(name, settled);
    void settled.then(() => {
      if (this.#turns.get(name) === settled) this.#turns.delete(name);
    });
    return await turn;
  }

  async #storeDeadLetter(subscription: SubscriptionDefinition, letter: DeadLetter): Promise<void> {
    await this.#tracing.deadLetter(
      subscription,
      letter.attempts,
      letter.message,
      async (stamp) => await this.#storeDeadLetterNow(subscription, letter, stamp),
    );
  }

  async #storeDeadLetterNow(
    subscription: SubscriptionDefinition,
    { message, attempts, reason }: DeadLetter,
    stamp: MessageStamp | undefined,
  ): Promise<void> {
    const topic = await this.#definitions.topic(subscription.deadLetterTopic as string);
    const about = [
      ['dead-letter-reason', reason],
      ['dead-letter-attempts', String(attempts)],
      ['dead-letter-subscription', subscription.name],
      ['dead-letter-topic', message.topic],
      ['dead-letter-partition', String(message.partition)],
      ...(message.offset === null ? [] : [['dead-letter-offset', String(message.offset)] as const]),
    ] as const;
    const letter: OutgoingMessage = {
      key: message.key,
      value: message.value,
      headers: [
        ...(stamp?.headersFor(message.headers) ?? message.headers),
        ...about.map(([name, value]) => ({ name, value: Buffer.from(value) })),
      ],
      contentType: message.contentType,
      id: message.id ?? this.#publishing.nextId(),
      timestampMs: message.timestampMs,
      partition: message.key === null ? 0 : partitionForKey(message.key, topic.partitions),
    };
    const durability = this.#driver.durability(topic, {});
    const storing = this.#publishing.store(topic, [letter], { durability, signal: undefined });
    const [outcome] = await storing.catch((reason: unknown) => {
      throw PortError.from(reason);
    });
    if (outcome?.kind !== 'stored') throw outcome?.error ?? new PortError('internal', 'the driver gave no outcome');
  }

  expireLeases(): void {
    for (const session of this.#sessions.values()) session.expireLeases();
  }

  async ack(subscription: string, tokens: readonly string[], options?: Traced): Promise<readonly TokenResult[]> {
    return await this.#settle('ack', subscription, tokens, options, async (session) => await session.ack(tokens));
  }

  async nack(
    subscription: string,
    tokens: readonly string[],
    options: Traced & { readonly delayMs?: number; readonly reason?: string } = {},
  ): Promise<readonly TokenResult[]> {
    return await this.#settle(
      'nack',
      subscription,
      tokens,
      options,
      async (session) => await session.nack(tokens, options.delayMs, options.reason),
    );
  }

  async release(subscription: string, tokens: readonly string[], options?: Traced): Promise<readonly TokenResult[]> {
    return await this.#settle(
      'release',
      subscription,
      tokens,
      options,
      async (session) => await session.release(tokens),
    );
  }

  async reject(
    subscription: string,
    tokens: readonly string[],
    options: Traced & { readonly reason?: string } = {},
  ): Promise<readonly TokenResult[]> {
    return await this.#settle(
      'reject',
      subscription,
      tokens,
      options,
      async (session) => await session.reject(tokens, options.reason),
    );
  }

  async extend(subscription: string, tokens: readonly string[], deadlineMs: number): Promise<readonly TokenResult[]> {
    if (!(Number.isInteger(deadlineMs) && deadlineMs >= 1 && deadlineMs <= limits.ackDeadlineMsMax)) {
      throw new PortError('invalid_argument', `deadlineMs must be from 1 to ${limits.ackDeadlineMsMax}`);
    }
    return await this.#settleNow(subscription, tokens, async (session) => session.extend(tokens, deadlineMs));
  }

  #settle(
    call: 'ack' | 'nack' | 'release' | 'reject',
    name: string,
    tokens: readonly string[],
    options: Traced | undefined,
    how: (session: SubscriptionSession) => Promise<KnownStatus[]>,
  ): Promise<readonly TokenResult[]> {
    const { tracer } = this.#tracing;
    if (tracer === undefined) return this.#settleNow(name, tokens, how, call === 'ack');
    const session = this.#sessions.get(name);
    const settled = {
      topic: session?.topic.name,
      // Now, because a settled one is forgotten.
      messages: session?.messagesOf(tokens) ?? [],
      tokens: tokens.length,
    };
    return this.#tracing.settle(
      tracer,
      call,
      name,
      options?.traceContext,
      settled,
      async () => await this.#settleNow(name, tokens, how, call === 'ack'),
    );
  }

  async #settleNow(
    name: string,
    tokens: readonly string[],
    how: (session: SubscriptionSession) => Promise<KnownStatus[]>,
    isAck = false,
  ): Promise<readonly TokenResult[]> {
    this.#assertOpen();
    if (tokens.length > limits.tokensPerCallMax) {
      throw new PortError(
        'invalid_argument',
        `${tokens.length} tokens in one call are above the limit of ${limits.tokensPerCallMax}`,
      );
    }
    const session = this.#sessions.get(name);
    const statuses: readonly KnownStatus[] = session === undefined ? [] : await how(session);
    const results = tokens.map((token, index) => {
      const status = statuses[index];
      return status === undefined ? undefined : { token, status };
    });
    if (!isWhole(results)) return await this.#admin(async () => await this.#settleLate(name, tokens, results, isAck));
    return results;
  }

  /** In the turn of the subscription: neither a seek nor the first pull comes between a look at a position and its settlement. */
  async #settleLate(
    name: string,
    tokens: readonly string[],
    known: readonly (TokenResult | undefined)[],
    isAck: boolean,
  ): Promise<readonly TokenResult[]> {
    const definition = await this.#definitions.subscription(name);
    const topic = await this.#definitions.topic(definition.topic);
    return await this.#inTurn(name, async () => {
      const results: TokenResult[] = [];
      for (const [index, token] of tokens.entries()) {
        const session = this.#sessions.get(name);
        results.push(known[index] ?? (await this.#late.settle(token, isAck, { definition, topic, session })));
      }
      return results;
    });
  }

  // ------------------------------------------------------------------------------------------ positions

  async seek(name: string, to: Position): Promise<void> {
    checkName(name, 'subscription');
    await this.#admin(async () => {
      const definition = await this.#definitions.subscription(name);
      const topic = await this.#definitions.topic(definition.topic);
      checkPositionIn(to, topic.partitions, 'to');
      this.#require(seekCapability(to), topic.queueType);
      await this.#inTurn(name, async () => {
        // A token of before must not settle, after a restart, what is to be delivered again.
        const session = this.#sessions.get(name);
        const move = async (): Promise<void> => {
          await this.#driver.seek(definition, topic, to);
          await this.#secrets.renewEpoch(name);
          session?.useEpoch(this.#secrets.epochOf(name));
        };
        if (session === undefined || session.isClosing) {
          await session?.close();
          await move();
        } else await session.seek(move);
      });
    });
  }

  async lag(name: string): Promise<SubscriptionLag> {
    checkName(name, 'subscription');
    return await this.#admin(async () => {
      const definition = await this.#definitions.subscription(name);
      const topic = await this.#definitions.topic(definition.topic);
      this.#require('lag', topic.queueType);
      return await this.#driver.lag(definition, topic);
    });
  }

  async read(
    topicName: string,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    checkName(topicName, 'topic');
    return await this.#admin(async () => {
      const topic = await this.#definitions.topic(topicName);
      this.#require('browse', topic.queueType);
      if (!(Number.isInteger(partition) && partition >= 0 && partition < topic.partitions)) {
        throw new PortError(
          'invalid_argument',
          `partition ${partition} is not one of the ${topic.partitions} of topic "${topicName}"`,
        );
      }
      if (!(Number.isInteger(limit) && limit >= 1 && limit <= limits.readMessagesMax)) {
        throw new PortError('invalid_argument', `limit must be from 1 to ${limits.readMessagesMax}`);
      }
      if (typeof from === 'number' && !(Number.isSafeInteger(from) && from >= 0)) {
        throw new PortError('invalid_argument', `from ${from} is not an offset`);
      }
      return await this.#driver.read(topic, partition, from, limit);
    });
  }

  // ------------------------------------------------------------------------------------------ lifecycle

  async health(): Promise<Health> {
    if (this.#closing !== undefined) return { ok: false, detail: 'closed' };
    try {
      return await within(limits.adminTimeoutMs, this.#driver.health());
    } catch (reason) {
      return { ok: false, detail: PortError.from(reason).message };
    }
  }

  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async #closeNow(): Promise<void> {
    const closed = new PortError('closed', 'the port was closed');
    const sessions = Promise.allSettled(
      [...this.#sessions.values()].map(async (session) => await session.endWith(closed)),
    );
    await within(limits.closeTimeoutMs, Promise.all([sessions, this.#publishing.idle()])).catch(() => undefined); // close is bounded; the driver settles the rest
    await this.#driver.close();
  }

  /** A definition that changed or went away in another process does so for the sessions here too. */
  #definitionChanged(kind: 'topic' | 'subscription', name: string): void {
    if (kind === 'topic') {
      // One that is gone has taken its subscriptions with it, of which there is news of their own.
      for (const session of this.#sessionsOf(name)) void this.#renew(session).catch(() => undefined); // read anew by the next change
      return;
    }
    const session = this.#sessions.get(name);
    if (session === undefined) return;
    void this.#definitions.findSubscription(name).then(
      async (definition) => {
        if (definition === undefined) await this.#endSession(name);
        else await this.#renew(session);
      },
      () => undefined, // not known now: the intake notices by itself
    );
  }

  #sessionsOf(topic: string): readonly SubscriptionSession[] {
    return [...this.#sessions.values()].filter((session) => session.topic.name === topic);
  }

  /** The session goes on with the definitions as they are now. One whose intake cannot be opened again ends, and says why. */
  async #renew(session: SubscriptionSession): Promise<void> {
    const { name } = session.definition;
    await this.#inTurn(name, async () => {
      const definition = await this.#definitions.findSubscription(name);
      const topic = this.#definitions.knownTopic(session.topic.name);
      if (definition === undefined || topic === undefined || session.isClosing) return;
      // Changed is changed: a session that cannot go on with it has told its consumers so.
      await session.use(definition, topic).catch(() => undefined);
    });
  }

  async #endSession(name: string): Promise<void> {
    const session = this.#sessions.get(name);
    this.#sessions.delete(name);
    await session?.endWith(new PortError('subscription_not_found', `subscription "${name}" was deleted`));
  }

  async #admin<T>(work: () => Promise<T>): Promise<T> {
    this.#assertOpen();
    try {
      return await within(limits.adminTimeoutMs, work());
    } catch (reason) {
      throw PortError.from(reason);
    }
  }

  #assertOpen(): void {
    if (this.#closing !== undefined) throw new PortError('closed', 'the port was closed');
  }

  #require(capability: Capability, queueType: QueueType | null): void {
    const missing = missingCapability(this.#driver, capability, queueType);
    if (missing !== undefined) throw missing;
  }
}

function checkRevision(what: string, definition: object, expected: AlterOptions['ifRevision']): void {
  const revision = definitionRevision(definition);
  if (expected === undefined || [expected].flat().includes(revision)) return;
  const asked = [expected].flat().join(' or ');
  throw new PortError('precondition_failed', `${what} is at revision ${revision}, not at ${asked}`);
}

function seekCapability(to: Position): Capability {
  if (to === 'earliest' || to === 'latest') return 'replay.earliest';
  return 'timestampMs' in to ? 'replay.timestamp' : 'replay.offset';
}

function byName<T extends { readonly name: string }>(definitions: readonly T[]): readonly T[] {
  return definitions.toSorted((left, right) => (left.name < right.name ? -1 : 1));
}

async function within<T>(timeoutMs: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const deadline = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new PortError('deadline_exceeded', `no answer within ${timeoutMs} ms`)), timeoutMs);
  });
  try {
    return await Promise.race([work, deadline]);
  } finally {
    clearTimeout(timer);
  }
}

function isWhole(results: readonly (TokenResult | undefined)[]): results is readonly TokenResult[] {
  return !results.includes(undefined);
}
