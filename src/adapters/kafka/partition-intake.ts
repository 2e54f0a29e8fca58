/** One assigned partition of an intake: what is settled, what was fetched and waits for credit, what is handed out. */

import type { AckTracker } from '../ack-tracker.ts';
import type { DriverDelivery } from '../driver.ts';
import { messageBytes } from '../log-codec.ts';
import type { Message } from '../port.ts';
import { ackStateBytesPause, ackStateBytesResume } from './ack-state.ts';
import { type FetchedRecord, messageOf } from './record-batch.ts';

/** Changes of a partition's ack state between two looks at its encoded size. */
const CHANGES_PER_SIZE_CHECK = 64;
/** An encoded run and an attempt count take less than this each, so a small count needs no look at all. */
const RUN_BYTES_AT_MOST = 8;

export class KafkaDelivery implements DriverDelivery {
  readonly message: Message;
  readonly attempt: number;
  readonly bytes: number;
  readonly offset: number;
  readonly partition: PartitionIntake;

  constructor(message: Message, offset: number, attempt: number, partition: PartitionIntake) {
    this.message = message;
    this.offset = offset;
    this.attempt = attempt;
    this.bytes = messageBytes(message);
    this.partition = partition;
  }
}

export class PartitionIntake {
  readonly topic: string;
  /** What its messages say: its name in the port's words. */
  readonly shownTopic: string;
  readonly partition: number;
  readonly tracker: AckTracker;
  /** The next offset to fetch; the tracker is behind it by what is buffered. */
  fetchOffset: number;
  /** False once the partition went to somebody else: what is still said about its deliveries does not count. */
  isOurs = true;
  /** Changed since the last commit that was sent. */
  isDirty = false;
  /** Deliveries handed to the sink and not yet settled. */
  readonly outstanding = new Set<KafkaDelivery>();
  #buffer: FetchedRecord[] = [];
  #head = 0;
  #rawBytes = 0;
  #isStateFull = false;
  #changesSinceCheck = 0;

  constructor(topic: string, partition: number, tracker: AckTracker, shownTopic = topic) {
    this.topic = topic;
    this.shownTopic = shownTopic;
    this.partition = partition;
    this.tracker = tracker;
    this.fetchOffset = tracker.next;
  }

  get hasBuffered(): boolean {
    return this.#head < this.#buffer.length;
  }

  /** Raw bytes of what is buffered, about. */
  get bufferedBytes(): number {
    return this.#buffer.length === 0 ? 0 : (this.#rawBytes * (this.#buffer.length - this.#head)) / this.#buffer.length;
  }

  /** Near the limit of a commit's metadata: nothing more is delivered until enough gaps have closed. */
  get isStateFull(): boolean {
    return this.#isStateFull;
  }

  fetched(records: readonly FetchedRecord[], nextOffset: number, bytes: number): void {
    this.#rawBytes = this.bufferedBytes + bytes;
    this.#buffer = this.hasBuffered ? [...this.#buffer.slice(this.#head), ...records] : [...records];
    this.#head = 0;
    this.fetchOffset = nextOffset;
  }

  /** The next buffered message that was not settled before, unless it does not fit: then null, and it stays. */
  next(fits: (bytes: number) => boolean): KafkaDelivery | null {
    while (this.hasBuffered) {
      const record = this.#buffer[this.#head] as FetchedRecord;
      if (!fits((record.key?.length ?? 0) + (record.value?.length ?? 0))) return null;
      this.#head += 1;
      if (!this.tracker.take(record.offset)) {
        this.changed();
        continue;
      }
      const message = messageOf(record, this.shownTopic, this.partition);
      const delivery = new KafkaDelivery(message, record.offset, this.tracker.attemptsOf(record.offset) + 1, this);
      this.outstanding.add(delivery);
      this.#checkState();
      return delivery;
    }
    this.#buffer = [];
    this.#head = 0;
    return null;
  }

  /** False when it was settled before or is no longer ours. */
  settle(delivery: KafkaDelivery): boolean {
    if (!this.isOurs || !this.outstanding.delete(delivery)) return false;
    this.tracker.settle(delivery.offset);
    this.changed();
    return true;
  }

  changed(): void {
    this.isDirty = true;
    this.#checkState();
  }

  /** Encoding the state takes time in proportion to its size: only now and then, and not at all while it must be small. */
  #checkState(): void {
    this.#changesSinceCheck += 1;
    const atMost = (this.outstanding.size + 2) * (RUN_BYTES_AT_MOST + 1);
    if (atMost < ackStateBytesResume) {
      this.#isStateFull = false;
      return;
    }
    if (this.#changesSinceCheck < CHANGES_PER_SIZE_CHECK) return;
    this.#changesSinceCheck = 0;
    const { tracker, outstanding } = this;
    const bytes = (tracker.isWatermarkAlone ? 0 : tracker.encode().length) + outstanding.size;
    if (bytes >= ackStateBytesPause) this.#isStateFull = true;
    else if (bytes <= ackStateBytesResume) this.#isStateFull = false;
  }
}
