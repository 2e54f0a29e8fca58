/** Subscriptions: what creates one, one as it stands, and where it is. */

import { z } from 'zod';
import { limits } from '../../adapters/index.ts';
import { Name, PositionBody, whole } from './common.ts';

const OrderingName = z.enum(['none', 'key', 'partition']);
const OnExhausted = z.enum(['deadLetter', 'drop', 'block']);

export const SubscriptionBody = z.strictObject({
  name: Name,
  topic: Name,
  start: PositionBody.default('latest'),
  ordering: OrderingName.default('none'),
  ackDeadlineMs: whole(limits.ackDeadlineMsMin, limits.ackDeadlineMsMax).default(30_000),
  maxInFlight: z
    .strictObject({
      messages: whole(1, limits.maxInFlightMessages).default(1_000),
      bytes: whole(1, limits.maxInFlightBytes).default(16 * 1024 * 1024),
    })
    .exactOptional(),
  retry: z
    .strictObject({
      minBackoffMs: whole(0, limits.backoffMsMax).default(100),
      maxBackoffMs: whole(0, limits.backoffMsMax).default(60_000),
      maxAttempts: whole(1, limits.maxAttemptsMax).default(5),
    })
    .exactOptional(),
  onExhausted: OnExhausted.default('deadLetter'),
  deadLetterTopic: Name.describe('Default: the name and ".dead".').exactOptional(),
  requires: z.array(z.string()).max(100).describe('Capabilities that must not be unsupported.').exactOptional(),
});

/** RFC 7396: what is given replaces what was. */
export const SubscriptionPatch = z.strictObject({
  ackDeadlineMs: whole(limits.ackDeadlineMsMin, limits.ackDeadlineMsMax).exactOptional(),
  maxInFlight: z
    .strictObject({
      messages: whole(1, limits.maxInFlightMessages).exactOptional(),
      bytes: whole(1, limits.maxInFlightBytes).exactOptional(),
    })
    .exactOptional(),
  retry: z
    .strictObject({
      minBackoffMs: whole(0, limits.backoffMsMax).exactOptional(),
      maxBackoffMs: whole(0, limits.backoffMsMax).exactOptional(),
      maxAttempts: whole(1, limits.maxAttemptsMax).exactOptional(),
    })
    .exactOptional(),
});

export type SubscriptionBody = z.output<typeof SubscriptionBody>;

export const Subscription = z
  .strictObject({
    name: Name,
    topic: Name,
    start: PositionBody,
    ordering: OrderingName,
    ackDeadlineMs: z.int(),
    maxInFlight: z.strictObject({ messages: z.int(), bytes: z.int() }),
    retry: z.strictObject({ minBackoffMs: z.int(), maxBackoffMs: z.int(), maxAttempts: z.int() }),
    onExhausted: OnExhausted,
    deadLetterTopic: Name.nullable(),
    requires: z.array(z.string()),
  })
  .meta({ id: 'Subscription' });

export type SubscriptionAnswer = z.output<typeof Subscription>;

export const SubscriptionList = z.strictObject({ subscriptions: z.array(Subscription) });

export const SeekBody = z.strictObject({ to: PositionBody });

export const LagAnswer = z.strictObject({
  partitions: z.array(
    z.strictObject({ partition: z.int(), lag: z.int(), oldestUnackedMs: z.number().exactOptional() }),
  ),
  total: z.int(),
});
