/** A Kafka with TLS, users and rights: every way in, every way to be turned away, and the least rights that suffice. */

import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AclOperationTypes,
  AclPermissionTypes,
  AclResourceTypes,
  Kafka,
  logLevel,
  ResourcePatternTypes,
} from 'kafkajs';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type MessagingPort, openPort, PortError } from '../../src/adapters/index.ts';
import { type KafkaHandle, obtainBrokers, type ObtainedBrokers } from '../../src/brokers/index.ts';
import { isLoopback, listenersOf } from '../brokers/listening.ts';
import { rightsOf } from '../support/permissions-page.ts';
import { uniqueName, until } from './support.ts';

const PASSWORD = randomBytes(12).toString('hex');
/** Turned away is said at once: well below the time that a silent broker is given. */
const AT_ONCE_MS = 4_000;
const users = ['alice', 'full', 'mapped'];

let brokers: ObtainedBrokers | undefined;
let admin: ReturnType<Kafka['admin']> | undefined;

beforeAll(async () => {
  brokers = await obtainBrokers({
    want: ['kafka'],
    security: { users: users.map((name) => ({ name, password: PASSWORD })) },
  });
  if (brokers.kafka === undefined) return;
  const kafka = new Kafka({ brokers: [...brokers.kafka.brokers], logLevel: logLevel.NOTHING });
  admin = kafka.admin();
  await admin.connect();
});

beforeEach((ctx) => {
  if (brokers?.kafka === undefined) ctx.skip(`no Kafka with TLS could be had: ${brokers?.skipped[0]?.reason ?? ''}`);
});

afterAll(async () => {
  await admin?.disconnect();
  await brokers?.stop();
});

type Secured = NonNullable<KafkaHandle['secured']>;

function secured(): Secured {
  const found = brokers?.kafka?.secured;
  if (found === undefined) throw new Error('a test runs without its broker');
  return found;
}

it('listens on loopback only', () => {
  const pids = (brokers?.kafka?.nodes ?? []).flatMap(({ pid }) => pid ?? []);
  expect(listenersOf(pids).length).toBeGreaterThanOrEqual(5);
  expect(listenersOf(pids).filter(({ address }) => !isLoopback(address))).toEqual([]);
});

describe('every way in', () => {
  it.each(['plain', 'scram-sha-256', 'scram-sha-512'])('%s over TLS', async (mechanism) => {
    const port = await open((its) => onSasl(its, { mechanism, username: 'alice', password: PASSWORD }));
    await expectAllowed(port);
  });

  it('a client certificate', async () => {
    const port = await open(({ mutualTls, certificates: { caFile, clients } }) => ({
      brokers: [mutualTls],
      tls: { caFile, ...clients['alice'] },
    }));
    await expectAllowed(port);
  });

  it('a token from a file, which is read again at each login', async () => {
    const tokenFile = join(scratch(), 'token');
    const options = onSasl(secured(), { mechanism: 'oauthbearer', tokenFile });
    writeFileSync(tokenFile, `${tokenFor('alice', 60)}\n`);
    await expectAllowed(await open(() => options));
    writeFileSync(tokenFile, tokenFor('alice', -60));
    expect(await refusal(options)).toMatchObject({
      code: 'backend_rejected',
      message: expect.stringMatching(/refuses the login of the bearer of the token/),
    });
    writeFileSync(tokenFile, tokenFor('alice', 60));
    await expectAllowed(await open(() => options));
  });

  it('a token that Kafka wants to see again: a renewed one is shown, and one that is over ends no subscription', async () => {
    const tokenFile = join(scratch(), 'token');
    writeFileSync(tokenFile, tokenFor('alice', 60));
    const options = onSasl(secured(), { mechanism: 'oauthbearer', tokenFile });
    const port = await open(() => options);
    const topic = uniqueName('alice');
    const name = uniqueName('sub');
    await port.createTopic({ name: topic });
    await port.createSubscription({ name, topic, start: 'earliest', onExhausted: 'drop' });
    await using consumer = await port.subscribe(name, { credit: { messages: 10 } });
    writeFileSync(tokenFile, tokenFor('alice', -60));
    await until('a publish is refused for the login', async () => {
      const [outcome] = await port.publish(topic, [{ value: 'x' }]);
      if (outcome?.kind === 'stored') return false;
      expect(outcome).toMatchObject({
        kind: 'refused',
        error: { code: 'backend_rejected', message: expect.stringContaining('refuses the login of the bearer') },
      });
      return true;
    });
    writeFileSync(tokenFile, tokenFor('alice', 60));
    await until('a publish is stored again', async () => {
      const [outcome] = await port.publish(topic, [{ value: 'last' }]);
      return outcome?.kind === 'stored';
    });
    await until('what was stored last is delivered', async () => {
      const deliveries = await consumer.pull({ maxMessages: 10, waitMs: 1_000 });
      await port.ack(
        name,
        deliveries.map(({ token }) => token),
      );
      return deliveries.some(({ message }) => String(message.value) === 'last');
    });
  });

  it('a password from a file', async () => {
    const passwordFile = join(scratch(), 'password');
    writeFileSync(passwordFile, `${PASSWORD}\n`);
    const port = await open((its) => onSasl(its, { mechanism: 'scram-sha-512', username: 'alice', passwordFile }));
    await expectAllowed(port);
  });
});

const alice = { mechanism: 'scram-sha-256', username: 'alice', password: PASSWORD };

describe('turned away, at once and with the reason', () => {
  const cases: readonly [string, (its: Secured) => Record<string, unknown>, string, RegExp][] = [
    [
      'by a wrong authority',
      (s) => ({ ...onSasl(s, alice), tls: { caFile: s.certificates.otherCaFile } }),
      'backend_rejected',
      /not signed by an authority that is trusted here: tls\.caFile/,
    ],
    [
      'without an authority',
      (s) => ({ ...onSasl(s, alice), tls: {} }),
      'backend_rejected',
      /not signed by an authority that is trusted here/,
    ],
    [
      'by a certificate that is over',
      (s) => ({ brokers: [s.expired], tls: { caFile: s.certificates.caFile } }),
      'backend_rejected',
      /certificate has expired/,
    ],
    [
      'by a certificate for another name',
      (s) => ({ ...onSasl(s, alice), tls: { caFile: s.certificates.caFile, serverName: 'kafka.example.com' } }),
      'backend_rejected',
      /for other names than this address: see tls\.serverName/,
    ],
    [
      'without a client certificate',
      (s) => ({ brokers: [s.mutualTls], tls: { caFile: s.certificates.caFile } }),
      'backend_rejected',
      /client certificate.*tls\.certFile/,
    ],
    [
      'with a wrong password',
      (s) => onSasl(s, { ...alice, password: 'not-it' }),
      'backend_rejected',
      /refuses the login of user "alice" \(scram-sha-256\)/,
    ],
    [
      'with a wrong password, told in the clear',
      (s) => onSasl(s, { ...alice, mechanism: 'plain', password: 'not-it' }),
      'backend_rejected',
      /refuses the login of user "alice" \(plain\)/,
    ],
    [
      'as a user that there is not',
      (s) => onSasl(s, { ...alice, username: 'mallory' }),
      'backend_rejected',
      /refuses the login of user "mallory"/,
    ],
    [
      'with a password file that is not there',
      (s) => onSasl(s, { mechanism: 'plain', username: 'alice', passwordFile: '/nowhere/password' }),
      'invalid_argument',
      /sasl\.passwordFile \/nowhere\/password cannot be read: ENOENT/,
    ],
    [
      'with a file of authorities that holds none',
      (s) => ({ ...onSasl(s, alice), tls: { caFile: s.certificates.clients['alice']?.keyFile } }),
      'invalid_argument',
      /tls\.caFile .* holds no certificate/,
    ],
    [
      "with a key that is another certificate's",
      (s) => ({
        brokers: [s.mutualTls],
        tls: {
          caFile: s.certificates.caFile,
          certFile: s.certificates.clients['alice']?.certFile,
          keyFile: s.certificates.server.keyFile,
        },
      }),
      'invalid_argument',
      /tls\.keyFile .* is not the key of/,
    ],
    [
      'with an authority file that is not there',
      (s) => ({ ...onSasl(s, alice), tls: { caFile: '/nowhere/ca.pem' } }),
      'invalid_argument',
      /tls\.caFile \/nowhere\/ca\.pem cannot be read: ENOENT/,
    ],
  ];

  it.each(cases)('%s', async (_, options, code, message) => {
    const started = performance.now();
    const error = await open(options).then(() => undefined, PortError.from);
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error?.message).not.toContain(PASSWORD);
    expect(performance.now() - started).toBeLessThan(AT_ONCE_MS);
  });

  it('TLS where there is none, and none where there is, end with the time to connect', async () => {
    const { saslSsl, certificates } = secured();
    const plain = brokers?.kafka?.brokers ?? [];
    const connectTimeoutMs = 1_000;
    const tls = { caFile: certificates.caFile };
    expect(await refusal({ brokers: plain, tls, connectTimeoutMs })).toMatchObject({ code: 'backend_unavailable' });
    const silent = { code: 'backend_unavailable', message: expect.stringMatching(/may want TLS \(tls\) or a login/) };
    expect(await refusal({ brokers: [saslSsl], connectTimeoutMs })).toMatchObject(silent);
    const nobody = { code: 'backend_unavailable', message: expect.stringMatching(/may want a login \(sasl\)/) };
    expect(await refusal({ brokers: [saslSsl], tls, connectTimeoutMs })).toMatchObject(nobody);
  });

  it('any certificate is believed only by who says so', async () => {
    const tls = { caFile: secured().certificates.otherCaFile, verify: false };
    await expectAllowed(await open((its) => ({ ...onSasl(its, alice), tls })));
  });
});

interface Right {
  readonly resource: string;
  readonly pattern: string;
  readonly name: string;
  readonly operation: string;
}

describe('the least rights', () => {
  it('of manage: full are those of the page, and each of them is needed', async () => {
    const prefix = uniqueName('t');
    const rights = rightsIn('kafka-full', { TOPICS: prefix });
    expect(rights).toHaveLength(9);
    const options = onSasl(secured(), { ...alice, mechanism: 'plain', username: 'full' });
    await grant('full', rights);
    expect(await liveFully(options, prefix)).toBeUndefined();
    for (const left of rights) {
      await withoutMeta();
      await grant(
        'full',
        rights.filter((right) => right !== left),
      );
      const error = await liveFully(options, prefix);
      const needs = `needs ${left.operation} on ${left.resource} "${left.name}`;
      expect(error, needs).toMatchObject({ code: 'backend_rejected', message: expect.stringContaining(needs) });
    }
  });

  it('of manage: none are those of the page, and each of them is needed', async () => {
    const names = { SUBSCRIBED: uniqueName('in'), PUBLISHED: uniqueName('out'), GROUP: uniqueName('group') };
    const topics = [names.SUBSCRIBED, names.PUBLISHED].map((topic) => ({ topic, numPartitions: 1 }));
    await admin?.createTopics({ topics });
    const rights = rightsIn('kafka-none', names);
    expect(rights).toHaveLength(3);
    const options = {
      ...onSasl(secured(), { ...alice, username: 'mapped' }),
      manage: 'none',
      topics: [
        { name: 'in', kafkaTopic: names.SUBSCRIBED },
        { name: 'out', kafkaTopic: names.PUBLISHED },
      ],
      subscriptions: [{ name: 's', topic: 'in', group: names.GROUP, start: 'earliest', deadLetterTopic: 'out' }],
    };
    const producer = new Kafka({
      brokers: [...(brokers?.kafka?.brokers ?? [])],
      logLevel: logLevel.NOTHING,
    }).producer();
    await producer.connect();
    await producer.send({ topic: names.SUBSCRIBED, messages: Array.from({ length: 20 }, () => ({ value: 'x' })) });
    await producer.disconnect();
    await grant('mapped', rights);
    expect(await liveMapped(options)).toBeUndefined();
    for (const left of rights) {
      await grant(
        'mapped',
        rights.filter((right) => right !== left),
      );
      const error = await liveMapped(options);
      // Of a topic without any right not even the partitions can be looked up.
      const operation = left.resource === 'Topic' ? 'Describe' : left.operation;
      const expected = new RegExp(`needs (${operation}|Describe) on ${left.resource} "${left.name}"`);
      expect(error).toMatchObject({ code: 'backend_rejected', message: expect.stringMatching(expected) });
    }
    // With the right to look only.
    for (const left of rights.filter(({ resource }) => resource === 'Topic')) {
      await grant('mapped', [...rights.filter((right) => right !== left), { ...left, operation: 'Describe' }]);
      const needs = `needs ${left.operation} on Topic "${left.name}"`;
      expect(await liveMapped(options)).toMatchObject({
        code: 'backend_rejected',
        message: expect.stringContaining(needs),
      });
    }
  });
});

/** All that the API offers, once. Resolves with the first error. */
async function liveFully(options: Record<string, unknown>, prefix: string): Promise<PortError | undefined> {
  const topic = uniqueName(`${prefix}-topic`);
  const name = uniqueName('sub');
  return await firstError(options, async (port) => {
    await port.createTopic({ name: topic, partitions: 2 });
    await port.createSubscription({ name, topic, start: 'earliest', deadLetterTopic: `${topic}.dead` });
    await consumeOne(port, name, topic, true);
    await port.lag(name);
    await port.read(topic, 0, 'earliest', 1);
    await port.seek(name, 'earliest');
    await port.deleteSubscription(name);
    await port.deleteTopic(topic);
    await port.deleteTopic(`${topic}.dead`);
  });
}

async function liveMapped(options: Record<string, unknown>): Promise<PortError | undefined> {
  return await firstError(options, async (port) => {
    await publishOne(port, 'out');
    await consumeOne(port, 's', null, true);
    await port.lag('s');
    await port.read('in', 0, 'earliest', 1);
    await port.seek('s', 'earliest');
  });
}

async function firstError(
  config: Record<string, unknown>,
  live: (port: MessagingPort) => Promise<void>,
): Promise<PortError | undefined> {
  try {
    await using port = await openPort({ backend: 'kafka', config });
    await live(port);
    return undefined;
  } catch (reason) {
    return PortError.from(reason);
  }
}

/** Publishes first where a topic is named; one message is rejected and so lands in the dead-letter topic. */
async function consumeOne(port: MessagingPort, name: string, topic: string | null, rejects: boolean): Promise<void> {
  if (topic !== null) await publishOne(port, topic);
  await using consumer = await port.subscribe(name, { credit: { messages: 1 } });
  const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 10_000 });
  if (delivery === undefined) throw new Error('nothing was delivered');
  if (rejects) expect(await port.reject(name, [delivery.token])).toMatchObject([{ status: 'ok' }]);
  else expect(await port.ack(name, [delivery.token])).toMatchObject([{ status: 'ok' }]);
}

async function publishOne(port: MessagingPort, topic: string): Promise<void> {
  const [outcome] = await port.publish(topic, [{ value: 'x' }]);
  if (outcome?.kind !== 'stored') throw outcome?.error ?? new Error('no outcome');
}

/** Alice may do everything with her own topics; it is the way in that is tried. */
async function expectAllowed(port: MessagingPort): Promise<void> {
  const topic = uniqueName('alice');
  await port.createTopic({ name: topic });
  await publishOne(port, topic);
  expect((await port.read(topic, 0, 'earliest', 1)).messages).toHaveLength(1);
}

async function open(optionsFor: (its: Secured) => Record<string, unknown>): Promise<MessagingPort> {
  await grantAlice();
  const port = await openPort({ backend: 'kafka', config: optionsFor(secured()) });
  onTestFinished(async () => await port.close());
  return port;
}

async function refusal(config: Record<string, unknown>): Promise<PortError | undefined> {
  return await firstError(config, async () => undefined);
}

function onSasl(its: Secured, sasl: Record<string, unknown>): Record<string, unknown> {
  return { brokers: [its.saslSsl], tls: { caFile: its.certificates.caFile }, sasl };
}

/** As Kafka takes it for development: not signed. */
function tokenFor(subject: string, seconds: number): string {
  const now = Math.floor(Date.now() / 1_000);
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'none' })}.${part({ sub: subject, iat: now - 120, exp: now + seconds })}.`;
}

function rightsIn(marker: string, names: Readonly<Record<string, string>>): Right[] {
  return rightsOf(marker).flatMap(([resource = '', pattern = '', name = '', operations = '']) =>
    operations.split(', ').map((operation) => ({ resource, pattern, name: names[name] ?? name, operation })),
  );
}

/** These rights and no others; resolves when the broker knows. */
async function grant(user: string, rights: readonly Right[], principal = `User:${user}`): Promise<void> {
  if (admin === undefined) return;
  const any = {
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
    principal,
  };
  await admin.deleteAcls({ filters: [any] });
  const acl = rights.map(({ resource, pattern, name, operation }) => ({
    resourceType: AclResourceTypes[resource.toUpperCase() as 'TOPIC' | 'GROUP'],
    resourcePatternType: ResourcePatternTypes[pattern.toUpperCase() as 'LITERAL' | 'PREFIXED'],
    resourceName: name,
    operation: AclOperationTypes[operation.toUpperCase() as 'READ'],
    permissionType: AclPermissionTypes.ALLOW,
    principal,
    host: '*',
  }));
  await admin.createAcls({ acl });
  await until(`${rights.length} rights of ${user}`, async () => {
    const { resources } = (await admin?.describeAcls(any)) ?? { resources: [] };
    return resources.flatMap(({ acls }) => acls).length === rights.length;
  });
}

let aliceHas: Promise<void> | undefined;

async function grantAlice(): Promise<void> {
  const everything = ['Create', 'Read', 'Write', 'Delete'];
  const on = (resource: string, name: string): Right[] =>
    everything
      .filter((operation) => resource === 'Topic' || operation === 'Read' || operation === 'Delete')
      .map((operation) => ({ resource, pattern: 'prefixed', name, operation }));
  const rights = [...on('Topic', 'alice'), ...on('Topic', 'sluice.'), ...on('Group', 'sluice.')];
  aliceHas ??= grant('alice', rights).then(async () => await grant('alice', rights, 'User:CN=alice'));
  await aliceHas;
}

async function withoutMeta(): Promise<void> {
  if ((await admin?.listTopics())?.includes('sluice.meta') !== true) return;
  await admin?.deleteTopics({ topics: ['sluice.meta'] });
  await until('sluice.meta is gone', async () => (await admin?.listTopics())?.includes('sluice.meta') === false);
}

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-secured-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}
