/** What the routes share: one object per app, handed to each route file. */

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FastifyBaseLogger, FastifyInstance, RawServerDefault } from 'fastify';
import type { ZodTypeProvider } from 'fastify-type-provider-zod';
import type { MessagingPort } from '../adapters/index.ts';
import type { Access } from './access/access.ts';
import type { Cors } from './access/cors.ts';
import type { IdempotencyKeys } from './idempotency.ts';
import type { BackendWatch } from './backend-watch.ts';
import type { ByteBudget } from './byte-budget.ts';
import type { GatewayLimits } from './limits.ts';
import type { GatewayMetrics } from './observability.ts';
import type { OpenStreams } from './open-streams.ts';
import type { PullSessions } from './pull-sessions.ts';

export interface GatewayContext {
  readonly port: MessagingPort;
  readonly pulls: PullSessions;
  readonly idempotency: IdempotencyKeys;
  readonly metrics: GatewayMetrics;
  readonly streams: OpenStreams;
  /** Of what is arriving and being worked on, by every door. */
  readonly bodies: ByteBudget;
  readonly backend: BackendWatch;
  readonly limits: GatewayLimits;
  readonly access: Access;
  readonly cors: Cors;
  readonly log: Pick<FastifyBaseLogger, 'error' | 'warn' | 'info' | 'debug'>;
  /** Shutting down: not ready, and new work is refused. */
  isDraining: boolean;
}

export type App = FastifyInstance<
  RawServerDefault,
  IncomingMessage,
  ServerResponse,
  FastifyBaseLogger,
  ZodTypeProvider
>;

/** A file of routes: registers them on an app. */
export type Routes = (app: App, context: GatewayContext) => void;
