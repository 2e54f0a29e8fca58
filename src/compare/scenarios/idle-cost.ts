/** A broker with one consumer and nothing to do: what does it use? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { rounded } from './figures.ts';
import { Undecided } from './stage.ts';

const secondsMin = 3;
const secondsMax = 60;
/** Of one core. */
const cpuPercentMax = 10;

export const idleCost: Scenario = {
  id: 'idle-cost',
  number: 'S51',
  title: 'Cost of being there',
  question: 'Does an idle broker with one waiting consumer stay below a tenth of a core?',
  layers: ['bare'],
  notFor: (system) => (system === 'log' ? 'the embedded log has no process of its own' : null),
  exclusive: true,
  deadlineMs: () => 90_000,
  expectations: [
    expected(
      everySystem,
      'any',
      'PASS',
      'Both wait for the network most of the time; memory is the larger part of what they cost.',
      'PetrolMuffin/BrokersPerformance, README (2026): 122 MiB (RabbitMQ) and 327 MiB (Kafka) at rest',
    ),
  ],
  run,
};

async function run({ stage, messages, usage }: ScenarioContext): Promise<Finding> {
  const seconds = Math.min(secondsMax, Math.max(secondsMin, Math.round(messages / 200)));
  const topic = await stage.topic('t');
  const subscription = await stage.subscription('s', topic);
  await stage.consume(subscription, { credit: 10, settle: { kind: 'batch', ackBatch: 1 }, onDelivery: () => {} });
  await stage.pause(1_000);
  const before = usage();
  const startedMs = stage.nowMs;
  await stage.pause(seconds * 1_000);
  const after = usage();
  if (before === null || after === null) throw new Undecided("the broker's processes cannot be seen");
  const tookSeconds = (stage.nowMs - startedMs) / 1000;
  const cpuPercent = rounded(((after.cpuSeconds - before.cpuSeconds) / tookSeconds) * 100);
  const rssMib = Math.round(after.rssBytes / 1024 ** 2);
  const writtenKib = Math.round((after.bytesWritten - before.bytesWritten) / 1024);
  return {
    verdict: cpuPercent < cpuPercentMax ? 'PASS' : 'DIFFERS',
    summary: `${cpuPercent} % of a core and ${rssMib} MiB of memory over ${Math.round(tookSeconds)} s, ${writtenKib} KiB written`,
    observed: { seconds: Math.round(tookSeconds), cpuPercentOfACore: cpuPercent, rssMib, writtenKib },
    evidence: ['the memory is what the run has left behind so far, not that of a fresh start'],
  };
}
