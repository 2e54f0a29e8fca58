/** Somebody reads the whole history as fast as it goes while others live on the newest: do they notice? */

import { expected, type Finding, logLike, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { percentile, perSecond } from './figures.ts';
import { countOf, held, texts } from './stage.ts';

const historyFactor = 10;
const paddingBytes = 500;
const everyMs = 5;
const livePerPhase = 150;
/** Live messages may be later than before by this much and still count as undisturbed: two cores do everything here. */
const disturbedMsMin = 250;

export const replayWhileLive: Scenario = {
  id: 'replay-while-live',
  number: 'S08',
  title: 'Replay beside live traffic',
  question: 'Can the whole history be read while new messages flow, without losing or holding up the new ones?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  expectations: [
    expected(
      logLike,
      'any',
      'PASS',
      'A reader of old messages is one more reader; what it costs the others is measured.',
      'kafka docs/design (persistence); rabbitmq-website docs/streams',
    ),
    expected(queues, 'port', 'UNSUPPORTED', 'A queue has no history.', 'Sluice capability subscribe.late'),
    expected(queues, 'bare', 'DIFFERS', 'A queue made later starts empty.', 'rabbitmq-website docs/queues'),
  ],
  run,
};

async function run({ wire, stage, messages }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const live = await stage.subscription('live', topic);
  const history = messages * historyFactor;
  const padding = 'x'.repeat(paddingBytes);
  await stage.publishAcked(
    topic,
    texts('old', history).map(({ text }) => ({ text: `${text} ${padding}` })),
  );
  await stage.receiveUntil(live, (text) => text.startsWith(`old-${history - 1} `));
  const sentMs = new Map<string, number>();
  const lateness = new Map<string, number>();
  await stage.consume(live, {
    credit: 200,
    settle: { kind: 'batch', ackBatch: 20 },
    onDelivery: ({ value }) => {
      const text = value.toString();
      lateness.set(text, stage.nowMs - (sentMs.get(text) ?? stage.nowMs));
    },
  });
  const publisher = await wire.publisher(topic);
  const flow = async (name: string) => {
    for (let i = 0; i < livePerPhase; i++) {
      const text = `${name}-${i}`;
      sentMs.set(text, stage.nowMs);
      publisher.publish([{ key: null, value: Buffer.from(text) }], () => {});
      await stage.pause(everyMs);
    }
    await stage.until(() => lateness.has(`${name}-${livePerPhase - 1}`), 'the live messages');
  };
  await flow('warmup');
  await flow('before');
  const replaying = (async () => {
    const reader = await stage.subscription('replay', topic, { start: 'earliest' });
    const startedMs = stage.nowMs;
    const received = await stage.drain(reader, { count: history, quietMs: 1_000 });
    return { count: countOf(received, 'old'), ms: stage.nowMs - startedMs };
  })();
  replaying.catch(() => undefined);
  await flow('during');
  const replay = await replaying;
  await publisher.close();
  const of = (name: string) => [...lateness].filter(([text]) => text.startsWith(name)).map(([, ms]) => ms);
  const [before, during] = [percentile(of('before'), 0.99), percentile(of('during'), 0.99)];
  const isWhole = replay.count === history && of('during').length === livePerPhase;
  const isDisturbed = during - before > disturbedMsMin;
  return {
    verdict: isWhole && !isDisturbed ? held(wire, 'replay.earliest') : 'DIFFERS',
    summary: `${replay.count} of ${history} old messages read at ${perSecond(replay.count, replay.ms)}/s; p99 of the live ones ${before} ms before, ${during} ms meanwhile`,
    observed: {
      history,
      replayed: replay.count,
      replayPerSecond: perSecond(replay.count, replay.ms),
      liveSent: livePerPhase,
      liveReceived: of('during').length,
      liveP99BeforeMs: before,
      liveP99MeanwhileMs: during,
    },
    evidence: [],
  };
}
