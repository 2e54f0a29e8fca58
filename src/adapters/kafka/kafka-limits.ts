/** Every bound of the Kafka driver, with the reason beside it. */
export const kafkaLimits = {
  /** A produce batch of one partition is closed above this; well below the topic's `max.message.bytes`. */
  batchBytesMax: 512 * 1024,
  batchMessagesMax: 5_000,
  /** All partitions that share one produce request; below the broker's `socket.request.max.bytes` (100 MiB) by far. */
  produceRequestBytesMax: 8 * 1024 * 1024,
  /** Our topics take batches up to this: a value of 1 MiB does not fit Kafka's default of 1,048,588 with its headers. */
  topicMessageBytesMax: 2 * 1024 * 1024,
  /** A batch is tried again (leader moves, not enough replicas) until its oldest message is this old. */
  produceRetryMs: 12_000,
  /** With no broker of the cluster reachable, publishes are refused after this. */
  unreachableRetryMs: 1_500,
  /** A topic unknown to the broker is refused after this: brokers learn of a new topic a moment after its creation. */
  unknownTopicRetryMs: 700,
  retryDelayMs: 50,
  /** No answer to a produce request after this: outcome unknown. With produceRetryMs below the port's publishTimeoutMs. */
  produceAnswerTimeoutMs: 15_000,
  requestTimeoutMs: 15_000,
  /** How long the broker holds a fetch that finds nothing, on average (in-step.ts). Data ends it at once, and so does an assignment. */
  fetchWaitMs: 5_000,
  /** The wait while another partition of the same broker was left out because its buffer is full. */
  fetchShortWaitMs: 10,
  /** A browse from the earliest begins anew so often when retention removes what it was about to read. */
  earliestMovesMax: 5,
  /** Fetched and not yet delivered, for all partitions of a subscription: work ahead while credit comes back. */
  prefetchBytesMax: 4 * 1024 * 1024,
  fetchPartitionBytesMax: 1024 * 1024,
  /** One batch of another client, decompressed: a few kilobytes could ask for all the memory there is. */
  decompressedBytesMax: 128 * 1024 * 1024,
  /** A member that is silent for this long loses its partitions. */
  sessionTimeoutMs: 15_000,
  /** On average (in-step.ts). Also how fast a member notices that another one joins. */
  heartbeatIntervalMs: 1_000,
  rebalanceTimeoutMs: 10_000,
  /** Acknowledgements are committed at most this often. */
  commitIntervalMs: 100,
  /** `offset.metadata.max.bytes` of the broker. */
  commitMetadataBytesMax: 4_096,
  /** A reconnect or rejoin after a fault waits this long, doubled up to the maximum. */
  rejoinDelayMs: 100,
  rejoinDelayMsMax: 1_000,
  /** A topic that is missing for this long was deleted. */
  missingTopicMs: 3_000,
  /** Members elsewhere get this long to leave a group that is to be deleted. */
  groupDeleteWaitMs: 5_000,
  /** Leaders and in-sync replicas are asked again when they are older than this and used. */
  metadataMaxAgeMs: 5_000,
  /** One read: raw bytes fetched at a time. */
  readBytesMax: 4 * 1024 * 1024,
  /** The follower of the meta topic waits this long for news; news ends it at once. */
  metaWaitMs: 5_000,
  healthTimeoutMs: 2_000,
  closeTimeoutMs: 3_000,
} as const;
