/** The REST API over a port, as a fastify instance that does not listen by itself: tests use `inject`. */

import type { IncomingHttpHeaders, Server } from 'node:http';
import type { Socket } from 'node:net';
import Fastify, { LogController } from 'fastify';
import type { z } from 'zod';
import { errorCodes, type MessagingPort, PortError } from '../adapters/index.ts';
import { Access } from './access/access.ts';
import { Cors } from './access/cors.ts';
import { useAccess } from './access/rest-access.ts';
import type { ServerCertificates } from './access/server-certificates.ts';
import { BackendWatch } from './backend-watch.ts';
import type { App, GatewayContext } from './context.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { isLoopback } from './config.ts';
import { useStrictJsonBodies } from './json-body.ts';
import { type ConfigurableLimit, type GatewayLimits, gatewayLimits } from './limits.ts';
import { GatewayMetrics } from './observability.ts';
import { isBinaryEvent, isOtherBody, RawBody, useOtherBodies } from './other-bodies.ts';
import { drainingError, OpenStreams } from './open-streams.ts';
import { PullSessions } from './pull-sessions.ts';
import { requestId } from './request-id.ts';
import { isEachLogged } from './request-trace.ts';
import { restRoutes } from './rest/index.ts';
import { documentRoutes } from './rest/operations.ts';
import { webSocketRoutes } from './rest/websocket.ts';
import { errorFromIssues, problemOf, sendProblem, traceOf, useProblems } from './rest/problem-handler.ts';
import { isPlainPublish } from './schema/plain-publish.ts';
import { PublishBody } from './schema/publish.ts';
import { webSocketUpgrades } from './upgrades.ts';
import { version } from './version.ts';

export interface AppOptions {
  readonly port: MessagingPort;
  /** Default: a new one; hand one in when the port's hooks feed it too. */
  readonly metrics?: GatewayMetrics;
  /** pino's level and stream; default no log. */
  readonly logger?: { readonly level: string; readonly stream: { write(line: string): void } };
  /** Default `gatewayLimits.pullIdleMs`. */
  readonly pullIdleMs?: number;
  /** Over the defaults of `gatewayLimits`. */
  readonly limits?: { readonly [L in ConfigurableLimit]?: number };
  /** Default: everybody may do everything. */
  readonly access?: Access;
  /** Origins whose pages may use this gateway; default none but its own. */
  readonly corsOrigins?: readonly string[];
  /** Default: no TLS. */
  readonly certificates?: ServerCertificates;
  /** Requests must name a host of this machine: a page of another site whose name was made to lead here is refused. */
  readonly loopbackHostsOnly?: boolean;
}

export interface GatewayApp {
  /** The fastify instance; closing it leaves the port open. */
  readonly app: App;
  readonly context: GatewayContext;
}

/** @throws nothing of the port: it is not called until a request comes. */
export function buildApp(options: AppOptions): GatewayApp {
  const { port } = options;
  const limits: GatewayLimits = { ...gatewayLimits, ...options.limits };
  const http = {
    maxHeaderSize: gatewayLimits.requestHeadBytesMax,
    headersTimeout: limits.headersTimeoutMs,
    connectionsCheckingInterval: Math.min(gatewayLimits.connectionsCheckMs, limits.headersTimeoutMs),
  };
  const app = Fastify({
    // One of the two is read by fastify: with TLS the bounds of HTTP are among its options.
    ...(options.certificates === undefined ? { http } : { https: { ...http, ...options.certificates.serverOptions } }),
    logger: options.logger === undefined ? false : { level: options.logger.level, stream: options.logger.stream },
    // A line a request costs more than most requests do; metrics count them.
    logController: new LogController({ disableRequestLogging: true }),
    bodyLimit: gatewayLimits.bodyBytesMax,
    // Node's own would end every request that is long on its way, a stream of lines too: useGuards has one of our own.
    requestTimeout: 0,
    connectionTimeout: gatewayLimits.connectionTimeoutMs,
    keepAliveTimeout: gatewayLimits.keepAliveTimeoutMs,
    routerOptions: { maxParamLength: gatewayLimits.pathParameterCharactersMax },
    forceCloseConnections: 'idle',
    // Our own draining answer says more, in the form of every other error.
    return503OnClosing: false,
    genReqId: ({ headers }) => requestId(headers['x-request-id']),
    clientErrorHandler,
    frameworkErrors: (error, request, reply) => {
      const known = new PortError('invalid_argument', error.message, { cause: error });
      sendProblem(reply.header('x-request-id', request.id) as never, problemOf(known, request.id));
    },
  }) as unknown as App;
  const isSurplus = boundConnections(app.server, limits.connectionsMax);
  const streams = new OpenStreams(limits.streamsMax);
  const context: GatewayContext = {
    port,
    pulls: new PullSessions(port, options.pullIdleMs, limits),
    idempotency: new IdempotencyKeys(),
    metrics: options.metrics ?? new GatewayMetrics(),
    streams,
    backend: new BackendWatch(port, streams, app.log),
    limits,
    access: options.access ?? Access.off(),
    cors: new Cors(options.corsOrigins ?? []),
    log: app.log,
    isDraining: false,
  };
  app.addHook('onClose', async () => context.backend.close());
  context.metrics.watch(port, version, context.pulls, context.streams);

  app.setValidatorCompiler(({ schema, httpPart }) => {
    const where = httpPart === 'querystring' ? 'query' : httpPart === 'params' ? 'path' : (httpPart ?? 'request');
    const isPlain = (schema as unknown) === PublishBody ? isPlainPublish : undefined;
    return (data) => {
      if (isOtherBody(data)) return { value: data };
      if (isPlain?.(data) === true) return { value: data };
      const result = (schema as unknown as z.ZodType).safeParse(data);
      return result.success ? { value: result.data } : { error: errorFromIssues(result.error.issues, where) };
    };
  });
  // The schemas of answers are for the document, and tests hold the answers to them.
  app.setSerializerCompiler(() => JSON.stringify);
  useAccess(app, context);
  const bodies = useGuards(app, context, isSurplus, options.loopbackHostsOnly === true);
  const strictJson = useStrictJsonBodies(
    app as never,
    (request, bytes) => bodies.arrived(request, bytes),
    (request, bytes) => (isBinaryEvent(request) ? new RawBody(bytes) : undefined),
  );
  useOtherBodies(app as never, strictJson, bodies);
  useProblems(app as never, (code) => context.metrics.problem(code));
  const methodsByUrl = methodsOf(app);
  restRoutes(app, context);
  documentRoutes(app, context);
  refuseOtherMethods(app, methodsByUrl);
  const upgrades = webSocketUpgrades(app.server) as Server;
  void app.register(async (scope) => {
    const { default: webSocket } = await import('@fastify/websocket');
    await scope.register(webSocket, {
      options: { maxPayload: gatewayLimits.webSocketFrameBytesMax, server: upgrades },
    });
    webSocketRoutes(scope as unknown as App, context);
  });
  return { app, context };
}

/** Whoever connects above the bound is told so by the answer to its request, and leaves; above a second one nobody is let in. */
function boundConnections(server: Server, max: number): (socket: Socket) => boolean {
  const open = new Set<Socket>();
  const surplus = new WeakSet<Socket>();
  server.maxConnections = max + gatewayLimits.connectionsRefusedMax;
  server.on('connection', (socket: Socket) => {
    if (open.size >= max) {
      surplus.add(socket);
      return;
    }
    open.add(socket);
    socket.once('close', () => open.delete(socket));
  });
  return (socket) => surplus.has(socket);
}

interface BodyBudget {
  /** The body is here and has this size: a chunked one, such as that of a pull that waits, need not keep its room for the largest. */
  arrived(request: object, bytes: number): void;
  /** The body is a stream: it has no size and no end that one could wait for. */
  streams(request: object): void;
}

/** Bounds and bookkeeping around every request. */
function useGuards(
  app: App,
  context: GatewayContext,
  isSurplus: (socket: Socket) => boolean,
  loopbackHostsOnly: boolean,
): BodyBudget {
  let bodyBytes = 0;
  const reserved = new WeakMap<object, number>();
  const late = new WeakMap<object, NodeJS.Timeout>();
  app.addHook('onRequest', (request, reply, done) => {
    if (isSurplus(request.raw.socket)) {
      void reply.header('connection', 'close');
      done(
        new PortError('overloaded', `${context.limits.connectionsMax} connections are open`, { retryAfterMs: 1_000 }),
      );
      return;
    }
    if (context.isDraining && request.url.startsWith('/v1/')) {
      done(drainingError());
      return;
    }
    if (loopbackHostsOnly && !isLoopbackHost(request.headers.host)) {
      done(
        new PortError(
          'origin_not_allowed',
          'the request names another host: this gateway has no credentials and answers to its own machine',
        ),
      );
      return;
    }
    if (
      isOfOtherOrigin(request.headers) &&
      !context.cors.allows(request.headers.origin) &&
      request.url.startsWith('/v1/')
    ) {
      done(new PortError('origin_not_allowed', `the page's origin is ${request.headers.origin}, not this gateway`));
      return;
    }
    const bytes = announcedBodyBytes(request);
    if (bytes > 0) {
      if (bodyBytes > 0 && bodyBytes + bytes > gatewayLimits.bodyBytesInFlightMax) {
        done(
          new PortError('overloaded', `requests of ${bodyBytes} bytes are being worked on`, { retryAfterMs: 1_000 }),
        );
        return;
      }
      reserve(request, bytes);
      const { socket } = request.raw;
      const timer = setTimeout(() => {
        clientErrorHandler(Object.assign(new Error(), { code: 'ERR_HTTP_REQUEST_TIMEOUT' }), socket);
      }, context.limits.requestTimeoutMs);
      timer.unref();
      late.set(request, timer);
    }
    done();
  });
  const inTime = (request: object): void => {
    clearTimeout(late.get(request));
    late.delete(request);
  };
  const reserve = (request: object, bytes: number): void => {
    bodyBytes += bytes - (reserved.get(request) ?? 0);
    reserved.set(request, bytes);
  };
  const settle = (request: object): void => {
    inTime(request);
    reserve(request, 0);
    reserved.delete(request);
  };
  app.addHook('onSend', (_request, reply, payload, done) => {
    if (context.isDraining) void reply.header('connection', 'close');
    done(null, payload);
  });
  app.addHook('onResponse', (request, reply, done) => {
    settle(request);
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
    settle(request);
    done();
  });
  return {
    arrived: (request, bytes) => {
      inTime(request);
      // One that was aborted meanwhile has nothing reserved any more, and nobody would settle it again.
      if (reserved.has(request)) reserve(request, bytes);
    },
    streams: settle,
  };
}

/** As a browser writes it. Nobody can have a name without a dot lead somewhere else; without any (HTTP/1.0) nobody was led. */
function isLoopbackHost(host: string | undefined): boolean {
  if (host === undefined || host === '') return true;
  const name = host.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1');
  return isLoopback(name.toLowerCase()) || !/[.:]/.test(name);
}

/**
 * Without credentials, whoever reaches the port may use it; a page of any site that somebody looks at reaches 127.0.0.1 from his
 * browser. It cannot read answers, but it could publish, open a WebSocket, or use up a stream. Browsers name the origin then.
 */
function isOfOtherOrigin({ origin, host }: IncomingHttpHeaders): boolean {
  return origin !== undefined && origin.slice(origin.indexOf('://') + 3) !== host;
}

function announcedBodyBytes(request: { readonly headers: Record<string, unknown> }): number {
  const { 'content-length': length, 'transfer-encoding': encoding } = request.headers;
  if (typeof length === 'string') return Math.min(Number(length) || 0, gatewayLimits.bodyBytesMax);
  return encoding === undefined ? 0 : gatewayLimits.bodyBytesMax;
}

function methodsOf(app: App): Map<string, Set<string>> {
  const methods = new Map<string, Set<string>>();
  app.addHook('onRoute', ({ url, method }) => {
    const known = methods.get(url) ?? new Set();
    for (const name of [method].flat()) known.add(name);
    methods.set(url, known);
  });
  return methods;
}

/** Without these a known path with another method would be answered 404. */
function refuseOtherMethods(app: App, methodsByUrl: ReadonlyMap<string, ReadonlySet<string>>): void {
  for (const [url, known] of methodsByUrl) {
    const others = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'].filter((method) => !known.has(method));
    const allowed = [...known].join(', ');
    app.route({
      method: others,
      url,
      schema: { hide: true },
      config: { isRefusal: true } as object,
      onRequest: (request, reply, done) => {
        void reply.header('allow', allowed);
        done(new PortError('method_not_allowed', `${request.method} is not one of the methods of ${url}: ${allowed}`));
      },
      handler: async () => undefined,
    });
  }
}

/** What is wrong before there is a request: not HTTP, a head that is too large, a sender that is too slow. */
function clientErrorHandler(reason: Error & { code?: string }, socket: Socket): void {
  if (reason.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const error =
    reason.code === 'HPE_HEADER_OVERFLOW'
      ? new PortError(
          'message_too_large',
          `the head of the request is above the limit of ${gatewayLimits.requestHeadBytesMax} bytes`,
        )
      : new PortError(
          'invalid_argument',
          reason.code === 'ERR_HTTP_REQUEST_TIMEOUT' ? 'the request did not arrive in time' : 'this is not HTTP/1.1',
        );
  const body = JSON.stringify(problemOf(error));
  const { httpStatus } = errorCodes[error.code];
  socket.end(
    `HTTP/1.1 ${httpStatus} ${httpStatus === 413 ? 'Payload Too Large' : 'Bad Request'}\r\ncontent-type: application/problem+json\r\n` +
      `content-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
}
