/** Pull, and what becomes of a delivery: ack, nack, release, reject, extend. */

import type { FastifyReply } from 'fastify';
import { type Delivery, limits } from '../../adapters/index.ts';
import { callerOf } from '../access/rest-access.ts';
import { pullDeliveries, settle } from '../consuming.ts';
import type { App, GatewayContext, Routes } from '../context.ts';
import { deliveryJson, type Encoding } from '../message-codec.ts';
import { traceContextOfRequest } from '../request-trace.ts';
import { EncodingQuery, NoQuery, SubscriptionParams } from '../schema/common.ts';
import {
  AckBody,
  ExtendBody,
  NackBody,
  PullAnswer,
  PullBody,
  pullWaitMsDefault,
  RejectBody,
  SettleAnswer,
} from '../schema/consume.ts';
import { problemResponse } from '../schema/problem.ts';

export const consumeRoutes: Routes = (app, context) => {
  pullRoute(app, context);
  settleRoutes(app, context);
};

function pullRoute(app: App, context: GatewayContext): void {
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/pull',
    schema: {
      tags: ['consume'],
      summary:
        'Deliveries as soon as there are any, none after the wait. Settle each by its token before its deadline.',
      params: SubscriptionParams,
      querystring: EncodingQuery,
      body: PullBody,
      response: { 200: PullAnswer, default: problemResponse },
    },
    handler: async (request, reply) => {
      const { subscription } = request.params;
      const gone = new AbortController();
      const onClose = (): void => gone.abort();
      reply.raw.once('close', onClose);
      // It may have left while its token was verified.
      if (reply.raw.destroyed) gone.abort();
      const preferred = preferredWaitMs(request.headers['prefer']);
      const { waitMs = preferred ?? pullWaitMsDefault, ...options } = request.body;
      const traceContext = traceContextOfRequest(request.headers);
      const deliveries = await pullDeliveries(
        context,
        subscription,
        { ...options, waitMs, signal: gone.signal, ...(traceContext === undefined ? {} : { traceContext }) },
        callerOf(request),
      );
      reply.raw.off('close', onClose);
      if (preferred !== undefined && waitMs === preferred)
        void reply.header('preference-applied', `wait=${preferred / 1_000}`);
      return sendDeliveries(reply, deliveries, request.query.encoding);
    },
  });
}

/** RFC 7240: a preference that cannot be met, or read, is none. Seconds, at most what a pull may wait. */
function preferredWaitMs(prefer: string | string[] | undefined): number | undefined {
  const seconds = /(?:^|[,;])\s*wait\s*=\s*"?(\d{1,6})"?\s*(?:$|[,;])/i.exec(String(prefer ?? ''))?.[1];
  return seconds === undefined ? undefined : Math.min(Number(seconds) * 1_000, limits.pullWaitMsMax);
}

function sendDeliveries(reply: FastifyReply, deliveries: readonly Delivery[], encoding: Encoding): never {
  const texts = deliveries.map((delivery) => deliveryJson(delivery, encoding));
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .serializer((payload: unknown) => payload as string)
    .send(`{"deliveries":[${texts.join(',')}]}`) as never;
}

const settleCalls = [
  { call: 'ack', body: AckBody, summary: 'Done. 207 when a token was not ok.' },
  { call: 'nack', body: NackBody, summary: 'Failed: try again later. Counts an attempt.' },
  { call: 'release', body: AckBody, summary: 'Untouched: give back. Counts no attempt where the backend can tell.' },
  { call: 'reject', body: RejectBody, summary: 'Dead-letter now, or drop, as the subscription says.' },
  { call: 'extend', body: ExtendBody, summary: 'Move the deadline.' },
] as const;

function settleRoutes(app: App, context: GatewayContext): void {
  for (const { call, body, summary } of settleCalls) {
    app.route({
      method: 'POST',
      url: `/v1/subscriptions/:subscription/${call}`,
      schema: {
        tags: ['consume'],
        summary,
        params: SubscriptionParams,
        querystring: NoQuery,
        body,
        response: { 200: SettleAnswer, 207: SettleAnswer, default: problemResponse },
      },
      handler: async (request, reply) => {
        const trace = traceContextOfRequest(request.headers);
        const results = await settle(context, request.params.subscription, call, request.body, trace);
        return reply.code(results.every(({ status }) => status === 'ok') ? 200 : 207).send({ results: [...results] });
      },
    });
  }
}
