/** Subscriptions: create, list, describe, change, delete, seek, lag. */

import { z } from 'zod';
import type { Position, SubscriptionDefinition } from '../../adapters/index.ts';
import { callerOf } from '../access/rest-access.ts';
import { requireDeadLetterTopic } from '../access/dead-letter-topic.ts';
import type { Routes } from '../context.ts';
import { NoQuery, type PositionBody, SubscriptionParams } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';
import {
  LagAnswer,
  SeekBody,
  Subscription,
  type SubscriptionAnswer,
  SubscriptionBody,
  SubscriptionList,
  SubscriptionPatch,
} from '../schema/subscriptions.ts';
import { expectedRevision, requireRevision, sendETag } from './etag.ts';

export const subscriptionRoutes: Routes = (app, context) => {
  const { port } = context;
  app.route({
    method: 'POST',
    url: '/v1/subscriptions',
    schema: {
      tags: ['subscriptions'],
      summary:
        'Create a subscription: answered when every later publish will reach it. Identical again: 200; with other options: 409.',
      querystring: NoQuery,
      body: SubscriptionBody,
      response: { 200: Subscription, 201: Subscription, default: problemResponse },
    },
    handler: async (request, reply) => {
      await requireDeadLetterTopic(context, callerOf(request), request.body);
      const { created, definition } = await port.createSubscription({
        ...request.body,
        start: toPosition(request.body.start),
      });
      sendETag(reply, definition);
      return reply.code(created ? 201 : 200).send(subscriptionAnswer(definition));
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/subscriptions',
    schema: {
      tags: ['subscriptions'],
      summary: 'List the subscriptions: of them, those that the caller may consume.',
      querystring: NoQuery,
      response: { 200: SubscriptionList, default: problemResponse },
    },
    handler: async (request) => {
      const caller = callerOf(request);
      const subscriptions = (await port.listSubscriptions()).filter(({ name }) => caller.mayConsume(name));
      return { subscriptions: subscriptions.map(subscriptionAnswer) };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/subscriptions/:subscription',
    schema: {
      tags: ['subscriptions'],
      summary: 'A subscription with every default filled in.',
      params: SubscriptionParams,
      querystring: NoQuery,
      response: { 200: Subscription, default: problemResponse },
    },
    handler: async (request, reply) => {
      const subscription = await port.describeSubscription(request.params.subscription);
      sendETag(reply, subscription);
      return subscriptionAnswer(subscription);
    },
  });
  app.route({
    method: 'PATCH',
    url: '/v1/subscriptions/:subscription',
    schema: {
      tags: ['subscriptions'],
      summary:
        'Change a subscription (merge patch). With If-Match only while it is the one of that ETag: 412 precondition_failed. Consumers that are open go on with it.',
      params: SubscriptionParams,
      querystring: NoQuery,
      body: SubscriptionPatch,
      response: { 200: Subscription, default: problemResponse },
    },
    handler: async (request, reply) => {
      const { subscription: name } = request.params;
      const subscription = await port.alterSubscription(name, request.body, expectedRevision(request));
      sendETag(reply, subscription);
      return subscriptionAnswer(subscription);
    },
  });
  app.route({
    method: 'DELETE',
    url: '/v1/subscriptions/:subscription',
    schema: {
      tags: ['subscriptions'],
      summary:
        'Remove a subscription. Waiting pulls answer subscription_not_found. With If-Match only while it is the one of that ETag: 412.',
      params: SubscriptionParams,
      querystring: NoQuery,
      response: { 204: z.null().describe('Gone.'), default: problemResponse },
    },
    handler: async (request, reply) => {
      const { subscription } = request.params;
      await requireRevision(request, async () => await port.describeSubscription(subscription));
      await port.deleteSubscription(subscription);
      return reply.code(204).send(null);
    },
  });
  app.route({
    method: 'POST',
    url: '/v1/subscriptions/:subscription/seek',
    schema: {
      tags: ['subscriptions'],
      summary: 'Move a subscription. Outstanding deliveries become expired.',
      params: SubscriptionParams,
      querystring: NoQuery,
      body: SeekBody,
      response: { 200: SeekBody, default: problemResponse },
    },
    handler: async (request) => {
      await port.seek(request.params.subscription, toPosition(request.body.to));
      return { to: request.body.to };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/subscriptions/:subscription/lag',
    schema: {
      tags: ['subscriptions'],
      summary: 'How many messages wait.',
      params: SubscriptionParams,
      querystring: NoQuery,
      response: { 200: LagAnswer, default: problemResponse },
    },
    handler: async (request) => {
      const { partitions, total } = await port.lag(request.params.subscription);
      return { partitions: partitions.map((partition) => ({ ...partition })), total };
    },
  });
};

function toPosition(position: z.output<typeof PositionBody>): Position {
  return typeof position === 'object' && 'timestamp' in position ? { timestampMs: position.timestamp } : position;
}

function subscriptionAnswer(definition: SubscriptionDefinition): SubscriptionAnswer {
  const { start } = definition;
  return {
    ...definition,
    start: typeof start === 'object' && 'timestampMs' in start ? { timestamp: start.timestampMs } : start,
    requires: [...definition.requires],
  };
}
