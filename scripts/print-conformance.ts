/**
 * docs/CONFORMANCE.md: what the suite found on each target when it was last recorded, which property is tested by which chapter, and
 * the ports broken on purpose with the chapter that rejects each. `npm run docs` writes it, and a test holds the committed file to it.
 */

import { properties, type Property, renderFindings, type TargetReport } from '../src/conformance/index.ts';
import { brokenPorts } from '../test/support/broken-ports.ts';
import { readReports, recordedDir } from '../test/support/conformance-results.ts';

export function conformancePage(): string {
  const reports = readReports(recordedDir);
  const isThroughRest = ({ target }: TargetReport): boolean => target.startsWith('REST ');
  return [
    '# What the conformance suite found',
    '',
    'Printed by `npm run docs`: the findings from the files that the last recorded run left in `test/conformance/results`, the rest from the',
    'code. To record anew: `SLUICE_CONFORMANCE_RECORD=1 SLUICE_LONG=1 npx vitest run --project brokers test/conformance`, then `npm run docs`.',
    '`npm test` runs native, Kafka and RabbitMQ 4.3 at the port and native through REST; `npm run test:long` all that is below. A run prints',
    'this table at its end, and a target fails when its findings disagree with the [capability table](CAPABILITIES.md) that it gives out.',
    'An adapter of your own gets the same with one call: [ADDING-AN-ADAPTER.md](ADDING-AN-ADAPTER.md).',
    '',
    '**holds**: claimed, and each chapter that ran saw it. **refused**: not claimed, and using it is refused with `capability_unsupported`.',
    'Numbers name what was not run, below the table. Brokers have one node here: RabbitMQ then refuses `durability.copies`, Kafka is tested with one copy.',
    '',
    '## At the port',
    '',
    renderFindings(reports.filter((report) => !isThroughRest(report)).map(withVersion)),
    '',
    '## Through REST',
    '',
    renderFindings(reports.filter(isThroughRest).map(withVersion)),
    '',
    '## Properties, and the chapters that test them',
    '',
    'On a backend that does not claim the capability, the chapter tests that it is refused.',
    '',
    '| | property | chapters of the suite | other tests | not tested |',
    '| --- | --- | --- | --- | --- |',
    ...properties.map(propertyRow),
    '',
    '## Ports broken on purpose',
    '',
    `The suite is tested with ${brokenPorts.length} ports that are each wrong in one way. Each must be rejected by the chapter that is about it, with a`,
    'message that names what is wrong (`test/conformance-self/suite-self.test.ts`).',
    '',
    '| a port that | is caught by |',
    '| --- | --- |',
    ...brokenPorts.map(({ name, caughtBy }) => row([name, caughtBy])),
    '',
  ].join('\n');
}

/** The exact version where the name has none. */
function withVersion(report: TargetReport): TargetReport {
  const name = report.target.replace('REST over ', '').replace(/@.*/, '');
  return { ...report, target: name === 'native' ? name : `${name} ${report.version}` };
}

function propertyRow({ id, claim, chapters, tests = [], untested = '' }: Property): string {
  const files = tests.map((path) => `[${path.replace('test/', '')}](../${path})`);
  return row([id, claim, chapters.join('<br>'), files.join('<br>'), untested]);
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
