import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { clusterIdOf, serverProperties } from '../../src/brokers/kafka-process.ts';
import { rabbitMqConf } from '../../src/brokers/rabbitmq-process.ts';

function properties(text: string): Map<string, string> {
  const lines = text.split('\n').filter((line) => line !== '');
  return new Map(lines.map((line) => [line.slice(0, line.indexOf('=')), line.slice(line.indexOf('=') + 1)]));
}

describe("Kafka's settings", () => {
  it('name a cluster so that no tool takes the name for an option', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 16, maxLength: 16 }), (random) => {
        expect(clusterIdOf(Buffer.from(random))).toMatch(/^[A-Za-z0-9][A-Za-z0-9_-]{21}$/);
      }),
    );
    expect(clusterIdOf(Buffer.alloc(16, 0xff))).toMatch(/^f/);
  });

  it('of one node ask for one copy, of three for three with two in sync; every address is on loopback', () => {
    const port = (n: number) => ({ client: 1000 + n, controller: 2000 + n });
    const one = properties(serverProperties(1, [port(1)], '/data'));
    expect(one.get('controller.quorum.bootstrap.servers')).toBe('127.0.0.1:2001');
    expect(one.get('offsets.topic.replication.factor')).toBe('1');
    const second = properties(serverProperties(2, [port(1), port(2), port(3)], '/data'));
    expect(second.get('controller.quorum.voters')).toBe('1@127.0.0.1:2001,2@127.0.0.1:2002,3@127.0.0.1:2003');
    expect(second.get('listeners')).toBe('PLAINTEXT://127.0.0.1:1002,CONTROLLER://127.0.0.1:2002');
    for (const name of ['default', 'offsets.topic', 'transaction.state.log', 'share.coordinator.state.topic'])
      expect(second.get(`${name}.replication.factor`), name).toBe('3');
    expect(second.get('min.insync.replicas')).toBe('2');
    expect(() => serverProperties(4, [port(1)], '/data')).toThrow('no node 4');
  });

  it('with security have one listener for each way in, all on loopback', () => {
    const security = {
      listeners: [{ name: 'SASL_SSL', protocol: 'SASL_SSL', port: 3001 }] as const,
      settings: ['super.users=User:ANONYMOUS'],
    };
    const secured = properties(serverProperties(1, [{ client: 1001, controller: 2001 }], '/data', security));
    const clients = 'PLAINTEXT://127.0.0.1:1001,SASL_SSL://127.0.0.1:3001';
    expect(secured.get('advertised.listeners')).toBe(clients);
    expect(secured.get('listeners')).toBe(`${clients},CONTROLLER://127.0.0.1:2001`);
    expect(secured.get('listener.security.protocol.map')).toContain('SASL_SSL:SASL_SSL');
    expect(secured.get('super.users')).toBe('User:ANONYMOUS');
  });
});

describe("RabbitMQ's settings", () => {
  it('name the other nodes only where there are others', () => {
    expect(rabbitMqConf(5000, 1)).toContain('listeners.tcp.1 = 127.0.0.1:5000\n');
    expect(rabbitMqConf(5000, 1)).not.toContain('cluster_formation');
    expect(rabbitMqConf(5000, 3).match(/nodes\.\d = rabbit\d@localhost/g)).toHaveLength(3);
  });
});
