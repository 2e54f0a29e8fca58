/** `sluice recommend`: which needs, from the command line or asked at the terminal; which report; the advice. */

import type { Command } from 'commander';
import type { Load, Rule, Use } from './advice/index.ts';
import { onlyOfTheAnswer } from './conclusions/answer-rows.ts';

const exitUsage = 2;

/** Made on a machine as small as those that tests run on; its own page says which. */
const shippedReport = new URL('../../docs/reports/two-cores/report.json', import.meta.url);

const examples = `
Examples:
  sluice recommend                                                  asks
  sluice recommend --need replay,per-key-order --rate 5000 --size 1k
  sluice recommend --need retry,priority --json
  sluice recommend --use fraud-scoring --use log-collection --report compare-report/report.json
  sluice recommend --need low-latency --p99 20ms --report compare-report/report.json
  sluice recommend --list                                           every need, with its question

Without --report the answer is from a run that ships with the package, on two cores that broker and clients share.
Exit status: 0 done, 2 wrong usage.
`;

interface RecommendFlags {
  readonly need?: string[];
  readonly use?: string[];
  readonly rate?: string;
  readonly size?: string;
  readonly p99?: string;
  readonly report?: string;
  readonly list?: true;
  readonly json?: true;
}

/** Wrong usage: the message is for the user. */
class RecommendUsageError extends Error {
  override readonly name = 'RecommendUsageError';
}

/** Adds the command `recommend`. */
export function registerRecommendCommand(program: Command): void {
  program
    .command('recommend')
    .description('which system meets your needs, by the cells of a report')
    .option('--need <words...>', 'what you need (also comma-separated); --list has them all')
    .option('--use <names...>', 'what it is for: all that this use needs, its workload included; --list has them all')
    .option('--rate <number>', 'messages a second (5000, 5k)')
    .option('--size <bytes>', 'of a message (1024, 1k)')
    .option('--p99 <time>', 'of a hundred messages, 99 must be there within this (20ms, 1s)')
    .option('--report <file>', 'your own report.json')
    .option('--list', 'every need, with its question')
    .option('--json', 'for scripts')
    .addHelpText('after', examples)
    .action(run);
}

async function run(flags: RecommendFlags): Promise<void> {
  try {
    process.stdout.write(await recommend(flags));
  } catch (reason) {
    if (!(reason instanceof RecommendUsageError)) throw reason;
    process.stderr.write(`sluice recommend: ${reason.message}\n`);
    process.exitCode = exitUsage;
  }
}

async function recommend(flags: RecommendFlags): Promise<string> {
  const { adviceText, decideAdvice, rules, uses } = await import('./advice/index.ts');
  if (flags.list === true) return listOf(rules, uses, flags.json === true);
  const typed = { need: flags.need ?? [], rate: flags.rate, size: flags.size, p99: flags.p99 };
  const used = usesOf(uses, flags.use ?? []);
  const isAsked =
    flags.need === undefined && flags.use === undefined && flags.rate === undefined && flags.p99 === undefined;
  const wanted = isAsked ? await ask(rules) : typed;
  const chosen = [...rulesOf(rules, wanted.need), ...used];
  const load = loadOf(wanted);
  if (chosen.length === 0 && load.ratePerSecond === null && load.p99Ms === null)
    throw new RecommendUsageError(
      'nothing was asked for: --need, --use, --rate or --p99 (--list has every need and use)',
    );
  const report = onlyOfTheAnswer(await reportFrom(flags.report));
  const { documented } = await import('./scenarios/documented.ts');
  const advice = decideAdvice({ report, rules: chosen, load, documented });
  return flags.json === true ? `${JSON.stringify(advice, null, 1)}\n` : adviceText(advice);
}

// ------------------------------------------------------------------------------------------------ what is needed

interface Wanted {
  readonly need: readonly string[];
  readonly rate: string | undefined;
  readonly size: string | undefined;
  readonly p99: string | undefined;
}

async function ask(rules: readonly Rule[]): Promise<Wanted> {
  if (!process.stdin.isTTY)
    throw new RecommendUsageError('nothing was asked for, and there is nobody to ask: --need, --rate or --p99');
  const { createInterface } = await import('node:readline/promises');
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    for (const [index, { need, question }] of rules.entries())
      process.stderr.write(`${String(index + 1).padStart(3)}  ${question}  (${need})\n`);
    const need = await terminal.question('\nWhich of these is so? Numbers or words, separated by commas: ');
    const rate = await terminal.question('Messages a second at the most? (empty: any) ');
    const size = await terminal.question('Bytes in a message? (empty: 1k) ');
    const p99 = await terminal.question('Within which time must 99 of 100 be there? (empty: any) ');
    const given = (text: string) => (text.trim() === '' ? undefined : text.trim());
    return { need: [need], rate: given(rate), size: given(size), p99: given(p99) };
  } finally {
    terminal.close();
  }
}

/** By word, or by the number that the questions have. */
function rulesOf(rules: readonly Rule[], words: readonly string[]): readonly Rule[] {
  const asked = words.flatMap((word) => word.split(/[,\s]+/)).filter((word) => word !== '');
  const found = asked.map((word) => {
    const rule = /^\d+$/.test(word) ? rules[Number(word) - 1] : rules.find(({ need }) => need === word);
    if (rule === undefined)
      throw new RecommendUsageError(
        `--need: there is no need "${word}"; there are ${rules.map(({ need }) => need).join(', ')}`,
      );
    return rule;
  });
  return [...new Set(found)];
}

/** What two uses both need is asked once. */
function usesOf(uses: readonly Use[], words: readonly string[]): readonly Rule[] {
  const asked = words.flatMap((word) => word.split(/[,\s]+/)).filter((word) => word !== '');
  const rules = asked.flatMap((word) => {
    const found = uses.find(({ id }) => id === word);
    if (found === undefined)
      throw new RecommendUsageError(
        `--use: there is no use "${word}"; there are ${uses.map(({ id }) => id).join(', ')}`,
      );
    return found.needs;
  });
  return [...new Map(rules.map((rule) => [rule.need, rule])).values()];
}

function loadOf({ rate, size, p99 }: Wanted): Load {
  return {
    ratePerSecond: rate === undefined ? null : numberWith('--rate', rate, { '': 1, k: 1e3, m: 1e6 }),
    messageBytes:
      size === undefined
        ? null
        : numberWith('--size', size, {
            '': 1,
            b: 1,
            k: 1024,
            kb: 1e3,
            kib: 1024,
            m: 1024 ** 2,
            mb: 1e6,
            mib: 1024 ** 2,
          }),
    p99Ms: p99 === undefined ? null : numberWith('--p99', p99, { '': 1, ms: 1, s: 1000 }),
  };
}

function numberWith(flag: string, text: string, units: Readonly<Record<string, number>>): number {
  const { number = '', unit = '' } = /^\s*(?<number>\d+(?:\.\d+)?)\s*(?<unit>[a-z]*)\s*$/i.exec(text)?.groups ?? {};
  const factor = units[unit.toLowerCase()];
  const value = Number(number) * (factor ?? Number.NaN);
  if (number === '' || !Number.isFinite(value) || value <= 0)
    throw new RecommendUsageError(
      `${flag}: "${text}" is not a number above 0${
        Object.keys(units).length > 1
          ? ` (units: ${Object.keys(units)
              .filter((name) => name !== '')
              .join(', ')})`
          : ''
      }`,
    );
  return value;
}

// ------------------------------------------------------------------------------------------------ what is known

async function reportFrom(file: string | undefined) {
  const { readFile } = await import('node:fs/promises');
  const { parseReport, ReportError } = await import('./report/index.ts');
  try {
    return parseReport(await readFile(file ?? shippedReport, 'utf8'));
  } catch (reason) {
    if (reason instanceof ReportError || (reason as NodeJS.ErrnoException).code !== undefined)
      throw new RecommendUsageError(`${file ?? 'the report of the package'}: ${(reason as Error).message}`);
    throw reason;
  }
}

function listOf(rules: readonly Rule[], uses: readonly Use[], isJson: boolean): string {
  if (isJson) return `${JSON.stringify(rules, null, 1)}\n`;
  const width = Math.max(
    ...[...rules.map(({ need }) => need), ...uses.map(({ id }) => id)].map(({ length }) => length),
  );
  const needs = rules.map(({ need, question }) => `${need.padEnd(width)}  ${question}`);
  return `${[...needs, '', '--use:', ...uses.map(({ id, title }) => `${id.padEnd(width)}  ${title}`)].join('\n')}\n`;
}
