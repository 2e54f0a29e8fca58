/** What of the list of properties (S01 to S51) no scenario asks, and why: printed in docs/SCENARIOS.md and in every report. */

export interface NotRun {
  readonly id: string;
  /** Its row in the list of properties. */
  readonly number: string;
  readonly system: null;
  readonly layer: null;
  readonly reason: string;
}

export const notRun: readonly NotRun[] = [
  {
    id: 'power-loss',
    number: 'S29',
    system: null,
    layer: null,
    reason:
      'a broker that is killed keeps what the kernel has: losing that too needs a virtual machine or a file system made for it, and this machine has neither (what the log does is in docs/DURABILITY.md)',
  },
];
