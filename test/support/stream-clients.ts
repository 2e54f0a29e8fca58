/**
 * Clients of the three streams, for every test that has one open: server-sent events as EventSource reads them, a WebSocket, and
 * gRPC's StreamingPull. Each collects what it is told.
 */

import { once } from 'node:events';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import type { StreamingPullRequest } from '../../src/gateway/grpc/generated/sluice/v1/StreamingPullRequest.ts';
import type { StreamingPullResponse__Output } from '../../src/gateway/grpc/generated/sluice/v1/StreamingPullResponse.ts';
import type { SubscriberClient } from '../../src/gateway/grpc/generated/sluice/v1/Subscriber.ts';

/** Where a gateway listens. */
interface Address {
  readonly url: string;
}

export interface SseEvent {
  readonly id: string;
  readonly type: string;
  readonly data: string;
}

interface EventsClient {
  readonly headers: IncomingMessage['headers'];
  messages(): SseEvent[];
  values(): string[];
  problem(): { readonly code: string } | undefined;
  /** What was told of the backend. */
  backend(): { readonly ok: boolean; readonly detail: string }[];
  /** As EventSource keeps it. */
  lastId(): string;
  /** Of the event that has an id and nothing else, which comes first. */
  firstId(): string;
  leave(): void;
  /** Resolves when the gateway has ended the stream, or the connection broke. */
  readonly closed: Promise<void>;
}

/** As EventSource reads it (HTML, 9.2.6), over a socket that can be left unread. */
export async function openEvents(
  world: Address,
  subscription: string,
  options: {
    readonly lastEventId?: string;
    readonly query?: string;
    readonly isPaused?: boolean;
    readonly headers?: Record<string, string>;
  } = {},
): Promise<EventsClient> {
  const asked: ClientRequest = request(`${world.url}/v1/subscriptions/${subscription}/stream${options.query ?? ''}`, {
    headers: {
      ...options.headers,
      ...(options.lastEventId === undefined ? {} : { 'last-event-id': options.lastEventId }),
    },
  });
  asked.on('error', () => undefined); // of a connection that was left
  asked.end();
  onTestFinished(() => void asked.destroy());
  const answer = await new Promise<IncomingMessage>((resolve) => asked.once('response', resolve));
  const events: SseEvent[] = [];
  let text = '';
  let id = '';
  let first: string | undefined;
  answer.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => answer.once('close', resolve));
  if (options.isPaused !== true) {
    answer.on('data', (chunk: Buffer) => {
      text += chunk.toString();
      const blocks = text.split('\n\n');
      text = blocks.pop() ?? '';
      for (const block of blocks) {
        let type = 'message';
        const data: string[] = [];
        for (const line of block.split('\n')) {
          if (line.startsWith('id: ')) {
            id = line.slice(4);
            first ??= id;
          } else if (line.startsWith('event: ')) type = line.slice(7);
          else if (line.startsWith('data: ')) data.push(line.slice(6));
        }
        if (data.length > 0) events.push({ id, type, data: data.join('\n') });
      }
    });
  }
  const messages = (): SseEvent[] => events.filter(({ type }) => type === 'message');
  return {
    headers: answer.headers,
    messages,
    values: () => messages().map(valueOf),
    problem: () => {
      const found = events.find(({ type }) => type === 'problem');
      return found === undefined ? undefined : (JSON.parse(found.data) as { code: string });
    },
    backend: () => events.filter(({ type }) => type === 'backend').map(({ data }) => JSON.parse(data)),
    lastId: () => id,
    firstId: () => first ?? '',
    leave: () => asked.destroy(),
    closed,
  };
}

export function valueOf({ data }: SseEvent): string {
  return (JSON.parse(data) as { value: string }).value;
}

interface Frame {
  readonly deliveries?: readonly {
    readonly ackToken: string;
    readonly attempt: number;
    readonly message: { readonly id: string };
  }[];
  readonly results?: readonly object[];
  readonly correlationId?: number;
  readonly problem?: { readonly code: string };
  readonly backend?: { readonly ok: boolean; readonly detail: string };
}

export async function openSocket(world: Address, subscription: string) {
  const socket = new WebSocket(socketAddress(world, subscription));
  onTestFinished(() => socket.terminate());
  const frames: Frame[] = [];
  socket.on('message', (data: Buffer) => frames.push(JSON.parse(data.toString()) as Frame));
  socket.on('error', () => undefined);
  await once(socket, 'open');
  return {
    socket,
    send: (frame: object) => socket.send(JSON.stringify(frame)),
    deliveries: () => frames.flatMap(({ deliveries = [] }) => deliveries),
    results: (number: number) => frames.find(({ correlationId }) => correlationId === number)?.results,
    problem: () => frames.find(({ problem }) => problem !== undefined)?.problem,
    backend: () => frames.flatMap(({ backend = [] }) => backend),
  };
}

export function socketAddress(world: Address, subscription: string): string {
  return `${world.url.replace('http', 'ws')}/v1/subscriptions/${subscription}/ws`;
}

export function openPull(
  world: { readonly subscriber: SubscriberClient },
  start: NonNullable<StreamingPullRequest['start']>,
) {
  const stream = world.subscriber.streamingPull();
  const frames: StreamingPullResponse__Output[] = [];
  const tokens: string[] = [];
  const values: string[] = [];
  const ids: string[] = [];
  stream.on('data', (frame: StreamingPullResponse__Output) => {
    frames.push(frame);
    for (const { ackToken = '', message } of frame.deliveries ?? []) {
      tokens.push(ackToken);
      values.push(message?.value?.toString() ?? '');
      ids.push(message?.id ?? '');
    }
  });
  stream.on('error', () => undefined); // a cancelled call says that it was cancelled
  stream.write({ start });
  const backend = () => frames.flatMap(({ backend: told }) => told ?? []);
  return { stream, frames, tokens, values, ids, backend };
}

export function collected<Answer>(stream: NodeJS.ReadableStream): Answer[] {
  const answers: Answer[] = [];
  stream.on('data', (answer: Answer) => answers.push(answer));
  return answers;
}
