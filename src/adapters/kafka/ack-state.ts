/** The ack tracker's bytes as an offset commit's metadata: base64, at most 4,096 characters, as the broker allows. */

import { AckTracker } from '../ack-tracker.ts';
import { kafkaLimits } from './kafka-limits.ts';
import type { GroupOffset } from './kafka-client.ts';

/** Base64 makes 4 characters of 3 bytes. */
export const ackStateBytesMax = Math.floor(kafkaLimits.commitMetadataBytesMax / 4) * 3;
/**
 * Above this, intake of the partition pauses; below the other, it goes on. In between it does what it did. Compared with what
 * the state could become: acking every second one of n outstanding messages makes n / 2 runs of two bytes.
 */
export const ackStateBytesPause = Math.floor(ackStateBytesMax * 0.9);
export const ackStateBytesResume = Math.floor(ackStateBytesMax * 0.6);

export function encodeAckState(tracker: AckTracker, partition: number): GroupOffset {
  return { partition, offset: tracker.watermark, metadata: tracker.encode(ackStateBytesMax).toString('base64') };
}

/** Metadata that another client wrote is not ours to read: then only its offset counts. */
export function decodeAckState(committed: GroupOffset): AckTracker {
  try {
    return AckTracker.decode(committed.offset, Buffer.from(committed.metadata, 'base64'));
  } catch {
    return new AckTracker(committed.offset);
  }
}
