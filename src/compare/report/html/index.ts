/**
 * The report as one page that needs nothing else: no font, no picture, no script from anywhere. It can be mailed, kept for years
 * and printed. The policy in its head holds it to that: a browser loads nothing for it, and runs the one script that is in it (sorting.ts).
 */

import { reportDocument } from '../sections/index.ts';
import { html, Markup } from '../markup.ts';
import type { Section } from '../document.ts';
import { type Language, languages, say } from '../language.ts';
import type { Report } from '../model.ts';
import { isolated } from '../bidi.ts';
import { blockMarkup, textMarkup, wordsMarkup } from './blocks.ts';
import { sortingScript, sortingSource } from './sorting.ts';
import { style } from './style.ts';

export interface PageOptions {
  readonly language?: Language;
  /** File name of the same page in the other language, which stands beside this one; without it the page has no switch. */
  readonly other?: string;
}

const frame = {
  kicker: say('Sluice comparison', 'مقارنة Sluice'),
  skip: say('To the report', 'إلى التقرير'),
  sections: say('Sections', 'الأقسام'),
  made: say(
    'Made from report.json, which is the truth; this page only shows it.',
    'صُنعت هذه الصفحة من report.json، وهو الأصل، وهي تعرضه فقط.',
  ),
  top: say('To the top', 'إلى الأعلى'),
} as const;

/** Where the page is in Arabic: what is in it in English, and why. */
const aboutEnglish =
  'ما كتبه التشغيل نفسه (الملخصات والأدلة ونصوص المصادر) باقٍ بالإنجليزية كما هو، لأنه هو الدليل. والأرقام بالأرقام الغربية كما في report.json.';

/** Each in its own language: that is how one finds it. */
const languageNames: Readonly<Record<Language, string>> = { en: 'English', ar: 'العربية' };

/** Same report, same bytes. The report must have been checked (check.ts). */
export function renderHtml(report: Report, { language = 'en', other }: PageOptions = {}): string {
  const { title, byline, sections } = reportDocument(report);
  const isArabic = language === 'ar';
  return `<!doctype html>\n${
    html`<html lang="${language}"${isArabic && html` dir="rtl"`}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src ${new Markup(sortingSource)}; base-uri 'none'; form-action 'none'">
<title>${title[language]}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">${wordsMarkup(frame.skip, language)}</a>
<header id="top">
${other !== undefined && languageSwitch(language, other)}<p class="kicker">${wordsMarkup(frame.kicker, language)}</p>
<h1>${wordsMarkup(title, language)}</h1>
<ul class="byline">${byline.map((text) => html`<li>${textMarkup(text, language)}</li>`)}</ul>
</header>
<nav aria-label="${frame.sections[language]}"><ol>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${textMarkup(name, language)}</a></li>`)}</ol></nav>
<main id="main">
${sections.map((section) => sectionMarkup(section, language))}
</main>
<footer><p>${wordsMarkup(frame.made, language)} ${isArabic && isolated(`${aboutEnglish} `)}<a href="#top">${wordsMarkup(frame.top, language)}</a></p></footer>
<script>${new Markup(sortingScript)}</script>
</body>
</html>`.text
  }\n`;
}

/** A link, so that it works without scripts and without styles; both pages are whole without the other. */
function languageSwitch(language: Language, other: string): Markup {
  const entry = (each: Language): Markup =>
    each === language
      ? html`<li lang="${each}" aria-current="true">${languageNames[each]}</li>`
      : html`<li lang="${each}"><a href="${other}" hreflang="${each}" rel="noreferrer">${languageNames[each]}</a></li>`;
  return html`<ul class="languages">${languages.map(entry)}</ul>
`;
}

function sectionMarkup({ id, title, blocks, parts }: Section, language: Language): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-h">
<h2 id="${id}-h">${textMarkup(title, language)}</h2>
${blocks.map((block) => blockMarkup(block, language))}
${parts.map(
  (part) => html`<section class="part" id="${part.id}" aria-labelledby="${part.id}-h">
<h3 id="${part.id}-h">${textMarkup(part.title, language)}</h3>
${part.blocks.map((block) => blockMarkup(block, language))}
</section>
`,
)}</section>
`;
}
