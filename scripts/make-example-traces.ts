/**
 * Makes the traces of examples/traces from seeds, one for each of three uses: orders of a shop, log collection, payments.
 * A test holds the committed files to this script.
 *
 *   npx tsx scripts/make-example-traces.ts
 */

import { writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { traceFromLog } from '../src/compare/trace/index.ts';
import { makeLogSample, seededRandom } from './make-log-samples.ts';

const directory = new URL('../examples/traces/', import.meta.url);
const messages = 300;

/** Name of the file -> its text. The trace of the log collection is made by `sluice trace from-log` from a generated log. */
export const textTraces: Readonly<Record<string, () => string>> = {
  'shop-orders.jsonl': shopOrders,
  'payments.jsonl': payments,
};

export const exampleLog = makeLogSample('openssh', 11, messages);

/** Orders through an evening: quiet, then a sale that starts at 20 s and brings ten times the orders. Key: the customer. */
function shopOrders(): string {
  const random = seededRandom(42);
  let t = 0;
  return lines((index) => {
    const meanMs = t < 20_000 ? 200 : 20;
    t += index === 0 ? 0 : exponential(random, meanMs);
    const customer = `customer-${Math.floor(60 * random() ** 2)}`;
    const items = 1 + Math.floor(random() * 4);
    const order = {
      orderId: `o-${1000 + index}`,
      customer,
      items,
      totalCents: items * (500 + Math.floor(random() * 9000)),
      currency: 'EUR',
    };
    return {
      t,
      topic: 'orders',
      key: customer,
      value: JSON.stringify(order),
      headers: { 'content-type': 'application/json' },
    };
  });
}

/** Card payments to be scored for fraud: small, even, a size instead of a value, a few hot cards. Key: the card. */
function payments(): string {
  const random = seededRandom(43);
  let t = 0;
  return lines((index) => {
    t += index === 0 ? 0 : exponential(random, 25);
    return {
      t,
      topic: 'payments',
      key: `card-${Math.floor(500 * random() ** 3)}`,
      size: 180 + Math.floor(random() * 120),
    };
  });
}

function lines(make: (index: number) => object): string {
  return Array.from({ length: messages }, (_, index) => `${JSON.stringify(make(index))}\n`).join('');
}

function exponential(random: () => number, meanMs: number): number {
  return Math.round(-Math.log(1 - random()) * meanMs);
}

async function main(): Promise<void> {
  for (const [name, make] of Object.entries(textTraces)) writeFileSync(new URL(name, directory), make());
  const log = new URL('login-attempts.txt', directory);
  writeFileSync(log, exampleLog);
  await traceFromLog({ file: log.pathname, out: new URL('login-attempts.jsonl', directory).pathname, topic: 'auth' });
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) await main();
