/**
 * What this driver needs of a Kafka client, and no more: kafkajs is one implementation, a second can follow. Every method
 * rejects with a `KafkaFault` and none of them retries or waits longer than its own timeout.
 */

import type { FetchedRecord } from './record-batch.ts';

export interface PartitionMetadata {
  readonly partition: number;
  /** Node id; null while there is none. */
  readonly leader: number | null;
  readonly replicas: readonly number[];
  readonly inSync: readonly number[];
}

export interface ProduceBatch {
  readonly topic: string;
  readonly partition: number;
  /** One encoded record batch. */
  readonly bytes: Buffer;
}

/** `type` is null when it was stored, else the broker's name of the error. */
export interface ProduceAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly type: string | null;
  /** With an error: -1 unless the broker had appended the batch before it failed. */
  readonly baseOffset: number;
}

export interface FetchPosition {
  readonly topic: string;
  readonly partition: number;
  readonly offset: number;
  readonly maxBytes: number;
}

export interface FetchAnswer {
  readonly topic: string;
  readonly partition: number;
  readonly type: string | null;
  /** End of what a reader may see. */
  readonly endOffset: number;
  readonly records: readonly FetchedRecord[];
  readonly nextOffset: number;
  /** Bytes as they came. */
  readonly bytes: number;
}

export interface GroupOffset {
  readonly partition: number;
  readonly offset: number;
  readonly metadata: string;
}

export interface JoinedGroup {
  readonly generation: number;
  readonly memberId: string;
  /** Every member with what it sent, for the leader; empty for the others. */
  readonly members: readonly { readonly memberId: string; readonly userData: Buffer }[];
}

/** A member's place in a group; generation -1 with an empty id speaks for a group without members. */
export interface Membership {
  readonly groupId: string;
  readonly generation: number;
  readonly memberId: string;
}

export interface GroupMemberInfo {
  readonly memberId: string;
  /** A process of Sluice: by the group's protocol, or while it rebalances and has none, by the name of the client. */
  readonly isOurs: boolean;
  /** Who and where, for people. */
  readonly text: string;
}

export interface KafkaClient {
  /** Resolves when one broker answered. */
  connect(timeoutMs: number): Promise<void>;
  /** The release of a broker, such as `4.3`. */
  version(): Promise<string>;
  brokerCount(): number;

  /** Topics that do not exist are missing from the answer. null asks for all. */
  metadata(topics: readonly string[] | null): Promise<ReadonlyMap<string, readonly PartitionMetadata[]>>;
  /** What the last metadata answer said; null when it was never asked. */
  knownPartitions(topic: string): { readonly partitions: readonly PartitionMetadata[]; readonly atMs: number } | null;

  /** All partitions led by `node`. `unreachable` means that nothing was sent. */
  produce(node: number, batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]>;
  /** Interrupted, it resolves with nothing at once, and what is asked of the node from then on does not wait behind it. */
  fetch(
    node: number,
    positions: readonly FetchPosition[],
    waitMs: number,
    maxBytes: number,
    interruption?: AbortSignal,
  ): Promise<readonly FetchAnswer[]>;
  /** By partition. For a timestamp: the first offset at or after it, or the end. */
  listOffsets(
    topic: string,
    partitions: readonly number[],
    at: 'earliest' | 'latest' | { readonly timestampMs: number },
  ): Promise<ReadonlyMap<number, number>>;

  createTopic(options: {
    readonly name: string;
    readonly partitions: number;
    readonly replicas: number;
    readonly configs: Readonly<Record<string, string>>;
  }): Promise<void>;
  deleteTopic(name: string): Promise<void>;
  /** Up to so many in all. */
  createPartitions(topic: string, count: number): Promise<void>;
  /** What was set for the topic itself, by whomever. */
  topicConfigs(name: string): Promise<Map<string, string>>;
  /** These, and no others. */
  alterTopicConfigs(name: string, configs: ReadonlyMap<string, string>): Promise<void>;
  brokerConfig(name: string): Promise<string | null>;

  /** Resolves when every member joined; `onMemberId` tells the id as soon as the broker gave it. */
  joinGroup(options: {
    readonly groupId: string;
    readonly topic: string;
    readonly memberId: string;
    readonly userData: Buffer;
    readonly onMemberId: (memberId: string) => void;
  }): Promise<JoinedGroup>;
  /** `assignments` from the leader, empty from the others. Resolves with this member's partitions. */
  syncGroup(
    member: Membership,
    topic: string,
    assignments: ReadonlyMap<string, readonly number[]>,
  ): Promise<readonly number[]>;
  heartbeat(member: Membership): Promise<void>;
  leaveGroup(groupId: string, memberId: string): Promise<void>;
  commitOffsets(member: Membership, topic: string, offsets: readonly GroupOffset[]): Promise<void>;
  /** Partitions without a committed offset are missing from the answer. */
  committedOffsets(
    groupId: string,
    topic: string,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, GroupOffset>>;
  /** Such as `Empty`, `Stable`, `Dead`; and who its members are. */
  describeGroup(groupId: string): Promise<{ readonly state: string; readonly members: readonly GroupMemberInfo[] }>;
  /** A group that does not exist is deleted already. */
  deleteGroup(groupId: string): Promise<void>;

  /** Ends every connection at once; what is outstanding rejects. Idempotent. */
  close(): void;
}
