/** What is looked at before and after every request: whether it may come in at all, what it holds, and that it is counted. */

import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { PortError } from '../adapters/index.ts';
import { isLoopback } from './config.ts';
import type { App, GatewayContext } from './context.ts';
import { drainingError } from './open-streams.ts';
import type { RequestBodies } from './request-bodies.ts';
import { isEachLogged } from './request-trace.ts';
import { noSuchRoute, traceOf } from './rest/problem-handler.ts';

export interface Door {
  /** Of a connection above the bound. */
  readonly isSurplus: (socket: Socket) => boolean;
  readonly loopbackHostsOnly: boolean;
}

export function useGuards(app: App, context: GatewayContext, bodies: RequestBodies, door: Door): void {
  app.addHook('onRequest', (request, reply, done) => {
    if (door.isSurplus(request.raw.socket)) void reply.header('connection', 'close');
    const refusal = refusalAtDoor(request, context, door) ?? bodies.begin(request);
    done(refusal);
  });
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (context.isDraining) void reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    bodies.settle(request);
    bodies.letGo(request);
    // A WebSocket that was refused: the server does not know its socket any more, and would wait for it at the end.
    if (request.headers.upgrade !== undefined) request.raw.socket.destroySoon();
    context.metrics.request(
      request.method,
      request.routeOptions.url ?? '__unknown__',
      reply.statusCode,
      reply.elapsedTime,
    );
    if (isEachLogged(request.log)) {
      const { method, routeOptions } = request;
      const durationMs = Math.round(reply.elapsedTime * 1_000) / 1_000;
      // The route and not the URL, in whose query anything may be.
      request.log.debug(
        { method, route: routeOptions.url ?? '__unknown__', status: reply.statusCode, durationMs, ...traceOf(request) },
        'answered',
      );
    }
    done();
  });
  app.addHook('onRequestAbort', (request, done) => {
    bodies.settle(request);
    done();
  });
}

function refusalAtDoor(
  request: FastifyRequest,
  { isDraining, limits, cors }: GatewayContext,
  { isSurplus, loopbackHostsOnly }: Door,
): PortError | undefined {
  if (isSurplus(request.raw.socket))
    return new PortError('overloaded', `${limits.connectionsMax} connections are open`, { retryAfterMs: 1_000 });
  // By the route and not by the path as it was sent, in which /%761/ is the same.
  const isOfApi = request.routeOptions.url?.startsWith('/v1/') === true;
  if (isDraining && isOfApi) return drainingError();
  if (loopbackHostsOnly && !isLoopbackHost(request.headers.host))
    return new PortError(
      'origin_not_allowed',
      'the request names another host: this gateway has no credentials and answers to its own machine',
    );
  if (isOfApi && isOfOtherOrigin(request.headers) && !cors.allows(request.headers.origin))
    return new PortError('origin_not_allowed', `the page's origin is ${pageOf(request.headers)}, not this gateway`);
  // Its body is for nobody, and gets no room.
  return request.is404 ? noSuchRoute(request) : undefined;
}

/** As a browser writes it. Nobody can have a name without a dot lead somewhere else; without any (HTTP/1.0) nobody was led. */
function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined || host === '') return true;
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return isLoopback(name.toLowerCase()) || !/[.:]/.test(name);
}

/**
 * Without credentials, whoever reaches the port may use it; a page of any site that somebody looks at reaches 127.0.0.1 from his
 * browser. It cannot read answers, but it could publish, open a WebSocket, or use up a stream. Browsers name the origin then, but not
 * with what a page only shows (an image, a frame, a link): there `Sec-Fetch-Site` says that it is another site's.
 */
function isOfOtherOrigin({ origin, host, 'sec-fetch-site': site }: IncomingHttpHeaders): boolean {
  if (origin === undefined) return site === 'cross-site' || site === 'same-site';
  return origin.slice(origin.indexOf('://') + 3) !== host;
}

function pageOf({ origin, 'sec-fetch-site': site }: IncomingHttpHeaders): string {
  return origin ?? `another one (sec-fetch-site: ${String(site)})`;
}
