/**
 * Spans of the port, after OpenTelemetry's conventions for messaging (docs/TRACING.md): one for a publish, one for a pull that
 * brought something, one for a settlement, one for a dead letter. Made here, so that a program that opens a port has the same ones
 * as a gateway.
 *
 * Without an SDK (a provider that was handed in, or one that the program registered) there is no tracer, and nothing here is called
 * but that question, once a call.
 *
 * Non-obvious: parents are handed in rather than taken from the active context alone. The active context needs a hook on every
 * promise of the process, which costs a gateway more than all of its spans.
 */

import {
  type Attributes,
  type Context,
  context as active,
  type Link,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  trace,
  type Tracer,
  type TracerProvider,
} from '@opentelemetry/api';
import { PortError } from './errors.ts';
import { limits } from './limits.ts';
import type {
  BackendInfo,
  Delivery,
  Header,
  Message,
  PublishOutcome,
  SubscriptionDefinition,
  TokenResult,
  TraceContext,
} from './port.ts';
import {
  creationContextOf,
  hasTraceparent,
  headersOfContext,
  headersOfSpan,
  spanContextOf,
  withContext,
} from './trace-context.ts';

export type { TracerProvider } from '@opentelemetry/api';

const TRACER = 'sluice';

/** What a publish puts on messages that have no trace context of their own. */
export class MessageStamp {
  readonly #headers: readonly Header[];
  /** What each stamped message grows by. */
  readonly bytes: number;
  /** Contexts that messages brought with them; not gathered without a span that could link to them. */
  readonly links: Link[] | undefined;

  constructor(headers: readonly Header[], hasSpan: boolean) {
    this.#headers = headers;
    this.bytes = headers.reduce((bytes, { name, value }) => bytes + name.length + value.length, 0);
    this.links = hasSpan ? [] : undefined;
  }

  /** A context of the publisher's own is kept. One that came as an attribute of an event stays too, beside ours. */
  headersFor(own: readonly Header[]): readonly Header[] {
    if (own.length > 0 && this.links !== undefined && this.links.length < limits.traceLinksMax) {
      const context = creationContextOf(own);
      if (context !== undefined) this.links.push({ context });
    }
    return hasTraceparent(own) ? own : withContext(own, this.#headers);
  }
}

export class PortTracing {
  readonly #own: Tracer | undefined;
  readonly #system: string;

  constructor({ backend }: BackendInfo, provider: TracerProvider | undefined) {
    this.#own = provider?.getTracer(TRACER);
    this.#system = backend === 'native' ? 'sluice' : backend;
  }

  /** Undefined while nobody wants spans. */
  get tracer(): Tracer | undefined {
    return this.#own ?? registeredTracer();
  }

  /** One span for the call, whose context becomes that of each message that brings none. */
  async publish(
    tracer: Tracer,
    topic: string,
    given: TraceContext | undefined,
    work: (stamp: MessageStamp) => Promise<readonly PublishOutcome[]>,
  ): Promise<readonly PublishOutcome[]> {
    const attributes = this.#attributes('send', 'publish', topic);
    const span = tracer.startSpan(nameOf('publish', topic), { kind: SpanKind.PRODUCER, attributes }, parentOf(given));
    const stamp = new MessageStamp(headersOfSpan(span.spanContext()), true);
    return await ended(span, async () => {
      const outcomes = await work(stamp);
      if (span.isRecording()) {
        for (const link of stamp.links ?? []) span.addLink(link);
        this.#notePublished(span, outcomes);
      }
      return outcomes;
    });
  }

  #notePublished(span: Span, outcomes: readonly PublishOutcome[]): void {
    const [first] = outcomes;
    if (outcomes.length > 1) span.setAttribute('messaging.batch.message_count', outcomes.length);
    else if (first !== undefined) {
      span.setAttribute('messaging.message.id', first.id);
      if (first.kind === 'stored') span.setAttributes(this.#placeOf(first));
    }
    const failed = outcomes.filter((outcome) => outcome.kind !== 'stored');
    const [failure] = failed;
    if (failure === undefined) return;
    fail(span, failure.error);
    if (outcomes.length === 1) return;
    const unknown = failed.filter(({ kind }) => kind === 'unknown').length;
    span.setAttributes({ 'sluice.refused_count': failed.length - unknown, 'sluice.unknown_count': unknown });
  }

  /** A pull that brings nothing leaves no span: a consumer that waits is not an event. */
  async receive(
    tracer: Tracer,
    { topic, name }: SubscriptionDefinition,
    { waitMs, traceContext }: { readonly waitMs: number; readonly traceContext?: TraceContext },
    work: () => Promise<readonly Delivery[]>,
  ): Promise<readonly Delivery[]> {
    const parent = parentOf(traceContext);
    const startedAt = Date.now();
    const start = (links: Link[]): Span =>
      tracer.startSpan(
        nameOf('pull', topic),
        {
          kind: SpanKind.CLIENT,
          attributes: this.#attributes('receive', 'pull', topic, name),
          links,
          // Of one that waits as long as it takes, the wait says nothing.
          startTime: waitMs === Number.POSITIVE_INFINITY ? Date.now() : startedAt,
        },
        parent,
      );
    let deliveries: readonly Delivery[];
    try {
      deliveries = await work();
    } catch (reason) {
      const span = start([]);
      fail(span, reason);
      span.end();
      throw reason;
    }
    if (deliveries.length === 0) return deliveries;
    // At its start, because a sampler asks for them: what was sampled when it was sent is sampled to its end.
    const span = start(linksTo(deliveries));
    if (span.isRecording()) {
      const [first] = deliveries;
      span.setAttribute('messaging.batch.message_count', deliveries.length);
      if (deliveries.length === 1 && first !== undefined)
        span.setAttributes({ ...this.#messageOf(first.message), 'sluice.attempt': first.attempt });
    }
    span.end();
    return deliveries;
  }

  /** @param settled what is known of the tokens here: of leases of other processes, and of an earlier time, nothing is. */
  async settle(
    tracer: Tracer,
    call: 'ack' | 'nack' | 'release' | 'reject',
    subscription: string,
    given: TraceContext | undefined,
    settled: { readonly topic: string | undefined; readonly messages: readonly Message[]; readonly tokens: number },
    work: () => Promise<readonly TokenResult[]>,
  ): Promise<readonly TokenResult[]> {
    const { topic, messages, tokens } = settled;
    const attributes = this.#attributes('settle', call, topic, subscription);
    const span = tracer.startSpan(
      nameOf(call, topic ?? subscription),
      { kind: SpanKind.CLIENT, attributes, links: linksOf(messages) },
      parentOf(given),
    );
    return await ended(span, async () => {
      const results = await work();
      if (span.isRecording()) {
        span.setAttribute('messaging.batch.message_count', tokens);
        const [first] = messages;
        if (tokens === 1 && first !== undefined) span.setAttributes(this.#messageOf(first));
        const notOk = results.filter(({ status }) => status !== 'ok');
        const [failure] = notOk;
        if (failure !== undefined) {
          span.setAttributes({ 'error.type': failure.status, 'sluice.not_ok_count': notOk.length });
          span.setStatus({ code: SpanStatusCode.ERROR });
        }
      }
      return results;
    });
  }

  /** The copy of a message that could not be worked on. It keeps the context that it was published with. */
  async deadLetter(
    subscription: SubscriptionDefinition,
    attempts: number,
    message: Message,
    work: (stamp: MessageStamp | undefined) => Promise<void>,
  ): Promise<void> {
    const { tracer } = this;
    if (tracer === undefined) {
      await work(undefined);
      return;
    }
    const topic = subscription.deadLetterTopic ?? '';
    const span = tracer.startSpan(
      nameOf('dead-letter', topic),
      {
        kind: SpanKind.PRODUCER,
        attributes: {
          ...this.#attributes('send', 'dead-letter', topic, subscription.name),
          ...(message.id === null ? {} : { 'messaging.message.id': message.id }),
          'sluice.attempt': attempts,
        },
        links: linksOf([message]),
      },
      ROOT_CONTEXT,
    );
    const stamp = new MessageStamp(headersOfSpan(span.spanContext()), false);
    await ended(span, async () => await work(stamp));
  }

  #attributes(type: string, operation: string, topic: string | undefined, subscription?: string): Attributes {
    return {
      'messaging.system': this.#system,
      'messaging.operation.type': type,
      'messaging.operation.name': operation,
      ...(topic === undefined ? {} : { 'messaging.destination.name': bounded(topic) }),
      ...(subscription === undefined ? {} : { 'messaging.destination.subscription.name': bounded(subscription) }),
    };
  }

  #messageOf(message: Message): Attributes {
    return { ...(message.id === null ? {} : { 'messaging.message.id': message.id }), ...this.#placeOf(message) };
  }

  #placeOf({ partition, offset }: { readonly partition: number; readonly offset: number | null }): Attributes {
    return {
      'messaging.destination.partition.id': String(partition),
      ...(offset === null ? {} : { [this.#system === 'kafka' ? 'messaging.kafka.offset' : 'sluice.offset']: offset }),
    };
  }
}

/** For a caller's context where nobody makes spans: it is passed on as it came. */
export function stampOf(given: TraceContext | undefined): MessageStamp | undefined {
  if (given === undefined) return undefined;
  const headers = headersOfContext(given);
  return headers === undefined ? undefined : new MessageStamp(headers, false);
}

/** The program's own SDK, if it has one. What the API hands out otherwise makes spans that go nowhere. */
function registeredTracer(): Tracer | undefined {
  const provider = trace.getTracerProvider();
  // Of another copy of the API too, so no `instanceof`.
  const { getDelegateTracer } = provider as Partial<ReturnType<typeof trace.getTracerProvider>> & {
    getDelegateTracer?: (name: string) => Tracer | undefined;
  };
  if (getDelegateTracer === undefined) return provider.getTracer(TRACER);
  return getDelegateTracer.call(provider, TRACER);
}

/**
 * The span that is active here, where it belongs to the trace that the caller named, or the caller named none: an instrumentation of
 * HTTP has read the same header, and its span is nearer. Else the caller's.
 */
function parentOf(given: TraceContext | undefined): Context {
  const here = active.active();
  const caller = given === undefined ? undefined : spanContextOf(given);
  if (caller === undefined || trace.getSpanContext(here)?.traceId === caller.traceId) return here;
  return trace.setSpanContext(here, caller);
}

function linksTo(deliveries: readonly Delivery[]): Link[] {
  const links: Link[] = [];
  for (const { message, attempt } of deliveries) {
    if (links.length >= limits.traceLinksMax) break;
    const link = linkTo(message);
    if (link === undefined) continue;
    if (attempt > 1) link.attributes = { ...link.attributes, 'sluice.attempt': attempt };
    links.push(link);
  }
  return links;
}

function linksOf(messages: readonly Message[]): Link[] {
  const links: Link[] = [];
  for (const message of messages) {
    if (links.length >= limits.traceLinksMax) break;
    const link = linkTo(message);
    if (link !== undefined) links.push(link);
  }
  return links;
}

function linkTo({ headers, id }: Message): Link | undefined {
  const context = creationContextOf(headers);
  if (context === undefined) return undefined;
  return id === null ? { context } : { context, attributes: { 'messaging.message.id': id } };
}

/** The span ends with the work, and says what it was ended by. */
async function ended<T>(span: Span, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (reason) {
    fail(span, reason);
    throw reason;
  } finally {
    span.end();
  }
}

/** The code and nothing else: messages of errors say names and values of requests. */
function fail(span: Span, reason: unknown): void {
  span.setAttribute('error.type', PortError.from(reason).code);
  span.setStatus({ code: SpanStatusCode.ERROR });
}

/** A name that no topic can have is refused after the span has begun. */
function nameOf(operation: string, destination: string): string {
  return `${operation} ${bounded(destination)}`;
}

function bounded(name: string): string {
  return String(name).slice(0, limits.nameCharactersMax);
}
