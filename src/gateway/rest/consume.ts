/** Pull, and what becomes of a delivery: ack, nack, release, reject, extend. */

import type { FastifyReply } from 'fastify';
import type { Delivery, TokenResult } from '../../adapters/index.ts';
import type { App, GatewayContext, Routes } from '../context.ts';
import { type Encoding, messageJson } from '../message-codec.ts';
import { EncodingQuery, NoQuery, SubscriptionParams } from '../schema/common.ts';
import { AckBody, ExtendBody, NackBody, PullAnswer, PullBody, RejectBody, SettleAnswer } from '../schema/consume.ts';
import { problemResponse } from '../schema/problem.ts';

export const consumeRoutes: Routes = (app, context) => {
  pullRoute(app, context);
  settleRoutes(app, context);
};

function pullRoute(app: App, { port, pulls, metrics }: GatewayContext): void {
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
      const deliveries = await pulls.pull(subscription, { ...request.body, signal: gone.signal });
      reply.raw.off('close', onClose);
      if (gone.signal.aborted && deliveries.length > 0) {
        // Taken for a client that has left: the next one gets them, and no attempt is counted.
        const results = await port.release(
          subscription,
          deliveries.map(({ token }) => token),
        );
        pulls.noteSettled(subscription, results);
        return sendDeliveries(reply, [], 'auto');
      }
      if (deliveries.length > 0) metrics.delivered(subscription, deliveries.length);
      return sendDeliveries(reply, deliveries, request.query.encoding);
    },
  });
}

function sendDeliveries(reply: FastifyReply, deliveries: readonly Delivery[], encoding: Encoding): never {
  const texts = deliveries.map(
    ({ token, attempt, deadlineMs, message }) =>
      `{"ackToken":${JSON.stringify(token)},"attempt":${attempt},"deadline":${deadlineMs},"message":${messageJson(message, encoding)}}`,
  );
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .serializer((payload: unknown) => payload as string)
    .send(`{"deliveries":[${texts.join(',')}]}`) as never;
}

function settleRoutes(app: App, { port, pulls, metrics }: GatewayContext): void {
  const common = {
    tags: ['consume'],
    params: SubscriptionParams,
    querystring: NoQuery,
    response: { 200: SettleAnswer, 207: SettleAnswer, default: problemResponse },
  };
  const answer = (reply: FastifyReply, subscription: string, call: string, results: readonly TokenResult[]): never => {
    metrics.settled(subscription, call, results);
    return reply.code(results.every(({ status }) => status === 'ok') ? 200 : 207).send({ results }) as never;
  };

  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/ack',
    schema: { ...common, summary: 'Done. 207 when a token was not ok.', body: AckBody },
    handler: async ({ params: { subscription }, body }, reply) => {
      const results = await port.ack(subscription, body.tokens);
      pulls.noteSettled(subscription, results);
      return answer(reply, subscription, 'ack', results);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/nack',
    schema: { ...common, summary: 'Failed: try again later. Counts an attempt.', body: NackBody },
    handler: async ({ params: { subscription }, body: { tokens, ...options } }, reply) => {
      const results = await port.nack(subscription, tokens, options);
      pulls.noteSettled(subscription, results, options.delayMs ?? pulls.maxBackoffMs(subscription));
      return answer(reply, subscription, 'nack', results);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/release',
    schema: {
      ...common,
      summary: 'Untouched: give back. Counts no attempt where the backend can tell.',
      body: AckBody,
    },
    handler: async ({ params: { subscription }, body }, reply) => {
      const results = await port.release(subscription, body.tokens);
      pulls.noteSettled(subscription, results);
      return answer(reply, subscription, 'release', results);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/reject',
    schema: { ...common, summary: 'Dead-letter now, or drop, as the subscription says.', body: RejectBody },
    handler: async ({ params: { subscription }, body: { tokens, ...options } }, reply) => {
      const results = await port.reject(subscription, tokens, options);
      pulls.noteSettled(subscription, results);
      return answer(reply, subscription, 'reject', results);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/extend',
    schema: { ...common, summary: 'Move the deadline.', body: ExtendBody },
    handler: async ({ params: { subscription }, body: { tokens, deadlineMs } }, reply) => {
      const results = await port.extend(subscription, tokens, deadlineMs);
      pulls.noteExtended(subscription, deadlineMs);
      return answer(reply, subscription, 'extend', results);
    },
  });
}
