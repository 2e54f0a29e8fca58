import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { Child } from './child.ts';
import { ackedAtLeast, Ledger } from './ledger.ts';
import { diceOf, runs, seedOfRun } from './support.ts';
import { crash } from './writer.ts';

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
        await writer.said(ackedAtLeast(20 + dice(600)));
      } finally {
        await writer.kill();
      }
      known.note(writer.lines);
      await known.check(dataDir);
    }
    expect(known.acked).toBeGreaterThan(ROUNDS * 20);
    expect(
      readdirSync(join(dataDir, 'topics', `${crash.topic}-0`)).filter((name) => name.endsWith('.log')).length,
    ).toBeGreaterThan(1);
  } catch (reason) {
    throw new Error(`SLUICE_SEED=${seed}\n${String(reason)}`, { cause: reason });
  }
});
