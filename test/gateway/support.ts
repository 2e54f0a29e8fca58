/** A gateway over the model port, spoken to without a socket. */

import { randomUUID } from 'node:crypto';
import { onTestFinished } from 'vitest';
import type { Capability, MessagingPort } from '../../src/adapters/index.ts';
import { buildApp, type GatewayApp } from '../../src/gateway/app.ts';
import { Problem, type ProblemDocument } from '../../src/gateway/schema/problem.ts';
import { openModel } from '../support/model-driver.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, unknown>>;
  readonly text: string;
  // Tests read answers of many forms; the schema tests hold them to their types.
  readonly json: ReturnType<typeof JSON.parse>;
}

export interface World extends GatewayApp {
  readonly port: MessagingPort;
  call(method: string, url: string, body?: unknown): Promise<Answer>;
  /** The body as it is, with the headers as they are. */
  raw(
    method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE',
    url: string,
    payload: string | Buffer,
    headers: Record<string, string>,
  ): Promise<Answer>;
}

export async function gateway(
  options: {
    readonly without?: readonly Capability[];
    readonly port?: MessagingPort;
    readonly pullIdleMs?: number;
  } = {},
): Promise<World> {
  const port = options.port ?? (await openModel(options.without));
  const built = buildApp({ port, ...(options.pullIdleMs === undefined ? {} : { pullIdleMs: options.pullIdleMs }) });
  onTestFinished(async () => {
    await built.context.pulls.close();
    await built.app.close();
    if (options.port === undefined) await port.close();
  });
  const raw: World['raw'] = async (method, url, payload, headers) => {
    const { statusCode, headers: answered, body } = await built.app.inject({ method, url, payload, headers });
    const isJson = String(answered['content-type']).includes('json');
    return {
      status: statusCode,
      headers: answered,
      text: body,
      json: isJson && body !== '' ? JSON.parse(body) : undefined,
    };
  };
  return {
    ...built,
    port,
    raw,
    call: async (method, url, body) =>
      body === undefined
        ? await raw(method as 'GET', url, '', {})
        : await raw(method as 'POST', url, JSON.stringify(body), { 'content-type': 'application/json' }),
  };
}

/** A topic and a subscription on it, both with names of their own. */
export async function topicAndSubscription(world: World, topicOptions: object = {}, subscriptionOptions: object = {}) {
  const topic = `orders-${randomUUID().slice(0, 8)}`;
  const subscription = `${topic}-reader`;
  const created = await world.call('POST', '/v1/topics', { name: topic, ...topicOptions });
  if (created.status !== 201) throw new Error(created.text);
  const subscribed = await world.call('POST', '/v1/subscriptions', {
    name: subscription,
    topic,
    ...subscriptionOptions,
  });
  if (subscribed.status !== 201) throw new Error(subscribed.text);
  return { topic, subscription };
}

/** The answer as a problem document: its form, its headers and its status agree, or this throws. */
export function problemOf(answer: Answer): ProblemDocument {
  const problem = Problem.parse(answer.json);
  if (!String(answer.headers['content-type']).startsWith('application/problem+json'))
    throw new Error(`content type ${String(answer.headers['content-type'])}`);
  if (problem.status !== answer.status) throw new Error(`status ${answer.status} with a problem of ${problem.status}`);
  if (problem.instance !== answer.headers['x-request-id']) throw new Error('instance is not the id of the request');
  return problem;
}
