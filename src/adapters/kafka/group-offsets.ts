/** A subscription's place while nobody reads: made, moved and measured through the offsets that its group committed. */

import { PortError } from '../errors.ts';
import type { PositionState } from '../driver.ts';
import type { Position, SubscriptionDefinition, SubscriptionLag, TopicDefinition } from '../port.ts';
import { decodeAckState, encodeAckState } from './ack-state.ts';
import { isFault } from './errors.ts';
import type { KafkaClient, Membership } from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';
import { listOffsets, pause, untilServed } from './patience.ts';

/** What a commit without a member is answered while the group has some. */
const IS_READ = ['UNKNOWN_MEMBER_ID', 'ILLEGAL_GENERATION', 'REBALANCE_IN_PROGRESS'];

/**
 * Commits the start for every partition, also where an offset is committed already: that one is of an earlier subscription of this
 * name, whose group could not be deleted whole. A call that died half-way promised its caller nothing.
 */
export async function createGroup(
  client: KafkaClient,
  groupId: string,
  subscription: SubscriptionDefinition,
  topic: TopicDefinition,
  isMadeElsewhere: (() => Promise<boolean>) | undefined,
): Promise<void> {
  const start = await resolvePosition(client, topic, subscription.start, partitionsOf(topic));
  if ((await isMadeElsewhere?.()) === true) return;
  try {
    await commitWithoutMember(client, groupId, topic, start);
  } catch (reason) {
    // It may be read already, through the process that was faster.
    if (isFault(reason, ...IS_READ) && (await isMadeElsewhere?.()) === true) return;
    throw reason;
  }
}

/**
 * Members that still read elsewhere get a moment to notice that the definition is gone. What is left then is the member of a process
 * that was killed, which Kafka would miss only after its session timeout: it is shown out. Members of other clients are left alone.
 */
export async function deleteGroup(
  client: KafkaClient,
  groupId: string,
  subscription: SubscriptionDefinition,
): Promise<void> {
  const deadline = performance.now() + kafkaLimits.groupDeleteWaitMs;
  let hasShownOut = false;
  for (;;) {
    try {
      await untilServed(() => client.deleteGroup(groupId));
      return;
    } catch (reason) {
      if (!isFault(reason, 'NON_EMPTY_GROUP')) throw reason;
      if (performance.now() >= deadline) {
        const { members } = await client.describeGroup(groupId);
        const others = members.filter(({ isOurs }) => !isOurs);
        if (others.length > 0 || hasShownOut) {
          const who = members.map(({ text }) => text).join(', ');
          throw new PortError('subscription_in_use', `subscription "${subscription.name}" is still read by ${who}`, {
            cause: reason,
          });
        }
        for (const { memberId } of members) await client.leaveGroup(groupId, memberId);
        hasShownOut = true;
        continue;
      }
    }
    await pause(kafkaLimits.retryDelayMs);
  }
}

export async function seekGroup(
  client: KafkaClient,
  groupId: string,
  subscription: SubscriptionDefinition,
  topic: TopicDefinition,
  to: Position,
): Promise<void> {
  const offsets = await resolvePosition(client, topic, to, namedPartitions(topic, to));
  const { state, members } = await untilServed(() => client.describeGroup(groupId));
  if (members.length > 0) {
    const who = `${members.length} member(s) read it in other processes (${members.map(({ text }) => text).join(', ')}; group ${state})`;
    throw new PortError(
      'subscription_in_use',
      `cannot seek subscription "${subscription.name}": ${who}; end their pulls and streams first`,
    );
  }
  await commitWithoutMember(client, groupId, topic, offsets);
}

/**
 * @param start where a partition without a committed offset is read from: its oldest message where a start was committed.
 * @param ageMs of the first message at or after an offset, where it is known.
 */
export async function groupLag(
  client: KafkaClient,
  groupId: string,
  topic: TopicDefinition,
  start: Position = 'earliest',
  ageMs: (partition: number, offset: number) => Promise<number | undefined> = async () => undefined,
): Promise<SubscriptionLag> {
  const partitions = partitionsOf(topic);
  const committed = await untilServed(() => client.committedOffsets(groupId, topic.name, partitions));
  const [earliest, latest] = await Promise.all([
    listOffsets(client, topic.name, partitions, 'earliest'),
    listOffsets(client, topic.name, partitions, 'latest'),
  ]);
  const missing = partitions.filter((partition) => !committed.has(partition));
  const starts = missing.length === 0 ? null : await resolvePosition(client, topic, start, missing);
  const rows = partitions.map((partition) => {
    const [low, end] = [earliest.get(partition) ?? 0, latest.get(partition) ?? 0];
    const state = committed.get(partition);
    if (state === undefined) {
      const from = starts?.get(partition) ?? low;
      return { partition, from, lag: Math.max(0, end - from) };
    }
    const tracker = decodeAckState(state);
    const from = Math.max(low, tracker.watermark);
    return { partition, from, lag: Math.max(0, end - from - tracker.settledAboveWatermark) };
  });
  const lags = await Promise.all(
    rows.map(async ({ partition, from, lag }) => {
      const oldestUnackedMs = lag === 0 ? undefined : await ageMs(partition, from);
      return { partition, lag, ...(oldestUnackedMs !== undefined && { oldestUnackedMs }) };
    }),
  );
  return { partitions: lags, total: lags.reduce((sum, { lag }) => sum + lag, 0) };
}

/** Of a partition that another member reads: what it committed is settled for sure, of the rest only it knows. */
export async function positionElsewhere(
  client: KafkaClient,
  groupId: string,
  topic: string,
  partition: number,
  offset: number,
): Promise<PositionState> {
  const state = (await untilServed(() => client.committedOffsets(groupId, topic, [partition]))).get(partition);
  return state !== undefined && decodeAckState(state).isSettled(offset) ? 'settled' : 'elsewhere';
}

/**
 * A position of a group that has no members here. With members elsewhere only they may commit. Should one join between the look and
 * the commit, Kafka refuses a commit without a member.
 */
export async function settlePosition(
  client: KafkaClient,
  groupId: string,
  topic: TopicDefinition,
  partition: number,
  offset: number,
  settles: boolean,
): Promise<PositionState> {
  const { members } = await untilServed(() => client.describeGroup(groupId));
  const state = (await untilServed(() => client.committedOffsets(groupId, topic.name, [partition]))).get(partition);
  const tracker = state === undefined ? undefined : decodeAckState(state);
  if (tracker?.isSettled(offset) === true) return 'settled';
  if (members.length > 0 || tracker === undefined) return 'elsewhere';
  if (!settles || !tracker.settleAhead(offset)) return 'free';
  try {
    const nobody: Membership = { groupId, generation: -1, memberId: '' };
    await untilServed(() => client.commitOffsets(nobody, topic.name, [encodeAckState(tracker, partition)]));
  } catch (reason) {
    if (isFault(reason, ...IS_READ)) return 'elsewhere';
    throw reason;
  }
  return 'free';
}

/** @throws PortError offset_out_of_range for an offset that is neither kept nor the end. */
export async function resolvePosition(
  client: KafkaClient,
  topic: TopicDefinition,
  to: Position,
  partitions: readonly number[],
): Promise<ReadonlyMap<number, number>> {
  if (typeof to === 'string' || 'timestampMs' in to) return await listOffsets(client, topic.name, partitions, to);
  const [earliest, latest] = await Promise.all([
    listOffsets(client, topic.name, partitions, 'earliest'),
    listOffsets(client, topic.name, partitions, 'latest'),
  ]);
  const resolved = new Map<number, number>();
  for (const partition of partitions) {
    const [low, end] = [earliest.get(partition) ?? 0, latest.get(partition) ?? 0];
    // A partition that is not named starts with what comes next.
    const offset = to.offsets[String(partition)] ?? end;
    if (offset < low || offset > end) {
      throw new PortError(
        'offset_out_of_range',
        `offset ${offset} of ${topic.name}-${partition} is not in ${low} to ${end}`,
      );
    }
    resolved.set(partition, offset);
  }
  return resolved;
}

/** A seek by offsets leaves the partitions alone that it does not name. */
function namedPartitions(topic: TopicDefinition, to: Position): readonly number[] {
  if (typeof to === 'string' || 'timestampMs' in to) return partitionsOf(topic);
  return partitionsOf(topic).filter((partition) => to.offsets[String(partition)] !== undefined);
}

/** Empty metadata: nothing above the offset is acked. */
async function commitWithoutMember(
  client: KafkaClient,
  groupId: string,
  topic: TopicDefinition,
  offsets: ReadonlyMap<number, number>,
): Promise<void> {
  const nobody: Membership = { groupId, generation: -1, memberId: '' };
  if (offsets.size === 0) return;
  const commits = [...offsets].map(([partition, offset]) => ({ partition, offset, metadata: '' }));
  await untilServed(() => client.commitOffsets(nobody, topic.name, commits));
}

function partitionsOf(topic: TopicDefinition): readonly number[] {
  return Array.from({ length: topic.partitions }, (_, partition) => partition);
}
