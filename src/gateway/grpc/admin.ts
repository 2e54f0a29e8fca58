/** sluice.v1.Admin. */

import { requireDeadLetterTopic } from '../access/dead-letter-topic.ts';
import type { GatewayContext } from '../context.ts';
import { CapabilitiesQuery } from '../schema/backend.ts';
import { SubscriptionBody, SubscriptionPatch } from '../schema/subscriptions.ts';
import { TopicBody, TopicPatch } from '../schema/topics.ts';
import { unary } from './calls.ts';
import {
  capabilityMessages,
  checked,
  lagMessage,
  revisionOf,
  subscriptionBody,
  subscriptionMessage,
  subscriptionPatch,
  topicBody,
  topicMessage,
  topicPatch,
  toPosition,
} from './definitions.ts';
import type { AdminHandlers } from './generated/sluice/v1/Admin.ts';
import { queueTypes, wordOf } from './words.ts';

export function adminHandlers(context: GatewayContext): AdminHandlers {
  const { port } = context;
  return {
    CreateTopic: unary(context, 'Admin/CreateTopic', async (request) => {
      const { created, definition } = await port.createTopic(checked(TopicBody, topicBody(request)));
      return { created, topic: topicMessage(definition) };
    }),
    GetTopic: unary(context, 'Admin/GetTopic', async ({ topic = '' }) => topicMessage(await port.describeTopic(topic))),
    ListTopics: unary(context, 'Admin/ListTopics', async (_, __, caller) => ({
      topics: (await port.listTopics()).filter(({ name }) => caller.mayKnowTopic(name)).map(topicMessage),
    })),
    UpdateTopic: unary(context, 'Admin/UpdateTopic', async (request) => {
      const changes = checked(TopicPatch, topicPatch(request));
      return topicMessage(await port.alterTopic(request.topic ?? '', changes, revisionOf(request.etag)));
    }),
    DeleteTopic: unary(context, 'Admin/DeleteTopic', async ({ topic = '' }) => {
      await port.deleteTopic(topic);
      return {};
    }),
    CreateSubscription: unary(context, 'Admin/CreateSubscription', async (request, _, caller) => {
      const body = checked(SubscriptionBody, subscriptionBody(request));
      await requireDeadLetterTopic(context, caller, body);
      const { created, definition } = await port.createSubscription({ ...body, start: toPosition(body.start) });
      return { created, subscription: subscriptionMessage(definition) };
    }),
    GetSubscription: unary(context, 'Admin/GetSubscription', async ({ subscription = '' }) =>
      subscriptionMessage(await port.describeSubscription(subscription)),
    ),
    ListSubscriptions: unary(context, 'Admin/ListSubscriptions', async (_, __, caller) => ({
      subscriptions: (await port.listSubscriptions())
        .filter(({ name }) => caller.mayConsume(name))
        .map(subscriptionMessage),
    })),
    UpdateSubscription: unary(context, 'Admin/UpdateSubscription', async (request) => {
      const changes = checked(SubscriptionPatch, subscriptionPatch(request));
      const { subscription = '', etag } = request;
      return subscriptionMessage(await port.alterSubscription(subscription, changes, revisionOf(etag)));
    }),
    DeleteSubscription: unary(context, 'Admin/DeleteSubscription', async ({ subscription = '' }) => {
      await port.deleteSubscription(subscription);
      return {};
    }),
    GetLag: unary(context, 'Admin/GetLag', async ({ subscription = '' }) => lagMessage(await port.lag(subscription))),
    GetCapabilities: unary(context, 'Admin/GetCapabilities', async (request) => {
      const asked = wordOf(queueTypes, request.queueType);
      const { queueType } = checked(CapabilitiesQuery, asked === undefined ? {} : { queueType: asked });
      return { ...port.info, capabilities: capabilityMessages(port.capabilities(queueType)) };
    }),
  };
}
