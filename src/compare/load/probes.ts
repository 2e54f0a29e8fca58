/** Messages before the clock starts: when every subscription has heard every one of them, what is measured is not the joining of a group. */

import type { WireMessage } from '../systems/wire.ts';

export const probes = 64;
const probePrefix = 'probe ';

/** null for what is no probe. */
export function probeNumber(value: Buffer): number | null {
  // Shorter than any payload, so that no measured message can be taken for one.
  if (value.length >= 12 || !value.toString('latin1').startsWith(probePrefix)) return null;
  return Number(value.toString('latin1').slice(probePrefix.length));
}

/** With a key of its own each, so that all partitions have some. */
export function probeMessages(): readonly WireMessage[] {
  return Array.from({ length: probes }, (_, i) => ({ key: `probe-${i}`, value: Buffer.from(`${probePrefix}${i}`) }));
}
