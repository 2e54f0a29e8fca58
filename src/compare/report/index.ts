/** The report's door: read it, check it, and show it in the forms that people and spreadsheets read. */

export { checkReport, parseReport, ReportError } from './check.ts';
export { renderCsv } from './csv.ts';
export { renderHtml } from './html/index.ts';
export { renderMarkdown } from './markdown.ts';
export { reportJsonSchema } from './schema.ts';
export { reasonLines } from './sections/verdict.ts';
