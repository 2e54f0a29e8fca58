/**
 * The whole engine on a machine of which nothing happens by itself: simulation/machine.ts. A seed decides what is asked of the
 * engine, in which order its disk answers, what fails and when the power goes; so a seed that fails, fails again in the same
 * way. SLUICE_SEED=<seed> runs that one first. What must hold is in simulation/model.ts.
 */

import { expect, it } from 'vitest';
import { runs, seedOfRun } from './support.ts';
import { History, type Outcome } from './simulation/history.ts';

const SEEDS = runs(300, 100_000);
/** The steps that a failure shows: the last ones. */
const STEPS_SHOWN = 200;

it(`${SEEDS} simulated histories agree with the model`, { timeout: runs(120_000, 6 * 3_600_000) }, async () => {
  const seed = seedOfRun();
  const counts: Record<string, number> = {};
  for (let run = 0; run < SEEDS; run += 1) {
    const outcome = await simulate(seed + run);
    for (const [name, count] of Object.entries(outcome.counts)) counts[name] = (counts[name] ?? 0) + count;
  }
  // Nothing was found because nothing was done would be no result.
  for (const name of ['stored', 'refused', 'close', 'kill', 'powerCut', 'opened in vain'])
    expect([name, (counts[name] ?? 0) > SEEDS / 4]).toEqual([name, true]);
});

it('a seed gives the same history, bit for bit, and another seed another', async () => {
  const seed = seedOfRun();
  const [first, again, other] = [await simulate(seed), await simulate(seed), await simulate(seed + 1)];
  expect(again).toEqual(first);
  expect(other.fingerprint).not.toBe(first.fingerprint);
});

async function simulate(seed: number): Promise<Outcome> {
  const history = new History(seed);
  try {
    return await history.run();
  } catch (reason) {
    const steps = history.steps.slice(-STEPS_SHOWN).join('\n');
    throw new Error(`SLUICE_SEED=${seed}\n${String(reason)}\n${steps}`, { cause: reason });
  }
}
