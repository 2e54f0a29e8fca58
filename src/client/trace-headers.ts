/**
 * The trace that the application is in, as W3C headers of a request; and that of a message which came. Only OpenTelemetry's API is asked, which does
 * nothing until the application registers an SDK; the spans are the application's and the gateway's.
 */

import { context, propagation } from '@opentelemetry/api';
import type { ReceivedMessage } from './messages.ts';

/** As it travels: a carrier for `propagation.extract`. */
export interface TraceHeaders {
  readonly traceparent: string;
  readonly tracestate?: string;
}

/** Of the active context, by the propagator that the application registered; undefined without either. Not its baggage: messages do not carry it. */
export function activeTraceHeaders(): TraceHeaders | undefined {
  const carrier: { traceparent?: string; tracestate?: string } = {};
  propagation.inject(context.active(), carrier);
  const { traceparent, tracestate } = carrier;
  if (traceparent === undefined) return undefined;
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/**
 * The trace context of a message: what its publisher put there, or that of its publish. Undefined where it has none.
 * @example const published = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, traceContextOf(message) ?? {}));
 */
export function traceContextOf({ headers }: Pick<ReceivedMessage, 'headers'>): TraceHeaders | undefined {
  const traceparent = textOf(headers, 'traceparent');
  if (traceparent === undefined) return undefined;
  const tracestate = textOf(headers, 'tracestate');
  return tracestate === undefined ? { traceparent } : { traceparent, tracestate };
}

/** Names of headers are written in lower case; whoever did otherwise meant the same. */
function textOf(headers: ReceivedMessage['headers'], wanted: string): string | undefined {
  const given = headers[wanted] ?? Object.entries(headers).find(([name]) => name.toLowerCase() === wanted)?.[1];
  const first = typeof given === 'string' || Buffer.isBuffer(given) ? given : given?.[0];
  return first?.toString();
}
