/** A limit of bytes: do the oldest leave, do the newest stay, and how far beyond the limit does it go? */

import { expected, type Finding, logLike, queues, type Scenario, type ScenarioContext } from './scenario.ts';
import { rounded } from './figures.ts';
import { held, texts } from './stage.ts';

const limitBytes = 4 * 1024 * 1024;
const messageBytes = 10 * 1024;
/** Kafka takes no smaller segments. */
const segmentBytes = 1024 * 1024;
const factor = 3;
/** A batch goes into one segment whole: small ones, so that segments are closed in time. */
const inFlight = 50;
const waitMsMax = 12_000;

export const retentionLimit: Scenario = {
  id: 'retention-limit',
  number: 'S34',
  title: 'Retention by size',
  question: 'With a limit of 4 MiB and 12 MiB written, are the oldest gone and the newest there?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      logLike,
      'any',
      'PASS',
      'Whole old segments leave; how much more than the limit stays depends on their size and on how often it is looked.',
      'rabbitmq-website docs/streams (retention); kafka topic configs retention.bytes, segment.bytes',
    ),
    expected(
      queues,
      'bare',
      'PASS',
      'A queue with max-length-bytes drops its oldest (drop-head) of what waits in it; what was acknowledged is gone anyway.',
      'rabbitmq-website docs/maxlength',
    ),
    expected(
      queues,
      'any',
      'UNSUPPORTED',
      'The port sets no limits of length or age on queues: what is acknowledged leaves them, and nothing else.',
      'Sluice capability ttl.retention',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t', { partitions: 1, retention: { bytes: limitBytes, segmentBytes } });
  const messages = Math.ceil((limitBytes * factor) / messageBytes);
  const padding = 'x'.repeat(messageBytes);
  // A queue has what came since it was made: it is read once, where a log is read again.
  const isQueue = wire.system === 'rabbitmq-quorum' || wire.system === 'rabbitmq-classic';
  const queue = isQueue ? await stage.subscription('q', topic) : null;
  const startedMs = stage.nowMs;
  const all = texts('m', messages).map(({ text }) => ({ text: `${text} ${padding}` }));
  for (let from = 0; from < messages; from += inFlight)
    await stage.publishAcked(topic, all.slice(from, from + inFlight));
  let kept: readonly number[] = [];
  // It is removed when the system next looks, and some look only when something is written.
  for (let round = 0; stage.nowMs - startedMs < waitMsMax; round++) {
    const last = `tick-${round}`;
    await stage.publishAcked(topic, [{ text: last }]);
    const reader = queue ?? (await stage.subscription(`r${round}`, topic, { start: 'earliest' }));
    const received = await stage.receiveUntil(reader, (text) => text === last);
    kept = received.filter(({ text }) => text.startsWith('m-')).map(({ text }) => Number(text.slice(2).split(' ')[0]));
    // A reader that retention overtakes skips what is removed: then it is read again.
    if (queue !== null || (kept[0] !== 0 && isUnbroken(kept))) break;
    await stage.pause(500);
  }
  const first = kept[0] ?? messages;
  const isContiguous = isUnbroken(kept) && kept.at(-1) === messages - 1;
  const excess = rounded((kept.length * messageBytes) / limitBytes);
  const isEnough = kept.length * messageBytes >= limitBytes - segmentBytes;
  const holds = first > 0 && isContiguous && isEnough;
  return {
    verdict: holds ? held(wire, 'ttl.retention') : 'DIFFERS',
    summary: `of ${messages} messages the oldest ${first} are gone and ${kept.length} are kept (${excess} times the limit)${isContiguous ? '' : ', with gaps'}`,
    observed: {
      published: messages,
      oldestKept: first,
      kept: kept.length,
      keptToLimit: excess,
      limitBytes,
      segmentBytes,
    },
    evidence: [],
  };
}

function isUnbroken(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => number === (numbers[0] ?? 0) + index);
}
