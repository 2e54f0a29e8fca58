/** Pulling and settling, the same for every door: the port's call, and who has to be told of it. */

import type { Delivery, TokenResult, Traced, TraceContext } from '../adapters/index.ts';
import { type Caller, nothingOwed } from './access/caller.ts';
import type { GatewayContext } from './context.ts';
import type { PullOptions } from './pull-sessions.ts';

/** What became of a delivery. `extend` moves its deadline. */
export type SettleCall = 'ack' | 'nack' | 'release' | 'reject' | 'extend';

export interface SettleBody {
  readonly tokens: readonly string[];
  readonly delayMs?: number;
  readonly reason?: string;
  /** Of an extend: from now. */
  readonly deadlineMs?: number;
}

/** Deliveries for a client that is there to take them: of one that left meanwhile they are given back, uncounted. */
export async function pullDeliveries(
  { port, pulls, metrics }: GatewayContext,
  subscription: string,
  options: PullOptions,
  caller: Caller,
): Promise<readonly Delivery[]> {
  // Nobody knows yet how much it will be; who owes something from the last time waits.
  caller.charge(nothingOwed);
  const deliveries = await pulls.pull(subscription, options);
  if (deliveries.length === 0) return deliveries;
  if (options.signal.aborted) {
    const results = await port.release(
      subscription,
      deliveries.map(({ token }) => token),
    );
    pulls.noteSettled(subscription, results);
    return [];
  }
  caller.debitDelivered(deliveries);
  metrics.delivered(subscription, deliveries.length);
  return deliveries;
}

/** @throws PortError `subscription_not_found`, and `invalid_argument` for a deadline out of range. */
export async function settle(
  context: GatewayContext,
  subscription: string,
  call: SettleCall,
  body: SettleBody,
  trace?: TraceContext,
): Promise<readonly TokenResult[]> {
  const traced = trace === undefined ? {} : { traceContext: trace };
  const results = await settleOnPort(context, subscription, call, body, traced);
  context.metrics.settled(subscription, call, results);
  const { pulls } = context;
  if (call === 'extend') pulls.noteExtended(subscription, body.deadlineMs ?? 0);
  else if (call === 'nack') pulls.noteSettled(subscription, results, body.delayMs ?? pulls.maxBackoffMs(subscription));
  else pulls.noteSettled(subscription, results);
  return results;
}

async function settleOnPort(
  { port }: GatewayContext,
  subscription: string,
  call: SettleCall,
  { tokens, deadlineMs = 0, ...options }: SettleBody,
  traced: Traced,
): Promise<readonly TokenResult[]> {
  switch (call) {
    case 'ack':
      return await port.ack(subscription, tokens, traced);
    case 'nack':
      return await port.nack(subscription, tokens, { ...options, ...traced });
    case 'release':
      return await port.release(subscription, tokens, traced);
    case 'reject':
      return await port.reject(subscription, tokens, { ...options, ...traced });
    case 'extend':
      return await port.extend(subscription, tokens, deadlineMs);
  }
}
