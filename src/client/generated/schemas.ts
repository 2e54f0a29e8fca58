/** Printed from the schemas of the REST API by `npm run client-types`: change those. */

export interface TopicOptions {
  readonly name: string;
  readonly partitions?: number;
  readonly retention?: {
    readonly ms?: number;
    readonly bytes?: number;
  };
  readonly cleanup?: 'delete' | 'compact';
  /** RabbitMQ only. */
  readonly queueType?: 'quorum' | 'classic' | 'stream';
  readonly replicas?: number;
  /** Options of the backend, by its own names. */
  readonly options?: Readonly<Record<string, string | number | boolean>>;
}

export interface TopicChanges {
  /** Can only grow; keys then go to other partitions than before. */
  readonly partitions?: number;
  readonly retention?: {
    readonly ms?: number | null;
    readonly bytes?: number | null;
  };
  readonly cleanup?: 'delete' | 'compact';
  readonly options?: Readonly<Record<string, string | number | boolean | null>>;
}

export interface Topic {
  readonly name: string;
  readonly partitions: number;
  readonly retention: {
    readonly ms: number | null;
    readonly bytes: number | null;
  };
  readonly cleanup: 'delete' | 'compact';
  readonly queueType: 'quorum' | 'classic' | 'stream' | null;
  readonly replicas: number | null;
  readonly options: Readonly<Record<string, string | number | boolean>>;
}

export type TopicDefinition = Topic;

export interface SubscriptionOptions {
  readonly name: string;
  readonly topic: string;
  readonly start?:
    | 'earliest'
    | 'latest'
    | {
        readonly timestamp: number;
      }
    | {
        readonly offsets: Readonly<Record<string, number>>;
      };
  readonly ordering?: 'none' | 'key' | 'partition';
  readonly ackDeadlineMs?: number;
  readonly maxInFlight?: {
    readonly messages?: number;
    readonly bytes?: number;
  };
  readonly retry?: {
    readonly minBackoffMs?: number;
    readonly maxBackoffMs?: number;
    readonly maxAttempts?: number;
  };
  readonly onExhausted?: 'deadLetter' | 'drop' | 'block';
  /** Default: the name and ".dead". */
  readonly deadLetterTopic?: string;
  /** Capabilities that must not be unsupported. */
  readonly requires?: readonly string[];
}

export interface SubscriptionChanges {
  readonly ackDeadlineMs?: number;
  readonly maxInFlight?: {
    readonly messages?: number;
    readonly bytes?: number;
  };
  readonly retry?: {
    readonly minBackoffMs?: number;
    readonly maxBackoffMs?: number;
    readonly maxAttempts?: number;
  };
}

export interface Subscription {
  readonly name: string;
  readonly topic: string;
  readonly start:
    | 'earliest'
    | 'latest'
    | {
        readonly timestamp: number;
      }
    | {
        readonly offsets: Readonly<Record<string, number>>;
      };
  readonly ordering: 'none' | 'key' | 'partition';
  readonly ackDeadlineMs: number;
  readonly maxInFlight: {
    readonly messages: number;
    readonly bytes: number;
  };
  readonly retry: {
    readonly minBackoffMs: number;
    readonly maxBackoffMs: number;
    readonly maxAttempts: number;
  };
  readonly onExhausted: 'deadLetter' | 'drop' | 'block';
  readonly deadLetterTopic: string | null;
  readonly requires: readonly string[];
}

export type SubscriptionDefinition = Subscription;

export interface MessageToPublish {
  readonly key?: string;
  readonly keyBase64?: string;
  /** A string is stored as its UTF-8 bytes, null as a tombstone, any other JSON as its JSON text. */
  readonly value?: unknown;
  /** Raw bytes. */
  readonly valueBase64?: string;
  readonly headers?: Readonly<
    Record<
      string,
      | string
      | {
          readonly base64: string;
        }
      | readonly (
          | string
          | {
              readonly base64: string;
            }
        )[]
    >
  >;
  readonly contentType?: string;
  /** Made if absent. */
  readonly id?: string;
  /** Milliseconds since 1970. */
  readonly timestamp?: number;
  readonly partition?: number;
  readonly delayMs?: number;
  readonly ttlMs?: number;
  readonly priority?: number;
}

export type MessageJson = MessageToPublish;

export interface PublishMixedAnswer {
  readonly results: readonly (
    | PublishResult
    | {
        readonly problem: Problem;
      }
  )[];
}

export interface PublishResult {
  readonly partition: number;
  readonly offset?: number;
  readonly id: string;
  /** What was reached. */
  readonly durability: {
    readonly persistence: 'memory' | 'os' | 'fsync';
    readonly copies: number;
  };
  /** The id was stored before; the position is the first one. */
  readonly duplicate?: true;
}

export interface Problem {
  /** urn:sluice:problem: and the code. */
  readonly type: string;
  /** What the code means. */
  readonly title: string;
  readonly status: number;
  /** What happened here, with the values in it. */
  readonly detail: string;
  /** The id of the request, as in the header x-request-id and in the log. */
  readonly instance?: string;
  /** Stable; docs/ERRORS.md lists them. */
  readonly code:
    | 'invalid_argument'
    | 'unknown_field'
    | 'unauthenticated'
    | 'scope_missing'
    | 'origin_not_allowed'
    | 'topic_not_found'
    | 'subscription_not_found'
    | 'not_found'
    | 'method_not_allowed'
    | 'already_exists'
    | 'subscription_in_use'
    | 'ack_expired'
    | 'message_too_large'
    | 'precondition_failed'
    | 'unsupported_media_type'
    | 'offset_out_of_range'
    | 'capability_unsupported'
    | 'unroutable'
    | 'idempotency_key_reused'
    | 'quota_exceeded'
    | 'too_many_in_flight'
    | 'internal'
    | 'log_corrupt'
    | 'backend_rejected'
    | 'backend_unavailable'
    | 'access_unavailable'
    | 'draining'
    | 'overloaded'
    | 'closed'
    | 'publish_outcome_unknown'
    | 'deadline_exceeded'
    | 'storage_full';
  /** Whether the same call may succeed later. */
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  /** The capability that is missing, with capability_unsupported. */
  readonly capability?: string;
  readonly errors?: readonly {
    readonly path: string;
    readonly message: string;
  }[];
  /** Of the message that was not stored, or not known to be: retry with the same id. */
  readonly messageId?: string;
}

export type PublishAnswer = PublishMixedAnswer;

export interface Delivery {
  readonly ackToken: string;
  readonly attempt: number;
  /** Milliseconds since 1970. */
  readonly deadline: number;
  readonly message: Message;
}

export interface Message {
  readonly topic: string;
  readonly partition: number;
  /** Only where the backend has one. */
  readonly offset?: number;
  /** Where the bytes are UTF-8. */
  readonly key?: string;
  readonly keyBase64?: string;
  /** A string or JSON, by the content type. */
  readonly value?: unknown;
  /** Where value cannot be had, or with ?encoding=base64. */
  readonly valueBase64?: string;
  readonly headers: Readonly<
    Record<
      string,
      | string
      | {
          readonly base64: string;
        }
      | readonly (
          | string
          | {
              readonly base64: string;
            }
        )[]
    >
  >;
  readonly contentType: string | null;
  readonly id: string | null;
  readonly timestamp: number;
}

export interface PullAnswer {
  readonly deliveries: readonly Delivery[];
}

export interface SettleAnswer {
  readonly results: readonly {
    readonly token: string;
    readonly status: 'ok' | 'expired' | 'already' | 'invalid' | 'elsewhere';
    /** With `elsewhere`: the gateway that may hold the lease. */
    readonly gateway?: string;
  }[];
}

export interface SeekOptions {
  readonly to:
    | 'earliest'
    | 'latest'
    | {
        readonly timestamp: number;
      }
    | {
        readonly offsets: Readonly<Record<string, number>>;
      };
}

export interface Lag {
  readonly partitions: readonly {
    readonly partition: number;
    readonly lag: number;
    readonly oldestUnackedMs?: number;
  }[];
  readonly total: number;
}

export interface BrowsePage {
  readonly messages: readonly Message[];
  /** The offset to go on from. */
  readonly next: number;
}

export interface DeadLettersPage {
  readonly topic: string;
  readonly messages: readonly Message[];
  /** By partition: the offset to go on from. */
  readonly next: Readonly<Record<string, number>>;
}

export interface RedriveOptions {
  /** At most so many letters. */
  readonly limit?: number;
  /** Default: as fast as they are stored. */
  readonly ratePerSecond?: number;
  /** Only say what would be done. */
  readonly dryRun?: boolean;
}

export interface RedriveAnswer {
  readonly dryRun: boolean;
  /** Of a dry run: would be, of the first letters. */
  readonly redriven: number;
  /** By the topic that they went to. */
  readonly topics: Readonly<Record<string, number>>;
  /** Letters of other subscriptions that share the dead-letter topic. */
  readonly skipped: number;
  /** Letters that are left: ask again. */
  readonly remaining: number;
  /** Why it ended early. */
  readonly problem?: Problem;
}

export type RedriveResult = RedriveAnswer;

export interface CapabilityClaim {
  readonly level: 'native' | 'emulated' | 'unsupported';
  readonly how: string;
  readonly limits?: Readonly<Record<string, number>>;
}

export interface Capabilities {
  readonly backend: string;
  readonly product: string;
  readonly version: string;
  /** The system whose manners it has: what that one refuses is refused. */
  readonly like?: string;
  readonly capabilities: Readonly<Record<string, CapabilityClaim>>;
}

export interface Backend {
  readonly backend: string;
  readonly product: string;
  readonly version: string;
  /** The system whose manners it has: what that one refuses is refused. */
  readonly like?: string;
  readonly health: {
    readonly ok: boolean;
    readonly detail: string;
  };
}

export type ProblemDocument = Problem;
