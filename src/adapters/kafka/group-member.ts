/**
 * Membership of a consumer group, for ever: join, heartbeat on a timer of its own (so slow consumers never cost the
 * membership), join again after a rebalance, a lost coordinator or a broker that was away.
 *
 * What bites: a member that was thrown out (UNKNOWN_MEMBER_ID, ILLEGAL_GENERATION) must forget its partitions before it joins
 * again, because others read them since; a member that takes part in the very next generation may go on with those that it
 * keeps, because nobody had them in between.
 */

import { assignPartitions, decodeClaim, encodeClaim } from './assignment.ts';
import { isFault, type KafkaFault, toFault } from './errors.ts';
import type { JoinedGroup, KafkaClient, Membership } from './kafka-client.ts';
import { waitInStep } from './in-step.ts';
import { kafkaLimits } from './kafka-limits.ts';

export interface GroupEvents {
  /** Another generation begins: the last chance to commit with this one. Nothing more may be delivered until `assigned`. */
  rebalancing(): Promise<void>;
  /** These are ours now. `keeps`: those that were ours before were nobody else's in between. A rejection starts over. */
  assigned(partitions: readonly number[], keeps: boolean): Promise<void>;
  /** Thrown out: all partitions are somebody else's. */
  lost(): void;
  /** Nothing that joining again could mend, such as a missing authorisation. */
  failed(fault: KafkaFault): void;
}

const FATAL = [
  'GROUP_AUTHORIZATION_FAILED',
  'TOPIC_AUTHORIZATION_FAILED',
  'INVALID_GROUP_ID',
  'INCONSISTENT_GROUP_PROTOCOL',
];
const THROWN_OUT = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'FENCED_INSTANCE_ID'];

export class GroupMember {
  readonly #client: KafkaClient;
  readonly #groupId: string;
  readonly #topic: string;
  readonly #partitionCount: number;
  readonly #events: GroupEvents;
  readonly #stopped = new AbortController();
  #memberId = '';
  #generation = -1;
  #owned: readonly number[] = [];
  #running: Promise<void> | null = null;
  /** While a join is out by which the broker gives this member its id. */
  #naming: Promise<void> | null = null;

  constructor(client: KafkaClient, groupId: string, topic: string, partitionCount: number, events: GroupEvents) {
    this.#client = client;
    this.#groupId = groupId;
    this.#topic = topic;
    this.#partitionCount = partitionCount;
    this.#events = events;
  }

  get membership(): Membership {
    return { groupId: this.#groupId, generation: this.#generation, memberId: this.#memberId };
  }

  start(): void {
    this.#running ??= this.#run();
  }

  /** Ends the loop without leaving: what is outstanding at the client ends when the client is closed. */
  stop(): void {
    this.#stopped.abort();
  }

  /**
   * Resolves when no id is on its way to us. The broker has noted a member as soon as it gave an id away, and a group waits for it with
   * its next generation, so who leaves must know the id.
   */
  async named(): Promise<void> {
    await this.#naming;
  }

  /** Resolves when the loop has ended. */
  async ended(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    let delayMs: number = kafkaLimits.rejoinDelayMs;
    while (!this.#stopped.signal.aborted) {
      try {
        await this.#joinOnce();
        delayMs = kafkaLimits.rejoinDelayMs;
        await this.#heartbeatUntilRebalance();
        await this.#events.rebalancing();
      } catch (reason) {
        if (this.#stopped.signal.aborted) return;
        const fault = toFault(reason);
        if (fault.type !== null && FATAL.includes(fault.type)) {
          this.#events.failed(fault);
          return;
        }
        if (isFault(fault, ...THROWN_OUT)) this.#forget();
        if (!isFault(fault, 'REBALANCE_IN_PROGRESS')) {
          await this.#pause(delayMs);
          delayMs = Math.min(delayMs * 2, kafkaLimits.rejoinDelayMsMax);
        }
      }
    }
  }

  async #joinOnce(): Promise<void> {
    const before = this.#generation;
    const joined = await this.#join();
    this.#memberId = joined.memberId;
    const member = { groupId: this.#groupId, generation: joined.generation, memberId: joined.memberId };
    const partitions = await this.#client.syncGroup(member, this.#topic, this.#decide(joined));
    const keeps = joined.generation === before + 1;
    this.#generation = joined.generation;
    this.#owned = partitions;
    await this.#events.assigned(partitions, keeps);
  }

  async #join(): Promise<JoinedGroup> {
    let isNamed = (): void => undefined;
    if (this.#memberId === '') this.#naming = new Promise((resolve) => (isNamed = resolve));
    try {
      return await this.#client.joinGroup({
        groupId: this.#groupId,
        topic: this.#topic,
        memberId: this.#memberId,
        userData: encodeClaim(this.#generation, this.#owned),
        onMemberId: (memberId) => {
          this.#memberId = memberId;
          isNamed();
        },
      });
    } finally {
      isNamed();
      this.#naming = null;
    }
  }

  /** Only the leader is told who the members are, and only it decides. */
  #decide(joined: JoinedGroup): ReadonlyMap<string, readonly number[]> {
    const claims = joined.members.map(({ memberId, userData }) => decodeClaim(memberId, userData));
    return assignPartitions(claims, this.#partitionCount);
  }

  /** Resolves when the group rebalances. Rejects when this member was thrown out, or nobody could be asked for too long. */
  async #heartbeatUntilRebalance(): Promise<void> {
    let answeredAtMs = performance.now();
    for (;;) {
      await this.#pause(waitInStep(kafkaLimits.heartbeatIntervalMs));
      this.#stopped.signal.throwIfAborted();
      try {
        await this.#client.heartbeat(this.membership);
        answeredAtMs = performance.now();
      } catch (reason) {
        if (isFault(reason, 'REBALANCE_IN_PROGRESS')) return;
        const isSilent = performance.now() - answeredAtMs > kafkaLimits.sessionTimeoutMs;
        if (isFault(reason, ...THROWN_OUT, ...FATAL)) throw reason;
        if (isSilent) {
          // The partitions may be somebody else's by now. The id is kept: a coordinator that comes back knows it, and a new
          // one would have to wait until the old one is missed.
          this.#dropPartitions();
          throw reason;
        }
      }
    }
  }

  #forget(): void {
    this.#memberId = '';
    this.#dropPartitions();
  }

  #dropPartitions(): void {
    this.#generation = -1;
    this.#owned = [];
    this.#events.lost();
  }

  async #pause(ms: number): Promise<void> {
    const { signal } = this.#stopped;
    if (signal.aborted) return;
    await new Promise<void>((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
    });
  }
}
