/** POST messages. The hot path: nothing here is done per message that could be done per request. */

import type { FastifyReply, FastifyRequest } from 'fastify';
import { PortError, type PublishMessage, type PublishOutcome } from '../../adapters/index.ts';
import { callerOf } from '../access/rest-access.ts';
import { messageOfBinaryEvent, messagesOfEvents } from '../cloud-events.ts';
import type { Routes } from '../context.ts';
import { BYTES, toPublishMessage } from '../message-codec.ts';
import {
  EventsBody,
  isBinaryEvent,
  isOtherBody,
  LinesBody,
  type OtherBody,
  PUBLISH_URL,
  RawBody,
} from '../other-bodies.ts';
import { fingerprintOf, idempotencyKey, withIdsOf } from '../idempotency.ts';
import { type PublishAsked, publishMessages } from '../publishing.ts';
import { traceContextOfRequest } from '../request-trace.ts';
import { TopicParams } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';
import { PublishAnswer, PublishBody, PublishMixedAnswer, PublishQuery } from '../schema/publish.ts';
import { problemOf, sendProblem } from './problem-handler.ts';
import { publishLines } from './publish-lines.ts';
import { outcomeJson } from './publish-result.ts';

type Query = typeof PublishQuery._output;

interface Bodied {
  body: unknown;
}

export const publishRoutes: Routes = (app, context) => {
  app.route({
    method: 'POST',
    url: PUBLISH_URL,
    schema: {
      tags: ['publish'],
      summary:
        'Publish. Answered when every message has its outcome; a lone message that failed is answered with its own problem.',
      params: TopicParams,
      querystring: PublishQuery,
      body: PublishBody,
      response: { 200: PublishAnswer, 207: PublishMixedAnswer, default: problemResponse },
    },
    preValidation: (request, _reply, done) => {
      // An event may be its attributes alone; without a body no parser was asked.
      if (request.body === undefined && isBinaryEvent(request)) (request as Bodied).body = new RawBody(Buffer.alloc(0));
      done();
    },
    handler: async (request, reply) => {
      const { topic } = request.params;
      const { query, body } = request;
      const key = idempotencyKey(request.headers['idempotency-key']);
      const caller = callerOf(request);
      const trace = traceContextOfRequest(request.headers);
      const publish = async (messages: readonly PublishMessage[], asked: PublishAsked): Promise<never> => {
        if (key === undefined)
          return answer(request, reply, await publishMessages(context, topic, messages, asked, caller, trace));
        const { outcomes, isRepeated } = await context.idempotency.once(
          JSON.stringify([caller.principal, topic, key]),
          fingerprintOf(messages, { durability: asked.durability, minCopies: asked.minCopies }),
          async () =>
            await publishMessages(context, topic, withIdsOf(key, messages, caller.owner), asked, caller, trace),
        );
        if (isRepeated) void reply.header('idempotency-replayed', 'true');
        return answer(request, reply, outcomes);
      };
      if (isOtherBody(body)) {
        const other: OtherBody = body;
        if (other instanceof LinesBody) {
          refuseBut(query, publishWide, 'application/x-ndjson: say it in the line');
          if (key !== undefined)
            throw new PortError('invalid_argument', 'idempotency-key does not go with lines: give each its id');
          await publishLines(context, request, reply, topic, other, query);
          return reply as never;
        }
        return await publish(otherMessages(request, other, query), query);
      }
      refuseBut(query, [], 'application/json: say it in the body');
      return await publish(body.messages.map(toPublishMessage), body);
    },
  });
};

/** What may be said of all messages of a request. */
const publishWide = ['durability', 'minCopies'] as const;

function refuseBut(query: Query, allowed: readonly string[], where: string): void {
  const errors = Object.keys(query)
    .filter((name) => !allowed.includes(name))
    .map((path) => ({ path, message: `does not go with ${where}` }));
  const [first] = errors;
  if (first !== undefined) throw new PortError('invalid_argument', `query: ${first.path} ${first.message}`, { errors });
}

function otherMessages(request: FastifyRequest, body: Exclude<OtherBody, LinesBody>, query: Query): PublishMessage[] {
  if (body instanceof EventsBody) {
    refuseBut(query, publishWide, 'an event, whose attributes say it');
    return messagesOfEvents(body.events, body.isBatch);
  }
  if (isBinaryEvent(request)) {
    refuseBut(query, publishWide, 'an event, whose attributes say it');
    return [messageOfBinaryEvent(request.headers, body.bytes)];
  }
  return [rawMessage(request, body.bytes, query)];
}

function rawMessage(
  request: FastifyRequest,
  value: Buffer,
  { durability: _durability, minCopies: _minCopies, id, timestamp, ...fields }: Query,
): PublishMessage {
  const { 'content-type': contentType = BYTES } = request.headers;
  return {
    ...fields,
    value,
    contentType,
    ...(id === undefined ? {} : { id }),
    ...(timestamp === undefined ? {} : { timestampMs: timestamp }),
    headers: messageHeaders(request.raw.rawHeaders),
  };
}

const HEADER_PREFIX = 'sluice-header-';

/** Names come in lower case, as HTTP has no case there; values are bytes. */
function messageHeaders(rawHeaders: readonly string[]): NonNullable<PublishMessage['headers']> {
  const headers: { readonly name: string; readonly value: Buffer }[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (!name.startsWith(HEADER_PREFIX)) continue;
    headers.push({ name: name.slice(HEADER_PREFIX.length), value: Buffer.from(rawHeaders[index + 1] ?? '', 'latin1') });
  }
  return headers;
}

function answer(request: FastifyRequest, reply: FastifyReply, outcomes: readonly PublishOutcome[]): never {
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
    .send(`{"results":[${results}]}`) as never;
}

function asIs(payload: unknown): string {
  return payload as string;
}
