/**
 * Prints docs/ar/README.md: what the usual Arabic guide to message queues says of Kafka and RabbitMQ, and what the report that ships found.
 * The verdicts, their reasons and their cells come from the report; by hand there is only how the guide says it, and what of it is
 * out of date by the documents of the two.
 */

import { readFileSync } from 'node:fs';
import { parseReport } from '../src/compare/report/index.ts';
import type { ClaimResult, ClaimVerdict, Report, UseVerdict } from '../src/compare/report/model.ts';
import { arabicOf } from '../src/compare/report/phrases/index.ts';
import { basisWords } from '../src/compare/report/view.ts';

const reportPath = 'docs/reports/two-cores/report.json';

interface GuideClaim {
  /** As the guide has it. */
  readonly guide: string;
  /** What was so once, since when it is not, and who says so. */
  readonly outdated?: { readonly what: string; readonly source: string };
}

const guideClaims: Readonly<Record<string, GuideClaim>> = {
  'kafka-is-faster': { guide: 'Kafka أسرع من RabbitMQ.' },
  'kafka-millions-per-second': { guide: 'يعالج Kafka ملايين الرسائل في الثانية.' },
  'kafka-has-low-latency': { guide: 'زمن الوصول في Kafka منخفض.' },
  'kafka-more-efficient': { guide: 'Kafka أكفأ مع البيانات الضخمة.' },
  'kafka-scales-out': { guide: 'يتوسع Kafka أفقيًا بسهولة: أضف مستهلكين وأقسامًا وعُقدًا.' },
  'kafka-survives-faults': { guide: 'ينجو Kafka من الأعطال بالنسخ وإعادة المحاولة، فلا تضيع رسالة.' },
  'kafka-stores-rabbitmq-forgets': {
    guide: 'يحتفظ Kafka بالرسائل، أما RabbitMQ فيسلّمها ثم ينساها.',
    outdated: {
      what: 'في RabbitMQ منذ الإصدار 3.9 دفوق (streams)، وهي سجلات تحتفظ بالرسائل وتُقرأ من جديد. فالمقولة عن RabbitMQ كله قديمة، وتبقى في طوابيره.',
      source: 'https://www.rabbitmq.com/docs/streams',
    },
  },
  'many-independent-readers': { guide: 'مع Kafka يقرأ مستهلكون كثيرون الدفق نفسه، كلٌّ بسرعته.' },
  'rabbitmq-easier-to-start': {
    guide: 'البدء مع RabbitMQ أسهل، لأن Kafka يحتاج إلى ZooKeeper.',
    outdated: {
      what: 'لا يحتاج Kafka إلى ZooKeeper، وقد أُزيل منه في الإصدار 4.0. فالسبب المذكور في الدليل قديم، وما يبقى هو ما قيس.',
      source: 'https://kafka.apache.org/documentation/#upgrade_4_0_0',
    },
  },
  'rabbitmq-suits-messaging': {
    guide: 'RabbitMQ أنسب للتراسل التقليدي: الطلب والرد، والتوجيه، وإعادة محاولة رسالة بعينها.',
    outdated: {
      what: 'في Kafka مجموعات مشاركة (share groups)، جاهزة للإنتاج منذ الإصدار 4.2، يُقَرّ فيها بكل رسالة على حدة وتُعاد الرسالة الفاشلة. فالقول إن Kafka لا يعيد رسالة بعينها صار قديمًا، وما يبقى هو التوجيه والطلب والرد والأولوية والتأجيل.',
      source: 'https://cwiki.apache.org/confluence/display/KAFKA/KIP-932%3A+Queues+for+Kafka',
    },
  },
  'kafka-more-flexible': { guide: 'Kafka أكثر مرونة.' },
  'kafka-more-stable': { guide: 'Kafka أكثر استقرارًا.' },
  'kafka-fits-spark-flink-hadoop': { guide: 'Kafka هو المناسب لـ Spark و Flink و Hadoop.' },
};

const verdictWords: Readonly<Record<ClaimResult, string>> = {
  true: 'صحيح',
  'true-if': 'صحيح بشرط',
  false: 'خطأ',
  inconclusive: 'غير محسوم',
  'not-tested': 'لم يُختبر',
};

/** More are counted, and stand in the report. */
const citedMax = 6;

export function arabicPage(): string {
  return arabicPageOf(parseReport(readFileSync(new URL(`../${reportPath}`, import.meta.url), 'utf8')));
}

/** Throws where the report has a claim of which it is not known how the guide says it: a verdict must not be left out in silence. */
export function arabicPageOf(report: Report): string {
  const { run, environment, uses = [] } = report;
  const claims = report.verdicts.map((verdict) => ({ verdict, said: guideClaimOf(verdict) }));
  return [
    '<!-- Printed by `npm run docs` from the report that ships. Do not edit. -->',
    '',
    '<div dir="rtl" lang="ar">',
    '',
    '# ماذا يقول الدليل المعتاد عن Kafka و RabbitMQ، وماذا وجدنا',
    '',
    'تكرر الأدلة العربية لطوابير الرسائل المقولات نفسها. هذه الصفحة تضع كل مقولة بجانب ما وجده القياس، وتذكر الخلايا التي يقوم عليها الحكم. لا حكم هنا بالرأي: ما لم يُقس يقال عنه إنه لم يُختبر.',
    '',
    `الأرقام من تشغيل واحد: ${code(run.id)}، بالمقاس ${code(run.profile)}، في ${run.startedAt.slice(0, 10)}، على جهاز واحد بمعالج ${code(environment.cpu.model)} عدد أنويته ${environment.cpu.cores}. قد تنتقل النِّسب إلى أجهزة أخرى، أما الأرقام المطلقة فلا. والمصطلحات في [المسرد](GLOSSARY.md).`,
    '',
    '## المقولات في جدول',
    '',
    '| ما يقوله الدليل | ما وجدناه | الأساس |',
    '| --- | --- | --- |',
    ...claims.map(
      ({ verdict, said }, index) =>
        `| [${said.guide.replace(/\.$/, '')}](#claim-${index + 1}) | ${verdictOf(verdict, said)} | ${basisWords[verdict.basis].ar} |`,
    ),
    '',
    '«صحيح بشرط»: صحيح ضمن الشرط المذكور في النطاق. «قديم»: كان صحيحًا في إصدارات سابقة، بحسب وثائق النظام نفسه.',
    '',
    '## مقولة بعد مقولة',
    ...claims.flatMap(({ verdict, said }, index) => ['', ...claimLines(verdict, said, index)]),
    ...(uses.length === 0 ? [] : ['', '## أي نظام لأي استخدام', '', ...uses.flatMap(useLines)]),
    '',
    '## كيف تتحقق',
    '',
    'التقرير كله في [report.json](../reports/two-cores/report.json)، وهو الأصل، ونصه بالإنجليزية في [report.md](../reports/two-cores/report.md). وهذا الأمر يكتب صفحته بالعربية:',
    '',
    '</div>',
    '',
    '```sh',
    'sluice compare --render docs/reports/two-cores/report.json --lang ar --out report-ar',
    '```',
    '',
    '<div dir="rtl" lang="ar">',
    '',
    'وهذا يقيس على جهازك أنت ويكتب الصفحة بالعربية، وبجانبها صفحة بالإنجليزية:',
    '',
    '</div>',
    '',
    '```sh',
    'sluice compare --lang ar',
    '```',
    '',
  ].join('\n');
}

function guideClaimOf({ id }: ClaimVerdict): GuideClaim {
  const said = guideClaims[id];
  if (said === undefined) throw new Error(`scripts/print-arabic.ts does not say how the guide puts the claim ${id}`);
  return said;
}

/** What is out of date may still be true of a part: then both are said. */
function verdictOf({ verdict }: ClaimVerdict, { outdated }: GuideClaim): string {
  return `${verdictWords[verdict]}${outdated === undefined ? '' : '، وبعضه قديم'}`;
}

function claimLines(verdict: ClaimVerdict, said: GuideClaim, index: number): readonly string[] {
  const { claim, reason, scope, evidence } = verdict;
  const cited = evidence.slice(0, citedMax).map(code).join('، ');
  const more = evidence.length > citedMax ? `، ومعها في التقرير ${evidence.length - citedMax} خلايا أخرى` : '';
  return [
    `<a id="claim-${index + 1}"></a>`,
    '',
    `### ${said.guide.replace(/\.$/, '')}`,
    '',
    `- **الحكم**: ${verdictOf(verdict, said)}${verdict.basis === 'not-tested' ? '' : ` (${basisWords[verdict.basis].ar})`}.`,
    `- **السؤال كما قيس**: ${inArabic(claim)}.`,
    `- **ما وُجد**: ${inArabic(reason)}`,
    ...(scope === 'none' ? [] : [`- **النطاق**: ${inArabic(scope)}.`]),
    ...(said.outdated === undefined
      ? []
      : [`- **القديم فيها**: ${said.outdated.what} (من الوثائق: <${said.outdated.source}>)`]),
    ...(evidence.length === 0 ? [] : [`- **الخلايا**: ${cited}${more}.`]),
  ];
}

function useLines({ title, answer, scope }: UseVerdict): readonly string[] {
  return [`- **${inArabic(title)}**: ${inArabic(answer)} النطاق: ${inArabic(scope)}.`];
}

/** What nobody has translated stays English and says so. */
function inArabic(english: string): string {
  const arabic = arabicOf(english);
  const shown = arabic ?? `<span lang="en" dir="ltr">${english.replaceAll('<', '&lt;')}</span>`;
  return shown.replaceAll('|', String.raw`\|`);
}

function code(text: string): string {
  return `\`${text}\``;
}
