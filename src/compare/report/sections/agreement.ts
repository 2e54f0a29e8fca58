/** Our instrument beside tools that know nothing of it, on the same brokers. */

import { type Block, type Lines, name, paragraph, quiet, quote, type Section, systemName } from '../document.ts';
import { number, plural } from '../figures.ts';
import { type Said, say } from '../language.ts';
import type { AgreementRow, Report, Spread } from '../model.ts';

/** Only where a run was asked to check. */
export function agreementSection(report: Report): readonly Section[] {
  const { agreement } = report;
  if (agreement === undefined) return [];
  return [
    {
      id: 'agreement',
      title: say('Agreement with independent tools', 'الاتفاق مع أدوات مستقلة'),
      blocks: [paragraph(summaryOf(agreement)), ...(agreement.length === 0 ? [] : [tableOf(agreement)])],
      parts: [],
    },
  ];
}

function summaryOf(rows: readonly AgreementRow[]): Said {
  if (rows.length === 0)
    return say(
      'No figure could be checked; the reasons stand under "Not measured".',
      'لم يمكن فحص أي رقم؛ والأسباب تحت «ما لم يُقس».',
    );
  const agreeing = rows.filter(({ agrees }) => agrees).length;
  const bound = Math.round((rows[0]?.bound ?? 0) * 100);
  return say(
    `Nobody has to trust this instrument: the same client at the same settings on the same broker, measured by it and by a tool that shares nothing else with it, in turns. ${agreeing} of ${rows.length} ${plural(rows.length, 'figure')} agree within ${bound} %.`,
    `لا يلزم أحدًا أن يثق بأداة القياس هذه: العميل نفسه بالإعدادات نفسها على الوسيط نفسه، تقيسه هي وتقيسه أداة لا تشاركها شيئًا آخر، بالتناوب. تتفق ${agreeing} من ${rows.length} من الأرقام ضمن ${bound} %.`,
  );
}

function tableOf(rows: readonly AgreementRow[]): Block {
  return {
    kind: 'table',
    id: 'agreement-table',
    caption: say('Ours and theirs', 'أرقامنا وأرقام غيرنا'),
    look: 'prose',
    columns: [
      { title: say('Figure', 'الرقم') },
      { title: say('Ours', 'رقمنا'), isNumeric: true },
      { title: say('Theirs', 'رقم غيرنا'), isNumeric: true },
      { title: say('Ours by theirs', 'نسبة رقمنا إلى رقمهم'), isNumeric: true },
      { title: say('Agrees', 'متفق') },
      { title: say('Equal for both', 'ما هو متساوٍ للاثنين') },
      { title: say('Not equal all the same', 'ما يبقى مختلفًا') },
    ],
    rows: rows.map((row) => ({
      cells: [
        { lines: [quote(row.figure), [systemName(row.system)], quiet(quote(row.tool))] },
        figureOf(row.ours, row.unit),
        figureOf(row.theirs, row.unit),
        name(number(row.ratio)),
        row.agrees
          ? { kind: 'mark', tone: 'good', mark: '✓', word: say('yes', 'نعم') }
          : { kind: 'mark', tone: 'bad', mark: '≠', word: say('no', 'لا') },
        quote(row.settings),
        quote(row.differs),
      ],
    })),
  };
}

function figureOf({ median, low, high, count }: Spread, unit: string): Lines {
  const interval =
    count < 2
      ? []
      : [
          quiet(
            say(`${number(low)} to ${number(high)}, n = ${count}`, `${number(low)} إلى ${number(high)}، n = ${count}`),
          ),
        ];
  return { lines: [name(`${number(median)} ${unit}`), ...interval] };
}
