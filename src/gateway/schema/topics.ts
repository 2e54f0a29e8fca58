/** Topics: what creates one, and one as it stands. */

import { z } from 'zod';
import { limits } from '../../adapters/index.ts';
import { EncodingName, Name, QueueTypeName, whole, wholeText } from './common.ts';
import { DeliveredMessage } from './message.ts';

const OptionValue = z.union([z.string(), z.number(), z.boolean()], 'must be a string, a number or a boolean');

export const TopicBody = z.strictObject({
  name: Name,
  partitions: whole(1, limits.partitionsPerTopicMax).default(1),
  retention: z
    .strictObject({
      ms: whole(1, Number.MAX_SAFE_INTEGER).exactOptional(),
      bytes: whole(1, Number.MAX_SAFE_INTEGER).exactOptional(),
    })
    .exactOptional(),
  cleanup: z.enum(['delete', 'compact']).default('delete'),
  queueType: QueueTypeName.describe('RabbitMQ only.').exactOptional(),
  replicas: whole(1, 99).exactOptional(),
  options: z.record(z.string(), OptionValue).describe('Options of the backend, by its own names.').exactOptional(),
});

/** RFC 7396: what is given replaces what was, null takes a bound or an option away. */
export const TopicPatch = z.strictObject({
  partitions: whole(1, limits.partitionsPerTopicMax)
    .describe('Can only grow; keys then go to other partitions than before.')
    .exactOptional(),
  retention: z
    .strictObject({
      ms: whole(1, Number.MAX_SAFE_INTEGER).nullable().exactOptional(),
      bytes: whole(1, Number.MAX_SAFE_INTEGER).nullable().exactOptional(),
    })
    .exactOptional(),
  cleanup: z.enum(['delete', 'compact']).exactOptional(),
  options: z.record(z.string(), OptionValue.nullable()).exactOptional(),
});

export const Topic = z
  .strictObject({
    name: Name,
    partitions: z.int(),
    retention: z.strictObject({ ms: z.number().nullable(), bytes: z.number().nullable() }),
    cleanup: z.enum(['delete', 'compact']),
    queueType: QueueTypeName.nullable(),
    replicas: z.int().nullable(),
    options: z.record(z.string(), OptionValue),
  })
  .meta({ id: 'Topic' });

export const TopicList = z.strictObject({ topics: z.array(Topic) });

const FromParameter = z
  .string('must be "earliest", "latest" or an offset')
  .regex(/^(earliest|latest|\d{1,15})$/, 'must be "earliest", "latest" or an offset')
  .default('earliest');
const LimitParameter = wholeText(1, limits.readMessagesMax).default(100);

export const BrowseQuery = z.strictObject({ from: FromParameter, limit: LimitParameter, encoding: EncodingName });

export const BrowseAnswer = z.strictObject({
  messages: z.array(DeliveredMessage),
  next: z.int().describe('The offset to go on from.'),
});

export const DeadLettersQuery = z.strictObject({
  partition: wholeText(0, limits.partitionsPerTopicMax - 1)
    .describe('Needed to go on from an offset.')
    .exactOptional(),
  from: FromParameter,
  limit: LimitParameter,
  encoding: EncodingName,
});

export const DeadLettersAnswer = z.strictObject({
  topic: Name,
  messages: z.array(DeliveredMessage),
  next: z.record(z.string(), z.int()).describe('By partition: the offset to go on from.'),
});
