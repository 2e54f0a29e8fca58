/** The tables of the page, sorted as a reader does it: by the heads of their columns. */

import { runInNewContext } from 'node:vm';
import { Window } from 'happy-dom';
import { describe, expect, it, onTestFinished } from 'vitest';
import { renderHtml } from '../../src/compare/report/index.ts';
import { syntheticReport } from './synthetic-report.ts';

type Page = Window['document'];

describe('a table can be sorted', () => {
  it('by a figure: first the smallest above, then the largest, and what is none last', () => {
    const page =
      opened(`<table><thead><tr><th scope="col">System<th scope="col">Rate<th scope="col">Memory</thead><tbody>
<tr><th scope="row">a<td>1,200<td>2 GiB
<tr><th scope="row">b<td>–<td>900 MiB
<tr><th scope="row">c<td>−3.5<td>1,023 KiB
<tr><th scope="row">d<td>900<td>12 B</tbody></table>`);
    press(page, 'Rate');
    expect([column(page, 0), sortOf(page, 'Rate')]).toEqual([['c', 'd', 'a', 'b'], 'ascending']);
    press(page, 'Rate');
    expect([column(page, 0), sortOf(page, 'Rate')]).toEqual([['a', 'd', 'c', 'b'], 'descending']);
    press(page, 'Memory');
    expect([column(page, 0), sortOf(page, 'Rate'), sortOf(page, 'Memory')]).toEqual([
      ['d', 'c', 'b', 'a'],
      null,
      'ascending',
    ]);
    press(page, 'System');
    expect(column(page, 0)).toEqual(['a', 'b', 'c', 'd']);
  });

  it('with heads over several columns, and cells over several', () => {
    const page =
      opened(`<table><thead><tr><th scope="col" rowspan="2">Run<th scope="colgroup" colspan="2">Latency<th scope="col" rowspan="2">Last
<tr><th scope="col">p50<th scope="col">p99</thead><tbody>
<tr><th scope="row">#1<td>5<td>30<td>1
<tr><th scope="row">#2<td colspan="3">invalid: why
<tr><th scope="row">#3<td>4<td>40<td>2</tbody></table>`);
    press(page, 'p99');
    press(page, 'p99');
    expect(column(page, 0)).toEqual(['#3', '#1', '#2']);
    press(page, 'Last');
    expect(column(page, 0)).toEqual(['#1', '#3', '#2']);
  });

  it('in groups, which keep their rows and go by the first of them', () => {
    const page = opened(`<table><thead><tr><th scope="col">Run<th scope="col">Rate</thead>
<tbody><tr><th scope="rowgroup" colspan="2">kafka<tr><th scope="row">#1<td>30<tr><th scope="row">#2<td>10</tbody>
<tbody><tr><th scope="rowgroup" colspan="2">classic<tr><th scope="row">#1<td>7<tr><th scope="row">#2<td>20</tbody></table>`);
    press(page, 'Rate');
    expect(column(page, 0)).toEqual(['classic', '#1', '#2', 'kafka', '#2', '#1']);
    press(page, 'Rate');
    expect(column(page, 0)).toEqual(['kafka', '#1', '#2', 'classic', '#2', '#1']);
  });

  it('of a report: no row is lost or changed, whatever it is sorted by', () => {
    const page = opened(renderHtml(syntheticReport()));
    const tables = [...page.querySelectorAll('table')].filter((table) => table.querySelector('thead button') !== null);
    expect(tables.length).toBeGreaterThan(20);
    for (const table of tables) {
      const rows = () => [...table.querySelectorAll('tbody tr')].map((row) => row.textContent.trim());
      const before = [...rows()].sort();
      for (const button of table.querySelectorAll('thead button')) {
        click(page, button);
        click(page, button);
      }
      expect([...rows()].sort()).toEqual(before);
    }
  });
});

/** As a browser would have it, after the page's own script. */
function opened(markup: string): Page {
  const window = new Window();
  onTestFinished(async () => await window.happyDOM.close());
  const isPage = markup.startsWith('<!doctype');
  window.document.write(
    isPage ? markup : `<!doctype html>\n<html lang="en"><body><main>${markup}</main></body></html>`,
  );
  const script = /<script>([^]*)<\/script>/.exec(renderHtml(syntheticReport()))?.[1];
  if (script === undefined) throw new Error('the page has no script');
  runInNewContext(script, { document: window.document });
  return window.document;
}

function buttonOf(page: Page, head: string) {
  const found = [...page.querySelectorAll('thead button')].find((button) => button.textContent.trim() === head);
  if (found === undefined) throw new Error(`there is no head ${head}`);
  return found;
}

function press(page: Page, head: string): void {
  click(page, buttonOf(page, head));
}

function click(page: Page, button: ReturnType<typeof buttonOf>): void {
  button.dispatchEvent(new (page.defaultView as Window).MouseEvent('click'));
}

function sortOf(page: Page, head: string): string | null {
  return buttonOf(page, head).parentElement?.getAttribute('aria-sort') ?? null;
}

function column(page: Page, at: number): readonly string[] {
  return [...page.querySelectorAll('tbody tr')].map((row) => row.children[at]?.textContent.trim() ?? '');
}
