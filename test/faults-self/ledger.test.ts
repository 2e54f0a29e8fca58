/** The audit of the fault rounds finds what it is there to find. */

import { describe, expect, it, onTestFinished } from 'vitest';
import { AckedLedger, Receptions } from '../faults/ledger.ts';
import { heldNoMoreThan, holdings } from '../faults/leaks.ts';

/** Ten messages of one lane, all stored but those in `answers`; received are those in `received`, in that order. */
function verdictOf(received: readonly number[], answers: Readonly<Record<number, 'refused' | 'unknown'>> = {}) {
  const ledger = new AckedLedger();
  onTestFinished(() => ledger.close());
  for (const number of ledger.send(0, 10)) ledger.answered(0, number, answers[number] ?? 'stored');
  const receptions = new Receptions();
  for (const number of received) receptions.note(0, number);
  return ledger.verdict(receptions);
}

const all = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];

describe('the ledger of fault rounds', () => {
  it('has nothing to say of a run in which all came once and in order', () => {
    expect(verdictOf(all)).toMatchObject({
      stored: 10,
      received: 10,
      lost: 0,
      duplicated: 0,
      reordered: 0,
      phantom: 0,
      offenders: [],
    });
  });

  it('tells what was lost at the beginning, in the middle and at the end', () => {
    const verdict = verdictOf([2, 3, 5, 6, 7]);
    expect(verdict).toMatchObject({ lost: 5, lostPrefix: 2, lostMiddle: 1, lostSuffix: 2 });
    expect(verdict.offenders).toContain('lost 0:4');
  });

  it('misses neither what is unknown nor what was refused, but finds a refused one that is there', () => {
    expect(verdictOf(all.slice(0, 8), { 8: 'unknown', 9: 'refused' })).toMatchObject({
      lost: 0,
      unknown: 1,
      refused: 1,
      refusedButThere: 0,
    });
    expect(verdictOf(all, { 9: 'refused' })).toMatchObject({
      refusedButThere: 1,
      offenders: ['refused and received 0:9'],
    });
  });

  it('counts what came twice, what came late, and what nobody sent', () => {
    expect(verdictOf([...all, 3, 3])).toMatchObject({ lost: 0, duplicated: 2, reordered: 0 });
    expect(verdictOf([0, 1, 3, 2, ...all.slice(4)])).toMatchObject({ lost: 0, reordered: 1 });
    expect(verdictOf([...all, 10])).toMatchObject({ phantom: 1, offenders: ['phantom 0:10'] });
  });
});

describe('the look at what a process holds', () => {
  it('names timers that were left behind, and is content when they are gone', async () => {
    const before = holdings();
    // More than the runner's own, some of which end meanwhile.
    const timers = Array.from({ length: 10 }, () => setInterval(() => undefined, 60_000));
    await expect(heldNoMoreThan(before, 50)).rejects.toThrow(/\d+ x Timeout/);
    for (const timer of timers) clearInterval(timer);
    await heldNoMoreThan(before);
  });
});
