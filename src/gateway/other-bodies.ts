/** Bodies of a publish that are not `{messages: [...]}`: what each content type is read as. Other routes read JSON only. */

import type { IncomingMessage } from 'node:http';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PortError } from '../adapters/index.ts';
import type { Hold } from './byte-budget.ts';
import type { StrictJson } from './json-body.ts';
import { gatewayLimits } from './limits.ts';

export const PUBLISH_URL = '/v1/topics/:topic/messages';

/** Goes past the schema of the route's body; the handler knows what it is. */
export type OtherBody = RawBody | LinesBody | EventsBody;

/** The value of one message, as it is. */
export class RawBody {
  readonly bytes: Buffer;

  constructor(bytes: Buffer) {
    this.bytes = bytes;
  }
}

/** A message a line, not read yet. */
export class LinesBody {
  readonly stream: IncomingMessage;
  readonly readLine: StrictJson;
  /** For what was read and is no whole line yet, or waits to be published. */
  readonly hold: Hold;

  constructor(stream: IncomingMessage, readLine: StrictJson, hold: Hold) {
    this.stream = stream;
    this.readLine = readLine;
    this.hold = hold;
  }
}

/** Events of CloudEvents' JSON formats, not checked yet. */
export class EventsBody {
  readonly events: unknown;
  readonly isBatch: boolean;

  constructor(events: unknown, isBatch: boolean) {
    this.events = events;
    this.isBatch = isBatch;
  }
}

export function isOtherBody(body: unknown): body is OtherBody {
  return body instanceof RawBody || body instanceof LinesBody || body instanceof EventsBody;
}

/** In binary mode the body is the data and nothing else, JSON or not. */
export function isBinaryEvent(request: FastifyRequest): boolean {
  return request.headers['ce-specversion'] !== undefined && isPublish(request);
}

/** @param bodies is told of the size of each body, and which of them is a stream. */
export function useOtherBodies(
  app: FastifyInstance,
  strictJson: StrictJson,
  bodies: { arrived(request: FastifyRequest, bytes: number): void; streams(request: FastifyRequest): Hold },
): void {
  app.addContentTypeParser('application/x-ndjson', async (request: FastifyRequest, stream: IncomingMessage) => {
    if (!isPublish(request)) throw unsupported(request);
    if (!isBinaryEvent(request)) return new LinesBody(stream, strictJson, bodies.streams(request));
    const bytes = await collected(request, stream);
    bodies.arrived(request, bytes.length);
    return new RawBody(bytes);
  });
  for (const isBatch of [false, true]) {
    const type = `application/cloudevents${isBatch ? '-batch' : ''}+json`;
    app.addContentTypeParser(type, async (request: FastifyRequest, stream: IncomingMessage) => {
      if (!isPublish(request)) throw unsupported(request);
      const bytes = await collected(request, stream);
      bodies.arrived(request, bytes.length);
      return new EventsBody(strictJson(bytes), isBatch);
    });
  }
  // RFC 7396: what is given replaces, null takes away. Elsewhere it is bytes like any other type.
  app.addContentTypeParser('application/merge-patch+json', async (request: FastifyRequest, stream: IncomingMessage) => {
    if (request.method !== 'PATCH' && !isPublish(request)) throw unsupported(request);
    const bytes = await collected(request, stream);
    bodies.arrived(request, bytes.length);
    return isPublish(request) ? new RawBody(bytes) : strictJson(bytes);
  });
  app.addContentTypeParser('*', async (request: FastifyRequest, stream: IncomingMessage) => {
    if (!isPublish(request)) throw unsupported(request);
    const bytes = await collected(request, stream);
    bodies.arrived(request, bytes.length);
    return new RawBody(bytes);
  });
}

function isPublish(request: FastifyRequest): boolean {
  return request.routeOptions.url === PUBLISH_URL && request.method === 'POST';
}

function unsupported(request: FastifyRequest): PortError {
  const type = request.headers['content-type'];
  const detail =
    type === undefined ? 'the request has no content-type' : `content type ${JSON.stringify(type)} is not read here`;
  return new PortError('unsupported_media_type', `${detail}: send application/json`);
}

async function collected(request: FastifyRequest, stream: IncomingMessage): Promise<Buffer> {
  const { bodyBytesMax } = gatewayLimits;
  const tooLarge = (): PortError =>
    new PortError('message_too_large', `the body is above the limit of ${bodyBytesMax} bytes`);
  if (Number(request.headers['content-length'] ?? 0) > bodyBytesMax) throw tooLarge();
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of stream) {
      bytes += (chunk as Buffer).length;
      if (bytes > bodyBytesMax) throw tooLarge();
      chunks.push(chunk as Buffer);
    }
  } catch (cause) {
    if (cause instanceof PortError) throw cause;
    // Nobody is there to read this; it must only not look like a fault of ours.
    throw new PortError('invalid_argument', 'the request broke off', { cause });
  }
  return Buffer.concat(chunks, bytes);
}
