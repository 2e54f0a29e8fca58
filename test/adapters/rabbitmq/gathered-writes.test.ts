import { Writable } from 'node:stream';
import { setImmediate as turnOfTheLoop } from 'node:timers/promises';
import type { ChannelModel } from 'amqplib';
import { expect, test } from 'vitest';
import { gatherWrites } from '../../../src/adapters/rabbitmq/gathered-writes.ts';

/** Takes writes as a socket does: at once, one or several together; `calls` has how many chunks each system call would have had. */
function socket(): { readonly stream: Writable; readonly calls: string[][] } {
  const calls: string[][] = [];
  const stream = new Writable({
    write: (chunk: Buffer, _encoding, done) => {
      calls.push([chunk.toString()]);
      done();
    },
    writev: (chunks, done) => {
      calls.push(chunks.map(({ chunk }: { chunk: Buffer }) => chunk.toString()));
      done();
    },
  });
  return { stream, calls };
}

test('what is written in one turn leaves together and in order, what is written in the next one by itself', async () => {
  const { stream, calls } = socket();
  gatherWrites({ connection: { stream } } as unknown as ChannelModel);
  for (const text of ['a', 'b', 'c']) stream.write(text);
  expect(calls).toEqual([]);
  await turnOfTheLoop();
  stream.write('d');
  await turnOfTheLoop();
  expect(calls).toEqual([['a', 'b', 'c'], ['d']]);
});

test('without it each write is a call of its own', async () => {
  const { stream, calls } = socket();
  for (const text of ['a', 'b', 'c']) stream.write(text);
  await turnOfTheLoop();
  expect(calls).toEqual([['a'], ['b'], ['c']]);
});

test('what was written before the end is not held back by it', async () => {
  const { stream, calls } = socket();
  gatherWrites({ connection: { stream } } as unknown as ChannelModel);
  stream.write('a');
  stream.end('b');
  await turnOfTheLoop();
  expect(calls.flat()).toEqual(['a', 'b']);
});
