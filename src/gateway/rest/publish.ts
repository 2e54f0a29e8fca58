/** POST messages. The hot path: nothing here is done per message that could be done per request. */

import {
  type Durability,
  type MessagingPort,
  PortError,
  type PublishMessage,
  type PublishOptions,
  type PublishOutcome,
} from '../../adapters/index.ts';
import type { Routes } from '../context.ts';
import { gatewayLimits } from '../limits.ts';
import { toPublishMessage } from '../message-codec.ts';
import { NoQuery, TopicParams } from '../schema/common.ts';
import type { PublishBody as PublishBodyType } from '../schema/message.ts';
import { problemResponse } from '../schema/problem.ts';
import { PublishAnswer, PublishBody, PublishMixedAnswer } from '../schema/publish.ts';
import { problemOf, sendProblem } from './problem-handler.ts';

export const publishRoutes: Routes = (app, { port, metrics }) => {
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
      if (metrics.publishesInFlight >= gatewayLimits.publishesInFlightMax) {
        throw new PortError('too_many_in_flight', `${metrics.publishesInFlight} publishes are not yet answered`, {
          retryAfterMs: 100,
        });
      }
      const { topic } = request.params;
      const messages = request.body.messages.map(toPublishMessage);
      const startedAt = performance.now();
      metrics.publishesInFlight += 1;
      let outcomes: readonly PublishOutcome[];
      try {
        outcomes = await publish(port, topic, messages, request.body);
      } finally {
        metrics.publishesInFlight -= 1;
      }
      metrics.published(topic, outcomes, storedBytes(messages, outcomes), performance.now() - startedAt);

      const [only] = outcomes;
      if (outcomes.length === 1 && only !== undefined && only.kind !== 'stored') {
        return sendProblem(reply, { ...problemOf(only.error, request.id), messageId: only.id }) as never;
      }
      let results = '';
      let status = 200;
      for (const outcome of outcomes) {
        results += results === '' ? outcomeJson(outcome) : `,${outcomeJson(outcome)}`;
        if (outcome.kind !== 'stored') status = 207;
      }
      return reply
        .code(status)
        .header('content-type', 'application/json; charset=utf-8')
        .serializer(asIs)
        .send(`{"results":[${results}]}` as never);
    },
  });
};

async function publish(
  port: MessagingPort,
  topic: string,
  messages: readonly PublishMessage[],
  { durability, minCopies }: PublishBodyType,
): Promise<readonly PublishOutcome[]> {
  if (durability === undefined && minCopies === undefined) return await port.publish(topic, messages);
  const options: { -readonly [K in keyof PublishOptions]: PublishOptions[K] } = {};
  if (durability !== undefined) options.durability = durability;
  if (minCopies !== undefined) options.minCopies = minCopies;
  return await port.publish(topic, messages, options);
}

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

function storedBytes(messages: readonly PublishMessage[], outcomes: readonly PublishOutcome[]): number {
  let bytes = 0;
  for (const [index, { value }] of messages.entries()) {
    if (outcomes[index]?.kind !== 'stored' || value === null) continue;
    bytes += typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  }
  return bytes;
}

function asIs(payload: unknown): string {
  return payload as string;
}
