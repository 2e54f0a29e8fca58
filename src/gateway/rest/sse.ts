/**
 * Push by Server-Sent Events, which any browser reads with three lines.
 *
 * With `ack=auto` the id of an event is a cursor: by partition, the offset after what was sent so far. What has left the
 * process is acknowledged; the connection may die before it arrives. The client then reconnects and says the last id that it
 * got (`Last-Event-ID`, browsers do it by themselves), and what was stored from there to now is read from the log and sent
 * again, before what the subscription delivers. So there is no gap, and no state in the gateway: any gateway may be asked.
 *
 * Non-obvious: a message that was sent again from the log may still be delivered, because the broken stream had not
 * acknowledged it. It is acknowledged then and not sent twice. An event of id alone comes first: what is lost before the first
 * message has a cursor too.
 *
 * With `ack=manual` events carry tokens for POST .../ack; what was not settled comes again by itself, so there are no ids.
 */

import type { ServerResponse } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type Delivery, type Message, PortError } from '../../adapters/index.ts';
import { type Caller, nothingOwed, Pace } from '../access/caller.ts';
import { callerOf } from '../access/rest-access.ts';
import type { GatewayContext, Routes } from '../context.ts';
import { DeliveryStream } from '../delivery-stream.ts';
import { Flushes } from '../flushes.ts';
import { gatewayLimits } from '../limits.ts';
import { deliveryJson, type Encoding, inOneLine, sharedMessageJson } from '../message-codec.ts';
import { SubscriptionParams } from '../schema/common.ts';
import { SseCursor, SseQuery } from '../schema/consume.ts';
import { problemResponse } from '../schema/problem.ts';
import { errorFromIssues, problemOf, traceOf } from './problem-handler.ts';
import { z } from 'zod';

export const sseRoutes: Routes = (app, context) => {
  app.route({
    method: 'GET',
    url: '/v1/subscriptions/:subscription/stream',
    // A HEAD would consume, and show nothing of it.
    exposeHeadRoute: false,
    schema: {
      tags: ['consume'],
      summary:
        'Deliveries as server-sent events. Reconnecting with Last-Event-ID goes on without a gap (ack=auto); ack=manual sends tokens.',
      params: SubscriptionParams,
      querystring: SseQuery,
      response: {
        200: { description: 'Events.', content: { 'text/event-stream': { schema: z.string() } } },
        default: problemResponse,
      },
    },
    handler: async (request, reply) => {
      const { subscription } = request.params;
      const { ack, encoding, credit } = request.query;
      const events = new EventWriter(context, request, reply, encoding);
      const cursor =
        ack === 'auto' ? await resumed(context, subscription, request.headers['last-event-id']) : undefined;
      await events.open(subscription, credit, cursor);
      return reply;
    },
  });
};

/** By partition: where the client is, and up to where the log had messages when it came. */
interface Cursor {
  readonly topic: string;
  readonly next: Map<number, number>;
  /** From where to where the log is sent again; empty on a first connection. */
  readonly replay: Map<number, { readonly from: number; readonly to: number }>;
}

/** @throws PortError `capability_unsupported` where messages have no offsets to go on from, `offset_out_of_range` for a cursor that retention passed. */
async function resumed(
  { port }: GatewayContext,
  subscription: string,
  lastEventId: string | string[] | undefined,
): Promise<Cursor> {
  const { topic } = await port.describeSubscription(subscription);
  const { partitions } = await port.describeTopic(topic);
  const given = lastEventId === undefined || lastEventId === '' ? new Map<number, number>() : parsedCursor(lastEventId);
  const ends: number[] = [];
  for (let partition = 0; partition < partitions; partition += 1)
    ends.push((await port.read(topic, partition, 'latest', 1)).next);
  // Asked after the ends: with a lag of before, what came in between would count as read already.
  const lags = await port.lag(subscription);
  const cursor: Cursor = { topic, next: new Map(), replay: new Map() };
  for (const [partition, end] of ends.entries()) {
    const lag = lags.partitions.find((candidate) => candidate.partition === partition)?.lag ?? 0;
    const from = given.get(partition);
    given.delete(partition);
    if (from === undefined) cursor.next.set(partition, Math.max(0, end - lag));
    else {
      // Also a look whether it is still there.
      if (from !== end) await port.read(topic, partition, from, 1);
      cursor.next.set(partition, from);
      if (from < end) cursor.replay.set(partition, { from, to: end });
    }
  }
  const [unknown] = given.keys();
  if (unknown !== undefined)
    throw new PortError('invalid_argument', `Last-Event-ID: the topic has no partition ${unknown}`);
  return cursor;
}

function parsedCursor(lastEventId: string | string[]): Map<number, number> {
  const result = SseCursor.safeParse(lastEventId);
  if (!result.success) throw errorFromIssues(result.error.issues, 'Last-Event-ID');
  return new Map(
    result.data.split(',').map((pair) => {
      const [partition, offset] = pair.split(':').map(Number);
      return [partition ?? 0, offset ?? 0];
    }),
  );
}

class EventWriter {
  readonly #context: GatewayContext;
  readonly #request: FastifyRequest;
  readonly #reply: FastifyReply;
  readonly #raw: ServerResponse;
  readonly #encoding: Encoding;
  readonly #caller: Caller;
  readonly #pace: Pace;
  readonly #flushes = new Flushes();
  #cursor: Cursor | undefined;
  #stream: DeliveryStream | undefined;
  #replayed: Promise<void> = Promise.resolve();

  constructor(context: GatewayContext, request: FastifyRequest, reply: FastifyReply, encoding: Encoding) {
    this.#context = context;
    this.#request = request;
    this.#reply = reply;
    this.#raw = reply.raw;
    this.#encoding = encoding;
    this.#caller = callerOf(request);
    this.#pace = new Pace(this.#caller, () => this.#flushes.isOver);
    // From now on, and not when the stream is open: whoever leaves while it opens must not be sent to, and acknowledged for.
    this.#raw.once('close', () => {
      this.#flushes.end();
      void this.#stream?.close();
    });
  }

  /** @throws PortError before anything was written. */
  async open(subscription: string, outstandingMax: number | undefined, cursor: Cursor | undefined): Promise<void> {
    this.#cursor = cursor;
    let start: () => void = () => undefined;
    // The first pull waits for the head and for what is sent again: leases would end meanwhile.
    this.#replayed = new Promise((resolve) => {
      start = resolve;
    });
    const stream = await DeliveryStream.open(
      this.#context,
      subscription,
      { messages: Number.POSITIVE_INFINITY },
      {
        kind: 'sse',
        caller: this.#caller,
        deliver: async (deliveries) => await this.#deliver(deliveries),
        backend: ({ ok, detail }) => void this.#tellBackend(ok, detail),
        ended: (reason) => this.#ended(reason),
      },
      { outstandingMax, hasLocalTokens: cursor !== undefined, after: this.#replayed },
    );
    this.#stream = stream;
    this.#reply.hijack();
    if (this.#flushes.isOver || this.#raw.destroyed) {
      this.#flushes.end();
      start();
      await stream.close();
      return;
    }
    this.#raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that hold back answers until they are whole would hold back a stream for ever.
      'x-accel-buffering': 'no',
      'x-request-id': this.#request.id,
    });
    this.#heartbeat();
    try {
      await this.#write(this.#cursor === undefined ? ': open\n\n' : `${this.#id()}\n`);
      await this.#sendAgain();
    } catch (reason) {
      await stream.close(PortError.from(reason));
    } finally {
      start();
    }
  }

  async #tellBackend(ok: boolean, detail: string): Promise<void> {
    await this.#replayed;
    await this.#write(`event: backend\ndata: ${JSON.stringify({ ok, detail })}\n\n`);
  }

  async #deliver(deliveries: readonly Delivery[]): Promise<void> {
    await this.#replayed;
    const cursor = this.#cursor;
    if (cursor === undefined) {
      await this.#write(
        deliveries.map((delivery) => `data: ${inOneLine(deliveryJson(delivery, this.#encoding))}\n\n`).join(''),
      );
      return;
    }
    await this.#write(deliveries.map(({ message }) => this.#event(message)).join(''));
    // Gone while it was written: whether it arrived, the next connection says.
    if (this.#flushes.isOver) return;
    await this.#stream?.settle('ack', { tokens: deliveries.map(({ token }) => token) });
  }

  async #sendAgain(): Promise<void> {
    const { topic, replay } = this.#cursor ?? { topic: '', replay: new Map<number, never>() };
    for (const [partition, { from, to }] of replay) {
      for (let at = from; at < to && !this.#flushes.isOver; ) {
        const limit = Math.min(gatewayLimits.streamReplayMessagesMax, to - at);
        await this.#pace.next(nothingOwed);
        const { messages, next } = await this.#context.port.read(topic, partition, at, limit);
        const events = messages.filter(({ offset }) => offset !== null && offset < to);
        this.#caller.debitRead(events);
        await this.#write(events.map((message) => this.#text(message)).join(''));
        if (next <= at) break;
        at = next;
      }
    }
  }

  /** Nothing for one that was sent again already. */
  #event(message: Message): string {
    const range = this.#cursor?.replay.get(message.partition);
    const offset = message.offset ?? 0;
    if (range !== undefined && offset >= range.from && offset < range.to) return '';
    return this.#text(message);
  }

  #text(message: Message): string {
    const next = this.#cursor?.next;
    const after = (message.offset ?? 0) + 1;
    if (next !== undefined && after > (next.get(message.partition) ?? 0)) next.set(message.partition, after);
    return `${this.#id()}data: ${sharedMessageJson(message, this.#encoding)}\n\n`;
  }

  #id(): string {
    let pairs = '';
    for (const [partition, offset] of this.#cursor?.next ?? [])
      pairs += `${pairs === '' ? '' : ','}${partition}:${offset}`;
    return `id: ${pairs}\n`;
  }

  async #write(text: string): Promise<void> {
    if (text !== '') await this.#flushes.of((flushed) => this.#raw.write(text, () => flushed()));
  }

  #heartbeat(): void {
    const timer = setInterval(() => {
      // One that does not read gets no more of them: its socket then falls silent and is closed.
      if (!this.#raw.writableNeedDrain) this.#raw.write(':\n\n');
    }, gatewayLimits.streamHeartbeatMs);
    timer.unref();
    this.#raw.on('close', () => clearInterval(timer));
  }

  #ended(reason: PortError | undefined): void {
    if (reason !== undefined && !this.#flushes.isOver && this.#raw.headersSent) {
      this.#context.metrics.problem(reason.code);
      if (reason.httpStatus === 500)
        this.#request.log.error({ err: reason, ...traceOf(this.#request) }, 'unexpected error');
      this.#raw.write(`event: problem\ndata: ${JSON.stringify(problemOf(reason, this.#request.id))}\n\n`);
    }
    this.#flushes.end();
    if (this.#raw.headersSent) this.#raw.end();
  }
}
