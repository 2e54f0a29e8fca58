/**
 * The claims that people repeat, why each got its verdict, and for what it holds. Reasons are made of figures by verdicts.ts and
 * claims-of-scenarios.ts: their sentences stand here with holes for the figures.
 */

import type { Phrase } from './phrase.ts';

const claims: readonly Phrase[] = [
  ['Kafka is faster than RabbitMQ (messages per second)', 'Kafka أسرع من RabbitMQ (رسائل في الثانية)'],
  ['Kafka handles millions of messages a second', 'Kafka يعالج ملايين الرسائل في الثانية'],
  ['Kafka has lower latency than RabbitMQ', 'زمن الوصول في Kafka أقل منه في RabbitMQ'],
  ["Kafka's broker needs less processor time for a message", 'وسيط Kafka يحتاج إلى وقت معالج أقل لكل رسالة'],
  ['Kafka scales out easily', 'Kafka يتوسع أفقيًا بسهولة'],
  ['Kafka survives faults without loss', 'Kafka ينجو من الأعطال بلا فقد'],
  [
    'Kafka stores messages durably while RabbitMQ hands them over and forgets',
    'Kafka يخزن الرسائل تخزينًا دائمًا أما RabbitMQ فيسلّمها وينساها',
  ],
  [
    'With Kafka many consumers read the same messages independently',
    'مع Kafka يقرأ مستهلكون كثيرون الرسائل نفسها كلٌّ على حدة',
  ],
  ['RabbitMQ is easier to start with', 'البدء مع RabbitMQ أسهل'],
  ['RabbitMQ suits traditional messaging better than Kafka', 'RabbitMQ أنسب من Kafka للتراسل التقليدي'],
  ['Kafka is more flexible', 'Kafka أكثر مرونة'],
  ['Kafka is more stable (the slowest of a thousand messages)', 'Kafka أكثر استقرارًا (أبطأ رسالة من كل ألف)'],
  ['Kafka fits Spark, Flink and Hadoop', 'Kafka مناسب لـ Spark و Flink و Hadoop'],
];

const notTested: readonly Phrase[] = [
  ['Not tested: {why*}', 'لم يُختبر: {why*}'],
  [
    'a question of connectors, which this comparison does not run',
    'هو سؤال عن الموصّلات (connectors)، وهذه المقارنة لا تشغّلها',
  ],
  ['no valid own maximum of Kafka', 'لا حد أقصى ذاتي صالحًا لـ Kafka'],
  [
    'no valid cells of Kafka and RabbitMQ with the same durability',
    'لا خلايا صالحة لـ Kafka و RabbitMQ بالديمومة نفسها',
  ],
  [
    'the scenarios of replay and late subscribers did not run on both',
    'لم تُشغَّل سيناريوهات إعادة القراءة والمشترك المتأخر على الاثنين',
  ],
  ['the fan-out scenarios did not run on Kafka', 'لم تُشغَّل سيناريوهات التوزيع على Kafka'],
  ['both brokers must be started by the run', 'يجب أن يكون التشغيل هو من شغّل الوسيطين'],
  ['no workload and not the scenario idle-cost ran on both', 'لم يُشغَّل على الاثنين أي حِمل عمل ولا السيناريو idle-cost'],
  [
    'the scenarios of consumers beyond partitions, hot keys and rebalancing did not run on Kafka',
    'لم تُشغَّل على Kafka سيناريوهات تجاوز المستهلكين الأقسام والمفاتيح الساخنة وإعادة التوازن',
  ],
  ['nothing was killed, paused or cut off in this run', 'لم يُقتل شيء ولم يُوقف ولم يُقطع في هذا التشغيل'],
  [
    'the scenarios of routing, replies and single messages did not run on both',
    'لم تُشغَّل على الاثنين سيناريوهات التوجيه والردود والرسائل المفردة',
  ],
  ['fewer than {count} scenarios ran on both', 'لم يُشغَّل على الاثنين إلا أقل من {count} سيناريو'],
];

const reasons: readonly Phrase[] = [
  ['The most that one node of Kafka took here: {told*}', 'أقصى ما قبلته هنا عقدة Kafka واحدة: {told*}'],
  [
    "by Kafka's Java producer {rate} messages/s of {size}, limited by {limit*}",
    'من ناشر Kafka المكتوب بـ Java {rate} رسالة في الثانية حجمها {size}، والمحدِّد: {limit*}',
  ],
  [
    'by kafkajs {rate} messages/s of {size}, limited by {limit*}',
    'من kafkajs {rate} رسالة في الثانية حجمها {size}، والمحدِّد: {limit*}',
  ],
  [
    "by Sluice's port {rate} messages/s of {size}, limited by {limit*}",
    'من واجهة Sluice الموحّدة (port) {rate} رسالة في الثانية حجمها {size}، والمحدِّد: {limit*}',
  ],
  ['Each at its own maximum: {told*}', 'كلٌّ عند حده الأقصى: {told*}'],
  ['At the same load: {told*}', 'عند الحِمل نفسه: {told*}'],
  [
    "By the vendors' Java clients, at their own maximum: {told*}",
    'بعملاء Java من أصحاب الأنظمة، عند حدهم الأقصى: {told*}',
  ],
  [
    'Kafka lost no acknowledged message in {count} kinds of faults; {others*}',
    'لم يفقد Kafka أي رسالة أُقرّ بها في أنواع الأعطال وعددها {count}؛ {others*}',
  ],
  ['Kafka lost acknowledged messages; {others*}', 'فقد Kafka رسائل أُقرّ بها؛ {others*}'],
  ['nor did RabbitMQ', 'ولم يفقد RabbitMQ كذلك'],
  ['RabbitMQ did ({systems})', 'وفقدها RabbitMQ ({systems})'],
  [
    "Kafka kept what had been acked; RabbitMQ's queues had forgotten it, its streams kept it too",
    'احتفظ Kafka بما أُقرّ به؛ أما طوابير RabbitMQ فكانت قد نسيته، واحتفظت به دفوقه (streams) أيضًا',
  ],
  [
    "Kafka kept what had been acked; RabbitMQ's queues had forgotten it, its streams did not keep it",
    'احتفظ Kafka بما أُقرّ به؛ أما طوابير RabbitMQ فكانت قد نسيته، ولم تحتفظ به دفوقه (streams)',
  ],
  [
    "Kafka kept what had been acked; RabbitMQ's queues had forgotten it",
    'احتفظ Kafka بما أُقرّ به؛ أما طوابير RabbitMQ فكانت قد نسيته',
  ],
  ['So does RabbitMQ ({systems}); the difference is what is stored', 'وكذلك RabbitMQ ({systems})؛ والفرق فيما يُخزن'],
  ['No RabbitMQ system was seen to do it', 'لم يُر نظام من RabbitMQ يفعل ذلك'],
  [
    '{system}: {one} bytes written for a message of {size} with one subscription, {all} with {count} ({times} times)',
    '{system}: كُتب {one} بايت لرسالة حجمها {size} مع اشتراك واحد، و {all} حين صارت الاشتراكات {count} (النسبة {times})',
  ],
  [
    'RabbitMQ accepted connections after {one} ms, Kafka after {other} ms, one start each; memory of the broker under load at most {memory} against {against}',
    'قبل RabbitMQ الاتصالات بعد {one} ms، و Kafka بعد {other} ms، في بدء واحد لكل منهما؛ وذاكرة الوسيط تحت الحِمل {memory} على الأكثر مقابل {against}',
  ],
  [
    'RabbitMQ accepted connections after {one} ms, Kafka after {other} ms, one start each',
    'قبل RabbitMQ الاتصالات بعد {one} ms، و Kafka بعد {other} ms، في بدء واحد لكل منهما',
  ],
  [
    "Of {all} properties RabbitMQ's queues have {one} and Kafka's consumer groups {other}; only RabbitMQ: none",
    'من بين الخواص ({all}): لدى طوابير RabbitMQ منها {one}، ولدى مجموعات مستهلكي Kafka منها {other}؛ وليس لـ RabbitMQ وحده شيء',
  ],
  [
    "Of {all} properties RabbitMQ's queues have {one} and Kafka's consumer groups {other}; only RabbitMQ: {ids}",
    'من بين الخواص ({all}): لدى طوابير RabbitMQ منها {one}، ولدى مجموعات مستهلكي Kafka منها {other}؛ ولـ RabbitMQ وحده: {ids}',
  ],
  [
    'Of {all} properties only Kafka had {one} ({ids}) and only RabbitMQ, with the type of queue that does it, {other} ({others})',
    'من بين الخواص ({all}): انفرد Kafka بـ {one} ({ids})، وانفرد RabbitMQ، بنوع الطابور الذي يفعلها، بـ {other} ({others})',
  ],
  [
    '{system}, more consumers than partitions: of {all} consumers {idle} got nothing, {twice} messages were done more than once; {one} and {other} messages/s with {few} and {many}',
    '{system}، مستهلكون أكثر من الأقسام: من {all} مستهلكين لم يحصل {idle} على شيء، وأُنجزت أكثر من مرة {twice} رسالة؛ {one} و {other} رسالة في الثانية مع {few} و {many}',
  ],
  [
    "{system}, more consumers than partitions: undecided: the scenario's time ended while waiting for {what}",
    '{system}، مستهلكون أكثر من الأقسام: لم يُحسم، فقد انتهى وقت السيناريو قبل أن يُنجز كل شيء',
  ],
  [
    '{system}, hot keys: the busiest of {all} consumers had {times} times its share, {twice} messages were done more than once; all done after {ms} ms',
    '{system}، مفاتيح ساخنة: بلغ نصيب الأكثر انشغالًا من {all} مستهلكين {times} × حصته، وأُنجزت أكثر من مرة {twice} رسالة؛ وأُنجز الكل بعد {ms} ms',
  ],
  [
    '{system}, hot keys: the busiest of {all} consumers had {times} times its share; all done after {ms} ms',
    '{system}، مفاتيح ساخنة: بلغ نصيب الأكثر انشغالًا من {all} مستهلكين {times} × حصته؛ وأُنجز الكل بعد {ms} ms',
  ],
  [
    '{system}, consumers come, go and die: nothing came for {join} ms at the join, {leave} ms at the leave, and after the kill the last came {kill} ms late; no acknowledged message lost of {all}, {twice} twice',
    '{system}، مستهلكون ينضمون ويغادرون ويموتون: لم يصل شيء مدة {join} ms عند الانضمام، و {leave} ms عند المغادرة، وبعد القتل تأخرت الأخيرة {kill} ms؛ لم تُفقد رسالة أُقرّ بها من {all}، وتكررت {twice}',
  ],
  [
    '{system}, broker killed, topic brand new: {some} of {all} acknowledged messages are there; the topic was {ms} ms old when the broker was killed',
    '{system}، قتل الوسيط والموضوع جديد تمامًا: بقي {some} من {all} رسالة أُقرّ بها؛ وكان عمر الموضوع {ms} ms حين قُتل الوسيط',
  ],
];

/** `throughput-1k: Kafka 13,568 messages/s, rabbitmq-classic 5,880 messages/s (promises os × 3, Kafka os × 1).` */
const pairs: readonly Phrase[] = [
  [/^(?<workload>[a-z]+-\w+): (?<sides>(?:Kafka|kafka-java) .+)$/, '{workload}: {sides*}'],
  [
    /^(?<side>.+) \(promises (?<own>[a-z]+ × \d+), Kafka (?<kafka>[a-z]+ × \d+)\)$/,
    '{side*} (وعده {own}، ووعد Kafka {kafka})',
  ],
  [/^(?<system>Kafka|(?:rabbitmq|kafka)[\w@.-]*) (?<figure>[\d,.]+ messages\/s)$/, '{system} {figure*}'],
  [/^(?<system>Kafka|(?:rabbitmq|kafka)[\w@.-]*) (?<figure>[\d,.]+ CPU-seconds per million)$/, '{system} {figure*}'],
  [/^(?<system>Kafka|(?:rabbitmq|kafka)[\w@.-]*) (?<figure>p99(?:\.9)? [\d,.]+ ms)$/, '{system} {figure}'],
  [/^(?<count>[\d,.]+) messages\/s$/, '{count} رسالة في الثانية'],
  [/^(?<count>[\d,.]+) CPU-seconds per million$/, '{count} ثانية معالج لكل مليون'],
];

/** Whose latency is lower at which load. */
const byLoad: readonly Phrase[] = [
  ['By load, p99: {told*}', 'بحسب الحِمل، p99: {told*}'],
  [
    /^(?<workload>[\w-]+) \((?<size>[\d,]+ B), (?<layer>\w+)\), (?<one>[\w@.-]+) and (?<other>[\w@.-]+): (?<told>.+)$/,
    '{workload} ({size}، {layer})، {one} و {other}: {told*}',
  ],
  [
    /^(?<sides>.+) \(of (?<range>[\d,]+ to [\d,]+)\/s given to both\)$/,
    '{sides*} (مما عُرض على الاثنين: {range*} في الثانية)',
  ],
  [/^(?<system>[\w@.-]+) lower at (?<range>[\d, to]+)\/s$/, '{system} أقل عند {range*} في الثانية'],
  [/^no difference shown at (?<range>[\d, to]+)\/s$/, 'لم يظهر فرق عند {range*} في الثانية'],
  ['no rate was given to both', 'لم يُعرض معدل على الاثنين معًا'],
  [/^(?<least>[\d,]+) to (?<most>[\d,]+)$/, '{least} إلى {most}'],
  [/^(?<rate>[\d,]+)$/, '{rate}'],
  [/^it turns around between (?<least>[\d,]+) and (?<most>[\d,]+)\/s$/, 'وينقلب الحال بين {least} و {most} في الثانية'],
  [/^and between (?<least>[\d,]+) and (?<most>[\d,]+)\/s$/, 'وبين {least} و {most} في الثانية'],
];

const scopes: readonly Phrase[] = [
  [
    'says nothing about a cluster on machines of its own, which published figures are from',
    'لا يقول شيئًا عن عنقود على أجهزة خاصة به، ومنه الأرقام المنشورة',
  ],
  [
    'true up to as many consumers as partitions (more can be added later, but then keys move to other partitions), with even keys, and but for the session timeout after a consumer died',
    'صحيح حتى يبلغ المستهلكون عدد الأقسام (يمكن زيادتها لاحقًا، لكن المفاتيح تنتقل عندئذ إلى أقسام أخرى)، ومع مفاتيح متوازنة، وما عدا مهلة الجلسة بعد موت مستهلك',
  ],
  [
    'more nodes were not measured: on one host they share its cores',
    'لم تُقس عقد أكثر: فهي على جهاز واحد تتقاسم أنويته',
  ],
  [
    'true of a process that is killed {times} time and of a lost connection, {nodes*}',
    'صحيح في حالة عملية قُتلت مرة واحدة واتصال انقطع، {nodes*}',
  ],
  [
    'true of a process that is killed {times} times and of a lost connection, {nodes*}',
    'صحيح في حالة عملية عدد مرات قتلها {times} واتصال انقطع، {nodes*}',
  ],
  ['with one node', 'مع عقدة واحدة'],
  ['with one node, and of one of three on the same machine', 'مع عقدة واحدة، ومع واحدة من ثلاث على الجهاز نفسه'],
  ['that a replica takes over was not tested', 'لم يُختبر أن تحل نسخة محلها'],
  ['that a replica takes over, and a power cut, were not tested', 'لم يُختبر أن تحل نسخة محلها ولا انقطاع الكهرباء'],
  ['a power cut was not tested in this run', 'لم يُختبر انقطاع الكهرباء في هذا التشغيل'],
  [
    'a power cut, simulated on one node, took {lost} of {all} acknowledged messages of Kafka at its defaults',
    'أخذ انقطاع كهرباء، بمحاكاة على عقدة واحدة، {lost} من {all} رسالة أقرّ بها Kafka بإعداداته الافتراضية',
  ],
  ['with flush.messages=1 it took {lost} of {all}', 'ومع flush.messages=1 أخذ {lost} من {all}'],
  [
    'Kafka advises copies on other machines against it, which were not tested',
    'وينصح Kafka بدلًا من ذلك بنسخ على أجهزة أخرى، ولم يُختبر ذلك',
  ],
  [
    'true of quorum and classic queues, false of streams',
    'صحيح في طوابير quorum و classic، وغير صحيح في الدفوق (streams)',
  ],
  ['what survives a crash is another question', 'ما ينجو من انهيار سؤال آخر'],
  [
    'only start-up time and memory are measured, not how easily it is learnt',
    'قيس زمن البدء والذاكرة فقط، لا سهولة التعلم',
  ],
  ['true of memory alone', 'صحيح في الذاكرة وحدها'],
  ['one start of each decides nothing', 'وبدء واحد لكل منهما لا يحسم شيئًا'],
  ['what Kafka holds is mostly what its heap may take', 'ومعظم ما يشغله Kafka هو ما يُسمح لكومته (heap) بأخذه'],
  ['with the usual JavaScript client of each', 'بعميل JavaScript المعتاد لكل منهما'],
  [
    "Kafka's share groups were asked by Java, stand in the rows kafka-share, and count in no verdict",
    'سُئلت مجموعات المشاركة (share groups) في Kafka بـ Java، وهي في الصفوف kafka-share، ولا تدخل في أي حكم',
  ],
  ["Kafka's share groups were not asked", 'لم تُسأل مجموعات المشاركة (share groups) في Kafka'],
  [
    'a count of questions, not of their weight, in which a difference of {count} decides nothing',
    'عدٌّ للأسئلة لا لأوزانها، ولا يحسم فيه فرق مقداره {count} شيئًا',
  ],
  ['left out is what a client library decides ({ids})', 'واستُبعد ما تقرره مكتبة العميل ({ids})'],
  [
    'RabbitMQ was asked over AMQP 0.9.1, its stream protocol and AMQP 1.0 have more',
    'سُئل RabbitMQ عبر AMQP 0.9.1، وفي بروتوكول دفوقه (streams) وفي AMQP 1.0 أكثر من ذلك',
  ],
  ['by kafkajs and by amqplib, which speaks AMQP 0.9.1', 'بـ kafkajs وبـ amqplib الذي يتكلم AMQP 0.9.1'],
  ["By the vendors' Java clients, at the same load: {told*}", 'بعملاء Java من أصحاب الأنظمة، عند الحِمل نفسه: {told*}'],
  [
    'true of kafka-java beside {systems}, not by kafkajs and by amqplib, which speaks AMQP 0.9.1',
    'صحيح لـ kafka-java بجانب {systems}، وغير صحيح بـ kafkajs وبـ amqplib الذي يتكلم AMQP 0.9.1',
  ],
  [
    'true by kafkajs and by amqplib, which speaks AMQP 0.9.1, not shown of kafka-java beside {systems}',
    'صحيح بـ kafkajs وبـ amqplib الذي يتكلم AMQP 0.9.1، ولم يظهر ذلك لـ kafka-java بجانب {systems}',
  ],
  [
    'not the same at the own maximum of each, where batches are larger, and at one load for all',
    'ليس الحال واحدًا عند الحد الأقصى لكل منها، حيث الدفعات أكبر، وعند حِمل واحد للجميع',
  ],
  [
    'a load on the way of a search is tried briefly, may be more than one of the two can hold, and decides only where it was tried more than once',
    'كل حِمل على طريق بحثٍ جُرّب لمدة قصيرة، وقد يفوق ما يستطيع أحد الاثنين الثبات عليه، ولا يحسم إلا حيث جُرّب أكثر من مرة',
  ],
  ["no single type of RabbitMQ's queues has all of its properties", 'لا يملك نوع واحد من طوابير RabbitMQ كل خواصه'],
  ['of minutes, not of days: there was no soak', 'على مدى دقائق لا أيام: لم يكن هناك اختبار طويل'],
  ['true at some loads and false at others, as said', 'صحيح عند أحمال وغير صحيح عند أخرى، كما قيل'],
  [
    'by the pairs that were tested, the others show no difference',
    'بحسب الأزواج التي خضعت للاختبار الإحصائي، أما غيرها فلا يظهر فيها فرق',
  ],
  ['true against {pairs*}', 'صحيح مقابل {pairs*}'],
  [
    '{machine*}, layer {layer}, {mode*}, durability {durability}, at least {runs} valid runs of each',
    '{machine*}، الطبقة {layer}، {mode*}، الديمومة {durability}، عدد التشغيلات الصالحة لكل منهما {runs} على الأقل',
  ],
  [
    '{machine*}, layer {layer}, {mode*}, durability {durability}, at least 1 valid run of each',
    '{machine*}، الطبقة {layer}، {mode*}، الديمومة {durability}، تشغيل صالح واحد لكل منهما على الأقل',
  ],
  [/^(?<systems>.* nodes?\)), (?<machine>.+ cores, everything on one host)$/, '{systems*}، {machine*}'],
  [/^(?<cpu>[^,]+), 2 cores, everything on one host$/, '{cpu}، نواتان، كل شيء على جهاز واحد'],
  [/^(?<cpu>[^,]+), (?<count>\d+) cores, everything on one host$/, '{cpu}، عدد الأنوية {count}، كل شيء على جهاز واحد'],
  [/^(?<product>[\w ]+ [\d.]+) \(1 node\)$/, '{product} (عقدة واحدة)'],
  [/^(?<product>[\w ]+ [\d.]+) \((?<count>\d+) nodes\)$/, '{product} (العقد {count})'],
  [/^(?<system>(?:rabbitmq|kafka)[\w@.-]*) on (?<workload>[a-z]+-[\w-]+)$/, '{system} في {workload}'],
];

/** In lists and by themselves. */
const words: readonly Phrase[] = [
  ['broker', 'الوسيط'],
  ['client', 'العميل'],
  ['machine', 'الجهاز (العميل والوسيط معًا)'],
  ['port', 'الواجهة الموحّدة (port)'],
  ['gateway', 'البوابة'],
  ['generator', 'المولّد'],
  ['offered-load', 'الحِمل المعروض'],
  ['equal-load', 'حِمل متساوٍ'],
  ['own-maximum', 'الحد الأقصى الذاتي'],
  ['sustainable-rate', 'المعدل المستدام'],
];

export const claimPhrases: readonly Phrase[] = [
  ...claims,
  ...notTested,
  ...reasons,
  ...pairs,
  ...byLoad,
  ...scopes,
  ...words,
];
