/** The test frameworks that the suite declares its tests in: vitest and node:test, each by the functions that its author hands over. */

export interface Framework {
  suite(name: string, body: () => void): void;
  /** Declares tests that may run at the same time, as many as the framework allows. */
  together(body: () => void): void;
  test(name: string, body: TestBody, options: { readonly timeoutMs: number; readonly isTogether?: boolean }): void;
  before(body: () => Promise<void>, timeoutMs: number): void;
  after(body: () => Promise<void>, timeoutMs: number): void;
}

/** Resolves when passed, rejects when failed; `skip` says that there was nothing to test. */
export type TestBody = (skip: (reason: string) => void) => Promise<void>;

/** vitest's own functions fit. */
export interface VitestFunctions {
  readonly describe: (name: string, body: () => void) => unknown;
  readonly it: VitestTest & { readonly concurrent: VitestTest };
  readonly beforeAll: (body: () => Promise<void>, timeoutMs?: number) => unknown;
  readonly afterAll: (body: () => Promise<void>, timeoutMs?: number) => unknown;
}

type VitestTest = (
  name: string,
  body: (context: { skip(note?: string): unknown }) => Promise<void>,
  timeoutMs?: number,
) => unknown;

/** node:test's own functions fit. */
export interface NodeTestFunctions {
  readonly describe: (name: string, options: { readonly concurrency?: number }, body: () => void) => unknown;
  readonly it: (
    name: string,
    options: { readonly timeout?: number },
    body: (context: { skip(note?: string): void }) => Promise<void>,
  ) => unknown;
  readonly before: (body: () => Promise<void>, options?: { readonly timeout?: number }) => unknown;
  readonly after: (body: () => Promise<void>, options?: { readonly timeout?: number }) => unknown;
}

/** How many chapters run at once under node:test; vitest has a setting of its own. */
const NODE_TEST_CONCURRENCY = 4;

export function vitestFramework({ describe, it, beforeAll, afterAll }: VitestFunctions): Framework {
  return {
    suite: (name, body) => void describe(name, body),
    together: (body) => body(),
    test: (name, body, { timeoutMs, isTogether = false }) => {
      const declare = isTogether ? it.concurrent : it;
      declare(name, async (context) => await body((reason) => void context.skip(reason)), timeoutMs);
    },
    before: (body, timeoutMs) => void beforeAll(body, timeoutMs),
    after: (body, timeoutMs) => void afterAll(body, timeoutMs),
  };
}

export function nodeTestFramework({ describe, it, before, after }: NodeTestFunctions): Framework {
  return {
    suite: (name, body) => void describe(name, {}, body),
    // Tests of one suite run at once there, suites one after the other: the last chapters stay behind it.
    together: (body) => void describe('chapters', { concurrency: NODE_TEST_CONCURRENCY }, body),
    test: (name, body, { timeoutMs }) =>
      void it(name, { timeout: timeoutMs }, async (context) => await body((reason) => context.skip(reason))),
    before: (body, timeoutMs) => void before(body, { timeout: timeoutMs }),
    after: (body, timeoutMs) => void after(body, { timeout: timeoutMs }),
  };
}
