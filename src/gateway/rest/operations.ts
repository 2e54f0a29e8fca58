/** Metrics, the OpenAPI document and the page that shows it. */

import { z } from 'zod';
import type { Routes } from '../context.ts';
import { openDocsApp } from '../openapi.ts';

export const operationRoutes: Routes = (app, { metrics }) => {
  app.route({
    method: 'GET',
    url: '/metrics',
    schema: { tags: ['operations'], summary: 'Metrics for Prometheus.', response: { 200: z.string() } },
    handler: async (_, reply) => {
      const text = await metrics.registry.metrics();
      return reply
        .header('content-type', metrics.registry.contentType)
        .serializer((payload: unknown) => payload as string)
        .send(text);
    },
  });
};

/**
 * Swagger and its page are loaded by the first request for them: they are half of the start otherwise. They live in an app
 * of their own that has the same routes and never listens; requests are handed to it whole.
 */
export const documentRoutes: Routes = (app) => {
  let opening: ReturnType<typeof openDocsApp> | undefined;
  app.addHook('onClose', async () => {
    await (await opening)?.close();
  });
  for (const url of ['/openapi.json', '/docs', '/docs/*']) {
    app.route({
      method: 'GET',
      url,
      schema: { hide: true },
      handler: async (request, reply) => {
        opening ??= openDocsApp();
        const docs = await opening;
        reply.hijack();
        docs.routing(request.raw, reply.raw);
      },
    });
  }
  app.route({ method: 'GET', url: '/', schema: { hide: true }, handler: async (_, reply) => reply.redirect('/docs') });
};
