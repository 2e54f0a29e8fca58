/** A gateway over the model port that listens, for what cannot be asked with `inject`. */

import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Capability, MessagingPort } from '../../src/adapters/index.ts';
import { type Gateway, startGateway } from '../../src/gateway/start.ts';
import { openModel } from '../support/model-driver.ts';

export interface Listening {
  readonly gateway: Gateway;
  readonly port: MessagingPort;
  readonly url: string;
  post(path: string, body: unknown): Promise<{ readonly status: number; readonly json: ReturnType<typeof JSON.parse> }>;
  /** The sum of a metric over its labels. */
  metric(name: string): Promise<number>;
}

export async function listening(
  options: { readonly without?: readonly Capability[]; readonly port?: MessagingPort } = {},
): Promise<Listening> {
  const port = options.port ?? (await openModel(options.without));
  const gateway = await startGateway({ port: 0, grpcPort: 'off' }, { port });
  onTestFinished(async () => {
    await gateway.close();
    if (options.port === undefined) await port.close();
  });
  const { url } = gateway;
  return {
    gateway,
    port,
    url,
    post: async (path, body) => {
      const answer = await fetch(`${url}/v1/${path}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      });
      return { status: answer.status, json: await answer.json() };
    },
    metric: async (name) => {
      const text = await (await fetch(`${url}/metrics`)).text();
      let sum = 0;
      for (const [, value] of text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))) sum += Number(value);
      return sum;
    },
  };
}

/** A topic and a subscription on it, both with names of their own. */
export async function topicWithReader(world: Listening, topicOptions: object = {}, subscriptionOptions: object = {}) {
  const topic = `orders-${randomUUID().slice(0, 8)}`;
  const subscription = `${topic}-reader`;
  await world.port.createTopic({ name: topic, ...topicOptions });
  await world.port.createSubscription({ name: subscription, topic, ...subscriptionOptions });
  return { topic, subscription };
}
