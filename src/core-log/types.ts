/** The words of the engine's door: what `openEngine` takes and gives. */

export type LogPersistence = 'memory' | 'os' | 'fsync';

export interface LogHeader {
  readonly name: string;
  readonly value: Buffer | null;
}

/** A record to append. Strings are stored as UTF-8. */
export interface RecordInput {
  readonly key?: string | Uint8Array | null;
  readonly value: string | Uint8Array | null;
  readonly headers?: readonly { readonly name: string; readonly value: string | Uint8Array | null }[];
  /** Milliseconds since 1970; the engine's clock if absent. */
  readonly timestamp?: number;
}

export interface LogRecord {
  readonly offset: number;
  readonly timestamp: number;
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly LogHeader[];
}

/** `delete`: whole old segments leave by retention. `compact`: of each key the latest record is kept. The third: both. */
export type Cleanup = 'delete' | 'compact' | 'compact,delete';

/** Whose clock a record's timestamp is: the producer's, or the log's when it was appended. */
export type TimestampType = 'create' | 'append';

export interface LogTopicOptions {
  readonly partitions?: number;
  readonly retention?: { readonly ms?: number | null; readonly bytes?: number | null };
  /** Default `delete`. */
  readonly cleanup?: Cleanup;
  /** A segment is closed at this size; default 1 GiB. */
  readonly segmentBytes?: number;
  /** A segment is closed at this age; null: by `retention.ms`, or after a week. */
  readonly segmentMs?: number | null;
  /** Compacted topics: a tombstone (null value) stays this long after compaction first saw it; default a day. */
  readonly deleteRetentionMs?: number;
  /** Default `create`. */
  readonly timestampType?: TimestampType;
  /** One record, all its parts together; a batch of one compressed record counts as it is stored. */
  readonly maxRecordBytes?: number;
}

export interface LogTopic {
  readonly name: string;
  readonly partitions: number;
  readonly retention: { readonly ms: number | null; readonly bytes: number | null };
  readonly cleanup: Cleanup;
  readonly segmentBytes: number;
  readonly segmentMs: number | null;
  readonly deleteRetentionMs: number;
  readonly timestampType: TimestampType;
  readonly maxRecordBytes: number;
}

export interface PartitionStatus {
  /** `fenced`: appends are refused, `reason` names file and position; what is whole is still read. */
  readonly state: 'open' | 'fenced';
  readonly reason: string | null;
  readonly earliest: number;
  /** The offset that the next record will get. */
  readonly next: number;
  readonly bytes: number;
  readonly segments: number;
}

export interface AppendResult {
  readonly baseOffset: number;
  readonly lastOffset: number;
  readonly durability: LogPersistence;
  /** The batch, or every record of the append, was stored before: the place is the first one's. */
  readonly isDuplicate?: true;
  /** Of an append with ids: the place of each record, in the order given. */
  readonly positions?: readonly RecordPosition[];
}

export interface AppendOptions {
  readonly durability?: LogPersistence;
  readonly ids?: readonly (string | null)[];
}

export interface RecordPosition {
  readonly offset: number;
  /** The id was stored before; the offset is the first one's. */
  readonly isDuplicate: boolean;
}

/** Who an idempotent producer is: goes into the header of its batches. */
export interface ProducerIdentity {
  readonly producerId: number;
  readonly epoch: number;
}

export interface BatchesResult {
  /** Whole record batches as they are stored; not to be written to. The first may begin before the offset asked for. */
  readonly batches: readonly Buffer[];
  /** Where to go on. */
  readonly next: number;
}

export interface FetchResult {
  readonly records: readonly LogRecord[];
  /** Where to go on. */
  readonly next: number;
}

/** A small durable map of bytes (checksummed log plus snapshots): subscription cursors, definitions. */
export interface DurableMap {
  get(key: string): Buffer | undefined;
  entries(): IterableIterator<[string, Buffer]>;
  /** null deletes. Resolves at the asked durability; puts of one tick share one write. */
  put(key: string, value: Uint8Array | null, durability?: LogPersistence): Promise<void>;
}

export interface RecoveryReport {
  readonly cleanShutdown: boolean;
  readonly durationMs: number;
  readonly partitions: readonly {
    readonly topic: string;
    readonly partition: number;
    readonly truncatedBytes: number;
    readonly quarantineFile: string | null;
    readonly fencedReason: string | null;
  }[];
  /** Torn ends of the maps of topics, definitions and cursors, kept aside. */
  readonly maps: readonly { readonly name: string; readonly truncatedBytes: number; readonly quarantineFile: string }[];
}

export interface Engine extends AsyncDisposable {
  readonly dataDir: string;
  readonly recovery: RecoveryReport;

  createTopic(name: string, options?: LogTopicOptions): Promise<LogTopic>;
  /** What is given replaces what was; the rest stays. Partitions can only grow. Resolves when it is on the disk. */
  alterTopic(name: string, changes: LogTopicOptions): Promise<LogTopic>;
  deleteTopic(name: string): Promise<void>;
  topic(name: string): LogTopic | undefined;
  topics(): readonly LogTopic[];
  status(topic: string, partition: number): PartitionStatus;

  /**
   * Resolves at the asked durability (default fsync); all records get dense offsets in one batch, or none is stored.
   *
   * `ids`: one for each record, or null. A record whose id this partition has stored in the last two minutes (limits.ts:
   * `messageIdWindowMs`, bounded in number) is not stored again: `positions` says where the first one is. The id is stored
   * as the header `sluice-id`, and so survives as the record does.
   */
  append(
    topic: string,
    partition: number,
    records: readonly RecordInput[],
    options?: AppendOptions,
  ): Promise<AppendResult>;

  /**
   * One record batch (version 2 of Kafka's format) that somebody else built: checked, given its place (base offset and
   * leader epoch are outside the checksum) and then kept byte for byte, compressed ones too. The bytes belong to the log
   * from here on. Rejects with `invalid_batch` and says why.
   *
   * A batch with a producer id is stored once: sent again (one of its producer's last five on this partition) it is answered
   * with `isDuplicate` and the first one's place, at the durability asked for now. One whose sequence does not follow is
   * `out_of_order_sequence`, one of an older epoch `producer_fenced`.
   */
  appendBatch(
    topic: string,
    partition: number,
    bytes: Buffer,
    options?: { readonly durability?: LogPersistence },
  ): Promise<AppendResult>;

  /** A new producer id, or the next epoch of one given out before. It is on the disk when this resolves, and older epochs
   *  are refused. */
  initProducer(previous?: ProducerIdentity): Promise<ProducerIdentity>;

  /** The same bytes back: at least one batch when there is a record at or after `offset`, more up to `maxBytes`. */
  readBatches(
    topic: string,
    partition: number,
    offset: number,
    bounds?: { readonly maxBytes?: number },
  ): Promise<BatchesResult>;

  /** Records before `beforeOffset` are gone for good when it resolves; with the offset that is the earliest now. Reading
   *  below it is `offset_out_of_range`. The space is freed as whole segments become free. */
  deleteRecords(topic: string, partition: number, beforeOffset: number): Promise<number>;

  /** At least one record when there is any at or after `offset`, up to the bounds; empty at the end. `offset_out_of_range` outside [earliest, next]. */
  fetch(
    topic: string,
    partition: number,
    offset: number,
    bounds?: { readonly maxRecords?: number; readonly maxBytes?: number },
  ): Promise<FetchResult>;

  /** Resolves true when `next` is above `offset` (at once if it is), false when the signal aborts, the topic goes or the engine closes. */
  waitForAppend(topic: string, partition: number, offset: number, signal?: AbortSignal): Promise<boolean>;

  /** The first offset whose record's timestamp is at or after `timestamp`; `next` when there is none. */
  offsetForTimestamp(topic: string, partition: number, timestamp: number): Promise<number>;

  read(
    topic: string,
    partition: number,
    options?: {
      readonly from?: 'earliest' | 'latest' | number;
      readonly follow?: boolean;
      readonly signal?: AbortSignal;
    },
  ): AsyncIterable<LogRecord>;

  readonly cursors: DurableMap;
  readonly metadata: DurableMap;

  /** Applies retention now, as the timer does. Resolves with the number of segments removed. */
  applyRetention(): Promise<number>;
  /** Compacts every closed segment of every compacted topic now, also where the timer would wait for more to do. Resolves
   *  with the number of records removed. */
  compact(): Promise<number>;
  /** Writes and syncs everything, marks the directory clean, frees the lock. Idempotent. */
  close(): Promise<void>;
}
