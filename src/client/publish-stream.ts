/**
 * A stream of messages in, a stream of outcomes out, in the order of the messages: NDJSON both ways over one request. The source is read as
 * fast as outcomes come back, with a bound on what is out.
 *
 * A stream is not tried again: when it breaks, what is out is `unknown` and the error is thrown after those outcomes. Give messages ids of
 * your own, and publish what is unknown again where that is safe.
 */

import { randomUUID } from 'node:crypto';
import { ReadableStream } from 'node:stream/web';
import { errorOfFetch, errorOfProblem, SluiceError } from './errors.ts';
import type { PublishAnswer } from './generated/schemas.ts';
import { type Gateway, problemError } from './http.ts';
import { clientLimits } from './limits.ts';
import { messageJson, type OutgoingMessage } from './messages.ts';
import { failed, outcomeOf, type PublishOptions, type PublishOutcome } from './publishing.ts';

export type MessageSource = AsyncIterable<OutgoingMessage> | Iterable<OutgoingMessage>;

export async function* publishStream(
  gateway: Gateway,
  topic: string,
  source: MessageSource,
  { signal, durability, minCopies, timeoutMs }: PublishOptions,
): AsyncGenerator<PublishOutcome, void, undefined> {
  const lines = new OutgoingLines(source);
  const broken = new AbortController();
  const ends = signal === undefined ? broken.signal : AbortSignal.any([signal, broken.signal]);
  const idle = new IdleTimer(() => {
    if (lines.out.length > 0)
      broken.abort(new SluiceError('client_timeout', 'no result of a line in time', { retryable: true }));
  }, timeoutMs ?? clientLimits.streamIdleMs);
  try {
    const response = await gateway.open({
      method: 'POST',
      path: `/v1/topics/${encodeURIComponent(topic)}/messages`,
      query: { durability, minCopies },
      headers: { 'content-type': 'application/x-ndjson' },
      body: lines.stream(),
      signal: ends,
    });
    if (!response.ok) throw problemError(response, await response.text(), gateway.url);
    for await (const result of resultsOf(response)) {
      idle.touch();
      const id = lines.out.shift();
      // Behind the results of what it read, a gateway that shuts down says so: the rest was not read.
      if (id === undefined || ('problem' in result && result.problem.code === 'draining')) {
        const error = 'problem' in result ? errorOfProblem(result.problem) : tooMany();
        if (id !== undefined) yield { kind: 'refused', id, error };
        while (lines.out.length > 0) yield { kind: 'refused', id: lines.out.shift() as string, error };
        throw error;
      }
      lines.settled();
      yield outcomeOf(result, id);
    }
    if (lines.failure !== undefined) throw lines.failure;
    if (lines.out.length > 0 || !lines.isDone) throw errorOfFetch(new Error('the stream ended early'), gateway.url);
  } catch (reason) {
    signal?.throwIfAborted();
    if (lines.failure !== undefined) throw lines.failure;
    const cause: unknown = broken.signal.aborted ? broken.signal.reason : reason;
    const error = cause instanceof SluiceError ? cause : errorOfFetch(cause, gateway.url);
    for (const id of lines.out.splice(0)) yield failed(id, error);
    throw error;
  } finally {
    idle.end();
    broken.abort();
    await lines.close();
  }
}

/** The source as lines; `out` are the ids of those that were sent and have no result. */
class OutgoingLines {
  readonly out: string[] = [];
  isDone = false;
  /** What the source threw: the caller's own error. */
  failure: unknown;
  readonly #iterator: AsyncIterator<OutgoingMessage> | Iterator<OutgoingMessage>;
  #next: Promise<IteratorResult<OutgoingMessage>> | undefined;
  #whenRoom: (() => void) | undefined;

  constructor(source: MessageSource) {
    this.#iterator = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  }

  stream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>(
      {
        pull: async (controller) => {
          try {
            const chunk = await this.#chunk();
            if (chunk.length > 0) controller.enqueue(chunk);
            if (this.isDone) controller.close();
          } catch (reason) {
            this.failure = reason;
            controller.error(reason);
          }
        },
      },
      { highWaterMark: 0 },
    );
  }

  settled(): void {
    if (this.out.length >= clientLimits.streamMessagesInFlightMax) return;
    this.#whenRoom?.();
    this.#whenRoom = undefined;
  }

  async close(): Promise<void> {
    this.#whenRoom?.();
    if (!this.isDone) await this.#iterator.return?.();
  }

  /** At least one line, and those that are ready behind it. */
  async #chunk(): Promise<Uint8Array> {
    if (this.out.length >= clientLimits.streamMessagesInFlightMax) {
      await new Promise<void>((resolve) => {
        this.#whenRoom = resolve;
      });
    }
    const lines: string[] = [];
    let bytes = 0;
    while (bytes < clientLimits.streamChunkBytesMax && this.out.length < clientLimits.streamMessagesInFlightMax) {
      this.#next ??= Promise.resolve(this.#iterator.next());
      const next = lines.length === 0 ? await this.#next : await Promise.race([this.#next, soon()]);
      if (next === undefined) break;
      this.#next = undefined;
      if (next.done === true) {
        this.isDone = true;
        break;
      }
      const id = next.value.id ?? randomUUID();
      const line = `${JSON.stringify(messageJson(next.value, id))}\n`;
      lines.push(line);
      bytes += line.length;
      this.out.push(id);
    }
    return Buffer.from(lines.join(''));
  }
}

async function soon(): Promise<undefined> {
  await new Promise<void>((resolve) => {
    setImmediate(resolve);
  });
  return undefined;
}

async function* resultsOf(response: Response): AsyncGenerator<PublishAnswer['results'][number]> {
  const decoder = new TextDecoder();
  let rest = '';
  for await (const chunk of response.body ?? []) {
    const lines = (rest + decoder.decode(chunk as Uint8Array, { stream: true })).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line !== '') yield JSON.parse(line) as PublishAnswer['results'][number];
  }
}

function tooMany(): SluiceError {
  return new SluiceError('invalid_answer', 'the gateway answered more results than lines', { retryable: false });
}

class IdleTimer {
  readonly #timer: NodeJS.Timeout;

  constructor(onIdle: () => void, ms: number) {
    this.#timer = setInterval(onIdle, ms);
    this.#timer.unref();
  }

  touch(): void {
    this.#timer.refresh();
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
