/** What of the list of properties (S01 to S51) no scenario asks, and why: printed in docs/SCENARIOS.md and in every report. */

export interface NotRun {
  readonly id: string;
  /** Its row in the list of properties. */
  readonly number: string;
  readonly reason: string;
}

export const notRun: readonly NotRun[] = [
  {
    id: 'corruption',
    number: 'S33',
    reason:
      "flipping bits in a broker's files needs to know its formats to hit a message and not a hole; the embedded log's own tests do it (docs/DURABILITY.md), the brokers are not asked",
  },
  {
    id: 'power-loss',
    number: 'S29',
    reason:
      'a broker that is killed keeps what the kernel has: losing that too needs a virtual machine or a file system made for it, and this machine has neither (what the log does is in docs/DURABILITY.md)',
  },
];
