/**
 * `application/x-ndjson`: a message a line in, a result a line out, in the order of the lines, while the request still comes.
 * A line that is no message, or too long, has a problem for its result; the rest goes on.
 *
 * Lines that are there together are published together. The request is read on only while few such batches are under way, and
 * a batch counts until its results have left: a client that does not read them is not read from.
 */

import { PassThrough } from 'node:stream';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { PortError, type PublishMessage, type TraceContext } from '../../adapters/index.ts';
import { Pace } from '../access/caller.ts';
import { callerOf } from '../access/rest-access.ts';
import type { GatewayContext } from '../context.ts';
import { Flushes } from '../flushes.ts';
import { gatewayLimits } from '../limits.ts';
import { toPublishMessage } from '../message-codec.ts';
import type { LinesBody } from '../other-bodies.ts';
import type { Hold } from '../byte-budget.ts';
import { type PublishAsked, publishMessages } from '../publishing.ts';
import { traceContextOfRequest } from '../request-trace.ts';
import { MessageBody } from '../schema/message.ts';
import { errorFromIssues, problemOf } from './problem-handler.ts';
import { outcomeJson } from './publish-result.ts';

type Line = PublishMessage | PortError;

/** Resolves when the last result has left, or the client is gone. @throws PortError before anything was answered. */
export async function publishLines(
  context: GatewayContext,
  request: FastifyRequest,
  reply: FastifyReply,
  topic: string,
  { stream, readLine, hold }: LinesBody,
  asked: PublishAsked,
): Promise<void> {
  await context.port.describeTopic(topic);
  // It left meanwhile: nothing would ever end the stream.
  if (reply.raw.destroyed) throw new PortError('closed', 'the client is gone');
  const flushes = new Flushes();
  const caller = callerOf(request);
  const trace = traceContextOfRequest(request.headers);
  let ending: PortError | undefined;
  let ended: () => void = () => undefined;
  const whenEnded = new Promise<void>((resolve) => {
    ended = resolve;
  });
  // In between, because a request that is not read to its end can only be stopped together with its socket.
  const arriving = new PassThrough();
  stream.pipe(arriving);
  stream.once('error', () => arriving.destroy());
  stream.once('close', () => {
    if (!stream.complete) arriving.destroy();
  });
  const forget = context.streams.add(
    'ndjson',
    async (reason) => {
      ending = reason;
      stream.unpipe(arriving);
      arriving.end();
      await whenEnded;
    },
    caller,
  );
  const pace = new Pace(caller, () => flushes.isOver || ending !== undefined);
  const { raw } = reply;
  reply.hijack();
  raw.on('close', () => flushes.end());
  raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'x-request-id': request.id });
  // Before the first result, so that a client which waits for an answer before it sends goes on.
  raw.flushHeaders();

  const write = async (lines: string): Promise<void> =>
    await flushes.of((flushed) => raw.write(lines, () => flushed()));
  let last = Promise.resolve();
  const underWay: Promise<void>[] = [];
  try {
    for await (const batch of batchesOf(arriving, readLine, hold, () => ending !== undefined)) {
      await pace.nextPublish(batch.filter(isMessage));
      const results = publishBatch(context, topic, batch, asked, trace);
      last = last.then(async () => await write(await results));
      underWay.push(last);
      if (underWay.length >= gatewayLimits.ndjsonBatchesInFlightMax) await underWay.shift();
      if (flushes.isOver) break;
    }
  } catch {
    // The request broke off: what came whole is stored.
  }
  hold.set(0);
  await last;
  if (ending !== undefined) await write(`${JSON.stringify({ problem: problemOf(ending, request.id) })}\n`);
  forget();
  flushes.end();
  raw.end();
  // What is left of the request is for nobody.
  if (!stream.complete) stream.resume();
  ended();
}

function isMessage(line: Line): line is PublishMessage {
  return !(line instanceof PortError);
}

/** As many results as lines, whatever happens. */
async function publishBatch(
  context: GatewayContext,
  topic: string,
  batch: readonly Line[],
  asked: PublishAsked,
  trace: TraceContext | undefined,
): Promise<string> {
  const messages = batch.filter(isMessage);
  const results = messages.length === 0 ? [] : await published(context, topic, messages, asked, trace);
  let next = 0;
  let text = '';
  for (const line of batch) {
    if (line instanceof PortError) {
      context.metrics.problem(line.code);
      text += `${JSON.stringify({ problem: problemOf(line) })}\n`;
    } else {
      text += `${results[next]}\n`;
      next += 1;
    }
  }
  return text;
}

async function published(
  context: GatewayContext,
  topic: string,
  messages: readonly PublishMessage[],
  asked: PublishAsked,
  trace: TraceContext | undefined,
): Promise<readonly string[]> {
  try {
    return (await publishMessages(context, topic, messages, asked, 'paced', trace)).map(outcomeJson);
  } catch (reason) {
    const error = PortError.from(reason);
    // The port refuses a call for one bad message in it, and has tried nothing then: each by itself tells which.
    if (error.code === 'invalid_argument' && messages.length > 1) {
      const results: string[] = [];
      for (const message of messages) results.push(...(await published(context, topic, [message], asked, trace)));
      return results;
    }
    context.metrics.problem(error.code);
    return messages.map(() => JSON.stringify({ problem: problemOf(error) }));
  }
}

const NEWLINE = 0x0a;

/** The lines of each chunk together, at most as many as one publish may have. Empty lines are none. */
async function* batchesOf(
  stream: AsyncIterable<unknown>,
  readLine: LinesBody['readLine'],
  hold: Hold,
  isCut: () => boolean,
): AsyncGenerator<Line[]> {
  let pending: Buffer[] = [];
  let pendingBytes = 0;
  /** Of the line that is arriving: the rest of it is read and dropped. */
  let refusal = undefined as PortError | undefined;
  const drop = (reason: PortError): void => {
    refusal = reason;
    pending = [];
    pendingBytes = 0;
  };
  const finish = (rest: Buffer): Line | undefined => {
    if (pendingBytes + rest.length > gatewayLimits.ndjsonLineBytesMax) refusal ??= tooLong();
    const refused = refusal;
    const bytes = pending.length === 0 || refused !== undefined ? rest : Buffer.concat([...pending, rest]);
    pending = [];
    pendingBytes = 0;
    refusal = undefined;
    if (refused !== undefined) return refused;
    return isBlank(bytes) ? undefined : toLine(bytes, readLine);
  };
  for await (const given of stream) {
    const chunk = given as Buffer;
    let batch: Line[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = finish(chunk.subarray(from, end));
      if (line !== undefined) batch.push(line);
      from = end + 1;
      if (batch.length >= gatewayLimits.ndjsonBatchMessagesMax) {
        yield batch;
        batch = [];
      }
    }
    if (batch.length > 0) yield batch;
    const rest = chunk.subarray(from);
    if (refusal === undefined && pendingBytes + rest.length > gatewayLimits.ndjsonLineBytesMax) drop(tooLong());
    // After the batch was taken: until then what it was made of is held.
    if (refusal === undefined && !hold.set(pendingBytes + rest.length)) drop(noRoom());
    if (refusal !== undefined) hold.set(0);
    else if (rest.length > 0) {
      pending.push(rest);
      pendingBytes += rest.length;
    }
  }
  // The last line may do without its end, unless it is not the last one.
  const line = isCut() ? undefined : finish(Buffer.alloc(0));
  if (line !== undefined) yield [line];
}

function toLine(bytes: Buffer, readLine: LinesBody['readLine']): Line {
  try {
    const result = MessageBody.safeParse(readLine(bytes, 'line'));
    return result.success ? toPublishMessage(result.data, 0) : errorFromIssues(result.error.issues, 'line');
  } catch (reason) {
    return PortError.from(reason);
  }
}

function tooLong(): PortError {
  return new PortError('message_too_large', `the line is above the limit of ${gatewayLimits.ndjsonLineBytesMax} bytes`);
}

function noRoom(): PortError {
  return new PortError('overloaded', 'there is no room for a line of this size now', { retryAfterMs: 1_000 });
}

function isBlank(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0x20 || byte === 0x09 || byte === 0x0d);
}
