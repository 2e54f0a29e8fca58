/** What a member asks its brokers for, and when: fetches wait for seconds, and nothing else may wait with them. */

import { expect, it, onTestFinished, vi } from 'vitest';
import { KafkaIntake } from '../../../src/adapters/kafka/intake.ts';
import { KafkaFault } from '../../../src/adapters/kafka/errors.ts';
import type { FetchAnswer, FetchPosition, KafkaClient } from '../../../src/adapters/kafka/kafka-client.ts';
import { kafkaLimits } from '../../../src/adapters/kafka/kafka-limits.ts';
import { RecordingSink, subscriptionOf, topicOf } from '../../kafka/support.ts';

interface AskedFetch {
  readonly leader: number;
  readonly partitions: readonly number[];
  readonly waitMs: number;
  answer(answers: readonly FetchAnswer[]): void;
}

/** A group whose assignments the test hands out, and brokers whose fetches wait until the test answers them. */
class FakeKafka {
  readonly fetches: AskedFetch[] = [];
  readonly left: string[] = [];
  interrupted = 0;
  /** Held back until the test calls it: the broker gives the member its id. */
  giveId: (() => void) | null = null;
  leaders: readonly number[];
  #assigned: readonly number[];
  generation = 1;
  #rebalances = false;

  isSlowToJoin = false;
  /** What closing the client does to a join that is out. */
  endJoins: () => void = () => undefined;

  constructor(leaders: readonly number[], assigned: readonly number[]) {
    this.leaders = leaders;
    this.#assigned = assigned;
  }

  assign(partitions: readonly number[]): void {
    this.#assigned = partitions;
    this.#rebalances = true;
  }

  get client(): KafkaClient {
    const partitionsNow = () => this.leaders.map((leader, partition) => ({ partition, leader, inSync: [leader] }));
    const client: Partial<KafkaClient> = {
      knownPartitions: () => ({ partitions: partitionsNow(), atMs: performance.now() }) as never,
      metadata: async (topics) => new Map((topics ?? []).map((topic) => [topic, partitionsNow()])) as never,
      joinGroup: async ({ onMemberId }) => {
        if (this.isSlowToJoin) await new Promise<void>((resolve) => (this.giveId = resolve));
        onMemberId('me');
        if (this.isSlowToJoin)
          return await new Promise<never>((_, reject) => {
            this.endJoins = () => reject(new KafkaFault('unreachable', 'the client was closed'));
          });
        return { memberId: 'me', generation: this.generation, members: [] } as never;
      },
      syncGroup: async () => this.#assigned,
      heartbeat: async () => {
        if (!this.#rebalances) return;
        this.#rebalances = false;
        this.generation += 1;
        throw new KafkaFault('broker', 'a member came', { type: 'REBALANCE_IN_PROGRESS' });
      },
      committedOffsets: async (_group, _topic, partitions) =>
        new Map(partitions.map((partition) => [partition, { partition, offset: 0, metadata: null }])) as never,
      commitOffsets: async () => undefined,
      leaveGroup: async (_group, memberId) => void this.left.push(memberId),
      close: () => this.endJoins(),
      fetch: async (leader, positions, waitMs, _maxBytes, interruption) => {
        return await new Promise((answer) => {
          interruption?.addEventListener('abort', () => {
            this.interrupted += 1;
            answer([]);
          });
          this.fetches.push({ leader, partitions: positions.map(partitionOf), waitMs, answer });
        });
      },
    };
    return client as KafkaClient;
  }
}

it('a partition that is assigned while a fetch waits for the others is asked for at once', async () => {
  const { kafka } = open(3, [0]);
  await vi.waitFor(() => expect(kafka.fetches.map(({ partitions }) => partitions)).toEqual([[0]]));
  kafka.assign([0, 2]);
  await vi.waitFor(() => expect(kafka.fetches.map(({ partitions }) => partitions)).toEqual([[0], [0, 2]]), 3_000);
  expect(kafka.interrupted).toBe(1);
});

it('one that another leader leads now is asked for at once, beside what waits there', async () => {
  const { kafka } = open(2, [0, 1], [1, 2]);
  await vi.waitFor(() => expect(kafka.fetches.map(({ leader }) => leader)).toEqual([1, 2]));
  kafka.leaders = [1, 1];
  kafka.fetches[1]?.answer([{ ...empty(1), type: 'NOT_LEADER_OR_FOLLOWER' }]);
  await vi.waitFor(() => expect(kafka.fetches.at(-1)).toMatchObject({ leader: 1, partitions: [0, 1] }));
  expect(kafka.interrupted).toBe(1);
});

it('what a rebalance takes away, and an answer without news, interrupt nothing', async () => {
  const { kafka } = open(2, [0, 1]);
  await vi.waitFor(() => expect(kafka.fetches).toHaveLength(1));
  kafka.fetches[0]?.answer([empty(0), empty(1)]);
  await vi.waitFor(() => expect(kafka.fetches).toHaveLength(2));
  kafka.assign([0]);
  await vi.waitFor(() => expect(kafka.generation).toBe(2), 3_000);
  kafka.fetches[1]?.answer([empty(0), empty(1)]);
  await vi.waitFor(() => expect(kafka.fetches.at(-1)?.partitions).toEqual([0]));
  expect(kafka.interrupted).toBe(0);
});

it('a member that is closed before it knows its id leaves the group all the same, which would wait for it', async () => {
  const { kafka, intake } = open(1, [0], [1], true);
  await vi.waitFor(() => expect(kafka.giveId).not.toBeNull());
  const closed = intake.close();
  await new Promise(setImmediate); // all that closing does at once is done
  kafka.giveId?.();
  await closed;
  expect(kafka.left).toEqual(['me']);
});

it('a member that waits for news asks seldom', async () => {
  const { kafka } = open(1, [0]);
  await vi.waitFor(() => expect(kafka.fetches).toHaveLength(1));
  expect(kafka.fetches[0]?.waitMs).toBeGreaterThanOrEqual(kafkaLimits.fetchWaitMs / 2);
});

function open(partitions: number, assigned: readonly number[], leaders = [1, 1, 1], isSlowToJoin = false) {
  const kafka = new FakeKafka(leaders.slice(0, partitions), assigned);
  kafka.isSlowToJoin = isSlowToJoin;
  const topic = topicOf('orders', partitions);
  const intake = new KafkaIntake({
    subscription: subscriptionOf(topic),
    groupId: 'group',
    topic,
    shownTopic: topic.name,
    startWithoutOffset: null,
    sink: new RecordingSink(),
    credit: { messages: 100, bytes: 1_000_000 },
    client: kafka.client,
    adminClient: kafka.client,
    onClosed: () => undefined,
  });
  intake.start();
  onTestFinished(async () => await intake.close());
  return { kafka, intake };
}

function empty(partition: number): FetchAnswer {
  return { topic: 'orders', partition, type: null, endOffset: 0, records: [], nextOffset: 0, bytes: 0 };
}

function partitionOf({ partition }: FetchPosition): number {
  return partition;
}
