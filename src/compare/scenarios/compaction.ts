/** A topic that keeps the latest message of each key: are the others removed, and is the latest always there? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { held, type Text } from './stage.ts';

const keys = 20;
const rounds = 30;
const paddingBytes = 400;
const waitMsMax = 15_000;

export const compaction: Scenario = {
  id: 'compaction',
  number: 'S45',
  title: 'Latest of each key',
  question: 'Does a compacted topic keep the latest message of every key and drop older ones?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      ['log', 'kafka'],
      'any',
      'PASS',
      'Closed segments are rewritten; the newest segment is left alone.',
      'kafka docs/design (log compaction); Sluice capability compaction',
    ),
    expected(
      everySystem,
      'any',
      'UNSUPPORTED',
      'Neither queues nor streams know of keys.',
      'rabbitmq-website docs/streams; Sluice capability compaction',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t', { partitions: 1, isCompacted: true });
  const padding = 'x'.repeat(paddingBytes);
  for (let round = 0; round < rounds; round++) {
    const all: Text[] = Array.from({ length: keys }, (_, key) => ({ key: `key-${key}`, text: `${round} ${padding}` }));
    await stage.publishAcked(topic, all);
  }
  const startedMs = stage.nowMs;
  let kept = 0;
  let latest = 0;
  for (let round = 0; stage.nowMs - startedMs < waitMsMax; round++) {
    const last = `tick ${round}`;
    await stage.publishAcked(topic, [{ key: 'tick', text: last }]);
    const reader = await stage.subscription(`r${round}`, topic, { start: 'earliest' });
    const received = (await stage.receiveUntil(reader, (text) => text === last)).filter(({ key }) => key !== 'tick');
    const newest = new Map(received.map(({ key, text }) => [key, text.split(' ')[0]]));
    kept = received.length;
    latest = [...newest.values()].filter((value) => value === String(rounds - 1)).length;
    if (latest < keys || kept < keys * 2) break;
    await stage.pause(500);
  }
  const written = keys * rounds;
  return {
    verdict: latest === keys && kept < written ? held(wire, 'compaction') : 'DIFFERS',
    summary: `${kept} of ${written} messages kept, the latest of ${latest} of ${keys} keys among them`,
    observed: { written, kept, keys, latestKept: latest },
    evidence: [],
  };
}
