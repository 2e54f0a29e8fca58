/** Every bound of the port and its adapters, with the reason beside it. Relations between bounds are asserted in its test. */
export const limits = {
  /** Also Kafka's and RabbitMQ's practical name length; safe as a file name. */
  namePattern: /^[A-Za-z0-9][A-Za-z0-9._-]{0,248}$/,
  /** The same as a number. */
  nameCharactersMax: 249,
  /** More is a sign of a mistake; each partition costs files on the log and queues on RabbitMQ. */
  partitionsPerTopicMax: 256,
  /** One publish call. */
  messagesPerPublishMax: 1_000,
  /** A key is an index entry, not a payload. */
  keyBytesMax: 4 * 1024,
  /** Fits Kafka's default of 1,048,588 bytes with its batch overhead and headers. */
  valueBytesMax: 1024 * 1024,
  /** All headers of a message together; AMQP refuses a header table above 64 KiB. */
  headerBytesMax: 32 * 1024,
  headersMax: 64,
  idCharactersMax: 200,
  /** The end of the year 9999. Later ones are microseconds by mistake, which the log and Kafka refuse, each at another bound. */
  timestampMsMax: 253_402_300_799_999,
  /** Publishes handed to a driver and not yet answered: count and bytes. Above: too_many_in_flight. */
  publishInFlightMessagesMax: 50_000,
  publishInFlightBytesMax: 64 * 1024 * 1024,
  /** After this a publish is answered as unknown. */
  publishTimeoutMs: 30_000,
  /** After this an administrative call (create, delete, describe, lag) is answered deadline_exceeded. */
  adminTimeoutMs: 15_000,
  /** close() of a port gives up waiting after this. */
  closeTimeoutMs: 8_000,
  /** maxInFlight of a subscription may not exceed these. */
  maxInFlightMessages: 10_000,
  maxInFlightBytes: 256 * 1024 * 1024,
  ackDeadlineMsMin: 100,
  ackDeadlineMsMax: 600_000,
  backoffMsMax: 3_600_000,
  maxAttemptsMax: 1_000,
  /** One pull. */
  pullMessagesMax: 1_000,
  pullBytesMax: 16 * 1024 * 1024,
  pullWaitMsMax: 30_000,
  /** One read (browse). */
  readMessagesMax: 1_000,
  /** Tokens in one settle call. */
  tokensPerCallMax: 1_000,
  /** A token is this long at most; longer ones are not looked at. */
  tokenCharactersMax: 200,
  /** Of a gateway's name, which its tokens carry. */
  gatewayNameBytesMax: 48,
  /** Keys kept on a backend: one, or as many as processes were first on it at the same moment. */
  tokenKeysMax: 64,
  /** A key of the configuration: below this it could be guessed. */
  tokenKeyCharactersMin: 32,
  /** A traceparent of the version that is known has 55; later ones may be longer. */
  traceparentCharactersMax: 256,
  /** What the specification asks to be passed on at least; longer ones are left out. */
  tracestateCharactersMax: 512,
  /** Messages that one span links to; what OpenTelemetry's SDKs keep of a span by default. */
  traceLinksMax: 128,
  /** How many expired tokens a subscription remembers, to tell expired from settled. */
  expiredTokensKept: 10_000,
  /** Consumers of one subscription in one process. */
  consumersPerSubscriptionMax: 256,
  /** A dead letter that cannot be stored is tried again after this. */
  deadLetterRetryMs: 1_000,
  /** How long an unknown topic or subscription is answered from memory before the definitions are read again. */
  definitionMissTtlMs: 250,
} as const;
