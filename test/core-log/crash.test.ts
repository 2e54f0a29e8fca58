import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openEngine } from '../../src/core-log/index.ts';
import { Child } from './child.ts';
import { crash } from './writer.ts';
import { diceOf, readAll, runs, seedOfRun } from './support.ts';

const ROUNDS = runs(20, 1_000);

it(`${ROUNDS} times killed with -9 under load: what was acknowledged is there, in order, and nothing that was not sent`, {
  timeout: ROUNDS * 5_000,
}, async (context) => {
  const dataDir = mkdtempSync(join(tmpdir(), 'sluice-crash-'));
  context.onTestFinished(() => rmSync(dataDir, { recursive: true, force: true }));
  const seed = seedOfRun();
  const dice = diceOf(seed);
  const known = new Ledger();
  try {
    for (let life = 0; life < ROUNDS; life += 1) {
      const writer = new Child('writer.ts', dataDir, `${life}`);
      try {
        // Under load first, then so many acknowledgements more: a moment that no timer of ours chose.
        const acks = 20 + dice(600);
        await writer.said((output) => occurrences(output, 'acked') >= acks);
      } finally {
        await writer.kill();
      }
      known.note(writer.lines);
      await check(dataDir, known);
    }
    expect(known.acked).toBeGreaterThan(ROUNDS * 20);
    expect(
      readdirSync(join(dataDir, 'topics', `${crash.topic}-0`)).filter((name) => name.endsWith('.log')).length,
    ).toBeGreaterThan(1);
  } catch (reason) {
    throw new Error(`SLUICE_SEED=${seed}\n${String(reason)}`, { cause: reason });
  }
});

/** What the killed processes said: what they sent, and what they were told is stored, and where. */
class Ledger {
  readonly sent = new Map<string, number>();
  readonly places = new Map<string, string>();
  acked = 0;

  note(lines: readonly string[]): void {
    for (const line of lines) {
      const [kind, partition, ...rest] = line.split(' ');
      if (kind === 'sent') for (const id of rest) this.sent.set(id, Number(partition));
      if (kind !== 'acked') continue;
      const [baseOffset, ...ids] = rest;
      for (const [index, id] of ids.entries()) this.places.set(`${partition}/${Number(baseOffset) + index}`, id);
      this.acked += ids.length;
    }
  }
}

/** Opens the log as the next process would, and holds it against what is known. */
async function check(dataDir: string, known: Ledger): Promise<void> {
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
        expect([id, known.sent.get(id)]).toEqual([id, partition]); // no phantom
        const [life, appender, number] = id.split(':');
        const writer = `${life}:${appender}`;
        expect(Number(number)).toBeGreaterThan(lastOf.get(writer) ?? -1); // in order, none twice
        lastOf.set(writer, Number(number));
        found.set(`${partition}/${offset}`, id);
      }
    }
    for (const [place, id] of known.places) expect([place, found.get(place)]).toEqual([place, id]); // none lost
  } finally {
    await engine.close();
  }
}

function occurrences(text: string, word: string): number {
  let count = 0;
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + word.length)) count += 1;
  return count;
}
