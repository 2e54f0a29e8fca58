/**
 * The consumers of bench/gateway-bodies.ts, in a process of their own: each pulls a hundred messages, acknowledges them, and pulls again,
 * until so many were had. Told by its parent: {url, subscription, messages, lanes}; answers {messagesPerSecond}.
 */

import { Agent, request } from 'node:http';

interface Order {
  readonly url: string;
  readonly subscription: string;
  readonly messages: number;
  readonly lanes: number;
}

const PULL = Buffer.from(JSON.stringify({ maxMessages: 100, waitMs: 1_000 }));

process.on('message', (order: Order) => {
  void run(order).then((result) => process.send?.(result));
});

async function run({ url, subscription, messages, lanes }: Order): Promise<{ messagesPerSecond: number }> {
  const agent = new Agent({ keepAlive: true, maxSockets: lanes });
  const base = `${url}/v1/subscriptions/${subscription}`;
  let had = 0;
  const startedMs = performance.now();
  const lane = async (): Promise<void> => {
    while (had < messages) {
      const { deliveries } = (await ask(agent, `${base}/pull`, PULL)) as { deliveries: { ackToken: string }[] };
      if (deliveries.length === 0) continue;
      had += deliveries.length;
      await ask(agent, `${base}/ack`, Buffer.from(JSON.stringify({ tokens: deliveries.map((one) => one.ackToken) })));
    }
  };
  await Promise.all(Array.from({ length: lanes }, lane));
  const seconds = (performance.now() - startedMs) / 1_000;
  agent.destroy();
  return { messagesPerSecond: had / seconds };
}

async function ask(agent: Agent, url: string, body: Buffer): Promise<unknown> {
  return await new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'content-length': body.length };
    const call = request(url, { method: 'POST', agent, headers }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        if (answer.statusCode === 200) resolve(JSON.parse(text));
        else reject(new Error(`${url} answered ${answer.statusCode}: ${text}`));
      });
    });
    call.on('error', reject);
    call.end(body);
  });
}
