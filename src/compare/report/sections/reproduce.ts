/** How to get the same run again, and how to know that it was the same. */

import { type Block, code, name as named, paragraph, type Section } from '../document.ts';
import { plural, seconds } from '../figures.ts';
import { countedArabic, nouns, type Said, say } from '../language.ts';
import type { Report } from '../model.ts';
import { modeWords } from '../view.ts';

export function reproduceSection(report: Report): Section {
  const { run } = report;
  return {
    id: 'reproduce',
    title: say('How to reproduce', 'كيف تعيد التجربة'),
    blocks: [
      { kind: 'code', text: run.command },
      paragraph(
        say(
          'The seed decides every send time, key and size before the run starts, so an equal plan hash means equal work. Figures will differ with the machine.',
          'تحدد البذرة كل وقت إرسال وكل مفتاح وكل حجم قبل أن يبدأ التشغيل، فتساوي بصمة الخطة يعني تساوي العمل. أما الأرقام فتختلف باختلاف الجهاز.',
        ),
      ),
      {
        kind: 'facts',
        facts: [
          { name: say('Run', 'التشغيل'), lines: [code(run.id)] },
          { name: say('Seed', 'البذرة'), lines: [named(String(run.seed))] },
          {
            name: say('Profile', 'المقاس'),
            lines: [
              say(
                `${run.profile}, ${run.repeats} ${plural(run.repeats, 'repeat')}`,
                `${run.profile}، ${countedArabic(run.repeats, nouns.repeat)}`,
              ),
            ],
          },
          { name: say('Plan hash', 'بصمة الخطة'), lines: [code(run.planHash)] },
          { name: say('Started', 'البداية'), lines: [named(run.startedAt)] },
          {
            name: say('Finished', 'النهاية'),
            lines: [
              say(
                `${run.finishedAt}, after ${seconds(run.durationMs)}`,
                `${run.finishedAt}، بعد ${seconds(run.durationMs)}`,
              ),
            ],
          },
          {
            name: say('Form', 'الصيغة'),
            lines: [
              say(
                `report.json, version ${report.specVersion}, see docs/report.schema.json`,
                `report.json، الإصدار ${report.specVersion}، انظر docs/report.schema.json`,
              ),
            ],
          },
        ],
      },
      ...planBlock(report),
    ],
    parts: orderPart(report),
  };
}

function planBlock(report: Report): readonly Block[] {
  const plans = new Map<string, { readonly name: Said; readonly hashes: string[] }>();
  for (const row of report.workloads) {
    const key = `${row.id} ${row.mode}`;
    const mode = modeWords[row.mode];
    const name = say(`${row.id}, ${mode.en}`, `${row.id}، ${mode.ar}`);
    const hashes = plans.get(key)?.hashes ?? [];
    if (!hashes.includes(row.planHash)) plans.set(key, { name, hashes: [...hashes, row.planHash] });
  }
  if (plans.size === 0) return [];
  return [
    {
      kind: 'table',
      id: 'plans-table',
      caption: say('Plans, equal for every system', 'الخطط، وهي واحدة لكل نظام'),
      columns: [
        { title: say('Workload', 'حِمل العمل') },
        { title: say('Plan hash of each repeat', 'بصمة خطة كل تكرار') },
      ],
      rows: [...plans.values()].map(({ name, hashes }) => ({
        cells: [name, { lines: hashes.map((hash) => code(hash)) }],
      })),
    },
  ];
}

function orderPart({ run }: Report): Section['parts'] {
  if (run.order.length === 0) return [];
  return [
    {
      id: 'order',
      title: say('Order of the runs', 'ترتيب التشغيلات'),
      blocks: [
        paragraph(
          say(
            'Interleaved at random by the seed, so that what drifts on the machine meets every system alike.',
            'مرتبة عشوائيًا بالبذرة ومتداخلة، ليصيب ما يتغير على الجهاز كل الأنظمة بالتساوي.',
          ),
        ),
        { kind: 'code', text: run.order.join('\n') },
      ],
    },
  ];
}
