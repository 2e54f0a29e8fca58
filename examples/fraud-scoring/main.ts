/**
 * Fraud scoring of card payments. A model is trained on labelled payments of the past; then payments come at a steady rate, whether
 * the scorer keeps up or not, and each is scored with what is known of its card so far. That is only right when the payments of a
 * card are scored in their order, while many cards are scored at a time: `ordering: 'key'`. Latency counts from the moment at which
 * a payment was due, to its decision; its bound is printed beside it.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { openGateway } from '../gateway.ts';
import { percentile, until } from '../waiting.ts';
import { train } from './model.ts';
import { CardHistory, makePayments, type Payment, withFeatures } from './payments.ts';

const paymentCount = 300;
const perSecond = 200;
const boundMs = 250;
const threshold = 0.5;
const workers = 16;

// ------------------------------------------------------------------------------------------------ the model

const model = train(withFeatures(makePayments(1, 4_000)));
const payments = makePayments(2, paymentCount);
const right = payments.filter(({ isFraud }) => isFraud).length;

// ------------------------------------------------------------------------------------------------ the scorer

await using gateway = await openGateway('fraud-scoring');
const { client } = gateway;
const topic = await gateway.topic('payments', { partitions: 4 });
const decisions = await gateway.topic('decisions', { partitions: 4 });
const scorer = await gateway.subscription('scorer', topic, { ordering: 'key' });
const blocker = await gateway.subscription('blocker', decisions, { ordering: 'key' });

const histories = new Map<string, CardHistory>();
const scores = new Map<string, number>();
const latenciesMs: number[] = [];
const dueAtMs = new Map<string, number>();
const scoring = client.subscribe(scorer, { credit: 100 });
const scored = scoring.run(
  async ({ value }) => {
    const payment = value as Payment;
    if (scores.has(payment.id)) return;
    const history = histories.get(payment.card) ?? new CardHistory();
    histories.set(payment.card, history);
    const score = model.score(history.featuresOf(payment));
    scores.set(payment.id, score);
    latenciesMs.push(performance.now() - (dueAtMs.get(payment.id) ?? 0));
    if (score >= threshold)
      await client.publish(decisions, { id: payment.id, key: payment.card, value: { payment: payment.id, score } });
  },
  { concurrency: workers },
);

const blocked = new Set<string>();
const blocking = client.subscribe(blocker);
const listened = blocking.run(({ value }) => void blocked.add((value as { payment: string }).payment), {
  concurrency: 4,
});

// ------------------------------------------------------------------------------------------------ payments at their times

const beginMs = performance.now() + 50;
for (const [index, { id }] of payments.entries()) dueAtMs.set(id, beginMs + (index * 1000) / perSecond);
for (let next = 0; next < payments.length; ) {
  const due = payments.slice(next).findIndex(({ id }) => (dueAtMs.get(id) ?? 0) > performance.now());
  const end = due === -1 ? payments.length : next + due;
  const batch = payments.slice(next, end).map((payment) => ({ id: payment.id, key: payment.card, value: payment }));
  const outcomes = await client.publishBatch(topic, batch);
  if (outcomes.some(({ kind }) => kind !== 'stored')) throw new Error('not every payment was stored');
  next = end;
  await sleep(1);
}
const suspicious = () => [...scores.values()].filter((score) => score >= threshold).length;
await until('every payment is scored', () => scores.size === paymentCount);
await until('every decision has arrived', () => blocked.size === suspicious());
await Promise.all([scoring.close(), blocking.close()]);
await Promise.all([scored, listened]);

// ------------------------------------------------------------------------------------------------ what came of it

const caught = payments.filter(({ id, isFraud }) => isFraud && blocked.has(id)).length;
console.log(`${paymentCount} payments of ${histories.size} cards at ${perSecond} a second, ${right} of them fraud`);
console.log(
  `blocked ${blocked.size}: ${caught} frauds (recall ${(caught / right).toFixed(2)}, precision ${(caught / blocked.size).toFixed(2)})`,
);
const p99 = percentile(latenciesMs, 0.99);
console.log(
  `due to decision: p50 ${percentile(latenciesMs, 0.5).toFixed(1)} ms, p99 ${p99.toFixed(1)} ms, ${p99 <= boundMs ? 'within' : 'BEYOND'} the bound of ${boundMs} ms`,
);

// Alone and one after the other, the same payments have the same scores: or the order of a card was not kept.
const different = withFeatures(payments).filter(({ id, features }) => scores.get(id) !== model.score(features));
console.log(
  different.length === 0
    ? '\nevery card was scored in its order: the scores are those of one worker alone'
    : `\nTHE ORDER OF A CARD WAS NOT KEPT: ${different.length} scores differ`,
);
process.exitCode = different.length === 0 ? 0 : 1;
