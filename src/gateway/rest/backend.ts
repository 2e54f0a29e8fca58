/** What stands behind the gateway: capabilities, the backend, and whether it is well. */

import { PortError } from '../../adapters/index.ts';
import { callerOf } from '../access/rest-access.ts';
import { healthOf, toldTo } from '../backend-watch.ts';
import type { Routes } from '../context.ts';
import { BackendAnswer, CapabilitiesAnswer, CapabilitiesQuery, LiveAnswer, ReadyAnswer } from '../schema/backend.ts';
import { NoQuery } from '../schema/common.ts';
import { problemResponse } from '../schema/problem.ts';

export const backendRoutes: Routes = (app, context) => {
  const { port } = context;
  app.route({
    method: 'GET',
    url: '/v1/capabilities',
    schema: {
      tags: ['backend'],
      summary:
        'What this backend can do: native, emulated or unsupported, each with how. Using an unsupported one is refused.',
      querystring: CapabilitiesQuery,
      response: { 200: CapabilitiesAnswer, default: problemResponse },
    },
    handler: async (request) => ({ ...port.info, capabilities: { ...port.capabilities(request.query.queueType) } }),
  });
  app.route({
    method: 'GET',
    url: '/v1/backend',
    schema: {
      tags: ['backend'],
      summary: 'The backend, its version and its health.',
      querystring: NoQuery,
      response: { 200: BackendAnswer, default: problemResponse },
    },
    handler: async (request) => ({ ...port.info, health: toldTo(callerOf(request), await healthOf(port)) }),
  });
  app.route({
    method: 'GET',
    url: '/livez',
    schema: {
      tags: ['operations'],
      summary: 'The process answers. Says nothing about the backend.',
      response: { 200: LiveAnswer },
    },
    handler: async () => ({ status: 'live' as const }),
  });
  app.route({
    method: 'GET',
    url: '/readyz',
    schema: {
      tags: ['operations'],
      summary: '503 while the backend cannot be reached or the gateway shuts down.',
      response: { 200: ReadyAnswer, default: problemResponse },
    },
    handler: async () => {
      if (context.isDraining) throw new PortError('draining', 'this gateway is shutting down', { retryAfterMs: 1_000 });
      const health = context.access.isOn ? toldTo(undefined, await healthOf(port)) : await healthOf(port);
      if (!health.ok) throw new PortError('backend_unavailable', health.detail, { retryAfterMs: 1_000 });
      return { status: 'ready' as const, backend: health };
    },
  });
};
