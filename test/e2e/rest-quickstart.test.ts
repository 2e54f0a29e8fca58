/** The five lines that a start prints work when they are pasted, and when they are pasted again, on every backend. */

import { describe, expect, it } from 'vitest';
import { quickStartLines } from '../../src/gateway/index.ts';
import { gatewayOn, ownTopic, restSystems, shell } from './rest-support.ts';

describe.each(restSystems)('quick start on $name', (system) => {
  it('creates, subscribes, publishes, pulls and acks, twice', async (context) => {
    const gateway = await gatewayOn(system, context);
    const topic = ownTopic('quickstart');
    const script = quickStartLines(gateway.url, { topic, topicOptions: system.topicOptions }).join('\n');
    for (const round of ['first', 'second']) {
      const { status, output, errors } = await shell(script);
      expect([status, errors], output).toEqual([0, '']);
      const answers = output
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => JSON.parse(line));
      expect(answers).toHaveLength(5);
      const [created, subscribed, published, pulled, acked] = answers;
      expect(created).toMatchObject({ name: topic, ...system.topicOptions });
      expect(subscribed).toMatchObject({ topic });
      expect(published.results, round).toMatchObject([
        { id: expect.any(String), durability: { copies: expect.any(Number) } },
      ]);
      expect(pulled.deliveries, round).toMatchObject([
        { attempt: 1, message: { key: 'customer-42', value: { order: 1, total: 9.5 } } },
      ]);
      expect(pulled.deliveries[0].message.id).toBe(published.results[0].id);
      expect(acked.results, round).toEqual([{ token: pulled.deliveries[0].ackToken, status: 'ok' }]);
    }
  });
});
