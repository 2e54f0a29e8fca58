/** The OpenAPI 3.1 document, printed from the zod schemas of the routes. */

import type { FastifyInstance } from 'fastify';
import type { App, GatewayContext } from './context.ts';
import { version } from './version.ts';

/** An app with the same routes, the document at /openapi.json and the page at /docs; it never listens. */
export async function openDocsApp(): Promise<FastifyInstance> {
  const [
    { default: fastify },
    { default: swagger },
    { default: swaggerUi },
    { jsonSchemaTransform, jsonSchemaTransformObject },
    { restRoutes },
  ] = await Promise.all([
    import('fastify'),
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
    import('fastify-type-provider-zod'),
    import('./rest/index.ts'),
  ]);
  const app = fastify();
  app.setValidatorCompiler(() => () => true);
  app.setSerializerCompiler(() => JSON.stringify);
  await app.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Sluice',
        version,
        description:
          'One publish-subscribe API on a native log, RabbitMQ or Kafka. Errors are problem documents (RFC 9457) with a stable code. ' +
          'Times are milliseconds, sizes bytes. Unknown fields are refused.',
      },
      tags: [
        { name: 'topics' },
        { name: 'publish' },
        { name: 'subscriptions' },
        { name: 'consume' },
        { name: 'backend' },
        { name: 'operations' },
      ],
    },
    transform: jsonSchemaTransform,
    transformObject: jsonSchemaTransformObject,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  await app.register(async (routes) => {
    // Only their schemas are used: requests for them never come here.
    restRoutes(routes as unknown as App, {} as GatewayContext);
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}
