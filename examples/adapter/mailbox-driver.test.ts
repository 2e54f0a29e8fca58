/** The driver keeps what its table claims, and refuses the rest: one call declares the whole suite. */

import { portFromDriver } from 'sluice';
import { conformance, memoryTiming } from 'sluice/conformance';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { MailboxDriver } from './mailbox-driver.ts';

conformance({
  name: 'mailbox',
  open: async () => await portFromDriver(new MailboxDriver()),
  // Leases of a process of its own may be short; those of a broker want `brokerTiming`, the default.
  timing: { ...memoryTiming, leaseMs: 300, deadlineMs: 5_000 },
  vitest: { afterAll, beforeAll, describe, it },
});
