/** Where the run took place and what exactly was compared. */

import {
  type Block,
  comma,
  name as named,
  nothing,
  quiet,
  quote,
  type Section,
  systemName,
  type Text,
} from '../document.ts';
import { bytes, count, durability, durabilityMeaning, number, seconds } from '../figures.ts';
import { countedArabic, nouns, type Said, say } from '../language.ts';
import type { DurabilityReached, Report, SystemRow } from '../model.ts';
import { layerMeaning, modeWords, orderedSystems } from '../view.ts';

export function environmentSection(report: Report): Section {
  return {
    id: 'environment',
    title: say('Environment', 'البيئة'),
    blocks: [machineFacts(report), ...systemsBlock(report)],
    parts: [],
  };
}

function machineFacts({ environment, run, workloads, noise = [] }: Report): Block {
  const { cpu, filesystem, fsyncMs, loadAverage, generatorCeiling, libraries } = environment;
  const tiers = new Map(workloads.map((row) => [durability(row.durability), row.durability]));
  const ceilings = Object.entries(generatorCeiling).map(([size, perSecond]) => {
    const rate = `${count(Math.round(perSecond))} msg/s`;
    return say(`${rate} of ${size} B`, `${rate} بحجم ${size} B`);
  });
  const facts: { name: Said; lines: readonly Text[] }[] = [
    {
      name: say('Processor', 'المعالج'),
      lines: [
        say(
          `${cpu.model}, ${cpu.cores} cores${cpu.mhz > 0 ? `, ${count(cpu.mhz)} MHz` : ''}`,
          `${cpu.model}، ${countedArabic(cpu.cores, nouns.core)}${cpu.mhz > 0 ? `، ${count(cpu.mhz)} MHz` : ''}`,
        ),
      ],
    },
    { name: say('Memory', 'الذاكرة'), lines: [named(bytes(environment.memoryBytes))] },
    { name: say('System', 'نظام التشغيل'), lines: [[named(environment.os), comma, named(environment.kernel)]] },
    { name: say('Node', 'Node'), lines: [named(environment.node)] },
    {
      name: say('Libraries', 'المكتبات'),
      lines: [
        named(
          Object.entries(libraries)
            .map(([name, version]) => `${name} ${version}`)
            .join(', '),
        ),
      ],
    },
    {
      name: say('File system', 'نظام الملفات'),
      lines: [
        say(
          `${filesystem.type} on ${filesystem.device}, ${bytes(filesystem.freeBytes)} free`,
          `${filesystem.type} على ${filesystem.device}، والمتاح ${bytes(filesystem.freeBytes)}`,
        ),
        quiet(named(filesystem.path)),
      ],
    },
    {
      name: say('fdatasync of 4 KiB', 'عملية fdatasync لـ 4 KiB'),
      lines: [named(`p50 ${number(fsyncMs.p50)} ms, p99 ${number(fsyncMs.p99)} ms, n = ${count(fsyncMs.count)}`)],
    },
    {
      name: say('Load average', 'متوسط حِمل الجهاز'),
      lines: [
        say(
          `${number(loadAverage.start)} at the start, ${number(loadAverage.end)} at the end`,
          `${number(loadAverage.start)} في البداية، ${number(loadAverage.end)} في النهاية`,
        ),
      ],
    },
    {
      name: say('Generator alone', 'المولّد وحده'),
      lines: [
        ceilings.length === 0
          ? say('not measured', 'لم يُقس')
          : say(
              `at most ${ceilings.map(({ en }) => en).join(', ')} against nothing`,
              `على الأكثر، بلا نظام أمامه: ${ceilings.map(({ ar }) => ar).join('، ')}`,
            ),
      ],
    },
    { name: say('Noise', 'الضجيج'), lines: noiseLines(noise) },
    ...(run.resumed === undefined
      ? []
      : [
          {
            name: say('Resumed', 'استُؤنف'),
            lines: run.resumed.map(({ at, rowsBefore }) =>
              say(
                `${at}, with ${rowsBefore} rows from before`,
                `${at}، ومعه من قبل: ${countedArabic(rowsBefore, nouns.row)}`,
              ),
            ),
          },
        ]),
    {
      name: say('Layers', 'الطبقات'),
      lines: run.layers.map((layer) => [named(layer), quiet(afterColon(layerMeaning[layer]))]),
    },
    {
      name: say('Durability', 'الديمومة'),
      lines: [...tiers].map(([name, tier]: [string, DurabilityReached]) => [
        named(name),
        quiet(afterColon(durabilityMeaning(tier))),
      ]),
    },
  ];
  return { kind: 'facts', facts: facts.filter(({ lines }) => lines.length > 0) };
}

function afterColon({ en, ar }: Said): Said {
  return say(`: ${en}`, `: ${ar}`);
}

/** One line for each mode: what a cell, run twice, differed from itself by. */
function noiseLines(noise: NonNullable<Report['noise']>): readonly Text[] {
  const modes = [...new Set(noise.map(({ mode }) => mode))];
  return modes.map((mode) => {
    const own = noise.filter((row) => row.mode === mode && toldOfNoise.some((figure) => row.figure === figure));
    const figures = own.map(({ figure, floor }) => `${figure} ±${Math.round(floor * 100)} %`);
    const cell = own[0]?.cell ?? '';
    return [
      say(`${cell} ${mode}, run twice: `, `${cell}، ${modeWords[mode].ar}، شُغّل مرتين: `),
      quiet(say(`no difference shown within ${figures.join(', ')}`, `لا فرق يظهر ضمن ${figures.join('، ')}`)),
    ];
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
      caption: say('Systems and the settings in effect', 'الأنظمة والإعدادات السارية'),
      columns: [
        { title: say('System', 'النظام') },
        { title: say('Product', 'المنتج') },
        { title: say('Obtained', 'مصدره') },
        { title: say('Nodes', 'العقد'), isNumeric: true },
        { title: say('Start', 'زمن البدء'), isNumeric: true },
        { title: say('Settings', 'الإعدادات') },
        { title: say('Notes', 'ملاحظات') },
      ],
      rows: orderedSystems(report).map((system) => ({
        cells: [
          systemName(system.id),
          named(`${system.product} ${system.version}`),
          sourceWords[system.source],
          named(String(system.nodes)),
          system.startMs === null ? nothing : named(seconds(system.startMs)),
          {
            lines: Object.entries(system.configuration).map(([name, value]) => [
              quiet(named(`${name} `)),
              quote(value),
            ]),
          },
          { lines: system.notes.map(quote) },
        ],
      })),
    },
  ];
}

const sourceWords: Readonly<Record<SystemRow['source'], Said>> = {
  embedded: say('embedded', 'مضمّن'),
  address: say('address given', 'عنوان معطى'),
  docker: say('container', 'حاوية'),
  process: say('local process', 'عملية محلية'),
};
