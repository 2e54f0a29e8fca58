/**
 * The report as one page that needs nothing else: no script, no font, no picture from anywhere. It can be mailed, kept for years
 * and printed. The policy in its head holds it to that: a browser loads nothing for it.
 */

import { reportDocument } from '../sections/index.ts';
import { html, type Markup } from '../markup.ts';
import type { Section } from '../document.ts';
import type { Report } from '../model.ts';
import { blockMarkup, textMarkup } from './blocks.ts';
import { style } from './style.ts';

/** Same report, same bytes. The report must have been checked (check.ts). */
export function renderHtml(report: Report): string {
  const { title, byline, sections } = reportDocument(report);
  return `<!doctype html>\n${
    html`<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">
<title>${title}</title>
<style>${style}</style>
</head>
<body>
<a class="skip" href="#main">To the report</a>
<header id="top">
<p class="kicker">Sluice comparison</p>
<h1>${title}</h1>
<ul class="byline">${byline.map((text) => html`<li>${textMarkup(text)}</li>`)}</ul>
</header>
<nav aria-label="Sections"><ol>${sections.map(({ id, title: name }) => html`<li><a href="#${id}">${name}</a></li>`)}</ol></nav>
<main id="main">
${sections.map(sectionMarkup)}
</main>
<footer><p>Made from report.json, which is the truth; this page only shows it. <a href="#top">To the top</a></p></footer>
</body>
</html>`.text
  }\n`;
}

function sectionMarkup({ id, title, blocks, parts }: Section): Markup {
  return html`<section id="${id}" aria-labelledby="${id}-h">
<h2 id="${id}-h">${title}</h2>
${blocks.map(blockMarkup)}
${parts.map(
  (part) => html`<section class="part" id="${part.id}" aria-labelledby="${part.id}-h">
<h3 id="${part.id}-h">${part.title}</h3>
${part.blocks.map(blockMarkup)}
</section>
`,
)}</section>
`;
}
