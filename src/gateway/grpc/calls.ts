/** What every RPC has around it: refused requests, the status of an error, counting, cancellation, and frames with back-pressure. */

import {
  status as statusNumbers,
  type handleBidiStreamingCall,
  type handleUnaryCall,
  type Metadata,
  type sendUnaryData,
  type ServerDuplexStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceDefinition,
  type UntypedHandleCall,
  type UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { errorCodes, PortError } from '../../adapters/index.ts';
import type { Caller } from '../access/caller.ts';
import { callerOfCall } from '../access/grpc-access.ts';
import type { GatewayContext } from '../context.ts';
import { Flushes } from '../flushes.ts';
import { type FrameHandler, FrameIntake } from '../frame-intake.ts';
import { drainingError } from '../open-streams.ts';
import { requestId } from '../request-id.ts';
import { isEachLogged, traceContextOfCall, traceFieldsOf } from '../request-trace.ts';
import { requirementOf } from '../access/required-scopes.ts';
import { type About, statusOf } from './status.ts';
import { Undecodable } from './proto.ts';

interface WithMetadata {
  readonly metadata: Metadata;
  readonly requestId?: string;
}

/** A refusal with more to say than the error: the id of the message. */
export class LoneMessageRefused extends Error {
  readonly error: PortError;
  readonly messageId: string;

  constructor(error: PortError, messageId: string) {
    super(error.message, { cause: error });
    this.error = error;
    this.messageId = messageId;
  }
}

export function unary<Request, Response>(
  context: GatewayContext,
  rpc: string,
  work: (request: Request, call: ServerUnaryCall<Request, Response>, caller: Caller) => Promise<Response>,
): handleUnaryCall<Request, Response> {
  const counts = context.metrics.grpcCalls(rpc);
  const requirement = requirementOf(rpc);
  const answer = async (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>): Promise<void> => {
    const startedMs = performance.now();
    const ended = (status: string): void => {
      const durationMs = performance.now() - startedMs;
      context.metrics.grpcCallEnded(rpc, durationMs);
      if (isEachLogged(context.log)) logCall(context, rpc, status, durationMs, call);
    };
    let response: Response;
    try {
      const { request } = call;
      const caller = callerOfCall(call);
      if (request instanceof Undecodable) throw request.error;
      if (context.isDraining) throw drainingError();
      caller.require(requirement, request as Record<string, unknown>);
      response = await work(request, call, caller);
    } catch (reason) {
      const error = callError(context, counts, call, reason);
      callback(error);
      ended(statusNumbers[error.code] ?? String(error.code));
      return;
    }
    counts['OK'] = (counts['OK'] ?? 0) + 1;
    callback(null, response);
    ended('OK');
  };
  return (call, callback) => void answer(call, callback);
}

/** Aborted when the client cancels, its deadline passes or its connection ends. */
export function goneSignal(call: ServerUnaryCall<never, never>): AbortSignal {
  const gone = new AbortController();
  if (call.cancelled) gone.abort();
  else call.once('cancelled', () => gone.abort());
  return gone.signal;
}

/** A stream in both directions: frames in as fast as they are worked on, frames out as fast as the client reads. */
export class FrameStream<Frame, Answer> {
  readonly requestId: string;
  readonly #call: ServerDuplexStream<Frame, Answer>;
  readonly #flushes = new Flushes();

  constructor(call: ServerDuplexStream<Frame, Answer>) {
    this.#call = call;
    this.requestId = requestId(call.metadata.get('x-request-id')[0]);
    call.once('cancelled', () => this.#flushes.end());
  }

  get metadata(): Metadata {
    return this.#call.metadata;
  }

  /** Resolves when the frame has left the process, or the client is gone. */
  async write(answer: Answer): Promise<void> {
    await this.#flushes.of((flushed) => this.#call.write(answer, flushed));
  }

  /** Idempotent. */
  end(error?: Partial<ReturnType<typeof statusOf>>): void {
    if (this.#flushes.isOver) return;
    this.#flushes.end();
    if (error === undefined) this.#call.end();
    else this.#call.emit('error', error);
  }

  read(handler: FrameHandler<Frame>): void {
    const intake = new FrameIntake(this.#call, handler);
    this.#call.on('data', (frame: Frame | Undecodable) => {
      if (this.#flushes.isOver) return;
      if (frame instanceof Undecodable) intake.fail(frame.error);
      else intake.take(frame);
    });
    this.#call.on('end', () => intake.end());
    this.#call.once('cancelled', () => intake.fail(undefined));
  }
}

/** A streaming call, counted by how it ended. */
export function bidi<Request, Response>(
  context: GatewayContext,
  rpc: string,
  open: (
    stream: FrameStream<Request, Response>,
    end: (reason: PortError | undefined) => void,
    caller: Caller,
  ) => FrameHandler<Request>,
): handleBidiStreamingCall<Request, Response> {
  const counts = context.metrics.grpcCalls(rpc);
  requirementOf(rpc);
  return (call) => {
    const stream = new FrameStream<Request, Response>(call);
    let isCounted = false;
    const count = (status: string): void => {
      if (!isCounted) counts[status] = (counts[status] ?? 0) + 1;
      isCounted = true;
    };
    call.once('cancelled', () => count('CANCELLED'));
    const end = (reason: PortError | undefined): void => {
      if (isCounted) return;
      if (reason === undefined) {
        count('OK');
        stream.end();
      } else {
        const error = callError(context, counts, stream, reason);
        isCounted = true;
        stream.end(error);
      }
    };
    try {
      const caller = callerOfCall(call);
      if (context.isDraining) throw drainingError();
      stream.read(open(stream, end, caller));
    } catch (reason) {
      end(PortError.from(reason));
    }
  };
}

/** The streams of services that are not ours (health, reflection) end with the gateway too. */
export function endStreamsOf(
  context: GatewayContext,
  service: ServiceDefinition,
  handlers: UntypedServiceImplementation,
): UntypedServiceImplementation {
  const wrapped: UntypedServiceImplementation = { ...handlers };
  for (const { originalName = '', responseStream } of Object.values(service)) {
    const handler = handlers[originalName];
    if (!responseStream || handler === undefined) continue;
    wrapped[originalName] = ((call: ServerWritableStream<unknown, unknown>): void => {
      try {
        const forget = context.streams.add('grpc_other', async (reason) => {
          call.emit('error', statusOf(reason));
        });
        call.once('cancelled', forget);
      } catch (reason) {
        call.emit('error', statusOf(PortError.from(reason)));
        return;
      }
      (handler as (call: ServerWritableStream<unknown, unknown>) => void)(call);
    }) as UntypedHandleCall;
  }
  return wrapped;
}

/** The id is the client's own, where it gave one: the answer of a call that went well names none. */
function logCall({ log }: GatewayContext, rpc: string, status: string, durationMs: number, call: WithMetadata): void {
  const reqId = call.metadata.get('x-request-id')[0];
  const fields = { rpc, status, durationMs: Math.round(durationMs * 1_000) / 1_000 };
  log.debug(
    {
      ...(reqId === undefined ? {} : { reqId: requestId(reqId) }),
      ...fields,
      ...traceFieldsOf(traceContextOfCall(call)),
    },
    'answered',
  );
}

/** Of a call that does not come to its handler. @param rpc of ours; the others are not counted. */
export function refusalStatus(
  context: GatewayContext,
  rpc: string | undefined,
  call: WithMetadata,
  reason: unknown,
): ReturnType<typeof statusOf> {
  return callError(context, rpc === undefined ? {} : context.metrics.grpcCalls(rpc), call, reason);
}

function callError(
  { metrics, log }: GatewayContext,
  counts: Record<string, number>,
  call: WithMetadata,
  reason: unknown,
): ReturnType<typeof statusOf> {
  const error = reason instanceof LoneMessageRefused ? reason.error : PortError.from(reason);
  const { grpcStatus } = errorCodes[error.code];
  counts[grpcStatus] = (counts[grpcStatus] ?? 0) + 1;
  // The message of a publish was counted with its outcome.
  if (!(reason instanceof LoneMessageRefused)) metrics.problem(error.code);
  const about: About = { instance: call.requestId ?? requestId(call.metadata.get('x-request-id')[0]) };
  if (error.httpStatus === 500)
    log.error({ err: reason, reqId: about.instance, ...traceFieldsOf(traceContextOfCall(call)) }, 'unexpected error');
  return statusOf(error, reason instanceof LoneMessageRefused ? { ...about, messageId: reason.messageId } : about);
}
