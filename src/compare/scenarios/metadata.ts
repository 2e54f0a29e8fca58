/** Odd keys, headers and bodies: do they arrive as they were sent? */

import { everySystem, expected, type Finding, logLike, type Scenario, type ScenarioContext } from './scenario.ts';
import { held } from './stage.ts';
import type { WireDelivery, WireMessage } from '../systems/wire.ts';

interface Sample {
  readonly name: string;
  readonly message: WireMessage;
  readonly isSame: (delivery: WireDelivery) => boolean;
}

const everyByte = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));

const samples: readonly Sample[] = [
  sample('text', { key: 'key', value: Buffer.from('value') }),
  sample('empty body', { key: 'key', value: Buffer.alloc(0) }),
  sample('every byte in the body', { key: 'key', value: everyByte }),
  sample('no key', { key: null, value: Buffer.from('value') }),
  sample('empty key', { key: '', value: Buffer.from('value') }),
  sample('key of 300 bytes', { key: 'k'.repeat(300), value: Buffer.from('value') }),
  sample('key beyond ASCII', { key: 'مفتاح-ключ-鍵', value: Buffer.from('value') }),
  sample('headers', {
    key: 'key',
    value: Buffer.from('value'),
    headers: { a: '1', 'x-long': 'h'.repeat(2_000), ün: 'ñ', empty: '' },
  }),
];

function sample(name: string, message: WireMessage): Sample {
  return {
    name,
    message,
    isSame: ({ key, value, headers }) =>
      key === message.key &&
      value.equals(message.value) &&
      Object.entries(message.headers ?? {}).every(([header, text]) => headers()[header] === text),
  };
}

export const metadata: Scenario = {
  id: 'metadata',
  number: 'S50',
  title: 'Odd keys, headers and bodies',
  question: 'Do keys, headers and bodies arrive byte for byte, also empty, long and beyond ASCII?',
  layers: ['port', 'bare'],
  notFor: () => null,
  exclusive: false,
  expectations: [
    expected(
      ['log', 'kafka'],
      'port',
      'PASS',
      'Keys and headers are bytes of the record.',
      'Sluice capability headers',
    ),
    expected(
      everySystem,
      'port',
      'EMULATED',
      'The port carries the key and headers in AMQP headers.',
      'Sluice capability headers',
    ),
    expected(
      ['log', 'kafka'],
      'bare',
      'PASS',
      'Key, value and headers are bytes, an absent key is not an empty one.',
      'kafka docs/implementation (message format)',
    ),
    expected(
      logLike,
      'bare',
      'DIFFERS',
      'AMQP has no key; the routing key has at most 255 bytes, and none is the same as an empty one.',
      'AMQP 0-9-1 specification (shortstr)',
    ),
    expected(
      everySystem,
      'bare',
      'DIFFERS',
      'AMQP has no key; the routing key has at most 255 bytes, and none is the same as an empty one.',
      'AMQP 0-9-1 specification (shortstr)',
    ),
  ],
  run,
};

async function run({ wire, stage }: ScenarioContext): Promise<Finding> {
  const broken: string[] = [];
  for (const [index, { name, message, isSame }] of samples.entries()) {
    const topic = await stage.topic(`t${index}`);
    const subscription = await stage.subscription(`s${index}`, topic);
    const publisher = await wire.publisher(topic);
    const answer = await stage.within(
      new Promise<string>((resolve) =>
        publisher.publish([message], (_, result) =>
          resolve(result.fate === 'acked' ? '' : `${result.fate}: ${result.code}`),
        ),
      ),
      'an answer',
    );
    await publisher.close();
    if (answer !== '') {
      broken.push(`${name}: ${answer}`);
      continue;
    }
    let arrived: WireDelivery | null = null;
    const consumer = await stage.consume(subscription, {
      credit: 10,
      settle: { kind: 'batch', ackBatch: 1 },
      onDelivery: (delivery) => (arrived ??= delivery),
    });
    await stage.until(() => arrived !== null, `the message with ${name}`);
    if (!isSame(arrived as unknown as WireDelivery)) broken.push(`${name}: arrived otherwise`);
    await stage.within(consumer.close(), 'a consumer to close');
  }
  return {
    verdict: broken.length === 0 ? held(wire, 'headers') : 'DIFFERS',
    summary: broken.length === 0 ? `all ${samples.length} as sent` : `not as sent: ${broken.join('; ')}`,
    observed: { samples: samples.length, asSent: samples.length - broken.length },
    evidence: broken,
  };
}
