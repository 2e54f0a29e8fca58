/**
 * Messages that are to come later wait in quorum queues that nobody consumes; when their time to live is over RabbitMQ
 * dead-letters them, confirmed, into the topic's exchange, under the routing key they came with.
 *
 *   publish --> exchange PREFIX.d.TOPIC.N (fanout) --> queue of the same name --expired--> exchange of the topic --> subscriptions
 *
 * Only the head of a queue expires, so a short wait behind a long one would last as long. Hence a queue for each step of a
 * geometric row: within one all delays differ by less than a tenth, and so does what a message waits too long. Never too short.
 *
 * Queues that are not used any more go by themselves, their exchanges with them.
 */

import { PortError } from '../errors.ts';
import type { OutgoingMessage } from '../driver.ts';
import type { TopicDefinition } from '../port.ts';
import { bounds } from './bounds.ts';
import { type SupervisedConnection, withChannel } from './connection.ts';
import type { Topology } from './topology.ts';

export class DelayQueues {
  readonly #connection: SupervisedConnection;
  readonly #topology: Topology;
  /** By name: when it was declared last, or that it is under way. */
  readonly #declared = new Map<string, { readonly untilMs: number; readonly done: Promise<void> }>();
  readonly #stopListening: () => void;

  constructor(connection: SupervisedConnection, topology: Topology) {
    this.#connection = connection;
    this.#topology = topology;
    // What came back may be another broker, or the same one emptied.
    this.#stopListening = connection.listen({ up: () => this.#declared.clear() });
  }

  /** Resolves when the exchanges for the delayed ones of `messages` that may wait are there; with the errors of those that cannot be had. */
  async prepare(topic: TopicDefinition, messages: readonly OutgoingMessage[]): Promise<ReadonlyMap<number, PortError>> {
    const wanted = new Set(
      messages.flatMap((message, index) =>
        isDelayed(message.delayMs) && delayProblem(message, index) === undefined ? [stepOf(message.delayMs)] : [],
      ),
    );
    const failures = new Map<number, PortError>();
    await Promise.all(
      [...wanted].map(async (step) => {
        try {
          await this.#declare(topic, step);
        } catch (reason) {
          failures.set(step, PortError.from(reason, 'backend_unavailable'));
        }
      }),
    );
    return failures;
  }

  exchangeFor(topic: TopicDefinition, delayMs: number): string {
    return this.#topology.delayQueue(topic.name, stepOf(delayMs));
  }

  /** What waits goes with its topic: it must not come back in another one of the same name. */
  async deleteAll(topic: TopicDefinition): Promise<void> {
    const names = steps.map((_, step) => this.#topology.delayQueue(topic.name, step));
    await withChannel(this.#connection, `delete what waits for topic "${topic.name}"`, async (channel) => {
      await Promise.all(names.map(async (name) => await channel.deleteQueue(name)));
    });
    for (const name of names) this.#declared.delete(name);
  }

  close(): void {
    this.#stopListening();
  }

  async #declare(topic: TopicDefinition, step: number): Promise<void> {
    const name = this.#topology.delayQueue(topic.name, step);
    const known = this.#declared.get(name);
    if (known !== undefined && performance.now() < known.untilMs) {
      await known.done;
      return;
    }
    const done = withChannel(this.#connection, `prepare a delay for topic "${topic.name}"`, async (channel) => {
      await channel.assertExchange(name, 'fanout', { durable: true, autoDelete: true });
      const queueArguments = this.#topology.delayQueueArguments(topic, delayOfStep(step));
      await channel.assertQueue(name, { durable: true, arguments: queueArguments });
      await channel.bindQueue(name, name, '');
    });
    this.#declared.set(name, { untilMs: performance.now() + bounds.delayQueueDeclareMs, done });
    try {
      await done;
    } catch (reason) {
      this.#declared.delete(name);
      throw reason;
    }
  }
}

/** Without a delay, or with none to speak of, a message goes the usual way. */
export function isDelayed(delayMs: number | undefined): delayMs is number {
  return delayMs !== undefined && delayMs > 0;
}

/** Why this message cannot wait here, or undefined. */
export function delayProblem({ delayMs, ttlMs }: OutgoingMessage, index: number): PortError | undefined {
  if (!isDelayed(delayMs)) return undefined;
  if (ttlMs !== undefined) {
    const text = 'a message with a delay cannot have a time to live of its own: that is what makes it wait';
    return new PortError('capability_unsupported', `messages[${index}]: ${text}`, { capability: 'ttl.message' });
  }
  if (delayMs <= bounds.delayMsMax) return undefined;
  const path = `messages[${index}].delayMs`;
  const text = `must be at most ${bounds.delayMsMax}`;
  return new PortError('invalid_argument', `${path} ${text}`, { errors: [{ path, message: text }] });
}

/** The lowest step whose delay is at least this one, which is at most `bounds.delayMsMax`. */
export function stepOf(delayMs: number): number {
  return steps.findIndex((longest) => longest >= delayMs);
}

/** The longest delay of a step. */
export function delayOfStep(step: number): number {
  return steps[step] as number;
}

const steps = longestDelays();

function longestDelays(): readonly number[] {
  const delays: number[] = [bounds.delayStepMsMin];
  while ((delays.at(-1) as number) < bounds.delayMsMax)
    delays.push(Math.ceil(bounds.delayStepMsMin * bounds.delayStepFactor ** delays.length));
  return delays;
}
