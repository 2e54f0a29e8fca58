/** `sluice trace`: makes traces for `sluice compare --trace`. */

import type { Command } from 'commander';
import type { FromLogSummary } from './from-log.ts';

const formatNames = 'auto|hdfs|hadoop|spark|openssh|rfc5424|syslog|clf|apache-error|glog|json|iso|epoch';

const examples = `
Examples:
  sluice trace from-log app.log --out app.jsonl
  sluice trace from-log /var/log/auth.log --format openssh --key process --topic auth > auth.jsonl
  sluice compare --trace app.jsonl --speed 10

A line that begins with a timestamp starts a message; lines without one (stack traces) belong to the message before.
Times are milliseconds since the first message and never go back. Exit status: 0 done, 2 the log or an option is not usable.
`;

/** Adds the group `trace` to the command line. */
export function registerTraceCommands(program: Command): void {
  const trace = program.command('trace').description('make traces of real traffic, to be replayed by the comparison');
  trace
    .command('from-log')
    .description('make a JSONL trace from any log file with timestamps')
    .argument('<file>', 'the log')
    .option('--out <file>', 'write the trace here instead of to standard output')
    .option('--format <name>', formatNames, 'auto')
    .option('--key <kind>', 'what gives a message its key: auto|host|process|block|none', 'auto')
    .option('--topic <name>', 'topic of the messages', 'logs')
    .option('--json', 'print the summary as JSON', false)
    .addHelpText('after', examples)
    .action(fromLog);
}

interface FromLogFlags {
  readonly out?: string;
  readonly format: string;
  readonly key: string;
  readonly topic: string;
  readonly json: boolean;
}

async function fromLog(file: string, flags: FromLogFlags): Promise<void> {
  const { traceFromLog, TraceError } = await import('./index.ts');
  const { summaryLines } = await import('./summary.ts');
  const { out, json, ...rest } = flags;
  try {
    const summary: FromLogSummary = await traceFromLog({ ...rest, file, out: out ?? process.stdout });
    const text = json ? JSON.stringify(summary, null, 2) : summaryLines(summary, out ?? null).join('\n');
    // Standard output may be the trace itself.
    (out === undefined ? process.stderr : process.stdout).write(`${text}\n`);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    process.stderr.write(`error: ${error.message} (${error.code})\n`);
    process.exitCode = 2;
  }
}
