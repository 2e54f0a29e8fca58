/** `sluice trace`: makes traces for `sluice compare --trace`. */

import type { Command } from 'commander';
import type { FromLogSummary } from './from-log.ts';

const formatNames = 'auto|hdfs|hadoop|spark|openssh|rfc5424|syslog|clf|apache-error|glog|json|iso|epoch';

const examples = `
Examples:
  sluice trace from-log app.log --out app.jsonl
  sluice trace from-log /var/log/auth.log --format openssh --key process --topic auth > auth.jsonl
  sluice trace record orders --for 10m --out orders.jsonl
  sluice trace record payments --from earliest --limit 100000 --url https://gateway:8080 --out payments.jsonl
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
  trace
    .command('record')
    .description('make a JSONL trace of what goes through a topic, on any backend, by a subscription of its own')
    .argument('<topic>', 'the topic, as the gateway names it')
    .option('--out <file>', 'write the trace here instead of to standard output')
    .option('--from <position>', 'earliest (where the backend keeps messages) or latest', 'latest')
    .option('--limit <count>', 'end after so many messages', '1000000')
    .option('--for <time>', 'end after so long, such as 30s, 10m, 1h', '1m')
    .option('--idle <time>', 'end when nothing came for so long', '10s')
    .option('--keys <kind>', 'hash (pseudonyms of this trace), keep or none', 'hash')
    .option('--values', 'keep the values; without it their sizes alone', false)
    .option('--url <url>', 'the gateway (SLUICE_URL; default http://127.0.0.1:8080)')
    .option('--json', 'print the summary as JSON', false)
    .addHelpText('after', examples)
    .action(record);
}

interface RecordFlags {
  readonly out?: string;
  readonly from: string;
  readonly limit: string;
  readonly for: string;
  readonly idle: string;
  readonly keys: string;
  readonly values: boolean;
  readonly url?: string;
  readonly json: boolean;
}

/** Ctrl-C ends the recording, not the command: what came until then is written. */
async function record(topic: string, flags: RecordFlags): Promise<void> {
  const { recordTrace, TraceError } = await import('./index.ts');
  const { recordLines } = await import('./summary.ts');
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  process.once('SIGINT', onSignal);
  try {
    const { recordOptions } = await import('./record-flags.ts');
    const summary = await recordTrace({
      ...recordOptions(flags, process.env),
      topic,
      out: flags.out ?? process.stdout,
      signal: stop.signal,
    });
    const text = flags.json ? JSON.stringify(summary, null, 2) : recordLines(summary, flags.out ?? null).join('\n');
    (flags.out === undefined ? process.stderr : process.stdout).write(`${text}\n`);
  } catch (error) {
    if (!(error instanceof TraceError)) throw error;
    process.stderr.write(`error: ${error.message} (${error.code})\n`);
    process.exitCode = 2;
  } finally {
    process.removeListener('SIGINT', onSignal);
  }
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
