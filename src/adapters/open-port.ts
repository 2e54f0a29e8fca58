/**
 * Driver -> port: definitions, validation, limits, deadlines, sessions and lifecycle, once for every backend. A driver sees
 * only complete, valid calls; a caller sees only `PortError`.
 */

import { AckTokens } from './ack-tokens.ts';
import { Administration } from './administration.ts';
import type { Capability, CapabilityTable } from './capabilities.ts';
import { type PortClock, systemClock } from './clock.ts';
import { DeadLetters } from './dead-letters.ts';
import { Definitions } from './definitions.ts';
import type { Driver, DriverHooks } from './driver.ts';
import { PortError } from './errors.ts';
import { LateTokens } from './late-tokens.ts';
import { limits } from './limits.ts';
import { OpenSessions } from './open-sessions.ts';
import { missingCapability, PublishPath } from './publish-path.ts';
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
import type { KnownStatus, SessionEvent, SubscriptionSession } from './session.ts';
import { TokenSecrets } from './token-secrets.ts';
import { PortTracing, stampOf, type TracerProvider } from './tracing.ts';
import { checkName, checkPositionIn } from './validate.ts';

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
  readonly #definitions: Definitions;
  readonly #administration: Administration;
  readonly #sessions: OpenSessions;
  readonly #publishing: PublishPath;
  /** As the driver: absent where it is absent there. */
  readonly storage?: () => Promise<StorageFigures>;
  readonly #secrets: TokenSecrets;
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
    this.#definitions = new Definitions((kind, name) => this.#sessions.definitionChanged(kind, name));
    this.#secrets = new TokenSecrets(keys);
    const [definitions, secrets] = [this.#definitions, this.#secrets];
    const publishing = new PublishPath({ driver, clock, definitions });
    const tokens = new AckTokens(secrets, gateway);
    this.#publishing = publishing;
    this.#late = new LateTokens({ driver, tokens, secrets, clock, gateway });
    this.#sessions = new OpenSessions({
      driver,
      clock,
      definitions,
      tracing,
      tokens,
      secrets,
      deadLetters: new DeadLetters({ driver, definitions, publishing, tracing }),
      event: (event, subscription) => hooks.subscriptionEvent?.(event, subscription.name, subscription.topic),
    });
    this.#administration = new Administration({ driver, definitions, sessions: this.#sessions, secrets, publishing });
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

  // ------------------------------------------------------------------------------------------ topics and subscriptions

  async createTopic(options: TopicOptions): Promise<Created<TopicDefinition>> {
    return await this.#admin(async () => await this.#administration.createTopic(options));
  }

  async alterTopic(name: string, changes: TopicChanges, options?: AlterOptions): Promise<TopicDefinition> {
    return await this.#admin(async () => await this.#administration.alterTopic(name, changes, options));
  }

  async describeTopic(name: string): Promise<TopicDefinition> {
    return await this.#admin(async () => await this.#administration.describeTopic(name));
  }

  async listTopics(): Promise<readonly TopicDefinition[]> {
    return await this.#admin(async () => await this.#administration.listTopics());
  }

  async deleteTopic(name: string): Promise<void> {
    await this.#admin(async () => await this.#administration.deleteTopic(name));
  }

  async createSubscription(options: SubscriptionOptions): Promise<Created<SubscriptionDefinition>> {
    return await this.#admin(async () => await this.#administration.createSubscription(options));
  }

  async describeSubscription(name: string): Promise<SubscriptionDefinition> {
    return await this.#admin(async () => await this.#administration.describeSubscription(name));
  }

  async listSubscriptions(): Promise<readonly SubscriptionDefinition[]> {
    return await this.#admin(async () => await this.#administration.listSubscriptions());
  }

  async alterSubscription(
    name: string,
    changes: SubscriptionChanges,
    options?: AlterOptions,
  ): Promise<SubscriptionDefinition> {
    return await this.#admin(async () => await this.#administration.alterSubscription(name, changes, options));
  }

  async deleteSubscription(name: string): Promise<void> {
    await this.#admin(async () => await this.#administration.deleteSubscription(name));
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
    let session = await this.#admin(async () => await this.#sessions.opened(name, credit));
    // Its last consumer may have closed it between the answer and now.
    while (session.isClosing) session = await this.#admin(async () => await this.#sessions.opened(name, credit));
    return session.addConsumer(credit, options);
  }

  expireLeases(): void {
    for (const session of this.#sessions.all()) session.expireLeases();
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
    return await this.#sessions.inTurn(name, async () => {
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
      await this.#sessions.inTurn(name, async () => {
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
    const sessions = Promise.allSettled(this.#sessions.all().map(async (session) => await session.endWith(closed)));
    await within(limits.closeTimeoutMs, Promise.all([sessions, this.#publishing.idle()])).catch(() => undefined); // close is bounded; the driver settles the rest
    await this.#driver.close();
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

function seekCapability(to: Position): Capability {
  if (to === 'earliest' || to === 'latest') return 'replay.earliest';
  return 'timestampMs' in to ? 'replay.timestamp' : 'replay.offset';
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
