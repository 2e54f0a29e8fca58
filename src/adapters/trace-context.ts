/**
 * W3C trace context (https://www.w3.org/TR/trace-context/) as it travels with a message: two headers.
 *
 *   traceparent   00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01
 *                 |  |                                |                flags: 01 sampled
 *                 |  trace id                         id of the span that made the message
 *                 version
 *   tracestate    vendor=value,...   only together with a traceparent
 *
 * Read and written here rather than by the propagator that a program registered: what is in a stored message must not depend on
 * which of the processes that read it was configured how.
 */

import { createTraceState, type SpanContext, TraceFlags } from '@opentelemetry/api';
import { limits } from './limits.ts';
import type { Header, Message, TraceContext } from './port.ts';

const TRACEPARENT = 'traceparent';
const TRACESTATE = 'tracestate';
/** The extension of CloudEvents, as it lies in a message. */
const EVENT_TRACEPARENT = 'ce_traceparent';

/** A later version may be longer; its first four parts are these (section 4.1 of the specification). */
const traceparentPattern = /^(?!ff)([0-9a-f]{2})-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;

/** Undefined for what is none: a context that cannot be read is no reason to refuse anything. */
export function spanContextOf({ traceparent, tracestate }: TraceContext): SpanContext | undefined {
  if (typeof traceparent !== 'string' || traceparent.length > limits.traceparentCharactersMax) return undefined;
  const [, version, traceId = '', spanId = '', flags = '', rest] = traceparentPattern.exec(traceparent) ?? [];
  if (version === undefined || (version === '00' && rest !== undefined)) return undefined;
  return {
    traceId,
    spanId,
    traceFlags: Number.parseInt(flags, 16) & TraceFlags.SAMPLED,
    isRemote: true,
    ...(isTracestate(tracestate) ? { traceState: createTraceState(tracestate) } : {}),
  };
}

/** As the headers of a message; none for a context that cannot be read. */
export function headersOfContext(context: TraceContext): readonly Header[] | undefined {
  const { traceparent, tracestate } = context;
  if (spanContextOf(context) === undefined) return undefined;
  return headersOf(traceparent, isTracestate(tracestate) ? tracestate : undefined);
}

export function headersOfSpan({ traceId, spanId, traceFlags, traceState }: SpanContext): readonly Header[] {
  const flags = (traceFlags & TraceFlags.SAMPLED).toString(16).padStart(2, '0');
  const state = traceState?.serialize();
  return headersOf(`00-${traceId}-${spanId}-${flags}`, isTracestate(state) ? state : undefined);
}

function headersOf(traceparent: string, tracestate: string | undefined): readonly Header[] {
  const headers = [{ name: TRACEPARENT, value: Buffer.from(traceparent) }];
  if (tracestate !== undefined) headers.push({ name: TRACESTATE, value: Buffer.from(tracestate) });
  return headers;
}

/**
 * The trace context that came with a message: the one its publisher put on it, or that of the publish. Undefined where it has none, or
 * one that cannot be read. For consumers that make spans of their own, with whichever library.
 */
export function traceContextOf({ headers }: Pick<Message, 'headers'>): TraceContext | undefined {
  const traceparent = textOf(headers, TRACEPARENT);
  if (traceparent === undefined) return undefined;
  const tracestate = textOf(headers, TRACESTATE);
  const context = { traceparent, ...(tracestate === undefined ? {} : { tracestate }) };
  return spanContextOf(context) === undefined ? undefined : context;
}

/** What a span about this message should link to. An event that has only the context of CloudEvents is known by that. */
export function creationContextOf(headers: readonly Header[]): SpanContext | undefined {
  const context = traceContextOf({ headers });
  if (context !== undefined) return spanContextOf(context);
  const traceparent = textOf(headers, EVENT_TRACEPARENT);
  return traceparent === undefined ? undefined : spanContextOf({ traceparent });
}

export function hasTraceparent(headers: readonly Header[]): boolean {
  return headers.some(({ name }) => isNamed(name, TRACEPARENT));
}

/** A tracestate says nothing without the traceparent that it came with. */
export function withContext(headers: readonly Header[], context: readonly Header[]): readonly Header[] {
  if (headers.length === 0) return context;
  return [...headers.filter(({ name }) => !isNamed(name, TRACESTATE)), ...context];
}

function textOf(headers: readonly Header[], name: string): string | undefined {
  for (const header of headers) if (isNamed(header.name, name)) return header.value.toString('latin1');
  return undefined;
}

/** Names are written in lower case; whoever did otherwise meant the same. */
function isNamed(name: string, wanted: string): boolean {
  return name === wanted || (name.length === wanted.length && name.toLowerCase() === wanted);
}

function isTracestate(text: string | undefined): text is string {
  return (
    text !== undefined && text !== '' && text.length <= limits.tracestateCharactersMax && /^[\x20-\x7e]+$/.test(text)
  );
}
