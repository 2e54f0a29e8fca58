/** Runs chapters on a port, without a test framework: for scripts, for other runners, and for the suite's own test. */

import type { MessagingPort } from '../adapters/port.ts';
import { type Chapter, type ChapterSubject } from './chapter.ts';
import { Untested } from './expect.ts';
import type { Timing } from './timing.ts';
import { type TopicNeeds, World } from './world.ts';

export interface RunOptions {
  /** A port that the run may close; called again after chapters that closed theirs. */
  readonly open: () => Promise<MessagingPort>;
  /** A second port on the same backend, as another process would have it; without it the chapters of two processes are untested. */
  readonly openAnother?: () => Promise<MessagingPort>;
  readonly topics?: TopicNeeds;
  readonly timing?: Timing;
  /** How many chapters at once. Default 4. */
  readonly concurrency?: number;
}

export interface ChapterResult {
  readonly capability: ChapterSubject;
  readonly name: string;
  readonly outcome: 'passed' | 'failed' | 'untested';
  /** Why it failed, or why it is not tested. */
  readonly detail: string | null;
  readonly tookMs: number;
}

const CONCURRENCY = 4;

/** Runs these chapters, the last ones alone in the end; one result for each, in the order given. Rejects only when no port opens. */
export async function runChapters(
  chapters: readonly Chapter[],
  options: RunOptions,
): Promise<readonly ChapterResult[]> {
  const results = new Map<Chapter, ChapterResult>();
  const queue = chapters.filter(({ isLast }) => !isLast);
  if (queue.length > 0) {
    const port = await options.open();
    const worker = async (): Promise<void> => {
      for (let chapter = queue.shift(); chapter !== undefined; chapter = queue.shift()) {
        results.set(chapter, (await attemptChapter(chapter, port, options)).result);
      }
    };
    await Promise.all(Array.from({ length: options.concurrency ?? CONCURRENCY }, worker));
    await port.close();
  }
  for (const chapter of chapters.filter(({ isLast }) => isLast)) {
    const port = await options.open();
    results.set(chapter, (await attemptChapter(chapter, port, options)).result);
    await port.close();
  }
  return chapters.map((chapter) => results.get(chapter) as ChapterResult);
}

/** What came of a chapter, and what it threw. Never rejects. */
export async function attemptChapter(
  chapter: Chapter,
  port: MessagingPort,
  options: Omit<RunOptions, 'concurrency'>,
): Promise<{ readonly result: ChapterResult; readonly reason?: unknown }> {
  const { capability, name } = chapter;
  const startedAt = performance.now();
  const result = (outcome: ChapterResult['outcome'], detail: string | null): ChapterResult => ({
    capability,
    name,
    outcome,
    detail,
    tookMs: Math.round(performance.now() - startedAt),
  });
  try {
    await runChapter(chapter, port, options);
    return { result: result('passed', null) };
  } catch (reason) {
    const detail = reason instanceof Error ? reason.message : String(reason);
    return { result: result(reason instanceof Untested ? 'untested' : 'failed', detail), reason };
  }
}

/** One chapter in a world of its own, cleaned up also after a failure. @throws what the chapter throws. */
async function runChapter(
  chapter: Chapter,
  port: MessagingPort,
  options: Omit<RunOptions, 'concurrency'>,
): Promise<void> {
  const world = new World(port, options);
  let failure: { readonly reason: unknown } | undefined;
  try {
    await chapter.run(world);
  } catch (reason) {
    failure = { reason };
  }
  try {
    await cleanUp(world, chapter, options);
  } catch (reason) {
    failure ??= { reason }; // a chapter that failed says more than its clean-up
  }
  if (failure !== undefined) throw failure.reason;
}

async function cleanUp(world: World, chapter: Chapter, options: Pick<RunOptions, 'open'>): Promise<void> {
  if (!chapter.isLast) {
    await world.cleanUp();
    return;
  }
  await world.port.close();
  const port = await options.open();
  try {
    await world.cleanUp(port);
  } finally {
    await port.close();
  }
}
