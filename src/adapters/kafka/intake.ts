/**
 * One process's share of a subscription on Kafka: a member of its group that fetches its partitions
 * as far as credit and a small prefetch allow, and commits the low watermark with the acked ranges above it as metadata.
 *
 * Non-obvious
 * - A commit follows an ack by up to `commitIntervalMs`: `ack` does not wait for it. What was acked in that time comes again
 *   after a crash (at least once); closing and every rebalance commit first.
 * - Partitions that stay with this member through a rebalance go on where they were; only those that leave are `lost`.
 * - A fetch is thrown away when its partition was revoked, or moved by a reset, while it was under way.
 */

import { AckTracker } from '../ack-tracker.ts';
import type { DriverDelivery, Intake, IntakeCredit, IntakeSink, PositionState } from '../driver.ts';
import { PortError } from '../errors.ts';
import type { Position, SubscriptionDefinition, TopicDefinition } from '../port.ts';
import { decodeAckState, encodeAckState } from './ack-state.ts';
import { deniedText, isDenied, isFault, type KafkaFault, toFault, toPortError } from './errors.ts';
import { positionElsewhere, resolvePosition } from './group-offsets.ts';
import { GroupMember } from './group-member.ts';
import type { FetchAnswer, KafkaClient } from './kafka-client.ts';
import { waitInStep } from './in-step.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { Leaders } from './leaders.ts';
import { type KafkaDelivery, PartitionIntake } from './partition-intake.ts';
import { groupBy } from './wire.ts';

export class KafkaIntake implements Intake {
  readonly retryMode = 'local';
  readonly #subscription: SubscriptionDefinition;
  readonly #topic: TopicDefinition;
  readonly #shownTopic: string;
  readonly #startWithoutOffset: Position | null;
  readonly #sink: IntakeSink;
  /** For joining, heartbeats, commits and fetches: a connection of its own, because a join holds up what follows it. */
  readonly #client: KafkaClient;
  /** For leaving while the other is held up. */
  readonly #adminClient: KafkaClient;
  readonly #onClosed: () => void;
  readonly #leaders: Leaders;
  readonly #member: GroupMember;
  readonly #partitions = new Map<number, PartitionIntake>();
  /** By the leader that was asked. */
  readonly #fetching = new Map<number, Fetching>();
  #credit: IntakeCredit;
  #outstandingMessages = 0;
  #outstandingBytes = 0;
  #isDeliveryHeld = true;
  #isAdvancingSoon = false;
  #isClosed = false;
  #commitTimer: NodeJS.Timeout | null = null;
  #committing: Promise<void> | null = null;
  #retryTimer: NodeJS.Timeout | null = null;
  #missingSinceMs: number | null = null;
  /** A fetch was told so since the topic was seen last. */
  #hasVanished = false;
  #turn = 0;
  #closing: Promise<void> | null = null;

  constructor(options: {
    readonly subscription: SubscriptionDefinition;
    readonly groupId: string;
    /** By its name on Kafka. */
    readonly topic: TopicDefinition;
    /** Its name in messages. */
    readonly shownTopic: string;
    /** Where a partition is read from of which the group never committed an offset; null where a start was committed once. */
    readonly startWithoutOffset: Position | null;
    readonly sink: IntakeSink;
    readonly credit: IntakeCredit;
    readonly client: KafkaClient;
    readonly adminClient: KafkaClient;
    readonly onClosed: () => void;
  }) {
    this.#subscription = options.subscription;
    this.#topic = options.topic;
    this.#shownTopic = options.shownTopic;
    this.#startWithoutOffset = options.startWithoutOffset;
    this.#sink = options.sink;
    this.#credit = options.credit;
    this.#client = options.client;
    this.#adminClient = options.adminClient;
    this.#onClosed = options.onClosed;
    this.#leaders = new Leaders(this.#client);
    this.#member = new GroupMember(this.#client, options.groupId, this.#topic.name, this.#topic.partitions, {
      rebalancing: () => this.#rebalancing(),
      assigned: (partitions, keeps) => this.#assigned(partitions, keeps),
      lost: () => this.#revoke([...this.#partitions.values()]),
      failed: (fault) => this.#end(toPortError(explained(fault, options.groupId), this.#what)),
    });
  }

  get #what(): string {
    return `subscription "${this.#subscription.name}"`;
  }

  start(): void {
    this.#member.start();
  }

  grant(credit: IntakeCredit): void {
    this.#credit = credit;
    this.#advance();
  }

  ack(delivery: DriverDelivery): void {
    const ours = delivery as KafkaDelivery;
    if (!ours.partition.settle(ours)) return;
    this.#free(ours);
    this.#scheduleCommit();
    this.#advanceSoon();
  }

  /** The watermark stays before it, so it comes again with the next assignment; `noteAttempt` counted it already. */
  giveBack(delivery: DriverDelivery): void {
    const ours = delivery as KafkaDelivery;
    if (ours.partition.outstanding.delete(ours)) this.#free(ours);
    this.#advanceSoon();
  }

  noteAttempt(delivery: DriverDelivery, attempt: number): void {
    const { partition, offset } = delivery as KafkaDelivery;
    if (!partition.isOurs) return;
    partition.tracker.setAttempts(offset, attempt);
    partition.changed();
    this.#scheduleCommit();
  }

  async settlePosition(partition: number, offset: number, settles: boolean): Promise<PositionState> {
    const ours = this.#partitions.get(partition);
    if (ours === undefined) {
      const { groupId } = this.#member.membership;
      return await positionElsewhere(this.#adminClient, groupId, this.#topic.name, partition, offset);
    }
    if (ours.tracker.isSettled(offset)) return 'settled';
    if (settles && ours.tracker.settleAhead(offset)) {
      ours.changed();
      this.#scheduleCommit();
    }
    return 'free';
  }

  /** Writes what was acked, if this member still may. Resolves also when it could not: then those messages come again. */
  async flush(): Promise<void> {
    await this.#committing;
    await this.#commit();
  }

  async close(): Promise<void> {
    this.#closing ??= this.#closeNow();
    await this.#closing;
  }

  async #closeNow(): Promise<void> {
    this.#isClosed = true;
    this.#isDeliveryHeld = true;
    if (this.#commitTimer !== null) clearTimeout(this.#commitTimer);
    if (this.#retryTimer !== null) clearTimeout(this.#retryTimer);
    await within(kafkaLimits.closeTimeoutMs, this.flush());
    this.#member.stop();
    await within(kafkaLimits.closeTimeoutMs, this.#member.named());
    const { groupId, memberId } = this.#member.membership;
    if (memberId !== '') {
      // A member that could not say goodbye is missed after its session timeout.
      await within(
        kafkaLimits.closeTimeoutMs,
        this.#adminClient.leaveGroup(groupId, memberId).catch(() => undefined),
      );
    }
    this.#client.close();
    await this.#member.ended();
    for (const partition of this.#partitions.values()) partition.isOurs = false;
    this.#partitions.clear();
    this.#onClosed();
  }

  // ---------------------------------------------------------------------------------------------- membership

  async #rebalancing(): Promise<void> {
    this.#isDeliveryHeld = true;
    await this.flush();
  }

  async #assigned(partitions: readonly number[], keeps: boolean): Promise<void> {
    const kept = new Set(keeps ? partitions : []);
    this.#revoke([...this.#partitions.values()].filter(({ partition }) => !kept.has(partition)));
    const fresh = partitions.filter((partition) => !this.#partitions.has(partition));
    if (fresh.length > 0)
      for (const partition of await this.#load(fresh)) this.#partitions.set(partition.partition, partition);
    if ([...this.#partitions.values()].some(({ isDirty }) => isDirty)) this.#scheduleCommit();
    this.#isDeliveryHeld = this.#isClosed;
    this.#advance();
  }

  /**
   * Where no offset is committed any more (Kafka forgets those of a group without members after a week), the oldest message. Where none
   * ever was, the start of the configuration, which is committed at once: "latest" must not mean another place after the next restart.
   */
  async #load(partitions: readonly number[]): Promise<readonly PartitionIntake[]> {
    const topic = this.#topic.name;
    const committed = await this.#client.committedOffsets(this.#member.membership.groupId, topic, partitions);
    const missing = partitions.filter((partition) => !committed.has(partition));
    const starts = missing.length === 0 ? null : await this.#starts(missing);
    return partitions.map((partition) => {
      const state = committed.get(partition);
      const tracker = state === undefined ? new AckTracker(starts?.get(partition) ?? 0) : decodeAckState(state);
      const intake = new PartitionIntake(topic, partition, tracker, this.#shownTopic);
      if (state === undefined && this.#startWithoutOffset !== null) intake.changed();
      return intake;
    });
  }

  async #starts(partitions: readonly number[]): Promise<ReadonlyMap<number, number>> {
    const position = this.#startWithoutOffset;
    if (position === null) return await this.#client.listOffsets(this.#topic.name, partitions, 'earliest');
    return await resolvePosition(this.#client, this.#topic, position, partitions);
  }

  #revoke(partitions: readonly PartitionIntake[]): void {
    const lost: KafkaDelivery[] = [];
    for (const partition of partitions) {
      partition.isOurs = false;
      if (this.#partitions.get(partition.partition) === partition) this.#partitions.delete(partition.partition);
      for (const delivery of partition.outstanding) {
        this.#free(delivery);
        lost.push(delivery);
      }
      partition.outstanding.clear();
    }
    if (lost.length > 0 && !this.#isClosed) this.#sink.lost(lost);
  }

  #end(error: PortError): void {
    if (this.#isClosed) return;
    this.#isDeliveryHeld = true;
    this.#sink.ended(error);
  }

  // ---------------------------------------------------------------------------------------------- fetch and deliver

  /** Once for all that is settled in one go: looking at every partition for each message would cost more than the message. */
  #advanceSoon(): void {
    if (this.#isAdvancingSoon) return;
    this.#isAdvancingSoon = true;
    queueMicrotask(() => {
      this.#isAdvancingSoon = false;
      this.#advance();
    });
  }

  /** Delivers what credit allows, then fetches for those that have room. */
  #advance(): void {
    if (this.#isDeliveryHeld) return;
    this.#deliver();
    this.#fetch();
  }

  /** Partitions take turns, a buffer's worth at a time. */
  #deliver(): void {
    const partitions = [...this.#partitions.values()].filter(
      ({ hasBuffered, isStateFull }) => hasBuffered && !isStateFull,
    );
    this.#turn += 1;
    for (let index = 0; index < partitions.length; index += 1) {
      const partition = partitions[(index + this.#turn) % partitions.length] as PartitionIntake;
      while (!partition.isStateFull && this.#outstandingMessages < this.#credit.messages) {
        const delivery = partition.next((bytes) => this.#fits(bytes));
        if (delivery === null) break;
        this.#outstandingMessages += 1;
        this.#outstandingBytes += delivery.bytes;
        this.#sink.deliver(delivery);
      }
      if (partition.isDirty) this.#scheduleCommit();
    }
  }

  /** A message larger than all the credit goes out alone: it could not go out at all otherwise. */
  #fits(bytes: number): boolean {
    return this.#outstandingMessages === 0 || this.#outstandingBytes + bytes <= this.#credit.bytes;
  }

  #free(delivery: KafkaDelivery): void {
    this.#outstandingMessages -= 1;
    this.#outstandingBytes -= delivery.bytes;
  }

  /** One fetch at a time per broker, for all of its partitions that have room in their buffer. */
  #fetch(): void {
    if (this.#isDeliveryHeld || this.#retryTimer !== null) return;
    const all = [...this.#partitions.values()];
    if (all.length === 0) return;
    const share = Math.max(kafkaLimits.fetchPartitionBytesMax, kafkaLimits.prefetchBytesMax / all.length);
    const byLeader = groupBy(all, ({ partition }) => this.#leaders.known(this.#topic.name, partition));
    for (const [leader, led] of byLeader) {
      if (leader === null) {
        this.#retryLater(null);
        continue;
      }
      const wanted = led.filter(({ bufferedBytes }) => bufferedBytes < share / 2);
      if (wanted.length === 0) continue;
      const fetching = this.#fetching.get(leader);
      if (fetching === undefined) {
        const isHurried = wanted.length < led.length;
        const asked = new Map(wanted.map((partition) => [partition, partition.fetchOffset]));
        const begun = { asked, isHurried, interruption: new AbortController() };
        this.#fetching.set(leader, begun);
        void this.#fetchFrom(leader, begun);
      } else if (!fetching.isHurried && wanted.some((partition) => !fetching.asked.has(partition))) {
        fetching.interruption.abort(); // newly assigned, or led by this one now: they would wait for the news of others
      }
    }
  }

  async #fetchFrom(leader: number, begun: Fetching): Promise<void> {
    const { asked, isHurried, interruption } = begun;
    try {
      const answers = await this.#client.fetch(
        leader,
        [...asked].map(([{ topic, partition }, offset]) => ({
          topic,
          partition,
          offset,
          maxBytes: kafkaLimits.fetchPartitionBytesMax,
        })),
        isHurried ? kafkaLimits.fetchShortWaitMs : waitInStep(kafkaLimits.fetchWaitMs),
        kafkaLimits.prefetchBytesMax,
        interruption.signal,
      );
      this.#fetchEnded(leader, begun);
      for (const answer of answers) {
        const partition = this.#partitions.get(answer.partition);
        const isStale = partition === undefined || asked.get(partition) !== partition.fetchOffset;
        if (!isStale) await this.#take(partition, answer);
      }
      this.#advance();
    } catch (reason) {
      this.#fetchEnded(leader, begun);
      this.#fetchFailed(toFault(reason));
    }
  }

  /** While its answer was looked at, the next one may have begun. */
  #fetchEnded(leader: number, begun: Fetching): void {
    if (this.#fetching.get(leader) === begun) this.#fetching.delete(leader);
  }

  async #take(partition: PartitionIntake, answer: FetchAnswer): Promise<void> {
    if (answer.type === null) {
      this.#missingSinceMs = null;
      partition.fetched(answer.records, answer.nextOffset, answer.bytes);
    } else if (answer.type === 'OFFSET_OUT_OF_RANGE') {
      await this.#reposition(partition);
    } else {
      if (answer.type === 'UNKNOWN_TOPIC_OR_PARTITION') this.#hasVanished = true;
      this.#retryLater(answer.type);
    }
  }

  /**
   * The topic was away and is there again. With a topic Kafka forgets the offsets of its groups: where ours is gone the topic is another
   * one of that name, which may have grown past our position already.
   */
  async #startAnewWhereForgotten(): Promise<void> {
    const topic = this.#topic.name;
    const { groupId } = this.#member.membership;
    const before = [...this.#partitions.values()];
    const committed = await this.#client.committedOffsets(
      groupId,
      topic,
      before.map(({ partition }) => partition),
    );
    const forgotten = before.filter(({ partition, tracker }) => !committed.has(partition) && tracker.watermark > 0);
    if (forgotten.length === 0) return;
    const numbers = forgotten.map(({ partition }) => partition);
    const earliest = await this.#client.listOffsets(topic, numbers, 'earliest');
    for (const partition of forgotten)
      if (partition.isOurs) this.#startAnew(partition, earliest.get(partition.partition) ?? 0);
  }

  /** What we know of it is void. */
  #startAnew(partition: PartitionIntake, offset: number): void {
    const { topic, partition: number } = partition;
    this.#revoke([partition]);
    const anew = new PartitionIntake(topic, number, new AckTracker(offset), this.#shownTopic);
    anew.isDirty = true;
    this.#partitions.set(number, anew);
  }

  /**
   * Retention passed our position: on with the oldest that is left. Or the log ends before it (the topic was made anew, or a
   * broker lost its disk): what we know of it is void, and reading starts over.
   */
  async #reposition(partition: PartitionIntake): Promise<void> {
    const { topic, partition: number } = partition;
    const earliest = (await this.#client.listOffsets(topic, [number], 'earliest')).get(number) ?? 0;
    const latest = (await this.#client.listOffsets(topic, [number], 'latest')).get(number) ?? 0;
    if (!partition.isOurs) return;
    if (partition.fetchOffset < earliest) {
      partition.fetchOffset = earliest;
      return;
    }
    if (partition.fetchOffset <= latest) return;
    this.#startAnew(partition, earliest);
  }

  #fetchFailed(fault: KafkaFault): void {
    if (this.#isClosed) return;
    if (fault.kind === 'client') {
      this.#end(
        new PortError('backend_rejected', `subscription "${this.#subscription.name}": ${fault.message}`, {
          cause: fault,
        }),
      );
      return;
    }
    this.#retryLater(fault.type);
  }

  /** Asks for the leaders again, then fetches again. A topic that stays away was deleted. */
  #retryLater(type: string | null): void {
    if (this.#retryTimer !== null || this.#isClosed) return;
    if (isDenied(type)) {
      const text = deniedText(`Read on Topic "${this.#topic.name}"`);
      this.#end(new PortError('backend_rejected', `${this.#what}: ${text}`));
      return;
    }
    const isKnown = this.#leaders.known(this.#topic.name, 0) !== null || this.#missingSinceMs !== null;
    this.#retryTimer = setTimeout(() => void this.#refreshLeaders(), isKnown ? kafkaLimits.retryDelayMs * 2 : 0);
  }

  async #refreshLeaders(): Promise<void> {
    try {
      await this.#leaders.refresh(this.#topic.name);
      this.#missingSinceMs = null;
      if (this.#hasVanished) await this.#startAnewWhereForgotten();
      this.#hasVanished = false;
    } catch (reason) {
      const isMissing = isFault(reason, 'UNKNOWN_TOPIC_OR_PARTITION');
      this.#missingSinceMs = isMissing ? (this.#missingSinceMs ?? performance.now()) : null;
    }
    this.#retryTimer = null;
    if (this.#isClosed) return;
    if (this.#hasVanished && this.#missingSinceMs === null) {
      this.#retryLater(null); // nothing is read from the old place before that is known
      return;
    }
    if (this.#missingSinceMs !== null && performance.now() - this.#missingSinceMs > kafkaLimits.missingTopicMs) {
      this.#end(
        new PortError('subscription_not_found', `the topic of subscription "${this.#subscription.name}" was deleted`),
      );
      return;
    }
    this.#advance();
  }

  // ---------------------------------------------------------------------------------------------- commits

  #scheduleCommit(): void {
    if (this.#commitTimer !== null || this.#isClosed) return;
    this.#commitTimer = setTimeout(() => {
      this.#commitTimer = null;
      void this.#commit();
    }, kafkaLimits.commitIntervalMs);
  }

  async #commit(): Promise<void> {
    if (this.#committing !== null) {
      this.#scheduleCommit();
      return;
    }
    const dirty = [...this.#partitions.values()].filter(({ isDirty }) => isDirty);
    if (dirty.length === 0) return;
    for (const partition of dirty) partition.isDirty = false;
    const offsets = dirty.map(({ partition, tracker }) => encodeAckState(tracker, partition));
    // On the connection of the group a join holds up what follows it, and a commit that waited for one is of an old generation.
    this.#committing = this.#adminClient
      .commitOffsets(this.#member.membership, this.#topic.name, offsets)
      .catch(() => {
        // The next commit carries it; after a rebalance nobody may, and those messages come again.
        for (const partition of dirty) partition.isDirty = true;
        if (dirty.some(({ isOurs }) => isOurs)) this.#scheduleCommit();
      })
      .finally(() => {
        this.#committing = null;
      });
    await this.#committing;
  }
}

/** A fetch that is out. */
interface Fetching {
  /** From where. */
  readonly asked: ReadonlyMap<PartitionIntake, number>;
  /** It ends by itself in a moment. One that is not hurried asks for every partition that its leader had. */
  readonly isHurried: boolean;
  readonly interruption: AbortController;
}

/** Kafka's words for this say nothing of who the others are. */
function explained(fault: KafkaFault, groupId: string): KafkaFault | PortError {
  if (fault.type !== 'INCONSISTENT_GROUP_PROTOCOL') return fault;
  const text = `group "${groupId}" has members of another client: a group is read by Sluice or by others, not by both at once`;
  return new PortError('backend_rejected', text, { cause: fault });
}

/** Resolves with the work, or after the time: the work then goes on unattended. */
async function within(ms: number, work: Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  await Promise.race([
    work,
    new Promise<void>((resolve) => {
      timer = setTimeout(resolve, ms);
    }),
  ]);
  clearTimeout(timer);
}
