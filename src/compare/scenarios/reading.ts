/** Reading what is there after a system's files were damaged: whatever it does then, it is an observation and not the scenario's end. */

import type { Wire } from '../systems/wire.ts';
import { type Stage, Undecided } from './stage.ts';

export interface DamagedReading {
  readonly texts: readonly string[];
  /** What the reader was told, where it was told something. */
  readonly error: string | null;
  /** A message that was published afterwards was stored; it came. */
  readonly takesNew: boolean;
  readonly reachesNew: boolean;
}

/** A system may be ready later than its door. */
const readyMsMax = 15_000;
/** A reader that has come to what it cannot read says so within this, or never. */
const stuckMsMax = 8_000;
const afterMs = 300;
const pollMs = 20;
const againMs = 300;
const credit = 200;

/**
 * From the earliest on until a message that is published now has come, the reader fails, or nothing comes for `stuckMsMax`.
 * A reader that fails is opened once more: the damage is still there, and what only was not yet ready is not.
 */
export async function readDamaged(
  stage: Stage,
  open: () => Promise<Wire>,
  { topic, subscription, count }: { readonly topic: string; readonly subscription: string; readonly count: number },
): Promise<DamagedReading> {
  const marker = `end-${Math.round(stage.nowMs)}`;
  const startedMs = stage.nowMs;
  const texts: string[] = [];
  let takesNew = false;
  let error: string | null = null;
  let isTriedAgain = true;
  do {
    let failure: string | null = null;
    const note = (reason: unknown) => void (failure ??= reason instanceof Error ? reason.message : String(reason));
    try {
      const wire = await stage.within(open(), 'a client');
      // A queue keeps its messages; the reader of a log starts again.
      await wire.createSubscription({ name: subscription, topic, start: 'earliest', ordering: 'none' });
      if (!takesNew) takesNew = await isStored(stage, wire, topic, marker);
      let lastMs = stage.nowMs;
      const consumer = await stage.within(
        wire.consume(subscription, {
          credit,
          settle: { kind: 'batch', ackBatch: 1 },
          onDelivery: ({ value }) => {
            lastMs = stage.nowMs;
            texts.push(value.toString('latin1'));
          },
          onError: note,
        }),
        'a consumer to open',
      );
      lastMs = stage.nowMs;
      while (!stage.isOver && failure === null && !texts.includes(marker) && stage.nowMs - lastMs < stuckMsMax)
        await stage.pause(pollMs);
      await stage.pause(afterMs);
      await Promise.race([consumer.close().catch(note), stage.pause(stuckMsMax)]);
    } catch (reason) {
      if (reason instanceof Undecided) throw reason;
      note(reason);
    }
    // What it was told first; a reader that comes to the end after all was only early.
    error = failure === null ? null : (error ?? failure);
    isTriedAgain = failure !== null && texts.length < count && !stage.isOver && stage.nowMs - startedMs < readyMsMax;
    if (isTriedAgain) await stage.pause(againMs);
  } while (isTriedAgain);
  return {
    texts: texts.filter((text) => !text.startsWith('end-')),
    error,
    takesNew,
    reachesNew: texts.includes(marker),
  };
}

async function isStored(stage: Stage, wire: Wire, topic: string, text: string): Promise<boolean> {
  const publisher = await stage.within(wire.publisher(topic), 'a publisher to open');
  const fate = await Promise.race([
    new Promise<string>((resolve) =>
      publisher.publish([{ key: null, value: Buffer.from(text) }], (_, answer) => resolve(answer.fate)),
    ),
    stage.pause(stuckMsMax).then(() => 'unknown'),
  ]);
  await Promise.race([publisher.close().catch(() => undefined), stage.pause(stuckMsMax)]);
  return fate === 'acked';
}
