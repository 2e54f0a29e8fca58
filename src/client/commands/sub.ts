/**
 * `sluice sub`: reads a topic or a subscription and prints it.
 *
 * Of a topic it reads the partitions themselves (browse), which takes nothing from anybody; where the backend cannot browse, and with
 * --subscription, it is one more consumer of a subscription, and acknowledges what it has printed.
 */

import type { Command } from 'commander';
import type { SluiceClient } from '../client.ts';
import type { ReceivedMessage } from '../messages.ts';
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
import { formatHelp, type Printer, printerOf, printJson } from './format.ts';

interface SubFlags extends ConnectionFlags {
  readonly subscription?: string;
  readonly follow?: boolean;
  readonly count?: string;
  readonly from?: string;
  readonly partition?: string;
  readonly json?: boolean;
  readonly format?: string;
  readonly credit?: string;
}

const help = `
Of a topic: what is kept, from --from on, partition by partition; with --follow also what comes later, until Ctrl-C. Nothing is acknowledged, and nobody
misses anything. Topics that cannot be browsed (RabbitMQ quorum and classic) need --subscription.
Of a --subscription: what waits there; each message is acknowledged when it is printed. Ctrl-C gives back what was fetched and not printed. Without --follow
it ends when nothing more waits.

Placeholders of --format:
  ${formatHelp}

Exit status: 0 done, 1 refused, 2 wrong usage, 3 no gateway, or no broker behind it.

Examples:
  sluice sub orders --follow
  sluice sub orders --from -10                        the last ten of each partition
  sluice sub orders --from latest --follow --json | jq .value
  sluice sub orders --format '%p/%o %k: %s\\n'
  sluice sub --subscription billing --follow --count 100`;

/** How often a partition at its end is looked at again. */
const FOLLOW_INTERVAL_MS = 200;
/** Of the largest messages, a page is what a terminal can wait for. */
const PAGE = 200;
/** What waits may be with another consumer, or with a group that still forms. */
const IDLE_MS = 5_000;

export function registerSubCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('sub [topic]')
    .description('Print the messages of a topic or of a subscription.')
    .option('--subscription <name>', 'consume from this subscription, and acknowledge what is printed')
    .option('--follow', 'go on with what comes, until Ctrl-C')
    .option('--count <number>', 'end after so many messages')
    .option('--from <place>', 'of a topic: earliest (default), latest, an offset, -N: the last N, or a time (ISO 8601)')
    .option('--partition <number>', 'of a topic: this partition alone')
    .option('--json', 'each message as a line of JSON, as pub --json reads it')
    .option('--format <format>', 'each message by placeholders; default %s\\n')
    .option('--credit <number>', 'of a subscription: fetched ahead at most')
    .addHelpText('after', help);
  withConnection(command).action(async (topic: string | undefined, flags: SubFlags) => {
    await runCommand(terminal, async (stopped) => {
      const { subscription } = flags;
      if ((topic === undefined) === (subscription === undefined))
        throw new UsageError('name a topic or a --subscription, one of the two');
      const output = new Output(terminal, flags);
      if (output.isFull) return;
      const sluice = await connected(terminal, flags);
      if (subscription !== undefined) await consume(sluice, subscription, flags, output, stopped);
      else await browse(sluice, topic ?? '', flags, output, stopped);
    });
  });
}

class Output {
  readonly #terminal: Terminal;
  readonly #print: Printer;
  readonly #most: number;
  #printed = 0;

  constructor(terminal: Terminal, { json, format, count }: SubFlags) {
    this.#terminal = terminal;
    if (json === true && format !== undefined) throw new UsageError('give --json or --format, not both');
    try {
      this.#print = json === true ? printJson : printerOf(format ?? '%s\\n');
    } catch (reason) {
      throw new UsageError((reason as Error).message);
    }
    this.#most = count === undefined ? Number.POSITIVE_INFINITY : whole(count, '--count');
  }

  get isFull(): boolean {
    return this.#printed >= this.#most;
  }

  /** Resolves when it was written: whoever reads slowly is not read ahead of. False when nobody reads any more. */
  async print(message: ReceivedMessage, attempt?: number): Promise<boolean> {
    const bytes = this.#print(message, attempt);
    this.#printed += 1;
    return await write(this.#terminal, bytes);
  }
}

// ------------------------------------------------------------------------------------------ a subscription

async function consume(
  sluice: SluiceClient,
  subscription: string,
  { from, partition, follow, credit }: SubFlags,
  output: Output,
  stopped: AbortSignal,
): Promise<void> {
  if (from !== undefined || partition !== undefined)
    throw new UsageError('--from and --partition are for topics; a subscription has a place of its own');
  const subscriber = sluice.subscribe(subscription, {
    signal: stopped,
    ...(credit === undefined ? {} : { credit: whole(credit, '--credit', 1) }),
    ...(follow === true ? {} : { idleMs: IDLE_MS }),
  });
  const nothingWaits = async (): Promise<boolean> =>
    follow !== true && subscriber.heldCount === 0 && (await sluice.subscriptions.lag(subscription)).total === 0;
  try {
    if (await nothingWaits()) return;
    for await (const delivery of subscriber) {
      if (!(await output.print(delivery.message, delivery.attempt))) break;
      await delivery.ack();
      if (output.isFull || (await nothingWaits())) break;
    }
  } finally {
    await subscriber.close();
  }
}

// ------------------------------------------------------------------------------------------ a topic

interface Place {
  readonly partition: number;
  next: number | 'earliest' | 'latest';
}

async function browse(
  sluice: SluiceClient,
  topic: string,
  flags: SubFlags,
  output: Output,
  stopped: AbortSignal,
): Promise<void> {
  if (flags.credit !== undefined) throw new UsageError('--credit is for a --subscription');
  const { partitions } = await sluice.topics.describe(topic, { signal: stopped });
  const asked = flags.partition === undefined ? undefined : whole(flags.partition, '--partition');
  if (asked !== undefined && asked >= partitions)
    throw new UsageError(`--partition ${asked}: the topic has ${partitions}, from 0 on`);
  const numbers = asked === undefined ? Array.from({ length: partitions }, (_, partition) => partition) : [asked];
  const start = startOf(flags.from ?? 'earliest');
  const places: Place[] = [];
  for (const partition of numbers)
    places.push({ partition, next: await start.offset(sluice, topic, partition, stopped) });
  for (;;) {
    let isIdle = true;
    for (const place of places) {
      for (let isEnd = false; !isEnd; ) {
        const page = await sluice.browse(topic, place.partition, { from: place.next, limit: PAGE, signal: stopped });
        for (const message of page.messages) {
          if (start.isBefore(message)) continue;
          if (!(await output.print(message)) || output.isFull || stopped.aborted) return;
        }
        isEnd = page.next === place.next; // a page can be empty and not the last: compaction leaves gaps
        isIdle &&= page.messages.length === 0;
        place.next = page.next;
      }
    }
    if (flags.follow !== true) return;
    if (isIdle) await untilLater(stopped);
    if (stopped.aborted) return;
  }
}

interface Start {
  offset(sluice: SluiceClient, topic: string, partition: number, signal: AbortSignal): Promise<Place['next']>;
  /** Of a time: earlier messages are passed over. */
  isBefore(message: ReceivedMessage): boolean;
}

function startOf(from: string): Start {
  const never = (): boolean => false;
  if (from === 'earliest' || from === 'latest') return { offset: async () => from, isBefore: never };
  if (/^\d{1,15}$/.test(from)) return { offset: async () => Number(from), isBefore: never };
  if (/^-\d{1,15}$/.test(from)) {
    const back = Number(from.slice(1));
    return {
      offset: async (sluice, topic, partition, signal) => {
        const { next: end } = await sluice.browse(topic, partition, { from: 'latest', limit: 1, signal });
        const first = (await sluice.browse(topic, partition, { from: 'earliest', limit: 1, signal })).messages[0]
          ?.offset;
        return Math.max(first ?? end, end - back);
      },
      isBefore: never,
    };
  }
  const timeMs = Date.parse(from);
  if (Number.isNaN(timeMs)) {
    throw new UsageError(
      `--from must be earliest, latest, an offset, -N or a time such as 2026-01-31T12:00:00Z, not "${from}"`,
    );
  }
  return { offset: async () => 'earliest', isBefore: ({ timestamp }) => timestamp < timeMs };
}

async function untilLater(stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return;
  await new Promise<void>((resolve) => {
    const timer = setTimeout(done, FOLLOW_INTERVAL_MS);
    function done(): void {
      clearTimeout(timer);
      stopped.removeEventListener('abort', done);
      resolve();
    }
    stopped.addEventListener('abort', done);
  });
}
