/** Commands against a gateway: `sluice topics`, `pub`, `sub`; and `sluice capabilities`. */

import type { Command } from 'commander';
import { registerCapabilitiesCommand } from './commands/capabilities.ts';
import { processTerminal, type Terminal } from './commands/connection.ts';
import { registerPubCommand } from './commands/pub.ts';
import { registerSubCommand } from './commands/sub.ts';
import { registerTopicsCommand } from './commands/topics.ts';

/** @param terminal in place of the process: for tests. */
export function registerClientCommands(program: Command, terminal: Terminal = processTerminal): void {
  registerTopicsCommand(program, terminal);
  registerPubCommand(program, terminal);
  registerSubCommand(program, terminal);
  registerCapabilitiesCommand(program, terminal);
}
