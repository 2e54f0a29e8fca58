/** Every bound of this adapter that is not the port's, with the reason beside it. */
export const bounds = {
  /** A broker that was down is tried again after this, doubled up to the maximum, each with jitter: never given up. */
  reconnectMinMs: 100,
  reconnectMaxMs: 5_000,
  /** Share of the delay that is random, so that many clients do not come back at once. */
  reconnectJitter: 0.3,
  /** A caller who needs the connection has it tried for at once, at most this often. */
  reconnectAskedMs: 500,
  /** Below 5 s the broker's own scheduling gives false alarms; a peer that went silent is noticed after one and a half (silence.ts). */
  heartbeatSeconds: 10,
  /** Health is a round trip: a broker that hangs keeps its connections until the heartbeat ends them. Below the gateway's healthTimeoutMs. */
  healthTimeoutMs: 1_500,
  /** One declare, bind, check or consume. Below the port's adminTimeoutMs, so that the reason arrives before the deadline. */
  callTimeoutMs: 8_000,
  /** How long an administrative call waits for an attempt to connect that gets no answer at all. */
  connectionWaitMs: 2_000,
  /** The closing handshake of a channel or connection; a dead broker never answers it. */
  closeTimeoutMs: 2_000,
  /** After a channel closed, a queue's counts may not show yet what came back from it, and still show its consumer. */
  requeueSettleMs: 2_000,
  /** close() waits this long for publishes that were sent and not yet answered. */
  publishDrainMs: 3_000,
  /** During an alarm RabbitMQ reads no further: what was sent into it and is not answered after this is told to be unknown. */
  blockedAnswerMs: 3_000,
  /** Sent and not yet confirmed, per lane: enough to hide the round trip, small enough to tell soon what a dead broker leaves unknown. */
  publishWindowMessages: 2_000,
  publishWindowBytes: 16 * 1024 * 1024,
  /** Given to a socket in one turn; then it must have been written before there is more. Node's own 16 KiB are few messages a system call. */
  socketBufferBytes: 128 * 1024,
  /** Waiting for room in the window, per lane. The port refuses before (publishInFlightMessagesMax); this is for callers without it. */
  publishWaitingMessages: 50_000,
  /** A protocol error closes its channel with all that is in flight: topics are spread over this many channels. */
  publishLanes: 8,
  /** Queues of a broker that restarts may be away for a moment after the connection is back. */
  resubscribeMinMs: 100,
  resubscribeMaxMs: 2_000,
  /** RabbitMQ counts messages, not bytes: the prefetch assumes messages of this size to stay within a credit in bytes. */
  assumedMessageBytes: 64 * 1024,
  /** The same for the queues of an ordered subscription, whose prefetch is never changed: with a quarter of it small messages are an eighth slower. */
  assumedOrderedMessageBytes: 16 * 1024,
  /** Once it is known what they weigh, so many times that much may arrive before the credit in bytes is used up. */
  weightMargin: 4,
  /** However small the credit in bytes, so many are sent ahead: else each message would wait for a round trip. */
  prefetchMin: 8,
  /** Of all queues of an ordered subscription together, each of which may be the one that has everything. */
  prefetchTotalMax: 10_000,
  /** The protocol's field has 16 bits. */
  prefetchMax: 65_535,
  /** Acks of one turn of the event loop travel together; more than this are written at once. */
  ackBatchMax: 512,
  /** So long an ack waits for others to be written with. */
  ackDelayMs: 2,
  /** A cursor is stored after this many settled messages or this long after the first, whichever is sooner. */
  cursorCommitMessages: 1_000,
  cursorCommitMs: 200,
  /** The held cursor is the lease; it is written anew long before the broker's consumer timeout (30 minutes) would take it back. */
  cursorRenewMs: 600_000,
  /** Acked ranges of one cursor. Beyond it the highest are left out: those messages would come again. */
  cursorBytesMax: 64 * 1024,
  /** Cursor messages that may wait in a cursor queue; the newest decides, the oldest are dropped. */
  cursorQueueLength: 64,
  /** Attempts of messages on classic queues that are remembered, by message id. */
  attemptsRemembered: 10_000,
  /** A stream that holds messages sends the first one within this, also on a broker that is busy. */
  streamAnswerMs: 4_000,
  /** A stream that is silent for so long, after two round trips, and of which nobody knows that it holds anything, is empty. */
  streamSilenceMs: 100,
  /** A chunk of a stream holds at most 4,096 messages: this reads the last one whole. */
  chunkMessagesMax: 5_000,
  /** Reads of one browse stop at this many bytes and say where to go on. */
  readBytesMax: 16 * 1024 * 1024,
  /** Unacknowledged for a day: the broker's own timeout (30 minutes) would end leases that are being extended. */
  consumerTimeoutMs: 86_400_000,
  /**
   * A consumer whose node of the cluster is gone keeps its messages for this long. RabbitMQ 4.3 would wait for a minute, in which an
   * ordered subscription stands still: the messages before the next one are in the hands of nobody.
   */
  consumerDisconnectedMs: 2_000,
  /** How long an ordered subscription waits to be counted before it consumes: the queue for it may be on a node that is away. */
  presenceWaitMs: 1_000,
  /** Names in AMQP are short strings. */
  nameBytesMax: 255,
  /** Strict priorities of quorum queues. */
  priorityMax: 31,
  /** The longest wait before a message is delivered: a queue's own end, behind it, must fit into 32 bits of milliseconds. */
  delayMsMax: 28 * 24 * 3_600_000,
  /** Waiting queues of a topic: each for delays up to so much more than the one before; the first for all up to a tenth of a second. */
  delayStepMsMin: 100,
  delayStepFactor: 1.1,
  /** A waiting queue is declared again when it was not for so long; one that nobody declares goes so long after its last message. */
  delayQueueDeclareMs: 10 * 60_000,
  delayQueueIdleMs: 24 * 3_600_000,
  /** Clock differences between publishers and the broker that a seek to a time allows for. */
  clockSkewMs: 5_000,
} as const;
