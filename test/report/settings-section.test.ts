/** The section of rows by other settings: an equal promise on one table, stock beside tuned on another, and no section without them. */

import { describe, expect, it } from 'vitest';
import { renderHtml } from '../../src/compare/report/index.ts';
import { fasterFactor, withOtherSettings } from './other-settings.ts';
import { elementsNamed, parsePage, textOf } from './page-parser.ts';
import { syntheticReport } from './synthetic-report.ts';

const report = withOtherSettings(syntheticReport());
const root = parsePage(renderHtml(report));

function tableOf(caption: string): readonly (readonly string[])[] {
  const table = elementsNamed(root, 'table').find((one) => textOf(one).trim().startsWith(caption));
  if (table === undefined) throw new Error(`there is no table "${caption}"`);
  return elementsNamed(table, 'tr').map((row) => elementsNamed(row, 'th', 'td').map((cell) => textOf(cell).trim()));
}

describe('rows by other settings', () => {
  it('put kafka-fsync beside the others that sync, and stock Kafka below them', () => {
    const rows = tableOf('The same promise: fsync × 1').slice(1);
    expect(rows.map(([system]) => system)).toEqual(['rabbitmq-quorum', 'kafka-fsync', 'log', 'kafka']);
    expect(rows.map(([, durability]) => durability)).toEqual(['fsync × 1', 'fsync × 1', 'fsync × 1', 'os × 1']);
    expect(textOf(root)).toContain('take durability from replication');
  });

  it('put tuned beside stock, with their ratio and what differed', () => {
    const rows = tableOf('Stock and tuned').slice(1);
    const [system, figure, stock, tuned, ratio] = rows[0] ?? [];
    expect([system, figure]).toEqual(['kafka-tuned', expect.stringContaining('Own maximum')]);
    expect(ratio).toMatch(new RegExp(`^${fasterFactor}`));
    const value = (text = '') => Number(/^[\d,]+/.exec(text)?.[0].replaceAll(',', ''));
    expect(value(tuned) / value(stock)).toBeCloseTo(fasterFactor, 2);
    expect(textOf(root)).toContain('otherwise than kafka: producer: linger ms 20 instead of 5');
  });

  it('are not there where nothing ran by other settings', () => {
    expect(renderHtml(syntheticReport())).not.toContain('id="settings"');
  });
});
