/**
 * The smallest correct driver: everything in memory, nothing clever. It claims all that memory can do, so that the claimed
 * branch of each conformance chapter has something to pass on; `without` takes claims away, and the model then refuses, so
 * that the other branch has too.
 */

import {
  type Capability,
  capabilityNames,
  type CapabilityTable,
  native,
  unsupported,
} from '../../src/adapters/capabilities.ts';
import type {
  Driver,
  DriverDelivery,
  Intake,
  IntakeCredit,
  IntakeSink,
  MetaStore,
  OutgoingMessage,
} from '../../src/adapters/driver.ts';
import { PortError } from '../../src/adapters/errors.ts';
import { limits } from '../../src/adapters/limits.ts';
import { messageBytes } from '../../src/adapters/log-codec.ts';
import { portFromDriver } from '../../src/adapters/open-port.ts';
import type {
  Durability,
  Health,
  Message,
  MessagingPort,
  Persistence,
  Position,
  PublishOutcome,
  ReadResult,
  SubscriptionDefinition,
  SubscriptionLag,
  TopicDefinition,
} from '../../src/adapters/port.ts';

/** What memory cannot do. A model claims `fsync` no more than anybody should. */
const beyondMemory: readonly Capability[] = ['durability.os', 'durability.fsync', 'durability.copies', 'transactions'];

export async function openModel(without: readonly Capability[] = []): Promise<MessagingPort> {
  return await portFromDriver(new ModelDriver(without));
}

interface Stored {
  readonly message: Message;
  readonly dueAtMs: number;
  readonly expiresAtMs: number;
  readonly priority: number;
}

interface Pending {
  readonly stored: Stored;
  attempt: number;
  /** The delivery that is out, if one is. */
  out: ModelDelivery | null;
}

class ModelDelivery implements DriverDelivery {
  readonly message: Message;
  readonly attempt: number;
  readonly bytes: number;
  readonly pending: Pending;

  constructor(pending: Pending) {
    this.message = pending.stored.message;
    this.attempt = pending.attempt;
    this.bytes = messageBytes(this.message);
    this.pending = pending;
  }
}

class ModelTopic {
  readonly partitions: Stored[][];
  readonly outcomesById = new Map<string, PublishOutcome>();
  readonly subscriptions = new Map<string, ModelSubscription>();

  constructor(definition: TopicDefinition) {
    this.partitions = Array.from({ length: definition.partitions }, () => []);
  }

  from(position: Position, offsetOfRest: (partition: number) => number): readonly Stored[] {
    return this.partitions.flatMap((stored, partition) =>
      stored.slice(startOffset(stored, partition, position, offsetOfRest)),
    );
  }
}

class ModelSubscription {
  /** In stored order per partition. */
  pending: Pending[] = [];
  /** One for each port that reads. */
  readonly intakes = new Set<ModelIntake>();

  add(stored: readonly Stored[]): void {
    for (const one of stored) this.pending.push({ stored: one, attempt: 1, out: null });
    this.feed();
  }

  feed(): void {
    for (const intake of this.intakes) intake.feed();
  }

  dropExpired(nowMs: number): void {
    this.pending = this.pending.filter(({ stored, out }) => out !== null || stored.expiresAtMs > nowMs);
  }

  /** Due and not out, the highest priority first, then in stored order. */
  ready(nowMs: number): Pending | undefined {
    const candidates = this.pending.filter(({ stored, out }) => out === null && stored.dueAtMs <= nowMs);
    const highest = Math.max(...candidates.map(({ stored }) => stored.priority));
    return candidates.find(({ stored }) => stored.priority === highest);
  }
}

class ModelIntake implements Intake {
  readonly retryMode = 'requeue';
  readonly #subscription: ModelSubscription;
  readonly #sink: IntakeSink;
  readonly #out = new Set<ModelDelivery>();
  #credit: IntakeCredit;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(subscription: ModelSubscription, sink: IntakeSink, credit: IntakeCredit) {
    this.#subscription = subscription;
    this.#sink = sink;
    this.#credit = credit;
  }

  feed(): void {
    if (this.#isClosed) return;
    clearTimeout(this.#timer);
    const nowMs = Date.now();
    this.#subscription.dropExpired(nowMs);
    while (this.#hasRoom()) {
      const pending = this.#subscription.ready(nowMs);
      if (pending === undefined) break;
      pending.out = new ModelDelivery(pending);
      this.#out.add(pending.out);
      this.#sink.deliver(pending.out);
    }
    const nextDueMs = Math.min(
      ...this.#subscription.pending.map(({ stored }) => stored.dueAtMs).filter((dueAtMs) => dueAtMs > nowMs),
    );
    if (Number.isFinite(nextDueMs)) this.#timer = setTimeout(() => this.feed(), nextDueMs - nowMs);
  }

  grant(credit: IntakeCredit): void {
    this.#credit = credit;
    this.feed();
  }

  ack(delivery: DriverDelivery): void {
    const { pending } = delivery as ModelDelivery;
    if (!this.#out.delete(delivery as ModelDelivery)) return;
    this.#subscription.pending = this.#subscription.pending.filter((candidate) => candidate !== pending);
    this.#subscription.feed();
  }

  giveBack(delivery: DriverDelivery, counted: boolean): void {
    const { pending } = delivery as ModelDelivery;
    if (!this.#out.delete(delivery as ModelDelivery)) return;
    pending.out = null;
    if (counted) pending.attempt += 1;
    this.#subscription.feed();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const { pending } of this.#out) pending.out = null;
    this.#out.clear();
    this.#subscription.intakes.delete(this);
    this.#subscription.feed();
  }

  /** A first message is always allowed, however large. */
  #hasRoom(): boolean {
    const bytes = [...this.#out].reduce((sum, delivery) => sum + delivery.bytes, 0);
    return this.#out.size === 0 || (this.#out.size < this.#credit.messages && bytes < this.#credit.bytes);
  }
}

export class ModelDriver implements Driver {
  readonly info = { backend: 'model', product: 'Model', version: '1' };
  readonly #table: CapabilityTable;
  readonly #topics = new Map<string, ModelTopic>();
  readonly #meta = new Map<string, string>();
  readonly #followers: ((key: string, value: string | null) => void)[] = [];

  constructor(without: readonly Capability[] = []) {
    const missing = new Set<Capability>([...beyondMemory, ...without]);
    const claims = capabilityNames.map((name) => [
      name,
      missing.has(name) ? unsupported('not in this model') : native('in memory'),
    ]);
    this.#table = Object.fromEntries(claims) as CapabilityTable;
  }

  capabilities(): CapabilityTable {
    return this.#table;
  }

  async openMeta(apply: (key: string, value: string | null) => void): Promise<MetaStore> {
    for (const [key, value] of this.#meta) apply(key, value);
    this.#followers.push(apply);
    return {
      refresh: async () => undefined,
      put: async (key, value) => {
        if (value === null) this.#meta.delete(key);
        else this.#meta.set(key, value);
        for (const follower of this.#followers) follower(key, value);
      },
    };
  }

  completeTopic(topic: TopicDefinition): TopicDefinition {
    if (topic.queueType !== null) throw new PortError('invalid_argument', 'the model has no queue types');
    if (topic.replicas !== null && topic.replicas > 1) throw this.#unsupported('durability.copies');
    return { ...topic, replicas: 1 };
  }

  checkSubscription(): void {
    // Everything goes in memory; what a model is `without` is refused by the port.
  }

  deadLetterTopic(name: string, source: TopicDefinition): TopicDefinition {
    return { ...source, name, partitions: 1 };
  }

  async createTopic(topic: TopicDefinition): Promise<void> {
    if (!this.#topics.has(topic.name)) this.#topics.set(topic.name, new ModelTopic(topic));
  }

  async alterTopic(_from: TopicDefinition, to: TopicDefinition): Promise<void> {
    const { partitions } = this.#topic(to);
    while (partitions.length < to.partitions) partitions.push([]);
  }

  async deleteTopic(topic: TopicDefinition): Promise<void> {
    this.#topics.delete(topic.name);
  }

  async createSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    const model = new ModelSubscription();
    this.#topic(topic).subscriptions.set(subscription.name, model);
    model.add(this.#topic(topic).from(subscription.start, (partition) => this.#partition(topic, partition).length));
  }

  async deleteSubscription(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<void> {
    this.#topic(topic).subscriptions.delete(subscription.name);
  }

  durability(
    _topic: TopicDefinition,
    asked: { readonly persistence?: Persistence; readonly minCopies?: number },
  ): Durability {
    const capability: Capability = `durability.${asked.persistence ?? 'memory'}`;
    if (this.#table[capability].level === 'unsupported' && asked.persistence !== undefined)
      throw this.#unsupported(capability);
    if (asked.minCopies !== undefined && asked.minCopies > 1) throw this.#unsupported('durability.copies');
    return { persistence: 'memory', copies: 1 };
  }

  async publish(
    topic: TopicDefinition,
    messages: readonly OutgoingMessage[],
    options: { readonly durability: Durability; readonly signal: AbortSignal | undefined },
  ): Promise<readonly PublishOutcome[]> {
    return messages.map((message) => {
      if (options.signal?.aborted === true)
        return { kind: 'refused', id: message.id, error: new PortError('backend_rejected', 'aborted') };
      if (message.headers.length > 0 && this.#lacks('headers'))
        return { kind: 'refused', id: message.id, error: this.#unsupported('headers') };
      if ((message.value?.length ?? 0) >= limits.valueBytesMax && this.#lacks('largeMessages')) {
        return {
          kind: 'refused',
          id: message.id,
          error: new PortError('message_too_large', 'a model without large messages'),
        };
      }
      return this.#store(topic, message, options.durability);
    });
  }

  async openIntake(
    subscription: SubscriptionDefinition,
    topic: TopicDefinition,
    sink: IntakeSink,
    credit: IntakeCredit,
  ): Promise<Intake> {
    const model = this.#subscription(subscription, topic);
    const intake = new ModelIntake(model, sink, credit);
    model.intakes.add(intake);
    intake.feed();
    return intake;
  }

  async seek(subscription: SubscriptionDefinition, topic: TopicDefinition, to: Position): Promise<void> {
    const model = this.#subscription(subscription, topic);
    const unnamed = model.pending;
    const stored = this.#topic(topic).from(to, (partition) => this.#partition(topic, partition).length);
    const stay =
      typeof to === 'object' && 'offsets' in to
        ? unnamed.filter(({ stored: { message } }) => !(message.partition in to.offsets))
        : [];
    model.pending = stay;
    model.add(stored);
  }

  async lag(subscription: SubscriptionDefinition, topic: TopicDefinition): Promise<SubscriptionLag> {
    const { pending } = this.#subscription(subscription, topic);
    const partitions = Array.from({ length: topic.partitions }, (_, partition) => ({
      partition,
      lag: pending.filter(({ stored }) => stored.message.partition === partition).length,
    }));
    return { partitions, total: pending.length };
  }

  async read(
    topic: TopicDefinition,
    partition: number,
    from: 'earliest' | 'latest' | number,
    limit: number,
  ): Promise<ReadResult> {
    const stored = this.#partition(topic, partition);
    const oldest = firstKept(stored, topic, Date.now());
    const start = from === 'earliest' ? oldest : from === 'latest' ? stored.length : from;
    if (start > stored.length)
      throw new PortError('offset_out_of_range', `${start} is behind the end ${stored.length}`);
    const isLatest = ({ message }: Stored, index: number): boolean =>
      topic.cleanup !== 'compact' || !stored.some((later, at) => at > index && isSameKey(later.message, message));
    const left = stored.filter((one, index) => index >= start && isLatest(one, index)).slice(0, limit);
    const next = left.length === limit ? (left.at(-1)?.message.offset ?? 0) + 1 : stored.length;
    return { messages: left.map(({ message }) => message), next };
  }

  async health(): Promise<Health> {
    return { ok: true, detail: 'in memory' };
  }

  async close(): Promise<void> {
    // What is stored outlives the port: another one may be open on this driver.
  }

  #store(topic: TopicDefinition, message: OutgoingMessage, durability: Durability): PublishOutcome {
    const model = this.#topic(topic);
    if (model.subscriptions.size === 0 && this.#lacks('publish.beforeSubscription')) {
      return {
        kind: 'refused',
        id: message.id,
        error: new PortError('unroutable', `topic "${topic.name}" has no subscription`),
      };
    }
    const before = this.#lacks('publish.dedup') ? undefined : model.outcomesById.get(message.id);
    if (before?.kind === 'stored') return { ...before, duplicate: true };
    const partition = this.#partition(topic, message.partition);
    const { key, value, headers, contentType, id, timestampMs } = message;
    const offset = partition.length;
    const nowMs = Date.now();
    const stored: Stored = {
      message: {
        topic: topic.name,
        partition: message.partition,
        offset,
        key,
        value,
        headers,
        contentType,
        id,
        timestampMs,
      },
      dueAtMs: nowMs + (message.delayMs ?? 0),
      expiresAtMs: message.ttlMs === undefined ? Number.POSITIVE_INFINITY : nowMs + message.ttlMs,
      priority: message.priority ?? 0,
    };
    partition.push(stored);
    for (const subscription of model.subscriptions.values()) subscription.add([stored]);
    const outcome: PublishOutcome = { kind: 'stored', id, partition: message.partition, offset, durability };
    model.outcomesById.set(id, outcome);
    return outcome;
  }

  #topic(topic: TopicDefinition): ModelTopic {
    const model = this.#topics.get(topic.name);
    if (model === undefined) throw new PortError('internal', `the model has no topic "${topic.name}"`);
    return model;
  }

  #subscription(subscription: SubscriptionDefinition, topic: TopicDefinition): ModelSubscription {
    const model = this.#topic(topic).subscriptions.get(subscription.name);
    if (model === undefined) throw new PortError('internal', `the model has no subscription "${subscription.name}"`);
    return model;
  }

  #partition(topic: TopicDefinition, partition: number): Stored[] {
    return this.#topic(topic).partitions[partition] as Stored[];
  }

  #lacks(capability: Capability): boolean {
    return this.#table[capability].level === 'unsupported';
  }

  #unsupported(capability: Capability): PortError {
    return new PortError('capability_unsupported', `the model has no ${capability}`, { capability });
  }
}

/** Where to start in a partition; `offsets` leaves the partitions that it does not name at `offsetOfRest`. */
function startOffset(
  stored: readonly Stored[],
  partition: number,
  position: Position,
  offsetOfRest: (partition: number) => number,
): number {
  if (position === 'earliest') return 0;
  if (position === 'latest') return stored.length;
  if ('timestampMs' in position) {
    const first = stored.findIndex(({ message }) => message.timestampMs >= position.timestampMs);
    return first === -1 ? stored.length : first;
  }
  const offset = position.offsets[String(partition)] ?? offsetOfRest(partition);
  if (offset > stored.length)
    throw new PortError('offset_out_of_range', `${offset} is behind the end ${stored.length}`);
  return offset;
}

/** Retention of the model holds for what is read; a subscription has a copy of its own. */
function firstKept(
  stored: readonly { readonly message: Message }[],
  { retention: { ms, bytes } }: Pick<TopicDefinition, 'retention'>,
  nowMs: number,
): number {
  let first = stored.length;
  let keptBytes = 0;
  for (const { message } of stored.toReversed()) {
    keptBytes += messageBytes(message);
    if (ms !== null && nowMs - message.timestampMs > ms) break;
    if (bytes !== null && keptBytes > bytes) break;
    first -= 1;
  }
  return first;
}

function isSameKey(left: Message, right: Message): boolean {
  return left.key !== null && right.key !== null && left.key.equals(right.key);
}
