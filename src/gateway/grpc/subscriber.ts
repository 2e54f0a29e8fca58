/** sluice.v1.Subscriber. Bodies are held to the schemas of REST, with the subscription beside them. */

import type { z } from 'zod';
import { PortError, type TraceContext } from '../../adapters/index.ts';
import { pullDeliveries, settle, type SettleCall } from '../consuming.ts';
import type { GatewayContext } from '../context.ts';
import { Name } from '../schema/common.ts';
import { AckBody, ExtendBody, NackBody, PullBody, pullWaitMsDefault, RejectBody } from '../schema/consume.ts';
import { traceContextOfCall } from '../request-trace.ts';
import { SeekBody } from '../schema/subscriptions.ts';
import { StreamFrames } from '../stream-frames.ts';
import { bidi, goneSignal, unary } from './calls.ts';
import { checked, positionBody, toPosition } from './definitions.ts';
import type { StreamingPullRequest__Output } from './generated/sluice/v1/StreamingPullRequest.ts';
import type { SettleResponse } from './generated/sluice/v1/SettleResponse.ts';
import type { SubscriberHandlers } from './generated/sluice/v1/Subscriber.ts';
import { deliveryMessage, tokenMessage } from './messages.ts';

const subscription = { subscription: Name };
const PullRequest = PullBody.extend(subscription);
const SeekRequest = SeekBody.extend(subscription);
const settleRequests = {
  ack: AckBody.extend(subscription),
  nack: NackBody.extend(subscription),
  release: AckBody.extend(subscription),
  reject: RejectBody.extend(subscription),
  extend: ExtendBody.extend(subscription),
} as const satisfies Record<SettleCall, z.ZodType>;

export function subscriberHandlers(context: GatewayContext): SubscriberHandlers {
  const settling = async (
    call: SettleCall,
    request: object,
    trace: TraceContext | undefined,
  ): Promise<SettleResponse> => {
    const { subscription: name, ...body } = checked(settleRequests[call], request);
    return { results: (await settle(context, name, call, body, trace)).map(tokenMessage) };
  };
  return {
    Pull: unary(context, 'Subscriber/Pull', async (request, call, caller) => {
      const { subscription: name, waitMs = pullWaitMsDefault, ...options } = checked(PullRequest, request);
      const signal = goneSignal(call as never);
      const traceContext = traceContextOfCall(call);
      const traced = traceContext === undefined ? {} : { traceContext };
      const deliveries = await pullDeliveries(context, name, { ...options, waitMs, signal, ...traced }, caller);
      return { deliveries: deliveries.map(deliveryMessage) };
    }),
    Acknowledge: unary(
      context,
      'Subscriber/Acknowledge',
      async (request, call) => await settling('ack', request, traceContextOfCall(call)),
    ),
    Nack: unary(
      context,
      'Subscriber/Nack',
      async (request, call) => await settling('nack', request, traceContextOfCall(call)),
    ),
    Release: unary(
      context,
      'Subscriber/Release',
      async (request, call) => await settling('release', request, traceContextOfCall(call)),
    ),
    Reject: unary(
      context,
      'Subscriber/Reject',
      async (request, call) => await settling('reject', request, traceContextOfCall(call)),
    ),
    Extend: unary(
      context,
      'Subscriber/Extend',
      async (request, call) => await settling('extend', request, traceContextOfCall(call)),
    ),
    Seek: unary(context, 'Subscriber/Seek', async (request) => {
      const { subscription: name, to } = checked(SeekRequest, { ...request, to: positionBody(request.to) });
      await context.port.seek(name, toPosition(to));
      return {};
    }),
    StreamingPull: bidi(context, 'Subscriber/StreamingPull', (stream, end, caller) => {
      const frames = new StreamFrames(context, {
        kind: 'grpc_pull',
        caller,
        deliver: async (deliveries) => await stream.write({ deliveries: deliveries.map(deliveryMessage) }),
        results: async (results, correlationId) =>
          await stream.write({
            results: results.map(tokenMessage),
            ...(correlationId === undefined ? {} : { correlationId }),
          }),
        backend: ({ ok, detail }) => void stream.write({ backend: { ok, detail } }),
        ended: end,
      });
      return {
        frame: async (frame: StreamingPullRequest__Output) => await frames.take(withTokens(frame)),
        finished: async () => await frames.close(),
        failed: async (reason) => await frames.close(reason ?? new PortError('closed', 'the client is gone')),
      };
    }),
  };
}

/** A list that is empty is absent on the wire; the schema refuses it in the same words as REST. */
function withTokens(frame: StreamingPullRequest__Output): object {
  const filled: Record<string, unknown> = { ...frame };
  for (const call of ['ack', 'nack', 'release', 'reject', 'extend'] as const) {
    if (frame[call] !== undefined) filled[call] = { tokens: [], ...frame[call] };
  }
  return filled;
}
