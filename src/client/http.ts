/** One call to a gateway: address, credentials, deadline, and the tries that are safe. */

import type { ReadableStream } from 'node:stream/web';
import { errorOfFetch, errorOfProblem, isCertainlyNotDone, SluiceError } from './errors.ts';
import type { Problem } from './generated/schemas.ts';
import { clientLimits } from './limits.ts';
import { activeTraceHeaders, type TraceHeaders } from './trace-headers.ts';

export interface ConnectOptions {
  /** An API key or a JWT, sent as `authorization: Bearer`; a function is asked anew for each request. */
  readonly token?: string | (() => string | Promise<string>);
  /** Of one call, all its tries together. Default 35 s. */
  readonly timeoutMs?: number;
  /** Tries of one call that may be made again without doing anything twice; 1: none after the first. Default 5. */
  readonly attempts?: number;
  /** Sent with every request. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Another `fetch`, such as one with certificates of its own. */
  readonly fetch?: typeof fetch;
}

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Instead of that of `connect`. */
  readonly timeoutMs?: number;
}

export interface Request extends CallOptions {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Done twice it is done once, so it may be tried again also when nobody knows whether it was done. */
  readonly isRepeatable: boolean;
  /** Instead of that of `connect`. */
  readonly attempts?: number;
  /** The trace that it belongs to, instead of the caller's; null: none, as it is nobody's call in particular. */
  readonly trace?: TraceHeaders | null;
}

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
  readonly headers: Headers;
  /** Which try it was that was answered: from the second on, an earlier one may have been done. */
  readonly attempt: number;
}

export class Gateway {
  readonly url: string;
  readonly attempts: number;
  /** Of one call with all its tries, where it says nothing else. */
  readonly timeoutMs: number;
  readonly #options: ConnectOptions;
  readonly #fetch: typeof fetch;

  constructor(url: string, options: ConnectOptions) {
    this.url = checkedUrl(url);
    this.attempts = options.attempts ?? clientLimits.attemptsMax;
    this.timeoutMs = options.timeoutMs ?? clientLimits.timeoutMs;
    this.#options = options;
    this.#fetch = options.fetch ?? fetch;
  }

  /** @throws SluiceError, or the reason of the signal. */
  async call<T>(request: Request): Promise<Answer<T>> {
    const endsAtMs = performance.now() + (request.timeoutMs ?? this.timeoutMs);
    for (let attempt = 1; ; attempt += 1) {
      try {
        return { ...(await this.#once<T>(request, endsAtMs - performance.now())), attempt };
      } catch (reason) {
        request.signal?.throwIfAborted();
        const error = reason as SluiceError;
        const isSafe = isCertainlyNotDone(error) || (request.isRepeatable && error.retryable);
        const waitMs = backoffMs(attempt, error.retryAfterMs);
        const isInTime = performance.now() + waitMs < endsAtMs;
        if (!isSafe || attempt >= (request.attempts ?? this.attempts) || !isInTime) throw error;
        await sleep(waitMs, request.signal);
      }
    }
  }

  /** Ended by the caller's signal alone: for streams. */
  async open(
    request: Omit<Request, 'isRepeatable' | 'body'> & { readonly body?: ReadableStream<Uint8Array> },
  ): Promise<Response> {
    const { signal, body, method } = request;
    try {
      return await this.#fetch(this.#urlOf(request), {
        method,
        headers: await this.#headers(request),
        ...(body === undefined ? {} : { body, duplex: 'half' as const }),
        ...(signal === undefined ? {} : { signal }),
      } as unknown as RequestInit);
    } catch (reason) {
      signal?.throwIfAborted();
      throw errorOfFetch(reason, this.url);
    }
  }

  async #once<T>(request: Request, timeoutMs: number): Promise<Omit<Answer<T>, 'attempt'>> {
    const deadline = new Deadline(Math.max(1, Math.ceil(timeoutMs)), request.signal);
    const { signal } = deadline;
    const { body, method } = request;
    try {
      const response = await this.#fetch(this.#urlOf(request), {
        method,
        headers: await this.#headers(
          body === undefined
            ? request
            : { ...request, headers: { 'content-type': 'application/json', ...request.headers } },
        ),
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal,
      });
      const text = await response.text();
      if (!response.ok) throw problemError(response, text, this.url);
      const { status, headers } = response;
      return { status, headers, body: (text === '' ? undefined : parsed(text, this.url)) as T };
    } catch (reason) {
      if (reason instanceof SluiceError) throw reason;
      request.signal?.throwIfAborted();
      if (deadline.isOver) {
        const text = `no answer from ${this.url} within ${Math.round(timeoutMs)} ms`;
        throw new SluiceError('client_timeout', text, { retryable: true, cause: reason });
      }
      throw errorOfFetch(reason, this.url);
    } finally {
      deadline.end();
    }
  }

  #urlOf({ path, query = {} }: Pick<Request, 'path' | 'query'>): string {
    const pairs = Object.entries(query).flatMap(([name, value]) =>
      value === undefined ? [] : [`${name}=${encodeURIComponent(value)}`],
    );
    return `${this.url}${path}${pairs.length === 0 ? '' : `?${pairs.join('&')}`}`;
  }

  async #headers({ headers, trace }: Pick<Request, 'headers' | 'trace'>): Promise<Record<string, string>> {
    const { token, headers: always = {} } = this.#options;
    const hasOwn = Object.keys(always).some((name) => name.toLowerCase() === 'traceparent');
    const traced = hasOwn || trace === null ? undefined : (trace ?? activeTraceHeaders());
    const text = typeof token === 'function' ? await token() : token;
    return { ...traced, ...always, ...(text === undefined ? {} : { authorization: `Bearer ${text}` }), ...headers };
  }
}

/** A timer and the caller's signal in one. `AbortSignal.any` would keep one for each call alive as long as the caller's lives. */
class Deadline {
  readonly #controller = new AbortController();
  readonly #given: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  isOver = false;

  constructor(timeoutMs: number, given: AbortSignal | undefined) {
    this.#given = given;
    this.#timer = setTimeout(() => {
      this.isOver = true;
      this.#controller.abort();
    }, timeoutMs);
    if (given?.aborted === true) this.#onAbort();
    else given?.addEventListener('abort', this.#onAbort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  readonly #onAbort = (): void => this.#controller.abort(this.#given?.reason);

  end(): void {
    clearTimeout(this.#timer);
    this.#given?.removeEventListener('abort', this.#onAbort);
  }
}

/** Of an answer that is no success. */
export function problemError(response: Response, text: string, url: string): SluiceError {
  if (response.headers.get('content-type')?.startsWith('application/problem+json') === true)
    return errorOfProblem(parsed(text, url) as Problem);
  // A proxy in between that has no gateway to ask, or none that it lets us to.
  const { status } = response;
  const detail = `${url} answered ${status} and no problem document: ${text.slice(0, 200)}`;
  return new SluiceError('invalid_answer', detail, { status, retryable: [429, 502, 503, 504].includes(status) });
}

export function backoffMs(attempt: number, retryAfterMs: number | undefined): number {
  if (retryAfterMs !== undefined) return retryAfterMs;
  const most = Math.min(clientLimits.backoffMaxMs, clientLimits.backoffMinMs * 2 ** (attempt - 1));
  return (most * (1 + Math.random())) / 2;
}

/** Rejects with the reason of the signal. */
export async function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

function parsed(text: string, url: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = `${url} answered what is no JSON: ${text.slice(0, 200)}`;
    throw new SluiceError('invalid_answer', detail, { retryable: false, cause });
  }
}

function checkedUrl(url: string): string {
  let parsedUrl: URL;
  try {
    parsedUrl = new URL(url);
  } catch (cause) {
    throw new SluiceError(
      'invalid_argument',
      `"${url}" is not the address of a gateway, such as http://127.0.0.1:8080`,
      {
        retryable: false,
        cause,
      },
    );
  }
  if (!/^https?:$/.test(parsedUrl.protocol)) {
    const text = `"${url}" must begin with http:// or https://`;
    throw new SluiceError('invalid_argument', text, { retryable: false });
  }
  if (parsedUrl.username !== '' || parsedUrl.password !== '') {
    const text = 'credentials in the address would be in every log: give a token';
    throw new SluiceError('invalid_argument', text, { retryable: false });
  }
  return parsedUrl.href.replace(/[?#].*$/, '').replace(/\/+$/, '');
}
