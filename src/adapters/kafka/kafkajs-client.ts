/**
 * `KafkaClient` over the inside of kafkajs: its framing and request codecs, with metadata, record batches and connections
 * of our own keeping.
 */

import { isDenied, KafkaFault, naming, toFault } from './errors.ts';
import type {
  FetchAnswer,
  FetchPosition,
  GroupMemberInfo,
  GroupOffset,
  JoinedGroup,
  KafkaClient,
  Membership,
  PartitionMetadata,
  ProduceAnswer,
  ProduceBatch,
} from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { type KafkaJsClientOptions, KafkaJsConnections } from './kafkajs-connections.ts';
import { type Broker, internals, type MetadataResponse, type WireCall } from './kafkajs-internals.ts';
import { pause } from './patience.ts';
import { canTellFeatures, featureLevelCall, releaseOf } from './version.ts';
import { decodeFetchAnswer, decodeProduceAnswer, encodeProduceRequest, errorName, groupBy } from './wire.ts';

const PRODUCE_VERSION_MAX = 7;
const READ_COMMITTED = 1;
const CONSUMER_REPLICA = -1;
const LATEST = -1;
const EARLIEST = -2;
const TOPIC_RESOURCE = 2;
const BROKER_RESOURCE = 4;
/** Where a config comes from: set for the topic, and not a default of the broker or of the cluster. */
const OF_THE_TOPIC = 1;
const GROUP_COORDINATOR = 0;
const GROUP_ID_NOT_FOUND = 69;
/** All members of a `sluice.` group are this driver: a protocol of its own name keeps others out. */
const ASSIGNMENT_PROTOCOL = 'sluice-sticky-1';

/**
 * From version 11 on any replica answers (KIP-392), so a leader that steps down may keep the fetches of its readers and hand out what it
 * copies. Asked by an older version it ends them with NOT_LEADER_OR_FOLLOWER at once.
 */
const FETCH_VERSION_MAX = 10;
const leaderFetch = {
  ...internals.protocol.requests.Fetch,
  versions: internals.protocol.requests.Fetch.versions.filter((version) => Number(version) <= FETCH_VERSION_MAX),
};

export class KafkaJsClient implements KafkaClient {
  readonly #connections: KafkaJsConnections;
  readonly #clientId: string;
  readonly #topics = new Map<string, { partitions: readonly PartitionMetadata[]; atMs: number }>();
  readonly #coordinators = new Map<string, number>();
  #controller = -1;

  constructor(options: KafkaJsClientOptions) {
    this.#connections = new KafkaJsConnections(options);
    this.#clientId = options.clientId;
  }

  async connect(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    // What an attempt failed with says more than that the last one was cut short.
    let last: KafkaFault | null = null;
    for (;;) {
      try {
        await withDeadline(this.metadata([]), deadline - performance.now(), () => last);
        return;
      } catch (reason) {
        const isOver = this.#connections.isClosed || performance.now() + kafkaLimits.retryDelayMs >= deadline;
        const fault = toFault(reason);
        if (isOver || fault.kind === 'client' || fault.isTurnedAway) throw fault;
        last = fault;
        await pause(kafkaLimits.retryDelayMs);
      }
    }
  }

  async version(): Promise<string> {
    const broker = await this.#connections.any();
    if (!canTellFeatures(broker.versions)) return releaseOf(null);
    const { level } = await this.#connections.ask(broker, (asked) => asked.connectionPool.send(featureLevelCall));
    return releaseOf(level);
  }

  brokerCount(): number {
    return this.#connections.nodes.size;
  }

  close(): void {
    this.#connections.close();
  }

  // ---------------------------------------------------------------------------------------------- metadata

  async metadata(topics: readonly string[] | null): Promise<ReadonlyMap<string, readonly PartitionMetadata[]>> {
    const broker = await this.#connections.any();
    const answer = await this.#connections.ask(broker, (asked) =>
      asked.connectionPool.send(metadataCall(asked, topics)),
    );
    this.#controller = answer.controllerId;
    this.#connections.setNodes(answer.brokers);
    const found = new Map<string, readonly PartitionMetadata[]>();
    for (const { topic, topicErrorCode, partitionMetadata } of answer.topicMetadata) {
      this.#topics.delete(topic);
      const type = topicErrorCode === 0 ? null : errorName(topicErrorCode);
      // Kafka also says this of a topic that does not exist.
      if (isDenied(type)) throw naming(deniedFault(type), `Describe on Topic "${topic}"`);
      if (type !== null) continue;
      const partitions = partitionMetadata.map(toPartition).sort((a, b) => a.partition - b.partition);
      found.set(topic, partitions);
      this.#topics.set(topic, { partitions, atMs: performance.now() });
    }
    return found;
  }

  knownPartitions(topic: string): { readonly partitions: readonly PartitionMetadata[]; readonly atMs: number } | null {
    return this.#topics.get(topic) ?? null;
  }

  // ---------------------------------------------------------------------------------------------- data

  async produce(node: number, batches: readonly ProduceBatch[]): Promise<readonly ProduceAnswer[]> {
    const broker = await this.#connections.node(node);
    const version = Math.min(PRODUCE_VERSION_MAX, broker.versions[internals.apiKeys.Produce]?.maxVersion ?? 0);
    let isEncoded = false;
    const call: WireCall<readonly ProduceAnswer[]> = {
      request: {
        apiKey: internals.apiKeys.Produce,
        apiVersion: version,
        apiName: 'Produce',
        encode: () => {
          const bytes = encodeProduceRequest(batches, kafkaLimits.produceRetryMs);
          isEncoded = true;
          return Promise.resolve({ buf: bytes, buffer: bytes });
        },
      },
      response: {
        decode: (payload) => Promise.resolve(decodeProduceAnswer(payload, version)),
        parse: (decoded) => Promise.resolve(decoded),
      },
      requestTimeout: kafkaLimits.produceAnswerTimeoutMs,
    };
    try {
      return await broker.connectionPool.send(call);
    } catch (reason) {
      this.#connections.drop(broker);
      // kafkajs checks the connection once more after encoding, and says so in these words: nothing was written then.
      const isUnsent = !isEncoded || (reason instanceof Error && reason.message === 'Not connected');
      throw this.#connections.faultOf(broker, reason, !isUnsent);
    }
  }

  async fetch(
    node: number,
    positions: readonly FetchPosition[],
    waitMs: number,
    maxBytes: number,
    interruption?: AbortSignal,
  ): Promise<readonly FetchAnswer[]> {
    const broker = await this.#connections.node(node);
    if (interruption?.aborted === true) return [];
    const offsets = new Map(positions.map(({ topic, partition, offset }) => [`${partition} ${topic}`, offset]));
    const call = broker.lookupRequest(
      internals.apiKeys.Fetch,
      leaderFetch,
    )({
      replicaId: CONSUMER_REPLICA,
      isolationLevel: READ_COMMITTED,
      maxWaitTime: waitMs,
      minBytes: 1,
      maxBytes,
      topics: [...groupBy(positions, ({ topic }) => topic)].map(([topic, partitions]) => ({
        topic,
        partitions: partitions.map(({ partition, offset, maxBytes: bytes }) => ({
          partition,
          fetchOffset: String(offset),
          maxBytes: bytes,
        })),
      })),
      rackId: '',
    });
    const version = call.request.apiVersion;
    const answers = this.#connections.ask(broker, (asked) =>
      asked.connectionPool.send<readonly FetchAnswer[]>({
        ...call,
        response: {
          decode: (payload) =>
            Promise.resolve(
              interruption?.aborted === true
                ? []
                : decodeFetchAnswer(payload, version, (topic, partition) => offsets.get(`${partition} ${topic}`) ?? 0),
            ),
          parse: (decoded) => Promise.resolve(decoded),
        },
      }),
    );
    if (interruption === undefined) return await answers;
    return await new Promise((resolve, reject) => {
      // A request cannot be taken back: the connection ends when the broker has answered, and others go to a new one.
      const interrupt = (): void => {
        this.#connections.drop(broker);
        resolve([]);
      };
      interruption.addEventListener('abort', interrupt, { once: true });
      answers.then(resolve, reject).finally(() => interruption.removeEventListener('abort', interrupt));
    });
  }

  async listOffsets(
    topic: string,
    partitions: readonly number[],
    at: 'earliest' | 'latest' | { readonly timestampMs: number },
  ): Promise<ReadonlyMap<number, number>> {
    const metadata = (await this.metadata([topic])).get(topic);
    if (metadata === undefined) throw unknownTopic(topic);
    const timestamp = at === 'earliest' ? EARLIEST : at === 'latest' ? LATEST : at.timestampMs;
    const byLeader = groupBy(partitions, (partition) => leaderOf(metadata, topic, partition));
    const found = new Map<number, number>();
    await Promise.all(
      [...byLeader].map(async ([leader, led]) => {
        const answer = await this.#connections
          .ask(await this.#connections.node(leader), (broker) =>
            broker.listOffsets({
              replicaId: CONSUMER_REPLICA,
              isolationLevel: READ_COMMITTED,
              topics: [{ topic, partitions: led.map((partition) => ({ partition, timestamp })) }],
            }),
          )
          .catch((reason: unknown) => {
            throw naming(reason, `Describe on Topic "${topic}"`);
          });
        for (const { partition, offset } of answer.responses.flatMap((response) => response.partitions)) {
          found.set(partition, Number(offset));
        }
      }),
    );
    const unmatched = [...found].filter(([, offset]) => offset < 0).map(([partition]) => partition);
    if (unmatched.length === 0) return found;
    for (const [partition, end] of await this.listOffsets(topic, unmatched, 'latest')) found.set(partition, end);
    return found;
  }

  // ---------------------------------------------------------------------------------------------- topics

  async createTopic(options: {
    readonly name: string;
    readonly partitions: number;
    readonly replicas: number;
    readonly configs: Readonly<Record<string, string>>;
  }): Promise<void> {
    const broker = await this.#controllerBroker();
    await this.#connections
      .ask(broker, (asked) =>
        asked.createTopics({
          topics: [
            {
              topic: options.name,
              numPartitions: options.partitions,
              replicationFactor: options.replicas,
              configEntries: Object.entries(options.configs).map(([name, value]) => ({ name, value })),
            },
          ],
          timeout: kafkaLimits.requestTimeoutMs,
        }),
      )
      .catch((reason: unknown) => {
        throw naming(reason, `Create on Topic "${options.name}"`);
      });
  }

  async deleteTopic(name: string): Promise<void> {
    const broker = await this.#controllerBroker();
    await this.#connections
      .ask(broker, (asked) => asked.deleteTopics({ topics: [name], timeout: kafkaLimits.requestTimeoutMs }))
      .catch((reason: unknown) => {
        throw naming(reason, `Delete on Topic "${name}"`);
      });
  }

  async createPartitions(topic: string, count: number): Promise<void> {
    const broker = await this.#controllerBroker();
    await this.#connections
      .ask(broker, (asked) =>
        asked.createPartitions({ topicPartitions: [{ topic, count }], timeout: kafkaLimits.requestTimeoutMs }),
      )
      .catch((reason: unknown) => {
        throw naming(reason, `Alter on Topic "${topic}"`);
      });
  }

  async topicConfigs(name: string): Promise<Map<string, string>> {
    const answer = await this.#connections
      .ask(await this.#controllerBroker(), (broker) =>
        broker.describeConfigs({
          resources: [{ type: TOPIC_RESOURCE, name, configNames: [] }],
          includeSynonyms: false,
        }),
      )
      .catch((reason: unknown) => {
        throw naming(reason, `DescribeConfigs on Topic "${name}"`);
      });
    const entries = answer.resources[0]?.configEntries ?? [];
    return new Map(
      entries.flatMap(({ configName, configValue, configSource }) =>
        configSource === OF_THE_TOPIC && configValue !== null ? [[configName, configValue] as const] : [],
      ),
    );
  }

  async alterTopicConfigs(name: string, configs: ReadonlyMap<string, string>): Promise<void> {
    const configEntries = [...configs].map(([config, value]) => ({ name: config, value }));
    await this.#connections
      .ask(await this.#controllerBroker(), (broker) =>
        broker.alterConfigs({ resources: [{ type: TOPIC_RESOURCE, name, configEntries }] }),
      )
      .catch((reason: unknown) => {
        throw naming(reason, `AlterConfigs on Topic "${name}"`);
      });
  }

  async brokerConfig(name: string): Promise<string | null> {
    const [node] = this.#connections.nodes.keys();
    if (node === undefined) throw new KafkaFault('unreachable', 'no broker is known');
    const answer = await this.#connections
      .ask(await this.#connections.node(node), (broker) =>
        broker.describeConfigs({
          resources: [{ type: BROKER_RESOURCE, name: String(node), configNames: [name] }],
          includeSynonyms: false,
        }),
      )
      .catch((reason: unknown) => {
        throw naming(reason, 'DescribeConfigs on Cluster');
      });
    return answer.resources[0]?.configEntries.find(({ configName }) => configName === name)?.configValue ?? null;
  }

  async #controllerBroker(): Promise<Broker> {
    await this.metadata([]);
    return this.#connections.nodes.has(this.#controller)
      ? await this.#connections.node(this.#controller)
      : await this.#connections.any();
  }

  // ---------------------------------------------------------------------------------------------- groups

  async joinGroup(options: {
    readonly groupId: string;
    readonly topic: string;
    readonly memberId: string;
    readonly userData: Buffer;
    readonly onMemberId: (memberId: string) => void;
  }): Promise<JoinedGroup> {
    const { MemberMetadata } = internals.assigner;
    const metadata = MemberMetadata.encode({ version: 0, topics: [options.topic], userData: options.userData });
    const join = async (memberId: string): Promise<JoinedGroup> =>
      await this.#askCoordinator(options.groupId, async (broker) => {
        const call = broker.lookupRequest(
          internals.apiKeys.JoinGroup,
          internals.protocol.requests.JoinGroup,
        )({
          groupId: options.groupId,
          sessionTimeout: kafkaLimits.sessionTimeoutMs,
          rebalanceTimeout: kafkaLimits.rebalanceTimeoutMs,
          memberId,
          protocolType: 'consumer',
          groupProtocols: [{ name: ASSIGNMENT_PROTOCOL, metadata }],
        });
        const joined = await broker.connectionPool.send(call);
        const members = joined.members.map((member) => ({
          memberId: member.memberId,
          userData: MemberMetadata.decode(member.memberMetadata).userData,
        }));
        return { generation: joined.generationId, memberId: joined.memberId, members };
      });
    try {
      return await join(options.memberId);
    } catch (reason) {
      const given = memberIdToJoinWith(reason);
      if (given === null) throw reason;
      options.onMemberId(given);
      return await join(given);
    }
  }

  async syncGroup(
    member: Membership,
    topic: string,
    assignments: ReadonlyMap<string, readonly number[]>,
  ): Promise<readonly number[]> {
    const { MemberAssignment } = internals.assigner;
    const { memberAssignment } = await this.#askCoordinator(member.groupId, (broker) =>
      broker.syncGroup({
        groupId: member.groupId,
        generationId: member.generation,
        memberId: member.memberId,
        groupAssignment: [...assignments].map(([memberId, partitions]) => ({
          memberId,
          memberAssignment: MemberAssignment.encode({ version: 0, assignment: { [topic]: partitions } }),
        })),
      }),
    );
    return MemberAssignment.decode(memberAssignment)?.assignment[topic] ?? [];
  }

  async heartbeat(member: Membership): Promise<void> {
    await this.#askCoordinator(member.groupId, (broker) =>
      broker.heartbeat({ groupId: member.groupId, groupGenerationId: member.generation, memberId: member.memberId }),
    );
  }

  async leaveGroup(groupId: string, memberId: string): Promise<void> {
    await this.#askCoordinator(groupId, (broker) => broker.leaveGroup({ groupId, memberId }));
  }

  async commitOffsets(member: Membership, topic: string, offsets: readonly GroupOffset[]): Promise<void> {
    await this.#askCoordinator(
      member.groupId,
      (broker) =>
        broker.offsetCommit({
          groupId: member.groupId,
          groupGenerationId: member.generation,
          memberId: member.memberId,
          topics: [
            {
              topic,
              partitions: offsets.map(({ partition, offset, metadata }) => ({
                partition,
                offset: String(offset),
                metadata,
              })),
            },
          ],
        }),
      onTopicOrGroup('Read', topic, member.groupId),
    );
  }

  async committedOffsets(
    groupId: string,
    topic: string,
    partitions: readonly number[],
  ): Promise<ReadonlyMap<number, GroupOffset>> {
    const answer = await this.#askCoordinator(
      groupId,
      (broker) =>
        broker.offsetFetch({
          groupId,
          topics: [{ topic, partitions: partitions.map((partition) => ({ partition })) }],
        }),
      onTopicOrGroup('Describe', topic, groupId),
    );
    const found = new Map<number, GroupOffset>();
    for (const { partition, offset, metadata } of answer.responses.flatMap((response) => response.partitions)) {
      if (Number(offset) >= 0) found.set(partition, { partition, offset: Number(offset), metadata: metadata ?? '' });
    }
    return found;
  }

  async describeGroup(
    groupId: string,
  ): Promise<{ readonly state: string; readonly members: readonly GroupMemberInfo[] }> {
    const answer = await this.#askCoordinator(
      groupId,
      (broker) => broker.describeGroups({ groupIds: [groupId] }),
      () => `Describe on Group "${groupId}"`,
    );
    const group = answer.groups[0];
    if (group === undefined) return { state: 'Dead', members: [] };
    return {
      state: group.state,
      members: group.members.map(({ memberId, clientId, clientHost }) => ({
        memberId,
        isOurs: group.protocol === ASSIGNMENT_PROTOCOL || clientId === this.#clientId,
        text: `${clientId} at ${clientHost}`,
      })),
    };
  }

  async deleteGroup(groupId: string): Promise<void> {
    const answer = await this.#askCoordinator(groupId, (broker) => broker.deleteGroups([groupId]));
    const code = answer.results[0]?.errorCode ?? 0;
    if (code === 0 || code === GROUP_ID_NOT_FOUND) return;
    const fault = new KafkaFault('broker', `group "${groupId}": ${errorName(code)}`, { type: errorName(code) });
    throw naming(fault, `Delete on Group "${groupId}"`);
  }

  /** The coordinator moves with its partition of the offsets topic: any doubt about it, and it is asked for again next time. */
  async #askCoordinator<T>(
    groupId: string,
    request: (broker: Broker) => Promise<T>,
    needs: (type: string) => string = () => `Read on Group "${groupId}"`,
  ): Promise<T> {
    try {
      return await this.#connections.ask(await this.#coordinator(groupId), request);
    } catch (reason) {
      const fault = toFault(reason);
      const isElsewhere =
        fault.type === 'NOT_COORDINATOR_FOR_GROUP' || fault.type === 'GROUP_COORDINATOR_NOT_AVAILABLE';
      if (isElsewhere || fault.kind === 'lost' || fault.kind === 'unreachable') this.#coordinators.delete(groupId);
      throw naming(fault, needs);
    }
  }

  async #coordinator(groupId: string): Promise<Broker> {
    const known = this.#coordinators.get(groupId);
    if (known !== undefined && this.#connections.nodes.has(known)) return await this.#connections.node(known);
    if (this.#connections.nodes.size === 0) await this.metadata([]);
    const answer = await this.#connections.ask(await this.#connections.any(), (broker) =>
      broker.findGroupCoordinator({ groupId, coordinatorType: GROUP_COORDINATOR }),
    );
    const { nodeId } = answer.coordinator;
    this.#connections.addNode(answer.coordinator);
    this.#coordinators.set(groupId, nodeId);
    return await this.#connections.node(nodeId);
  }
}

/** Unlike kafkajs' own: a topic in trouble is told of by its error code, not by failing the answer for all. */
function metadataCall(broker: Broker, topics: readonly string[] | null): WireCall<MetadataResponse> {
  const lookup = broker.lookupRequest(internals.apiKeys.Metadata, internals.protocol.requests.Metadata);
  const call = lookup({ topics: topics ?? [], allowAutoTopicCreation: false });
  const response = { decode: call.response.decode, parse: (decoded: MetadataResponse) => Promise.resolve(decoded) };
  if (topics === null || topics.length > 0) return { ...call, response };
  // kafkajs writes an empty list as "all topics"; an empty list means none.
  const none = Buffer.from([0, 0, 0, 0, 0]);
  return {
    ...call,
    response,
    request: { ...call.request, encode: () => Promise.resolve({ buf: none, buffer: none }) },
  };
}

function toPartition(
  metadata: MetadataResponse['topicMetadata'][number]['partitionMetadata'][number],
): PartitionMetadata {
  return {
    partition: metadata.partitionId,
    leader: metadata.leader < 0 ? null : metadata.leader,
    replicas: metadata.replicas,
    inSync: metadata.isr,
  };
}

function leaderOf(metadata: readonly PartitionMetadata[], topic: string, partition: number): number {
  const leader = metadata[partition]?.leader ?? null;
  if (leader !== null) return leader;
  if (metadata[partition] === undefined) throw unknownTopic(`${topic}-${partition}`);
  throw new KafkaFault('broker', `${topic}-${partition} has no leader`, { type: 'LEADER_NOT_AVAILABLE' });
}

function deniedFault(type: string | null): KafkaFault {
  return new KafkaFault('broker', String(type), type === null ? {} : { type });
}

/** Requests that want a right on two things say which of them it is by their error. */
function onTopicOrGroup(operation: string, topic: string, groupId: string): (type: string) => string {
  return (type) =>
    type === 'TOPIC_AUTHORIZATION_FAILED' ? `${operation} on Topic "${topic}"` : `${operation} on Group "${groupId}"`;
}

function unknownTopic(name: string): KafkaFault {
  return new KafkaFault('broker', `"${name}" does not exist`, { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
}

/** A first join is answered with an id and the wish to join again with it, so that a lost answer leaves no ghost member. */
function memberIdToJoinWith(reason: unknown): string | null {
  const cause = reason instanceof KafkaFault ? reason.cause : reason;
  if (!(cause instanceof Error) || cause.name !== 'KafkaJSMemberIdRequired') return null;
  const { memberId } = cause as Error & { readonly memberId?: unknown };
  return typeof memberId === 'string' ? memberId : null;
}

async function withDeadline<T>(work: Promise<T>, timeoutMs: number, instead: () => KafkaFault | null): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(
      () => reject(instead() ?? new KafkaFault('unreachable', `no answer within ${timeoutMs} ms`)),
      Math.max(1, timeoutMs),
    );
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
