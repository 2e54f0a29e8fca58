/**
 * The conformance suite: what a `MessagingPort` promises, as chapters that run on any of them. A capability that a port
 * claims must hold; one that it calls unsupported must be refused when used. What has no test is listed as untested, by name.
 *
 *   import { afterAll, beforeAll, describe, it } from 'vitest';
 *   import { conformance } from 'sluice/conformance';
 *
 *   conformance({ name: 'mine', open: async () => await openMyPort(), vitest: { afterAll, beforeAll, describe, it } });
 *
 * Other runners: `runChapters(chapters, { open })` gives a result for each chapter.
 */

import type { MessagingPort } from '../adapters/port.ts';
import { chapters } from './chapters/index.ts';
import { Untested } from './expect.ts';
import { runChapter, type RunOptions } from './run.ts';

export type { Chapter, ChapterSubject } from './chapter.ts';
export { chapters } from './chapters/index.ts';
export { ConformanceFailure, Untested } from './expect.ts';
export { type ChapterResult, runChapters, type RunOptions } from './run.ts';
export { brokerTiming, memoryTiming, type Timing } from './timing.ts';
export type { TopicNeeds } from './world.ts';

/** What the suite needs of a test framework; vitest's own functions fit. */
export interface TestFramework {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: TestFunction & { readonly concurrent: TestFunction };
  readonly beforeAll: (body: () => Promise<void>, timeoutMs?: number) => unknown;
  readonly afterAll: (body: () => Promise<void>, timeoutMs?: number) => unknown;
}

type TestFunction = (
  name: string,
  body: (context: { skip(note?: string): unknown }) => Promise<void>,
  timeoutMs?: number,
) => unknown;

export interface ConformanceOptions extends Omit<RunOptions, 'concurrency'> {
  /** What is tested, in the test's title. */
  readonly name: string;
  readonly vitest: TestFramework;
  /** Titles of chapters that this door cannot keep, each with the reason; listed with it, never passed. */
  readonly except?: Readonly<Record<string, string>>;
  /** Why there is nothing to test (a broker that could not be had): the suite is then one test, skipped with this reason. */
  readonly skip?: string | undefined;
}

const CHAPTER_TIMEOUT_MS = 60_000;
const OPEN_TIMEOUT_MS = 60_000;

/** Declares one test for each chapter; those of one target run concurrently, as many as the framework allows. */
export function conformance(options: ConformanceOptions): void {
  const { describe, it } = options.vitest;
  describe(`conformance: ${options.name}`, () => {
    if (options.skip !== undefined) {
      const { skip } = options;
      it('has a backend to test', async (context) => void context.skip(skip));
      return;
    }
    declareChapters(options);
  });
}

function declareChapters(options: ConformanceOptions): void {
  const { it, beforeAll, afterAll } = options.vitest;
  const untested: string[] = [];
  const titles = new Set(chapters.map(({ capability, name }) => `${capability}: ${name}`));
  for (const title of Object.keys(options.except ?? {})) {
    if (!titles.has(title)) throw new Error(`there is no chapter "${title}" to leave out`);
  }
  let port: MessagingPort | undefined;
  const opened = (): MessagingPort => {
    if (port === undefined) throw new Error(`the port of ${options.name} did not open`);
    return port;
  };
  beforeAll(async () => {
    port = await options.open();
  }, OPEN_TIMEOUT_MS);
  afterAll(async () => {
    await port?.close();
    for (const title of untested) console.log(`${options.name}: untested: ${title}`);
  }, OPEN_TIMEOUT_MS);
  for (const chapter of [...chapters.filter(({ isLast }) => !isLast), ...chapters.filter(({ isLast }) => isLast)]) {
    const title = `${chapter.capability}: ${chapter.name}`;
    const declare = chapter.isLast ? it : it.concurrent;
    declare(
      title,
      async (context) => {
        const reason = options.except?.[title];
        if (reason !== undefined) {
          untested.push(`${title} (${reason})`);
          context.skip(reason);
          return;
        }
        try {
          await runChapter(chapter, opened(), options);
        } catch (reason) {
          if (!(reason instanceof Untested)) throw reason;
          untested.push(`${title} (${reason.message})`);
          context.skip(`untested: ${reason.message}`);
        }
      },
      CHAPTER_TIMEOUT_MS,
    );
  }
}
