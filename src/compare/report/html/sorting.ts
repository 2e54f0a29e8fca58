/**
 * Tables that can be sorted where scripts run: the only script of the page, in the page, and named by its digest in the policy of the head,
 * so that no other one runs. Without it every table is whole, in the order in which it was written.
 */

/**
 * The head of every column becomes a button: first the smallest above, then the largest. Figures are compared as figures, with their unit of
 * bytes; what is no figure where others are stands last. Rows stay in their group, and groups go by the row that is first in each.
 */
export const sortingScript = `'use strict';
for (const table of document.querySelectorAll('main table')) {
  const bodies = [...table.querySelectorAll('tbody')];
  if (!bodies.some((body) => body.querySelectorAll('tr').length > 2)) continue;
  columnsOf(table).forEach((head, column) => {
    const button = document.createElement('button');
    button.append(...head.childNodes);
    head.append(button);
    button.addEventListener('click', () => {
      const isDescending = head.getAttribute('aria-sort') === 'ascending';
      for (const each of table.querySelectorAll('[aria-sort]')) each.removeAttribute('aria-sort');
      head.setAttribute('aria-sort', isDescending ? 'descending' : 'ascending');
      sort(table, bodies, column, isDescending ? -1 : 1);
    });
  });
}
function columnsOf(table) {
  const [upper, lower] = [...table.querySelectorAll('thead tr')].map((row) => [...row.children]);
  return upper.flatMap((head) => head.getAttribute('scope') === 'colgroup' ? lower.splice(0, spanOf(head)) : [head]);
}
function spanOf(cell) {
  return Number(cell.getAttribute('colspan') ?? 1);
}
function sort(table, bodies, column, sign) {
  const groups = bodies.map((body) => {
    const rows = [...body.querySelectorAll('tr')].map((row) => ({ row, value: valueOf(row, column) }));
    const heads = rows.filter(({ row }) => row.firstElementChild.getAttribute('scope') === 'rowgroup');
    const own = rows.filter((each) => !heads.includes(each)).sort((a, b) => compare(a.value, b.value, sign));
    body.append(...[...heads, ...own].map(({ row }) => row));
    return { body, value: own.length === 0 ? null : own[0].value };
  });
  table.append(...groups.sort((a, b) => compare(a.value, b.value, sign)).map(({ body }) => body));
}
function valueOf(row, column) {
  let at = 0;
  for (const cell of row.children) {
    if (column < at + spanOf(cell)) return at === column || spanOf(cell) === 1 ? read(cell.textContent.trim()) : null;
    at += spanOf(cell);
  }
  return null;
}
function read(text) {
  const [, digits, unit] = /^([-−]?[\\d,]+(?:\\.\\d+)?)(?:\\s*([KMGT]?)i?B)?/.exec(text) ?? [];
  if (digits === undefined) return text === '–' || text === '' ? null : text;
  return Number(digits.replaceAll(',', '').replace('−', '-')) * 1024 ** (unit ? 'KMGT'.indexOf(unit) + 1 : 0);
}
function compare(a, b, sign) {
  if (a === null || b === null) return (a === null) - (b === null);
  if (typeof a === 'number' && typeof b === 'number') return sign * (a - b);
  if (typeof a !== typeof b) return typeof a === 'number' ? -1 : 1;
  return sign * a.localeCompare(b, document.documentElement.lang, { numeric: true });
}
`;

/** Of the policy: this script and no other, by its SHA-256 in base64 (a test holds them together). */
export const sortingSource = "'sha256-SPREXRIV3O3uMV439HBR1vrocBxxH9/hqrfcvki77LI='";
