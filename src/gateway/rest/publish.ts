/** POST messages. The hot path: nothing here is done per message that could be done per request. */

import type { Durability, PublishOutcome } from '../../adapters/index.ts';
import type { Routes } from '../context.ts';
import { toPublishMessage } from '../message-codec.ts';
import { publishMessages } from '../publishing.ts';
import { NoQuery, TopicParams } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';
import { PublishAnswer, PublishBody, PublishMixedAnswer } from '../schema/publish.ts';
import { problemOf, sendProblem } from './problem-handler.ts';

export const publishRoutes: Routes = (app, context) => {
  app.route({
    method: 'POST',
    url: '/v1/topics/:topic/messages',
    schema: {
      tags: ['publish'],
      summary:
        'Publish. Answered when every message has its outcome; a lone message that failed is answered with its own problem.',
      params: TopicParams,
      querystring: NoQuery,
      body: PublishBody,
      response: { 200: PublishAnswer, 207: PublishMixedAnswer, default: problemResponse },
    },
    handler: async (request, reply) => {
      const messages = request.body.messages.map(toPublishMessage);
      const outcomes = await publishMessages(context, request.params.topic, messages, request.body);

      const [only] = outcomes;
      if (outcomes.length === 1 && only !== undefined && only.kind !== 'stored') {
        return sendProblem(reply, { ...problemOf(only.error, request.id), messageId: only.id }) as never;
      }
      return reply
        .code(outcomes.every(({ kind }) => kind === 'stored') ? 200 : 207)
        .header('content-type', 'application/json; charset=utf-8')
        .serializer(asIs)
        .send(`{"results":[${outcomes.map(outcomeJson).join(',')}]}` as never);
    },
  });
};

function outcomeJson(outcome: PublishOutcome): string {
  if (outcome.kind !== 'stored') {
    return JSON.stringify({ problem: { ...problemOf(outcome.error), messageId: outcome.id } });
  }
  const offset = outcome.offset === null ? '' : `,"offset":${outcome.offset}`;
  const id = plainId.test(outcome.id) ? `"${outcome.id}"` : JSON.stringify(outcome.id);
  const duplicate = outcome.duplicate === true ? ',"duplicate":true' : '';
  return `{"partition":${outcome.partition}${offset},"id":${id},"durability":${durabilityJson(outcome.durability)}${duplicate}}`;
}

/** Nothing to escape: every id that is made here, and most others. */
const plainId = /^[\w.:-]+$/;

/** Drivers hand out one object for many outcomes. */
let lastDurability: Durability | undefined;
let lastDurabilityJson = '';

function durabilityJson(durability: Durability): string {
  if (durability !== lastDurability) {
    lastDurability = durability;
    lastDurabilityJson = JSON.stringify({ persistence: durability.persistence, copies: durability.copies });
  }
  return lastDurabilityJson;
}

function asIs(payload: unknown): string {
  return payload as string;
}
