/**
 * Spans to a collector by OTLP over HTTP, with OpenTelemetry's SDK. Loaded only where the configuration names a collector.
 *
 * Spans wait in a queue with a bound, and are dropped and counted beyond it: a collector that is slow or away takes nothing from a
 * request but the making of its span.
 *
 * Non-obvious: what waits is counted here, because the SDK's processor tells nobody what it drops, and takes what it is just sending
 * for sent.
 */

import { TraceFlags, type Link, type SpanKind, type Attributes, type Context } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { detectResources, envDetector, resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  type ReadableSpan,
  type Sampler,
  SamplingDecision,
  type SamplingResult,
  type Span,
  type SpanExporter,
  type SpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { gatewayLimits } from './limits.ts';

/** What became of spans: the labels of `sluice_trace_spans_total`. */
export type SpanResult = 'exported' | 'queue_full' | 'export_failed';

export interface TraceExportOptions {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>> | undefined;
  readonly sampleRatio: number;
  readonly serviceName: string;
  readonly serviceVersion: string;
  /** Which gateway it is, among several. */
  readonly instance: string;
  readonly spans: (result: SpanResult, count: number) => void;
  /** Told when the collector goes away, and when it is back. */
  readonly collector: (trouble: Error | undefined) => void;
}

export class TraceExport {
  readonly provider: TracerProvider;

  constructor(options: TraceExportOptions) {
    const { serviceName, serviceVersion, instance, sampleRatio } = options;
    const known = resourceFromAttributes({
      'service.version': serviceVersion,
      ...(instance === '' ? {} : { 'service.instance.id': instance }),
    });
    // OTEL_RESOURCE_ATTRIBUTES says the rest, such as where this is deployed, and knows better.
    const told = detectResources({ detectors: [envDetector] });
    this.provider = new TracerProvider({
      resource: known.merge(told).merge(resourceFromAttributes({ 'service.name': serviceName })),
      sampler: new ParentBasedSampler({ root: new WithItsMessages(sampleRatio) }),
      spanLimits: { attributeValueLengthLimit: gatewayLimits.traceAttributeCharactersMax },
      spanProcessors: [new BoundedProcessor(options)],
    });
  }

  /** What waits is sent, as far as the time goes. */
  async close(): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, gatewayLimits.traceFlushMs);
    });
    const flushed = this.provider.shutdown().catch(() => undefined); // counted as failed, and told, where it happened
    await Promise.race([flushed, late]);
    clearTimeout(timer);
  }
}

/**
 * For spans without a parent: a pull or a settlement of a message that was sampled when it was published is sampled too, else a part of all.
 * By the ratio alone, of one publish in a hundred only every hundredth would be seen to arrive.
 */
class WithItsMessages implements Sampler {
  readonly #ratio: Sampler;

  constructor(ratio: number) {
    this.#ratio = new TraceIdRatioBasedSampler(ratio);
  }

  shouldSample(
    context: Context,
    traceId: string,
    name: string,
    kind: SpanKind,
    attributes: Attributes,
    links: Link[],
  ): SamplingResult {
    const isOfSampled = links.some((link) => (link.context.traceFlags & TraceFlags.SAMPLED) !== 0);
    if (isOfSampled) return { decision: SamplingDecision.RECORD_AND_SAMPLED };
    return this.#ratio.shouldSample(context, traceId, name, kind, attributes, links);
  }

  toString(): string {
    return `WithItsMessages{${this.#ratio.toString()}}`;
  }
}

/** The SDK's processor behind a bound that counts what is on its way too. */
class BoundedProcessor implements SpanProcessor {
  readonly #inner: SpanProcessor;
  readonly #spans: TraceExportOptions['spans'];
  #waiting = 0;

  constructor({ url, headers, spans, collector }: TraceExportOptions) {
    this.#spans = spans;
    // Timeout, compression and certificates are the exporter's, by OTEL_EXPORTER_OTLP_*.
    const exporter = new OTLPTraceExporter({ url, ...(headers === undefined ? {} : { headers: { ...headers } }) });
    this.#inner = new BatchSpanProcessor({
      exporter: this.#counting(exporter, collector),
      maxQueueSize: gatewayLimits.traceSpansWaitingMax,
      maxExportBatchSize: gatewayLimits.traceBatchSpansMax,
      scheduledDelayMillis: gatewayLimits.traceDelayMs,
    });
  }

  onStart(span: Span, parent: Context): void {
    this.#inner.onStart(span, parent);
  }

  onEnd(span: ReadableSpan): void {
    if ((span.spanContext().traceFlags & TraceFlags.SAMPLED) === 0) return;
    if (this.#waiting >= gatewayLimits.traceSpansWaitingMax) {
      this.#spans('queue_full', 1);
      return;
    }
    this.#waiting += 1;
    this.#inner.onEnd(span);
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush();
  }

  async shutdown(): Promise<void> {
    await this.#inner.shutdown();
  }

  #counting(exporter: SpanExporter, collector: TraceExportOptions['collector']): SpanExporter {
    return {
      export: (spans, done) =>
        exporter.export(spans, (result) => {
          this.#waiting -= spans.length;
          // 0 is the SDK's word for success.
          const trouble = result.code === 0 ? undefined : (result.error ?? new Error('the export failed'));
          this.#spans(trouble === undefined ? 'exported' : 'export_failed', spans.length);
          collector(trouble);
          done(result);
        }),
      shutdown: async () => await exporter.shutdown(),
    };
  }
}
