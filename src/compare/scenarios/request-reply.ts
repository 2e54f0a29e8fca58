/** A question and its answer over two topics: does each requester get its own answer, and how long does that take? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { percentile, perSecond } from './figures.ts';

const concurrencies = [1, 10] as const;
const requests = 100;
/** A user waits for this: an answer later than that is no answer. */
const p50MsMax = 100;

export const requestReply: Scenario = {
  id: 'request-reply',
  number: 'S46',
  title: 'Request and reply',
  question: 'Does every request get its own reply, in the time of a call?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      "A reply topic and a correlation id work everywhere; the figures say at what price. RabbitMQ's direct reply-to, which saves the reply queue, is not used here.",
      'rabbitmq-website docs/direct-reply-to, tutorials/tutorial-six; kafka docs/design',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const requestTopic = await stage.topic('requests');
  const replyTopic = await stage.topic('replies');
  const service = await stage.subscription('service', requestTopic);
  const caller = await stage.subscription('caller', replyTopic);
  const replies = await wire.publisher(replyTopic);
  const ask = await wire.publisher(requestTopic);
  const settle = { kind: 'batch', ackBatch: 1 } as const;
  await stage.consume(service, {
    credit: 50,
    settle,
    onDelivery: ({ value }) => replies.publish([{ key: null, value: Buffer.from(`re:${value.toString()}`) }], () => {}),
  });
  const waiting = new Map<string, () => void>();
  let strangers = 0;
  await stage.consume(caller, {
    credit: 50,
    settle,
    onDelivery: ({ value }) => {
      const resolve = waiting.get(value.toString().slice(3));
      waiting.delete(value.toString().slice(3));
      if (resolve === undefined) strangers++;
      else resolve();
    },
  });
  const call = (text: string) =>
    stage.within(
      new Promise<void>((resolve) => {
        waiting.set(text, resolve);
        ask.publish([{ key: null, value: Buffer.from(text) }], () => {});
      }),
      'a reply',
    );
  for (let i = 0; i < 10; i++) await call(`warmup-${i}`);
  const figures: { perSecond: number; p50: number; p99: number }[] = [];
  for (const concurrency of concurrencies) {
    const waits: number[] = [];
    const startedMs = stage.nowMs;
    const loop = async (lane: number) => {
      for (let i = 0; i < requests / concurrency; i++) {
        const sentMs = stage.nowMs;
        await call(`${concurrency}-${lane}-${i}`);
        waits.push(stage.nowMs - sentMs);
      }
    };
    await Promise.all(Array.from({ length: concurrency }, (_, lane) => loop(lane)));
    const rate = perSecond(waits.length, stage.nowMs - startedMs);
    figures.push({ perSecond: rate, p50: percentile(waits, 0.5), p99: percentile(waits, 0.99) });
  }
  await ask.close();
  await replies.close();
  const one = figures[0];
  const isQuick = one !== undefined && one.p50 <= p50MsMax;
  return {
    verdict: isQuick && strangers === 0 ? 'PASS' : 'DIFFERS',
    summary: figures
      .map(
        (figure, index) =>
          `${concurrencies[index]} at a time: ${figure.perSecond}/s, p50 ${figure.p50} ms, p99 ${figure.p99} ms`,
      )
      .join('; '),
    observed: {
      requests: requests * concurrencies.length,
      inFlight: [...concurrencies],
      perSecond: figures.map((figure) => figure.perSecond),
      p50Ms: figures.map((figure) => figure.p50),
      p99Ms: figures.map((figure) => figure.p99),
      repliesWithoutARequest: strangers,
    },
    evidence: [],
  };
}
