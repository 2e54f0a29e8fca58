/** A steady stream of numbered messages through a fault, written down in a ledger. */

import type { Wire, WirePublisher } from '../systems/wire.ts';
import type { Ledger } from './ledger.ts';
import type { ScenarioContext } from './scenario.ts';
import { type Received, type Stage, Undecided } from './stage.ts';

export interface Answer {
  readonly number: number;
  readonly sentMs: number;
  readonly answeredMs: number;
  readonly isAcked: boolean;
}

export interface Flow {
  /** In the order in which they came. */
  readonly answers: readonly Answer[];
  /** How many wait for their answer. */
  readonly open: () => number;
  /** Sends no more; resolves when the last was handed over. */
  readonly stop: () => Promise<void>;
  readonly publisher: WirePublisher;
}

/** Sends one message every `everyMs` on one publisher until it is stopped, whatever becomes of them. */
export async function startFlow(
  stage: Stage,
  wire: Wire,
  topic: string,
  ledger: Ledger,
  everyMs: number,
  onAnswer: (answer: Answer) => void = () => {},
  mode?: string,
): Promise<Flow> {
  const publisher = await stage.within(
    wire.publisher(topic, mode === undefined ? {} : { mode }),
    'a publisher to open',
  );
  const answers: Answer[] = [];
  let isRunning = true;
  let open = 0;
  const loop = (async () => {
    while (isRunning && !stage.isOver) {
      const number = ledger.send();
      const sentMs = stage.nowMs;
      open++;
      publisher.publish([{ key: null, value: Buffer.from(`m-${number}`) }], (_, result) => {
        open--;
        ledger.answer(number, result);
        const answer = { number, sentMs, answeredMs: stage.nowMs, isAcked: result.fate === 'acked' };
        answers.push(answer);
        onAnswer(answer);
      });
      await stage.pause(everyMs);
    }
  })();
  return {
    answers,
    open: () => open,
    publisher,
    async stop() {
      isRunning = false;
      await loop;
    },
  };
}

/** Publishes these numbers of a ledger until each is stored; resolves with how many tries that took. */
export async function publishAgain(
  stage: Stage,
  wire: Wire,
  topic: string,
  ledger: Ledger,
  numbers: readonly number[],
  mode?: string,
): Promise<void> {
  if (numbers.length === 0) return;
  const publisher = await stage.within(
    wire.publisher(topic, mode === undefined ? {} : { mode }),
    'a publisher to open',
  );
  for (const number of numbers) {
    for (let isStored = false; !isStored; ) {
      const result = await stage.within(
        new Promise<boolean>((resolve) =>
          publisher.publish([{ key: null, value: Buffer.from(`m-${number}`) }], (_, answer) => {
            ledger.answer(number, answer);
            resolve(answer.fate === 'acked');
          }),
        ),
        'a second try to be answered',
      );
      isStored = result;
      if (!isStored) await stage.pause(againMs);
    }
  }
  await stage.within(publisher.close(), 'the publisher to close');
}

const againMs = 100;

/** The number of a text that a flow has sent; null for any other. */
export function numberOf(text: string): number | null {
  const match = /^m-(\d+)$/.exec(text);
  return match === null ? null : Number(match[1]);
}

/** The longest time without an event, from `from` to `to`. */
export function longestGap(timesMs: readonly number[], from: number, to: number): number {
  const within = timesMs.filter((time) => time >= from && time <= to).toSorted((a, b) => a - b);
  const points = [from, ...within, to];
  return Math.round(Math.max(...points.slice(1).map((time, index) => time - (points[index] ?? time))));
}

/**
 * What is there after a fault, read by a fresh client: a wire that is opened anew and tried again while the system is not
 * ready (a stream's replica comes up after the broker's door). A marker is published behind everything: until it came,
 * silence means nothing; after that, `quietMs` of it end the reading.
 */
export async function readBack(
  { stage, open }: Pick<ScenarioContext, 'stage' | 'open'>,
  { topic, subscription, quietMs }: { readonly topic: string; readonly subscription: string; readonly quietMs: number },
): Promise<{ readonly wire: Wire; readonly received: readonly Received[] }> {
  const startedMs = stage.nowMs;
  const marker = `end-${Math.round(startedMs)}`;
  for (;;) {
    try {
      const wire = await stage.within(open(), 'a wire after the fault');
      await stage.adopt(wire, subscription);
      await publishUntilStored(stage, wire, topic, marker);
      const received = await stage.drain(subscription, { count: Number.MAX_SAFE_INTEGER, quietMs, marker }, wire);
      return { wire, received: received.filter(({ text }) => !text.startsWith('end-')) };
    } catch (reason) {
      if (reason instanceof Undecided || stage.nowMs - startedMs > readyMsMax) throw reason;
      await stage.pause(againMs);
    }
  }
}

async function publishUntilStored(stage: Stage, wire: Wire, topic: string, text: string): Promise<void> {
  const publisher = await stage.within(wire.publisher(topic), 'a publisher to open');
  const result = await stage.within(
    new Promise<string>((resolve) =>
      publisher.publish([{ key: null, value: Buffer.from(text) }], (_, answer) => resolve(answer.fate)),
    ),
    'the marker to be stored',
  );
  await stage.within(publisher.close(), 'a publisher to close');
  if (result !== 'acked') throw new Error(`the marker was ${result}`);
}

const readyMsMax = 30_000;
