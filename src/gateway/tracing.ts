/** Where the gateway's spans go: nowhere, or to the collector that the configuration names. docs/TRACING.md tells it. */

import type { TracerProvider } from '../adapters/index.ts';
import type { GatewayConfig } from './config.ts';
import type { GatewayMetrics } from './observability.ts';
import { version } from './version.ts';

export interface Tracing {
  /** Absent where the configuration names no collector: then the port's spans are the program's affair. */
  readonly provider?: TracerProvider;
  /** For its log, which there is only once the port is open. */
  attach(log: TracingLog): void;
  /** Sends what waits, within `gatewayLimits.traceFlushMs`. */
  close(): Promise<void>;
}

interface TracingLog {
  warn(fields: object, text: string): void;
  info(fields: object, text: string): void;
}

const off: Tracing = { attach: () => undefined, close: async () => undefined };

/** @param instance the name of this gateway among others; may be empty. */
export async function openTracing(
  { otlp, sampleRatio, headers, serviceName }: GatewayConfig['tracing'],
  instance: string,
  metrics: GatewayMetrics,
): Promise<Tracing> {
  if (otlp === undefined || otlp === 'off') return off;
  const { TraceExport } = await import('./trace-export.ts');
  const url = collectorUrl(otlp);
  let log: TracingLog | undefined;
  let isAway = false;
  const spans = new TraceExport({
    url: url.href,
    headers,
    sampleRatio,
    serviceName,
    serviceVersion: version,
    instance,
    spans: metrics.traceSpans,
    collector: (trouble) => {
      if (isAway === (trouble !== undefined)) return;
      isAway = trouble !== undefined;
      // Not the URL whole: it may have a secret in it.
      if (trouble === undefined) log?.info({ collector: url.host }, 'spans are exported again');
      else log?.warn({ collector: url.host, why: trouble.message }, 'spans cannot be exported: they are dropped');
    },
  });
  return {
    provider: spans.provider,
    attach: (given) => {
      log = given;
    },
    close: async () => await spans.close(),
  };
}

/** A collector's own address has no path; one with a path is taken as it is. */
function collectorUrl(otlp: string): URL {
  const url = new URL(otlp);
  if (url.pathname === '/') url.pathname = '/v1/traces';
  return url;
}
