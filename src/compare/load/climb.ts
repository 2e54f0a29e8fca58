/**
 * The search for the highest rate that a system carries for ever: doubling until a rung fails, then halving between the last that
 * passed and the first that failed, then holding a little less than what was found. What is published is what was held. Pure: what
 * a step is, and what time it is, comes from outside.
 */

import type { SearchEnd, SearchStep } from '../report/model.ts';
import { confirmedShare, type LadderSpec, rungRate } from '../workloads/index.ts';

export interface StepQuestion {
  readonly kind: SearchStep['kind'];
  readonly ratePerSecond: number;
  readonly measuredMs: number;
  /** From 0, over the whole search. */
  readonly number: number;
}

export interface Climb<T extends { readonly step: SearchStep }> {
  readonly end: SearchEnd;
  /** Every step, in the order in which they were made. */
  readonly steps: readonly T[];
  /** The highest rung that passed; null where none did. */
  readonly foundPerSecond: number | null;
  /** The lowest rung that failed, by its last try; null where none did. */
  readonly failed: T | null;
  /** The step in which the rate was held; null where that did not succeed. */
  readonly confirmed: T | null;
}

/** So many rungs down from what was found, until one can be held. */
const confirmTriesMax = 3;
/** A try that the generator spoiled is made again; so many times as often at most. */
const generatorTries = 2;

export async function climb<T extends { readonly step: SearchStep }>(
  ladder: LadderSpec,
  options: {
    readonly stepMs: number;
    /** Resolves with what the step came to; of it only whether it passed is looked at here. */
    readonly probe: (question: StepQuestion) => Promise<T>;
    readonly nowMs: () => number;
  },
): Promise<Climb<T>> {
  const { probe, nowMs, stepMs } = options;
  const steps: T[] = [];
  const startedMs = nowMs();
  const ask = async (kind: SearchStep['kind'], ratePerSecond: number, measuredMs: number): Promise<T> => {
    const made = await probe({ kind, ratePerSecond, measuredMs, number: steps.length });
    steps.push(made);
    return made;
  };
  const limitReached = (): SearchEnd | null => {
    if (steps.length >= ladder.stepsMax) return 'step-limit';
    return nowMs() - startedMs >= ladder.searchMsMax ? 'time-limit' : null;
  };
  /** A rate until it passes or has had its tries; those in which the generator was late are none of the system's, but bounded too. */
  const attempt = async (kind: SearchStep['kind'], rate: number, measuredMs: number, tries: number) => {
    let last: T | null = null;
    let failures = 0;
    for (let i = 0; i < tries * generatorTries && failures < tries; i++) {
      if (kind !== 'confirmation' && limitReached() !== null) return null;
      last = await ask(kind, rate, measuredMs);
      if (last.step.passed) break;
      if (last.step.criterion !== 'generator') failures++;
    }
    return last;
  };
  /** null where a limit came before the rung had its tries. */
  const tryRung = (kind: 'ramp' | 'bisection', rung: number) =>
    attempt(kind, rungRate(ladder, rung), stepMs, ladder.triesPerRung);

  let passed: number | null = null;
  let failedRung: number | null = null;
  let failed: T | null = null;
  let end: SearchEnd = 'bracketed';
  const take = (rung: number, result: T) => {
    if (result.step.passed) passed = rung;
    else {
      failedRung = rung;
      failed = result;
    }
  };
  for (let rung = 0; failedRung === null; rung += ladder.rungsPerDoubling) {
    if (rungRate(ladder, rung) > ladder.mostPerSecond) {
      end = 'top-of-ladder';
      break;
    }
    const result = await tryRung('ramp', rung);
    if (result === null) {
      end = limitReached() ?? 'step-limit';
      break;
    }
    take(rung, result);
  }
  while (passed !== null && failedRung !== null && failedRung - passed > 1) {
    const middle: number = Math.floor((passed + failedRung) / 2);
    const result = await tryRung('bisection', middle);
    if (result === null) {
      end = limitReached() ?? 'step-limit';
      break;
    }
    take(middle, result);
  }
  if (passed === null)
    return { end: failed === null ? end : 'nothing-passed', steps, foundPerSecond: null, failed, confirmed: null };
  const foundPerSecond = rungRate(ladder, passed);
  for (let down = 0; down < confirmTriesMax && passed - down >= 0; down++) {
    const rate = Math.round(rungRate(ladder, passed - down) * confirmedShare);
    const held = await attempt('confirmation', rate, ladder.confirmMs, 1);
    if (held?.step.passed === true) return { end, steps, foundPerSecond, failed, confirmed: held };
  }
  return { end, steps, foundPerSecond, failed, confirmed: null };
}
