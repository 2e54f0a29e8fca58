import { setTimeout as after } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { AnswerDeadlines } from '../../src/adapters/answer-deadlines.ts';

const never = async (): Promise<string> => await new Promise<string>(() => undefined);

test('an answer that comes in time is the answer, and a failure the failure', async () => {
  const deadlines = new AnswerDeadlines(10_000);
  await expect(deadlines.within(Promise.resolve('answer'), () => 'late')).resolves.toBe('answer');
  await expect(deadlines.within(Promise.reject(new Error('broken')), () => 'late')).rejects.toThrow('broken');
});

test('each call that gets no answer is late by itself, in the order they began, and later ones are not cut short', async () => {
  const deadlines = new AnswerDeadlines(40);
  const order: string[] = [];
  const began = performance.now();
  const call = async (name: string): Promise<number> => {
    order.push(await deadlines.within(never(), () => name));
    return performance.now() - began;
  };
  const first = call('first');
  const answered = deadlines.within(after(5, 'answered'), () => 'late');
  await after(20);
  const second = call('second');
  expect(await answered).toBe('answered');
  expect(await first).toBeGreaterThanOrEqual(40);
  expect(await second).toBeGreaterThanOrEqual(60 - 1);
  expect(order).toEqual(['first', 'second']);
});

test('what is answered after its deadline is ignored, also a failure', async () => {
  const deadlines = new AnswerDeadlines(10);
  let fail: (reason: Error) => void = () => undefined;
  const slow = new Promise<string>((_, reject) => (fail = reject));
  expect(await deadlines.within(slow, () => 'late')).toBe('late');
  fail(new Error('too late'));
  await after(0); // an unhandled rejection would end the run
});

test('only calls that wait keep the process: its timer is there for all of them and holds nobody up', async () => {
  const timers = (): number => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  const deadlines = new AnswerDeadlines(60_000);
  let answer: (value: string) => void = () => undefined;
  const waiting = deadlines.within(new Promise<string>((resolve) => (answer = resolve)), () => 'late');
  const others = Array.from({ length: 100 }, async () => await deadlines.within(Promise.resolve('x'), () => 'late'));
  expect(timers()).toBe(before + 1);
  await Promise.all(others);
  expect(timers()).toBe(before + 1);
  answer('answer');
  await waiting;
  expect(timers()).toBe(before);
});
