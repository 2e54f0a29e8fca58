/** Messages of the .proto <-> messages of the port. */

import { z } from 'zod';
import type {
  Delivery,
  Durability,
  Message,
  PublishMessage,
  PublishOutcome,
  TokenResult,
} from '../../adapters/index.ts';
import { BYTES, TEXT } from '../message-codec.ts';
import { messageFields, messagesOf, publishOptions } from '../schema/message.ts';
import type { Delivery as DeliveryProto } from './generated/sluice/v1/Delivery.ts';
import type { Durability as DurabilityProto } from './generated/sluice/v1/Durability.ts';
import type { Message as MessageProto } from './generated/sluice/v1/Message.ts';
import type { PublishMessage__Output } from './generated/sluice/v1/PublishMessage.ts';
import type { PublishResult } from './generated/sluice/v1/PublishResult.ts';
import type { Stored } from './generated/sluice/v1/Stored.ts';
import type { TokenResult as TokenResultProto } from './generated/sluice/v1/TokenResult.ts';
import { problemMessage } from './status.ts';
import { persistences, tokenStatuses } from './words.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** The rules of REST for what both have; the decoder has seen to the types and to unknown fields, the port sees to the rest. */
const MessageRules = z.looseObject(messageFields).superRefine((message, context) => {
  const { value, text, tombstone } = message as PublishMessage__Output;
  const given = Number(value !== undefined) + Number(text !== undefined) + Number(tombstone === true);
  if (given !== 1) {
    context.addIssue({
      code: 'custom',
      path: ['value'],
      message: 'give exactly one of value, text and tombstone',
    });
  }
});

/** Of a publish and of a frame alike; what they have beside the messages and these is not for the schema. */
export const PublishRules = z.looseObject({ messages: messagesOf(MessageRules), ...publishOptions });

/** Whether there is nothing that the rules could be about: most messages are a key and a value. */
export function isPlain(message: PublishMessage__Output): boolean {
  return (
    (message.value === undefined) !== (message.text === undefined) &&
    message.tombstone === undefined &&
    message.contentType === undefined &&
    message.id === undefined &&
    message.timestamp === undefined &&
    message.partition === undefined &&
    message.delayMs === undefined &&
    message.ttlMs === undefined &&
    message.priority === undefined
  );
}

export function toPublishMessage(message: PublishMessage__Output): PublishMessage {
  const { key, text, value, headers, contentType, timestamp } = message;
  const made: Mutable<PublishMessage> = { value: value ?? text ?? null };
  if (value !== undefined) made.contentType = contentType ?? BYTES;
  else if (text !== undefined) made.contentType = contentType ?? TEXT;
  else if (contentType !== undefined) made.contentType = contentType;
  if (key !== undefined) made.key = key;
  if (headers !== undefined)
    made.headers = headers.map(({ name = '', value: bytes = NOTHING }) => ({ name, value: bytes }));
  if (message.id !== undefined) made.id = message.id;
  if (timestamp !== undefined) made.timestampMs = timestamp;
  if (message.partition !== undefined) made.partition = message.partition;
  if (message.delayMs !== undefined) made.delayMs = message.delayMs;
  if (message.ttlMs !== undefined) made.ttlMs = message.ttlMs;
  if (message.priority !== undefined) made.priority = message.priority;
  return made;
}

const NOTHING = Buffer.alloc(0);

export function resultMessage(outcome: PublishOutcome): PublishResult {
  if (outcome.kind !== 'stored') return { problem: problemMessage(outcome.error, outcome.id) };
  const { partition, offset, id, durability, duplicate } = outcome;
  const stored: Stored = { partition, id, durability: durabilityMessage(durability) };
  if (offset !== null) stored.offset = offset;
  if (duplicate === true) stored.duplicate = true;
  return { stored };
}

/** Drivers hand out one object for many outcomes. */
let lastDurability: Durability | undefined;
let lastDurabilityMessage: DurabilityProto = {};

function durabilityMessage(durability: Durability): DurabilityProto {
  if (durability !== lastDurability) {
    lastDurability = durability;
    lastDurabilityMessage = { persistence: persistences[durability.persistence], copies: durability.copies };
  }
  return lastDurabilityMessage;
}

export function deliveryMessage({ token, attempt, deadlineMs, message }: Delivery): DeliveryProto {
  return { ackToken: token, attempt, deadline: deadlineMs, message: messageMessage(message) };
}

export function tokenMessage({ token, status, gateway }: TokenResult): TokenResultProto {
  return { token, status: tokenStatuses[status], ...(gateway === undefined ? {} : { gateway }) };
}

function messageMessage(message: Message): MessageProto {
  const { topic, partition, offset, key, value, headers, contentType, id, timestampMs } = message;
  const made: MessageProto = { topic, partition, timestamp: timestampMs };
  if (offset !== null) made.offset = offset;
  if (key !== null) made.key = key;
  if (value !== null) made.value = value;
  if (headers.length > 0) made.headers = headers.map((header) => ({ name: header.name, value: header.value }));
  if (contentType !== null) made.contentType = contentType;
  if (id !== null) made.id = id;
  return made;
}
