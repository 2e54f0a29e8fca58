/** docs/SCENARIOS.md: which property of the list (S01 to S51) is asked by which scenario, what is expected of whom, and what nobody asks. */

import { scenarios, systemIds } from '../src/compare/index.ts';
import { type Expectation, notRun, type Scenario } from '../src/compare/scenarios/index.ts';

export function scenariosPage(): string {
  const numbers = new Set(scenarios.map(({ number }) => number));
  return [
    '# The scenarios of the comparison',
    '',
    'Printed by `npm run docs` from `src/compare/scenarios`: one file for each scenario, which asks one question of every system that it makes',
    'sense for, through the port and with the bare client. `sluice compare --only ID` runs one; `smoke` runs those marked so, `full` all of them, with',
    `more messages and, where brokers are killed, more kills. \`standard\` runs all but ${onlyInFull()}, and asks`,
    'those with a fault, and the slow ones, of the bare clients only. Those with a fault run last, on wires of their own, and only on brokers that the run',
    "started itself as processes. Some are also put to Kafka's share groups (layer `reference`).",
    '',
    'What is **expected** is from the documents named, in our own words; what is **observed** stands in the report of a run, beside it. Where they',
    'disagree the report says SURPRISE. PASS: the property holds. EMULATED: by work of the adapter or of a pattern. DIFFERS: it does not hold, the',
    'report says what happens instead. UNSUPPORTED: refused, or there is no such thing.',
    '',
    'RabbitMQ is 4.3 by default; the other end of the range is `--systems rabbitmq-quorum@3.10` (and `@4.0`), and an expectation says where it is',
    'for some versions only. A verdict never rests on how fast this machine is, but for a few bounds that are said in the scenario; figures of time are',
    'told as they were. Losses are counted from a ledger of what was answered and what was seen, split into before, between and after what was',
    'seen. What was not seen in n kills is said with its bound: 0 of 30 is "below 10 %", 0 of 1 says next to nothing.',
    '',
    `## The list: ${numbers.size} of 51 properties, ${scenarios.length} scenarios`,
    '',
    '| property | scenario | question | layers | fault | smoke |',
    '| --- | --- | --- | --- | :---: | :---: |',
    ...[...scenarios].sort((a, b) => a.number.localeCompare(b.number)).map(listRow),
    '',
    ...notMeasured(),
    '## What is expected, and why',
    '',
    ...scenarios.flatMap(section),
    ...foundOtherwise(),
  ].join('\n');
}

function onlyInFull(): string {
  const ids = scenarios.filter(({ isOnlyInFull }) => isOnlyInFull === true).map(({ id }) => `\`${id}\``);
  return `${ids.slice(0, -1).join(', ')} and ${ids.at(-1)}`;
}

function notMeasured(): readonly string[] {
  if (notRun.length === 0) return ['Every property of the list is asked by a scenario.', ''];
  const rows = notRun.map(({ number, id, reason }) => row([number, id, reason]));
  return ['## Not measured', '', '| property | what | why |', '| --- | --- | --- |', ...rows, ''];
}

function listRow({ number, id, question, layers, isFault, isInSmoke }: Scenario): string {
  const mark = (is: boolean | undefined) => (is === true ? 'yes' : '');
  return row([number, `[${id}](#${id})`, question, layers.join(', '), mark(isFault), mark(isInSmoke)]);
}

function section(scenario: Scenario): readonly string[] {
  const leftOut = systemIds.flatMap((system) =>
    scenario.layers.flatMap((layer) => {
      const reason = scenario.notFor(system, layer);
      return reason === null ? [] : [{ place: `${system} (${layer})`, reason }];
    }),
  );
  const reasons = [...new Set(leftOut.map(({ reason }) => reason))];
  return [
    `### ${scenario.id}`,
    '',
    `${scenario.number}. ${scenario.question}`,
    ...(scenario.isOnlyInFull === true
      ? ['', 'Asked by `--profile full`, or by its name with `--only`: it needs a broker of its own.']
      : []),
    '',
    '| systems | layer | versions | expected | why | source |',
    '| --- | --- | --- | --- | --- | --- |',
    ...scenario.expectations.map((expectation) => expectationRow(expectation, scenario)),
    '',
    ...reasons.map((reason) => {
      const places = leftOut.filter((one) => one.reason === reason).map(({ place }) => place);
      return `Not asked of ${places.join(', ')}: ${reason}.`;
    }),
    ...(reasons.length === 0 ? [] : ['']),
  ];
}

/** The first row that fits decides, so a later "all" means the others. */
function expectationRow(
  { systems, layers, versions, verdict, or, why, source }: Expectation,
  scenario: Scenario,
): string {
  const who =
    systems.length === systemIds.length
      ? scenario.expectations.length === 1
        ? 'all'
        : 'all others'
      : systems.join(', ');
  return row([
    who,
    layers?.join(', ') ?? 'any',
    versions === '*' ? 'all' : versions,
    or === undefined ? verdict : `${verdict} (or ${or})`,
    why,
    source,
  ]);
}

function foundOtherwise(): readonly string[] {
  const found = scenarios.flatMap((scenario) =>
    scenario.expectations.flatMap(({ explained, systems }) =>
      explained === undefined ? [] : [`* **${scenario.id}**, ${systems.join(', ')}: ${explained}`],
    ),
  );
  return found.length === 0 ? [] : ['## Found to be otherwise, and what was found out about it', '', ...found, ''];
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}
