/**
 * The conformance suite: what a `MessagingPort` promises, as chapters that run on any of them. A capability that a port
 * claims must hold; one that it calls unsupported must be refused when used. What has no test is listed as untested, by name.
 *
 *   import { afterAll, beforeAll, describe, it } from 'vitest';
 *   import { conformance } from 'sluice/conformance';
 *
 *   conformance({ name: 'mine', open: async () => await openMyPort(), vitest: { afterAll, beforeAll, describe, it } });
 *
 * With node:test: `nodeTest: { after, before, describe, it }`. Other runners: `runChapters(chapters, { open })` gives a result for
 * each chapter, and `reportOf` what they say about the capabilities.
 */

import type { MessagingPort } from '../adapters/port.ts';
import type { Chapter } from './chapter.ts';
import { chapters } from './chapters/index.ts';
import { ConformanceFailure } from './expect.ts';
import { disagreements, type KnownUntested, reportOf, type TargetReport } from './findings.ts';
import {
  type Framework,
  nodeTestFramework,
  type NodeTestFunctions,
  vitestFramework,
  type VitestFunctions,
} from './framework.ts';
import { attemptChapter, type ChapterResult, type RunOptions } from './run.ts';

export type { Chapter, ChapterSubject } from './chapter.ts';
export { chapters } from './chapters/index.ts';
export { ConformanceFailure, Untested } from './expect.ts';
export {
  disagreements,
  type Finding,
  type Found,
  type KnownUntested,
  renderFindings,
  reportOf,
  type TargetReport,
  type UntestedChapter,
} from './findings.ts';
export type { NodeTestFunctions, VitestFunctions } from './framework.ts';
export { properties, type Property } from './properties.ts';
export { type ChapterResult, runChapters, type RunOptions } from './run.ts';
export { brokerTiming, memoryTiming, type Timing } from './timing.ts';
export type { TopicNeeds } from './world.ts';

export interface ConformanceOptions extends Omit<RunOptions, 'concurrency'> {
  /** What is tested, in the test's title. */
  readonly name: string;
  /** One of these two: where the tests are declared. */
  readonly vitest?: VitestFunctions;
  readonly nodeTest?: NodeTestFunctions;
  /** Titles of chapters that this door cannot keep, each with the reason; listed with it, never passed. */
  readonly except?: Readonly<Record<string, string>>;
  /** Claimed capabilities of which no chapter can run on this target, with the reason. Others that do not run fail the suite. */
  readonly untested?: KnownUntested;
  /** Called once, after the last chapter, with what was found: to print it (`renderFindings`) or to keep it. */
  readonly onReport?: (report: TargetReport) => Promise<void> | void;
  /** Why there is nothing to test (a broker that could not be had): the suite is then one test, skipped with this reason. */
  readonly skip?: string | undefined;
}

const CHAPTER_TIMEOUT_MS = 60_000;
const OPEN_TIMEOUT_MS = 60_000;

/** Declares one test for each chapter, and one that holds their findings to the capability table of the port. */
export function conformance(options: ConformanceOptions): void {
  const framework = frameworkOf(options);
  framework.suite(`conformance: ${options.name}`, () => {
    if (options.skip !== undefined) {
      const { skip } = options;
      framework.test('has a backend to test', async (skipTest) => skipTest(skip), { timeoutMs: CHAPTER_TIMEOUT_MS });
      return;
    }
    declareChapters(options, framework);
  });
}

function frameworkOf({ name, vitest, nodeTest }: ConformanceOptions): Framework {
  if (vitest !== undefined && nodeTest === undefined) return vitestFramework(vitest);
  if (nodeTest !== undefined && vitest === undefined) return nodeTestFramework(nodeTest);
  throw new Error(`conformance of ${name}: give it the functions of one framework, as vitest or as nodeTest`);
}

const titleOf = ({ capability, name }: Pick<Chapter, 'capability' | 'name'>): string => `${capability}: ${name}`;

function declareChapters(options: ConformanceOptions, framework: Framework): void {
  const titles = new Set(chapters.map(titleOf));
  for (const title of Object.keys(options.except ?? {})) {
    if (!titles.has(title)) throw new Error(`there is no chapter "${title}" to leave out`);
  }
  const results: ChapterResult[] = [];
  let port: MessagingPort | undefined;
  const opened = (): MessagingPort => {
    if (port === undefined) throw new Error(`the port of ${options.name} did not open`);
    return port;
  };
  const declare = (chapter: Chapter, isTogether: boolean): void => {
    const body = async (skip: (reason: string) => void): Promise<void> => {
      const { result, reason } = await attempt(chapter, opened(), options);
      results.push(result);
      if (result.outcome === 'failed') throw reason;
      if (result.outcome === 'untested') skip(`untested: ${result.detail}`);
    };
    framework.test(titleOf(chapter), body, { timeoutMs: CHAPTER_TIMEOUT_MS, isTogether });
  };
  framework.before(async () => {
    port = await options.open();
  }, OPEN_TIMEOUT_MS);
  framework.after(async () => {
    await port?.close();
    for (const { outcome, detail, ...chapter } of results)
      if (outcome === 'untested') console.log(`${options.name}: untested: ${titleOf(chapter)} (${detail})`);
  }, OPEN_TIMEOUT_MS);
  framework.together(() => {
    for (const chapter of chapters.filter(({ isLast }) => !isLast)) declare(chapter, true);
  });
  for (const chapter of chapters.filter(({ isLast }) => isLast)) declare(chapter, false);
  const compare = async (): Promise<void> => await compareWithTable(options, opened(), results);
  framework.test('the findings agree with the capability table', compare, { timeoutMs: CHAPTER_TIMEOUT_MS });
}

/** A chapter that the target leaves out is not run, and counts as untested. */
async function attempt(
  chapter: Chapter,
  port: MessagingPort,
  options: ConformanceOptions,
): ReturnType<typeof attemptChapter> {
  const exception = options.except?.[titleOf(chapter)];
  if (exception === undefined) return await attemptChapter(chapter, port, options);
  const { capability, name } = chapter;
  return { result: { capability, name, outcome: 'untested', detail: exception, tookMs: 0 } };
}

async function compareWithTable(
  { name, topics, untested, onReport }: ConformanceOptions,
  port: MessagingPort,
  results: readonly ChapterResult[],
): Promise<void> {
  const inOrder = chapters.flatMap(
    (chapter) => results.find((result) => titleOf(result) === titleOf(chapter)) ?? [], // of a run of some chapters only
  );
  const report = reportOf(name, port.info, port.capabilities(topics?.always?.queueType), inOrder);
  await onReport?.(report);
  const wrong = disagreements(report, untested);
  if (wrong.length > 0)
    throw new ConformanceFailure(`the capability table of ${name} is not what was found: ${wrong.join('; ')}`);
}
