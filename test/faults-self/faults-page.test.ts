/** What docs/FAULTS.md is printed from: every fault has a test that there is, and figures that keep what is promised. */

import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { type Fault, faults } from '../faults/fault-table.ts';
import { readRows, recordedDir } from '../faults/rows.ts';

const root = new URL('../../', import.meta.url);
const rows = readRows(recordedDir);

describe('the page of faults', () => {
  it.each(Object.entries<Fault>(faults))('%s: its test is there, and its figures were recorded', (id, { file }) => {
    expect(existsSync(fileURLToPath(new URL(file, root)))).toBe(true);
    expect(rows.filter(({ fault }) => fault === id).length).toBeGreaterThan(0);
  });

  it.each(rows.map((row) => [`${row.fault} on ${row.system}`, row] as const))(
    '%s: nothing was lost, made up, out of order, or stored against its answer',
    (_name, row) => {
      expect(row).toMatchObject({ lost: 0, phantom: 0, refusedButThere: 0, reordered: 0 });
      expect(row.stored).toBeGreaterThan(0);
    },
  );
});
