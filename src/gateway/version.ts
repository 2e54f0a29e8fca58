import { createRequire } from 'node:module';

/** The version of the package, from its package.json: the same path from src and from dist. */
export const { version } = createRequire(import.meta.url)('../../package.json') as { version: string };
