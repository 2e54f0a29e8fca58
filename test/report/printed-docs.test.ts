/** The documents that are made from code are what the code says now. */

import { describe, expect, it } from 'vitest';
import { capabilityNames } from '../../src/adapters/capabilities.ts';
import { currentText, printedFiles, withPart } from '../../scripts/print-docs.ts';

describe('printed documents', () => {
  it.each(Object.entries(printedFiles))('%s is as `npm run docs` prints it', (path, print) => {
    expect(print() === currentText(path), `run \`npm run docs\`: ${path} is not what it prints`).toBe(true);
  });

  it("README's table has every capability, each with a link to its section", () => {
    const readme = currentText('README.md');
    for (const name of capabilityNames)
      expect(readme).toMatch(
        new RegExp(`\\| \\[${name.replaceAll('.', '\\.')}\\]\\(docs/CAPABILITIES\\.md#[a-z]+\\) \\|`),
      );
  });

  it('the schema has every part of a report', () => {
    const schema = JSON.parse(currentText('docs/report.schema.json')) as { properties: object; required: string[] };
    // A report from before the noise of a run was measured, anything was named before it, or uses were judged, or of a run without
    // --check, is a report all the same.
    expect([...schema.required, 'noise', 'primary', 'uses', 'agreement'].toSorted()).toEqual(
      Object.keys(schema.properties).toSorted(),
    );
    expect(schema.required).toEqual(expect.arrayContaining(['scenarios', 'workloads', 'verdicts', 'notMeasured']));
  });

  it('a part replaces what was between its markers, and a missing marker is an error', () => {
    expect(withPart('a <!-- x:begin -->old<!-- x:end --> b', 'x', 'new')).toBe(
      'a <!-- x:begin -->\n\nnew\n\n<!-- x:end --> b',
    );
    expect(() => withPart('no markers', 'x', 'new')).toThrow('x:begin');
  });
});
