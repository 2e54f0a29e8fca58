/** How the embedded log is opened for a comparison, where that is not its default. */

/** Retention and compaction are looked at as often as by the Kafka that src/brokers starts, so that both can be seen in seconds. */
export const logLooksOften = { retentionCheckIntervalMs: 2_000, compactionCheckIntervalMs: 1_000 } as const;
