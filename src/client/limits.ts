/** Every bound of the client, with the reason beside it. What a gateway refuses is the gateway's to say (docs/LIMITS.md). */
export const clientLimits = {
  /** One call, all its tries together: a gateway answers a publish within 30 s, so its own word comes before ours. */
  timeoutMs: 35_000,
  /** Tries of one call that may be made again. */
  attemptsMax: 5,
  /** Between two tries: doubled each time, half of it by chance, unless the gateway says how long. */
  backoffMinMs: 100,
  backoffMaxMs: 5_000,
  /** As many messages as one request may have, and about as many bytes of them as leave its body well under its limit. */
  messagesPerRequestMax: 1_000,
  bytesPerRequestMax: 4 * 1024 * 1024,
  /** Lines of a publish stream that were sent and have no result yet. Then the source is not read. */
  streamMessagesInFlightMax: 2_000,
  /** Lines go out together up to so many bytes, as far as the source has them ready. */
  streamChunkBytesMax: 64 * 1024,
  /** Without a result for so long, with lines out, the stream is given up. */
  streamIdleMs: 60_000,
  /** Deliveries of a subscriber that are out and not settled, unless it says otherwise. */
  creditMessages: 100,
  /** How long one pull waits at the gateway: long enough to cost little, short enough for proxies. */
  pullWaitMs: 20_000,
  /** A lease is extended when this part of it is over: twice more before it ends. */
  extendAfterPart: 1 / 3,
  /** One message is held no longer than this by extending: a handler that hangs must not keep it from others for ever. */
  holdMs: 600_000,
  /** A subscriber tries to reach its gateway again for so long. */
  outageMs: 300_000,
  /** close() of a subscriber gives back what it holds, and waits for that no longer. */
  closeMs: 5_000,
  /** Tokens of one settle request. */
  tokensPerRequestMax: 1_000,
} as const;
