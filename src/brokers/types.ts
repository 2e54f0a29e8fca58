/** What `obtainBrokers` hands out: addresses to use, and handles to disturb and end what it started itself. */

export type BrokerKind = 'rabbitmq' | 'kafka';
export type EndingSignal = 'SIGKILL' | 'SIGTERM';
export type RabbitMqVersion = '4.3' | '4.0' | '3.10';

/** Paths of PEM files. */
export interface KeyPair {
  readonly certFile: string;
  readonly keyFile: string;
}

/** What a broker with TLS was started with, and what its clients may show. */
export interface Certificates {
  readonly caFile: string;
  /** Of an authority that signed nothing here. */
  readonly otherCaFile: string;
  readonly server: KeyPair;
  /** For the same names, signed by the same authority, over. */
  readonly expired: KeyPair;
  /** By the user's name, which is the common name. */
  readonly clients: Readonly<Record<string, KeyPair>>;
}

/** For tests: a broker that wants to know who one is. It runs as processes, one node, and ends with its caller. */
export interface BrokerSecurity {
  /** Kafka: PLAIN, SCRAM and a client certificate. RabbitMQ: PLAIN and a client certificate (EXTERNAL). */
  readonly users: readonly { readonly name: string; readonly password: string }[];
  /** RabbitMQ only: regular expressions of names, by user and vhost. On Kafka, rights are given with ACLs once it runs. */
  readonly permissions?: readonly RabbitMqPermission[];
}

export interface RabbitMqPermission {
  readonly user: string;
  /** Default `/`. */
  readonly vhost?: string;
  readonly configure: string;
  readonly write: string;
  readonly read: string;
}

/** Where a broker runs that is to be cut off: its processes are in this network namespace and listen on this address of it. */
export interface BrokerNetwork {
  readonly namespace: string;
  readonly address: string;
}

export interface BrokerNode {
  readonly name: string;
  /** The broker's own operating-system process; null when it was given by address or runs in a container. */
  readonly pid: number | null;
  /** Where its data lies, for counting bytes; null when not on this machine's disk. */
  readonly dataDir: string | null;
}

export interface RabbitMqHandle {
  readonly kind: 'rabbitmq';
  /** amqp://user:password@host:port of the first node. */
  readonly url: string;
  readonly urls: readonly string[];
  readonly version: string;
  readonly nodes: readonly BrokerNode[];
  readonly source: 'address' | 'docker' | 'process';
  /** From the start of the processes to the first accepted connection; null when given by address. */
  readonly startMs: number | null;
  /** host:port of the stream protocol, where it was started with `rabbitmqStreams`. */
  readonly streams?: string;
  /** Where it was started with `security`: `url` is then the administrator's door, without TLS. */
  readonly secured?: {
    readonly certificates: Certificates;
    /** host:port for amqps. */
    readonly amqps: string;
  };
}

export interface KafkaHandle {
  readonly kind: 'kafka';
  /** host:port of each node. */
  readonly brokers: readonly string[];
  readonly version: string;
  readonly nodes: readonly BrokerNode[];
  readonly source: 'address' | 'docker' | 'process';
  readonly startMs: number | null;
  /** Directory of the jars when run as a process: Kafka's own tools are in it (`java -cp 'DIR/*' ...`). */
  readonly libDir: string | null;
  /** Where it was started with `security`: `brokers` is then the administrator's door, without TLS and without ACLs. */
  readonly secured?: {
    readonly certificates: Certificates;
    /** host:port: TLS and SASL (PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, OAUTHBEARER with unsigned tokens). */
    readonly saslSsl: string;
    /** TLS with a client certificate. */
    readonly mutualTls: string;
    /** TLS with a server certificate whose time is over. */
    readonly expired: string;
  };
}

/** Lines of rabbitmq.conf (`name = value`). */
export interface RabbitMqSettings {
  readonly conf: readonly string[];
}

export interface BrokerRequest {
  readonly want: readonly BrokerKind[];
  readonly rabbitmqVersion?: RabbitMqVersion;
  readonly nodes?: 1 | 3;
  /** RabbitMQ with its plugin for the stream protocol: on what is started here as one process; what runs already is used as it is. */
  readonly rabbitmqStreams?: true;
  /** Beside RabbitMQ's defaults: on what is started here as one process; implies `fresh`. */
  readonly rabbitmqSettings?: RabbitMqSettings;
  /** One plain line for each step that takes time. */
  readonly onProgress?: (line: string) => void;
  /** Leave what `sluice brokers up` started alone and start own ones (default false: reuse a running one that answers). */
  readonly fresh?: boolean;
  /** With TLS, users and rights; implies `fresh`. */
  readonly security?: BrokerSecurity;
  /** In a network namespace that the caller made, for faults of the network; as processes, one node; implies `fresh`. */
  readonly network?: BrokerNetwork;
  /** The port of 127.0.0.1 that Kafka tells its clients to come to, where a proxy of the caller listens; one node; implies `fresh`. */
  readonly kafkaAdvertisedPort?: number;
}

export interface ObtainedBrokers {
  readonly rabbitmq?: RabbitMqHandle;
  readonly kafka?: KafkaHandle;
  /** What could not be had, with the reason to print. */
  readonly skipped: readonly { readonly kind: BrokerKind; readonly reason: string }[];
  /** What this call started itself, and nobody else uses: only that may be disturbed. */
  readonly started: readonly BrokerKind[];
  // What can be done to a node is for `source: 'process'` only; nodes count from 0, as in `nodes`, and the first is the default.
  /** Ends a node with SIGKILL, or in good order with SIGTERM; resolves when it is gone. */
  killNode(kind: BrokerKind, node?: number, signal?: EndingSignal): Promise<void>;
  /** Starts an ended node again on the same data and port; resolves when it answers. */
  startNode(kind: BrokerKind, node?: number): Promise<void>;
  /** Stops a node where it is (SIGSTOP): its connections stay open and are silent. */
  pauseNode(kind: BrokerKind, node?: number): Promise<void>;
  resumeNode(kind: BrokerKind, node?: number): Promise<void>;
  /** The node that leads a quorum queue or stream of RabbitMQ, or a partition of a Kafka topic, as the nodes that run say now. */
  leaderOf(kind: BrokerKind, name: string, partition?: number): Promise<number>;
  /** RabbitMQ's own command-line tool against a node (the first that runs); resolves with what it prints. */
  rabbitmqctl(args: readonly string[], node?: number): Promise<string>;
  /** Ends what this call started, removes its data; leaves alone what it found running. Idempotent. */
  stop(): Promise<void>;
}
