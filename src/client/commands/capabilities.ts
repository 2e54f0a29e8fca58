/** `sluice capabilities`: what each system claims, or what a gateway says of the one behind it. */

import type { Command } from 'commander';
import type { CapabilityClaim } from '../generated/schemas.ts';
import {
  connected,
  type ConnectionFlags,
  runCommand,
  type Terminal,
  UsageError,
  withConnection,
  write,
} from './connection.ts';
import { table } from './table.ts';

interface CapabilitiesFlags extends ConnectionFlags {
  readonly json?: boolean;
}

type Claims = Readonly<Record<string, CapabilityClaim>>;

const help = `
Without a system: all of them, one column each (yes: the backend does it; emulated: the adapter does it on top; no: using it is refused).
With a system (log, rabbitmq-quorum, rabbitmq-classic, rabbitmq-stream, kafka; another version is rabbitmq-quorum@3.10): each claim in a sentence.
With --url, or the system "gateway": what the gateway says of the backend behind it.

Examples:
  sluice capabilities
  sluice capabilities rabbitmq-quorum@3.10
  sluice capabilities kafka --json | jq '.kafka.delay'
  sluice capabilities gateway`;

export function registerCapabilitiesCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('capabilities [system]')
    .description('What each backend can do, and how.')
    .option('--json', 'as JSON: {system: {capability: {level, how, limits?}}}')
    .addHelpText('after', help);
  withConnection(command).action(async (system: string | undefined, flags: CapabilitiesFlags) => {
    await runCommand(terminal, async () => {
      const systems = await claimsOf(terminal, system, flags);
      if (flags.json === true) await write(terminal, `${JSON.stringify(systems, null, 2)}\n`);
      else await write(terminal, Object.keys(systems).length === 1 ? sentences(systems) : matrix(systems));
    });
  });
}

async function claimsOf(
  terminal: Terminal,
  system: string | undefined,
  flags: CapabilitiesFlags,
): Promise<Readonly<Record<string, Claims>>> {
  if (system === 'gateway' || (system === undefined && flags.url !== undefined)) {
    const { product, version, capabilities } = await (await connected(terminal, flags)).capabilities();
    return { [`${product} ${version}`]: capabilities };
  }
  const { systemCapabilities, systemNames } = await import('../../adapters/index.ts');
  const names = system === undefined ? systemNames : [system];
  try {
    return Object.fromEntries(await Promise.all(names.map(async (name) => [name, await systemCapabilities(name)])));
  } catch (reason) {
    throw new UsageError((reason as Error).message);
  }
}

const shown: Readonly<Record<CapabilityClaim['level'], string>> = {
  native: 'yes',
  emulated: 'emulated',
  unsupported: 'no',
};

function matrix(systems: Readonly<Record<string, Claims>>): string {
  const names = Object.keys(systems);
  const capabilities = Object.keys(systems[names[0] ?? ''] ?? {});
  const rows = capabilities.map((capability) => [
    capability,
    ...names.map((name) => shown[systems[name]?.[capability]?.level ?? 'unsupported']),
  ]);
  return table(['CAPABILITY', ...names], rows);
}

function sentences(systems: Readonly<Record<string, Claims>>): string {
  const [[name, claims] = ['', {}]] = Object.entries(systems);
  const rows = Object.entries(claims).map(([capability, { level, how, limits }]) => {
    const bounds = Object.entries(limits ?? {}).map(([bound, value]) => `${bound} ${value}`);
    return [capability, shown[level], bounds.length === 0 ? how : `${how} (${bounds.join(', ')})`];
  });
  return table(['CAPABILITY', '', name], rows);
}
