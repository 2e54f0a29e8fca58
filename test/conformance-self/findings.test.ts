/** The findings of a run beside the capability table: what disagrees is said, what is known to be untested is not. */

import { describe, expect, it } from 'vitest';
import { type CapabilityTable, capabilityNames, native, unsupported } from '../../src/adapters/capabilities.ts';
import {
  type ChapterResult,
  disagreements,
  renderFindings,
  reportOf,
  type TargetReport,
} from '../../src/conformance/index.ts';

const info = { backend: 'b', product: 'Product', version: '1' };

/** Everything is claimed but delay, and one chapter of each ran as it should. */
const table = Object.fromEntries(
  capabilityNames.map((name) => [name, name === 'delay' ? unsupported('no') : native('yes')]),
) as CapabilityTable;

function report(changes: Readonly<Record<string, Partial<ChapterResult> | null>> = {}): TargetReport {
  const results = capabilityNames.flatMap((capability): readonly ChapterResult[] => {
    const change = changes[capability];
    if (change === null) return [];
    return [{ capability, name: 'chapter', outcome: 'passed', detail: null, tookMs: 1, ...change }];
  });
  return reportOf('mine', info, table, results);
}

describe('the findings', () => {
  it('agree with a table whose claims held and whose rest was refused', () => {
    expect(disagreements(report())).toEqual([]);
    expect(report().findings.delay).toEqual({ level: 'unsupported', found: 'refused' });
    expect(report().findings.lag).toEqual({ level: 'native', found: 'holds' });
  });

  it('disagree when a chapter failed, on either branch', () => {
    const failed = { outcome: 'failed', detail: 'it did not' } as const;
    expect(disagreements(report({ lag: failed, delay: failed }))).toEqual([
      'delay is unsupported, but a chapter of it failed',
      'lag is claimed (native), but a chapter of it failed',
    ]);
  });

  it('disagree when no chapter of a claim ran, with the reason, or none saw that it is refused', () => {
    const untested = { outcome: 'untested', detail: 'no way to see it' } as const;
    expect(disagreements(report({ lag: untested, delay: null }))).toEqual([
      'delay is unsupported, but no chapter of it ran: it was left out of the run',
      'lag is claimed (native), but no chapter of it ran: no way to see it',
    ]);
  });

  it('take what is known to be untested, as long as it is', () => {
    const known = { lag: 'this broker counts once an hour' };
    expect(disagreements(report({ lag: { outcome: 'untested', detail: 'x' } }), known)).toEqual([]);
    expect(disagreements(report(), known)).toEqual([
      'lag is listed as untested (this broker counts once an hour), but it was tested: holds',
    ]);
  });

  it('are printed as capability x target, with a note for each chapter that was not run', () => {
    const printed = renderFindings([report(), report({ lag: { outcome: 'untested', detail: 'no way to see it' } })]);
    expect(printed).toContain('| lag | holds (1) | **untested** (1) |');
    expect(printed).toContain('| delay | refused | refused |');
    expect(printed).toContain('1. lag: chapter (mine): not run: no way to see it.');
  });
});
