/** Debian's Prometheus, where it is: the server on loopback with a directory of its own, and promtool. */

import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, type TestContext } from 'vitest';
import { stringify } from 'yaml';
import { root } from './queries.ts';

/** Skips with the reason where Prometheus is not installed. */
export function needsPrometheus(context: TestContext): void {
  for (const program of ['prometheus', 'promtool']) {
    if (spawnSync(program, ['--version']).error !== undefined)
      context.skip(`${program} is not installed (Debian: apt-get install prometheus)`);
  }
}

/** What promtool says; `ok` when it found nothing wrong. */
export async function promtool(
  args: readonly string[],
  input = '',
): Promise<{ readonly ok: boolean; readonly text: string }> {
  return await new Promise((resolve) => {
    const child = execFile('promtool', args, (error, stdout, stderr) => {
      resolve({ ok: error === null, text: stdout + stderr });
    });
    child.stdin?.end(input);
  });
}

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  readonly values: readonly (readonly [seconds: number, value: string])[];
}

export interface Prometheus {
  readonly url: string;
  /** @throws Error with what Prometheus says, such as that the query is wrong. */
  range(expr: string, fromMs: number, toMs: number): Promise<readonly Sample[]>;
  /** The one value of the query now; NaN when there is none. */
  value(expr: string, atMs?: number): Promise<number>;
  /** Between which moments `rate()` over a window measures: the first and the last scrape of a gateway in it. */
  measured(
    gateway: string,
    atMs: number,
    windowMs: number,
  ): Promise<{ readonly fromMs: number; readonly toMs: number }>;
  /** As `/api/v1/rules` shows them. */
  rules(): Promise<readonly { readonly name: string; readonly health: string; readonly lastError?: string }[]>;
}

/** Scrapes each gateway every second, with the committed rules; ended, with its data removed, when the test ends. */
export async function startPrometheus(context: TestContext, gateways: readonly string[]): Promise<Prometheus> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-prometheus-'));
  const config = join(directory, 'prometheus.yaml');
  mkdirSync(join(directory, 'data'));
  writeFileSync(
    config,
    stringify({
      global: { scrape_interval: '1s', scrape_timeout: '1s', evaluation_interval: '1s' },
      rule_files: [join(root, 'grafana/alerts/*.yaml')],
      scrape_configs: [{ job_name: 'sluice', static_configs: [{ targets: gateways.map((url) => new URL(url).host) }] }],
    }),
  );
  const port = await freePort();
  const args = [
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(directory, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    '--log.level=warn',
  ];
  const server = spawn('prometheus', args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  server.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  context.onTestFinished(async () => {
    const ended = once(server, 'exit');
    if (server.exitCode === null && server.kill('SIGKILL')) await ended;
    rmSync(directory, { recursive: true, force: true });
  });
  const url = `http://127.0.0.1:${port}`;
  await expect
    .poll(
      async () => {
        if (server.exitCode !== null) throw new Error(`prometheus ended with ${server.exitCode}: ${errors}`);
        return (await fetch(`${url}/-/ready`).catch(() => undefined))?.status;
      },
      { timeout: 20_000 },
    )
    .toBe(200);
  const ask = async (path: string, parameters: Record<string, string>): Promise<ReturnType<typeof JSON.parse>> => {
    const answer = await fetch(`${url}/api/v1/${path}`, { method: 'POST', body: new URLSearchParams(parameters) });
    const { status, data, error } = (await answer.json()) as { status: string; data: unknown; error?: string };
    if (status !== 'success') throw new Error(`${parameters['query']}: ${error}`);
    return data;
  };
  const prometheus: Prometheus = {
    url,
    range: async (query, fromMs, toMs) => {
      const times = { start: String(fromMs / 1_000), end: String(toMs / 1_000), step: '1' };
      return (await ask('query_range', { query, ...times })).result;
    },
    value: async (query, atMs) => {
      const { result } = await ask('query', { query, ...(atMs !== undefined && { time: String(atMs / 1_000) }) });
      return Number(result[0]?.value[1]);
    },
    measured: async (gateway, atMs, windowMs) => {
      const query = `scrape_duration_seconds{instance="${new URL(gateway).host}"}[${windowMs / 1_000}s]`;
      const { result } = await ask('query', { query, time: String(atMs / 1_000) });
      const scrapes = (result as Sample[])[0]?.values ?? [];
      // Somewhere between its begin, which is its time, and its end the gateway looked at its counters.
      const momentMs = (scrape: Sample['values'][number] | undefined): number =>
        scrape === undefined ? Number.NaN : (scrape[0] + Number(scrape[1]) / 2) * 1_000;
      return { fromMs: momentMs(scrapes[0]), toMs: momentMs(scrapes.at(-1)) };
    },
    rules: async () => {
      const answer = (await (await fetch(`${url}/api/v1/rules`)).json()) as ReturnType<typeof JSON.parse>;
      return answer.data.groups.flatMap(({ rules }: { rules: unknown[] }) => rules);
    },
  };
  // Its first scrape comes several seconds after it is ready.
  await expect.poll(async () => await prometheus.value('sum(up)'), { timeout: 20_000 }).toBe(gateways.length);
  return prometheus;
}

/** Prometheus takes no port 0. Nobody else is given this one in the moment until it listens, as the kernel hands them out in turn. */
async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}
