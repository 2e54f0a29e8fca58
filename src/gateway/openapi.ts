/** The OpenAPI 3.1 document, printed from the zod schemas of the routes. */

import type { FastifyInstance } from 'fastify';
import { requirementOf, scopesText } from './access/required-scopes.ts';
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
    { webSocketRoutes },
  ] = await Promise.all([
    import('fastify'),
    import('@fastify/swagger'),
    import('@fastify/swagger-ui'),
    import('fastify-type-provider-zod'),
    import('./rest/index.ts'),
    import('./rest/websocket.ts'),
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
    transformObject: (document) =>
      withAccess(
        withHeaders(withOtherBodies(withoutUnusedSchemas(jsonSchemaTransformObject(document) as unknown as Document))),
      ) as never,
  });
  await app.register(swaggerUi, { routePrefix: '/docs' });
  await app.register(async (routes) => {
    // Only their schemas are used: requests for them never come here.
    restRoutes(routes as unknown as App, {} as GatewayContext);
    webSocketRoutes(routes as unknown as App, {} as GatewayContext);
  });
  app.get('/openapi.json', { schema: { hide: true } }, async () => app.swagger());
  await app.ready();
  return app;
}

interface Operation {
  readonly requestBody?: { readonly content: object };
  parameters?: unknown[];
  security?: object[];
  description?: string;
}

interface Document {
  readonly paths?: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, unknown>> };
}

/** The bodies of a publish that the route's schema is not about. */
function withOtherBodies(document: Document): Document {
  const publish = document.paths?.['/v1/topics/{topic}/messages']?.['post']?.requestBody;
  if (publish === undefined) return document;
  const event = { type: 'object', required: ['specversion', 'id', 'source', 'type'], additionalProperties: true };
  Object.assign(publish.content, {
    'application/x-ndjson': {
      schema: { type: 'string', description: 'A message a line; a result a line comes back.' },
    },
    'application/cloudevents+json': { schema: event },
    'application/cloudevents-batch+json': { schema: { type: 'array', items: event } },
    '*/*': { schema: { description: 'The value of one message, byte by byte.' } },
  });
  return document;
}

/** Fields of the head that a route reads beside its schemas. */
function withHeaders(document: Document): Document {
  for (const [path, methods] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(methods)) {
      const isPublish = method === 'post' && path === '/v1/topics/{topic}/messages';
      const [name, description] = isPublish
        ? [
            'Idempotency-Key',
            'A request that comes again with its key is answered as the first one was (docs/PUBLISHING.md).',
          ]
        : method === 'patch' || method === 'delete'
          ? ['If-Match', 'Only while the definition has one of these ETags; else 412 precondition_failed.']
          : [];
      if (name === undefined) continue;
      operation.parameters = [
        ...(operation.parameters ?? []),
        { name, in: 'header', required: false, description, schema: { type: 'string' } },
      ];
      const content = operation.requestBody?.content as Record<string, unknown> | undefined;
      if (method === 'patch' && content !== undefined)
        content['application/merge-patch+json'] = content['application/json'];
    }
  }
  return document;
}

/** Credentials, which a gateway asks for when it is told to, and what each operation needs then: from the table that it is held to. */
function withAccess(document: Document): Document {
  for (const [path, operations] of Object.entries(document.paths ?? {})) {
    for (const [method, operation] of Object.entries(operations)) {
      const requirement = requirementOf(`${method.toUpperCase()} ${path.replaceAll(/\{(\w+)\}/g, ':$1')}`);
      operation.description = `Needs, where credentials are asked for: ${scopesText(requirement)}.`;
      operation.security = requirement.kind === 'open' ? [] : [{}, { bearer: [] }, { apiKey: [] }];
    }
  }
  const securitySchemes = {
    bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a token (JWT).' },
    apiKey: { type: 'apiKey', in: 'header', name: 'x-api-key' },
  };
  return {
    ...document,
    components: { ...document.components, securitySchemes } as NonNullable<Document['components']>,
  };
}

/** Each named schema is printed as input and as output; the half that no route refers to is noise. */
function withoutUnusedSchemas(document: Document): Document {
  const schemas = document.components?.schemas ?? {};
  const used = new Set<string>();
  const follow = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part ?? null).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name)) continue;
      used.add(name);
      follow(schemas[name]);
    }
  };
  follow(document.paths);
  const kept = Object.entries(schemas).filter(([name]) => used.has(name));
  return { ...document, components: { ...document.components, schemas: Object.fromEntries(kept) } };
}
