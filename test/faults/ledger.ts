/**
 * The acked-write audit: publishers number their messages lane by lane, and every answer is written to a file that no broker and no
 * code of ours knows of. At the end the file is read back and held against what consumers received.
 */

import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export type Answer = 'stored' | 'refused' | 'unknown';

export interface Verdict {
  readonly sent: number;
  readonly stored: number;
  readonly refused: number;
  readonly unknown: number;
  readonly received: number;
  /** Stored and never received, by where in their lane: before the first that came, after the last one, or between. */
  readonly lost: number;
  readonly lostPrefix: number;
  readonly lostMiddle: number;
  readonly lostSuffix: number;
  /** Receptions beyond the first. */
  readonly duplicated: number;
  /** Received, and never sent. */
  readonly phantom: number;
  /** Received, and answered as certainly not stored. */
  readonly refusedButThere: number;
  /** First receptions after a later message of the lane. */
  readonly reordered: number;
  /** The first few of what should not be. */
  readonly offenders: readonly string[];
}

const OFFENDERS_MAX = 10;

export class AckedLedger {
  readonly #directory = mkdtempSync(join(tmpdir(), 'sluice-ledger-'));
  readonly #file = openSync(join(this.#directory, 'answers'), 'a');
  readonly #sent: number[] = [];
  #stored = 0;

  get stored(): number {
    return this.#stored;
  }

  /** The next `count` numbers of a lane, which are now sent. */
  send(lane: number, count: number): number[] {
    const from = this.#sent[lane] ?? 0;
    this.#sent[lane] = from + count;
    return Array.from({ length: count }, (_, index) => from + index);
  }

  answered(lane: number, number: number, answer: Answer): void {
    if (answer === 'stored') this.#stored += 1;
    writeSync(this.#file, `${answer} ${lane} ${number}\n`);
  }

  sentOf(lane: number): number {
    return this.#sent[lane] ?? 0;
  }

  /** What was answered as stored, from the file: on the disk before it counts. */
  storedNames(): string[] {
    fsyncSync(this.#file);
    return this.#lines()
      .filter(([answer]) => answer === 'stored')
      .map(([, lane, number]) => nameOf(Number(lane), Number(number)));
  }

  verdict(receptions: Receptions): Verdict {
    fsyncSync(this.#file);
    const answers = new Map<string, Answer>();
    for (const [answer, lane, number] of this.#lines())
      answers.set(nameOf(Number(lane), Number(number)), answer as Answer);
    const offenders: string[] = [];
    const offend = (text: string): void => void (offenders.length < OFFENDERS_MAX && offenders.push(text));
    const lost = { prefix: 0, middle: 0, suffix: 0 };
    for (const [lane, sent] of this.#sent.entries()) {
      const stored = Array.from({ length: sent }, (_, number) => number).filter(
        (number) => answers.get(nameOf(lane, number)) === 'stored',
      );
      const came = stored.filter((number) => receptions.has(lane, number));
      const [first = Number.POSITIVE_INFINITY, last = Number.NEGATIVE_INFINITY] = [came[0], came.at(-1)];
      for (const number of stored) {
        if (receptions.has(lane, number)) continue;
        lost[number < first ? 'prefix' : number > last ? 'suffix' : 'middle'] += 1;
        offend(`lost ${nameOf(lane, number)}`);
      }
    }
    const count = (which: Answer): number => [...answers.values()].filter((answer) => answer === which).length;
    const refusedButThere = [...answers].filter(([name, answer]) => answer === 'refused' && receptions.hasName(name));
    for (const [name] of refusedButThere) offend(`refused and received ${name}`);
    const phantoms = receptions.names().filter((name) => {
      const [lane = 0, number = 0] = name.split(':').map(Number);
      return !(number < this.sentOf(lane));
    });
    for (const name of phantoms) offend(`phantom ${name}`);
    return {
      sent: this.#sent.reduce((sum, each) => sum + each, 0),
      stored: count('stored'),
      refused: count('refused'),
      unknown: count('unknown'),
      received: receptions.count,
      lost: lost.prefix + lost.middle + lost.suffix,
      lostPrefix: lost.prefix,
      lostMiddle: lost.middle,
      lostSuffix: lost.suffix,
      duplicated: receptions.duplicated,
      phantom: phantoms.length,
      refusedButThere: refusedButThere.length,
      reordered: receptions.reordered,
      offenders,
    };
  }

  close(): void {
    closeSync(this.#file);
    rmSync(this.#directory, { recursive: true, force: true });
  }

  #lines(): string[][] {
    return readFileSync(join(this.#directory, 'answers'), 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => line.split(' '));
  }
}

/** What one subscription received. */
export class Receptions {
  readonly #times = new Map<string, number>();
  readonly #latest = new Map<number, number>();
  duplicated = 0;
  reordered = 0;

  /** True for the first reception. */
  note(lane: number, number: number): boolean {
    const name = nameOf(lane, number);
    const times = this.#times.get(name) ?? 0;
    this.#times.set(name, times + 1);
    if (times > 0) {
      this.duplicated += 1;
      return false;
    }
    if (number < (this.#latest.get(lane) ?? -1)) this.reordered += 1;
    else this.#latest.set(lane, number);
    return true;
  }

  has(lane: number, number: number): boolean {
    return this.hasName(nameOf(lane, number));
  }

  hasName(name: string): boolean {
    return this.#times.has(name);
  }

  names(): string[] {
    return [...this.#times.keys()];
  }

  get count(): number {
    return this.#times.size;
  }
}

export function nameOf(lane: number, number: number): string {
  return `${lane}:${number}`;
}
