/** What a run says of itself: its limits, what it could not measure, why a run does not count, what a test found. */

import type { Phrase } from './phrase.ts';

const limits: readonly Phrase[] = [
  [
    'The run was interrupted and went on at {at}, with {rows} rows from before: the same plan and software, with brokers started anew; what else the machine did may have been another thing.',
    'انقطع التشغيل ثم استؤنف في {at} ومعه من قبلُ صفوف عددها {rows}: الخطة نفسها والبرمجيات نفسها، وقد شُغّل الوسطاء من جديد؛ وربما كان ما فعله الجهاز غير ذلك مختلفًا.',
  ],
  [
    'Everything runs on one host over loopback: there is no network, and load generator and brokers share its cores. Ratios may transfer, absolute figures do not.',
    'كل شيء يعمل على جهاز واحد عبر loopback: لا شبكة هناك، ومولّد الحِمل والوسطاء يتقاسمون أنويته. قد تنتقل النِّسب إلى أجهزة أخرى، أما الأرقام المطلقة فلا.',
  ],
  [
    'Each broker is one node: copies, elections and the loss of a machine are not measured. Quorum queues and Kafka are built for three or more.',
    'كل وسيط عقدة واحدة: لم تُقس النسخ ولا انتخاب القائد ولا فقد جهاز. وطوابير quorum و Kafka مصمَّمة لثلاث عقد أو أكثر.',
  ],
  [
    'Each broker is one node, but for node-kill-quorum, which kills one of three on the same machine: its copies go over loopback, and the loss of a machine is not measured. Quorum queues and Kafka are built for three or more.',
    'كل وسيط عقدة واحدة، إلا في node-kill-quorum الذي يقتل واحدة من ثلاث على الجهاز نفسه: تمر نسخه عبر loopback، ولم يُقس فقد جهاز. وطوابير quorum و Kafka مصمَّمة لثلاث عقد أو أكثر.',
  ],
  [
    'Clients are amqplib and kafkajs in one Node process: single-threaded JavaScript may be the limit (see "limited by"); the vendors\' own clients do more.',
    'العملاء هم amqplib و kafkajs في عملية Node واحدة: قد تكون JavaScript ذات الخيط الواحد هي الحد (انظر «المحدِّد»)؛ وعملاء أصحاب المنتجات أقدر.',
  ],
  [
    'Clients are amqplib and kafkajs in one Node process: single-threaded JavaScript may be the limit (see "limited by"). What the vendors\' own Java clients do stands in the rows of the layer "reference", which are no part of the verdicts.',
    'العملاء هم amqplib و kafkajs في عملية Node واحدة: قد تكون JavaScript ذات الخيط الواحد هي الحد (انظر «المحدِّد»). وما يفعله عملاء Java من أصحاب المنتجات في صفوف الطبقة reference، وهي ليست جزءًا من الأحكام.',
  ],
  [
    'Clients are amqplib and kafkajs in one Node process: single-threaded JavaScript may be the limit (see "limited by"). The vendors\' own clients do more: --layers reference measures them where Java is on the machine.',
    'العملاء هم amqplib و kafkajs في عملية Node واحدة: قد تكون JavaScript ذات الخيط الواحد هي الحد (انظر «المحدِّد»). وعملاء أصحاب المنتجات أقدر: يقيسهم الخيار --layers reference حيث توجد Java على الجهاز.',
  ],
  [
    'An own maximum keeps at most {count} acknowledged messages waiting for the consumer, so that it could go on for ever; its latencies are those of saturation.',
    'الحد الأقصى الذاتي لا يُبقي أكثر من {count} رسالة أُقرّ بها تنتظر المستهلك، فيمكن أن يدوم بلا نهاية؛ وأزمنة وصوله أزمنة تشبّع.',
  ],
  [
    'A sustainable rate was held for seconds: what takes minutes or days to show (retention, compaction, a heap that fills) is not in it.',
    'المعدل المستدام ثُبّت ثوانيَ: ما يحتاج ظهوره إلى دقائق أو أيام (الاحتفاظ، الضغط بحسب المفتاح، كومة ذاكرة تمتلئ) ليس فيه.',
  ],
  [
    'Each round of repeats began with brokers started anew on empty data directories; every cell had topics and queues of its own, which were deleted after it.',
    'بدأت كل جولة من التكرارات بوسطاء شُغّلوا من جديد على مجلدات بيانات فارغة؛ وكان لكل خلية مواضيعها وطوابيرها الخاصة، وقد حُذفت بعدها.',
  ],
  [
    'Brokers were started anew on empty data directories for every {count} rounds of repeats; every cell had topics and queues of its own, which were deleted after it.',
    'شُغّل الوسطاء من جديد على مجلدات بيانات فارغة لكل {count} من جولات التكرار؛ وكان لكل خلية مواضيعها وطوابيرها الخاصة، وقد حُذفت بعدها.',
  ],
  [
    'All repeats ran on the same brokers and data directories, each cell on topics and queues of its own, which were deleted after it.',
    'جرت كل التكرارات على الوسطاء أنفسهم ومجلدات البيانات نفسها، وكل خلية على مواضيع وطوابير خاصة بها حُذفت بعدها.',
  ],
  [
    'All repeats ran on the same brokers and data directories, each cell on topics and queues of its own, which were deleted after it: its brokers ran before the run and belong to somebody else.',
    'جرت كل التكرارات على الوسطاء أنفسهم ومجلدات البيانات نفسها، وكل خلية على مواضيع وطوابير خاصة بها حُذفت بعدها: فقد كان وسطاؤه يعملون قبل التشغيل وهم لغيره.',
  ],
  [
    'Durability differs by system and stands in every row; rows of different durability are not the same promise.',
    'تختلف الديمومة من نظام إلى آخر، وهي مذكورة في كل صف؛ والصفوف المختلفة في الديمومة ليست وعدًا واحدًا.',
  ],
  [
    'A power cut is simulated, on one node: what was not synced is taken away. That copies on other machines outlive it, which is what Kafka relies on, was not tested.',
    'حوكي انقطاع الكهرباء على عقدة واحدة: يُؤخذ كل ما لم يُزامَن إلى القرص. ولم يُختبر أن تبقى بعده نسخ على أجهزة أخرى، وهو ما يعتمد عليه Kafka.',
  ],
  [
    'What survives a power cut was not tested in this run (power-loss, of the profile full, asks it); fsync stands for it.',
    'لم يُختبر في هذا التشغيل ما ينجو من انقطاع الكهرباء (يسأل عنه power-loss من المقاس full)؛ و fsync ينوب عنه.',
  ],
  [
    '{repeats} repeats (profile {profile}): too few for an interval that means much.',
    'عدد التكرارات {repeats} (المقاس {profile}): أقل من أن تعني الفترة كثيرًا.',
  ],
  [
    '{repeats} repeat (profile {profile}): too few for an interval that means much.',
    'تكرار واحد (المقاس {profile}): أقل من أن تعني الفترة كثيرًا.',
  ],
];

const warm: readonly Phrase[] = [
  [
    'Brokers that had just started were loaded before cells were measured, until their processor time stayed where it was or, by one client, for about {least} to {most} s. Messages a second, first burst → last (seconds of the broker’s processor for a million): {changes}.',
    'حُمّل الوسطاء الذين بدؤوا للتو قبل قياس الخلايا حتى ثبت زمن معالجهم، أو لمدة تقارب {least} إلى {most} ثانية لكل عميل. الرسائل في الثانية، من الدفعة الأولى إلى الأخيرة (ثواني معالج الوسيط لكل مليون): {changes}.',
  ],
  [
    '{moving} of {all} such warm-ups ended before the processor time stayed where it was: what came after them may be of a broker that was not quite warm.',
    'انتهت {moving} من {all} من هذه التحميات قبل أن يثبت زمن المعالج: وما جاء بعدها قد يكون لوسيط لم يُحمَّ تمامًا.',
  ],
];

const notMeasured: readonly Phrase[] = [
  [
    'takes long: this profile asks it of the bare clients only; --profile full, or --only with its name, asks it of all layers',
    'يستغرق وقتًا طويلًا: هذا المقياس يطرحه على العملاء المجرّدين وحدهم؛ والخيار --profile full، أو --only مع اسمه، يطرحه على كل الطبقات',
  ],
  [
    'takes long on each system, with a broker of its own: --profile full, or --only with its name, asks it',
    'يستغرق وقتًا طويلًا على كل نظام، بوسيط خاص به: الخيار --profile full، أو --only مع اسمه، يطرحه',
  ],
  ['its default: the scenario power-loss asks it', 'هو الافتراضي فيه: يطرحه السيناريو power-loss'],
  ['a sync before the answer cannot be asked for', 'لا يمكن طلب المزامنة قبل الإجابة'],
  ['has one copy of everything', 'فيه نسخة واحدة من كل شيء'],
  [
    'not measured: the leader of a stream is another one than that of the cursors that the port keeps beside it',
    'لم يُقس: قائد الدفق غير قائد المواضع التي تحفظها الواجهة الموحّدة إلى جانبه',
  ],
  [
    'refused: {system} has no subscribe.late: the queue of a subscription starts empty',
    'رُفض: ليس في {system} الخاصية subscribe.late: طابور الاشتراك يبدأ فارغًا',
  ],
  [
    'the engine alone has readers, no groups of competing consumers',
    'للمحرك وحده قرّاء، وليست له مجموعات مستهلكين متنافسين',
  ],
  [
    'a queue keeps nothing to read again (see the scenario replay-after-ack)',
    'لا يحتفظ الطابور بشيء يُقرأ مرة أخرى (انظر السيناريو replay-after-ack)',
  ],
  ['the engine alone has no acks', 'ليس للمحرك وحده إقرارات'],
  ['the engine alone has no groups of consumers', 'ليس للمحرك وحده مجموعات مستهلكين'],
  ['a stream delivers nothing again: order-after-nack', 'الدفق لا يسلّم شيئًا مرة أخرى: order-after-nack'],
  ['a consumer of the embedded log dies with the log', 'مستهلك السجل المضمّن يموت مع السجل'],
  [
    'a consumer of the embedded log dies with the log: that is broker-kill',
    'مستهلك السجل المضمّن يموت مع السجل: وذلك هو broker-kill',
  ],
  ['a worker on the embedded log dies with the log', 'العامل على السجل المضمّن يموت مع السجل'],
  ['the embedded log has no connections', 'ليس للسجل المضمّن اتصالات'],
  ['the embedded log has no process of its own', 'ليست للسجل المضمّن عملية خاصة به'],
  ['streams want acks (of credit) from every consumer', 'تطلب الدفوق إقرارات (للرصيد) من كل مستهلك'],
  [
    'between the embedded log and its caller no connection can break',
    'بين السجل المضمّن ومن يستدعيه لا يوجد اتصال ينقطع',
  ],
  ['between the embedded log and its caller no answer can be lost', 'بين السجل المضمّن ومن يستدعيه لا يضيع جواب'],
  [
    'has no alarm: a full disk is another fault, which this run does not make',
    'ليس له إنذار: القرص الممتلئ عطل آخر لا يصنعه هذا التشغيل',
  ],
  [
    "flipping bits in a broker's files needs to know its formats to hit a message and not a hole; the embedded log's own tests do it (docs/DURABILITY.md), the brokers are not asked",
    'قلب بتات في ملفات وسيط يحتاج إلى معرفة صيغها ليصيب رسالة لا فراغًا؛ تفعل ذلك اختبارات السجل المضمّن نفسه (docs/DURABILITY.md)، ولا يُسأل عنه الوسطاء',
  ],
  [
    'a broker that is killed keeps what the kernel has: losing that too needs a virtual machine or a file system made for it, and this machine has neither (what the log does is in docs/DURABILITY.md)',
    'الوسيط المقتول يحتفظ بما لدى النواة: وفقد ذلك أيضًا يحتاج إلى آلة افتراضية أو نظام ملفات صُنع لذلك، وليس على هذا الجهاز أيٌّ منهما (ما يفعله السجل في docs/DURABILITY.md)',
  ],
  [
    'every row of RabbitMQ is by AMQP 0.9.1, but for rabbitmq-stream-protocol; AMQP 1.0, which 4.x speaks natively, was not tried',
    'كل صفوف RabbitMQ ببروتوكول AMQP 0.9.1، ما عدا rabbitmq-stream-protocol؛ ولم يُجرَّب AMQP 1.0 الذي تتكلمه إصدارات 4.x أصالةً',
  ],
  [
    'faults are only for brokers that this run started as processes of this machine',
    'لا تُصنع الأعطال إلا لوسطاء شغّلهم هذا التشغيل عملياتٍ على هذا الجهاز',
  ],
];

const systemNotes: readonly Phrase[] = [
  [
    'embedded in the measuring process and not replicated: kept out of "RabbitMQ or Kafka?"',
    'مضمّن في عملية القياس وغير منسوخ: لا يدخل في السؤال «RabbitMQ أم Kafka؟»',
  ],
  [
    'shares one RabbitMQ node with the other queue types, measured one after the other',
    'يتقاسم عقدة RabbitMQ واحدة مع أنواع الطوابير الأخرى، وقد قيست الواحد بعد الآخر',
  ],
  [
    "the cost of the broker has the gateway's processor time and memory in it",
    'كلفة الوسيط تضم زمن معالج البوابة وذاكرتها',
  ],
];

const settings: readonly Phrase[] = [
  ['otherwise than {system}: {lines}', 'خلافًا لـ {system}: {lines}'],
  [
    'the same system by other settings, not one of the systems of the answer',
    'النظام نفسه بإعدادات أخرى، وليس من أنظمة الجواب',
  ],
  [
    "Kafka's own advice is another: leave flushing to the operating system and take durability from replication, which it calls the stronger guarantee; on one node there is nothing to replicate to, so this tier is for an equal promise and not how Kafka is meant to run",
    'نصيحة Kafka نفسها غير ذلك: أن يُترك التفريغ لنظام التشغيل وأن تؤخذ الديمومة من النسخ المتماثل، وهو عندها الضمان الأقوى؛ وليس لعقدة واحدة إلى أين تنسخ، فهذه الدرجة لوعد مساوٍ وليست الطريقة التي صُمّم Kafka ليعمل بها',
  ],
  [
    'settings are compared where the other RabbitMQ is a process of this machine too',
    'لا تُقارن الإعدادات إلا حيث تكون RabbitMQ الأخرى أيضًا عملية على هذا الجهاز',
  ],
];

const invalid: readonly Phrase[] = [
  ['no valid run', 'لا تشغيل صالحًا'],
  [
    '{count} messages were received that were never sent, or damaged',
    'استُلمت رسائل لم تُرسل قط أو تالفة، عددها {count}',
  ],
  [
    '{count} messages were received that were never sent, refused as not stored, or damaged',
    'استُلمت رسائل لم تُرسل قط أو تالفة، عددها {count} أو رُفضت على أنها لم تُخزَّن',
  ],
  ['{count} acknowledged messages were lost', 'فُقدت رسائل أُقرّ بها، عددها {count}'],
  ['the drain ended before everything had come', 'انتهى التفريغ قبل أن يصل كل شيء'],
  ['{count} publishes ended with an unknown outcome', 'عمليات نشر انتهت إلى مصير مجهول، عددها {count}'],
  ['{count} publishes were refused', 'عمليات نشر رُفضت، عددها {count}'],
  ['{count} messages came out of the promised order', 'رسائل جاءت على غير الترتيب الموعود، عددها {count}'],
  ['nothing was received', 'لم يُستلم شيء'],
  ['it broke: the generator ended: {how}', 'انقطع: انتهى المولّد: {how}'],
  [
    'the generator was late: slip p99 {p99} ms, allowed {allowed} ms',
    'تأخر المولّد: p99 للتأخر {p99} ms، والمسموح {allowed} ms',
  ],
  [
    'it waited {blocked} ms because too many messages were unanswered',
    'وقد انتظر {blocked} ms لأن رسائل كثيرة لم يُجب عنها',
  ],
  [
    'only {some} of {all} offered messages were acknowledged in time (99 % needed)',
    'لم يُقرّ في الوقت إلا بـ {some} من {all} رسالة معروضة (المطلوب 99 %)',
  ],
  ['{some} of {all} were acknowledged in time', 'أُقرّ في الوقت بـ {some} من {all}'],
  ['p99 {p99} ms, allowed {allowed} ms', 'p99 يساوي {p99} ms، والمسموح {allowed} ms'],
  ['it grew by {count} messages a second', 'نما بمقدار {count} رسالة في الثانية'],
  [
    '{rate} messages/s passed once and could not be held: {because*}',
    'نجح المعدل {rate} رسالة في الثانية مرة ولم يمكن تثبيته: {because*}',
  ],
];

/** Of the comparisons that were named before the run. */
const primary: readonly Phrase[] = [
  [
    '{first} {a} CPU s per million, {second} {b} CPU s per million',
    '{first}: {a} ثانية معالج لكل مليون، و{second}: {b} ثانية معالج لكل مليون',
  ],
  ['{first} {a} msg/s, {second} {b} msg/s', '{first}: {a} رسالة في الثانية، و{second}: {b} رسالة في الثانية'],
  [/^(?<first>[\w@.-]+) (?<a>[\d.,]+ ms), (?<second>[\w@.-]+) (?<b>[\d.,]+ ms)$/, '{first}: {a}، و{second}: {b}'],
  ['{first} takes more messages a second than {second}', '{first} يقبل رسائل في الثانية أكثر من {second}'],
  [
    '{first} has a lower end-to-end p99 at the same load than {second}',
    'p99 من الطرف إلى الطرف بالحِمل نفسه أقل في {first} منه في {second}',
  ],
  [
    "{first} needs less of the broker's processor for a message than {second}",
    '{first} يحتاج من معالج الوسيط لكل رسالة أقل من {second}',
  ],
  ['the two promise different things: {one} and {other}', 'وعد الاثنين ليس واحدًا: {one} و {other}'],
  ['with {repeats*}: {why*}', 'مع {repeats*}: {why*}'],
  ['{some} valid repeats each of {all} planned', 'تكرارات صالحة عددها {some} لكل جانب من {all} مخططة'],
  ['{some} valid repeat each of {all} planned', 'تكرار صالح واحد لكل جانب من {all} مخططة'],
  ['{some} and {other} valid repeats of {all} planned', 'تكرارات صالحة عددها {some} و {other} من {all} مخططة'],
  ['{some} valid repeats each', 'تكرارات صالحة عددها {some} لكل جانب'],
  ['{some} valid repeat each', 'تكرار صالح واحد لكل جانب'],
  ['{some} and {other} valid repeats', 'تكرارات صالحة عددها {some} و {other}'],
  ['there is nothing to compare', 'ليس هناك ما يُقارن'],
  [
    'even if all of one side were above all of the other, p would be {p} among {count}, above {level}',
    'حتى لو علت كل تكرارات جانب على كل تكرارات الآخر لكانت p تساوي {p} بين {count}، وهي فوق {level}',
  ],
  ['by the test (p {p} after the correction): {both}', 'بحكم الاختبار (p تساوي {p} بعد التصحيح): {both}'],
  ['there is no ratio of the two: {both}', 'لا نسبة بين الاثنين: {both}'],
  [
    'by the noise: {apart} apart, and up to {floor} is what this run makes of nothing: {both}',
    'بحكم الضجيج: الفرق {apart}، وهذا التشغيل يصنع من لا شيء حتى {floor}: {both}',
  ],
  ['by the interval of the ratio, which has 1 in it: {both}', 'بحكم فترة النسبة، وفيها الواحد: {both}'],
];

export const runPhrases: readonly Phrase[] = [
  ...limits,
  ...warm,
  ...notMeasured,
  ...settings,
  ...systemNotes,
  ...invalid,
  ...primary,
];
