import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, inject, it } from 'vitest';
import { kafkaRelease } from '../../src/brokers/addresses.ts';
import { engineAddress } from '../../src/brokers/docker-engine.ts';
import {
  kafkaBrokerCount,
  parseAmqpUrl,
  parseHostPort,
  probeKafka,
  probeRabbitMq,
  versionOfConnectionStart,
} from '../../src/brokers/probe.ts';

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server that says this to whoever connects; resolves with its port. */
function saying(answer: (socket: Socket) => void): Promise<number> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    answer(socket);
  });
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as { port: number }).port));
  });
}

describe('the probes', () => {
  it('read the version of a real RabbitMQ', async (ctx) => {
    const rabbitmq = inject('rabbitmq');
    if (rabbitmq === null) return ctx.skip('no RabbitMQ here');
    expect(await probeRabbitMq(rabbitmq.url)).toBe(rabbitmq.version);
  });

  it('read the release and the number of nodes of a real Kafka', async (ctx) => {
    const kafka = inject('kafka');
    if (kafka === null) return ctx.skip('no Kafka here');
    const address = parseHostPort(kafka.brokers[0] ?? '');
    const release = kafkaRelease(await probeKafka(address));
    expect(kafka.version.startsWith(release)).toBe(true);
    expect(await kafkaBrokerCount(address)).toBe(kafka.nodes.length);
  });

  it('do not take one broker for the other', async (ctx) => {
    const [rabbitmq, kafka] = [inject('rabbitmq'), inject('kafka')];
    if (rabbitmq === null || kafka === null) return ctx.skip('needs both brokers');
    await expect(probeRabbitMq(`amqp://${kafka.brokers[0] ?? ''}`)).rejects.toThrow();
    const { host, port } = parseAmqpUrl(rabbitmq.url);
    await expect(probeKafka({ host, port })).rejects.toThrow();
  });

  it('call a closed port, a silent server, a hang-up and nonsense no answer', async () => {
    const silent = await saying(() => undefined);
    const rude = await saying((socket) => socket.destroy());
    const nonsense = await saying((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const oldProtocol = await saying((socket) => socket.write(Buffer.from('AMQP\0\0\x09\0', 'latin1')));
    const asked = [silent, rude, nonsense, oldProtocol].flatMap((port) => [
      probeKafka({ host: '127.0.0.1', port }),
      probeRabbitMq(`amqp://127.0.0.1:${port}`),
    ]);
    asked.push(probeKafka({ host: '127.0.0.1', port: 1 }));
    for (const outcome of await Promise.allSettled(asked)) expect(outcome.status).toBe('rejected');
  });

  it('say "unknown" for an AMQP server that tells no version', () => {
    const frame = Buffer.alloc(24);
    frame.writeUInt8(1, 0);
    frame.writeUInt32BE(0x000a000a, 7);
    expect(versionOfConnectionStart(frame)).toBe('unknown');
  });
});

describe('addresses', () => {
  it('are read with their default ports, and refused when they are something else', () => {
    expect(parseAmqpUrl('amqp://u:p@a.example/vhost')).toEqual({ host: 'a.example', port: 5672, isTls: false });
    expect(parseAmqpUrl('amqps://[::1]')).toEqual({ host: '::1', port: 5671, isTls: true });
    expect(parseHostPort(' [::1]:9092 ')).toEqual({ host: '::1', port: 9092 });
    for (const wrong of ['', 'host', 'host:', 'host:0', 'host:70000', 'a:b:1', 'kafka://h:1'])
      expect(() => parseHostPort(wrong), wrong).toThrow('is not host:port');
    for (const wrong of ['', 'host:5672', 'http://host']) expect(() => parseAmqpUrl(wrong), wrong).toThrow();
  });

  it('never show the password of an address in an error', () => {
    expect(() => parseAmqpUrl('ftp://user:secret@host')).toThrow(/^(?!.*secret)/s);
    expect(() => parseAmqpUrl('not a url: secret')).toThrow(/^(?!.*secret)/s);
  });

  it('of Docker engines elsewhere do not count', () => {
    expect(engineAddress('')).toEqual({ socketPath: '/var/run/docker.sock' });
    expect(engineAddress('unix:///run/other.sock')).toEqual({ socketPath: '/run/other.sock' });
    expect(engineAddress('tcp://127.0.0.1:2375')).toEqual({ host: '127.0.0.1', port: 2375 });
    expect(engineAddress('tcp://10.0.0.7:2375')).toBeNull();
    expect(engineAddress('ssh://somewhere')).toBeNull();
  });

  it('of a Kafka tell its release by the feature level', () => {
    const told = [null, 6, 15, 21, 25, 27, 29, 30, 31].map(kafkaRelease);
    const releases = 'unknown,older than 3.7,3.7,3.9,4.0,4.1,4.2,4.3,newer than 4.3';
    expect(told.join()).toBe(releases);
  });
});
