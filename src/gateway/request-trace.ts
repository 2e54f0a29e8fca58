/** The trace that a request belongs to, by its W3C header; and what a line of the log says of the request. */

import type { IncomingHttpHeaders } from 'node:http';
import { spanContextOf, type TraceContext } from '../adapters/index.ts';

/** Undefined where the request has none. One that cannot be read is told apart by the port, which leaves it out. */
export function traceContextOfRequest({ traceparent, tracestate }: IncomingHttpHeaders): TraceContext | undefined {
  if (typeof traceparent !== 'string') return undefined;
  // Several lines of a tracestate are one list.
  const state = tracestate === undefined ? undefined : String(tracestate);
  if (!traceparent.includes(',')) return state === undefined ? { traceparent } : { traceparent, tracestate: state };
  const last = innermost(traceparent);
  return state === undefined ? { traceparent: last } : { traceparent: last, tracestate: eachOnce(state) };
}

/**
 * A program whose `fetch` is instrumented adds the context of that call behind the one that a client library gave: two lines of one trace, of
 * which the last is the caller. Lines of different traces are no context, as the specification has it.
 */
function innermost(traceparent: string): string {
  const lines = traceparent.split(',').map((line) => line.trim());
  const traceIds = new Set(lines.map((line) => spanContextOf({ traceparent: line })?.traceId));
  return traceIds.size === 1 && !traceIds.has(undefined) ? (lines.at(-1) ?? traceparent) : traceparent;
}

/** A vendor may stand in a tracestate once. */
function eachOnce(tracestate: string): string {
  const members = tracestate.split(',').map((member) => member.trim());
  return [...new Map(members.map((member) => [member.split('=')[0], member])).values()].join(',');
}

/** Of gRPC the same, in the metadata of the call. */
export function traceContextOfCall({
  metadata,
}: {
  readonly metadata: { get(name: string): readonly (string | Buffer)[] };
}): TraceContext | undefined {
  const [traceparent] = metadata.get('traceparent');
  if (traceparent === undefined) return undefined;
  const tracestate = metadata.get('tracestate').join(',');
  return { traceparent: String(traceparent), ...(tracestate === '' ? {} : { tracestate }) };
}

/** Names of OpenTelemetry, by which a log store joins a line with its trace: the span is the caller's. */
export interface TraceFields {
  readonly trace_id?: string;
  readonly span_id?: string;
}

export function traceFieldsOf(context: TraceContext | undefined): TraceFields {
  const caller = context === undefined ? undefined : spanContextOf(context);
  return caller === undefined ? {} : { trace_id: caller.traceId, span_id: caller.spanId };
}

/** Level `debug`: a line for each request. pino tells its level; fastify's type of a logger does not know of it. */
export function isEachLogged(log: object): boolean {
  const { isLevelEnabled } = log as { isLevelEnabled?: (level: string) => boolean };
  return isLevelEnabled?.call(log, 'debug') === true;
}
