/**
 * Prints docs/FAQ.md from the report that ships: each question with the cells that answer it. What is written here by hand says why
 * and has no figure in it; every figure comes from a cell, so that the page cannot say what was not measured.
 */

import { readFileSync } from 'node:fs';
import { uses } from '../src/compare/advice/index.ts';
import { parseReport, reasonLines } from '../src/compare/report/index.ts';
import type { ClaimVerdict, Layer, PrimaryResult, Report, ScenarioRow } from '../src/compare/report/model.ts';

export const reportPath = 'docs/reports/two-cores/report.json';
/** Of the scenarios that take long and are in a `full` run only. */
export const damageReportPath = 'docs/reports/damage/report.json';

interface Question {
  readonly question: string;
  /** Why it is so, without figures. */
  readonly why: string;
  /** Cells that answer it: `<scenario>` by the broker's own client where there is such a row, else through the port. */
  readonly scenarios?: readonly string[];
  /** Verdicts of claims, by their ids. */
  readonly claims?: readonly string[];
  /** Its cells are in the report on damage. */
  readonly isOfDamage?: boolean;
}

export const questions: readonly Question[] = [
  {
    question: 'Is Kafka faster?',
    why: 'It depends on what is promised: compare only rows of the same durability, and look at what limited them. A quorum queue answers when the message is on the disk, Kafka by default when the replicas have it in memory.',
    claims: ['kafka-is-faster', 'kafka-more-efficient', 'kafka-millions-per-second'],
    scenarios: ['fsync-cost'],
  },
  {
    question: 'Which one has the lower latency?',
    why: 'Compare at a load that both carry easily: close to its maximum each makes messages wait. Your own rate and size decide: `sluice compare --workload FILE`.',
    claims: ['kafka-has-low-latency', 'kafka-more-stable'],
  },
  {
    question: 'Can messages be read again after they were acknowledged?',
    why: 'A queue removes what was acknowledged; a log keeps it until retention takes it, and a reader has a place in it. RabbitMQ has both: its streams are logs.',
    claims: ['kafka-stores-rabbitmq-forgets'],
    scenarios: ['replay-after-ack', 'replay-offset', 'replay-timestamp'],
  },
  {
    question: 'Does an application that is added later get what was before it?',
    why: 'A queue gets what is published after it was made. With a log the new reader starts where it wants.',
    scenarios: ['late-subscriber'],
  },
  {
    question: 'Can many applications read the same messages, each at its own pace?',
    why: 'On all of them. Quorum queues store a copy for each reader, classic queues those of small messages, logs one for all: with many readers that is what differs.',
    claims: ['many-independent-readers'],
    scenarios: ['fan-out', 'away-subscriber', 'idle-subscription', 'fan-out-disk'],
  },
  {
    question: 'Are messages of one key worked off in order by several workers?',
    why: 'Kafka gives each partition to one member of a group. Workers who share a queue overtake each other; a single active consumer, or a queue for each worker, brings order back, and Sluice does that for an ordered subscription.',
    scenarios: ['order-per-key-competing', 'order-after-nack', 'order-global'],
  },
  {
    question: 'Can I have more workers than partitions?',
    why: 'A queue hands each message to whoever is free. In a consumer group of Kafka each partition has one reader, so further members wait; share groups, which today’s Kafka has, share the messages of a partition, and are the rows kafka-share.',
    claims: ['kafka-scales-out'],
    scenarios: ['consumers-beyond-partitions', 'slow-message', 'slow-consumer'],
  },
  {
    question: 'What about messages that fail, dead letters, priorities, delays and routing?',
    why: 'That is what queues were made for. On Kafka the application does it. Sluice does dead letters and the count of attempts for it, and refuses priorities and delays there.',
    claims: ['rabbitmq-suits-messaging', 'kafka-more-flexible'],
    scenarios: ['dead-letter', 'priority', 'delayed-message', 'routing', 'poison-message'],
  },
  {
    question: 'Does a killed broker lose what it acknowledged?',
    why: 'It depends on how it was published. Read the number of kills in the row: few kills without a loss leave room for rare ones. The loss of a whole machine is a question for a cluster.',
    claims: ['kafka-survives-faults'],
    scenarios: ['broker-kill', 'broker-kill-new-queue', 'confirm-meaning'],
  },
  {
    question: 'What does a power cut take, and what does a bit that flips on the disk do?',
    why: 'A killed process leaves everything with the kernel; a power cut takes what was not synced. One node is asked here: Kafka and RabbitMQ’s streams count on copies on other machines for that. A reader is to be told of damage: Kafka’s broker and a stream hand the bytes over as they are, for the client to check. Kafka’s Java consumer does so by default, kafkajs does not; over AMQP a stream is not checked, by its own protocol it is. The cells of this question are in [the report on damage](reports/damage/README.md).',
    scenarios: ['power-loss', 'power-loss-synced', 'corruption', 'torn-tail'],
    isOfDamage: true,
  },
  {
    question: 'Is something lost or done twice when a consumer is killed?',
    why: 'At least once: what was worked on and not acknowledged comes again, so work must be repeatable. A killed process closes its connection, which RabbitMQ acts upon at once; Kafka’s groups wait for the session timeout of the client, which can be set (kafkajs’s default here, Kafka’s own client has a longer one). When a machine or the network dies, RabbitMQ waits too, for a heartbeat; that was not tested.',
    scenarios: ['consumer-kill', 'rebalance'],
  },
  {
    question: 'Is there exactly-once?',
    why: 'Within Kafka: read, compute and write of one transaction. In these rows nothing else has it. RabbitMQ’s streams have deduplication and offsets kept by the broker by their own protocol, which these rows do not speak; and nothing outside the broker is part of either. A result that is written by its id needs no such thing.',
    scenarios: ['one-result-each', 'duplicates-after-retry', 'transaction'],
  },
  {
    question: 'What happens when nobody subscribed?',
    why: 'An exchange without a queue has no place for the message, and confirms it all the same unless the publisher asks for its return. Through Sluice such a publish is refused as `unroutable`.',
    scenarios: ['unroutable'],
  },
  {
    question: 'Which one is easier to start with and cheaper to leave running?',
    why: 'Only start-up, memory and idle processor time are measured, not how easily it is learnt.',
    claims: ['rabbitmq-easier-to-start'],
    scenarios: ['idle-cost'],
  },
  {
    question: 'How large may a message be?',
    why: 'Both have limits that can be raised. A reference to an object store is nearly always better.',
    scenarios: ['large-message'],
  },
  {
    question: 'Does Kafka fit Spark, Flink and Hadoop better?',
    why: 'They have connectors for it. That is documented and not run here.',
    claims: ['kafka-fits-spark-flink-hadoop'],
  },
];

export function faqPage(report: Report = shippedReport(), damage: Report = shippedReport(damageReportPath)): string {
  return [
    '# Questions that are asked',
    '',
    `Printed by \`npm run docs\` from [the report that ships](reports/two-cores/README.md): every figure on this page is in one of its cells, but for those of the question on damage, and the cell is named. ${sourceOf(report)}`,
    '',
    '## RabbitMQ or Kafka?',
    '',
    'Neither, until you say what for. Each reads its answer from measured cells:',
    '',
    '```sh',
    'sluice recommend --need replay,per-key-order --rate 5000 --size 1k     # by what you need',
    'sluice recommend --use fraud-scoring --report compare-report/report.json     # by what it is for, from a run of your own',
    '```',
    '',
    'What people say, and what this run found (the reasons are below, under their questions):',
    '',
    claimsTable(report),
    '',
    ...testedPart(report),
    ...usesPart(report),
    ...questions.flatMap((question) => answered(question, question.isOfDamage === true ? damage : report)),
    '## Can I have both behind one API?',
    '',
    'That is what Sluice is: [README](../README.md). A topic on RabbitMQ may be a stream or a queue, each with what it can and cannot do ([CAPABILITIES.md](CAPABILITIES.md)); what the backend lacks is refused, not ignored.',
    '',
    '## What does this not answer?',
    '',
    ...report.limits.map((limit) => `* ${limit}`),
    '',
  ].join('\n');
}

/** Each claim with its verdict: here and in README. */
export function claimsTable(report: Report = shippedReport()): string {
  const rows = report.verdicts.map(({ claim, verdict }) => `| ${inTable(claim)} | ${claimWords[verdict]} |`);
  return ['| claim | found |', '| --- | --- |', ...rows].join('\n');
}

export function shippedReport(path: string = reportPath): Report {
  return parseReport(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'));
}

// ------------------------------------------------------------------------------------------------ parts

function sourceOf({ run, environment, systems }: Report): string {
  const versions = [
    ...new Set(systems.filter(({ id }) => id !== 'log').map(({ product, version }) => `${product} ${version}`)),
  ];
  const { cpu, loadAverage } = environment;
  const busy =
    loadAverage.start > cpu.cores
      ? ` The machine was busy with other work (load ${loadAverage.start} on ${cpu.cores} cores): verdicts do not depend on that, rates and times do.`
      : '';
  return `It is of ${run.startedAt.slice(0, 10)}, profile ${run.profile}, ${versions.join(', ')}, on ${cpu.cores} cores of ${cpu.model}.${busy}`;
}

/** The only comparisons that are tests: everything else is an effect size with its interval. */
function testedPart({ primary }: Report): readonly string[] {
  if (primary === undefined) return [];
  return [
    'Six comparisons were named before the run, and are tested (rank-sum test, corrected for all six; [how](COMPARING.md#what-is-decided-before-the-run)):',
    '',
    '| expected | found | |',
    '| --- | --- | --- |',
    ...primary.results.map((one) => `| ${one.hypothesis} | ${outcomeWords[one.outcome]} | ${inTable(one.because)} |`),
    '',
  ];
}

const outcomeWords: Readonly<Record<PrimaryResult['outcome'], string>> = {
  shown: 'shown',
  'opposite-shown': 'the opposite is shown',
  'no-difference-shown': 'no difference shown',
  'cannot-be-shown': 'cannot be shown',
};

function claimLines(report: Report, claims: readonly ClaimVerdict[]): readonly string[] {
  return claims.flatMap(({ claim, verdict, reason, scope, evidence }) => {
    const from = evidence.length === 0 ? [] : [`Cells: ${shownOf(evidence)}.`];
    const where = scope === 'none' ? '' : ` (${shortScope(report, scope)})`;
    const head = `* **${claim}: ${claimWords[verdict]}**${where}.`;
    const lines = reasonLines(reason);
    if (lines.length === 1) return [[head, reason, ...from].join(' ')];
    return [head, ...[...lines, ...from].map((line) => `  * ${line}`)];
  });
}

const claimWords: Readonly<Record<ClaimVerdict['verdict'], string>> = {
  true: 'true',
  'true-if': 'true under a condition',
  false: 'false',
  inconclusive: 'undecided',
  'not-tested': 'not tested',
};

/** Products and machine stand once, above. */
function shortScope({ systems }: Report, scope: string): string {
  const products = systems.map(({ product }) => product);
  const ends = products.map((product) => scope.indexOf(`${product} `)).filter((at) => at >= 0);
  const short = scope.slice(0, Math.min(scope.length, ...ends)).replace(/[;, ]+$/, '');
  return short === '' ? 'on this machine' : short;
}

const cellsShown = 6;

function shownOf(evidence: readonly string[]): string {
  const shown = evidence.slice(0, cellsShown).map((id) => `\`${id}\``);
  return `${shown.join(', ')}${evidence.length > cellsShown ? ` and ${evidence.length - cellsShown} more` : ''}`;
}

/** Uses are judged where a run had their workloads; else what each asks for is all there is to say. */
function usesPart(report: Report): readonly string[] {
  const found = (report.uses ?? []).map(({ title, answer, id }) => `* **${title}** (\`${id}\`): ${answer}`);
  const asked = uses.map(({ id, title }) => `* **${title}**: \`sluice recommend --use ${id}\``);
  return [
    '## Which one for what?',
    '',
    ...(found.length > 0
      ? found
      : [
          'The workloads of the uses were not part of this run. From the properties alone, and what is not known said so:',
          '',
          ...asked,
        ]),
    '',
  ];
}

function answered({ question, why, scenarios = [], claims = [] }: Question, report: Report): readonly string[] {
  const told = claims.flatMap((id) => report.verdicts.filter((claim) => claim.id === id));
  const rows = scenarios.flatMap((id) => tableOf(id, report));
  const leads = scenarios.flatMap((id) => leadOf(id, report));
  return [
    `## ${question}`,
    '',
    why,
    '',
    ...claimLines(report, told),
    ...leads,
    ...(told.length + leads.length > 0 ? [''] : []),
    ...(rows.length > 0 ? ['| cell | | what was seen |', '| --- | --- | --- |', ...rows] : []),
    '',
  ];
}

/** `Replay after ack: yes kafka, rabbitmq-stream; no rabbitmq-quorum, rabbitmq-classic.` */
function leadOf(id: string, report: Report): readonly string[] {
  const rows = rowsOf(id, report);
  const [first] = rows;
  if (first === undefined) return [];
  const parts = Object.entries(words).flatMap(([verdict, word]) => {
    const systems = rows.filter((row) => row.verdict === verdict).map(({ system }) => system);
    return systems.length === 0 ? [] : [`${word}: ${systems.join(', ')}`];
  });
  return [`* ${first.question} ${parts.join('; ')}.`];
}

function tableOf(id: string, report: Report): readonly string[] {
  return rowsOf(id, report).map(
    (row) => `| \`${row.id}.${row.system}.${row.layer}\` | ${words[row.verdict]} | ${inTable(row.summary)} |`,
  );
}

/** One for each system, the embedded log left out. */
function rowsOf(id: string, report: Report): readonly ScenarioRow[] {
  return report.systems
    .filter((system) => system.id !== 'log')
    .flatMap((system) => preferred(report.scenarios.filter((row) => row.id === id && row.system === system.id)) ?? []);
}

const words: Readonly<Record<ScenarioRow['verdict'], string>> = {
  PASS: 'yes',
  EMULATED: 'emulated',
  DIFFERS: 'no',
  UNSUPPORTED: 'refused',
  INCONCLUSIVE: 'undecided',
};

const layerOrder: readonly Layer[] = ['bare', 'port', 'rest', 'grpc'];

function preferred(rows: readonly ScenarioRow[]): ScenarioRow | undefined {
  return rows.toSorted((a, b) => layerOrder.indexOf(a.layer) - layerOrder.indexOf(b.layer))[0];
}

const summaryLengthMax = 220;

function inTable(text: string): string {
  const short = text.length > summaryLengthMax ? `${text.slice(0, summaryLengthMax)} ...` : text;
  return short.replaceAll('|', '\\|').replaceAll('<', '&lt;');
}
