/**
 * What a run says while it runs. Everywhere: a line for each thing that is done, with the time since the start. On a terminal one
 * more line stays at the bottom: what runs now, how much is left, and when it is about over.
 */

import { timeInWords } from './budget.ts';
import type { RunState } from './compare-options.ts';

interface Output {
  write(text: string): unknown;
  readonly columns?: number | undefined;
}

/** A terminal that does not say how wide it is. */
const columnsUnknown = 80;
const eraseLine = '\r\u001B[2K';

export class ProgressLines {
  readonly #out: Output;
  readonly #isTerminal: boolean;
  readonly #now: () => number;
  readonly #startedAt: number;
  #status = '';

  constructor(out: Output, options: { readonly isTerminal: boolean; readonly now?: () => number }) {
    this.#out = out;
    this.#isTerminal = options.isTerminal;
    this.#now = options.now ?? Date.now;
    this.#startedAt = this.#now();
  }

  line(text: string): void {
    const elapsed = ((this.#now() - this.#startedAt) / 1000).toFixed(1).padStart(6);
    this.#out.write(`${this.#status === '' ? '' : eraseLine}${elapsed} s  ${text}\n${this.#status}`);
  }

  state(state: RunState): void {
    if (!this.#isTerminal) return;
    const text = statusText(state, this.#now());
    // One that wraps could not be erased.
    const columns = this.#out.columns ?? 0;
    this.#status = text.slice(0, (columns > 1 ? columns : columnsUnknown) - 1);
    this.#out.write(`${eraseLine}${this.#status}`);
  }

  /** Nothing stays behind on the terminal. Idempotent. */
  end(): void {
    if (this.#status !== '') this.#out.write(eraseLine);
    this.#status = '';
  }
}

/** `12 of 96 done, about 4 min left, ends about 04:12  throughput-1k/equal-load/kafka/port/0` */
function statusText({ now, done, total, leftMs }: RunState, atMs: number): string {
  const end = new Date(atMs + leftMs);
  const clock = `${String(end.getHours()).padStart(2, '0')}:${String(end.getMinutes()).padStart(2, '0')}`;
  return `${done} of ${total} done, about ${timeInWords(leftMs)} left, ends about ${clock}  ${now}`;
}
