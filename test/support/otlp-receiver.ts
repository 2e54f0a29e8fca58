/** A collector: takes OTLP over HTTP as Jaeger, Tempo and the OpenTelemetry collector do, and shows what it got. Decoded by a definition of its own. */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js';
import { loadSync } from '@grpc/proto-loader';
import { onTestFinished } from 'vitest';

export interface SeenSpan {
  readonly name: string;
  readonly kind: 'internal' | 'server' | 'client' | 'producer' | 'consumer';
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for the first of a trace. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly isError: boolean;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
  readonly links: readonly SeenLink[];
  readonly resource: Readonly<Record<string, string | number | boolean>>;
  readonly durationMs: number;
}

interface SeenLink {
  readonly traceId: string;
  readonly spanId: string;
  readonly attributes: Readonly<Record<string, string | number | boolean>>;
}

export interface OtlpReceiver {
  readonly url: string;
  readonly spans: readonly SeenSpan[];
  /** Heads of the exports. */
  readonly heads: readonly IncomingMessage['headers'][];
  /** The bodies as they came, to be searched for what must not be in them. */
  readonly bodies: readonly Buffer[];
}

/** Closed when the test ends. `answer` may leave a request unanswered, or refuse it. */
export async function otlpReceiver(answer: (response: ServerResponse) => void = accept): Promise<OtlpReceiver> {
  const spans: SeenSpan[] = [];
  const heads: IncomingMessage['headers'][] = [];
  const bodies: Buffer[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      if (request.method !== 'POST' || request.url !== '/v1/traces') {
        response.writeHead(404).end();
        return;
      }
      heads.push(request.headers);
      bodies.push(body);
      spans.push(...spansOf(decode(body)));
      answer(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, spans, heads, bodies };
}

function accept(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
}

type Fields = readonly { readonly key: string; readonly value: Readonly<Record<string, unknown>> | null }[];

interface Decoded {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: Fields } | null;
    readonly scopeSpans: readonly { readonly spans: readonly DecodedSpan[] }[];
  }[];
}

interface DecodedSpan {
  readonly traceId: Buffer;
  readonly spanId: Buffer;
  readonly parentSpanId: Buffer;
  readonly traceState: string;
  readonly name: string;
  readonly kind: number;
  readonly startTimeUnixNano: string;
  readonly endTimeUnixNano: string;
  readonly attributes: Fields;
  readonly links: readonly { readonly traceId: Buffer; readonly spanId: Buffer; readonly attributes: Fields }[];
  readonly status: { readonly code: number } | null;
}

const definition = loadPackageDefinition(
  loadSync(fileURLToPath(new URL('otlp.proto', import.meta.url)), { longs: String, defaults: true, oneofs: true }),
);
const { Traces } = definition['otlp'] as unknown as { Traces: ServiceClientConstructor };

function decode(body: Buffer): Decoded {
  return Traces.service['Export']?.requestDeserialize(body) as Decoded;
}

const kinds = ['internal', 'internal', 'server', 'client', 'producer', 'consumer'] as const;
const STATUS_ERROR = 2;

function spansOf({ resourceSpans }: Decoded): SeenSpan[] {
  return resourceSpans.flatMap(({ resource, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        name: span.name,
        kind: kinds[span.kind] ?? 'internal',
        traceId: span.traceId.toString('hex'),
        spanId: span.spanId.toString('hex'),
        parentSpanId: span.parentSpanId.toString('hex'),
        traceState: span.traceState,
        isError: span.status?.code === STATUS_ERROR,
        attributes: valuesOf(span.attributes),
        links: span.links.map((link) => ({
          traceId: link.traceId.toString('hex'),
          spanId: link.spanId.toString('hex'),
          attributes: valuesOf(link.attributes),
        })),
        resource: valuesOf(resource?.attributes ?? []),
        durationMs: Number(BigInt(span.endTimeUnixNano) - BigInt(span.startTimeUnixNano)) / 1e6,
      })),
    ),
  );
}

function valuesOf(fields: Fields): Record<string, string | number | boolean> {
  return Object.fromEntries(
    fields.map(({ key, value }) => {
      // The loader names the branch that was sent beside it.
      const given = value?.[String(value['value'])];
      return [
        key,
        typeof given === 'string' && value?.['value'] === 'intValue' ? Number(given) : (given as string | number),
      ];
    }),
  );
}
