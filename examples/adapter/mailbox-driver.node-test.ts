/** The same under node:test: `node --import tsx --test examples/adapter/mailbox-driver.node-test.ts`. */

import { after, before, describe, it } from 'node:test';
import { portFromDriver } from 'sluice';
import { conformance, memoryTiming, renderFindings } from 'sluice/conformance';
import { MailboxDriver } from './mailbox-driver.ts';

conformance({
  name: 'mailbox',
  open: async () => await portFromDriver(new MailboxDriver()),
  timing: { ...memoryTiming, leaseMs: 300, deadlineMs: 5_000 },
  onReport: (report) => console.log(renderFindings([report])),
  nodeTest: { after, before, describe, it },
});
