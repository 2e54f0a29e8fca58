/**
 * The command line: one composition root. Each area registers its own commands and loads its heavy modules only when one of
 * them runs, so that `sluice serve` answers quickly and `--help` needs nothing but this file.
 */

import { Command, CommanderError } from 'commander';
import { registerBrokersCommands } from './brokers/main.ts';
import { readBuildInfo, versionText } from './build-info.ts';
import { registerClientCommands } from './client/main.ts';
import { registerCompareCommands } from './compare/main.ts';
import { registerTraceCommands } from './compare/trace/main.ts';
import { FORMAT_VERSION, registerLogCommands } from './core-log/main.ts';
import { registerGatewayCommands } from './gateway/main.ts';

/** Wrong usage or configuration. */
const EXIT_USAGE = 2;

const program = new Command('sluice')
  .description('One publish-subscribe API on a native log, RabbitMQ or Kafka, and a measured comparison of the three.')
  .version(
    versionText(readBuildInfo(), FORMAT_VERSION, process.argv.includes('--json')),
    '-V, --version',
    'print version, commit, Node and format of the data; with --json after it, as JSON',
  )
  .showHelpAfterError('(run with --help for the options and examples)')
  .exitOverride();

registerGatewayCommands(program);
registerBrokersCommands(program);
registerCompareCommands(program);
registerTraceCommands(program);
registerLogCommands(program);
registerClientCommands(program);

try {
  await program.parseAsync();
} catch (reason) {
  if (reason instanceof CommanderError) process.exitCode = reason.exitCode === 0 ? 0 : EXIT_USAGE;
  else {
    const { code, message } = reason as { code?: string; message?: string };
    process.stderr.write(`sluice: ${code ?? 'internal'}: ${message ?? String(reason)}\n`);
    process.exitCode = 1;
  }
}
