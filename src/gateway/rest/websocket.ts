/** Push by WebSocket: the frames of gRPC's StreamingPull as JSON texts. */

import type { FastifyRequest } from 'fastify';
import type { WebSocket } from '@fastify/websocket';
import { PortError } from '../../adapters/index.ts';
import { callerOf } from '../access/rest-access.ts';
import type { GatewayContext, Routes } from '../context.ts';
import { Flushes } from '../flushes.ts';
import { FrameIntake } from '../frame-intake.ts';
import { gatewayLimits } from '../limits.ts';
import { deliveryJson, type Encoding } from '../message-codec.ts';
import { EncodingQuery, SubscriptionParams } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';
import { type FramePeer, StreamFrames } from '../stream-frames.ts';
import { problemOf, traceOf } from './problem-handler.ts';

/** Normal, and the ones a client library acts on (RFC 6455 7.4.1, IANA registry). */
const CLOSE = { normal: 1000, goingAway: 1001, invalid: 1008, fault: 1011, tryAgainLater: 1013 } as const;

export const webSocketRoutes: Routes = (app, context) => {
  app.route({
    method: 'GET',
    url: '/v1/subscriptions/:subscription/ws',
    exposeHeadRoute: false,
    schema: {
      tags: ['consume'],
      summary:
        'A WebSocket: send {"start":{"credit":{"messages":100}}}, then credit, ack, nack, release, reject, extend; get deliveries and results.',
      params: SubscriptionParams,
      querystring: EncodingQuery,
      response: { default: problemResponse },
    },
    // Before the upgrade, so that an unknown subscription is a 404.
    preHandler: async (request) => {
      await context.port.describeSubscription(request.params.subscription);
    },
    handler: async () => {
      throw new PortError('invalid_argument', 'this is a WebSocket: the request must ask for an upgrade');
    },
    wsHandler: (socket, request) => talk(context, socket, request),
  });
};

function talk(context: GatewayContext, socket: WebSocket, request: FastifyRequest): void {
  const { subscription } = request.params as { subscription: string };
  const { encoding } = request.query as { encoding: Encoding };
  const flushes = new Flushes();
  const send = async (text: string): Promise<void> => await flushes.of((flushed) => socket.send(text, () => flushed()));
  const ended = (reason: PortError | undefined): void => {
    if (reason !== undefined && !flushes.isOver) {
      context.metrics.problem(reason.code);
      if (reason.httpStatus === 500) request.log.error({ err: reason, ...traceOf(request) }, 'unexpected error');
      socket.send(JSON.stringify({ problem: problemOf(reason, request.id) }));
    }
    flushes.end();
    socket.close(closeCode(reason));
  };
  const peer: FramePeer = {
    kind: 'websocket',
    caller: callerOf(request),
    deliver: async (deliveries) =>
      await send(`{"deliveries":[${deliveries.map((delivery) => deliveryJson(delivery, encoding)).join(',')}]}`),
    results: async (results, correlationId) => await send(JSON.stringify({ results, correlationId })),
    backend: ({ ok, detail }) => void send(JSON.stringify({ backend: { ok, detail } })),
    ended,
  };
  let frames: StreamFrames;
  try {
    frames = new StreamFrames(context, peer, subscription);
  } catch (reason) {
    ended(PortError.from(reason));
    return;
  }
  const intake = new FrameIntake<string>(socket, {
    frame: async (text) => await frames.take(parsed(text)),
    finished: async () => await frames.close(),
    failed: async (reason) => await frames.close(reason),
  });
  const endHeartbeat = heartbeat(socket);
  socket.on('message', (data: Buffer, isBinary: boolean) => {
    if (isBinary) intake.fail(new PortError('invalid_argument', 'frame: must be text'));
    else intake.take(data.toString());
  });
  socket.on('close', () => {
    endHeartbeat();
    flushes.end();
    intake.fail(undefined);
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PortError('invalid_argument', `frame: is not JSON: ${(cause as Error).message}`, { cause });
  }
}

/** A peer that does not answer a ping until the next one is gone. */
function heartbeat(socket: WebSocket): () => void {
  let isAlive = true;
  socket.on('pong', () => {
    isAlive = true;
  });
  const timer = setInterval(() => {
    if (isAlive) {
      isAlive = false;
      socket.ping();
    } else socket.terminate();
  }, gatewayLimits.streamHeartbeatMs);
  timer.unref();
  return () => clearInterval(timer);
}

function closeCode(reason: PortError | undefined): number {
  if (reason === undefined) return CLOSE.normal;
  if (reason.code === 'draining' || reason.code === 'closed') return CLOSE.goingAway;
  if (reason.retryable) return CLOSE.tryAgainLater;
  return reason.httpStatus < 500 ? CLOSE.invalid : CLOSE.fault;
}
