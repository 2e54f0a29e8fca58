/**
 * The parts of kafkajs that its public door does not show, with the types we rely on. kafkajs rests and has no `exports`
 * map, so these paths are as stable as its version, which package.json pins exactly.
 *
 * Why below its public door: `producer.send` retries on its own (a retry after a lost connection can store twice and
 * reorder) and reports the first partition's error as everybody's; the consumer polls while it is paused and stops on
 * errors of its own choosing; there is no `assign()`; and its record codec reorders headers. Connections, request framing,
 * version negotiation and the codecs of all other requests are used as they are.
 */

import type { Socket } from 'node:net';
import { createRequire } from 'node:module';

export interface WireRequest {
  readonly apiKey: number;
  readonly apiVersion: number;
  readonly apiName: string;
  readonly expectResponse?: () => boolean;
  /** kafkajs takes an Encoder; it only looks at these two. */
  readonly encode: () => Promise<{ readonly buf: Buffer; readonly buffer: Buffer }>;
}

export interface WireCall<T> {
  readonly request: WireRequest;
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<T & { readonly clientSideThrottleTime?: number | null }>;
    readonly parse: (decoded: T) => Promise<T>;
  };
  readonly requestTimeout?: number;
  readonly logResponseError?: boolean;
}

interface SocketRequest {
  readonly sentAt: number;
  readonly requestTimeout: number;
  timeoutRequest(): void;
}

export interface RequestQueue {
  readonly inflight: ReadonlyMap<number, SocketRequest>;
  readonly pending: readonly unknown[];
  readonly throttledUntil: number;
  readonly requestTimeout: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  requestTimeoutIntervalId: NodeJS.Timeout | null | undefined;
  scheduleCheckPendingRequests(): void;
  scheduleRequestTimeoutCheck(): void;
  checkPendingRequests(): void;
  sendSocketRequest(request: SocketRequest): void;
  destroy(): void;
}

export interface Connection {
  readonly requestQueue: RequestQueue;
  connect(): Promise<boolean>;
}

export interface ConnectionPool {
  readonly host: string;
  readonly port: number;
  readonly pool: readonly Connection[];
  send<T>(call: WireCall<T>): Promise<T>;
}

interface ListedOffset {
  readonly partition: number;
  readonly offset: string;
}

export interface Broker {
  readonly connectionPool: ConnectionPool;
  readonly versions: Readonly<Record<number, { readonly minVersion: number; readonly maxVersion: number } | undefined>>;
  readonly lookupRequest: <O, T>(apiKey: number, definition: RequestDefinition<O, T>) => (options: O) => WireCall<T>;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
  isConnected(): boolean;
  findGroupCoordinator(options: { groupId: string; coordinatorType: number }): Promise<{
    readonly coordinator: { readonly nodeId: number; readonly host: string; readonly port: number };
  }>;
  syncGroup(options: {
    groupId: string;
    generationId: number;
    memberId: string;
    groupAssignment: readonly { memberId: string; memberAssignment: Buffer }[];
  }): Promise<{ readonly memberAssignment: Buffer }>;
  heartbeat(options: { groupId: string; groupGenerationId: number; memberId: string }): Promise<unknown>;
  leaveGroup(options: { groupId: string; memberId: string }): Promise<unknown>;
  offsetCommit(options: {
    groupId: string;
    groupGenerationId: number;
    memberId: string;
    topics: readonly {
      topic: string;
      partitions: readonly { partition: number; offset: string; metadata: string | null }[];
    }[];
  }): Promise<unknown>;
  offsetFetch(options: {
    groupId: string;
    topics: readonly { topic: string; partitions: readonly { partition: number }[] }[];
  }): Promise<{
    readonly responses: readonly {
      readonly topic: string;
      readonly partitions: readonly { partition: number; offset: string; metadata: string | null }[];
    }[];
  }>;
  listOffsets(options: {
    replicaId: number;
    isolationLevel: number;
    topics: readonly { topic: string; partitions: readonly { partition: number; timestamp: number }[] }[];
  }): Promise<{
    readonly responses: readonly { readonly topic: string; readonly partitions: readonly ListedOffset[] }[];
  }>;
  createTopics(options: {
    topics: readonly {
      topic: string;
      numPartitions: number;
      replicationFactor: number;
      configEntries: readonly { name: string; value: string }[];
    }[];
    timeout: number;
  }): Promise<unknown>;
  deleteTopics(options: { topics: readonly string[]; timeout: number }): Promise<unknown>;
  describeConfigs(options: {
    resources: readonly { type: number; name: string; configNames: readonly string[] }[];
    includeSynonyms: boolean;
  }): Promise<{
    readonly resources: readonly {
      readonly configEntries: readonly {
        readonly configName: string;
        readonly configValue: string | null;
        readonly configSource?: number;
      }[];
    }[];
  }>;
  createPartitions(options: {
    topicPartitions: readonly { topic: string; count: number }[];
    timeout: number;
  }): Promise<unknown>;
  alterConfigs(options: {
    resources: readonly {
      type: number;
      name: string;
      configEntries: readonly { name: string; value: string }[];
    }[];
  }): Promise<unknown>;
  describeGroups(options: { groupIds: readonly string[] }): Promise<{
    readonly groups: readonly {
      readonly state: string;
      readonly protocol: string;
      readonly members: readonly {
        readonly memberId: string;
        readonly clientId: string;
        readonly clientHost: string;
      }[];
    }[];
  }>;
  deleteGroups(groupIds: readonly string[]): Promise<{
    readonly results: readonly { readonly groupId: string; readonly errorCode: number }[];
  }>;
}

export interface RequestDefinition<O, T> {
  readonly versions: readonly string[];
  readonly protocol: (options: { readonly version: number }) => (options: O) => WireCall<T>;
}

export interface MetadataResponse {
  readonly controllerId: number;
  readonly clusterId: string;
  readonly brokers: readonly { readonly nodeId: number; readonly host: string; readonly port: number }[];
  readonly topicMetadata: readonly {
    readonly topicErrorCode: number;
    readonly topic: string;
    readonly partitionMetadata: readonly {
      readonly partitionErrorCode: number;
      readonly partitionId: number;
      readonly leader: number;
      readonly replicas: readonly number[];
      readonly isr: readonly number[];
    }[];
  }[];
}

export interface JoinGroupResponse {
  readonly generationId: number;
  readonly leaderId: string;
  readonly memberId: string;
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[];
}

interface FetchOptions {
  readonly replicaId: number;
  readonly isolationLevel: number;
  readonly maxWaitTime: number;
  readonly minBytes: number;
  readonly maxBytes: number;
  readonly topics: readonly {
    readonly topic: string;
    readonly partitions: readonly {
      readonly partition: number;
      readonly fetchOffset: string;
      readonly maxBytes: number;
    }[];
  }[];
  readonly rackId: string;
}

interface JoinGroupOptions {
  readonly groupId: string;
  readonly sessionTimeout: number;
  readonly rebalanceTimeout: number;
  readonly memberId: string;
  readonly protocolType: string;
  readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[];
}

interface Internals {
  readonly Broker: new (options: {
    connectionPool: ConnectionPool;
    logger: unknown;
    allowAutoTopicCreation: boolean;
    authenticationTimeout: number;
  }) => Broker;
  readonly connectionPoolBuilder: (options: {
    socketFactory: (options: { host: string; port: number; onConnect: () => void }) => Socket;
    /** kafkajs reads name and password at each login, and keeps an `authenticationProvider` of its own in it. */
    sasl: Record<string, unknown> | null;
    brokers: readonly string[];
    clientId: string;
    requestTimeout: number;
    enforceRequestTimeout: boolean;
    connectionTimeout: number;
    maxInFlightRequests: null;
    logger: unknown;
  }) => { build(address: { host: string; port: number }): Promise<ConnectionPool> };
  readonly loggers: {
    readonly LEVELS: { readonly NOTHING: number };
    readonly createLogger: (options: { level: number; logCreator: () => () => void }) => unknown;
  };
  readonly protocol: {
    readonly requests: {
      readonly Metadata: RequestDefinition<
        { topics: readonly string[]; allowAutoTopicCreation: boolean },
        MetadataResponse
      >;
      readonly Fetch: RequestDefinition<FetchOptions, unknown>;
      readonly JoinGroup: RequestDefinition<JoinGroupOptions, JoinGroupResponse>;
    };
  };
  readonly protocolErrors: { readonly errorCodes: readonly { readonly code: number; readonly type: string }[] };
  readonly apiKeys: Readonly<Record<'Produce' | 'Fetch' | 'Metadata' | 'JoinGroup' | 'ApiVersions', number>>;
  readonly assigner: {
    readonly MemberMetadata: {
      encode(value: { version: number; topics: readonly string[]; userData: Buffer }): Buffer;
      decode(bytes: Buffer): { readonly topics: readonly string[]; readonly userData: Buffer };
    };
    readonly MemberAssignment: {
      encode(value: { version: number; assignment: Readonly<Record<string, readonly number[]>> }): Buffer;
      decode(bytes: Buffer): { readonly assignment: Readonly<Record<string, readonly number[] | undefined>> } | null;
    };
  };
  readonly RequestQueueClass: new (options: {
    maxInFlightRequests: null;
    requestTimeout: number;
    enforceRequestTimeout: boolean;
    clientId: string;
    broker: string;
    logger: unknown;
    isConnected: () => boolean;
  }) => RequestQueue & {
    push(request: {
      entry: { correlationId: number; resolve: (value: unknown) => void; reject: (reason: unknown) => void };
      expectResponse: boolean;
      sendRequest: () => void;
    }): void;
    fulfillRequest(response: { correlationId: number; payload: Buffer; size: number }): void;
    destroy(): void;
  };
}

const load = createRequire(import.meta.url);

export const internals: Internals = {
  Broker: load('kafkajs/src/broker') as Internals['Broker'],
  connectionPoolBuilder: load('kafkajs/src/cluster/connectionPoolBuilder') as Internals['connectionPoolBuilder'],
  loggers: load('kafkajs/src/loggers') as Internals['loggers'],
  protocol: load('kafkajs/src/protocol/requests') as Internals['protocol'],
  protocolErrors: load('kafkajs/src/protocol/error') as Internals['protocolErrors'],
  apiKeys: load('kafkajs/src/protocol/requests/apiKeys') as Internals['apiKeys'],
  assigner: load('kafkajs/src/consumer/assignerProtocol') as Internals['assigner'],
  RequestQueueClass: load('kafkajs/src/network/requestQueue') as Internals['RequestQueueClass'],
};
