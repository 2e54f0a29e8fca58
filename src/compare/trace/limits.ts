/** Every bound of traces, with its reason. A log or trace above one is refused or counted, never cut in silence. */
export const traceLimits = {
  /** A log is streamed, so this only stops a mistake such as a disk image or an endless pipe. */
  logBytesMax: 16 * 1024 ** 3,
  /** Lines of a log: at 100 million the trace could not be read back anyway. */
  logLinesMax: 100_000_000,
  /** A longer line of a log is skipped and counted. Not above the port's largest value: it could not be published. */
  logLineBytesMax: 1024 * 1024,
  /** A record with its continuation lines; lines that would go above are skipped and counted. The port's largest value. */
  recordBytesMax: 1024 * 1024,
  /** The format is decided on this many lines from the start. */
  sampleLines: 1_000,
  sampleBytes: 8 * 1024 * 1024,
  /** A key is cut nowhere: a longer one leaves the message without key, counted. The port's largest key. */
  keyBytesMax: 4 * 1024,
  /** Distinct keys that the summary counts exactly. */
  distinctKeysMax: 1_000_000,
  /** readTrace holds the whole trace in memory. */
  traceBytesMax: 1024 ** 3,
  traceMessagesMax: 2_000_000,
  /** A value of 1 MiB in JSON with every byte escaped as \u00XX, and the other fields. */
  traceLineBytesMax: 8 * 1024 * 1024,
  /** The port's largest value. */
  valueBytesMax: 1024 * 1024,
  headersMax: 64,
  headerBytesMax: 32 * 1024,
} as const;

/** A timestamp this much before the latest one is a late line: it keeps its place and gets the latest time. Above: the clock was set back. */
export const lateLineMsMax = 60_000;

/** Of logs without a year: going back further than this is the turn of a year, not a late line. */
export const yearTurnMsMin = 182 * 86_400_000;

/** Of logs without a year: a December line that comes at most this late after the turn of a year still belongs to the old one. */
export const lateDecemberMsMax = 7 * 86_400_000;
