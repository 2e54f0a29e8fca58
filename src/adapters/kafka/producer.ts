/**
 * Batching across publish calls, which kafkajs has not: one batch in flight per partition, and what arrives meanwhile makes
 * the next one. So a lone publish leaves at once, a busy partition gets large batches without a linger time, and a batch that
 * is tried again cannot overtake its successor. Partitions of one broker share a request.
 *
 * Every message settles: stored with its offset; refused, when the broker said no or nothing was ever sent; unknown, when the
 * connection or the deadline ended after sending, or the broker appended it and could not confirm it. A batch is tried again only when
 * the broker said that it did not store it.
 */

import { PortError } from '../errors.ts';
import { limits } from '../limits.ts';
import { deniedText, isDenied, toFault, unreachableCode } from './errors.ts';
import type { KafkaClient, ProduceAnswer } from './kafka-client.ts';
import { kafkaLimits } from './kafka-limits.ts';
import type { Leaders } from './leaders.ts';
import { encodeBatch, type RecordToWrite, recordBytes } from './record-batch.ts';
import { groupBy } from './wire.ts';

export type ProduceOutcome =
  | { readonly kind: 'stored'; readonly offset: number }
  | { readonly kind: 'refused' | 'unknown'; readonly error: PortError };

interface Entry {
  readonly record: RecordToWrite;
  readonly bytes: number;
  readonly queuedAtMs: number;
  readonly signal: AbortSignal | undefined;
  readonly settle: (outcome: ProduceOutcome) => void;
}

interface PartitionQueue {
  readonly topic: string;
  readonly partition: number;
  entries: Entry[];
  /** Taken and not yet settled; also while it waits to be tried again. */
  inFlight: Entry[] | null;
  /** Small after a batch that the broker refused as a whole, and growing again with what it takes. */
  messagesMax: number;
}

/** What an error of the broker means for a batch. Whatever is not listed may or may not have been stored. */
const answers: Readonly<Record<string, 'retry' | PortError['code']>> = {
  NOT_LEADER_FOR_PARTITION: 'retry',
  LEADER_NOT_AVAILABLE: 'retry',
  UNKNOWN_TOPIC_OR_PARTITION: 'retry',
  REPLICA_NOT_AVAILABLE: 'retry',
  FENCED_LEADER_EPOCH: 'retry',
  NOT_ENOUGH_REPLICAS: 'retry',
  CORRUPT_MESSAGE: 'retry',
  MESSAGE_TOO_LARGE: 'message_too_large',
  RECORD_LIST_TOO_LARGE: 'message_too_large',
  INVALID_TOPIC_EXCEPTION: 'backend_rejected',
  TOPIC_AUTHORIZATION_FAILED: 'backend_rejected',
  CLUSTER_AUTHORIZATION_FAILED: 'backend_rejected',
  INVALID_TIMESTAMP: 'backend_rejected',
  INVALID_RECORD: 'backend_rejected',
  INVALID_REQUIRED_ACKS: 'backend_rejected',
  POLICY_VIOLATION: 'backend_rejected',
};

/** Of one message, or of all together; but a batch holds the messages of many callers, and the others did nothing wrong. */
const faultsOfSome: ReadonlySet<string> = new Set([
  'MESSAGE_TOO_LARGE',
  'RECORD_LIST_TOO_LARGE',
  'INVALID_TIMESTAMP',
  'INVALID_RECORD',
]);

export class Producer {
  readonly #client: KafkaClient;
  readonly #leaders: Leaders;
  readonly #queues = new Map<string, PartitionQueue>();
  readonly #ready = new Set<PartitionQueue>();
  #queuedMessages = 0;
  #queuedBytes = 0;
  #isFlushScheduled = false;
  #isClosed = false;
  #hasGivenUp = false;
  #onIdle: (() => void) | null = null;

  constructor(client: KafkaClient, leaders: Leaders) {
    this.#client = client;
    this.#leaders = leaders;
  }

  /** Outcomes in the order given; resolves when all are known, never rejects. */
  publish(
    topic: string,
    messages: readonly { readonly partition: number; readonly record: RecordToWrite }[],
    signal: AbortSignal | undefined,
  ): Promise<readonly ProduceOutcome[]> {
    return new Promise((resolve) => {
      const outcomes: ProduceOutcome[] = Array.from({ length: messages.length });
      let left = messages.length;
      if (left === 0) resolve(outcomes);
      const queuedAtMs = performance.now();
      messages.forEach(({ partition, record }, index) => {
        const settle = (outcome: ProduceOutcome): void => {
          outcomes[index] = outcome;
          left -= 1;
          if (left === 0) resolve(outcomes);
        };
        const refusal = this.#refusal(signal);
        if (refusal !== null) settle({ kind: 'refused', error: refusal });
        else this.#enqueue(topic, partition, { record, bytes: recordBytes(record), queuedAtMs, signal, settle });
      });
      this.#scheduleFlush();
    });
  }

  /** Resolves when everything handed in before is settled, at the latest after `timeoutMs`: the rest is refused or unknown. */
  async close(timeoutMs: number): Promise<void> {
    this.#isClosed = true;
    if (this.#queuedMessages === 0) return;
    let timer: NodeJS.Timeout | undefined;
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve;
      timer = setTimeout(resolve, timeoutMs);
    });
    clearTimeout(timer);
    this.#hasGivenUp = true;
    for (const queue of this.#queues.values()) {
      const waiting = queue.entries.splice(0);
      this.#settleAll(waiting, {
        kind: 'refused',
        error: new PortError('closed', 'the port was closed before this was sent'),
      });
      // What is in flight is settled by the client's closing its connections.
    }
  }

  #refusal(signal: AbortSignal | undefined): PortError | null {
    if (this.#isClosed) return new PortError('closed', 'the port was closed');
    if (signal?.aborted === true) return new PortError('deadline_exceeded', 'the caller gave up before this was sent');
    if (this.#queuedMessages < limits.publishInFlightMessagesMax && this.#queuedBytes < limits.publishInFlightBytesMax)
      return null;
    return new PortError(
      'too_many_in_flight',
      `${this.#queuedMessages} publishes (${this.#queuedBytes} bytes) are outstanding`,
    );
  }

  #enqueue(topic: string, partition: number, entry: Entry): void {
    const key = `${partition} ${topic}`;
    let queue = this.#queues.get(key);
    if (queue === undefined) {
      queue = { topic, partition, entries: [], inFlight: null, messagesMax: kafkaLimits.batchMessagesMax };
      this.#queues.set(key, queue);
    }
    queue.entries.push(entry);
    this.#queuedMessages += 1;
    this.#queuedBytes += entry.bytes;
    if (queue.inFlight === null) this.#ready.add(queue);
  }

  /** At the end of this tick: publishes of one tick share a batch. */
  #scheduleFlush(): void {
    if (this.#isFlushScheduled || this.#ready.size === 0) return;
    this.#isFlushScheduled = true;
    setImmediate(() => {
      this.#isFlushScheduled = false;
      this.#flush();
    });
  }

  #flush(): void {
    const queues = [...this.#ready];
    this.#ready.clear();
    for (const queue of queues) queue.inFlight = this.#takeBatch(queue);
    this.#send(queues.filter((queue) => queue.inFlight !== null));
  }

  #takeBatch(queue: PartitionQueue): Entry[] | null {
    const batch: Entry[] = [];
    let bytes = 0;
    let taken = 0;
    for (const entry of queue.entries) {
      if (batch.length >= queue.messagesMax || (batch.length > 0 && bytes + entry.bytes > kafkaLimits.batchBytesMax))
        break;
      taken += 1;
      if (entry.signal?.aborted === true) {
        const error = new PortError('deadline_exceeded', 'the caller gave up before this was sent');
        this.#settleAll([entry], { kind: 'refused', error });
        continue;
      }
      batch.push(entry);
      bytes += entry.bytes;
    }
    queue.entries = taken === queue.entries.length ? [] : queue.entries.slice(taken);
    if (batch.length === 0) this.#queues.delete(`${queue.partition} ${queue.topic}`);
    return batch.length === 0 ? null : batch;
  }

  /** Sends the batches in flight of these partitions, grouped by the broker that leads them. */
  #send(queues: readonly PartitionQueue[]): void {
    const byLeader = groupBy(queues, ({ topic, partition }) => this.#leaders.known(topic, partition));
    for (const [leader, led] of byLeader) {
      if (leader === null) this.#retry(led, 'LEADER_NOT_AVAILABLE', 0);
      else for (const some of requestsOf(led)) void this.#request(leader, some);
    }
  }

  async #request(leader: number, queues: readonly PartitionQueue[]): Promise<void> {
    const batches = queues.map(({ topic, partition, inFlight }) => ({
      topic,
      partition,
      bytes: encodeBatch((inFlight as Entry[]).map(({ record }) => record)),
    }));
    try {
      const found = new Map((await this.#client.produce(leader, batches)).map((a) => [`${a.partition} ${a.topic}`, a]));
      const again = queues.filter(
        (queue) => !this.#settleAnswer(queue, found.get(`${queue.partition} ${queue.topic}`)),
      );
      for (const [type, some] of groupBy(
        again,
        (queue) => found.get(`${queue.partition} ${queue.topic}`)?.type ?? '',
      )) {
        this.#retry(some, type, kafkaLimits.retryDelayMs);
      }
    } catch (reason) {
      const fault = toFault(reason);
      if (fault.kind === 'unreachable') {
        this.#retry(queues, 'UNREACHABLE', kafkaLimits.retryDelayMs);
        return;
      }
      const error = new PortError('publish_outcome_unknown', `sent to node ${leader}, no answer: ${fault.message}`, {
        cause: fault,
      });
      for (const queue of queues) this.#done(queue, () => ({ kind: 'unknown', error }));
    }
    this.#scheduleFlush();
  }

  /** False when the batch is to be tried again. */
  #settleAnswer(queue: PartitionQueue, answer: ProduceAnswer | undefined): boolean {
    if (answer?.type === null) {
      queue.messagesMax = Math.min(kafkaLimits.batchMessagesMax, queue.messagesMax * 2);
      this.#done(queue, (index) => ({ kind: 'stored', offset: answer.baseOffset + index }));
      return true;
    }
    const type = answer?.type ?? 'no answer for this partition';
    const meaning = answers[type];
    const text = `${queue.topic}-${queue.partition}: ${isDenied(type) ? deniedText(`Write on Topic "${queue.topic}"`) : type}`;
    if (meaning === 'retry') {
      if (answer === undefined || answer.baseOffset < 0) return false;
      // A leader that stepped down, as in an orderly shutdown, after it had appended the batch and before it could confirm it: an error
      // with the offset at which it lies. Tried again it could be there twice, refused it would be there all the same.
      const error = new PortError('publish_outcome_unknown', `${text}, after it was appended at ${answer.baseOffset}`);
      this.#done(queue, () => ({ kind: 'unknown', error }));
      return true;
    }
    if (faultsOfSome.has(type) && (queue.inFlight?.length ?? 0) > 1) {
      this.#split(queue);
    } else if (meaning === undefined) {
      this.#done(queue, () => ({ kind: 'unknown', error: new PortError('publish_outcome_unknown', text) }));
    } else {
      this.#done(queue, () => ({ kind: 'refused', error: new PortError(meaning, text) }));
    }
    return true;
  }

  /** Back to the head of the queue, half as many at a time, until those are found that the broker does not take. */
  #split(queue: PartitionQueue): void {
    const batch = queue.inFlight ?? [];
    queue.entries = [...batch, ...queue.entries];
    queue.inFlight = null;
    queue.messagesMax = Math.ceil(batch.length / 2);
    this.#ready.add(queue);
  }

  /** Nothing of these batches was stored: once more after the leaders were asked for, until their time is up. */
  #retry(queues: readonly PartitionQueue[], type: string, delayMs: number): void {
    setTimeout(() => {
      void Promise.all(
        [...groupBy(queues, ({ topic }) => topic)].map(([topic, some]) => this.#retryTopic(topic, some, type)),
      );
    }, delayMs);
  }

  async #retryTopic(topic: string, queues: readonly PartitionQueue[], type: string): Promise<void> {
    let reason = type;
    let isUnreachable = false;
    let isMissing = type === 'UNKNOWN_TOPIC_OR_PARTITION';
    let isRefused = false;
    let code: PortError['code'] = 'backend_unavailable';
    try {
      await this.#leaders.refresh(topic);
    } catch (caught) {
      const fault = toFault(caught);
      reason = fault.message;
      isUnreachable = fault.kind === 'unreachable';
      isMissing = fault.type === 'UNKNOWN_TOPIC_OR_PARTITION';
      isRefused = isDenied(fault.type);
      code = isRefused ? 'backend_rejected' : unreachableCode(fault);
    }
    const retryMs = isRefused ? 0 : this.#retryMs(isUnreachable, isMissing);
    const now = performance.now();
    const [late, again] = [queues.filter(isLate), queues.filter((queue) => !isLate(queue))];
    const error = new PortError(isMissing ? 'topic_not_found' : code, `topic "${topic}": ${reason}`);
    for (const queue of late) this.#refuse(queue, error, now - retryMs);
    const led = again.filter((queue) => this.#leaders.known(queue.topic, queue.partition) !== null);
    const leaderless = again.filter((queue) => !led.includes(queue));
    if (isUnreachable || isMissing) {
      if (again.length > 0) this.#retry(again, type, kafkaLimits.retryDelayMs);
    } else {
      this.#send(led);
      if (leaderless.length > 0) this.#retry(leaderless, 'LEADER_NOT_AVAILABLE', kafkaLimits.retryDelayMs);
    }
    this.#scheduleFlush();

    function isLate(queue: PartitionQueue): boolean {
      return now - (queue.inFlight?.[0]?.queuedAtMs ?? now) >= retryMs;
    }
  }

  #retryMs(isUnreachable: boolean, isMissing: boolean): number {
    if (this.#hasGivenUp) return 0;
    if (isUnreachable) return kafkaLimits.unreachableRetryMs;
    return isMissing ? kafkaLimits.unknownTopicRetryMs : kafkaLimits.produceRetryMs;
  }

  /** The batch, and what waited behind it for as long: each of them would wait its own time for the same answer otherwise. */
  #refuse(queue: PartitionQueue, error: PortError, queuedBeforeMs: number): void {
    const waited = queue.entries.findIndex(({ queuedAtMs }) => queuedAtMs > queuedBeforeMs);
    const behind = queue.entries.splice(0, waited === -1 ? queue.entries.length : waited);
    this.#settleAll(behind, { kind: 'refused', error });
    this.#done(queue, () => ({ kind: 'refused', error }));
  }

  #done(queue: PartitionQueue, outcomeOf: (index: number) => ProduceOutcome): void {
    const batch = queue.inFlight ?? [];
    queue.inFlight = null;
    if (queue.entries.length > 0) this.#ready.add(queue);
    else this.#queues.delete(`${queue.partition} ${queue.topic}`);
    batch.forEach((entry, index) => this.#settleAll([entry], outcomeOf(index)));
  }

  #settleAll(entries: readonly Entry[], outcome: ProduceOutcome): void {
    for (const entry of entries) {
      this.#queuedMessages -= 1;
      this.#queuedBytes -= entry.bytes;
      entry.settle(outcome);
    }
    if (this.#queuedMessages === 0) this.#onIdle?.();
  }
}

/** Requests within the size bound, each with at least one partition. */
function requestsOf(queues: readonly PartitionQueue[]): readonly (readonly PartitionQueue[])[] {
  const requests: PartitionQueue[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const queue of queues) {
    const size = (queue.inFlight ?? []).reduce((sum, entry) => sum + entry.bytes, 0);
    if (bytes + size > kafkaLimits.produceRequestBytesMax) {
      requests.push([]);
      bytes = 0;
    }
    bytes += size;
    (requests.at(-1) as PartitionQueue[]).push(queue);
  }
  return requests;
}
