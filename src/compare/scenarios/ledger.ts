/** The ledger of a scenario with faults: what was sent and answered, what was seen, and what the difference is. */

import type { SendResult } from '../systems/wire.ts';

export interface Losses {
  /** Acknowledged and never seen, by where they lie: before everything that was seen, after it, or between. */
  readonly prefix: number;
  readonly middle: number;
  readonly suffix: number;
}

export interface Balance {
  readonly sent: number;
  readonly acked: number;
  readonly refused: number;
  readonly unknown: number;
  readonly seen: number;
  readonly lost: number;
  readonly losses: Losses;
  /** Deliveries beyond the first of each. */
  readonly duplicates: number;
  /** Not answered, and there all the same. */
  readonly recovered: number;
  /** Refused, and there all the same: a refusal that was none. */
  readonly refusedAndSeen: number;
  /** Seen after a later one was seen, first deliveries only. */
  readonly overtaken: number;
}

export class Ledger {
  readonly #fates = new Map<number, SendResult['fate']>();
  readonly #seen = new Map<number, number>();
  readonly #order: number[] = [];
  #next = 0;

  /** The number of the next message; what is never answered stays unknown. */
  send(): number {
    this.#fates.set(this.#next, 'unknown');
    return this.#next++;
  }

  answer(number: number, { fate }: SendResult): void {
    // A retry that is stored makes it stored, whatever the first try was.
    if (this.#fates.get(number) !== 'acked') this.#fates.set(number, fate);
  }

  see(number: number): void {
    if (!this.#seen.has(number)) this.#order.push(number);
    this.#seen.set(number, (this.#seen.get(number) ?? 0) + 1);
  }

  get sent(): number {
    return this.#next;
  }

  get seen(): number {
    return this.#seen.size;
  }

  /** Numbers that are neither stored nor refused for certain. */
  get open(): readonly number[] {
    return [...this.#fates].filter(([, fate]) => fate === 'unknown').map(([number]) => number);
  }

  balance(): Balance {
    const with_ = (wanted: SendResult['fate']) => [...this.#fates].filter(([, fate]) => fate === wanted);
    const acked = with_('acked').map(([number]) => number);
    const lost = acked.filter((number) => !this.#seen.has(number));
    const first = Math.min(...this.#seen.keys());
    const last = Math.max(...this.#seen.keys());
    return {
      sent: this.#next,
      acked: acked.length,
      refused: with_('refused').length,
      unknown: with_('unknown').length,
      seen: this.#seen.size,
      lost: lost.length,
      losses: {
        prefix: this.#seen.size === 0 ? 0 : lost.filter((number) => number < first).length,
        middle: lost.filter((number) => number > first && number < last).length,
        suffix: lost.filter((number) => number > last).length,
      },
      duplicates: [...this.#seen.values()].reduce((sum, count) => sum + count - 1, 0),
      recovered: with_('unknown').filter(([number]) => this.#seen.has(number)).length,
      refusedAndSeen: with_('refused').filter(([number]) => this.#seen.has(number)).length,
      overtaken: overtakenIn(this.#order),
    };
  }
}

/** `3 acknowledged messages lost (prefix 0, middle 0, suffix 3)`. */
export function lossesInWords({ lost, losses }: Pick<Balance, 'lost' | 'losses'>): string {
  if (lost === 0) return 'no acknowledged message lost';
  return `${lost} acknowledged messages lost (prefix ${losses.prefix}, middle ${losses.middle}, suffix ${losses.suffix})`;
}

/** How many come after a greater one. */
export function overtakenIn(numbers: readonly number[]): number {
  let highest = -1;
  let count = 0;
  for (const number of numbers) {
    if (number < highest) count++;
    else highest = number;
  }
  return count;
}
