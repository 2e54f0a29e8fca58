/** Messages of growing size: what is carried whole, what is refused, and does the publisher live on after a refusal? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { held } from './stage.ts';

const kib = 1024;
const sizes = [64 * kib, 900 * kib, 4096 * kib, 17 * 1024 * kib] as const;

export const largeMessage: Scenario = {
  id: 'large-message',
  number: 'S41',
  title: 'Large messages',
  question: 'Is each size either carried whole or refused in a way that leaves the publisher working?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: true,
  deadlineMs: () => 60_000,
  expectations: [
    expected(
      everySystem,
      'port',
      'PASS',
      'One limit for all backends, refused before anything is sent.',
      'Sluice code message_too_large',
    ),
    expected(['log'], 'bare', 'PASS', 'The engine refuses what is above its limit.', 'Sluice log limits'),
    expected(
      ['kafka'],
      'bare',
      'PASS',
      'What is above max.message.bytes (1 MiB by default) is answered with an error for its batch, the connection goes on.',
      'kafka broker config message.max.bytes (1 MiB)',
    ),
    expected(
      ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'],
      'bare',
      'DIFFERS',
      'Carried up to max_message_size (16 MiB since 4.0); a larger one closes the channel, and every publish in flight on it is left open.',
      'rabbitmq-website docs/limits (max_message_size)',
      '>=4.0',
    ),
    expected(
      ['rabbitmq-quorum', 'rabbitmq-classic', 'rabbitmq-stream'],
      'bare',
      'PASS',
      'The limit is 128 MiB before 4.0: all sizes asked here are carried.',
      'rabbitmq-website release notes 4.0 (max_message_size)',
      '<4.0',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  const publisher = await wire.publisher(topic);
  const answers: string[] = [];
  let isPublisherAlive = true;
  const send = (value: Buffer) =>
    stage.within(
      new Promise<string>((resolve) =>
        publisher.publish([{ key: null, value }], (_, result) =>
          resolve(result.fate === 'acked' ? 'acked' : `${result.fate} (${result.code.slice(0, 80)})`),
        ),
      ),
      'a large publish to be answered',
    );
  for (const size of sizes) {
    answers.push(await send(Buffer.alloc(size, 120)));
    const after = await send(Buffer.from(`after-${size}`));
    if (after !== 'acked') isPublisherAlive = false;
  }
  await stage.within(publisher.close(), 'the publisher to close');
  await stage.publishAcked(topic, [{ text: 'end' }]);
  const received = await stage.receiveUntil(subscription, (text) => text === 'end', 5);
  const carried = sizes.filter((size) => received.some(({ text }) => text.length === size));
  const acked = sizes.filter((_, index) => answers[index] === 'acked');
  const isHonest = carried.join() === acked.join();
  const isClean = answers.every((answer) => !answer.startsWith('unknown'));
  const told = sizes.map((size, index) => `${size / kib} KiB ${answers[index]}`);
  return {
    verdict: isHonest && isPublisherAlive && isClean ? held(wire, 'largeMessages') : 'DIFFERS',
    summary: `${told.join(', ')}; the publisher ${isPublisherAlive ? 'went on' : 'was gone afterwards'}`,
    observed: {
      sizesBytes: [...sizes],
      answers,
      carriedBytes: [...carried],
      largestCarriedKib: Math.max(0, ...carried) / kib,
      publisherWentOn: isPublisherAlive,
    },
    evidence: told,
  };
}
