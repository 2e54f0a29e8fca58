/**
 * A real file system whose power is cut under load: ext4 in an image, shut down by the kernel without flushing its journal (what
 * xfstests does to test file systems), mounted again and so recovered from its journal. What a sync had answered for must be there;
 * what was only in the page cache is gone, and may be.
 */

import { describe, expect, it } from 'vitest';
import { Child } from './child.ts';
import { ackedAtLeast, Ledger } from './ledger.ts';
import { ext4Image, whyNoImages } from './mount.ts';
import { diceOf, runs, seedOfRun } from './support.ts';
import { crash } from './writer.ts';

const ROUNDS = runs(4, 200);

describe.skipIf(whyNoImages !== null)('on ext4', () => {
  it(`${ROUNDS} times the power is cut under load: what a sync had answered for is there, in order, and nothing that was not sent`, {
    timeout: ROUNDS * 20_000,
  }, async () => {
    const seed = seedOfRun();
    const dice = diceOf(seed);
    const image = await ext4Image('96M');
    const known = new Ledger((appender) => appender >= crash.unsyncedAppenders);
    try {
      for (let life = 0; life < ROUNDS; life += 1) {
        const writer = new Child('writer.ts', image.path('data'), `${life}`);
        try {
          await writer.said(ackedAtLeast(100 + dice(1_500)));
          image.cutPower();
        } finally {
          await writer.kill();
        }
        image.remount();
        known.note(writer.lines);
        await known.check(image.path('data'));
      }
      expect(known.acked).toBeGreaterThan(ROUNDS * 50);
    } catch (reason) {
      throw new Error(`SLUICE_SEED=${seed}\n${String(reason)}`, { cause: reason });
    }
  });
});
