/** The REST API over a port, as a fastify instance that does not listen by itself: tests use `inject`. */

import type { Server } from 'node:http';
import Fastify, { LogController } from 'fastify';
import type { z } from 'zod';
import { type MessagingPort, PortError } from '../adapters/index.ts';
import { Access } from './access/access.ts';
import { Cors } from './access/cors.ts';
import { useAccess } from './access/rest-access.ts';
import type { ServerCertificates } from './access/server-certificates.ts';
import { BackendWatch } from './backend-watch.ts';
import { ByteBudget } from './byte-budget.ts';
import { boundConnections, clientErrorHandler } from './connections.ts';
import type { App, GatewayContext } from './context.ts';
import { IdempotencyKeys } from './idempotency.ts';
import { useGuards } from './guards.ts';
import { useStrictJsonBodies } from './json-body.ts';
import { type ConfigurableLimit, type GatewayLimits, gatewayLimits } from './limits.ts';
import { GatewayMetrics } from './observability.ts';
import { isBinaryEvent, isOtherBody, RawBody, useOtherBodies } from './other-bodies.ts';
import { OpenStreams } from './open-streams.ts';
import { PullSessions } from './pull-sessions.ts';
import { RequestBodies } from './request-bodies.ts';
import { requestId } from './request-id.ts';
import { restRoutes } from './rest/index.ts';
import { documentRoutes } from './rest/operations.ts';
import { webSocketRoutes } from './rest/websocket.ts';
import { errorFromIssues, problemOf, sendProblem, useProblems } from './rest/problem-handler.ts';
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
    // Node's own would end every request that is long on its way, a stream of lines too: request-bodies.ts has one of our own.
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
  const isSurplus = boundConnections(app.server, limits.connectionsMax, options.certificates !== undefined);
  const streams = new OpenStreams(limits.streamsMax);
  const context: GatewayContext = {
    port,
    pulls: new PullSessions(port, options.pullIdleMs, limits),
    idempotency: new IdempotencyKeys(),
    metrics: options.metrics ?? new GatewayMetrics(),
    streams,
    bodies: new ByteBudget(),
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
  const bodies = new RequestBodies(context);
  useGuards(app, context, bodies, { isSurplus, loopbackHostsOnly: options.loopbackHostsOnly === true });
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
