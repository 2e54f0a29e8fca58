/** The page: whole, alone, linked to its own proof, and honest about what it may not show. */

import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Report, WorkloadRow } from '../../src/compare/report/model.ts';
import { durability } from '../../src/compare/report/figures.ts';
import { checkReport, renderHtml } from '../../src/compare/report/index.ts';
import { style } from '../../src/compare/report/html/style.ts';
import { visible } from '../../src/compare/report/markup.ts';
import { isInProcess } from '../../src/compare/report/view.ts';
import { emptyReport, syntheticReport } from './synthetic-report.ts';
import { attacks, hostileReport, spoiledText } from './hostile-report.ts';
import { allElements, elementsNamed, type PageElement, parsePage, textOf } from './page-parser.ts';

const report = syntheticReport();
const page = renderHtml(report);
const root = parsePage(page);
const text = textOf(root);

describe('the page as a document', () => {
  it('is well formed, with every id once', () => {
    const ids = allElements(root).flatMap(({ attributes }) => attributes['id'] ?? []);
    expect(ids.filter((id, index) => ids.indexOf(id) !== index)).toEqual([]);
  });

  it('a tag that is not closed, a bare bracket and an unquoted attribute would be found', () => {
    const of = (inner: string) => () => parsePage(`<!doctype html>\n<html>${inner}</html>`);
    expect(of('<p>a</p>')).not.toThrow();
    for (const broken of ['<p>a', '<b><i>a</b></i>', 'a > b', 'a & b', '<p class=x>a</p>', '<p id="a" id="b">a</p>'])
      expect(of(broken), broken).toThrow();
  });

  it('every link within it leads somewhere', () => {
    const ids = new Set(allElements(root).flatMap(({ attributes }) => attributes['id'] ?? []));
    const targets = elementsNamed(root, 'a').map(({ attributes }) => attributes['href'] ?? '');
    const inside = targets.filter((href) => href.startsWith('#'));
    expect(inside.length).toBeGreaterThan(100);
    expect(inside.filter((href) => !ids.has(href.slice(1)))).toEqual([]);
    const named = allElements(root).flatMap(({ attributes }) =>
      `${attributes['aria-labelledby'] ?? ''}`.split(' ').filter((id) => id !== ''),
    );
    expect(named.filter((id) => !ids.has(id))).toEqual([]);
  });

  it('loads nothing', () => {
    expect(elementsNamed(root, 'link', 'img', 'iframe', 'object', 'embed', 'form', 'base')).toEqual([]);
    expect(allElements(root).filter(({ attributes }) => 'src' in attributes || 'srcset' in attributes)).toEqual([]);
    expect(page).not.toMatch(/@import|url\(|xlink:|<use(?! href="#)/i);
    expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'`);
    // One script, which is here, and which the policy knows by its digest.
    const [script, ...others] = elementsNamed(root, 'script');
    expect([script?.attributes, others]).toEqual([{}, []]);
    const code = (script?.children ?? []).filter((child) => typeof child === 'string');
    const digest = createHash('sha256').update(code.join('')).digest('base64');
    expect(page).toContain(`; script-src 'sha256-${digest}'; base-uri 'none'`);
    const outside = elementsNamed(root, 'a').filter(({ attributes }) => !attributes['href']?.startsWith('#'));
    expect(new Set(outside.map(({ attributes }) => attributes['rel']))).toEqual(new Set(['noreferrer']));
  });

  it('has landmarks, one first heading, no level left out, and tables whose heads say what they head', () => {
    for (const name of ['header', 'nav', 'main', 'footer', 'h1'])
      expect(elementsNamed(root, name), name).toHaveLength(1);
    const levels = elementsNamed(root, 'h1', 'h2', 'h3', 'h4').map(({ name }) => Number(name[1]));
    levels.forEach((level, index) => expect(level - (levels[index - 1] ?? 0)).toBeLessThanOrEqual(1));
    for (const table of elementsNamed(root, 'table')) {
      expect(elementsNamed(table, 'caption')).toHaveLength(1);
      for (const head of elementsNamed(table, 'th'))
        expect(head.attributes['scope']).toMatch(/^(col|colgroup|row|rowgroup)$/);
    }
    for (const chart of elementsNamed(root, 'svg').filter(({ attributes }) => attributes['class'] === 'chart'))
      expect(chart.attributes['role']).toBe('img');
  });

  it('every row of a table is as wide as its head', () => {
    for (const table of elementsNamed(root, 'table')) {
      const width = Math.max(...rowsOf(table).map(widthOf));
      const [upper] = rowsOf(table);
      expect(upper === undefined ? 0 : widthOf(upper), textOf(table).slice(0, 60)).toBe(width);
      const body = elementsNamed(table, 'tbody').flatMap(rowsOf);
      expect(new Set(body.map(widthOf)), textOf(table).slice(0, 60)).toEqual(new Set([width]));
    }
  });

  it('sections come in the order in which a report is read', () => {
    expect(elementsNamed(root, 'h2').map(textOf)).toEqual([
      'Verdict',
      'Capability matrix',
      'Surprises',
      'Equal load',
      'Latency against load',
      'Own maximum',
      'Cost',
      'Faults',
      'Details',
      'Environment',
      'Limits',
      'How to reproduce',
    ]);
  });

  it('is the same for the same report', () => {
    expect(renderHtml(syntheticReport())).toBe(page);
    expect(renderHtml(JSON.parse(JSON.stringify(report)) as Report)).toBe(page);
  });

  it('of a report with nothing in it is a page that says so', () => {
    const nothing = renderHtml(checkReport(emptyReport()));
    expect(elementsNamed(parsePage(nothing), 'h2')).toHaveLength(12);
    expect(textOf(parsePage(nothing))).toContain('No workload was measured.');
    expect(elementsNamed(parsePage(nothing), 'svg')).toEqual([]);
  });

  it('text has a contrast of 4.5 or more, light and dark', () => {
    const [light, dark] = themes();
    for (const colours of [light, dark]) {
      for (const ink of ['ink', 'quiet', 'link'])
        for (const back of ['paper', 'raised', 'sunken'])
          expect(contrast(colours, ink, back), `${ink} on ${back}`).toBeGreaterThanOrEqual(4.5);
      for (const tone of ['good', 'part', 'bad', 'open', 'none'])
        expect(contrast(colours, tone, `${tone}-back`), tone).toBeGreaterThanOrEqual(4.5);
      for (const line of ['quorum', 'classic', 'stream', 'kafka', 'log', 'other'])
        expect(contrast(colours, line, 'raised'), line).toBeGreaterThanOrEqual(3);
    }
  });
});

describe('what the page shows', () => {
  it('every scenario row: question, verdict, expectation with its source, what was seen, evidence', () => {
    const listed = elementsNamed(root, 'li').map(textOf);
    for (const row of report.scenarios) {
      const shown = textOf(byId(`s-${row.id}.${row.system}.${row.layer}`));
      for (const part of [row.system, row.layer, row.verdict, row.summary, row.expected.verdict, ...row.evidence])
        expect(shown).toContain(part);
      // What several systems have in common is said once, with the number that each row has.
      const number = /expectation \d+/.exec(shown)?.[0] ?? '';
      const { verdict, why, source } = row.expected;
      const isSaid = listed.some(
        (item) => item.startsWith(number) && [verdict, why, source].every((each) => item.includes(each)),
      );
      expect(isSaid, `${row.id} ${row.system}: ${number}`).toBe(true);
      expect(text).toContain(row.question);
    }
  });

  it('every claim with basis, reason, scope, and links to the very rows', () => {
    report.verdicts.forEach((claim, index) => {
      const card = byId(`claim-${index + 1}`);
      for (const part of [claim.claim, claim.reason, claim.scope]) expect(textOf(card)).toContain(part);
      const cited = elementsNamed(card, 'a').map(({ attributes }) => textOf(byId((attributes['href'] ?? '').slice(1))));
      for (const id of claim.evidence) {
        const [, system = '', layer = ''] = id.split('.');
        expect(
          cited.some((row) => row.includes(system) && row.includes(layer)),
          id,
        ).toBe(true);
      }
      expect(cited.length).toBeGreaterThanOrEqual(claim.evidence.length);
    });
  });

  it('every run of every workload, once in figures and once in checks', () => {
    for (const id of new Set(report.workloads.map((row) => row.id))) {
      const runs = report.workloads.filter((row) => row.id === id);
      for (const caption of ['Figures of every run, ', 'Checks and cost of every run, '])
        expect(runRowsIn(tableCalled(`${caption}${id}`))).toHaveLength(runs.length);
    }
  });

  it('above the runs of each system, layer and promise: which they are, once', () => {
    for (const id of new Set(report.workloads.map((row) => row.id))) {
      const runs = report.workloads.filter((row) => row.id === id);
      const told = elementsNamed(tableCalled(`Figures of every run, ${id}`), 'th')
        .filter(({ attributes }) => attributes['scope'] === 'rowgroup')
        .map((head) => textOf(head).trim());
      const cells = runs.map(
        ({ system, layer, durability: { persistence, copies } }) => `${system} ${layer}, ${persistence} × ${copies}`,
      );
      expect(new Set(told)).toEqual(new Set(cells));
      expect(told).toHaveLength(new Set(told).size);
    }
  });

  it('of each run the first that was wrong with it', () => {
    const [first, ...others] = report.workloads;
    if (first === undefined) throw new Error('the report has no run');
    const offenders = ['number 4 after number 6', 'number 6 after number 7'];
    const spoiled = { ...report, workloads: [{ ...first, checks: { ...first.checks, offenders } }, ...others] };
    const shown = textOf(parsePage(renderHtml(spoiled)));
    expect(offenders.map((offender) => shown.includes(offender))).toEqual([true, false]);
  });

  it('what was not measured, what limits it, and the bounds that were asked for', () => {
    for (const { reason } of report.notMeasured) expect(text).toContain(reason);
    for (const limit of report.limits) expect(text).toContain(limit);
    for (const { expression, reason } of report.assertions) {
      expect(text).toContain(expression);
      expect(text).toContain(reason);
    }
    for (const part of [report.run.command, report.run.planHash, report.environment.cpu.model])
      expect(text).toContain(part);
  });

  it('no figure of an invalid run, but its reason and what was found', () => {
    const spoiled = withUglyInvalidRuns(report);
    const shown = textOf(parsePage(renderHtml(spoiled)));
    expect(spoiled.workloads.some((row) => !row.valid)).toBe(true);
    expect(shown).not.toContain('777,777');
    expect(shown).not.toContain('7,777');
    for (const row of spoiled.workloads.filter(({ valid }) => !valid)) {
      expect(shown).toContain(`invalid: ${row.invalidBecause}`);
      for (const offender of row.checks.offenders) expect(shown).toContain(offender);
    }
  });

  it('the same ugly figures of a valid run would be seen', () => {
    const row = report.workloads.find(({ valid }) => valid) as WorkloadRow;
    const shown = textOf(
      parsePage(renderHtml({ ...report, workloads: [...report.workloads, { ...uglyRun(row), repeat: 9 }] })),
    );
    expect(shown).toContain('777,777');
    expect(shown).toContain('7,777');
  });

  it('percentiles that rest on few samples are marked', () => {
    expect(text).toContain('†');
  });
});

describe('what may stand in one chart', () => {
  it('systems of one durability, and the embedded log apart from brokers', () => {
    expect(chartsOf(root).length).toBeGreaterThan(10);
    for (const chart of chartsOf(root)) expect(tiersIn(chart, report)).toHaveLength(1);
  });

  it('a system that reaches another durability gets a panel of its own', () => {
    const kafkaSynced = <T extends { system: string; durability: WorkloadRow['durability'] }>(row: T): T =>
      row.system === 'kafka' ? { ...row, durability: { persistence: 'os', copies: 3 } } : row;
    const other: Report = {
      ...report,
      workloads: report.workloads.map(kafkaSynced),
      summaries: report.summaries.map(kafkaSynced),
    };
    const charts = chartsOf(parsePage(renderHtml(checkReport(other))));
    expect(charts.length).toBeGreaterThan(chartsOf(root).length);
    for (const chart of charts) expect(tiersIn(chart, other)).toHaveLength(1);
  });
});

describe('hostile text', () => {
  const hostile = checkReport(hostileReport(report));
  const spoiled = renderHtml(hostile);
  const spoiledRoot = parsePage(spoiled);

  it('becomes no element, no attribute and no link', () => {
    const names = new Set(allElements(root).map(({ name }) => name));
    expect(allElements(spoiledRoot).filter(({ name }) => !names.has(name))).toEqual([]);
    const attributes = new Set(allElements(root).flatMap((element) => Object.keys(element.attributes)));
    expect(
      allElements(spoiledRoot)
        .flatMap((element) => Object.keys(element.attributes))
        .filter((name) => !attributes.has(name)),
    ).toEqual([]);
    for (const { attributes: own } of elementsNamed(spoiledRoot, 'a')) expect(own['href']).toMatch(/^#|^https?:\/\//);
  });

  it('is shown as it is, but for what cannot be seen', () => {
    const shown = textOf(spoiledRoot);
    expect(shown).toContain(attacks[0]);
    expect(shown).toContain(visible(spoiledText(report.limits[0] as string)));
    expect(spoiled).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/u);
    expect(spoiled.replaceAll(/[\n\r\t]/g, '')).not.toMatch(/\p{Cc}/u);
  });

  it('leaves every link and id in order', () => {
    const ids = allElements(spoiledRoot).flatMap(({ attributes }) => attributes['id'] ?? []);
    expect(new Set(ids).size).toBe(ids.length);
    const inside = elementsNamed(spoiledRoot, 'a')
      .flatMap(({ attributes }) => attributes['href'] ?? [])
      .filter((href) => href.startsWith('#'));
    expect(inside.filter((href) => !ids.includes(href.slice(1)))).toEqual([]);
  });
});

// ------------------------------------------------------------------------------------------------ looking

function byId(id: string): PageElement {
  const found = allElements(root).find(({ attributes }) => attributes['id'] === id);
  if (found === undefined) throw new Error(`nothing has the id ${id}`);
  return found;
}

function tableCalled(caption: string): PageElement {
  const found = elementsNamed(root, 'table').find((table) =>
    elementsNamed(table, 'caption').some((each) => textOf(each) === caption),
  );
  if (found === undefined) throw new Error(`no table is called ${caption}`);
  return found;
}

/** Without the rows that only say what those below them have in common. */
function runRowsIn(table: PageElement): readonly PageElement[] {
  return elementsNamed(table, 'tbody')
    .flatMap(rowsOf)
    .filter((row) => elementsNamed(row, 'th').every(({ attributes }) => attributes['scope'] === 'row'));
}

function rowsOf(element: PageElement): readonly PageElement[] {
  return elementsNamed(element, 'tr');
}

function widthOf(row: PageElement): number {
  return row.children.reduce(
    (sum, cell) => sum + (typeof cell === 'string' ? 0 : Number(cell.attributes['colspan'] ?? 1)),
    0,
  );
}

function chartsOf(element: PageElement): readonly PageElement[] {
  return elementsNamed(element, 'svg').filter(({ attributes }) => attributes['class'] === 'chart');
}

/** Durabilities of the systems that are drawn, by the words in the drawing: `kafka · port` over a bar, `kafka` on a line. */
function tiersIn(chart: PageElement, of: Report): readonly string[] {
  const bars = elementsNamed(chart, 'text').filter(({ attributes }) => attributes['class'] === 'bar-name');
  const lines = elementsNamed(chart, 'path').flatMap((path) => elementsNamed(path, 'title'));
  // The lines of a panel are all of one layer, which its label and so its title ends with or begins with.
  const title = textOf(elementsNamed(chart, 'title')[0] as PageElement);
  const layerOfLines =
    (['bare', 'port', 'rest', 'grpc'] as const).find((layer) => title.includes(`. ${layer} ·`)) ?? 'port';
  // Effect sizes: the other system of each pair, whose layer is that of the bare clients.
  const pairs = elementsNamed(chart, 'text').filter(({ attributes }) => attributes['class'] === 'forest-name');
  const drawn = [
    ...pairs.map((name) => [textOf(name).split(' ')[0] ?? '', 'bare']),
    ...bars.map((name) => textOf(name).split(' · ')),
    ...lines.map((name) => [textOf(name), layerOfLines]),
  ];
  expect(drawn.length).toBeGreaterThan(0);
  const tiers = drawn.map(([system, layer]) => {
    const row = of.workloads.find((each) => each.system === system && each.layer === layer);
    if (row === undefined) throw new Error(`${system} ${layer} is drawn and has no run`);
    return `${durability(row.durability)}${isInProcess(row) ? ' in-process' : ''}`;
  });
  return [...new Set(tiers)];
}

function withUglyInvalidRuns(of: Report): Report {
  return { ...of, workloads: of.workloads.map((row) => (row.valid ? row : uglyRun(row))) };
}

/** Figures that stand nowhere else in the report. */
function uglyRun(row: WorkloadRow): WorkloadRow {
  const rate = { messagesPerSecond: 777_777, megabytesPerSecond: 7_777 };
  const latency = { ...row.latencyMs.publish, p50: 7_777, p90: 7_777, p95: 7_777, p99: 7_777, p999: 7_777, max: 7_777 };
  return {
    ...row,
    publish: rate,
    consume: rate,
    latencyMs: { publish: latency, endToEnd: latency },
    cost: {
      brokerCpuSecondsPerMillion: 7_777,
      clientCpuSecondsPerMillion: 7_777,
      bytesWrittenPerPayloadByte: 7_777,
      peakRssBytes: 7_777,
    },
    slipMs: { p50: 7_777, p99: 7_777, max: 7_777 },
  };
}

type Colours = Readonly<Record<string, string>>;

function themes(): readonly [Colours, Colours] {
  const blocks = Array.from(style.text.matchAll(/:root\{([^}]*)\}/g), ([, inner = '']) => inner);
  const read = (block: string): Colours =>
    Object.fromEntries(
      Array.from(block.matchAll(/--([a-z-]+):(#[0-9a-f]{3,6})/g), ([, name = '', value = '']) => [name, value]),
    );
  const [light = '', dark = ''] = blocks;
  return [read(light), read(dark)];
}

function contrast(colours: Colours, ink: string, back: string): number {
  const [one = 0, other = 0] = [luminance(colours[ink] ?? ''), luminance(colours[back] ?? '')].sort((a, b) => b - a);
  return (one + 0.05) / (other + 0.05);
}

function luminance(hex: string): number {
  const full = hex.length === 4 ? hex.replace(/[0-9a-f]/g, '$&$&') : hex;
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(full.slice(at, at + 2), 16) / 255;
    return part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
