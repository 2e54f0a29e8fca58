/** What the backend is, what it can do, and whether it is there. */

import { z } from 'zod';
import { QueueTypeName } from './common.ts';

const Claim = z
  .strictObject({
    level: z.enum(['native', 'emulated', 'unsupported']),
    how: z.string(),
    limits: z.record(z.string(), z.number()).exactOptional(),
  })
  .meta({ id: 'CapabilityClaim' });

const backend = {
  backend: z.string(),
  product: z.string(),
  version: z.string(),
  like: z.string().describe('The system whose manners it has: what that one refuses is refused.').exactOptional(),
};

export const CapabilitiesQuery = z.strictObject({
  queueType: QueueTypeName.describe('RabbitMQ: the claims differ by the type of the queue.').exactOptional(),
});
export const CapabilitiesAnswer = z.strictObject({ ...backend, capabilities: z.record(z.string(), Claim) });

export const Health = z.strictObject({ ok: z.boolean(), detail: z.string() });
export const BackendAnswer = z.strictObject({ ...backend, health: Health });

export const LiveAnswer = z.strictObject({ status: z.literal('live') });
export const ReadyAnswer = z.strictObject({ status: z.literal('ready'), backend: Health });
