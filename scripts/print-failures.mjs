// What failed in a run of the tests, drawn together at its end: the lanes print side by side, and whoever reads only the end of a log would
// not find it. It reads the results that each share has left.
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
/** Of one failure; the rest is above, where it happened. */
const MESSAGE_CHARACTERS = 1_500;

for (const file of readdirSync(root)) {
  if (!/^\.vitest-results.*\.json$/.test(file)) continue;
  const { testResults } = JSON.parse(readFileSync(join(root, file), 'utf8'));
  for (const { name, status, message, assertionResults } of testResults) {
    const failed = assertionResults.filter((test) => test.status === 'failed');
    for (const test of failed) print(name, test.fullName, test.failureMessages.join('\n'));
    if (status === 'failed' && failed.length === 0) print(name, 'the file as a whole', message);
  }
}

function print(path, test, message) {
  const why = stripVTControlCharacters(message ?? '').slice(0, MESSAGE_CHARACTERS);
  console.log(`\nFAILED ${relative(root, path)} > ${test}\n${why}`);
}
