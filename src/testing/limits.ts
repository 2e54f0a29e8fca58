/** Every bound of the test broker, with its reason. */
export const testingLimits = {
  /** How long a `waitFor...` waits: longer than a busy machine needs, shorter than a test runner's own limit of 5 s allows. */
  waitMsDefault: 4_000,
  waitMsMax: 600_000,
  /** One `advance`: the time of ten years is a mistake. */
  advanceMsMax: 10 * 365 * 24 * 3_600_000,
  /** Timers that one `advance` lets fire: above this something asks again at once, for ever. */
  firingsPerAdvanceMax: 100_000,
  /** `published` and `pending` look at no more than this of a topic. */
  messagesSeenMax: 100_000,
} as const;
