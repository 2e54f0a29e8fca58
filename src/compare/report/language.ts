/**
 * The languages that a report can be read in. What the page says itself is said in all of them at the place where it is said, so
 * that a sentence without its Arabic does not compile. What a run wrote (report.json, in English) has its Arabic in phrases/.
 */

export const languages = ['en', 'ar'] as const;
export type Language = (typeof languages)[number];

/** The same in every language. */
export type Said = Readonly<Record<Language, string>>;

/** Latin words in the Arabic (ids, units, figures) are isolated when the page is made; they need no marks here. */
export function say(en: string, ar: string): Said {
  return { en, ar };
}

export function sentences(parts: readonly Said[]): Said {
  return say(parts.map(({ en }) => en).join(' '), parts.map(({ ar }) => ar).join(' '));
}

/** `a, b and c` of names that are the same in every language. */
export function joinedNames(names: readonly string[]): Said {
  return say(joinedWith(names, ', ', ' and '), joinedWith(names, '، ', ' و '));
}

export function joinedWords(parts: readonly Said[]): Said {
  return say(
    joinedWith(
      parts.map(({ en }) => en),
      ', ',
      ' and ',
    ),
    joinedWith(
      parts.map(({ ar }) => ar),
      '، ',
      ' و',
    ),
  );
}

function joinedWith(parts: readonly string[], comma: string, and: string): string {
  return parts.length <= 1 ? (parts[0] ?? '') : `${parts.slice(0, -1).join(comma)}${and}${parts.at(-1)}`;
}

// ------------------------------------------------------------------------------------------------ counting in Arabic

/** A noun as it stands after no number (one), for two, after 3 to 10, after 11 to 99, and after hundreds. */
export interface ArabicNoun {
  readonly one: string;
  readonly two: string;
  readonly few: string;
  readonly many: string;
  readonly hundred: string;
}

const pluralRules = new Intl.PluralRules('ar');

/** `تشغيل واحد`, `تشغيلان`, `3 تشغيلات`, `12 تشغيلًا`, `100 تشغيل`. `shown`: the figure as it is to be written. */
export function countedArabic(howMany: number, noun: ArabicNoun, shown = String(howMany)): string {
  switch (pluralRules.select(howMany)) {
    case 'one':
      return noun.one;
    case 'two':
      return noun.two;
    case 'few':
      return `${shown} ${noun.few}`;
    case 'many':
      return `${shown} ${noun.many}`;
    default:
      return `${shown} ${noun.hundred}`;
  }
}

/** The nouns that the report counts, in the genitive and accusative where Arabic tells them apart: after a preposition or a verb. */
export const nouns = {
  partition: { one: 'قسم واحد', two: 'قسمان', few: 'أقسام', many: 'قسمًا', hundred: 'قسم' },
  subscription: { one: 'اشتراك واحد', two: 'اشتراكان', few: 'اشتراكات', many: 'اشتراكًا', hundred: 'اشتراك' },
  consumer: { one: 'مستهلك واحد', two: 'مستهلكان', few: 'مستهلكين', many: 'مستهلكًا', hundred: 'مستهلك' },
  key: { one: 'مفتاح واحد', two: 'مفتاحان', few: 'مفاتيح', many: 'مفتاحًا', hundred: 'مفتاح' },
  message: { one: 'رسالة واحدة', two: 'رسالتان', few: 'رسائل', many: 'رسالة', hundred: 'رسالة' },
  repeat: { one: 'تكرار واحد', two: 'تكراران', few: 'تكرارات', many: 'تكرارًا', hundred: 'تكرار' },
  core: { one: 'نواة واحدة', two: 'نواتان', few: 'أنوية', many: 'نواة', hundred: 'نواة' },
  run: { one: 'تشغيل واحد', two: 'تشغيلان', few: 'تشغيلات', many: 'تشغيلًا', hundred: 'تشغيل' },
  copy: { one: 'نسخة واحدة', two: 'نسختان', few: 'نسخ', many: 'نسخة', hundred: 'نسخة' },
  question: { one: 'سؤال واحد', two: 'سؤالان', few: 'أسئلة', many: 'سؤالًا', hundred: 'سؤال' },
  workload: { one: 'حِمل عمل واحد', two: 'حِملا عمل', few: 'أحمال عمل', many: 'حِمل عمل', hundred: 'حِمل عمل' },
  comparison: { one: 'مقارنة واحدة', two: 'مقارنتان', few: 'مقارنات', many: 'مقارنة', hundred: 'مقارنة' },
  search: { one: 'بحث واحد', two: 'بحثان', few: 'عمليات بحث', many: 'عملية بحث', hundred: 'عملية بحث' },
  result: { one: 'نتيجة واحدة', two: 'نتيجتان', few: 'نتائج', many: 'نتيجة', hundred: 'نتيجة' },
  sample: { one: 'عينة واحدة', two: 'عينتان', few: 'عينات', many: 'عينة', hundred: 'عينة' },
  row: { one: 'صف واحد', two: 'صفان', few: 'صفوف', many: 'صفًا', hundred: 'صف' },
  request: { one: 'طلب واحد', two: 'طلبان', few: 'طلبات', many: 'طلبًا', hundred: 'طلب' },
} as const satisfies Readonly<Record<string, ArabicNoun>>;
