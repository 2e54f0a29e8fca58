/** Every bound of the gateway, with the reason beside it. Bounds of messages and calls are the port's (adapters/limits.ts). */
export const gatewayLimits = {
  /** A value of 1 MiB in its worst JSON spelling (`\u0000`, six characters a byte), with key and headers. */
  bodyBytesMax: 8 * 1024 * 1024,
  /** Bodies that are arriving or being worked on, of all doors together. Above: `overloaded`. */
  bodyBytesInFlightMax: 256 * 1024 * 1024,
  /** Of these bytes, and of the streams below, one principal has at most this part: nobody can shut out all others. */
  principalShare: 0.5,
  /** From the first byte of a request to its last; Node's own default of five minutes lets slow senders hold sockets. */
  requestTimeoutMs: 30_000,
  /** A socket whose request was late is closed so long after its answer. */
  lateLingerMs: 1_000,
  /** The head alone. */
  headersTimeoutMs: 10_000,
  /** A socket without a byte either way. Above the longest pull (30 s) and the longest publish (30 s). */
  connectionTimeoutMs: 75_000,
  /** Above the 60 s after which common load balancers drop idle connections, so that they and not we close first. */
  keepAliveTimeoutMs: 72_000,
  /** All header fields of a request. */
  requestHeadBytesMax: 16 * 1024,
  /** How often Node looks for heads that are late; its own default of 30 s would let a head of 10 s take 40. */
  connectionsCheckMs: 1_000,
  /** Each holds a socket and at most one request. A request on one above it is answered `overloaded`, and its connection closed. */
  connectionsMax: 2_000,
  /** Connections above the bound that are there to be told so; later ones are closed without a word. */
  connectionsRefusedMax: 100,
  /** Names have at most 249 characters, percent-encoded more: fastify's default of 100 would answer 404 for a good name. */
  pathParameterCharactersMax: 512,
  /** What a client may call its request; longer or other characters: we name it. */
  requestIdCharactersMax: 128,
  /** Publish requests not yet answered. Above: `too_many_in_flight`. */
  publishesInFlightMax: 1_000,
  /** A request that comes again with its Idempotency-Key is recognised for so long: longer than clients try again. */
  idempotencyMs: 600_000,
  /** Answers that are remembered for it, and the outcomes in them: about 100 MiB at most. The oldest go first. */
  idempotencyKeysMax: 20_000,
  idempotencyMessagesMax: 200_000,
  /** With a number behind it (`.999`) it is the id of a message, which has at most 200. */
  idempotencyKeyCharactersMax: 196,
  /** Pulls that wait on one subscription. Above: `too_many_in_flight`. */
  pullsWaitingPerSubscriptionMax: 1_000,
  /** Subscriptions that are being pulled from at the same time: each is an open consumer on the backend. */
  pullSessionsMax: 1_000,
  /** A consumer that nobody pulled from for so long, with nothing outstanding, is closed: what it prefetched is for others. */
  pullIdleMs: 30_000,
  /** Streams of every kind together (gRPC, SSE, WebSocket, NDJSON): each holds a consumer or frames. Above: `too_many_in_flight`. */
  streamsMax: 2_000,
  /** Streams of gRPC's health and reflection, which need no credentials: a bound of their own, so that they take none of the others'. */
  grpcOpenStreamsMax: 100,
  /** A message to them: a name of a service or of a file. */
  grpcOpenMessageBytesMax: 4 * 1024,
  /** Deliveries of one frame of a stream: a frame is what a client that does not read costs, beside the socket's own buffer. */
  streamFrameMessagesMax: 500,
  streamFrameBytesMax: 256 * 1024,
  /** Frames of one stream that are being worked on; then it is not read from until one is answered. */
  streamFramesInFlightMax: 16,
  /** The bytes of their messages: below the port's own bound (64 MiB), so that one publisher cannot take all of it. */
  streamBytesInFlightMax: 8 * 1024 * 1024,
  /** A redrive is a request: it answers in this time, and the next one goes on. Below what clients and proxies wait for. */
  redriveMs: 20_000,
  /** The first pull of a Kafka group waits for the group to form. */
  redriveFirstWaitMs: 5_000,
  /** Letters that are taken at a time; a dry run looks at so many. */
  redriveBatchMax: 500,
  /** A line of NDJSON, as a body: a value of 1 MiB in its worst spelling. */
  ndjsonLineBytesMax: 8 * 1024 * 1024,
  /** Lines that are there together are one publish, up to so many; and so many publishes of a stream are under way. */
  ndjsonBatchMessagesMax: 500,
  ndjsonBatchesInFlightMax: 4,
  /** A frame of a WebSocket: a thousand tokens with room to spare. */
  webSocketFrameBytesMax: 1024 * 1024,
  /** SSE and WebSocket: a sign of life this often, below the minute after which common proxies drop a silent connection. */
  streamHeartbeatMs: 15_000,
  /** What a resumed SSE stream reads from the log at a time: values of 1 MiB make it 16 MiB. */
  streamReplayMessagesMax: 16,
  /** HTTP/2 connections of gRPC. */
  grpcConnectionsMax: 1_000,
  /** Calls at a time on one of them, as HTTP/2 announces it: clients queue, they are not refused. */
  grpcCallsPerConnectionMax: 1_000,
  /** A peer that went away without a word (a pulled cable) is found by a ping, and what its streams hold is given back. */
  grpcKeepaliveMs: 30_000,
  grpcKeepaliveTimeoutMs: 10_000,
  /** A connection without a call is closed; clients open another when they need one. */
  grpcIdleMs: 300_000,
  /** The health that gRPC watchers are told is this old at most. */
  grpcHealthPollMs: 5_000,
  /** An error travels in trailers, for which common clients take 8 KiB. */
  grpcDetailCharactersMax: 1_024,
  grpcFieldViolationsMax: 20,
  /** `/readyz` and `/v1/backend` do not wait longer for the backend: a probe has a deadline of its own. */
  healthTimeoutMs: 2_000,
  /** While there are streams the backend is asked so often whether it is there: they are told within this and the time of a probe. */
  backendWatchMs: 2_000,
  /** Topics and subscriptions that get a label of their own in metrics; the rest share `__other__`. */
  metricNamesMax: 200,
  /** Lag is asked of the backend at a scrape: for so many subscriptions, at most so often, and no longer than this. */
  lagSubscriptionsMax: 100,
  lagCacheMs: 5_000,
  lagTimeoutMs: 2_000,
  /** At a scrape the backend is asked whether it is there, at most so often. */
  healthCacheMs: 500,
  /** A scrape waits so long for lag and health, then it tells what was known last: some scrapers give up after a second. */
  scrapeWaitMs: 500,
  /** What the native log says of its files and its disk, at a scrape: at most so often. */
  storageCacheMs: 1_000,
  /** Spans that wait for the collector, with those on their way to it; more are dropped, and counted. */
  traceSpansWaitingMax: 4_096,
  /** Of one export, and how long spans wait for others to go with. */
  traceBatchSpansMax: 512,
  traceDelayMs: 2_000,
  traceAttributeCharactersMax: 1_024,
  /** Shutdown: the last spans have so long to reach the collector. */
  traceFlushMs: 1_500,
  /**
   * Shutdown: connections that are used keep being answered for so long, each with "connection: close"; one that is closed while a request is
   * on its way to it is a reset for its client.
   */
  shutdownLingerMs: 500,
  /** Shutdown: requests under way may finish for so long, then their sockets are closed. */
  shutdownRequestsMs: 3_000,
  /** All of the shutdown; the promise is under ten seconds. */
  shutdownMs: 9_500,
} as const;

/** The bounds that the configuration may set (`limits.connectionsMax`), each with what it may be. The others protect other bounds. */
export const configurableLimits = {
  connectionsMax: { min: 1, max: 1_000_000 },
  grpcConnectionsMax: { min: 1, max: 1_000_000 },
  streamsMax: { min: 1, max: 1_000_000 },
  publishesInFlightMax: { min: 1, max: 1_000_000 },
  pullsWaitingPerSubscriptionMax: { min: 1, max: 1_000_000 },
  pullSessionsMax: { min: 1, max: 1_000_000 },
  headersTimeoutMs: { min: 100, max: 600_000 },
  requestTimeoutMs: { min: 100, max: 600_000 },
} as const satisfies Partial<Record<keyof typeof gatewayLimits, { readonly min: number; readonly max: number }>>;

export type ConfigurableLimit = keyof typeof configurableLimits;

/** Those that hold in one gateway: the configured ones over the defaults. */
export type GatewayLimits = { readonly [L in keyof typeof gatewayLimits]: number };
