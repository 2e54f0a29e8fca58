/** A queue with room for half of what comes: can its publisher be told, and what happens where nothing else was asked for? */

import { everySystem, expected, type Finding, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import type { SendResult } from '../systems/wire.ts';
import { texts, type Text } from './stage.ts';

/** A quorum queue learns that it is full some messages late: few in flight keep that apart from the rule itself. */
const inFlight = 20;

export const queueFull: Scenario = {
  id: 'queue-full',
  number: 'S39',
  title: 'A full queue',
  question:
    'With room for half of the messages, can each of them be either kept or refused to its publisher (overflow=reject-publish)?',
  layers: ['bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    expected(
      queues,
      'bare',
      'PASS',
      'With overflow=reject-publish the publisher is told, of a quorum queue some messages late. By default (drop-head) the oldest are dropped and all are confirmed.',
      'rabbitmq-website docs/maxlength (overflow behaviour)',
    ),
    expected(
      everySystem,
      'bare',
      'UNSUPPORTED',
      'A log never refuses for its length: retention removes the oldest.',
      'kafka topic configs; rabbitmq-website docs/streams (retention)',
    ),
  ],
  run,
};

async function run({ stage, messages }: ScenarioContext): Promise<Finding> {
  const limit = Math.floor(messages / 2);
  const seen: { acked: number; refused: number; kept: number; oldest: string }[] = [];
  for (const overflow of ['drop-head', 'reject-publish'] as const) {
    const topic = await stage.topic(overflow);
    const subscription = await stage.subscription(`${overflow}-s`, topic, { rules: { lengthMax: limit, overflow } });
    const all: readonly Text[] = texts('m', messages);
    const results: SendResult[] = [];
    for (let from = 0; from < all.length; from += inFlight)
      results.push(...(await stage.publish(topic, all.slice(from, from + inFlight))));
    const received = await stage.drain(subscription, { count: messages, quietMs: 500 });
    seen.push({
      acked: results.filter(({ fate }) => fate === 'acked').length,
      refused: results.filter(({ fate }) => fate === 'refused').length,
      kept: received.length,
      oldest: received[0]?.text ?? 'nothing',
    });
  }
  const [dropping, rejecting] = seen as [(typeof seen)[number], (typeof seen)[number]];
  const isTold = rejecting.acked === rejecting.kept && rejecting.acked + rejecting.refused === messages;
  return {
    verdict: isTold && rejecting.refused > 0 ? 'PASS' : 'DIFFERS',
    summary: `room for ${limit} of ${messages}: by default ${dropping.acked} confirmed, ${dropping.kept} kept from ${dropping.oldest} on; with reject-publish ${rejecting.acked} confirmed, ${rejecting.refused} refused, ${rejecting.kept} kept from ${rejecting.oldest} on`,
    observed: {
      limit,
      published: messages,
      dropHeadConfirmed: dropping.acked,
      dropHeadKept: dropping.kept,
      rejectPublishConfirmed: rejecting.acked,
      rejectPublishRefused: rejecting.refused,
      rejectPublishKept: rejecting.kept,
    },
    evidence: [
      `confirmed and gone with drop-head: ${dropping.acked - dropping.kept}; kept beyond the limit with reject-publish: ${Math.max(0, rejecting.kept - limit)}`,
    ],
  };
}
