/** What processes that were ended in the middle said they sent and were told is stored, and what must be found of it. */

import { expect } from 'vitest';
import { openEngine } from '../../src/core-log/index.ts';
import { readAll } from './support.ts';
import { crash } from './writer.ts';

export class Ledger {
  readonly #sent = new Map<string, number>();
  readonly #places = new Map<string, string>();
  readonly #mustLast: (appender: number) => boolean;

  /** `mustLast`: whether what this appender was told is stored survives what is done to it. */
  constructor(mustLast: (appender: number) => boolean = () => true) {
    this.#mustLast = mustLast;
  }

  /** Acknowledged records that must be found. */
  get acked(): number {
    return this.#places.size;
  }

  note(lines: readonly string[]): void {
    for (const line of lines) {
      const [kind, partition, ...rest] = line.split(' ');
      if (kind === 'sent') for (const id of rest) this.#sent.set(id, Number(partition));
      if (kind !== 'acked') continue;
      const [baseOffset, ...ids] = rest;
      if (!this.#mustLast(Number(ids[0]?.split(':')[1]))) continue;
      for (const [index, id] of ids.entries()) this.#places.set(`${partition}/${Number(baseOffset) + index}`, id);
    }
  }

  /** Opens the log as the next process would, and holds it against what is known: dense, in order, nothing lost, no phantom. */
  async check(dataDir: string): Promise<void> {
    const engine = await openEngine({ dataDir });
    try {
      expect(engine.recovery.partitions.filter(({ fencedReason }) => fencedReason !== null)).toEqual([]);
      const found = new Map<string, string>();
      for (let partition = 0; partition < crash.partitions; partition += 1) {
        const records = await readAll(engine, crash.topic, partition);
        const lastOf = new Map<string, number>();
        for (const [index, { offset, key, value }] of records.entries()) {
          expect(offset).toBe(index); // dense
          const id = key?.toString() ?? '';
          expect(value?.toString().startsWith(id)).toBe(true);
          expect([id, this.#sent.get(id)]).toEqual([id, partition]); // no phantom
          const [life, appender, number] = id.split(':');
          const writer = `${life}:${appender}`;
          expect(Number(number)).toBeGreaterThan(lastOf.get(writer) ?? -1); // in order, none twice
          lastOf.set(writer, Number(number));
          found.set(`${partition}/${offset}`, id);
        }
      }
      for (const [place, id] of this.#places) expect([place, found.get(place)]).toEqual([place, id]); // none lost
    } finally {
      await engine.close();
    }
  }
}

/** Resolves when the process was acknowledged so many appends. */
export function ackedAtLeast(count: number): (output: string) => boolean {
  return (output) => {
    let found = 0;
    for (let at = output.indexOf('acked'); at !== -1; at = output.indexOf('acked', at + 5)) found += 1;
    return found >= count;
  };
}
