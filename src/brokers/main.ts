/** `sluice brokers up | status | list | down`: real brokers to work with, until they are told to end. */

import { Argument, type Command, Option } from 'commander';
import type { KeptRun } from './running.ts';
import type { BrokerKind, KafkaHandle, RabbitMqHandle, RabbitMqVersion } from './types.ts';

/** The command's exit status: wrong usage, and a broker that could not be had. */
const EXIT_USAGE = 2;
const EXIT_UNAVAILABLE = 3;

interface UpOptions {
  readonly rabbitmq?: RabbitMqVersion;
  readonly nodes?: '1' | '3';
  readonly json?: true;
}

interface Said {
  readonly json?: true;
}

/** Adds the command and its parts; everything heavy is loaded when one of them runs. */
export function registerBrokersCommands(program: Command): void {
  const brokers = program
    .command('brokers')
    .description('Start and end a real RabbitMQ and a real Kafka on this machine.')
    .addHelpText(
      'after',
      `
Where they come from, in this order: the addresses in SLUICE_RABBITMQ_URL and SLUICE_KAFKA_BROKERS; what \`sluice brokers up\`
left running; Docker, where an engine answers; local processes (Kafka from Maven Central with mvn and java; RabbitMQ by
debootstrap, on Debian as root).
Everything listens on 127.0.0.1 only. The software is kept in $XDG_CACHE_HOME/sluice (~/.cache/sluice).

Exit status: 0 done, 2 wrong usage, 3 a broker that was asked for could not be had.

Examples:
  sluice brokers up                        both, one node each
  sluice brokers up rabbitmq --rabbitmq 3.10
  sluice brokers up kafka --nodes 3 --json
  sluice brokers down`,
    );
  brokers
    .command('up')
    .description('Start brokers and leave them running. What runs already is left as it is.')
    .addArgument(which())
    .addOption(
      new Option('--rabbitmq <version>', 'RabbitMQ version (4.3, or 4.0 where 4.3 cannot be had)').choices([
        '4.3',
        '4.0',
        '3.10',
      ]),
    )
    .addOption(new Option('--nodes <count>', 'nodes of each cluster (1)').choices(['1', '3']))
    .option('--json', 'print the addresses as JSON')
    .action(up);
  brokers
    .command('status')
    .description('Show what `up` left running and whether it answers.')
    .option('--json', 'as JSON')
    .action(status);
  brokers
    .command('list')
    .description('Show every broker on record, those of tests and comparisons too, and the software in the cache.')
    .option('--json', 'as JSON')
    .action(list);
  brokers
    .command('down')
    .description('End what `up` left running and remove its data.')
    .addArgument(which())
    .option('--json', 'as JSON')
    .action(down);
}

function which(): Argument {
  return new Argument('[which]').choices(['rabbitmq', 'kafka', 'all']).default('all');
}

function kindsOf(name: string): BrokerKind[] {
  return name === 'rabbitmq' || name === 'kafka' ? [name] : ['rabbitmq', 'kafka'];
}

async function up(name: string, options: UpOptions): Promise<void> {
  const { leaveRunning } = await import('./kept.ts');
  const request = {
    ...(options.rabbitmq === undefined ? {} : { rabbitmqVersion: options.rabbitmq }),
    ...(options.nodes === undefined ? {} : { nodes: options.nodes === '3' ? (3 as const) : (1 as const) }),
    onProgress: (line: string) => void process.stderr.write(`${line}\n`),
  };
  const outcomes = await leaveRunning(kindsOf(name), request);
  const handles = outcomes.flatMap((one) => ('handle' in one ? [one.handle] : []));
  if (options.json === true) printJson(summaryOf(handles));
  for (const one of outcomes) {
    if ('handle' in one) {
      if (options.json !== true) print(`${inWords(one.handle)}${one.started === null ? ' (runs already)' : ''}`);
      continue;
    }
    process.stderr.write(`sluice: ${one.kind} could not be had: ${one.reason}\n`);
    // A wrong wish weighs more than a missing broker: it will not come true by trying again.
    if (process.exitCode !== EXIT_USAGE) process.exitCode = 'isConflict' in one ? EXIT_USAGE : EXIT_UNAVAILABLE;
  }
}

async function status(options: Said): Promise<void> {
  const { keptRuns } = await import('./running.ts');
  const runs = await keptRuns();
  if (options.json === true) {
    printJson(summaryOf(runs.filter((run) => run.trouble === null).map((run) => run.handle)));
    return;
  }
  if (runs.length === 0) print('nothing runs; start with: sluice brokers up');
  for (const run of runs) print(stateInWords(run));
}

async function list(options: Said): Promise<void> {
  const { inventory } = await import('./kept.ts');
  const { software, runs } = inventory();
  if (options.json === true) {
    printJson({ software, runs });
    return;
  }
  for (const directory of software) print(`software  ${directory}`);
  for (const run of runs)
    print(`run       ${run.id}  ${run.owner}  since ${run.startedAt}  ${run.addresses.join(' ')}`);
  if (software.length + runs.length === 0) print('no software in the cache and nothing on record');
}

async function down(name: string, options: Said): Promise<void> {
  const { endKept } = await import('./kept.ts');
  const ended = await endKept(kindsOf(name));
  if (options.json === true) printJson({ ended });
  else print(ended.length === 0 ? 'nothing was running' : `ended ${ended.join(', ')}`);
}

function summaryOf(handles: readonly (RabbitMqHandle | KafkaHandle)[]): object {
  const rabbitmq = handles.find((handle) => handle.kind === 'rabbitmq');
  const kafka = handles.find((handle) => handle.kind === 'kafka');
  return {
    ...(rabbitmq && { rabbitmq: { url: rabbitmq.url, version: rabbitmq.version, nodes: rabbitmq.nodes } }),
    ...(kafka && { kafka: { brokers: kafka.brokers, version: kafka.version, nodes: kafka.nodes } }),
  };
}

function inWords(handle: RabbitMqHandle | KafkaHandle): string {
  const where = handle.kind === 'rabbitmq' ? handle.urls : handle.brokers;
  return `${handle.kind.padEnd(8)}  ${handle.version}  ${where.join(',')}`;
}

function stateInWords({ handle, trouble }: KeptRun): string {
  return `${inWords(handle)}  ${trouble === null ? 'answers' : `does not answer: ${trouble}`}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

function printJson(value: unknown): void {
  print(JSON.stringify(value, null, 2));
}
