/** Read, compute, write; the worker is gone after writing and before saying so: how many results has each input? */

import { everySystem, expected, type Finding, type Scenario, type ScenarioContext } from './scenario.ts';
import { countOf, signal, texts } from './stage.ts';

const count = 20;
const crashAt = 10;
const patienceMs = 75_000;
const quietMs = 1_000;

export const oneResultEach: Scenario = {
  id: 'one-result-each',
  number: 'S23',
  title: 'One result for each input',
  question:
    'Has every input exactly one result when the worker is killed between writing the result and acking the input?',
  layers: ['port', 'bare'],
  notFor: (system) => (system === 'log' ? 'a worker on the embedded log dies with the log' : null),
  exclusive: true,
  isSlow: true,
  deadlineMs: () => 150_000,
  expectations: [
    expected(
      ['kafka'],
      'bare',
      'PASS',
      'The result and the place of the reader are one transaction; this holds from Kafka to Kafka only, for readers of committed messages.',
      'kafka docs/design (message delivery semantics)',
    ),
    expected(
      everySystem,
      'any',
      'DIFFERS',
      'The input comes again and its result is written twice: at least once, and the consumer of results must tell.',
      'rabbitmq-website docs/reliability; Sluice capability transactions',
    ),
  ],
  run,
};

async function run(context: ScenarioContext): Promise<Finding> {
  const { wire, stage } = context;
  const input = await stage.topic('in');
  const output = await stage.topic('out');
  const worker = await stage.subscription('worker', input);
  const results = await stage.subscription('results', output);
  await stage.publishAcked(input, texts('m', count));
  if (wire.transform === undefined) await workAndDie(context, worker, output);
  else
    await stage.within(
      wire.transform(input, output, { subscription: worker, count, crashAt }),
      'all inputs to be done',
    );
  await stage.publishAcked(output, [{ text: 'end' }]);
  const received = (await stage.receiveUntil(results, (text) => text === 'end')).filter(({ text }) => text !== 'end');
  const twice = received.length - countOf(received, 'm');
  const missing = count - countOf(received, 'm');
  return {
    verdict: twice === 0 && missing === 0 ? 'PASS' : 'DIFFERS',
    summary: `of ${count} inputs ${missing} have no result and ${twice} a second one`,
    observed: { inputs: count, results: received.length, withoutResult: missing, second: twice },
    evidence: [
      wire.transform === undefined
        ? 'the worker was a process that was killed'
        : 'the clients of the worker vanished in the middle of a transaction, and new ones took its id over',
    ],
  };
}

/** Each result is stored before its input is acked, as everybody should; at one input the worker is killed in between. */
async function workAndDie({ stage, openProcess }: ScenarioContext, worker: string, output: string): Promise<void> {
  const other = await stage.within(openProcess(), 'the process of the worker');
  await stage.adopt(other, worker);
  const crash = signal();
  let done = 0;
  let isDead = false;
  await stage.within(
    other.consume(worker, {
      credit: 1,
      settle: { kind: 'each' },
      onDelivery: (delivery) => {
        if (isDead) return;
        const work = async () => {
          await stage.publishAcked(output, [{ text: delivery.value.toString() }]);
          if (++done > crashAt) {
            isDead = true;
            crash.resolve();
          } else delivery.ack();
        };
        work().catch(crash.reject);
      },
      onError: crash.reject,
    }),
    'the worker to open',
  );
  await stage.within(crash.promise, 'the worker to be in its work');
  await other.kill();
  // The next worker takes what is left, each input once.
  const rest = [...(await stage.drain(worker, { count: count - crashAt, quietMs: patienceMs }))];
  rest.push(...(await stage.drain(worker, { count: Number.MAX_SAFE_INTEGER, quietMs })));
  await stage.publishAcked(
    output,
    rest.map(({ text }) => ({ text })),
  );
}
