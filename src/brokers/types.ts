/** What `obtainBrokers` hands out: addresses to use, and handles to disturb and end what it started itself. */

export type BrokerKind = 'rabbitmq' | 'kafka';
export type RabbitMqVersion = '4.3' | '4.0' | '3.10';

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
}

export interface BrokerRequest {
  readonly want: readonly BrokerKind[];
  readonly rabbitmqVersion?: RabbitMqVersion;
  readonly nodes?: 1 | 3;
  /** One plain line for each step that takes time. */
  readonly onProgress?: (line: string) => void;
  /** Leave what `sluice brokers up` started alone and start own ones (default false: reuse a running one that answers). */
  readonly fresh?: boolean;
}

export interface ObtainedBrokers {
  readonly rabbitmq?: RabbitMqHandle;
  readonly kafka?: KafkaHandle;
  /** What could not be had, with the reason to print. */
  readonly skipped: readonly { readonly kind: BrokerKind; readonly reason: string }[];
  /** Kills a node with SIGKILL / starts it again on the same data and port; only for `source: 'process'`. */
  killNode(kind: BrokerKind, node?: number): Promise<void>;
  startNode(kind: BrokerKind, node?: number): Promise<void>;
  /** Ends what this call started, removes its data; leaves alone what it found running. Idempotent. */
  stop(): Promise<void>;
}
