/** sluice.v1.Publisher. */

import {
  limits,
  PortError,
  type PublishMessage,
  type PublishOptions,
  type PublishOutcome,
  type TraceContext,
} from '../../adapters/index.ts';
import { type Caller, Pace } from '../access/caller.ts';
import { overloaded } from '../byte-budget.ts';
import type { GatewayContext } from '../context.ts';
import { drainingError } from '../open-streams.ts';
import { publishMessages } from '../publishing.ts';
import { traceContextOfCall, traceFieldsOf } from '../request-trace.ts';
import { errorFromIssues } from '../rest/problem-handler.ts';
import { bidi, type FrameStream, LoneMessageRefused, unary } from './calls.ts';
import type { PublisherHandlers } from './generated/sluice/v1/Publisher.ts';
import type { PublishMessage__Output } from './generated/sluice/v1/PublishMessage.ts';
import type { PublishStreamRequest__Output } from './generated/sluice/v1/PublishStreamRequest.ts';
import type { PublishStreamResponse } from './generated/sluice/v1/PublishStreamResponse.ts';
import { isPlain, PublishRules, resultMessage, toPublishMessage } from './messages.ts';
import { problemMessage } from './status.ts';
import { persistences, wordOf } from './words.ts';

export function publisherHandlers(context: GatewayContext): PublisherHandlers {
  return {
    Publish: unary(context, 'Publisher/Publish', async (request, call, caller) => {
      const messages = (request.messages ?? []).map(toPublishMessage);
      const outcomes = await publish(context, request, messages, caller, traceContextOfCall(call));
      const [only] = outcomes;
      if (outcomes.length === 1 && only !== undefined && only.kind !== 'stored')
        throw new LoneMessageRefused(only.error, only.id);
      return { results: outcomes.map(resultMessage) };
    }),
    PublishStream: bidi(context, 'Publisher/PublishStream', (stream, end, caller) =>
      publishFrames(context, stream, end, caller, traceContextOfCall(stream)),
    ),
  };
}

/** Each frame is handed to the port as it comes, so that frames keep their order; each is answered when it is done. */
function publishFrames(
  context: GatewayContext,
  stream: FrameStream<PublishStreamRequest__Output, PublishStreamResponse>,
  end: (reason: PortError | undefined) => void,
  caller: Caller,
  trace: TraceContext | undefined,
) {
  const underWay = new Set<Promise<void>>();
  const hold = context.bodies.hold(caller.owner);
  let heldBytes = 0;
  let ending: PortError | undefined;
  let isGone = false;
  const forget = context.streams.add(
    'grpc_publish',
    async (reason) => {
      ending = reason;
      await Promise.allSettled(underWay);
      end(reason);
    },
    caller,
  );
  const pace = new Pace(caller, () => ending !== undefined || isGone);
  const answer = async (frame: PublishStreamRequest__Output): Promise<void> => {
    const correlationId = frame.correlationId ?? 0;
    try {
      if (ending !== undefined) throw ending;
      caller.requireNamed('publish', frame.topic ?? '');
      const messages = (frame.messages ?? []).map(toPublishMessage);
      const turn = pace.nextPublish(messages, 1);
      if (turn !== undefined) await turn;
      const outcomes = await publish(context, frame, messages, 'paced', trace);
      await stream.write({ correlationId, results: outcomes.map(resultMessage) });
    } catch (reason) {
      const error = PortError.from(reason);
      context.metrics.problem(error.code);
      if (error.httpStatus === 500)
        context.log.error({ err: reason, reqId: stream.requestId, ...traceFieldsOf(trace) }, 'unexpected error');
      await stream.write({ correlationId, problem: problemMessage(error) });
    }
  };
  return {
    frame: async (frame: PublishStreamRequest__Output): Promise<void> => {
      if (!Number.isSafeInteger(frame.correlationId ?? 0))
        throw new PortError('invalid_argument', 'frame: correlation_id must not be above 2^53 - 1');
      // What waits for its turn is kept here: of all streams together no more than of all bodies.
      const bytes = bytesOf(frame.messages ?? []);
      if (!hold.set(heldBytes + bytes)) {
        const error = overloaded(context.bodies);
        context.metrics.problem(error.code);
        await stream.write({ correlationId: frame.correlationId ?? 0, problem: problemMessage(error) });
        return;
      }
      heldBytes += bytes;
      const answering = answer(frame);
      underWay.add(answering);
      try {
        await answering;
      } finally {
        underWay.delete(answering);
        heldBytes -= bytes;
        hold.set(heldBytes);
      }
    },
    bytesOf: ({ messages = [] }: PublishStreamRequest__Output): number => bytesOf(messages),
    finished: async (): Promise<void> => {
      forget();
      end(undefined);
    },
    failed: async (reason: PortError | undefined): Promise<void> => {
      isGone = true;
      await Promise.allSettled(underWay);
      forget();
      end(reason ?? drainingError());
    },
  };
}

interface PublishAsked {
  readonly topic?: string;
  readonly messages?: readonly PublishMessage__Output[];
  readonly durability?: string;
  readonly minCopies?: number;
}

async function publish(
  context: GatewayContext,
  request: PublishAsked,
  messages: readonly PublishMessage[],
  payer: Caller | 'paced',
  trace: TraceContext | undefined,
): Promise<readonly PublishOutcome[]> {
  return await publishMessages(context, request.topic ?? '', messages, checkedOptions(request), payer, trace);
}

/** @throws PortError in the words of REST. */
function checkedOptions({ messages = [], durability: asked, minCopies }: PublishAsked) {
  const durability = wordOf(persistences, asked);
  const isAllPlain = durability === undefined && minCopies === undefined && messages.every(isPlain);
  if (isAllPlain && messages.length > 0 && messages.length <= limits.messagesPerPublishMax) return {};
  const options = {
    ...(durability === undefined ? {} : { durability }),
    ...(minCopies === undefined ? {} : { minCopies }),
  };
  const result = PublishRules.safeParse({ messages, ...options });
  if (!result.success) throw errorFromIssues(result.error.issues, 'request');
  return options as PublishOptions;
}

/** About what they hold in memory: bytes of keys and values, characters of texts and headers. */
function bytesOf(messages: readonly PublishMessage__Output[]): number {
  let bytes = 0;
  for (const { key, value, text, headers = [] } of messages) {
    bytes += (key?.length ?? 0) + (value?.length ?? 0) + (text?.length ?? 0);
    for (const header of headers) bytes += (header.name?.length ?? 0) + (header.value?.length ?? 0);
  }
  return bytes;
}
