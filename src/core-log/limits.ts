/** Every bound of the engine, with its reason. Relations between them are asserted in the tests. */
export const limits = {
  /** A topic's name becomes a directory name with `-<partition>` after it, and file systems allow 255 bytes. */
  namePattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,248}$/,
  partitionsPerTopicMax: 1_024,
  /** One record, all its parts together. */
  recordBytesMax: 32 * 1024 * 1024,
  /** One append is one batch, and a batch is built and checked in memory in one piece. */
  batchBytesMax: 128 * 1024 * 1024,
  /** What the records of a compressed batch may become in memory: as much as an uncompressed batch may have. A batch of a
   *  few KiB can claim to be gigabytes. */
  inflatedBytesMax: 128 * 1024 * 1024,
  /** Decoded batches of all partitions that are kept for the next fetch: small fetches from a large batch would otherwise
   *  decode it each time. */
  inflatedKeptBytesMax: 16 * 1024 * 1024,
  recordsPerAppendMax: 100_000,
  /** Smaller segments cost more files than they help; positions in an index are signed 32 bits. */
  segmentBytesMin: 1_024,
  segmentBytesMax: 2 ** 31 - 1,
  /** Offsets in an index are signed 32 bits, relative to the segment's first. */
  segmentOffsetsMax: 2 ** 31 - 1,
  segmentBytesDefault: 1024 * 1024 * 1024,
  /** Also without retention by time a segment is closed at this age, so that old data can leave when retention is set later. */
  segmentAgeMsMax: 7 * 24 * 3_600_000,
  /** One index entry for so many bytes of log: a lookup reads at most this and one batch. Kafka's default. */
  indexIntervalBytes: 4_096,
  /** Accepted, and not yet written or for fsync not yet synced, in one partition: above this appends wait before they are
   *  accepted. */
  queuedBytesMax: 64 * 1024 * 1024,
  /** The same, counted in appends: small ones take more memory for their promises than for their bytes. */
  queuedAppendsMax: 65_536,
  /** Appends of one partition that wait for room in the queue; above: `queue_full`. */
  waitingAppendsMax: 65_536,
  /** The bytes of their records: a disk that hangs must not fill the memory with large ones. */
  waitingBytesMax: 128 * 1024 * 1024,
  /** One write call: small enough to stay in the processor's cache, and so that those who are answered first build their
   *  next batches while the rest is written. */
  groupBytesMax: 512 * 1024,
  /** A write up to this is made by the main thread, which takes it some 0.1 ms; handing it to the thread pool and back costs as
   *  much as writing it. Larger ones are written beside the building of the next batches. */
  inlineWriteBytesMax: 256 * 1024,
  /** The event loop is not to stand still for longer: after a write that took more, so many go to the thread pool. */
  inlineWriteMsMax: 1,
  handedOverWrites: 64,
  /** While a sync is under way fsync appends are held back for one common write, up to this: then they are written beside the sync, so
   *  that the disk finds the next group ready. Measured for 1 KB records in one partition: half of this is as good, twice as much
   *  loses a quarter. */
  heldBytesMax: 512 * 1024,
  /** Groups of fsync appends above twice this are synced in two halves; below a second sync costs more than it hides. */
  halvedGroupBytes: 256 * 1024,
  /** Batches of a producer that are recognised when they come again: as many as Kafka's clients have under way at most. */
  producerBatchesKept: 5,
  /** Producers that one partition knows; the one used longest ago is forgotten first. Each costs some 500 bytes. */
  producersMax: 10_000,
  /** A producer that sent nothing for so long is forgotten. Kafka's default. */
  producerExpiryMs: 24 * 3_600_000,
  /** Producer ids are reserved on the disk in blocks of this, so that most of them need no sync. */
  producerIdBlock: 1_000,
  /** Producers whose raised epoch is remembered; older ones are told from their batches alone. */
  producerEpochsMax: 100_000,
  /** A message id is recognised for at least so long after the first one was accepted: longer than a client retries. */
  messageIdWindowMs: 120_000,
  /** Ids that one partition, and all together, remember; the oldest are forgotten first, also within the window. Some 150
   *  bytes each. */
  messageIdsPerPartitionMax: 100_000,
  messageIdsMax: 1_000_000,
  messageIdCharactersMax: 256,
  /** What is known of publishers is written down after so much of log: after a crash at most this, and what is written
   *  meanwhile, is read to know it again. */
  publishersSnapshotBytes: 64 * 1024 * 1024,
  /** Recently written batches of all partitions kept in memory, so that readers at the end do not read the disk. */
  hotTailBytesMax: 32 * 1024 * 1024,
  /** A partition to which so much was written since somebody last read it keeps only this in its hot tail: memory that nobody
   *  reads is better used for the next batches, while it is in the processor's cache. */
  hotTailUnreadBytesMax: 256 * 1024,
  /** Memory of written batches that waits for the next ones, of all partitions: fresh memory costs a batch as long as filling it. */
  pooledBatchBytesMax: 8 * 1024 * 1024,
  /** Smaller batches come from Node's own pool, larger ones are rare. */
  pooledBatchBytesMin: 4 * 1024,
  pooledBatchSizeMax: 1024 * 1024,
  /** A batch above this is not kept in the hot tail: it would push out everybody else's. */
  hotTailBatchBytesMax: 4 * 1024 * 1024,
  fetchRecordsDefault: 1_000,
  fetchBytesDefault: 1024 * 1024,
  /** The least that one read from the disk asks for. */
  readChunkBytes: 128 * 1024,
  /** The most that one read from the disk asks for, unless a single batch is larger. */
  readBytesMax: 8 * 1024 * 1024,
  /** Recovery and index rebuilding read the log in pieces of this. */
  scanChunkBytes: 1024 * 1024,
  /** Closed segments of one partition whose files and indexes stay open. */
  openSegmentsMax: 8,
  /** The synced mark on the disk is at most this much behind. */
  markDelayMs: 1_000,
  /** Syncs of partitions at open and close that run at once: the thread pool has four threads. */
  openConcurrency: 4,
  /** How long a tombstone outlives the record that it deletes: a reader that is this far behind still learns of it. Kafka's default. */
  deleteRetentionMsDefault: 24 * 3_600_000,
  /** How often partitions of compacted topics are looked at. Kafka's default. */
  compactionCheckIntervalMsDefault: 15_000,
  /** A partition is compacted when so much of what could be was not yet: less often rewrites much to win little. Kafka's default. */
  compactionDirtyRatioMin: 0.5,
  /** Keys in memory during a pass, by their bytes and what each costs beside: one pass goes as far as they last. */
  compactionMapBytesMax: 64 * 1024 * 1024,
  compactionKeyOverheadBytes: 100,
  /** Longer keys are told apart by a digest. */
  compactionKeyBytesMax: 64,
  /** Appends and readers get their turn after so much was compacted. */
  compactionSliceBytes: 256 * 1024,
  /** Small neighbours that become one segment; their files are open together meanwhile. */
  compactionGroupSegmentsMax: 32,
  retentionCheckIntervalMsDefault: 300_000,
  retentionCheckIntervalMsMax: 2 ** 31 - 1,
  /** A durable map is written anew when its log is longer than this and than `mapRewriteFactor` times what is alive. */
  mapRewriteBytesMin: 1024 * 1024,
  mapRewriteFactor: 4,
  mapKeyBytesMax: 4 * 1024,
  mapValueBytesMax: 16 * 1024 * 1024,
  /** Kept free for cursors and deletions on a full disk: some 5,000 acknowledgements. Given back in steps of a few of them, each
   *  more than a file system's block. */
  reservedBytes: 256 * 1024,
  reserveStepBytes: 16 * 1024,
  /** Puts accepted and not yet written. */
  mapQueuedBytesMax: 64 * 1024 * 1024,
} as const;
