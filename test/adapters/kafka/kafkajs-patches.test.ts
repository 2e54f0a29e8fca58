import { afterEach, expect, test, vi } from 'vitest';
import { internals } from '../../../src/adapters/kafka/kafkajs-internals.ts';
import { patchRequestQueue } from '../../../src/adapters/kafka/kafkajs-patches.ts';

const REQUEST_TIMEOUT_MS = 1_000;

afterEach(() => {
  vi.useRealTimers();
});

test('a connection that has answered and is idle wakes up never; as published, kafkajs wakes all the time', async () => {
  expect(await wakeUpsInAnIdleSecond((queue) => patchRequestQueue(queue))).toBe(0);
  expect(await wakeUpsInAnIdleSecond(() => undefined)).toBeGreaterThan(100);
});

test('a request without an answer still times out', async () => {
  vi.useFakeTimers();
  const queue = newQueue();
  patchRequestQueue(queue);
  const answer = ask(queue, 1);
  const outcome = expect(answer).rejects.toThrow(/timed out/);
  await vi.advanceTimersByTimeAsync(REQUEST_TIMEOUT_MS + 500);
  await outcome;
  expect(vi.getTimerCount()).toBe(0);
});

test('one that is due before another, also an answered one, times out in its own time', async () => {
  vi.useFakeTimers();
  const queue = newQueue();
  patchRequestQueue(queue);
  const patient = ask(queue, 1, undefined, 60_000);
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  await patient;
  const outcome = expect(ask(queue, 2)).rejects.toThrow(/timed out/);
  await vi.advanceTimersByTimeAsync(REQUEST_TIMEOUT_MS + 10);
  await outcome;
});

test('one that is out when its connection ends times out all the same', async () => {
  vi.useFakeTimers();
  const queue = newQueue();
  patchRequestQueue(queue);
  const outcome = expect(ask(queue, 1)).rejects.toThrow(/timed out/);
  queue.destroy();
  await vi.advanceTimersByTimeAsync(REQUEST_TIMEOUT_MS + 10);
  await outcome;
});

test('a throttled request leaves when the throttle ends', async () => {
  vi.useFakeTimers();
  const queue = newQueue();
  patchRequestQueue(queue);
  let sentAtMs: number | null = null;
  const startMs = Date.now();
  Object.assign(queue, { throttledUntil: startMs + 300 });
  void ask(queue, 1, () => {
    sentAtMs = Date.now();
  }).catch(() => undefined);
  await vi.advanceTimersByTimeAsync(200);
  expect(sentAtMs).toBeNull();
  await vi.advanceTimersByTimeAsync(200);
  expect(sentAtMs).toBeGreaterThanOrEqual(startMs + 300);
});

type Queue = ReturnType<typeof newQueue>;

/** One request is asked and answered, then a second of fake time passes. */
async function wakeUpsInAnIdleSecond(prepare: (queue: Queue) => void): Promise<number> {
  vi.useFakeTimers();
  const queue = newQueue();
  prepare(queue);
  queue.scheduleRequestTimeoutCheck();
  const answer = ask(queue, 1);
  queue.fulfillRequest({ correlationId: 1, payload: Buffer.alloc(0), size: 0 });
  await answer;
  await vi.advanceTimersByTimeAsync(1_000); // what the request itself armed has run
  let count = 0;
  while (vi.getTimerCount() > 0 && count < 200) {
    const before = Date.now();
    await vi.advanceTimersToNextTimerAsync();
    if (Date.now() - before > 1_000) break;
    count += 1;
  }
  queue.destroy();
  vi.useRealTimers();
  return count;
}

function newQueue() {
  const { LEVELS, createLogger } = internals.loggers;
  return new internals.RequestQueueClass({
    maxInFlightRequests: null,
    requestTimeout: REQUEST_TIMEOUT_MS,
    enforceRequestTimeout: true,
    clientId: 'test',
    broker: 'none:0',
    logger: createLogger({ level: LEVELS.NOTHING, logCreator: () => () => undefined }),
    isConnected: () => true,
  });
}

function ask(
  queue: Queue,
  correlationId: number,
  onSend: () => void = () => undefined,
  requestTimeout?: number,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const entry = { correlationId, resolve, reject };
    queue.push({ entry, expectResponse: true, sendRequest: onSend, ...(requestTimeout && { requestTimeout }) });
  });
}
