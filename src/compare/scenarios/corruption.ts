/**
 * The disk damages what is stored: one bit of one message flips while the system is stopped, or the end of its files is
 * missing after a crash. Is it noticed, and what becomes of the other messages? A message is found in the files by its bytes,
 * which are like no others, so nothing of a format has to be known.
 */

import { randomBytes } from 'node:crypto';
import { relative } from 'node:path';
import { cutFrom, flipBit, type Place, placesOf } from '../../faults/index.ts';
import { type DamagedReading, readDamaged } from './reading.ts';
import {
  everySystem,
  expected,
  type Finding,
  type OwnSystem,
  type Scenario,
  type ScenarioContext,
} from './scenario.ts';
import { Undecided } from './stage.ts';
import type { Wire } from '../systems/wire.ts';

const messages = 200;
const bodyBytes = 300;
const deadlineMs = 150_000;
const topic = 'stored';
const subscription = 'stored-s';
/** What is younger than this when a broker is killed is another question: broker-kill-new-queue. */
const ageMs = 5_000;

export const corruption: Scenario = {
  id: 'corruption',
  number: 'S33',
  title: 'A stored bit flips',
  question:
    'When one bit of a stored message has flipped, is that noticed, instead of a wrong message being delivered or one left out in silence?',
  layers: ['bare'],
  notFor: () => null,
  exclusive: true,
  isFault: true,
  isOnlyInFull: true,
  deadlineMs: () => deadlineMs,
  expectations: [
    expected(
      ['log'],
      'any',
      'PASS',
      'Each batch has a CRC that every read checks: the reader is told file and position, what is before it is served.',
      'docs/DURABILITY.md',
    ),
    expected(
      ['rabbitmq-quorum'],
      'any',
      'PASS',
      'Entries of the write-ahead log have a checksum that its recovery checks; in the middle of the file it gives up, and the node does not start.',
      'rabbitmq/ra src/ra_log_wal.erl (recovery)',
    ),
    expected(
      ['rabbitmq-classic'],
      'any',
      'PASS',
      'Since the second store each message has a CRC-32 that a read checks; what becomes of the message then is not written anywhere.',
      'rabbitmq-server src/rabbit_classic_queue_store_v2.erl (check_crc32)',
      '>=4.0',
    ),
    {
      ...expected(
        ['rabbitmq-classic'],
        'any',
        'DIFFERS',
        'The index of the first store, the default before 4.0, keeps small messages without a checksum.',
        'rabbitmq-server src/rabbit_queue_index.erl',
        '<4.0',
      ),
      or: 'PASS',
    },
    {
      ...expected(
        ['rabbitmq-stream'],
        'any',
        'DIFFERS',
        'A chunk has a CRC, which clients of the stream protocol are sent and can check; over AMQP the broker takes the chunk apart itself, message by message, and looks at the CRC only when it has read all of it.',
        'rabbitmq/osiris src/osiris_log.erl (chunk iterator)',
        '>=4.3',
      ),
      or: 'PASS',
    },
    expected(
      ['rabbitmq-stream'],
      'any',
      'PASS',
      'The broker reads a chunk as a whole, checks its CRC, and ends the reader where it does not fit.',
      'rabbitmq/osiris src/osiris_log.erl (crc_validation_failure)',
    ),
    expected(
      ['kafka'],
      'any',
      'DIFFERS',
      "The broker hands out batches as they lie on its disk, and the client checks their CRC: Java's consumer does (check.crcs), kafkajs does not.",
      'kafka consumer config check.crcs; kafkajs src/protocol/recordBatch/v0/decoder.js',
    ),
  ],
  run: flipOne,
};

export const tornTail: Scenario = {
  id: 'torn-tail',
  number: 'S33',
  title: 'The end of a file is missing',
  question:
    'When the files of a killed system end in the middle of the last message, does it start again with all others and without a part of that one?',
  layers: ['bare'],
  notFor: () => null,
  exclusive: true,
  isFault: true,
  isOnlyInFull: true,
  deadlineMs: () => deadlineMs,
  expectations: [
    {
      ...expected(
        ['rabbitmq-stream'],
        'any',
        'PASS',
        'A crash may tear the last write of a segment, so what is not whole at its end is dropped when it is opened.',
        'rabbitmq/osiris src/osiris_log.erl (init)',
        '<4.0',
      ),
      explained:
        'seen in each of two tries on 3.10.8, and not on 4.0 and 4.3: all others are read, and a message that is published afterwards is confirmed and does not come to a reader from the first within eight seconds. Why was not found out.',
    },
    expected(
      everySystem,
      'any',
      'PASS',
      'A crash may tear the last write of a file, so each of them drops what is not whole at the end of it when it recovers.',
      'docs/DURABILITY.md; rabbitmq/ra src/ra_log_wal.erl; rabbitmq/osiris src/osiris_log.erl; kafka docs/design (log recovery)',
    ),
  ],
  run: cutTheTail,
};

async function flipOne(context: ScenarioContext): Promise<Finding> {
  const seen = await damaged(context, async (system, bodies) => {
    const victim = Math.floor(bodies.length / 2);
    await context.stage.within(system.stop(), 'the system to stop');
    const places = await placesOf(system.dataDir, Buffer.from(bodies[victim] ?? ''));
    // In the middle of the body: what is around it is the system's own.
    for (const place of places) await flipBit({ ...place, offset: place.offset + Math.floor(bodyBytes / 2) });
    return { victim, places };
  });
  return findingOfFlip(seen);
}

async function cutTheTail(context: ScenarioContext): Promise<Finding> {
  const seen = await damaged(context, async (system, bodies) => {
    const victim = bodies.length - 1;
    await system.kill();
    const places = await placesOf(system.dataDir, Buffer.from(bodies[victim] ?? ''));
    for (const place of places) await cutFrom({ ...place, offset: place.offset + Math.floor(bodyBytes / 2) });
    return { victim, places };
  });
  return findingOfCut(seen);
}

interface Damage {
  readonly victim: number;
  readonly places: readonly Place[];
}

interface Seen {
  readonly bodies: readonly string[];
  readonly victim: number;
  readonly places: number;
  readonly files: readonly string[];
  readonly dataDir: string;
  /** Why the system did not start; null where it did. */
  readonly startFailure: string | null;
  readonly reading: DamagedReading | null;
  /** By the vendor's own client, or why that was not asked; null where there is none. */
  readonly reference: DamagedReading | string | null;
  /** What the broker has logged about it. */
  readonly complaints: readonly string[];
}

async function damaged(
  context: ScenarioContext,
  damage: (system: OwnSystem, bodies: readonly string[]) => Promise<Damage>,
): Promise<Seen> {
  const { stage } = context;
  const system = await stage.within(context.own(), 'a system of its own');
  try {
    const bodies = Array.from({ length: messages }, (_, index) => bodyOf(index));
    await publishOneByOne(context, system, bodies);
    const { victim, places } = await damage(system, bodies);
    if (places.length === 0) throw new Undecided('the message was not found in the files');
    const files = [...new Set(places.map(({ path }) => relative(system.dataDir, path)))];
    const loggedBefore = new Set(await system.logLines());
    const startFailure = await failureOf(stage.within(system.start(), 'the system to start again'));
    const hasStarted = startFailure === null;
    const reading = hasStarted ? await read(context, () => system.open(), subscription) : null;
    const { dataDir, openReference } = system;
    const reference = hasStarted && openReference !== undefined ? await byReference(context, openReference) : null;
    const complaints = (await system.logLines()).filter((line) => !loggedBefore.has(line) && isComplaint(line));
    return { bodies, victim, places: places.length, files, dataDir, startFailure, reading, reference, complaints };
  } finally {
    await system.close();
  }
}

async function failureOf(work: Promise<void>): Promise<string | null> {
  try {
    await work;
    return null;
  } catch (reason) {
    return messageOf(reason);
  }
}

async function read({ stage }: ScenarioContext, open: () => Promise<Wire>, by: string): Promise<DamagedReading> {
  return await readDamaged(stage, open, { topic, subscription: by, count: messages });
}

/** Its own place in the log, so that it starts at the front as well. */
async function byReference(context: ScenarioContext, open: () => Promise<Wire>): Promise<DamagedReading | string> {
  try {
    const wire = await open();
    return await read(context, () => Promise.resolve(wire), `${subscription}-reference`);
  } catch (reason) {
    return messageOf(reason);
  }
}

/** `m-17-<random>`: like no other bytes on the disk. */
function bodyOf(index: number): string {
  return `m-${index}-${randomBytes(bodyBytes).toString('hex')}`.slice(0, bodyBytes);
}

/** So that a system which stores batches has one for each. */
async function publishOneByOne(
  { stage }: ScenarioContext,
  system: OwnSystem,
  bodies: readonly string[],
): Promise<void> {
  const wire = await stage.within(system.open(), 'a client');
  await wire.createTopic(topic, { partitions: 1 });
  await wire.createSubscription({ name: subscription, topic, start: 'earliest', ordering: 'none' });
  if (wire.system !== 'log') await stage.pause(ageMs);
  const publisher = await stage.within(wire.publisher(topic), 'a publisher to open');
  for (const body of bodies) {
    const answered = new Promise<string>((resolve) =>
      publisher.publish([{ key: null, value: Buffer.from(body) }], (_, { fate }) => resolve(fate)),
    );
    const fate = await stage.within(answered, 'an answer');
    if (fate !== 'acked') throw new Undecided(`a publish that the scenario needs was ${fate}`);
  }
  await stage.within(publisher.close(), 'the publisher to close');
}

/** Of a broker, about a damaged file. */
function isComplaint(line: string): boolean {
  return /(?:\bcrc|checksum)\S*(?: \S+)? ?\S*fail|corrupt|truncat|dropped .* unclean/i.test(line);
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

// ------------------------------------------------------------------------------------------------ what was seen

/** Against what was published. */
interface Compared {
  /** Delivered, and never published: the damaged message as it is now. */
  readonly wrong: number;
  readonly isVictimThere: boolean;
  /** Of the others. */
  readonly missing: number;
}

function compared({ bodies, victim }: Seen, { texts }: DamagedReading): Compared {
  const there = new Set(texts);
  const isVictimThere = there.has(bodies[victim] ?? '');
  const missing = bodies.filter((body, index) => index !== victim && !there.has(body)).length;
  const published = new Set(bodies);
  return { wrong: texts.filter((text) => !published.has(text)).length, isVictimThere, missing };
}

function findingOfFlip(seen: Seen): Finding {
  const { startFailure, reading, complaints, dataDir } = seen;
  if (reading === null)
    return {
      ...common(seen, null),
      verdict: 'PASS',
      summary: `noticed: the system does not start (${brief(startFailure, dataDir)})`,
    };
  const result = compared(seen, reading);
  const others = result.missing === 0 ? 'all others came' : `${result.missing} others did not come`;
  const isTold = reading.error !== null;
  const isLogged = complaints.length > 0;
  const fate =
    result.wrong > 0
      ? 'delivered as it is now, wrong, to a reader that was told nothing'
      : result.isVictimThere
        ? 'delivered whole: its damaged place was not read'
        : isTold
          ? 'noticed: the reader gets an error'
          : isLogged
            ? 'noticed: left out, the broker says so in its log, the reader is told nothing'
            : 'left out, and nobody is told';
  const verdict =
    result.wrong > 0
      ? 'DIFFERS'
      : result.isVictimThere
        ? 'INCONCLUSIVE'
        : isTold || isLogged
          ? 'PASS'
          : reading.reachesNew
            ? 'DIFFERS'
            : 'INCONCLUSIVE';
  return { ...common(seen, result), verdict, summary: [`${fate}; ${others}`, ...referenceWords(seen)].join('; ') };
}

function findingOfCut(seen: Seen): Finding {
  const { startFailure, reading, dataDir } = seen;
  if (reading === null)
    return {
      ...common(seen, null),
      verdict: 'DIFFERS',
      summary: `it does not start (${brief(startFailure, dataDir)})`,
    };
  const result = compared(seen, reading);
  const isWhole = result.missing === 0 && result.wrong === 0 && reading.reachesNew;
  const others =
    result.missing === 0 ? 'all others came' : `${result.missing} of the ${messages - 1} others did not come`;
  const last =
    result.wrong > 0
      ? 'a part of the last was delivered'
      : result.isVictimThere
        ? 'the last came too'
        : 'the last is gone';
  const next = reading.reachesNew
    ? 'new ones are taken and read'
    : reading.takesNew
      ? 'new ones are taken and not read'
      : 'no new ones are taken';
  return {
    ...common(seen, result),
    verdict: isWhole ? 'PASS' : 'DIFFERS',
    summary: `it starts; ${others}; ${last}; ${next}${reading.error === null ? '' : `; the reader gets an error (${brief(reading.error, dataDir)})`}`,
  };
}

function common(seen: Seen, result: Compared | null): Pick<Finding, 'observed' | 'evidence'> {
  const { places, files, startFailure, reading, reference, complaints, dataDir } = seen;
  const byReference = reference === null || typeof reference === 'string' ? null : compared(seen, reference);
  return {
    observed: {
      messages,
      places,
      startsAgain: startFailure === null,
      ...(result === null || reading === null
        ? {}
        : {
            deliveredWrong: result.wrong,
            damagedDeliveredWhole: result.isVictimThere,
            othersMissing: result.missing,
            readerIsTold: reading.error !== null,
            takesNew: reading.takesNew,
            newIsRead: reading.reachesNew,
          }),
      logged: complaints.length,
      ...(byReference === null ? {} : { deliveredWrongToVendorsClient: byReference.wrong }),
    },
    evidence: [
      `found in ${files.join(', ')}`,
      ...(startFailure === null ? [] : [`start: ${brief(startFailure, dataDir)}`]),
      ...(reading === null || reading.error === null ? [] : [`reader: ${brief(reading.error, dataDir)}`]),
      ...(typeof reference === 'string' ? [`the vendor's own client was not asked: ${brief(reference, dataDir)}`] : []),
      ...(reference !== null && typeof reference !== 'string' && reference.error !== null
        ? [`the vendor's own client: ${brief(reference.error, dataDir)}`]
        : []),
      ...complaints.slice(0, 3).map((line) => `log: ${brief(line, dataDir)}`),
    ],
  };
}

function referenceWords(seen: Seen): readonly string[] {
  const { reference, dataDir } = seen;
  if (reference === null || typeof reference === 'string') return [];
  const { wrong } = compared(seen, reference);
  if (wrong > 0) return ["the vendor's Java client delivers it too"];
  return [
    `the vendor's Java client does not deliver it${reference.error === null ? '' : ` (${brief(reference.error, dataDir)})`}`,
  ];
}

/** What may be pages, without the place of this run's directory; of a crash of Erlang the part that names it. */
function brief(text: string | null, dataDir: string): string {
  // What is logged has the path as the broker sees it, in its own root.
  const plain = (text ?? '')
    .replaceAll(`${dataDir}/`, '')
    .replaceAll(/(?:\/[\w.@-]+)+\/data\b\/?/g, '')
    .replaceAll(/\s+/g, ' ');
  const named = /\w*checksum\w*failure/.exec(plain)?.[0];
  return named ?? plain.slice(0, textMax);
}

const textMax = 200;
