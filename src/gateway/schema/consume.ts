/** Pull and settle. */

import { z } from 'zod';
import { limits, settleStatuses } from '../../adapters/index.ts';
import { EncodingQuery, whole, wholeText } from './common.ts';
import { DeliveredMessage } from './message.ts';

export const PullBody = z.strictObject({
  maxMessages: whole(1, limits.pullMessagesMax).default(100),
  maxBytes: whole(1, limits.pullBytesMax).default(4 * 1024 * 1024),
  waitMs: whole(0, limits.pullWaitMsMax)
    .describe('Default: what the header `prefer: wait=<seconds>` says, else 1000.')
    .exactOptional(),
});

export const pullWaitMsDefault = 1_000;

export const PullAnswer = z.strictObject({
  deliveries: z.array(
    z
      .strictObject({
        ackToken: z.string(),
        attempt: z.int(),
        deadline: z.number().describe('Milliseconds since 1970.'),
        message: DeliveredMessage,
      })
      .meta({ id: 'Delivery' }),
  ),
});

const Tokens = z.array(z.string().min(1).max(limits.tokenCharactersMax)).min(1).max(limits.tokensPerCallMax);
const Reason = z.string().max(1_000).exactOptional();

export const AckBody = z.strictObject({ tokens: Tokens });
export const NackBody = z.strictObject({
  tokens: Tokens,
  delayMs: whole(0, limits.backoffMsMax).describe('Default: the back-off of the subscription.').exactOptional(),
  reason: Reason,
});
export const RejectBody = z.strictObject({ tokens: Tokens, reason: Reason });
export const ExtendBody = z.strictObject({
  tokens: Tokens,
  deadlineMs: whole(1, limits.ackDeadlineMsMax).describe('From now.'),
});

export const SettleAnswer = z
  .strictObject({
    results: z.array(
      z.strictObject({
        token: z.string(),
        status: z.enum(settleStatuses),
        gateway: z.string().describe('With `elsewhere`: the gateway that may hold the lease.').exactOptional(),
      }),
    ),
  })
  .meta({ id: 'SettleAnswer' });

// ------------------------------------------------------------------------------------------------ frames of a stream

const Credit = z.strictObject({
  messages: whole(0, limits.maxInFlightMessages).default(0),
  bytes: whole(0, limits.maxInFlightBytes).describe('The last delivery may go beyond.').exactOptional(),
});

/** What a client sends on StreamingPull and on a WebSocket: one of these, and a number that comes back with its results. */
export const StreamFrame = z
  .strictObject({
    start: z.strictObject({ subscription: z.string().exactOptional(), credit: Credit.prefault({}) }).exactOptional(),
    credit: Credit.exactOptional(),
    ack: AckBody.exactOptional(),
    nack: NackBody.exactOptional(),
    release: AckBody.exactOptional(),
    reject: RejectBody.exactOptional(),
    extend: ExtendBody.exactOptional(),
    correlationId: whole(0, Number.MAX_SAFE_INTEGER).exactOptional(),
  })
  .superRefine((frame, context) => {
    if (Object.keys(frame).filter((part) => part !== 'correlationId').length !== 1) {
      context.addIssue({ code: 'custom', message: 'must be one of start, credit, ack, nack, release, reject, extend' });
    }
  });

export type StreamFrame = z.output<typeof StreamFrame>;

export const SseQuery = EncodingQuery.extend({
  ack: z
    .enum(['auto', 'manual'])
    .default('auto')
    .describe('auto: what was sent is acknowledged. manual: events carry a token for POST .../ack.'),
  credit: wholeText(1, limits.maxInFlightMessages).describe('At most so many out and not settled.').exactOptional(),
});

/** By partition, the offset to go on from: `0:17,1:3`. */
export const SseCursor = z.string().regex(/^\d{1,5}:\d{1,16}(,\d{1,5}:\d{1,16})*$/, 'must be the id of an event');
