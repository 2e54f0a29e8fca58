/** docs/BROKER-SETTINGS.md, printed from the tables that the code works by. */

import { kafkaHeap, kafkaLines } from '../../brokers/index.ts';
import { variantNames, variantSystems } from '../systems/system-ids.ts';
import { kafkasAdvice, linesOf } from './apply.ts';
import { clientLines, leftAlone } from './table.ts';

export function settingsPage(): string {
  return [
    '# Settings: stock, tuned, and what each line is for',
    '',
    'Printed by `npm run docs` from `src/compare/settings/table.ts` and `src/brokers/kafka-settings.ts`, which are also what brokers are started,',
    'topics are made and clients are opened by: what is not here, of a broker, is as the vendor ships it.',
    '',
    'Corrections are welcome. Whoever knows a broker better changes a line of the table, names a source, and runs',
    '`sluice compare --only throughput-1k --systems NAME-tuned`: a tuned setting must leave the promise as it is (acks, persistence, copies, what a',
    'crash delivers again), and is for the highest rate of one node on a small machine; what it costs in latency is in the rows at the equal load.',
    '',
    '## Stock, and what is not the default all the same',
    '',
    'RabbitMQ is as it is shipped, on a loopback address. Kafka, beside addresses, directories and the number of copies:',
    '',
    ...table(
      ['line', 'value', 'default', 'why'],
      [
        ...kafkaLines.map(({ name, value, byDefault, reason }) => [`\`${name}\``, value, byDefault, reason]),
        ['heap', kafkaHeap.one.join(' '), '-Xmx1G -Xms1G', 'the same limit; memory is taken when it is needed'],
      ],
    ),
    '',
    'The client of the bare rows is a competent one; this much is in every row:',
    '',
    ...table(
      ['client', 'line', 'value', "the client's own default", 'why'],
      clientLines.map(({ client, name, value, byDefault, reason }) => [client, name, value, byDefault, reason]),
    ),
    '',
    'A topic that a scenario wants compacted is given `segment.ms=50` and `min.cleanable.dirty.ratio=0` on Kafka, so that it is compacted while one looks. The embedded log looks at',
    'retention and compaction as often as the Kafka beside it.',
    '',
    ...variantNames.flatMap((name) => [
      `## ${name}`,
      '',
      `Beside \`${variantSystems[name]}\`, on the layer \`bare\`.${name === 'kafka-fsync' ? ` ${kafkasAdvice[0]?.toUpperCase()}${kafkasAdvice.slice(1)}.` : ''}`,
      '',
      ...table(
        ['where', 'line', 'value', 'stock', 'why', 'source'],
        linesOf(name).map(({ place, name: line, value, byDefault, reason, source }) => [
          place,
          `\`${line}\``,
          String(value),
          String(byDefault),
          reason,
          source,
        ]),
      ),
      '',
    ]),
    '## Thought of and left alone',
    '',
    ...table(
      ['what', 'why'],
      leftAlone.map(({ what, reason }) => [what, reason]),
    ),
    '',
  ].join('\n');
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)];
}
