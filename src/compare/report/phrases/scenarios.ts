/**
 * Titles and questions of the scenarios, titles of the workloads and words of the uses. The English is what the code has: a test
 * fails when a scenario, a workload or a use has a title or a question that is not here.
 */

import type { Phrase } from './phrase.ts';

const scenarioTitles: readonly Phrase[] = [
  ['Fan-out', 'التوزيع على عدة مشتركين'],
  ['Fan-out on disk', 'كلفة التوزيع على القرص'],
  ['Late subscriber', 'مشترك متأخر'],
  ['Subscriber away', 'مشترك غائب'],
  ['A subscription nobody reads', 'اشتراك لا يقرؤه أحد'],
  ['Replay after ack', 'إعادة القراءة بعد الإقرار'],
  ['Replay from an offset', 'إعادة القراءة من إزاحة'],
  ['Replay from a time', 'إعادة القراءة من وقت'],
  ['Replay beside live traffic', 'إعادة القراءة مع رسائل جديدة'],
  ['Order, one consumer', 'الترتيب مع مستهلك واحد'],
  ['Order by key, competing consumers', 'الترتيب بحسب المفتاح مع مستهلكين متنافسين'],
  ['Order after a nack', 'الترتيب بعد إقرار سلبي'],
  ['Order after a crash', 'الترتيب بعد انهيار'],
  ['Order after publishing again', 'الترتيب بعد إعادة النشر'],
  ['Order over all partitions', 'الترتيب عبر كل الأقسام'],
  ['More consumers than partitions', 'مستهلكون أكثر من الأقسام'],
  ['Hot keys', 'مفاتيح ساخنة'],
  ['Slow and fast consumer', 'مستهلك بطيء وآخر سريع'],
  ['Consumers come, go and die', 'مستهلكون ينضمون ويغادرون ويموتون'],
  ['Slow message', 'رسالة بطيئة'],
  ['Poison message', 'رسالة مسمومة'],
  ['Given back for ever', 'رسالة تُعاد بلا نهاية'],
  ['Acked before the work', 'إقرار قبل العمل'],
  ['Consumer killed', 'قتل مستهلك'],
  ['One result for each input', 'نتيجة واحدة لكل مدخل'],
  ['Sent again after a lost answer', 'إعادة الإرسال بعد ضياع الجواب'],
  ['What an answer means', 'ماذا يعني الجواب'],
  ['Order of the answers', 'ترتيب الأجوبة'],
  ['Nobody is listening', 'لا أحد يستمع'],
  ['Broker killed', 'قتل الوسيط'],
  ['Broker killed, topic brand new', 'قتل الوسيط والموضوع جديد تمامًا'],
  ['Node of three killed', 'قتل عقدة من ثلاث'],
  ['Power cut (simulated)', 'انقطاع الكهرباء (محاكاة)'],
  ['Power cut, synced before each answer (simulated)', 'انقطاع الكهرباء مع مزامنة القرص قبل كل جواب (محاكاة)'],
  ['A stored bit flips', 'انقلاب بت مخزَّن'],
  ['The end of a file is missing', 'نهاية ملف ناقصة'],
  ['Answer after the disk', 'الجواب بعد القرص'],
  ['Broker paused', 'إيقاف الوسيط مؤقتًا'],
  ['Connections cut', 'قطع الاتصالات'],
  ['Retention by size', 'الاحتفاظ بحسب الحجم'],
  ['Time to live', 'مدة الصلاحية'],
  ['Priority', 'الأولوية'],
  ['Delayed message', 'رسالة مؤجلة'],
  ['Dead letters', 'الرسائل الميتة'],
  ['A full queue', 'طابور ممتلئ'],
  ['Disk alarm', 'إنذار القرص'],
  ['Large messages', 'رسائل كبيرة'],
  ['Backlog and drain', 'التراكم والتفريغ'],
  ['Two topics, all or none', 'موضوعان: الكل أو لا شيء'],
  ['One key of a hundred', 'مفتاح واحد من مئة'],
  ['Latest of each key', 'أحدث رسالة لكل مفتاح'],
  ['Request and reply', 'طلب ورد'],
  ['Many topics', 'مواضيع كثيرة'],
  ['Many connections', 'اتصالات كثيرة'],
  ['Price of single acks', 'ثمن الإقرارات المفردة'],
  ['Odd keys, headers and bodies', 'مفاتيح وترويسات ومتون غير معتادة'],
  ['Cost of being there', 'كلفة مجرد الوجود'],
];

const scenarioQuestions: readonly Phrase[] = [
  ['Does each of several subscriptions get every message?', 'هل يتلقى كل اشتراك من عدة اشتراكات كل رسالة؟'],
  [
    'Is a message stored once, however many subscriptions there are?',
    'هل تُخزن الرسالة مرة واحدة مهما كان عدد الاشتراكات؟',
  ],
  [
    'Does a subscription that is made later get the messages published before it?',
    'هل يتلقى اشتراك أُنشئ لاحقًا الرسائل التي نُشرت قبله؟',
  ],
  [
    'Does a consumer that was away find what came meanwhile, in order and without what it had acked?',
    'هل يجد مستهلك غاب ما وصل في غيابه، مرتبًا وبلا ما سبق أن أقرّ به؟',
  ],
  [
    'Do publishers and other subscriptions go on while one subscription is never read, and is its backlog kept?',
    'هل يستمر الناشرون والاشتراكات الأخرى حين لا يُقرأ أحد الاشتراكات أبدًا، وهل يُحفظ ما تراكم له؟',
  ],
  [
    'Can messages that were consumed and acknowledged be read again from the beginning?',
    'هل يمكن أن تُقرأ من البداية مرة أخرى رسائل استُهلكت وأُقرّ بها؟',
  ],
  [
    'Can a subscription go to an exact offset and get that message first?',
    'هل يستطيع اشتراك أن ينتقل إلى إزاحة بعينها وأن يتلقى رسالتها أولًا؟',
  ],
  [
    'Can a subscription go to a point in time and get exactly what came after it?',
    'هل يستطيع اشتراك أن ينتقل إلى لحظة من الزمن وأن يتلقى ما جاء بعدها بالضبط؟',
  ],
  [
    'Can the whole history be read while new messages flow, without losing or holding up the new ones?',
    'هل يمكن أن يُقرأ التاريخ كله والرسائل الجديدة تتدفق، بلا فقد للجديدة ولا تأخير لها؟',
  ],
  [
    'Does one consumer get the messages of one publisher in the order they were sent?',
    'هل يتلقى مستهلك واحد رسائل ناشر واحد بترتيب إرسالها؟',
  ],
  [
    'With four consumers of one subscription, are the messages of a key finished one after the other?',
    'مع أربعة مستهلكين لاشتراك واحد، هل تُنجز رسائل المفتاح الواحدة بعد الأخرى؟',
  ],
  [
    'Is a message that failed once delivered again before the later messages of its key are done?',
    'هل تُسلَّم رسالة فشلت مرة من جديد قبل أن تُنجز رسائل مفتاحها اللاحقة؟',
  ],
  [
    'When one of two consumers is killed, does the other do what that one held before anything later?',
    'حين يُقتل أحد مستهلكين، هل ينجز الآخر ما كان في يد الأول قبل أي شيء لاحق؟',
  ],
  [
    'Does the order of one publisher hold when its connections break in the middle and it tries again?',
    'هل يبقى ترتيب ناشر واحد حين تنقطع اتصالاته في الوسط فيعيد المحاولة؟',
  ],
  [
    'Does one consumer see the messages of one publisher in the order of publishing, whatever their keys?',
    'هل يرى مستهلك واحد رسائل ناشر واحد بترتيب النشر مهما كانت مفاتيحها؟',
  ],
  [
    'Do eight consumers of a topic with four partitions all get work?',
    'هل يحصل ثمانية مستهلكين لموضوع من أربعة أقسام كلهم على عمل؟',
  ],
  [
    'Is the work of four consumers even when a few keys (Zipf 1.2) have most of the messages?',
    'هل يتساوى عمل أربعة مستهلكين حين تكون معظم الرسائل لمفاتيح قليلة (Zipf 1.2)؟',
  ],
  [
    'With the smallest prefetch, does the fast consumer do all that a slow one would hold up?',
    'مع أصغر جلب مسبق، هل ينجز المستهلك السريع كل ما كان البطيء سيؤخره؟',
  ],
  [
    'Does delivery go on within two seconds while a consumer joins, leaves, and another is killed?',
    'هل يستمر التسليم خلال ثانيتين حين ينضم مستهلك ثم يغادر ثم يُقتل آخر؟',
  ],
  ['Do all other messages go on while one is not done?', 'هل تمضي كل الرسائل الأخرى وواحدة منها لم تُنجز؟'],
  [
    'Is a message that always fails set aside after its attempts, while the others are done?',
    'هل تُنحّى رسالة تفشل دائمًا بعد محاولاتها، وتُنجز الرسائل الأخرى؟',
  ],
  [
    'Does the broker by itself stop to deliver a message that fails and is given back every time, while the others are done?',
    'هل يكفّ الوسيط من تلقاء نفسه عن تسليم رسالة تفشل وتُعاد إليه كل مرة، وتُنجز الرسائل الأخرى؟',
  ],
  [
    'When a consumer that acks before its work is killed, is the loss bounded by its prefetch?',
    'حين يُقتل مستهلك يُقرّ قبل أن يعمل، هل الفقد محدود بمقدار جلبه المسبق؟',
  ],
  [
    'When a consumer process is killed, does the next one get every message it had not acked, and little else?',
    'حين تُقتل عملية مستهلك، هل يتلقى الذي يليه كل رسالة لم تُقرّ بها، وقليلًا غيرها؟',
  ],
  [
    'Has every input exactly one result when the worker is killed between writing the result and acking the input?',
    'هل لكل مدخل نتيجة واحدة بالضبط حين يُقتل العامل بين كتابة النتيجة والإقرار بالمدخل؟',
  ],
  [
    'Is a message stored once when its answer was lost and it is sent again, by the client library where that does so, else by the application?',
    'هل تُخزن الرسالة مرة واحدة حين يضيع جوابها فتُرسل مرة أخرى، من مكتبة العميل إن كانت تفعل ذلك وإلا فمن التطبيق؟',
  ],
  [
    'Does an answered publish survive a kill of the broker in every way of publishing, also the weakest?',
    'هل ينجو نشر أُجيب عنه من قتل الوسيط في كل طرق النشر، حتى أضعفها؟',
  ],
  [
    'Are publishes that do not wait for each other answered in the order they were made?',
    'هل يُجاب عن عمليات نشر لا تنتظر إحداها الأخرى بترتيب إجرائها؟',
  ],
  [
    'What becomes of a message that is published to a topic without any subscription?',
    'ماذا يحدث لرسالة تُنشر إلى موضوع ليس له أي اشتراك؟',
  ],
  [
    'Is every acknowledged message of a topic that is not brand new there after the broker was killed (SIGKILL) and started again?',
    'هل تبقى كل رسالة أُقرّ بها في موضوع ليس جديدًا تمامًا بعد قتل الوسيط (SIGKILL) وتشغيله من جديد؟',
  ],
  [
    'Is every acknowledged message there when the broker is killed right after the topic was made and filled?',
    'هل تبقى كل رسالة أُقرّ بها حين يُقتل الوسيط فور إنشاء الموضوع وملئه؟',
  ],
  [
    'With three nodes and a copy on each, is every acknowledged message there after the leading node was killed (SIGKILL), and how long is nothing acknowledged?',
    'مع ثلاث عقد وعلى كل منها نسخة، هل تبقى كل رسالة أُقرّ بها بعد قتل العقدة القائدة (SIGKILL)، وكم تدوم المدة التي لا يُقرّ فيها بشيء؟',
  ],
  [
    'At the default settings of one node, is every acknowledged message there after a power cut that takes everything that was not synced?',
    'بالإعدادات الافتراضية لعقدة واحدة، هل تبقى كل رسالة أُقرّ بها بعد انقطاع للكهرباء يأخذ كل ما لم يُزامَن إلى القرص؟',
  ],
  [
    'Where a sync before the answer is not the default but can be asked for, is every acknowledged message there after such a power cut?',
    'حيث لا تكون مزامنة القرص قبل الجواب هي الافتراضية ويمكن طلبها، هل تبقى كل رسالة أُقرّ بها بعد انقطاع كهذا؟',
  ],
  [
    'When one bit of a stored message has flipped, is that noticed, instead of a wrong message being delivered or one left out in silence?',
    'حين ينقلب بت واحد في رسالة مخزنة، هل يُكتشف ذلك بدل أن تُسلَّم رسالة خاطئة أو تُحذف رسالة في صمت؟',
  ],
  [
    'When the files of a killed system end in the middle of the last message, does it start again with all others and without a part of that one?',
    'حين تنتهي ملفات نظام قُتل في وسط الرسالة الأخيرة، هل يعود للعمل بكل الرسائل الأخرى ومن غير جزء من تلك؟',
  ],
  [
    'Can a publish be answered only after an fsync, and what is the price at 100 messages a second?',
    'هل يمكن ألا يُجاب عن النشر إلا بعد fsync، وما ثمن ذلك عند 100 رسالة في الثانية؟',
  ],
  [
    'After a pause of the broker (SIGSTOP), do publishing and delivery go on by themselves, without a loss?',
    'بعد إيقاف الوسيط مؤقتًا (SIGSTOP)، هل يستمر النشر والتسليم من تلقاء نفسيهما بلا فقد؟',
  ],
  [
    'After all its connections were reset, do publisher and consumer go on by themselves, without a loss?',
    'بعد قطع كل الاتصالات، هل يستمر الناشر والمستهلك من تلقاء نفسيهما بلا فقد؟',
  ],
  [
    'With a limit of 4 MiB and 12 MiB written, are the oldest gone and the newest there?',
    'مع حد 4 MiB وكتابة 12 MiB، هل ذهب الأقدم وبقي الأحدث؟',
  ],
  [
    'Is a message that lived too long never delivered, and does it leave in time also behind one that lives longer?',
    'هل لا تُسلَّم أبدًا رسالة انتهت مدتها، وهل تخرج في وقتها حتى لو سبقتها رسالة أطول عمرًا؟',
  ],
  [
    'Are messages of a high priority delivered before all others that wait?',
    'هل تُسلَّم الرسائل ذات الأولوية العالية قبل كل الرسائل المنتظرة؟',
  ],
  [
    'Can a message be published to be delivered a second later, and is it?',
    'هل يمكن نشر رسالة لتُسلَّم بعد ثانية، وهل يحدث ذلك؟',
  ],
  [
    'Does every rejected message end in the dead letters once, with the reason, and no other?',
    'هل تنتهي كل رسالة مرفوضة إلى الرسائل الميتة مرة واحدة ومعها السبب، ولا تنتهي إليها غيرها؟',
  ],
  [
    'With room for half of the messages, can each of them be either kept or refused to its publisher (overflow=reject-publish)?',
    'حين لا يتسع المكان إلا لنصف الرسائل، هل يمكن أن تُحفظ كل منها أو تُرفض ويُبلَّغ ناشرها (overflow=reject-publish)؟',
  ],
  [
    'While the broker takes no more (disk alarm), is a publisher told so, do consumers go on, and is nothing lost?',
    'حين يمتنع الوسيط عن قبول المزيد (إنذار القرص)، هل يُبلَّغ الناشر، ويستمر المستهلكون، ولا يُفقد شيء؟',
  ],
  [
    'Is each size either carried whole or refused in a way that leaves the publisher working?',
    'هل يُنقل كل حجم كاملًا أو يُرفض رفضًا يبقى الناشر بعده عاملًا؟',
  ],
  [
    'Is all of a backlog delivered when somebody comes for it, and how fast are publishing and draining?',
    'هل يُسلَّم التراكم كله حين يأتي من يأخذه، وما سرعة النشر والتفريغ؟',
  ],
  [
    'Are messages to two topics stored all or none, and those of an aborted transaction delivered to nobody?',
    'هل تُخزن رسائل موضوعين كلها أو لا يُخزن منها شيء، ولا تُسلَّم رسائل معاملة أُلغيت إلى أحد؟',
  ],
  [
    'Does a subscriber that wants one key of a hundred receive only those messages?',
    'هل يستلم مشترك يريد مفتاحًا واحدًا من مئة رسائل هذا المفتاح وحدها؟',
  ],
  [
    'Does a compacted topic keep the latest message of every key and drop older ones?',
    'هل يحتفظ موضوع مضغوط بأحدث رسالة لكل مفتاح ويُسقط ما قبلها؟',
  ],
  ['Does every request get its own reply, in the time of a call?', 'هل يحصل كل طلب على رده هو، في زمن نداء عادي؟'],
  [
    'Can many topics with a subscription each be made and used, and what does one cost?',
    'هل يمكن إنشاء مواضيع كثيرة لكل منها اشتراك واستعمالها، وكم يكلف الواحد؟',
  ],
  [
    'Do many publishers with connections of their own all get their message through, and what does one cost?',
    'هل تصل رسائل ناشرين كثيرين لكل منهم اتصاله، وكم يكلف الواحد؟',
  ],
  [
    'Is everything delivered once, however many acks go together, and what do single acks cost?',
    'هل يُسلَّم كل شيء مرة واحدة مهما جُمعت الإقرارات، وكم تكلف الإقرارات المفردة؟',
  ],
  [
    'Do keys, headers and bodies arrive byte for byte, also empty, long and beyond ASCII?',
    'هل تصل المفاتيح والترويسات والمتون بايتًا بايتًا، حتى الفارغة والطويلة وما يتجاوز ASCII؟',
  ],
  [
    'Does an idle broker with one waiting consumer stay below a tenth of a core?',
    'هل يبقى وسيط خامل معه مستهلك واحد ينتظر تحت عُشر نواة؟',
  ],
];

const workloadTitles: readonly Phrase[] = [
  ['1 KiB messages at the same rate for all', 'رسائل من 1 KiB بالمعدل نفسه للجميع'],
  ['1 KiB messages, as many as each can', 'رسائل من 1 KiB، بقدر ما يستطيع كلٌّ منها'],
  ['100 B messages at the same rate for all', 'رسائل من 100 B بالمعدل نفسه للجميع'],
  ['100 B messages, as many as each can', 'رسائل من 100 B، بقدر ما يستطيع كلٌّ منها'],
  ['Four subscriptions, each gets every message (1 KiB)', 'أربعة اشتراكات يتلقى كل منها كل رسالة (1 KiB)'],
  [
    'Order by key with four competing consumers and skewed keys (256 B)',
    'الترتيب بحسب المفتاح مع أربعة مستهلكين متنافسين ومفاتيح غير متوازنة (256 B)',
  ],
  [
    'A second reader reads everything again, as fast as it can (1 KiB)',
    'قارئ ثانٍ يقرأ كل شيء من جديد بأقصى سرعته (1 KiB)',
  ],
  ['The highest rate of 1 KiB messages that can go on for ever', 'أعلى معدل لرسائل من 1 KiB يمكن أن يدوم بلا نهاية'],
  ['The highest rate of 100 B messages that can go on for ever', 'أعلى معدل لرسائل من 100 B يمكن أن يدوم بلا نهاية'],
  [
    'Steady, burst, backlog, drain and idle in one course (1 KiB)',
    'حِمل مستقر ثم اندفاعة ثم تراكم ثم تفريغ ثم خمول في مجرى واحد (1 KiB)',
  ],
  ['The trace {name}, {count} messages', 'الأثر {name}، وعدد رسائله {count}'],
  [
    'Microservice events: five services hear of each order, in its order; one message in fifty fails at first',
    'أحداث الخدمات المصغّرة: خمس خدمات تسمع بكل طلب على ترتيبه، وتفشل رسالة من كل خمسين في أول مرة',
  ],
  [
    'Order fan-out of a shop: four readers, recommendations slow, inventory away for a while',
    'توزيع طلبات متجر: أربعة قرّاء، التوصيات بطيئة، والمخزون غائب مدة',
  ],
  [
    'Monitoring and alerting: many small readings, alerts by host, a dashboard beside them',
    'المراقبة والتنبيه: قراءات صغيرة كثيرة، وتنبيهات بحسب الجهاز، ولوحة عرض بجانبها',
  ],
  [
    'Recommendation stream: clicks of popular and rare items; the model is built anew from all of them',
    'دفق التوصيات: نقرات على أصناف شائعة ونادرة، ويُبنى النموذج من جديد منها كلها',
  ],
  [
    'Log collection and analysis: lines without keys, an archive that is slow, all of it read again',
    'جمع السجلات وتحليلها: أسطر بلا مفاتيح، وأرشيف بطيء، وقراءة ثانية لكل ذلك',
  ],
  [
    'Fraud scoring of payments: four scorers, the payments of a card in their order, few cards much hotter',
    'تقدير الاحتيال في المدفوعات: أربعة مقدّرين، ومدفوعات البطاقة على ترتيبها، وبطاقات قليلة أسخن بكثير',
  ],
];

const useWords: readonly Phrase[] = [
  ['Microservice events', 'أحداث الخدمات المصغّرة'],
  ['Order fan-out of a shop', 'توزيع طلبات متجر'],
  ['Monitoring and alerting', 'المراقبة والتنبيه'],
  ['Recommendation stream', 'دفق التوصيات'],
  ['Log collection and analysis', 'جمع السجلات وتحليلها'],
  ['Fraud scoring of payments', 'تقدير الاحتيال في المدفوعات'],
  ['every service hears every event, also after being away', 'كل خدمة تسمع كل حدث، حتى بعد غيابها'],
  ['an event that fails is tried again and in the end set aside', 'الحدث الذي يفشل تُعاد محاولته ثم يُنحّى في النهاية'],
  ['the order of a key holds through retries', 'ترتيب المفتاح يبقى مع إعادة المحاولات'],
  ['each reader gets every order, at its own pace', 'كل قارئ يتلقى كل طلب، بسرعته هو'],
  ['one that does not read holds up nobody', 'من لا يقرأ لا يؤخر أحدًا'],
  ['the orders of a customer are worked off in order, with several workers', 'طلبات الزبون تُنجز بالترتيب مع عدة عمّال'],
  [
    'the readings of a host are looked at in order, with several workers',
    'قراءات الجهاز يُنظر فيها بالترتيب مع عدة عمّال',
  ],
  ['what is no reading is kept, with the reason', 'ما ليس قراءة صحيحة يُحفظ ومعه السبب'],
  ['a backlog is taken in and drained', 'التراكم يُقبل ثم يُفرَّغ'],
  ['a model that is added later gets what was before it', 'نموذج يُضاف لاحقًا يحصل على ما كان قبله'],
  ['the history is read again while new clicks come', 'التاريخ يُقرأ من جديد والنقرات الجديدة تصل'],
  [
    'everything can be read again, from the beginning or from a place',
    'كل شيء يمكن أن يُقرأ من جديد، من البداية أو من موضع',
  ],
  ['a message is stored once, however many read it', 'الرسالة تُخزن مرة واحدة مهما كثر قرّاؤها'],
  ['the payments of a card are scored in order, with several scorers', 'مدفوعات البطاقة تُقدَّر بالترتيب مع عدة مقدّرين'],
  [
    'nothing of a killed scorer is lost, and what it had acknowledged does not come again',
    'لا يُفقد شيء مما كان لدى مقدّر قُتل، وما أقرّ به لا يأتي مرة أخرى',
  ],
  ['a killed broker loses nothing that was acknowledged', 'الوسيط المقتول لا يفقد شيئًا أُقرّ به'],
  ['its workload, {workload}', 'حِمل عمله، {workload}'],
  ['No system was shown to suit it alone.', 'لم يثبت أن نظامًا وحده يناسبه.'],
  ['Suited: {systems}', 'المناسب: {systems}'],
  [
    'Also possible, with more emulation or behind another: {systems}',
    'وممكن أيضًا، بمحاكاة أكثر أو متأخرًا عن غيره: {systems}',
  ],
  ['Not: {systems*}', 'غير المناسب: {systems*}'],
  ['Left open: {systems*}', 'ما بقي غير محسوم: {systems*}'],
  [/^(?<system>(?:rabbitmq|kafka|log)[\w@.-]*) \((?<needs>.+)\)$/, '{system} ({needs*})'],
  [
    "{runs} run of its workload on each system through Sluice's port, {nodes*} of each, {machine}; properties by the bare client (amqplib, kafkajs) where it has them",
    'تشغيل واحد لحِمل عمله على كل نظام عبر واجهة Sluice الموحّدة (port)، {nodes*} لكل نظام، {machine}؛ والخواص بالعميل المجرد (amqplib أو kafkajs) حيث توجد له',
  ],
  [
    "{runs} runs of its workload on each system through Sluice's port, {nodes*} of each, {machine}; properties by the bare client (amqplib, kafkajs) where it has them",
    'عدد تشغيلات حِمل عمله على كل نظام {runs}، عبر واجهة Sluice الموحّدة (port)، {nodes*} لكل نظام، {machine}؛ والخواص بالعميل المجرد (amqplib أو kafkajs) حيث توجد له',
  ],
  ['one node', 'عقدة واحدة'],
  ['{count} nodes', 'العقد {count}'],
];

export const scenarioPhrases: readonly Phrase[] = [
  ...scenarioTitles,
  ...scenarioQuestions,
  ...workloadTitles,
  ...useWords,
];
