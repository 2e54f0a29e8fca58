/** Where the run took place and what exactly was compared. */

import { type Block, quiet, type Section, systemName, type Text } from '../document.ts';
import { bytes, count, durability, durabilityMeaning, number, seconds } from '../figures.ts';
import type { DurabilityReached, Report, SystemRow } from '../model.ts';
import { layerMeaning, orderedSystems } from '../view.ts';

export function environmentSection(report: Report): Section {
  return {
    id: 'environment',
    title: 'Environment',
    blocks: [machineFacts(report), ...systemsBlock(report)],
    parts: [],
  };
}

function machineFacts({ environment, run, workloads, noise = [] }: Report): Block {
  const { cpu, filesystem, fsyncMs, loadAverage, generatorCeiling, libraries } = environment;
  const tiers = new Map(workloads.map((row) => [durability(row.durability), row.durability]));
  const ceilings = Object.entries(generatorCeiling).map(
    ([size, perSecond]) => `${count(Math.round(perSecond))} msg/s of ${size} B`,
  );
  const facts: { name: string; lines: readonly Text[] }[] = [
    { name: 'Processor', lines: [`${cpu.model}, ${cpu.cores} cores${cpu.mhz > 0 ? `, ${count(cpu.mhz)} MHz` : ''}`] },
    { name: 'Memory', lines: [bytes(environment.memoryBytes)] },
    { name: 'System', lines: [`${environment.os}, ${environment.kernel}`] },
    { name: 'Node', lines: [environment.node] },
    {
      name: 'Libraries',
      lines: [
        Object.entries(libraries)
          .map(([name, version]) => `${name} ${version}`)
          .join(', '),
      ],
    },
    {
      name: 'File system',
      lines: [
        `${filesystem.type} on ${filesystem.device}, ${bytes(filesystem.freeBytes)} free`,
        quiet(filesystem.path),
      ],
    },
    {
      name: 'fdatasync of 4 KiB',
      lines: [`p50 ${number(fsyncMs.p50)} ms, p99 ${number(fsyncMs.p99)} ms, n = ${count(fsyncMs.count)}`],
    },
    {
      name: 'Load average',
      lines: [`${number(loadAverage.start)} at the start, ${number(loadAverage.end)} at the end`],
    },
    {
      name: 'Generator alone',
      lines: ceilings.length === 0 ? ['not measured'] : [`at most ${ceilings.join(', ')} against nothing`],
    },
    { name: 'Noise', lines: noiseLines(noise) },
    ...(run.resumed === undefined
      ? []
      : [
          {
            name: 'Resumed',
            lines: run.resumed.map(({ at, rowsBefore }) => `${at}, with ${rowsBefore} rows from before`),
          },
        ]),
    { name: 'Layers', lines: run.layers.map((layer) => [layer, quiet(`: ${layerMeaning[layer]}`)]) },
    {
      name: 'Durability',
      lines: [...tiers].map(([name, tier]: [string, DurabilityReached]) => [
        name,
        quiet(`: ${durabilityMeaning(tier)}`),
      ]),
    },
  ];
  return { kind: 'facts', facts: facts.filter(({ lines }) => lines.length > 0) };
}

/** One line for each mode: what a cell, run twice, differed from itself by. */
function noiseLines(noise: NonNullable<Report['noise']>): readonly Text[] {
  const modes = [...new Set(noise.map(({ mode }) => mode))];
  return modes.map((mode) => {
    const own = noise.filter((row) => row.mode === mode && toldOfNoise.some((figure) => row.figure === figure));
    const figures = own.map(({ figure, floor }) => `${figure} ±${Math.round(floor * 100)} %`);
    return [`${own[0]?.cell ?? ''} ${mode}, run twice: `, quiet(`no difference shown within ${figures.join(', ')}`)];
  });
}

const toldOfNoise = [
  'publish.messagesPerSecond',
  'latencyMs.endToEnd.p50',
  'latencyMs.endToEnd.p99',
  'cost.brokerCpuSecondsPerMillion',
] as const;

function systemsBlock(report: Report): readonly Block[] {
  if (report.systems.length === 0) return [];
  return [
    {
      kind: 'table',
      id: 'systems-table',
      caption: 'Systems and the settings in effect',
      columns: [
        { title: 'System' },
        { title: 'Product' },
        { title: 'Obtained' },
        { title: 'Nodes', isNumeric: true },
        { title: 'Start', isNumeric: true },
        { title: 'Settings' },
        { title: 'Notes' },
      ],
      rows: orderedSystems(report).map((system) => ({
        cells: [
          systemName(system.id),
          `${system.product} ${system.version}`,
          sourceWords[system.source],
          String(system.nodes),
          system.startMs === null ? quiet('–') : seconds(system.startMs),
          { lines: Object.entries(system.configuration).map(([name, value]) => [quiet(`${name} `), value]) },
          { lines: system.notes },
        ],
      })),
    },
  ];
}

const sourceWords: Readonly<Record<SystemRow['source'], string>> = {
  embedded: 'embedded',
  address: 'address given',
  docker: 'container',
  process: 'local process',
};
