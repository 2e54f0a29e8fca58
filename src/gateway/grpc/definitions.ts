/** Topics, subscriptions and positions: requests as the bodies that REST has, answers from what the port has. */

import type { z } from 'zod';
import {
  type AlterOptions,
  type CapabilityTable,
  definitionRevision,
  type Position,
  type SubscriptionDefinition,
  type SubscriptionLag,
  type TopicDefinition,
} from '../../adapters/index.ts';
import { errorFromIssues } from '../rest/problem-handler.ts';
import type { PositionBody } from '../schema/common.ts';
import type { CapabilityClaim } from './generated/sluice/v1/CapabilityClaim.ts';
import type { CreateSubscriptionRequest__Output } from './generated/sluice/v1/CreateSubscriptionRequest.ts';
import type { CreateTopicRequest__Output } from './generated/sluice/v1/CreateTopicRequest.ts';
import type { GetLagResponse } from './generated/sluice/v1/GetLagResponse.ts';
import type { OptionValue, OptionValue__Output } from './generated/sluice/v1/OptionValue.ts';
import type { Position as PositionProto, Position__Output } from './generated/sluice/v1/Position.ts';
import type { Retention__Output } from './generated/sluice/v1/Retention.ts';
import type { Subscription } from './generated/sluice/v1/Subscription.ts';
import type { Topic } from './generated/sluice/v1/Topic.ts';
import type { UpdateSubscriptionRequest__Output } from './generated/sluice/v1/UpdateSubscriptionRequest.ts';
import type { UpdateTopicRequest__Output } from './generated/sluice/v1/UpdateTopicRequest.ts';
import { capabilityLevels, cleanups, edges, onExhausted, orderings, queueTypes, wordOf } from './words.ts';

/** @throws PortError `invalid_argument` or `unknown_field` in the words of REST. */
export function checked<S extends z.ZodType>(schema: S, given: unknown): z.output<S> {
  const result = schema.safeParse(given);
  if (result.success) return result.data;
  throw errorFromIssues(result.error.issues, 'request');
}

export function topicBody({ cleanup, queueType, options, ...request }: CreateTopicRequest__Output): object {
  return present({
    ...request,
    cleanup: wordOf(cleanups, cleanup),
    queueType: wordOf(queueTypes, queueType),
    options: options === undefined ? undefined : mapValues(options, optionValue),
  });
}

export function topicMessage(topic: TopicDefinition): Topic {
  const { retention, queueType, replicas } = topic;
  return {
    name: topic.name,
    partitions: topic.partitions,
    retention: {
      ...(retention.ms === null ? {} : { ms: retention.ms }),
      ...(retention.bytes === null ? {} : { bytes: retention.bytes }),
    },
    cleanup: cleanups[topic.cleanup],
    ...(queueType === null ? {} : { queueType: queueTypes[queueType] }),
    ...(replicas === null ? {} : { replicas }),
    options: mapValues(topic.options, optionMessage),
    etag: definitionRevision(topic),
  };
}

export function subscriptionBody({
  start,
  ordering,
  onExhausted: exhausted,
  ...request
}: CreateSubscriptionRequest__Output): object {
  return present({
    ...request,
    start: positionBody(start),
    ordering: wordOf(orderings, ordering),
    onExhausted: wordOf(onExhausted, exhausted),
  });
}

export function subscriptionMessage(subscription: SubscriptionDefinition): Subscription {
  const { deadLetterTopic } = subscription;
  return {
    name: subscription.name,
    topic: subscription.topic,
    start: positionMessage(subscription.start),
    ordering: orderings[subscription.ordering],
    ackDeadlineMs: subscription.ackDeadlineMs,
    maxInFlight: subscription.maxInFlight,
    retry: subscription.retry,
    onExhausted: onExhausted[subscription.onExhausted],
    ...(deadLetterTopic === null ? {} : { deadLetterTopic }),
    requires: [...subscription.requires],
    etag: definitionRevision(subscription),
  };
}

/** Proto has no null: a bound of 0 and an option without a value say it. */
export function topicPatch({ cleanup, retention, options, partitions }: UpdateTopicRequest__Output): object {
  const isNone = (bound: number): number | null => (bound === 0 ? null : bound);
  return present({
    partitions,
    retention: retention === undefined ? undefined : mapValues(numbersOf(retention), isNone),
    cleanup: wordOf(cleanups, cleanup),
    options: options === undefined ? undefined : mapValues(options, (value) => optionValue(value) ?? null),
  });
}

export function subscriptionPatch({ ackDeadlineMs, maxInFlight, retry }: UpdateSubscriptionRequest__Output): object {
  return present({
    ackDeadlineMs,
    maxInFlight: maxInFlight === undefined ? undefined : present({ ...maxInFlight }),
    retry: retry === undefined ? undefined : present({ ...retry }),
  });
}

/** @throws nothing: an etag that nothing has is a precondition that fails. */
export function revisionOf(etag: string | undefined): AlterOptions {
  return etag === undefined ? {} : { ifRevision: etag };
}

/** As REST writes it. A position that says nothing, or a list of offsets with nothing in it, is left to the schema. */
export function positionBody(position: Position__Output | undefined): unknown {
  if (position === undefined) return undefined;
  if (position.timestamp !== undefined) return { timestamp: position.timestamp };
  if (position.offsets !== undefined) return { offsets: position.offsets.byPartition ?? {} };
  return wordOf(edges, position.edge) ?? null;
}

export function toPosition(position: z.output<typeof PositionBody>): Position {
  return typeof position === 'object' && 'timestamp' in position ? { timestampMs: position.timestamp } : position;
}

export function lagMessage({ partitions, total }: SubscriptionLag): GetLagResponse {
  return { partitions: partitions.map((partition) => ({ ...partition })), total };
}

export function capabilityMessages(table: CapabilityTable): Record<string, CapabilityClaim> {
  return mapValues(table, ({ level, how, limits }) => ({
    level: capabilityLevels[level],
    how,
    ...(limits === undefined ? {} : { limits: { ...limits } }),
  }));
}

function positionMessage(position: Position): PositionProto {
  if (typeof position === 'string') return { edge: edges[position] };
  if ('timestampMs' in position) return { timestamp: position.timestampMs };
  return { offsets: { byPartition: { ...position.offsets } } };
}

function numbersOf({ ms, bytes }: Retention__Output): Record<string, number> {
  return { ...(ms === undefined ? {} : { ms }), ...(bytes === undefined ? {} : { bytes }) };
}

function optionValue({ text, number, flag }: OptionValue__Output): unknown {
  return text ?? number ?? flag;
}

function optionMessage(value: string | number | boolean): OptionValue {
  if (typeof value === 'string') return { text: value };
  return typeof value === 'number' ? { number: value } : { flag: value };
}

function mapValues<V, W>(record: Readonly<Record<string, V>>, change: (value: V) => W): Record<string, W> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));
}

/** Absent fields must be absent: the schemas take undefined for a value. */
function present(fields: Readonly<Record<string, unknown>>): object {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
}
