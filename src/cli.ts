#!/usr/bin/env node
/**
 * The command line: one composition root. Each area registers its own commands and loads its heavy modules only when one of
 * them runs, so that `sluice serve` answers quickly and `--help` needs nothing but this file.
 */

import { createRequire } from 'node:module';
import { Command, CommanderError } from 'commander';
import { registerBrokersCommands } from './brokers/main.ts';
import { registerClientCommands } from './client/main.ts';
import { registerCompareCommands } from './compare/main.ts';
import { registerTraceCommands } from './compare/trace/main.ts';
import { registerLogCommands } from './core-log/main.ts';
import { registerGatewayCommands } from './gateway/main.ts';

/** CONTRACT: wrong usage or configuration. */
const EXIT_USAGE = 2;

const { version } = createRequire(import.meta.url)('../package.json') as { version: string };

const program = new Command('sluice')
  .description('One publish-subscribe API on a native log, RabbitMQ or Kafka, and a measured comparison of the three.')
  .version(version)
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
