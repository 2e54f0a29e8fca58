/** The examples of docs/CLIENT.md run as they stand, one after the other, against one gateway. */

import { readFileSync } from 'node:fs';
import * as api from '@opentelemetry/api';
import { expect, it } from 'vitest';
import * as client from '../../src/client/index.ts';
import { nativeGateway } from './support.ts';

const page = readFileSync(new URL('../../docs/CLIENT.md', import.meta.url), 'utf8');
const examples = [...page.matchAll(/```js\n(.*?)```/gs)].map(([, code = '']) => code);

it('every example runs, and prints what it says', async () => {
  const { url } = await nativeGateway();
  const printed: unknown[][] = [];
  const names = ['client', 'api', 'console', 'given'];
  let given: unknown;
  for (const example of examples) {
    const body = example
      .replaceAll(/^import (\{.*\}) from 'sluice\/client';$/gm, 'const $1 = client;')
      .replaceAll(/^import (\{.*\}) from '@opentelemetry\/api';$/gm, 'const $1 = api;')
      .replaceAll('http://127.0.0.1:8080', url);
    // Where an example begins anew it connects, and the later ones go on with that.
    const code = body.includes('const sluice') ? `${body}\nreturn sluice;` : `const sluice = given;\n${body}`;
    const run = (async () => undefined).constructor as new (
      ...parts: string[]
    ) => (...values: unknown[]) => Promise<unknown>;
    const result = await new run(...names, code)(
      client,
      api,
      { log: (...words: unknown[]) => printed.push(words) },
      given,
    );
    given ??= result;
  }
  expect(printed).toEqual([
    [expect.any(Number), 0, 'os'],
    ['customer-42', { order: 1, total: 9.5 }, 1],
    [Buffer.from([0, 255]), ['a', 'b'], expect.any(Number)],
    ['stored at', expect.any(Number), expect.any(Number)],
    ['not stored:', 'invalid_argument'],
    [1_000],
    ['comes again:', 'not yet'],
    [true],
    [[]],
    [0, 0],
    [0],
    ['charged for', 'one to follow'],
    ['already_exists', 409],
  ]);
});
