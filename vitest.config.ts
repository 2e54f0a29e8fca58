import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const BROKER_TESTS = [
  'test/{brokers,conformance,rabbitmq,kafka,existing,faults,e2e}/**/*.test.ts',
  'test/observability/brokers.long.test.ts',
];
/** With a Docker engine of their own: `npm run test:docker`. */
const DOCKER_TESTS = ['test/docker/**/*.test.ts'];
const LONG_TESTS = ['test/**/*.long.test.ts'];

/** `SLUICE_LONG=1` (set by `npm run test:long`) adds the tests whose full counts do not fit a landing. */
const skipped = process.env['SLUICE_LONG'] === '1' ? [] : LONG_TESTS;

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

export default defineConfig({
  // Examples import the package by its name, as its users do, and run on the sources.
  resolve: {
    alias: [
      { find: /^sluice$/, replacement: source('src/index.ts') },
      { find: /^sluice\/log$/, replacement: source('src/core-log/index.ts') },
      { find: /^sluice\/(client|conformance|testing)$/, replacement: source('src/$1/index.ts') },
    ],
  },
  test: {
    testTimeout: 30_000,
    hookTimeout: 60_000,
    // The default of one second is less than a busy machine takes; only a poll that fails waits so long.
    expect: { poll: { timeout: 10_000 } },
    reporters:
      process.env['CI'] === 'true'
        ? ['default', ['json', { outputFile: process.env['SLUICE_TEST_RESULTS'] ?? '.vitest-results.json' }]]
        : ['default'],
    projects: [
      {
        extends: true,
        test: {
          name: 'unit',
          include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
          exclude: [...BROKER_TESTS, ...DOCKER_TESTS, ...skipped],
        },
      },
      {
        extends: true,
        test: {
          name: 'brokers',
          include: BROKER_TESTS,
          exclude: skipped,
          globalSetup: ['test/support/brokers-setup.ts'],
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        extends: true,
        test: {
          name: 'docker',
          include: DOCKER_TESTS,
          globalSetup: ['test/docker/setup.ts'],
          fileParallelism: false,
          testTimeout: 120_000,
          hookTimeout: 300_000,
        },
      },
    ],
  },
});
