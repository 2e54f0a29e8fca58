/** Every wait, retry and poll of this folder, by name. */

export const limits = {
  /** One answer of a probe (a handshake, a ping): longer than this counts as no answer. */
  probeMs: 2_000,
  /** A Docker engine that needs longer than this to say pong is no use for starting brokers. */
  dockerPingMs: 900,
  /** Between two looks at a process or a port that is about to change. */
  pollMs: 50,
  /** From the start of a broker's process to its first answered handshake; a cold, busy machine needs 20 s. */
  brokerReadyMs: 90_000,
  /** From SIGTERM to SIGKILL. The data is thrown away afterwards, so an orderly end is a courtesy to clients only. */
  stopGraceMs: 5_000,
  /** From SIGTERM to giving up on an end in good order: Kafka moves its leaders first, RabbitMQ closes its queues. */
  orderlyEndMs: 40_000,
  /** From SIGKILL to giving up: only a process stuck in the kernel lasts longer. */
  killMs: 5_000,
  /** How often the watchdog looks whether its owner still runs. */
  watchdogPollMs: 500,
  /** `apt-get update` and `apt-get install debootstrap`, each. */
  aptMs: 180_000,
  /** One run of debootstrap, which fetches some 120 MB. */
  debootstrapMs: 600_000,
  /** One run of mvn, which fetches some 54 MB. */
  mavenMs: 600_000,
  /** A short tool of the system or of a broker: StorageTool, rabbitmqctl, dpkg-query. */
  toolMs: 60_000,
  /** A container's start, the pull of its image included. */
  dockerStartMs: 300_000,
  /** How often a download is tried: mirrors fail now and then, a missing suite fails always. */
  downloadAttempts: 3,
  /** Between two tries of a download. */
  downloadBackoffMs: 2_000,
  /** Waiting for another process that installs the same thing: longer than one install with all its tries. */
  lockWaitMs: 2_400_000,
  /** A start that fails with a port taken meanwhile is tried again with other ports. */
  startAttempts: 3,
  /** The last bytes of a tool's output or a broker's log that go into an error's message. */
  outputTailBytes: 1_000,
} as const;
