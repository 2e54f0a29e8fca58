/** Topics: create, list, describe, change, delete. */

import { z } from 'zod';
import type { TopicDefinition } from '../../adapters/index.ts';
import { callerOf } from '../access/rest-access.ts';
import type { Routes } from '../context.ts';
import { NoQuery, TopicParams } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';
import { Topic, TopicBody, TopicList, TopicPatch } from '../schema/topics.ts';
import { expectedRevision, requireRevision, sendETag } from './etag.ts';

export const topicRoutes: Routes = (app, { port }) => {
  app.route({
    method: 'POST',
    url: '/v1/topics',
    schema: {
      tags: ['topics'],
      summary: 'Create a topic. Identical again: 200; with other options: 409 already_exists.',
      querystring: NoQuery,
      body: TopicBody,
      response: { 200: Topic, 201: Topic, default: problemResponse },
    },
    handler: async (request, reply) => {
      const { created, definition } = await port.createTopic(request.body);
      sendETag(reply, definition);
      return reply.code(created ? 201 : 200).send(topicAnswer(definition));
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/topics',
    schema: {
      tags: ['topics'],
      summary: 'List the topics: of them, those that the caller may publish to or read.',
      querystring: NoQuery,
      response: { 200: TopicList, default: problemResponse },
    },
    handler: async (request) => {
      const caller = callerOf(request);
      const topics = (await port.listTopics()).filter(({ name }) => caller.mayKnowTopic(name));
      return { topics: topics.map(topicAnswer) };
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/topics/:topic',
    schema: {
      tags: ['topics'],
      summary: 'A topic with every default filled in.',
      params: TopicParams,
      querystring: NoQuery,
      response: { 200: Topic, default: problemResponse },
    },
    handler: async (request, reply) => {
      const topic = await port.describeTopic(request.params.topic);
      sendETag(reply, topic);
      return topicAnswer(topic);
    },
  });
  app.route({
    method: 'PATCH',
    url: '/v1/topics/:topic',
    schema: {
      tags: ['topics'],
      summary:
        'Change a topic (merge patch). With If-Match only while it is the one of that ETag: 412 precondition_failed. What the backend cannot change: 422.',
      params: TopicParams,
      querystring: NoQuery,
      body: TopicPatch,
      response: { 200: Topic, default: problemResponse },
    },
    handler: async (request, reply) => {
      const topic = await port.alterTopic(request.params.topic, request.body, expectedRevision(request));
      sendETag(reply, topic);
      return topicAnswer(topic);
    },
  });
  app.route({
    method: 'DELETE',
    url: '/v1/topics/:topic',
    schema: {
      tags: ['topics'],
      summary:
        'Remove a topic, its messages and its subscriptions. With If-Match only while it is the one of that ETag: 412 precondition_failed.',
      params: TopicParams,
      querystring: NoQuery,
      response: { 204: z.null().describe('Gone.'), default: problemResponse },
    },
    handler: async (request, reply) => {
      const { topic } = request.params;
      await requireRevision(request, async () => await port.describeTopic(topic));
      await port.deleteTopic(topic);
      return reply.code(204).send(null);
    },
  });
};

function topicAnswer(topic: TopicDefinition): z.output<typeof Topic> {
  return { ...topic, options: { ...topic.options } };
}
