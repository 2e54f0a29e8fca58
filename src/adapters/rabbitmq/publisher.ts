/**
 * Confirmed publishing with a ledger: every publish that enters leaves with an outcome, whatever dies.
 *
 *   waiting --(window has room)--> sent --confirmed--------------------> stored
 *      |                            |---returned, then confirmed-------> refused: unroutable
 *      |                            |---not allowed-------------------> refused: backend_rejected
 *      |                            |---nacked: by the one queue (default exchange) refused, by one of several unknown
 *      |                            `---channel or connection ended, or blocked for longer than a moment --> unknown
 *      `---connection ended or blocked---------------------------------> refused: backend_unavailable
 *
 * Non-obvious: `basic.return` comes before the confirm of the same message, and carries no delivery tag. It is matched to the
 * oldest outstanding message with the same id on the same route; two of the same id share their fate there.
 */

import type { ChannelModel, ConfirmChannel, Message, Options } from 'amqplib';
import { PortError } from '../errors.ts';
import { Fifo } from '../ready-queue.ts';
import { bounds } from './bounds.ts';
import { guardChannel, type SupervisedConnection } from './connection.ts';
import { ACCESS_REFUSED, messageOf, replyCodeOf, within } from './errors.ts';

export interface Publication {
  /** '' is the default exchange, where the routing key is the queue's name. */
  readonly exchange: string;
  readonly routingKey: string;
  readonly content: Buffer;
  readonly options: Options.Publish;
}

export type PublicationOutcome =
  | { readonly kind: 'stored' }
  | { readonly kind: 'refused'; readonly error: PortError }
  | { readonly kind: 'unknown'; readonly error: PortError };

const STORED: PublicationOutcome = { kind: 'stored' };

export class Publisher {
  readonly #connection: SupervisedConnection;
  readonly #lanes: readonly Lane[];
  readonly #stopListening: () => void;
  #blockedTimer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(connection: SupervisedConnection) {
    this.#connection = connection;
    this.#lanes = Array.from({ length: bounds.publishLanes }, () => new Lane(connection));
    this.#stopListening = connection.listen({
      down: () => this.#refuseWaiting(),
      blocked: (reason) => {
        this.#refuseWaiting();
        clearTimeout(this.#blockedTimer);
        this.#blockedTimer = setTimeout(() => this.#giveUpSent(reason), bounds.blockedAnswerMs);
      },
    });
  }

  /**
   * One outcome for each, in order; messages of one exchange keep their order. Never rejects. After `signal` aborts, what was
   * not sent is refused, and what was sent and not answered is unknown.
   */
  publish(publications: readonly Publication[], signal?: AbortSignal): Promise<readonly PublicationOutcome[]> {
    if (publications.length === 0) return Promise.resolve([]);
    const batch = new Batch(publications.length);
    if (signal?.aborted === true) batch.abort();
    else if (this.#isClosed) batch.refuseAll(new PortError('closed', 'the driver was closed'));
    else if (this.#connection.state !== 'open') batch.refuseAll(unavailable(this.#connection));
    else this.#submit(batch, publications);
    if (signal === undefined) return batch.done;
    const onAbort = (): void => batch.abort();
    signal.addEventListener('abort', onAbort, { once: true });
    return batch.done.finally(() => signal.removeEventListener('abort', onAbort));
  }

  /** For one message that must be stored. @throws PortError when it is not, or nobody knows. */
  async store(publication: Publication): Promise<void> {
    const [outcome] = await within(
      this.publish([publication]),
      bounds.callTimeoutMs,
      `publish to "${publication.routingKey}"`,
    );
    if (outcome?.kind !== 'stored') throw outcome?.error ?? new PortError('internal', 'a publish without an outcome');
  }

  /** Waits for outstanding answers, at most `bounds.publishDrainMs`; then closes. What is left becomes unknown with the connection. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#stopListening();
    clearTimeout(this.#blockedTimer);
    const drained = Promise.all(this.#lanes.map(async (lane) => await lane.drained()));
    await within(drained, bounds.publishDrainMs, 'drain').catch(() => undefined); // they settle when the channel closes below
    for (const lane of this.#lanes) lane.close();
  }

  #submit(batch: Batch, publications: readonly Publication[]): void {
    for (const [index, publication] of publications.entries()) {
      this.#lanes[laneOf(publication.exchange)]?.submit(new Entry(batch, index, publication));
    }
  }

  #refuseWaiting(): void {
    for (const lane of this.#lanes) lane.refuseWaiting(unavailable(this.#connection));
  }

  /** An alarm lasts as long as it lasts, and what lies in the sockets until then is stored at its end, or lost with the connection. */
  #giveUpSent(reason: string): void {
    if (this.#connection.state !== 'blocked') return;
    const error = new PortError(
      'publish_outcome_unknown',
      `RabbitMQ stopped reading (${reason}) after this was sent; it is stored when the alarm ends, or never`,
    );
    for (const lane of this.#lanes) lane.giveUpSent(error);
  }
}

/** A nack says that one queue at least refused it: the others of an exchange may have stored it. */
function nacked({ exchange }: Publication): PublicationOutcome {
  if (exchange === '')
    return { kind: 'refused', error: new PortError('backend_rejected', 'RabbitMQ refused the message') };
  const text =
    'a queue of RabbitMQ refused the message; whether others of its exchange stored it RabbitMQ does not say';
  return { kind: 'unknown', error: new PortError('publish_outcome_unknown', text) };
}

function laneOf(exchange: string): number {
  let hash = 0;
  for (let index = 0; index < exchange.length; index += 1) hash = (hash * 31 + exchange.charCodeAt(index)) | 0;
  return (hash & 0x7fffffff) % bounds.publishLanes;
}

function unavailable(connection: SupervisedConnection): PortError {
  return new PortError('backend_unavailable', `RabbitMQ takes no publishes now: ${connection.detail}`, {
    retryAfterMs: 1_000,
  });
}

/** The outcomes of one publish call. */
class Batch {
  readonly done: Promise<readonly PublicationOutcome[]>;
  readonly #outcomes: PublicationOutcome[];
  /** By index: sent, so an abort leaves it unknown. */
  readonly #isSent: Uint8Array;
  #left: number;
  #resolve: (outcomes: readonly PublicationOutcome[]) => void = () => undefined;

  constructor(size: number) {
    this.#outcomes = Array.from({ length: size });
    this.#isSent = new Uint8Array(size);
    this.#left = size;
    this.done = new Promise((resolve) => (this.#resolve = resolve));
  }

  get isOver(): boolean {
    return this.#left === 0;
  }

  sent(index: number): void {
    this.#isSent[index] = 1;
  }

  settle(index: number, outcome: PublicationOutcome): void {
    if (this.#outcomes[index] !== undefined) return;
    this.#outcomes[index] = outcome;
    this.#left -= 1;
    if (this.#left === 0) this.#resolve(this.#outcomes);
  }

  refuseAll(error: PortError): void {
    for (let index = 0; index < this.#outcomes.length; index += 1) this.settle(index, { kind: 'refused', error });
  }

  abort(): void {
    const notSent = new PortError('deadline_exceeded', 'the call ended before the message was sent');
    const sent = new PortError('publish_outcome_unknown', 'the call ended before RabbitMQ answered');
    for (let index = 0; index < this.#outcomes.length; index += 1) {
      this.settle(
        index,
        this.#isSent[index] === 1 ? { kind: 'unknown', error: sent } : { kind: 'refused', error: notSent },
      );
    }
  }
}

class Entry {
  readonly batch: Batch;
  readonly index: number;
  readonly publication: Publication;
  isReturned = false;

  constructor(batch: Batch, index: number, publication: Publication) {
    this.batch = batch;
    this.index = index;
    this.publication = publication;
  }

  get bytes(): number {
    return this.publication.content.length;
  }

  settle(outcome: PublicationOutcome): void {
    this.batch.settle(this.index, outcome);
  }
}

/** One confirm channel with its window; opened on demand, and again after it closed. */
class Lane {
  readonly #connection: SupervisedConnection;
  readonly #sent = new Set<Entry>();
  readonly #waiting = new Fifo<Entry>();
  #sentBytes = 0;
  /** Exchanges that took a message on this channel: the channel remembers that it may write to them. */
  readonly #allowed = new Set<string>();
  #channel: ConfirmChannel | undefined;
  /** Set before amqplib answers what is outstanding on a closing channel: those answers are no nacks. */
  #isChannelOver = false;
  #isOpening = false;
  #isClosed = false;
  #whenDrained: (() => void)[] = [];

  constructor(connection: SupervisedConnection) {
    this.#connection = connection;
  }

  submit(entry: Entry): void {
    if (this.#channel !== undefined && this.#waiting.length === 0 && this.#hasRoom) {
      this.#send(this.#channel, entry);
      return;
    }
    if (this.#waiting.length >= bounds.publishWaitingMessages) {
      entry.settle({
        kind: 'refused',
        error: new PortError('too_many_in_flight', `${this.#waiting.length} publishes wait for confirms`, {
          retryAfterMs: 100,
        }),
      });
      return;
    }
    this.#waiting.push(entry);
    if (this.#channel === undefined) void this.#open();
  }

  refuseWaiting(error: PortError): void {
    for (let entry = this.#waiting.shift(); entry !== undefined; entry = this.#waiting.shift()) {
      entry.settle({ kind: 'refused', error });
    }
    this.#tellDrained();
  }

  /** Answers for what is sent. It stays in the window: the room in the socket is not free before RabbitMQ reads it. */
  giveUpSent(error: PortError): void {
    for (const entry of this.#sent) entry.settle({ kind: 'unknown', error });
  }

  async drained(): Promise<void> {
    if (this.#sent.size === 0 && this.#waiting.length === 0) return;
    await new Promise<void>((resolve) => this.#whenDrained.push(resolve));
  }

  close(): void {
    this.#isClosed = true;
    this.refuseWaiting(new PortError('closed', 'the driver was closed'));
    this.#channel?.close().catch(() => undefined); // it may be over already; its close event settles what is left
  }

  /** One message is always allowed, however large. */
  get #hasRoom(): boolean {
    return (
      this.#sent.size === 0 ||
      (this.#sent.size < bounds.publishWindowMessages && this.#sentBytes < bounds.publishWindowBytes)
    );
  }

  async #open(): Promise<void> {
    if (this.#isOpening) return;
    this.#isOpening = true;
    try {
      const model = this.#connection.model;
      if (model === undefined) throw unavailable(this.#connection);
      this.#opened(await within(model.createConfirmChannel(), bounds.callTimeoutMs, 'open a publish channel'), model);
    } catch (reason) {
      const error = new PortError('backend_unavailable', `RabbitMQ opened no channel: ${messageOf(reason)}`, {
        cause: reason,
      });
      this.refuseWaiting(error);
    } finally {
      this.#isOpening = false;
    }
  }

  #opened(channel: ConfirmChannel, model: ChannelModel): void {
    guardChannel(channel);
    let error = new PortError('publish_outcome_unknown', 'the connection ended before RabbitMQ answered');
    let denial: string | undefined;
    channel.on('error', (reason) => {
      if (replyCodeOf(reason) === ACCESS_REFUSED) denial = messageOf(reason);
      error = new PortError(
        'publish_outcome_unknown',
        `the channel ended before RabbitMQ answered: ${messageOf(reason)}`,
      );
    });
    channel.on('return', (message) => this.#returned(message));
    channel.prependListener('close', () => (this.#isChannelOver = true));
    channel.on('close', () => {
      if (this.#channel === channel) this.#channel = undefined;
      this.#forgetSent(error, denial);
      // Those that wait were not sent: they go on the next channel, if there is a connection to have one.
      if (this.#waiting.length > 0 && this.#connection.model === model && !this.#isClosed) void this.#open();
    });
    this.#channel = channel;
    this.#isChannelOver = false;
    this.#allowed.clear();
    this.#sendWaiting();
  }

  #sendWaiting(): void {
    while (this.#channel !== undefined && this.#waiting.length > 0 && this.#hasRoom) {
      const entry = this.#waiting.shift() as Entry;
      if (!entry.batch.isOver) this.#send(this.#channel, entry);
    }
  }

  #send(channel: ConfirmChannel, entry: Entry): void {
    const { exchange, routingKey, content, options } = entry.publication;
    try {
      channel.publish(exchange, routingKey, content, options, (failure: Error | null) =>
        this.#answered(entry, failure),
      );
    } catch (reason) {
      // Thrown before a byte was written: a closed channel, or properties that cannot be encoded.
      const code =
        reason instanceof RangeError || reason instanceof TypeError ? 'invalid_argument' : 'backend_unavailable';
      entry.settle({
        kind: 'refused',
        error: new PortError(code, `not sent: ${messageOf(reason)}`, { cause: reason }),
      });
      return;
    }
    entry.batch.sent(entry.index);
    this.#sent.add(entry);
    this.#sentBytes += entry.bytes;
  }

  /** Also called for each outstanding message when the channel closes; #forgetSent then says what that means. */
  #answered(entry: Entry, failure: Error | null): void {
    if (this.#isChannelOver) return;
    if (!this.#sent.delete(entry)) return;
    this.#sentBytes -= entry.bytes;
    if (failure !== null) entry.settle(nacked(entry.publication));
    else {
      this.#allowed.add(entry.publication.exchange);
      entry.settle(entry.isReturned ? { kind: 'refused', error: unroutable(entry.publication) } : STORED);
    }
    if (this.#waiting.length > 0) this.#sendWaiting();
    this.#tellDrained();
  }

  #returned(message: Message): void {
    for (const entry of this.#sent) {
      const { exchange, routingKey, options } = entry.publication;
      if (entry.isReturned || routingKey !== message.fields.routingKey || exchange !== message.fields.exchange)
        continue;
      if (options.messageId !== message.properties.messageId) continue;
      entry.isReturned = true;
      return;
    }
  }

  /** @param denial what RabbitMQ said about the exchange that it does not let this user write to. */
  #forgetSent(error: PortError, denial?: string): void {
    const entries = [...this.#sent];
    this.#sent.clear();
    this.#sentBytes = 0;
    for (const entry of entries) {
      // Returned and not yet confirmed: RabbitMQ said that it went nowhere.
      if (entry.isReturned) entry.settle({ kind: 'refused', error: unroutable(entry.publication) });
      else if (this.#isDenied(entry, denial)) entry.settle({ kind: 'refused', error: denied(denial ?? '') });
      else entry.settle({ kind: 'unknown', error });
    }
    this.#tellDrained();
  }

  /**
   * Whether the denial that ended the channel also means that this message was not stored. The first message to an exchange decides,
   * and what was decided holds for the channel: so all of them, unless one was taken before.
   */
  #isDenied({ publication: { exchange } }: Entry, denial: string | undefined): boolean {
    const name = exchange === '' ? 'amq.default' : exchange;
    return denial?.includes(`access to exchange '${name}' in vhost`) === true && !this.#allowed.has(exchange);
  }

  #tellDrained(): void {
    if (this.#sent.size > 0 || this.#waiting.length > 0 || this.#whenDrained.length === 0) return;
    const waiters = this.#whenDrained;
    this.#whenDrained = [];
    for (const resolve of waiters) resolve();
  }
}

function denied(message: string): PortError {
  return new PortError('backend_rejected', `RabbitMQ does not allow it: ${message}`);
}

function unroutable({ exchange, routingKey }: Publication): PortError {
  return new PortError(
    'unroutable',
    `no queue takes messages of exchange "${exchange}" with routing key "${routingKey}": there is no subscription`,
  );
}
