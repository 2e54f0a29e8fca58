/** Reading without a subscription: the messages of a partition, and the dead letters of a subscription. */

import type { FastifyReply } from 'fastify';
import { type Message, PortError } from '../../adapters/index.ts';
import { nothingOwed } from '../access/caller.ts';
import { callerOf } from '../access/rest-access.ts';
import type { Routes } from '../context.ts';
import { type Encoding, messageJson } from '../message-codec.ts';
import { PartitionParams, SubscriptionParams } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';
import { BrowseAnswer, BrowseQuery, DeadLettersAnswer, DeadLettersQuery } from '../schema/topics.ts';

export const browseRoutes: Routes = (app, { port }) => {
  app.route({
    method: 'GET',
    url: '/v1/topics/:topic/partitions/:partition/messages',
    schema: {
      tags: ['topics'],
      summary: 'Browse a partition without a subscription and without removing anything.',
      params: PartitionParams,
      querystring: BrowseQuery,
      response: { 200: BrowseAnswer, default: problemResponse },
    },
    handler: async (request, reply) => {
      const { params, query } = request;
      const caller = callerOf(request);
      caller.charge(nothingOwed);
      const { messages, next } = await port.read(
        params.topic,
        Number(params.partition),
        fromOf(query.from),
        query.limit,
      );
      caller.debitRead(messages);
      return sendJson(reply, `{"messages":${messagesJson(messages, query.encoding)},"next":${next}}`);
    },
  });
  app.route({
    method: 'GET',
    url: '/v1/subscriptions/:subscription/deadletters',
    schema: {
      tags: ['subscriptions'],
      summary: 'Browse the dead-letter topic of a subscription; the headers dead-letter-* say why and where from.',
      params: SubscriptionParams,
      querystring: DeadLettersQuery,
      response: { 200: DeadLettersAnswer, default: problemResponse },
    },
    handler: async (request, reply) => {
      const { params, query } = request;
      const caller = callerOf(request);
      caller.charge(nothingOwed);
      const from = fromOf(query.from);
      if (typeof from === 'number' && query.partition === undefined) {
        const problem = { path: 'partition', message: 'is needed to read from an offset' };
        throw new PortError('invalid_argument', `query: ${problem.path} ${problem.message}`, { errors: [problem] });
      }
      const { deadLetterTopic } = await port.describeSubscription(params.subscription);
      if (deadLetterTopic === null) {
        throw new PortError('not_found', `subscription "${params.subscription}" keeps no dead letters`);
      }
      const { partitions } = await port.describeTopic(deadLetterTopic);
      const asked = query.partition === undefined ? [...Array(partitions).keys()] : [query.partition];
      const messages: Message[] = [];
      const next: Record<string, number> = {};
      for (const partition of asked) {
        const left = query.limit - messages.length;
        if (left <= 0) break;
        const read = await port.read(deadLetterTopic, partition, from, left);
        messages.push(...read.messages);
        next[partition] = read.next;
      }
      caller.debitRead(messages);
      const topic = JSON.stringify(deadLetterTopic);
      return sendJson(
        reply,
        `{"topic":${topic},"messages":${messagesJson(messages, query.encoding)},"next":${JSON.stringify(next)}}`,
      );
    },
  });
};

function fromOf(from: string): 'earliest' | 'latest' | number {
  return from === 'earliest' || from === 'latest' ? from : Number(from);
}

function messagesJson(messages: readonly Message[], encoding: Encoding): string {
  return `[${messages.map((message) => messageJson(message, encoding)).join(',')}]`;
}

function sendJson(reply: FastifyReply, text: string): never {
  return reply
    .header('content-type', 'application/json; charset=utf-8')
    .serializer((payload: unknown) => payload as string)
    .send(text) as never;
}
