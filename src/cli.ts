#!/usr/bin/env node
/**
 * Where the process begins: what has to be said to V8 before anything else is loaded, then the command line.
 *
 * After eight seconds with little to do V8 makes the heap of a process as small as it can, and with it the bound at which it collects again,
 * which then hardly grows: a gateway that came back from a pause needed 40 to 50 % more processor time for a message, and went on like
 * that. What is kept instead are 10 to 50 MB of a gateway that nobody asks (docs/PERFORMANCE.md). V8 takes the setting when its heap first grows,
 * and loading the command line alone makes it do that. Where `--import` or NODE_OPTIONS load something before, `node --no-memory-reducer` does it.
 */

import { setFlagsFromString } from 'node:v8';

/** Longer than any pause: eleven days. */
const heapStaysMs = 1_000_000_000;

if (process.argv[2] === 'serve') setFlagsFromString(`--gc-memory-reducer-start-delay-ms=${heapStaysMs}`);

await import('./command-line.ts');
