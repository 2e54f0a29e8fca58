/**
 * docs/CAPABILITIES.md and README's table from the capability tables of the drivers: what each backend can do, how, and what it
 * refuses. `npm run docs` writes them, and a test holds the committed files to it.
 */

import { fileURLToPath } from 'node:url';
import {
  type Capability,
  type CapabilityClaim,
  type CapabilityTable,
  capabilityNames,
  capabilityQuestions,
} from '../src/adapters/capabilities.ts';
import { kafkaCapabilities } from '../src/adapters/kafka/capabilities.ts';
import { nativeCapabilities } from '../src/adapters/native/capabilities.ts';
import { capabilityTable } from '../src/adapters/rabbitmq/capabilities.ts';
import { versionOf } from '../src/adapters/rabbitmq/version.ts';

export const pagePath = fileURLToPath(new URL('../docs/CAPABILITIES.md', import.meta.url));

/** Column title -> what that system claims. */
export type Tables = Readonly<Record<string, CapabilityTable>>;

const rabbitmq = versionOf('4.3', 4, 3);

/** Clusters of three, so that the page shows what can be had. */
const REPLICAS = 3;

export const tables: Tables = {
  log: nativeCapabilities,
  'rabbitmq-quorum': capabilityTable('quorum', rabbitmq, REPLICAS),
  'rabbitmq-classic': capabilityTable('classic', rabbitmq, REPLICAS),
  'rabbitmq-stream': capabilityTable('stream', rabbitmq, REPLICAS),
  kafka: kafkaCapabilities,
};

/** The page, as Markdown: one matrix, then one section per capability with the sentences. */
export function renderCapabilities(systems: Tables): string {
  return [
    '# What each backend can do',
    '',
    'Printed by `npm run docs` from the tables in `src/adapters/*/capabilities.ts`; `GET /v1/capabilities` answers with the same',
    'ones. RabbitMQ is 4.3 and Kafka 4.3, each with three nodes; on one node `durability.copies` cannot be had.',
    'The conformance suite holds every backend to its column: what is claimed must hold, and what is not must be refused with',
    '`capability_unsupported` when it is used.',
    '',
    '**yes**: the backend does it. **emulated**: the adapter does it on top. **no**: using it is refused.',
    '',
    ...matrix(systems, ''),
    ...capabilityNames.flatMap((capability) => section(capability, systems)),
    '',
  ].join('\n');
}

/** One line for each capability, which links to its section on the page. */
export function renderMatrix(systems: Tables, page: string): string {
  return matrix(systems, page).join('\n');
}

function matrix(systems: Tables, page: string): readonly string[] {
  const names = Object.keys(systems);
  return [
    row(['capability', ...names]),
    row(['---', ...names.map(() => ':---:')]),
    ...capabilityNames.map((capability) =>
      row([
        `[${capability}](${page}#${anchor(capability)})`,
        ...names.map((name) => level(systems[name]?.[capability])),
      ]),
    ),
  ];
}

function section(capability: Capability, systems: Tables): readonly string[] {
  const answers = Object.entries(systems).map(([name, table]) =>
    row([name, level(table[capability]), sentence(table[capability])]),
  );
  return [
    '',
    `## ${capability}`,
    '',
    capabilityQuestions[capability],
    '',
    row(['system', '', 'how, or why not']),
    row(['---', '---', '---']),
    ...answers,
  ];
}

function sentence({ how, limits }: CapabilityClaim): string {
  if (limits === undefined) return how;
  const bounds = Object.entries(limits).map(([name, value]) => `\`${name}\` ${value.toLocaleString('en-US')}`);
  return `${how} (${bounds.join(', ')})`;
}

function level(claim: CapabilityClaim | undefined): string {
  switch (claim?.level) {
    case 'native':
      return 'yes';
    case 'emulated':
      return 'emulated';
    case 'unsupported':
      return '**no**';
    case undefined:
      return '?';
  }
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

/** As renderers of Markdown make it of a heading. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}
