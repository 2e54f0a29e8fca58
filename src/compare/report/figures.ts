/** Figures as people read them: a unit on each, a spread where there is one, three digits that mean something. */

import { countedArabic, nouns, type Said, say } from './language.ts';
import type {
  CellSummary,
  DurabilityReached,
  LatencySummary,
  Observed,
  Spread,
  WorkloadParameters,
  WorkloadRow,
} from './model.ts';

export type Unit = 'perSecond' | 'megabytesPerSecond' | 'ms' | 'cpuSeconds' | 'ratio' | 'bytes' | 'count';

const unitNames: Readonly<Record<Unit, string>> = {
  perSecond: 'msg/s',
  megabytesPerSecond: 'MB/s',
  ms: 'ms',
  cpuSeconds: 'CPU s per million',
  ratio: 'bytes per payload byte',
  bytes: '',
  count: '',
};

/** Three significant digits below 1,000, whole numbers above. */
export function number(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  if (size < 0.001) return '<0.001';
  return String(Number(value.toPrecision(3)));
}

/** As `number`, with its three digits also where the last are zeros, so that a column of them lines up. */
export function figure(value: number): string {
  const size = Math.abs(value);
  if (!Number.isFinite(value) || size >= 999.5 || size < 0.001 || Number.isInteger(value)) return number(value);
  return value.toPrecision(3);
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function bytes(value: number): string {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;
  let size = value;
  let unit = 0;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    unit += 1;
  }
  return `${number(size)} ${units[unit]}`;
}

export function amount(value: number, unit: Unit): string {
  if (unit === 'bytes') return bytes(value);
  if (unit === 'count') return count(value);
  return `${number(value)} ${unitNames[unit]}`;
}

/** `12,300 [12,100–12,500]`, without its unit, which stands in the column's head; one repeat has no interval. */
export function spread(measured: Spread, unit?: Unit): string {
  const { value, interval } = spreadParts(measured, unit);
  return interval === null ? value : `${value} [${interval}]`;
}

export function spreadParts(
  { median, low, high, count: repeats }: Spread,
  unit?: Unit,
): { readonly value: string; readonly interval: string | null } {
  const show = unit === 'bytes' ? bytes : figure;
  const value = show(median);
  if (repeats < 2) return { value, interval: null };
  return { value, interval: show(low) === value && show(high) === value ? '±0' : `${show(low)}–${show(high)}` };
}

export function durability(reached: DurabilityReached): string {
  return `${reached.persistence} × ${reached.copies}`;
}

const persistenceMeaning: Readonly<Record<DurabilityReached['persistence'], Said>> = {
  memory: say('accepted in memory', 'قُبلت في الذاكرة'),
  os: say('in the page cache: survives the death of the process', 'في ذاكرة الصفحات المؤقتة: تبقى بعد موت العملية'),
  fsync: say('on the disk before the answer', 'على القرص قبل الجواب'),
};

export function durabilityMeaning({ persistence, copies }: DurabilityReached): Said {
  const meaning = persistenceMeaning[persistence];
  return say(
    `${meaning.en}, ${copies} ${copies === 1 ? 'copy' : 'copies'}`,
    `${meaning.ar}، ${countedArabic(copies, nouns.copy)}`,
  );
}

export function seconds(ms: number): string {
  if (ms < 1000) return `${number(ms)} ms`;
  if (ms < 120_000) return `${number(ms / 1000)} s`;
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1000)} s`;
}

export function parameters(values: WorkloadParameters): Said {
  return say(parametersInEnglish(values).join(', '), parametersInArabic(values).join('، '));
}

/** Of a step of a search: its rate is its own. */
export function parametersOfStep(values: WorkloadParameters): Said {
  const isRate = (_: string, index: number): boolean => index !== 1;
  return say(
    parametersInEnglish(values).filter(isRate).join(', '),
    parametersInArabic(values).filter(isRate).join('، '),
  );
}

function parametersInEnglish(values: WorkloadParameters): readonly string[] {
  return [
    `${bytes(values.messageBytes)} messages`,
    values.ratePerSecond === null ? 'as fast as it goes' : `${count(values.ratePerSecond)} msg/s offered`,
    `${values.partitions} ${plural(values.partitions, 'partition')}`,
    `${values.subscriptions} ${plural(values.subscriptions, 'subscription')}`,
    `${values.consumersPerSubscription} ${plural(values.consumersPerSubscription, 'consumer')} each`,
    values.keyDistribution === 'none' ? 'no keys' : `${count(values.keys)} keys (${values.keyDistribution})`,
    `arrival ${values.arrival}`,
    `window ${count(values.publishWindow)}`,
    `credit ${count(values.credit)}`,
    `acks of ${count(values.ackBatch)}`,
    `${seconds(values.warmupMs)} warm-up`,
    `${seconds(values.measuredMs)} measured`,
  ];
}

function parametersInArabic(values: WorkloadParameters): readonly string[] {
  const { keys, keyDistribution } = values;
  return [
    `رسائل من ${bytes(values.messageBytes)}`,
    values.ratePerSecond === null ? 'بأقصى سرعة ممكنة' : `المعروض ${count(values.ratePerSecond)} msg/s`,
    countedArabic(values.partitions, nouns.partition),
    countedArabic(values.subscriptions, nouns.subscription),
    `${countedArabic(values.consumersPerSubscription, nouns.consumer)} لكل اشتراك`,
    keyDistribution === 'none' ? 'بلا مفاتيح' : `${countedArabic(keys, nouns.key, count(keys))} (${keyDistribution})`,
    `نمط الوصول ${values.arrival}`,
    `نافذة النشر ${count(values.publishWindow)}`,
    `الرصيد ${count(values.credit)}`,
    `الإقرارات دفعات من ${count(values.ackBatch)}`,
    `إحماء ${seconds(values.warmupMs)}`,
    `قياس ${seconds(values.measuredMs)}`,
  ];
}

export function plural(howMany: number, word: string): string {
  return howMany === 1 ? word : `${word}s`;
}

export function observed(value: Observed): string {
  if (typeof value === 'number') return Number.isInteger(value) ? count(value) : number(value);
  if (Array.isArray(value))
    return value.map((item: string | number) => (typeof item === 'number' ? observed(item) : item)).join(', ');
  return String(value);
}

/** The repeats behind a summary. */
export function rowsOf(cell: CellSummary, rows: readonly WorkloadRow[]): readonly WorkloadRow[] {
  const wanted = JSON.stringify(cell.parameters);
  return rows.filter(
    (row) =>
      row.id === cell.workload &&
      row.system === cell.system &&
      row.layer === cell.layer &&
      row.mode === cell.mode &&
      row.durability.persistence === cell.durability.persistence &&
      row.durability.copies === cell.durability.copies &&
      JSON.stringify(row.parameters) === wanted,
  );
}

/** Samples per run behind a percentile: the smallest of the valid repeats, and the sum. */
export function samples(rows: readonly WorkloadRow[], kind: 'publish' | 'endToEnd'): { least: number; total: number } {
  const counts = rows.filter((row) => row.valid).map((row) => row.latencyMs[kind].count);
  return { least: counts.length === 0 ? 0 : Math.min(...counts), total: counts.reduce((sum, each) => sum + each, 0) };
}

export const percentiles = [
  { name: 'p50', path: 'p50', fraction: 0.5 },
  { name: 'p90', path: 'p90', fraction: 0.9 },
  { name: 'p99', path: 'p99', fraction: 0.99 },
  { name: 'p99.9', path: 'p999', fraction: 0.999 },
  { name: 'max', path: 'max', fraction: 1 },
] as const satisfies readonly { name: string; path: keyof LatencySummary; fraction: number }[];

/** Fewer than ten samples above it: such a percentile says little more than the maximum. */
export function isThin(fraction: number, sampleCount: number): boolean {
  return fraction < 1 && sampleCount * (1 - fraction) < 10 - 1e-6;
}
