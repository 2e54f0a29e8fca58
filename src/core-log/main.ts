/** `sluice log`: looks after data directories of the native log. Composition root: registers the commands, loads the rest when one runs. */

import { type Command, InvalidArgumentError } from 'commander';

export { FORMAT_VERSION } from './storage/format-version.ts';

/** Exit status: damaged, or not done; wrong usage or not a directory of this log. */
const EXIT_DAMAGED = 1;
const EXIT_USAGE = 2;

/** Codes that say that the command was aimed at the wrong thing, and not that the log is in a bad state. */
const usageCodes: readonly string[] = ['not_a_data_directory', 'format_too_new', 'topic_not_found', 'invalid_option'];

const groupHelp = `
Exit status: 0 done, or whole; 1 damaged, or not done; 2 wrong usage, or not a data directory that this version can read.

Examples:
  sluice log inspect ./sluice-data
  sluice log verify ./sluice-data
  sluice log dump ./sluice-data --topic orders --from 1200 --limit 10
  sluice log repair ./sluice-data --dry-run
`;

const inspectHelp = `
Changes nothing and takes no lock: a directory in use may be looked at.
'synced to' is the offset up to which a sync is known to have succeeded; it is at most a second behind.

Examples:
  sluice log inspect ./sluice-data
  sluice log inspect ./sluice-data --json | jq '.partitions[] | {topic, partition, next}'
`;

const verifyHelp = `
Reads every byte: each batch's length, checksum, offset and records, the indexes, the maps of topics, definitions and cursors.
DAMAGED is what was stored and is not what was written: file, position and reason are named, and the exit status is 1.
A note is what the next open puts in order by itself: a write that was torn, an index that is made again. Changes nothing;
a directory in use may be looked at.

Examples:
  sluice log verify ./sluice-data
  sluice log verify ./sluice-data --json | jq '.problems[] | select(.severity == "damage")'
`;

const dumpHelp = `
PATH is a data directory (then --topic says which log), the directory of one partition, or one file: a segment or a
quarantine. Values are cut short unless --values is given. --json prints one object a line: file, batch, record, gap, bad.
Bad bytes are named and passed over; the exit status is then 1.

Examples:
  sluice log dump ./sluice-data --topic orders --partition 3 --from 1200 --limit 10
  sluice log dump ./sluice-data/topics/orders-0/00000000000000000000.log --values
  sluice log dump ./sluice-data --topic orders --json | jq -r 'select(.kind == "record") | .value'
`;

const repairHelp = `
For partitions that refuse appends with log_corrupt. The log server must be ended first; run it with --dry-run before.

Without --keep-later the log of a damaged partition ends where the damage begins. All behind it is cut, good batches too.
With --keep-later only the damaged bytes are cut, and the good batches behind them stay at their offsets: more messages
are kept, and readers see a hole. Choose the cut when what follows makes no sense without what is lost, as in a
ledger; keep what follows when each message stands for itself.

Either way: what is cut is kept in a quarantine file beside the segment, where 'sluice log dump' reads it; lost offsets are
never given out again, a marker without messages takes their place; the next append goes on above all of them. It needs
as much free space as the damaged segments have bytes.

Examples:
  sluice log repair ./sluice-data --dry-run
  sluice log repair ./sluice-data --dry-run --keep-later
  sluice log repair ./sluice-data --topic orders --partition 3 --keep-later
`;

/** Adds the group `log` to the command line. */
export function registerLogCommands(program: Command): void {
  const log = program
    .command('log')
    .description('look after the data directory of the native log: inspect, verify, dump, repair')
    .addHelpText('after', groupHelp);
  log
    .command('inspect')
    .description('what is in a data directory: topics, partitions, offsets, sizes, cursors, quarantine')
    .argument('<dir>', 'the data directory')
    .option('--json', 'as JSON', false)
    .addHelpText('after', inspectHelp)
    .action(guarded(inspect));
  log
    .command('verify')
    .description('whether a data directory is whole: reads and checks all of it')
    .argument('<dir>', 'the data directory')
    .option('--json', 'as JSON', false)
    .addHelpText('after', verifyHelp)
    .action(guarded(verify));
  log
    .command('dump')
    .description('batches and records of a topic’s partition, or of one file')
    .argument('<path>', 'a data directory, the directory of a partition, or a file')
    .option('--topic <name>', 'which topic of the data directory')
    .option('--partition <number>', 'which partition of it (0)', wholeNumber)
    .option('--from <offset>', 'the first offset to show', wholeNumber)
    .option('--limit <records>', 'at most so many records', wholeNumber)
    .option('--values', 'show values whole', false)
    .option('--json', 'one JSON object a line', false)
    .addHelpText('after', dumpHelp)
    .action(guarded(dump));
  log
    .command('repair')
    .description('make damaged partitions writable again; what is cut is kept')
    .argument('<dir>', 'the data directory')
    .option('--topic <name>', 'only this topic')
    .option('--partition <number>', 'only this partition of it', wholeNumber)
    .option('--keep-later', 'keep the good batches behind the damage', false)
    .option('--dry-run', 'say what would be done, and do nothing', false)
    .option('--json', 'as JSON', false)
    .addHelpText('after', repairHelp)
    .action(guarded(repair));
}

interface Said {
  readonly json: boolean;
}

async function inspect(directory: string, { json }: Said): Promise<void> {
  const { inspectLog } = await import('./maintenance/index.ts');
  const { describeCursor } = await import('../adapters/native/index.ts');
  const sight = await inspectLog(directory, { describeCursor });
  const { inspectLines } = await import('./maintenance/text.ts');
  print(json ? JSON.stringify(sight, null, 2) : inspectLines(sight).join('\n'));
}

async function verify(directory: string, { json }: Said): Promise<void> {
  const { verifyLog } = await import('./maintenance/index.ts');
  const report = await verifyLog(directory);
  const { verifyLines } = await import('./maintenance/text.ts');
  print(json ? JSON.stringify(report, null, 2) : verifyLines(report).join('\n'));
  if (!report.isWhole) process.exitCode = EXIT_DAMAGED;
}

interface DumpFlags extends Said {
  readonly topic?: string;
  readonly partition?: number;
  readonly from?: number;
  readonly limit?: number;
  readonly values: boolean;
}

async function dump(path: string, { json, values, ...options }: DumpFlags): Promise<void> {
  const { dumpLog } = await import('./maintenance/index.ts');
  const { dumpJson, dumpLine } = await import('./maintenance/text.ts');
  // `dump | head` has seen enough; that is no error.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : EXIT_DAMAGED));
  for await (const entry of dumpLog(path, options)) {
    await printMuch(json ? JSON.stringify(dumpJson(entry, values)) : dumpLine(entry, values));
    if (entry.kind === 'bad') process.exitCode = EXIT_DAMAGED;
  }
}

interface RepairFlags extends Said {
  readonly topic?: string;
  readonly partition?: number;
  readonly keepLater: boolean;
  readonly dryRun: boolean;
}

async function repair(directory: string, { json, ...options }: RepairFlags): Promise<void> {
  const { repairLog } = await import('./maintenance/index.ts');
  const report = await repairLog(directory, options);
  const { repairLines } = await import('./maintenance/text.ts');
  print(json ? JSON.stringify(report, null, 2) : repairLines(report).join('\n'));
  if (report.left.length > 0) process.exitCode = EXIT_DAMAGED;
}

/** The engine's errors as one line and an exit status. Whatever else is thrown is a fault of ours, for the caller to print. */
function guarded<F>(run: (path: string, flags: F) => Promise<void>): (path: string, flags: F) => Promise<void> {
  return async (path, flags) => {
    const { EngineError } = await import('./errors.ts');
    try {
      await run(path, flags);
    } catch (reason) {
      if (!(reason instanceof EngineError)) throw reason;
      process.stderr.write(`error: ${reason.message} (${reason.code})\n`);
      process.exitCode = usageCodes.includes(reason.code) ? EXIT_USAGE : EXIT_DAMAGED;
    }
  };
}

function wholeNumber(text: string): number {
  if (!/^\d{1,16}$/.test(text)) throw new InvalidArgumentError('It must be a whole number.');
  return Number(text);
}

function print(text: string): void {
  process.stdout.write(`${text}\n`);
}

/** Waits for whoever reads the output: a log may be larger than memory. */
async function printMuch(line: string): Promise<void> {
  if (process.stdout.write(`${line}\n`)) return;
  await new Promise<void>((resolve) => process.stdout.once('drain', resolve));
}
