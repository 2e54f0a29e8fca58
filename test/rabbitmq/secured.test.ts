/** A RabbitMQ with TLS, users and rights: every way in, every way to be turned away, and the least rights that suffice. */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer, type TlsOptions } from 'node:tls';
import { type Channel, type ChannelModel, connect as connectAmqp } from 'amqplib';
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { type MessagingPort, openPort, PortError } from '../../src/adapters/index.ts';
import { obtainBrokers, type ObtainedBrokers, type RabbitMqHandle } from '../../src/brokers/index.ts';
import { isLoopback, listenersOf } from '../brokers/listening.ts';
import { rightsOf } from '../support/permissions-page.ts';
import { TcpProxy } from '../../src/faults/index.ts';
import { unique, until } from './support/driver-world.ts';

const PASSWORD = randomBytes(12).toString('hex');
const AT_ONCE_MS = 4_000;
const EXCHANGE = unique('shop');
const QUEUE = unique('billing');
const NOTHING = '^$';

/** Users by what they lack: each has the rights of the page but for that. */
const [[configure = '', write = '', read = ''] = []] = rightsOf('rabbitmq-full');
const [[, , mayPublish = ''] = [], [, , , maySubscribe = ''] = []] = rightsOf('rabbitmq-none');
const full = { configure, write, read };
const mapped = {
  configure: NOTHING,
  write: mayPublish.replace('EXCHANGE', EXCHANGE),
  read: maySubscribe.replace('QUEUE', QUEUE),
};
const everything = { configure: '.*', write: '.*', read: '.*' };
const permissions = {
  alice: everything,
  full,
  'full-without-configure': { ...full, configure: NOTHING },
  'full-without-write': { ...full, write: NOTHING },
  'full-without-default-exchange': { ...full, write: '^sluice\\..*$' },
  'full-without-read': { ...full, read: NOTHING },
  mapped,
  'mapped-without-write': { ...mapped, write: NOTHING },
  'mapped-without-read': { ...mapped, read: NOTHING },
  // Something that it may do with the exchange, so that the lookup at the start passes.
  'mapped-that-may-bind': { ...mapped, write: NOTHING, read: '.*' },
};

let brokers: ObtainedBrokers | undefined;
let administrator: ChannelModel | undefined;
let channel: Channel | undefined;

beforeAll(async () => {
  brokers = await obtainBrokers({
    want: ['rabbitmq'],
    security: {
      users: Object.keys(permissions).map((name) => ({ name, password: PASSWORD })),
      permissions: [
        ...Object.entries(permissions).map(([user, rights]) => ({ user, ...rights })),
        { user: 'alice', vhost: 'shop', ...everything },
        { user: 'guest', vhost: 'closed', ...everything },
      ],
    },
  });
  if (brokers.rabbitmq === undefined) return;
  administrator = await connectAmqp(brokers.rabbitmq.url);
  channel = await administrator.createChannel();
  await channel.assertExchange(EXCHANGE, 'direct');
  await channel.assertQueue(QUEUE, { arguments: { 'x-queue-type': 'quorum' } });
  await channel.bindQueue(QUEUE, EXCHANGE, 'orders');
});

beforeEach((ctx) => {
  if (brokers?.rabbitmq === undefined)
    ctx.skip(`no RabbitMQ with TLS could be had: ${brokers?.skipped[0]?.reason ?? ''}`);
});

afterAll(async () => {
  await administrator?.close();
  await brokers?.stop();
});

type KeyPair = Secured['certificates']['server'];
type Secured = NonNullable<RabbitMqHandle['secured']>;

function secured(): Secured {
  const found = brokers?.rabbitmq?.secured;
  if (found === undefined) throw new Error('a test runs without its broker');
  return found;
}

function onTls(more: Record<string, unknown> = {}): Record<string, unknown> {
  const { amqps, certificates } = secured();
  return { url: `amqps://${amqps}`, tls: { caFile: certificates.caFile }, ...more };
}

const alice = { username: 'alice', password: PASSWORD };

it('listens on loopback only', () => {
  const pids = (brokers?.rabbitmq?.nodes ?? []).flatMap(({ pid }) => pid ?? []);
  expect(listenersOf(pids).length).toBeGreaterThan(1);
  expect(listenersOf(pids).filter(({ address }) => !isLoopback(address))).toEqual([]);
});

describe('every way in', () => {
  it('user and password over TLS, apart from the address and in it', async () => {
    await expectAllowed(await open(onTls(alice)));
    const { amqps, certificates } = secured();
    const url = `amqps://alice:${PASSWORD}@${amqps}`;
    await expectAllowed(await open({ url, tls: { caFile: certificates.caFile } }));
  });

  it('a password from a file, which is read again at each connection', async () => {
    const passwordFile = join(scratch(), 'password');
    writeFileSync(passwordFile, 'an old one\n');
    const options = onTls({ username: 'alice', passwordFile });
    expect(await refusal(options)).toMatchObject({ code: 'backend_rejected' });
    writeFileSync(passwordFile, `${PASSWORD}\n`);
    await expectAllowed(await open(options));
  });

  it('a client certificate', async () => {
    const { caFile, clients } = secured().certificates;
    await expectAllowed(await open(onTls({ mechanism: 'external', tls: { caFile, ...clients['alice'] } })));
  });

  it('a vhost', async () => {
    const port = await open(onTls({ ...alice, vhost: 'shop' }));
    const topic = unique('t');
    await port.createTopic({ name: topic });
    const elsewhere = await open(onTls(alice));
    await expect(elsewhere.describeTopic(topic)).rejects.toMatchObject({ code: 'topic_not_found' });
    await expectAllowed(port);
  });

  it('of several hosts one that answers, and another one when it goes', async () => {
    const { url: plain } = brokers?.rabbitmq ?? { url: '' };
    const first = await TcpProxy.before(plain);
    const second = await TcpProxy.before(plain);
    onTestFinished(async () => await Promise.all([first.proxy.close(), second.proxy.close()]).then(() => undefined));
    const port = await open({ urls: ['amqp://guest:guest@127.0.0.1:1', first.url, second.url], replicas: 1 });
    await expectAllowed(port);
    first.proxy.refuses = true;
    await until('both connections at the other host', () => second.proxy.clients === 2);
    await until('it is ready', async () => (await port.health()).ok);
    await expectAllowed(port);
  });
});

describe('turned away, at once and with the reason', () => {
  const cases: readonly [string, () => Record<string, unknown>, string, RegExp][] = [
    [
      'by a wrong authority',
      () => onTls({ ...alice, tls: { caFile: secured().certificates.otherCaFile } }),
      'backend_rejected',
      /not signed by an authority that is trusted here: tls\.caFile/,
    ],
    [
      'by a certificate for another name',
      () => onTls({ ...alice, tls: { caFile: secured().certificates.caFile, serverName: 'rabbit.example.com' } }),
      'backend_rejected',
      /for other names than this address: see tls\.serverName/,
    ],
    [
      'with a wrong password',
      () => onTls({ ...alice, password: 'not-it' }),
      'backend_rejected',
      /the login of user "alice" is refused: .*ACCESS_REFUSED/,
    ],
    [
      'with the certificate of nobody it knows',
      () =>
        onTls({
          mechanism: 'external',
          tls: { caFile: secured().certificates.caFile, ...secured().certificates.server },
        }),
      'backend_rejected',
      /the login of the certificate .*server\.pem is refused/,
    ],
    [
      'from a vhost that there is not',
      () => onTls({ ...alice, vhost: 'nowhere' }),
      'backend_rejected',
      /the vhost "nowhere" is not open to user "alice"/,
    ],
    [
      "from a vhost that is others'",
      () => onTls({ ...alice, vhost: 'closed' }),
      'backend_rejected',
      /the vhost "closed" is not open to user "alice"/,
    ],
    [
      'with a password file that is not there',
      () => onTls({ username: 'alice', passwordFile: '/nowhere/password' }),
      'invalid_argument',
      /passwordFile \/nowhere\/password cannot be read: ENOENT/,
    ],
    [
      'TLS where there is none',
      () =>
        onTls({ ...alice, url: String(brokers?.rabbitmq?.url).replace(/.*@/, 'amqps://'), connectTimeoutMs: 1_000 }),
      'backend_rejected',
      /does not speak TLS on this port/,
    ],
    [
      'no TLS where there is some',
      () => ({ ...alice, url: `amqp://${secured().amqps}`, connectTimeoutMs: 1_000 }),
      'backend_unavailable',
      /closed|timeout|ETIMEDOUT|no answer|ECONNRESET/i,
    ],
  ];

  it.each(cases)('%s', async (_, options, code, message) => {
    const started = performance.now();
    const error = await refusal(options());
    expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    expect(error?.message).not.toContain(PASSWORD);
    expect(performance.now() - started).toBeLessThan(AT_ONCE_MS);
  });

  it('by a certificate that is over', async () => {
    const url = await behind(secured().certificates.expired);
    expect(await refusal(onTls({ ...alice, url }))).toMatchObject({
      code: 'backend_rejected',
      message: expect.stringMatching(/certificate has expired/),
    });
    await expectAllowed(await open(onTls({ ...alice, url, tls: { verify: false } })));
  });

  it('without a client certificate, where the server wants one', async () => {
    const { server, caFile, clients } = secured().certificates;
    const url = await behind(server, { requestCert: true, ca: readFileSync(caFile) });
    const error = await refusal(onTls({ ...alice, url }));
    expect(error).toMatchObject({
      code: 'backend_rejected',
      message: expect.stringMatching(/wants a client certificate: tls\.certFile and tls\.keyFile name it/),
    });
    expect(error?.message).not.toMatch(/\n/);
    await expectAllowed(await open(onTls({ ...alice, url, tls: { caFile, ...clients['alice'] } })));
  });

  it('by each of several hosts: all reasons are told', async () => {
    const url = `amqps://${secured().amqps}`;
    const error = await refusal({
      ...onTls(),
      ...alice,
      url: undefined,
      urls: ['amqps://127.0.0.1:1', url],
      password: 'no',
    });
    expect(error).toMatchObject({
      code: 'backend_rejected',
      message: expect.stringMatching(/ECONNREFUSED.*; .*refused/),
    });
  });
});

describe('the least rights', () => {
  const denied: readonly [user: keyof typeof permissions, message: RegExp][] = [
    ['full-without-configure', /configure access to queue 'sluice\.meta'/],
    ['full-without-write', /write access to exchange 'amq\.default'|write access to (exchange|queue) 'sluice\./],
    ['full-without-default-exchange', /write access to exchange 'amq\.default'/],
    ['full-without-read', /read access to queue 'sluice\.meta'/],
  ];

  it('of manage: full are those of the page', async () => {
    for (const queueType of ['quorum', 'classic', 'stream'] as const) {
      expect(await liveFully('full', queueType), queueType).toBeUndefined();
    }
  });

  it.each(denied)('and each of them is needed: %s', async (user, message) => {
    expect(await liveFully(user, 'stream')).toMatchObject({
      code: 'backend_rejected',
      message: expect.stringMatching(message),
    });
  });

  it('of manage: none are those of the page, and each of them is needed', async () => {
    expect(await liveMapped('mapped')).toBeUndefined();
    expect(await liveMapped('mapped-without-write')).toMatchObject({
      code: 'backend_rejected',
      message: expect.stringContaining(`write access to exchange '${EXCHANGE}'`),
    });
    expect(await liveMapped('mapped-without-read')).toMatchObject({
      code: 'backend_rejected',
      message: expect.stringContaining(`read access to queue '${QUEUE}'`),
    });
  });

  it('a batch that is not allowed is refused, not unknown', async () => {
    const port = await openPort({ backend: 'rabbitmq', config: mappedAs('mapped-that-may-bind') });
    onTestFinished(async () => await port.close());
    const outcomes = await port.publish(
      'orders',
      Array.from({ length: 200 }, () => ({ value: 'x' })),
    );
    const text = `write access to exchange '${EXCHANGE}'`;
    for (const outcome of outcomes) {
      const error = { code: 'backend_rejected', message: expect.stringContaining(text) };
      expect(outcome).toMatchObject({ kind: 'refused', error });
    }
  });
});

/** All that the API offers, once. Resolves with the first error. */
async function liveFully(username: string, queueType: 'quorum' | 'classic' | 'stream'): Promise<PortError | undefined> {
  return await firstError(onTls({ username, password: PASSWORD }), async (port) => {
    const topic = unique('t');
    const name = unique('s');
    await port.createTopic({ name: topic, partitions: 2, queueType });
    await port.createSubscription({ name, topic, ordering: 'key' });
    await rejectOne(port, topic, name);
    await port.lag(name);
    if (queueType === 'stream') {
      await port.read(topic, 0, 'earliest', 1);
      await port.seek(name, 'earliest');
    }
    await port.deleteSubscription(name);
    await port.deleteTopic(topic);
    await port.deleteTopic(`${name}.dead`);
  });
}

async function liveMapped(username: keyof typeof permissions): Promise<PortError | undefined> {
  return await firstError(mappedAs(username), async (port) => {
    await rejectOne(port, 'orders', 'billing');
    await port.lag('billing');
  });
}

function mappedAs(username: keyof typeof permissions): Record<string, unknown> {
  return onTls({
    username,
    password: PASSWORD,
    manage: 'none',
    topics: [{ name: 'orders', queueType: 'quorum', exchange: EXCHANGE, routingKeys: ['orders'] }],
    subscriptions: [{ name: 'billing', topic: 'orders', queues: [QUEUE], onExhausted: 'drop' }],
  });
}

/** Publishes one message, and rejects it, so that it goes where such messages go. */
async function rejectOne(port: MessagingPort, topic: string, subscription: string): Promise<void> {
  const [outcome] = await port.publish(topic, [{ key: 'k', value: 'x' }]);
  if (outcome?.kind !== 'stored') throw outcome?.error ?? new Error('no outcome');
  await using consumer = await port.subscribe(subscription, { credit: { messages: 1 } });
  const [delivery] = await consumer.pull({ maxMessages: 1, waitMs: 10_000 });
  if (delivery === undefined) throw new Error('nothing was delivered');
  expect(await port.reject(subscription, [delivery.token])).toMatchObject([{ status: 'ok' }]);
}

async function expectAllowed(port: MessagingPort): Promise<void> {
  const topic = unique('t');
  const name = unique('s');
  await port.createTopic({ name: topic });
  await port.createSubscription({ name, topic });
  await rejectOne(port, topic, name);
}

async function firstError(
  config: Record<string, unknown>,
  live: (port: MessagingPort) => Promise<void>,
): Promise<PortError | undefined> {
  try {
    await using port = await openPort({ backend: 'rabbitmq', config });
    await live(port);
    return undefined;
  } catch (reason) {
    return PortError.from(reason);
  }
}

async function refusal(config: Record<string, unknown>): Promise<PortError | undefined> {
  return await firstError(config, async () => undefined);
}

async function open(config: Record<string, unknown>): Promise<MessagingPort> {
  const port = await openPort({ backend: 'rabbitmq', config });
  onTestFinished(async () => await port.close());
  return port;
}

/** The same broker behind other TLS: the server has one kind of it for all of its listeners. */
async function behind({ certFile, keyFile }: KeyPair, more: TlsOptions = {}): Promise<string> {
  const target = new URL(String(brokers?.rabbitmq?.url));
  const sockets = new Set<Socket>();
  const server = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile), ...more }, (client) => {
    const broker = connect(Number(target.port), target.hostname);
    for (const socket of [client, broker]) {
      sockets.add(socket);
      socket.on('error', () => undefined); // both are closed below
      socket.on('close', () => {
        client.destroy();
        broker.destroy();
      });
    }
    client.pipe(broker).pipe(client);
  });
  server.on('tlsClientError', () => undefined); // clients that do not believe it
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await once(server, 'close');
  });
  return `amqps://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function scratch(): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-secured-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  return directory;
}
