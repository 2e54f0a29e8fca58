/** How far a run is: what is done, what runs now, and about how long the rest takes. */

import { agreementMs } from '../agreement/index.ts';
import { budgetInWords, budgetOf, timeInWords } from './budget.ts';
import type { CompareOptions } from './compare-options.ts';
import { isRow, type Journal } from './journal.ts';
import { primaryInWords } from '../conclusions/primary-comparisons.ts';
import type { RunPlan } from './plan.ts';
import { leaveOutOf, wantedScenarios } from './wanted-scenarios.ts';

/** Counts what is done, and tells it with the time that is left. */
export class Steps {
  readonly #options: CompareOptions;
  readonly #total: number;
  readonly #expectedMs: number;
  readonly #startedMs = performance.now();
  #done = 0;

  constructor(options: CompareOptions, total: number, expectedMs: number) {
    this.#options = options;
    this.#total = total;
    this.#expectedMs = expectedMs;
  }

  begin(what: string): void {
    const state = { now: what, done: this.#done, total: this.#total, leftMs: this.#leftMs() };
    this.#options.onState?.(state);
    this.#options.live?.state(state);
  }

  end(what: string): void {
    this.#done++;
    this.begin(what);
  }

  /** At first by the budget, later more and more by the pace so far. */
  #leftMs(): number {
    const part = this.#total === 0 ? 1 : this.#done / this.#total;
    const byBudget = this.#expectedMs * (1 - part);
    if (part === 0) return byBudget;
    const byPace = ((performance.now() - this.#startedMs) / part) * (1 - part);
    return byPace * part + byBudget * (1 - part);
  }
}

/** Says the budget before anything runs. */
export function stepsOf(
  options: CompareOptions,
  plan: RunPlan,
  { journal, isFresh }: { readonly journal: Journal | null; readonly isFresh: boolean },
): Steps {
  const leaveOut = leaveOutOf(options);
  // Brokers of others are not started anew.
  const { roundsPerFreshData: asked, ...rest } = options;
  const question = isFresh && asked !== undefined ? { ...rest, roundsPerFreshData: asked } : rest;
  const budget = budgetOf(question, plan.cells, wantedScenarios(options), leaveOut);
  const check =
    options.checksAgreement === true ? `; the check about ${timeInWords(agreementMs(options.profile))}` : '';
  options.onProgress(`budget ${budgetInWords(options, budget)}${check}`);
  for (const line of primaryInWords(plan.primary)) options.onProgress(line);
  const known = (journal?.entries ?? []).filter(isRow).length;
  const total = budget.cells + budget.scenarioRows + budget.faultRows;
  if (known > 0) options.onProgress(`going on: ${known} of ${total} rows are there already`);
  return new Steps(options, Math.max(0, total - known), budget.expectedMs * (total === 0 ? 0 : 1 - known / total));
}
