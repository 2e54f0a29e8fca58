/**
 * Web pages of other origins: none, unless the configuration lists them. Own code rather than a plugin, because the fields must be
 * on answers that are streamed past fastify too, and the preflight, which has no credentials, must be answered before they are asked for.
 */

import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { accessLimits } from './limits.ts';

const methods = 'GET, HEAD, POST, PUT, PATCH, DELETE';
const requestFields =
  'authorization, x-api-key, content-type, idempotency-key, prefer, last-event-id, x-request-id, if-match, if-none-match, traceparent, tracestate';
const answerFields = 'x-request-id, retry-after, www-authenticate, preference-applied, etag, location';

export class Cors {
  readonly #origins: ReadonlySet<string>;

  constructor(origins: readonly string[]) {
    this.#origins = new Set(origins);
  }

  allows(origin: string | undefined): boolean {
    return origin !== undefined && this.#origins.has(origin);
  }

  /** Marks the answer to a page that may read it. @returns whether this was a preflight, which is answered then. */
  handle(method: string | undefined, headers: IncomingHttpHeaders, raw: ServerResponse): boolean {
    if (this.#origins.size === 0) return false;
    raw.setHeader('vary', 'origin');
    const { origin } = headers;
    if (origin === undefined || !this.#origins.has(origin)) return false;
    raw.setHeader('access-control-allow-origin', origin);
    raw.setHeader('access-control-expose-headers', answerFields);
    if (method !== 'OPTIONS' || headers['access-control-request-method'] === undefined) return false;
    raw.setHeader('access-control-allow-methods', methods);
    raw.setHeader('access-control-allow-headers', withMessageHeaders(headers['access-control-request-headers']));
    raw.setHeader('access-control-max-age', String(accessLimits.corsMaxAgeS));
    return true;
  }
}

/** Also the ones that are a message's own (`sluice-header-*`, `ce-*`), which no list can name. */
function withMessageHeaders(asked: string | undefined): string {
  const own = (asked ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => /^(sluice-header-|ce-)[a-z0-9._-]+$/.test(name));
  return [requestFields, ...own.slice(0, 64)].join(', ');
}
