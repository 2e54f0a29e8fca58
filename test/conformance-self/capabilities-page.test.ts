/** docs/CAPABILITIES.md says what the drivers say. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { capabilityNames } from '../../src/adapters/capabilities.ts';
import { pagePath, renderCapabilities, tables } from '../../scripts/print-capabilities.ts';

describe('the page of capabilities', () => {
  it('is up to date: npm run docs writes it', () => {
    expect(readFileSync(pagePath, 'utf8')).toBe(renderCapabilities(tables));
  });

  it('has a row for every capability of every system, and marks what is refused', () => {
    const page = renderCapabilities(tables);
    for (const [system, table] of Object.entries(tables)) {
      const rows = page.split('\n').filter((line) => line.startsWith(`| ${system} | `));
      expect(rows.length, system).toBe(capabilityNames.length);
      expect(rows.filter((line) => line.includes('| **no** |')).length, system).toBe(
        Object.values(table).filter(({ level }) => level === 'unsupported').length,
      );
    }
  });
});
