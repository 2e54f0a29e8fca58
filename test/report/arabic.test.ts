/** The page in Arabic: whole, from right to left, nothing of it said in English only, and nothing in it that loses its direction. */

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { arabicPageOf } from '../../scripts/print-arabic.ts';
import { uses } from '../../src/compare/advice/uses.ts';
import { isolated } from '../../src/compare/report/bidi.ts';
import { checkReport, parseReport, renderHtml } from '../../src/compare/report/index.ts';
import { countedArabic, nouns } from '../../src/compare/report/language.ts';
import { visible } from '../../src/compare/report/markup.ts';
import type { Report } from '../../src/compare/report/model.ts';
import { claimPhrases } from '../../src/compare/report/phrases/claims.ts';
import { arabicOf, piecesOf } from '../../src/compare/report/phrases/index.ts';
import { runPhrases } from '../../src/compare/report/phrases/run.ts';
import { scenarioPhrases } from '../../src/compare/report/phrases/scenarios.ts';
import { scenarios } from '../../src/compare/scenarios/index.ts';
import { workloadsOf } from '../../src/compare/workloads/index.ts';
import { attacks, hostileReport } from './hostile-report.ts';
import { withOtherSettings } from './other-settings.ts';
import { allElements, elementsNamed, type PageElement, parsePage, textOf } from './page-parser.ts';
import { emptyReport, syntheticReport } from './synthetic-report.ts';

const shipped = parseReport(readFileSync(new URL('../../docs/reports/two-cores/report.json', import.meta.url), 'utf8'));
const damage = parseReport(readFileSync(new URL('../../docs/reports/damage/report.json', import.meta.url), 'utf8'));
const report = checkReport(withOtherSettings(withEverySection(syntheticReport())));
const page = renderHtml(report, { language: 'ar', other: 'report.html' });
const root = parsePage(page);

describe('the page in Arabic', () => {
  it('is from right to left and says which language it is in', () => {
    expect([root.attributes['lang'], root.attributes['dir']]).toEqual(['ar', 'rtl']);
    expect(textOf(elementsNamed(root, 'h1')[0] as PageElement)).toMatch(/^مقارنة بين /);
  });

  it('has the rows, links, tables and drawings of the page in English, at the same places', () => {
    const ids = (of: PageElement) => allElements(of).flatMap(({ attributes }) => attributes['id'] ?? []);
    const english = parsePage(renderHtml(report));
    expect(ids(root)).toEqual(ids(english));
    expect(new Set(ids(root)).size).toBe(ids(root).length);
    for (const name of ['table', 'tr', 'td', 'svg', 'h2', 'h3', 'dt', 'dd'])
      expect(elementsNamed(root, name), name).toHaveLength(elementsNamed(english, name).length);
  });

  it('says nothing in Latin letters outside of what is isolated, and in there no prose', () => {
    expect(latinProse(root, report)).toEqual([]);
    expect(latinProse(parsePage(renderHtml(shipped, { language: 'ar' })), shipped)).toEqual([]);
    expect(latinProse(parsePage(renderHtml(damage, { language: 'ar' })), damage)).toEqual([]);
    expect(latinProse(parsePage(renderHtml(checkReport(emptyReport()), { language: 'ar' })), emptyReport())).toEqual(
      [],
    );
  });

  it.each([
    ['a sentence that is not isolated', '<p>A section in English only</p>'],
    ['a sentence of ours that pretends to be the run’s', '<p><bdi lang="en">A section in English only</bdi></p>'],
    ['a sentence that pretends to be a name', '<p><bdi>A section in English only</bdi></p>'],
    ['English between Arabic words', '<p>قسم <bdi>in English only</bdi> جديد</p>'],
    ['a word on a drawing', '<svg viewBox="0 0 1 1"><text>only here</text></svg>'],
  ])('%s would be found', (_, planted) => {
    const spoiled = page.replace('<section id="verdict"', `${planted}<section id="verdict"`);
    expect(spoiled).not.toBe(page);
    expect(latinProse(parsePage(spoiled), report)).toHaveLength(1);
  });

  it('code and commands are from left to right', () => {
    const codes = elementsNamed(root, 'pre', 'code').filter(({ name }) => name === 'pre' || name === 'code');
    expect(codes.length).toBeGreaterThan(5);
    for (const pre of elementsNamed(root, 'pre')) expect(pre.attributes['dir']).toBe('ltr');
  });

  it('drawings keep their axes from left to right, and their words go from right to left', () => {
    const charts = elementsNamed(root, 'svg').filter(({ attributes }) => attributes['class'] === 'chart');
    expect(charts.length).toBeGreaterThan(10);
    for (const chart of charts) {
      expect(chart.attributes['direction']).toBe('ltr');
      for (const axis of elementsNamed(chart, 'text').filter(({ attributes }) => attributes['class'] === 'axis'))
        expect([axis.attributes['direction'], /[\u0600-\u06ff]/.test(textOf(axis))]).toEqual(['rtl', true]);
    }
  });

  it('leads to the page in English, and that one back; neither needs the other', () => {
    const linksOf = (of: PageElement) =>
      elementsNamed(of, 'a').filter(({ attributes }) => attributes['hreflang'] !== undefined);
    expect(linksOf(root).map(({ attributes }) => [attributes['href'], attributes['hreflang']])).toEqual([
      ['report.html', 'en'],
    ]);
    expect(
      linksOf(parsePage(renderHtml(report, { other: 'report.ar.html' }))).map(({ attributes }) => attributes['href']),
    ).toEqual(['report.ar.html']);
    expect(linksOf(parsePage(renderHtml(report, { language: 'ar' })))).toEqual([]);
  });

  it('of the report that ships is less than 2 MB, as its English one', () => {
    for (const language of ['en', 'ar'] as const)
      expect(Buffer.byteLength(renderHtml(shipped, { language }))).toBeLessThan(2_000_000);
  });

  it('takes hostile text for text', () => {
    const hostile = renderHtml(checkReport(hostileReport(syntheticReport())), { language: 'ar' });
    const spoiled = parsePage(hostile);
    const names = new Set(allElements(root).map(({ name }) => name));
    expect(allElements(spoiled).filter(({ name }) => !names.has(name))).toEqual([]);
    expect(textOf(spoiled)).toContain(attacks[0]);
    expect(hostile).not.toMatch(/[\u202a-\u202e\u2066-\u2069]/u);
  });
});

describe('what a run writes', () => {
  it('has its Arabic: titles, questions, workloads, uses', () => {
    const words = [
      ...scenarios.flatMap(({ title, question }) => [title, question]),
      ...(['smoke', 'standard', 'full'] as const).flatMap((profile) =>
        workloadsOf(profile, 'all').map(({ title }) => title),
      ),
      ...uses.flatMap(({ title, needs }) => [title, ...needs.map(({ need }) => need)]),
    ];
    expect(words.length).toBeGreaterThan(120);
    expect(words.filter((text) => arabicOf(text) === null)).toEqual([]);
  });

  it.each([
    ['that ships', shipped],
    ['on damage', damage],
  ])('has it in the report %s: claims, reasons, scopes, limits, what was not measured', (_, report) => {
    const words = [
      ...report.verdicts.flatMap(({ claim, reason, scope }) => [claim, reason, ...(scope === 'none' ? [] : [scope])]),
      ...report.limits,
      ...report.notMeasured.map(({ reason }) => reason),
      ...(report.uses ?? []).flatMap(({ answer, scope }) => [answer, scope]),
      ...(report.primary?.results ?? []).flatMap(({ hypothesis, because }) => [hypothesis, because]),
    ];
    expect(words.filter((text) => arabicOf(text) === null)).toEqual([]);
  });

  it('is in English, and as a whole, where nobody has translated it', () => {
    expect(piecesOf('a broker had a bad day; it will say why')).toEqual([
      { text: 'a broker had a bad day; it will say why', isArabic: false },
    ]);
    expect(piecesOf('Suited: kafka. It has a bad day sometimes.').map(({ isArabic }) => isArabic)).toEqual([
      true,
      false,
    ]);
  });

  it('keeps every figure of its English', () => {
    const { reason } = shipped.verdicts.find(({ id }) => id === 'kafka-scales-out') as Report['verdicts'][number];
    const figures = (text: string) => (text.match(/\d[\d.,]*\d|\d/g) ?? []).toSorted();
    const arabic = arabicOf(reason) ?? '';
    expect(figures(arabic).length).toBeGreaterThan(3);
    expect(figures(reason).filter((figure) => !figures(arabic).includes(figure))).toEqual([]);
  });

  it('has only holes that its English has', () => {
    const holes = (text: string) => Array.from(text.matchAll(/\{(\w+)\*?\}/g), ([, name]) => name);
    for (const [english, arabic] of [...claimPhrases, ...runPhrases, ...scenarioPhrases]) {
      const source = typeof english === 'string' ? english : english.source.replace(/\(\?<(\w+)>/g, '{$1}');
      for (const hole of holes(arabic)) expect(holes(source), arabic).toContain(hole);
      expect(arabic, String(english)).toMatch(/[\u0600-\u06ff]|^\{/);
    }
  });
});

describe('docs/ar', () => {
  it('says what the report says: another verdict, reason or cell is another page', () => {
    const [first, ...rest] = shipped.verdicts;
    if (first === undefined) throw new Error('the report that ships has no verdict');
    const changed = [
      { ...first, verdict: 'false' as const },
      { ...first, reason: 'throughput-1k: Kafka 1 messages/s, rabbitmq-classic 2 messages/s.' },
      { ...first, evidence: ['ordering.kafka.port'] },
    ];
    const pages = changed.map((verdict) => arabicPageOf({ ...shipped, verdicts: [verdict, ...rest] }));
    expect(new Set([...pages, arabicPageOf(shipped)]).size).toBe(4);
  });

  it('leaves out no claim in silence', () => {
    const [first] = shipped.verdicts;
    const unknown = { ...shipped, verdicts: [{ ...first, id: 'kafka-is-blue' } as Report['verdicts'][number]] };
    expect(() => arabicPageOf(unknown)).toThrow(/kafka-is-blue/);
  });
});

describe('Arabic with other things in it', () => {
  it.each([
    ['من 12,100–12,500 إلى os × 1', 'من <bdi>12,100–12,500</bdi> إلى <bdi>os × 1</bdi>'],
    ['ضمن ±10 % و Kafka 4.3.1', 'ضمن <bdi>±10 %</bdi> و <bdi>Kafka 4.3.1</bdi>'],
    ['رسائل (uniform)، 1,000 مفتاح.', 'رسائل (<bdi>uniform</bdi>)، 1,000 مفتاح.'],
    [
      'من دفعة: kafka 47,488 → 89,451 (19.7 → 3.6)، وهكذا',
      'من دفعة: <bdi>kafka 47,488 → 89,451</bdi> (<bdi>19.7 → 3.6</bdi>)، وهكذا',
    ],
    ['عند 100 ms: throughput-1k.kafka.bare.', 'عند <bdi>100 ms</bdi>: <bdi>throughput-1k.kafka.bare</bdi>.'],
  ])('%s', (text, shown) => {
    expect(isolated(text).text).toBe(shown);
  });

  it('counts as Arabic does', () => {
    expect([1, 2, 3, 10, 11, 99, 100, 103, 0].map((howMany) => countedArabic(howMany, nouns.run))).toEqual([
      'تشغيل واحد',
      'تشغيلان',
      '3 تشغيلات',
      '10 تشغيلات',
      '11 تشغيلًا',
      '99 تشغيلًا',
      '100 تشغيل',
      '103 تشغيلات',
      '0 تشغيل',
    ]);
  });
});

// ------------------------------------------------------------------------------------------------ looking

/** Names of the field and units, which Arabic readers know by these letters. Prose is not made of them. */
const terms = new Set(
  (
    'Sluice English Node JavaScript Java REST gRPC GET RSS CPU AMQP ASCII Zipf SIGKILL SIGSTOP Spark Flink Hadoop Kafka RabbitMQ Cliff Holm ' +
    'bare port rest grpc reference quorum classic streams stream connectors share groups bootstrap loopback fsync fdatasync os memory ' +
    'PASS EMULATED DIFFERS UNSUPPORTED INCONCLUSIVE amqplib kafkajs uniform poisson zipf closed-window trace smoke standard full ' +
    'msg/s MB/s ms s min B KiB MiB GiB TiB MHz n p k s/M max report.json report.csv docs/report.schema.json v1/capabilities --assert'
  ).split(' '),
);

/** Every run of Latin letters of the page that is neither isolated nor of the report, nor a name. */
function latinProse(element: PageElement, of: Report): readonly string[] {
  const own = stringsOf(of).map((text) => visible(text));
  const whole = new Set(own);
  const all = own.join('\n');
  const isOfReport = (text: string) => whole.has(text) || all.includes(text);
  const found: string[] = [];
  const walk = (node: PageElement, where: 'arabic' | 'isolated' | 'english'): void => {
    if (node.name === 'style' || node.name === 'script' || node.name === 'head' || node.name === 'code') return;
    const { lang, dir, direction } = node.attributes;
    const isEnglish = lang === 'en' && node.attributes['class'] === undefined;
    const inside =
      where === 'english' || isEnglish
        ? 'english'
        : where === 'isolated' || node.name === 'bdi' || dir === 'ltr' || direction === 'ltr'
          ? 'isolated'
          : where;
    for (const child of node.children) {
      if (typeof child !== 'string') walk(child, inside);
      else if (/[A-Za-z]/.test(child) && !isAllowed(child.trim(), inside, node)) found.push(child.trim());
    }
  };
  const isAllowed = (text: string, where: string, node: PageElement): boolean => {
    if (where === 'arabic') return false;
    if (isOfReport(text)) return true;
    // The name of the other language, and what stands on a drawing for those who cannot see it.
    if (where === 'english') return text === 'English';
    if (node.name === 'title' || node.name === 'desc')
      return wordsOf(text.replaceAll(/[\u0600-\u06ff،؛]/g, ' ')).every(isName);
    return wordsOf(text).every(isName);
  };
  const isName = (word: string): boolean =>
    terms.has(word) ||
    /^p\d+(?:\.\d+)?$/.test(word) ||
    (/[\d.@/-]/.test(word) && all.includes(word)) ||
    names.has(word);
  const names = new Set([
    ...of.systems.flatMap(({ id, product }) => [id, ...product.split(' ')]),
    ...of.scenarios.flatMap(({ id, system, layer }) => [id, `${id}.${system}.${layer}`]),
    ...of.workloads.map(({ id }) => id),
    ...of.scenarios.flatMap(({ observed }) => Object.keys(observed)),
    ...of.systems.flatMap(({ configuration, capabilities }) => [
      ...Object.keys(configuration).flatMap((key) => key.split(' ')),
      ...Object.keys(capabilities),
      ...Object.values(capabilities).flatMap(({ limits = {} }) => Object.keys(limits)),
    ]),
    ...of.workloads.flatMap(({ readers = {} }) => Object.keys(readers)),
    ...Object.keys(of.environment.libraries),
  ]);
  walk(element, 'arabic');
  return found;
}

/** Words with a letter in them, without the signs around them. */
function wordsOf(text: string): readonly string[] {
  return text
    .split(/[\s()[\]“”«»,;:=×–·†#{}|]+/)
    .map((word) => word.replace(/^[^\w-]+|[^\w%]+$/g, ''))
    .filter((word) => /[A-Za-z]/.test(word))
    .map((word) => word.replace(/^\d[\d.]*(?=k?$|ms$|s$|B$)/, ''));
}

function stringsOf(value: unknown): readonly string[] {
  if (typeof value === 'string') return [value];
  return value !== null && typeof value === 'object' ? Object.values(value).flatMap(stringsOf) : [];
}

/** The synthetic report has neither uses nor a check by other tools. */
function withEverySection(of: Report): Report {
  const [row] = of.workloads.filter(({ system, valid }) => system === 'kafka' && valid);
  if (row === undefined) throw new Error('the synthetic report has no run of Kafka');
  const reader = {
    received: 90,
    missing: 0,
    reordered: 2,
    p50Ms: 3,
    p99Ms: 9,
    maxMs: 11,
    catchUpMs: 700,
    replayPerSecond: null,
  };
  const spread = { median: 9_000, low: 8_800, high: 9_100, count: 3 };
  return {
    ...of,
    workloads: of.workloads.map((each) =>
      each === row
        ? { ...each, readers: { inventory: reader, rebuild: { ...reader, refused: 'it keeps nothing' } } }
        : each,
    ),
    uses: [
      {
        id: row.id,
        title: 'Order fan-out of a shop',
        suited: ['kafka'],
        answer: 'Suited: kafka. Not: rabbitmq-quorum (its workload, shop-orders; a backlog is taken in and drained).',
        scope:
          "2 runs of its workload on each system through Sluice's port, one node of each, AMD EPYC, 2 cores, everything on one host; properties by the broker's own client where it has them",
        findings: (['yes', 'emulated', 'behind', 'no', 'unknown'] as const).map((fit) => ({
          need: 'a backlog is taken in and drained',
          system: 'kafka',
          fit,
          basis: fit === 'unknown' ? ('not tested' as const) : ('measured' as const),
          reason: `it was seen to be so (${fit})`,
          cites: [`${row.id}.kafka.${row.layer}`],
        })),
      },
    ],
    agreement: [
      {
        id: 'producer',
        system: 'kafka',
        figure: 'messages a second taken',
        unit: 'msg/s',
        settings: 'acks=1, 1 KiB',
        tool: 'ProducerPerformance',
        ours: spread,
        theirs: { ...spread, median: 9_200 },
        ratio: 0.978,
        bound: 0.15,
        agrees: true,
        differs: 'the size of a batch',
      },
    ],
  };
}
