/** `sluice topics`: list, create, describe, alter, delete. */

import type { Command } from 'commander';
import type { TopicChanges, TopicDefinition, TopicOptions } from '../generated/schemas.ts';
import {
  connected,
  type ConnectionFlags,
  runCommand,
  type Terminal,
  UsageError,
  whole,
  withConnection,
  write,
} from './connection.ts';
import { table } from './table.ts';

interface TopicFlags extends ConnectionFlags {
  readonly json?: boolean;
  readonly partitions?: string;
  readonly retentionMs?: string;
  readonly retentionBytes?: string;
  readonly cleanup?: 'delete' | 'compact';
  readonly queueType?: 'quorum' | 'classic' | 'stream';
  readonly replicas?: string;
  readonly option?: readonly string[];
  readonly ifMatch?: string;
}

const examples = `
Exit status: 0 done, 1 refused, 2 wrong usage, 3 no gateway, or no broker behind it.

Examples:
  sluice topics create orders --partitions 8
  sluice topics list --json
  sluice topics alter orders --partitions 16 --retention-ms 604800000
  sluice topics delete orders --url http://gateway:8080`;

export function registerTopicsCommand(program: Command, terminal: Terminal): void {
  const topics = program
    .command('topics')
    .description('Topics of a gateway: list, create, describe, alter, delete.')
    .addHelpText('after', examples);
  add(topics, terminal, 'list', 'All topics.', async (_, flags) => {
    const found = await (await connected(terminal, flags)).topics.list();
    await write(terminal, flags.json === true ? lines(found) : topicTable(found));
  });
  add(topics, terminal, 'describe <topic>', 'One topic, with every default filled in.', async ([name = ''], flags) => {
    await show(terminal, await (await connected(terminal, flags)).topics.describe(name), flags);
  });
  withOptions(
    add(topics, terminal, 'create <topic>', 'Make a topic; the same again is no error.', async ([name = ''], flags) => {
      await show(terminal, await (await connected(terminal, flags)).topics.create({ name, ...creation(flags) }), flags);
    }),
  )
    .option('--queue-type <type>', 'RabbitMQ: quorum, classic or stream')
    .option('--replicas <number>', 'on so many nodes');
  withOptions(
    add(topics, terminal, 'alter <topic>', 'Change a topic; what is not named stays.', async ([name = ''], flags) => {
      const changes = changesOf(flags);
      if (Object.keys(changes).length === 0) throw new UsageError('nothing to change: name an option (see --help)');
      const options = flags.ifMatch === undefined ? {} : { ifMatch: flags.ifMatch };
      await show(terminal, await (await connected(terminal, flags)).topics.alter(name, changes, options), flags);
    }),
  ).option('--if-match <etag>', 'only while the topic has this etag, as describe --json tells it');
  add(
    topics,
    terminal,
    'delete <topic>',
    'Remove a topic with its messages and subscriptions.',
    async ([name = ''], flags) => {
      await (await connected(terminal, flags)).topics.delete(name);
    },
  );
}

function add(
  topics: Command,
  terminal: Terminal,
  usage: string,
  description: string,
  work: (names: readonly string[], flags: TopicFlags) => Promise<void>,
): Command {
  const command = topics.command(usage).description(description).option('--json', 'as JSON, one line each');
  return withConnection(command).action(async (...given: unknown[]) => {
    const names = given.filter((one): one is string => typeof one === 'string');
    const flags = given.find((one) => typeof one === 'object') as TopicFlags;
    await runCommand(terminal, async () => await work(names, flags));
  });
}

function withOptions(command: Command): Command {
  return command
    .option('--partitions <number>', 'how many; can only grow')
    .option('--retention-ms <ms>', 'messages older than this leave; "none": never')
    .option('--retention-bytes <bytes>', 'a partition keeps about so much; "none": all')
    .option('--cleanup <policy>', 'delete, or compact: keep the latest of each key')
    .option('--option <name=value...>', 'an option of the backend by its own name');
}

function creation(flags: TopicFlags): Omit<TopicOptions, 'name'> {
  const { retention, options, ...rest } = changesOf(flags);
  const { ms, bytes } = retention ?? {};
  const kept = { ...(typeof ms === 'number' && { ms }), ...(typeof bytes === 'number' && { bytes }) };
  return {
    ...rest,
    ...(retention === undefined ? {} : { retention: kept }),
    ...(options === undefined ? {} : { options: options as NonNullable<TopicOptions['options']> }),
    ...(flags.queueType === undefined ? {} : { queueType: flags.queueType }),
    ...(flags.replicas === undefined ? {} : { replicas: whole(flags.replicas, '--replicas', 1) }),
  };
}

function changesOf({ partitions, retentionMs, retentionBytes, cleanup, option }: TopicFlags): TopicChanges {
  const bound = (text: string, flag: string): number | null => (text === 'none' ? null : whole(text, flag, 1));
  const retention = {
    ...(retentionMs === undefined ? {} : { ms: bound(retentionMs, '--retention-ms') }),
    ...(retentionBytes === undefined ? {} : { bytes: bound(retentionBytes, '--retention-bytes') }),
  };
  return {
    ...(partitions === undefined ? {} : { partitions: whole(partitions, '--partitions', 1) }),
    ...(Object.keys(retention).length === 0 ? {} : { retention }),
    ...(cleanup === undefined ? {} : { cleanup }),
    ...(option === undefined ? {} : { options: Object.fromEntries(option.map(optionOf)) }),
  };
}

/** Text that reads as a number or a boolean is one: options of backends are. */
function optionOf(text: string): [string, string | number | boolean] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`--option must be name=value, not "${text}"`);
  const value = text.slice(at + 1);
  if (value === 'true' || value === 'false') return [text.slice(0, at), value === 'true'];
  return [text.slice(0, at), /^-?\d{1,15}$/.test(value) ? Number(value) : value];
}

async function show(
  terminal: Terminal,
  topic: TopicDefinition & { readonly etag: string },
  flags: TopicFlags,
): Promise<void> {
  await write(terminal, flags.json === true ? lines([topic]) : topicTable([topic]));
}

function lines(found: readonly object[]): string {
  return found.map((one) => `${JSON.stringify(one)}\n`).join('');
}

function topicTable(found: readonly TopicDefinition[]): string {
  return table(
    ['TOPIC', 'PARTITIONS', 'CLEANUP', 'RETENTION', 'QUEUE', 'REPLICAS', 'OPTIONS'],
    found.map(({ name, partitions, cleanup, retention, queueType, replicas, options }) => [
      name,
      String(partitions),
      cleanup,
      [
        ...(retention.ms === null ? [] : [`${retention.ms} ms`]),
        ...(retention.bytes === null ? [] : [`${retention.bytes} bytes`]),
      ].join(', ') || 'none',
      queueType ?? '-',
      replicas === null ? '-' : String(replicas),
      Object.entries(options)
        .map(([option, value]) => `${option}=${String(value)}`)
        .join(' '),
    ]),
  );
}
