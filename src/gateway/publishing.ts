/** Publishing, the same for every door: the bound on what is under way, the call of the port, the counting. */

import {
  type Persistence,
  PortError,
  type PublishMessage,
  type PublishOptions,
  type PublishOutcome,
  type TraceContext,
} from '../adapters/index.ts';
import type { Caller } from './access/caller.ts';
import type { GatewayContext } from './context.ts';

/** What may be asked of all messages of a publish. */
export interface PublishAsked {
  readonly durability?: Persistence;
  readonly minCopies?: number;
}

/**
 * @param trace of the request, for messages that have no trace context of their own.
 * @param payer whose quota it is on; `paced` for a stream, which has waited for room already.
 * @throws PortError `quota_exceeded`, `too_many_in_flight`, and what the port throws when nothing was tried.
 */
export async function publishMessages(
  { port, metrics, limits }: GatewayContext,
  topic: string,
  messages: readonly PublishMessage[],
  asked: PublishAsked,
  payer: Caller | 'paced',
  trace?: TraceContext,
): Promise<readonly PublishOutcome[]> {
  if (metrics.publishesInFlight >= limits.publishesInFlightMax) {
    throw new PortError('too_many_in_flight', `${metrics.publishesInFlight} publishes are not yet answered`, {
      retryAfterMs: 100,
    });
  }
  if (payer !== 'paced') payer.chargePublish(messages);
  const startedAt = performance.now();
  metrics.publishesInFlight += 1;
  let outcomes: readonly PublishOutcome[];
  try {
    outcomes = await port.publish(topic, messages, optionsOf(asked, trace));
  } finally {
    metrics.publishesInFlight -= 1;
  }
  metrics.published(topic, outcomes, storedBytes(messages, outcomes), performance.now() - startedAt);
  return outcomes;
}

function optionsOf(
  { durability, minCopies }: PublishAsked,
  traceContext: TraceContext | undefined,
): PublishOptions | undefined {
  if (durability === undefined && minCopies === undefined && traceContext === undefined) return undefined;
  const options: { -readonly [K in keyof PublishOptions]: PublishOptions[K] } = {};
  if (durability !== undefined) options.durability = durability;
  if (minCopies !== undefined) options.minCopies = minCopies;
  if (traceContext !== undefined) options.traceContext = traceContext;
  return options;
}

function storedBytes(messages: readonly PublishMessage[], outcomes: readonly PublishOutcome[]): number {
  let bytes = 0;
  for (const [index, { value }] of messages.entries()) {
    if (outcomes[index]?.kind !== 'stored' || value === null) continue;
    bytes += typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  }
  return bytes;
}
