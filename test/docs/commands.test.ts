/**
 * Every shell command of the README and the pages under docs/ is run here as it is written, or has a line below that says which test runs it
 * or why none can. Only this is changed: the gateway's address, which is a free port here, and `npm run sluice --`, which is `sluice`.
 */

import { execFile, spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { GatewayProcess } from '../support/gateway-process.ts';
import { shCommands } from './sh-commands.ts';

const root = resolve(import.meta.dirname, '../..');
const GIVE_UP_MS = 25_000;
const END_AFTER_MS = 2_000;

interface Way {
  /** How the command begins; more than one may. */
  readonly begins: string;
  /** What it prints when it is run here. */
  readonly prints?: RegExp;
  /** By default 0 alone. */
  readonly statuses?: readonly number[];
  /** A topic that may not be there before. */
  readonly without?: string;
  /** It goes on until its first part is ended: as soon as that was printed, or after a while, where what follows prints at its end. */
  readonly isEndless?: boolean;
  /** The file that runs it. */
  readonly ranBy?: string;
  /** Why nobody does. */
  readonly notRun?: string;
}

const brokersTest = 'test/brokers/commands.test.ts';

/** The first one that fits a command is its way. */
const ways: readonly Way[] = [
  { begins: 'npm ci && npm start', ranBy: 'test/e2e/rest-quickstart.test.ts' },
  { begins: 'npm ci && npm test', notRun: 'it is what runs this' },
  { begins: 'npm start -- --backend kafka', ranBy: 'test/e2e/rest-quickstart.test.ts' },
  { begins: 'sluice brokers up', ranBy: brokersTest },
  { begins: 'sluice brokers down', ranBy: brokersTest },
  { begins: String.raw`curl -sS -w '\n' http://127.0.0.1:8080/v1/topics -H`, prints: /^\{"name":"quickstart"/ },
  {
    begins: String.raw`curl -sS -w '\n' http://127.0.0.1:8080/v1/subscriptions -H`,
    prints: /^\{"name":"quickstart-reader"/,
  },
  {
    begins: String.raw`curl -sS -w '\n' http://127.0.0.1:8080/v1/topics/quickstart/messages`,
    prints:
      /^\{"results":\[\{"partition":0,"offset":\d+,"id":"\S+","durability":\{"persistence":"fsync","copies":1\}\}\]\}\n$/,
  },
  {
    begins: String.raw`curl -sS -w '\n' http://127.0.0.1:8080/v1/subscriptions/quickstart-reader/pull`,
    prints: /^\{"deliveries":\[\{"ackToken":/,
  },
  { begins: 'curl -s http://127.0.0.1:8080/v1/subscriptions -H', prints: /^\{"name":"invoices"/ },
  { begins: 'sluice compare --profile smoke', ranBy: 'test/e2e/compare-all.test.ts' },
  { begins: 'sluice compare old.json new.json --assert', prints: /before|assertions/, statuses: [0, 1] },
  { begins: 'sluice compare --render', prints: /^written: .*report\.html/ },
  { begins: 'sluice compare old', prints: /^before: run/ },
  { begins: 'sluice compare --resume', ranBy: 'test/compare/resume.test.ts' },
  { begins: 'sluice compare --trace', ranBy: 'test/e2e/compare-all.test.ts' },
  {
    begins: 'sluice compare',
    notRun: 'takes from minutes to hours; what it consists of is in test/e2e and test/compare',
  },
  { begins: 'sluice recommend --list', prints: /replay/ },
  { begins: 'sluice recommend --need', prints: /kafka|rabbitmq/ },
  { begins: 'sluice recommend', ranBy: 'test/compare/advice.test.ts' },
  { begins: 'sluice trace from-log', prints: /messages +300/ },
  { begins: 'sluice trace record orders', prints: /nothing came from topic|messages +\d/, statuses: [0, 2] },
  { begins: 'sluice log inspect', prints: /orders/ },
  { begins: 'sluice log verify', prints: /./ },
  { begins: 'sluice log dump', prints: /1200/ },
  { begins: 'sluice log repair', prints: /./ },
  { begins: 'sluice keys new', prints: /The key is above; it is shown once/ },
  { begins: 'sluice serve --keys-file', ranBy: 'test/gateway/access/tls.test.ts' },
  { begins: 'curl https://gateway', ranBy: 'test/gateway/access/tls.test.ts' },
  { begins: 'docker run', notRun: 'an image of others, which is not pulled here' },
  { begins: 'sluice serve --tracing-otlp', ranBy: 'test/gateway/tracing.test.ts' },
  { begins: 'curl -X POST http://127.0.0.1:8080/v1/topics/orders/messages', prints: /"offset":\d+/ },
  { begins: 'sluice serve --like', ranBy: 'test/gateway/serve.test.ts' },
  { begins: 'curl -X PATCH', prints: /"partitions":8|"ackDeadlineMs":60000/ },
  { begins: 'sluice topics create', prints: /orders/, without: 'orders' },
  { begins: 'tail -F /var/log/nginx/access.log | sluice pub', isEndless: true, prints: /\b2\b/ },
  { begins: 'sluice sub orders', isEndless: true, prints: /hello/ },
  { begins: 'sluice sub --subscription billing', isEndless: true, prints: /hello/ },
  { begins: 'sluice capabilities', prints: /publish\.confirm/ },
  {
    begins: "curl -s 'http://127.0.0.1:8080/v1/subscriptions/billing/deadletters?limit=10'",
    prints: /"deadLetters"|"messages"/,
  },
  {
    begins: 'curl -s http://127.0.0.1:8080/v1/subscriptions/billing/deadletters/redrive',
    prints: /"dryRun"|"redriven"|"matched"/,
  },
  { begins: 'grpcurl', notRun: 'a tool that is not in Debian; test/gateway/grpc asks the same of the same reflection' },
  { begins: 'tail -F access.log | jq', isEndless: true, prints: /"offset":\d+/ },
  { begins: 'curl -T photo.png', prints: /"offset":\d+/ },
  { begins: "curl -X POST -H 'idempotency-key", prints: /"offset":\d+/ },
  {
    begins: 'curl -N http://127.0.0.1:8080/v1/subscriptions/quickstart-reader/stream',
    isEndless: true,
    prints: /data: .*hello/,
  },
];

function pagesIn(folder: string): readonly string[] {
  return readdirSync(join(root, folder)).map((name) => `${folder}/${name}`);
}

interface Found {
  readonly page: string;
  readonly command: string;
}

const found: readonly Found[] = ['README.md', ...['docs', 'docs/ar'].flatMap(pagesIn)]
  .filter((page) => page.endsWith('.md'))
  .flatMap((page) => {
    const commands = shCommands(readFileSync(join(root, page), 'utf8'));
    return commands.map((command) => ({
      page,
      command: command.replace(/npm run sluice --/, 'sluice').replace(/npm run compare( --)?/, 'sluice compare'),
    }));
  });

const wayOf = (command: string): Way | undefined => ways.find(({ begins }) => command.startsWith(begins));

describe('commands of the pages', () => {
  let directory: string;
  let gateway: GatewayProcess;

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'sluice-docs-'));
    writeShim(directory);
    await writeFiles(directory);
    gateway = await GatewayProcess.start([
      '--port',
      '0',
      '--grpc-port',
      'off',
      '--data-dir',
      join(directory, 'served'),
    ]);
  });

  /** Topics, subscriptions, and a message in each topic; what is there already is left as it is. */
  async function prepare(without: string | undefined): Promise<void> {
    for (const name of ['access', 'photos', 'quickstart', 'orders']) await gateway.post('topics', { name });
    await gateway.post('subscriptions', { name: 'billing', topic: 'orders' });
    await gateway.post('subscriptions', { name: 'quickstart-reader', topic: 'quickstart' });
    for (const topic of ['orders', 'quickstart'])
      await gateway.post(`topics/${topic}/messages`, { messages: [{ key: 'a', value: 'hello' }] });
    if (without === undefined) return;
    await fetch(`${gateway.url}/v1/subscriptions/billing`, { method: 'DELETE' });
    expect((await fetch(`${gateway.url}/v1/topics/${without}`, { method: 'DELETE' })).ok).toBe(true);
  }

  afterAll(async () => {
    gateway.kill('SIGTERM');
    await gateway.exit;
    rmSync(directory, { recursive: true, force: true });
  });

  it('all have a way in which they are tried, or a reason', () => {
    expect(found.filter(({ command }) => wayOf(command) === undefined)).toEqual([]);
    expect(found.length).toBeGreaterThan(40);
  });

  it('which is needed, and names a file that is there', () => {
    for (const way of ways) {
      expect(
        found.some(({ command }) => wayOf(command) === way),
        way.begins,
      ).toBe(true);
      if (way.ranBy !== undefined) expect(existsSync(join(root, way.ranBy)), way.ranBy).toBe(true);
    }
  });

  const toRun = found.filter(({ command }) => wayOf(command)?.prints !== undefined);

  it.each(toRun)('$page: $command', async ({ command }) => {
    if (command.includes('jq') && spawnSync('jq', ['--version']).status !== 0) {
      process.stderr.write(`not run, there is no jq: ${command}\n`);
      return;
    }
    const { prints, statuses = [0], isEndless = false, without } = wayOf(command) as Way;
    await prepare(without);
    const ran = await run(command, isEndless ? (prints as RegExp) : undefined);
    expect(ran.output).toMatch(prints as RegExp);
    if (!isEndless) expect(statuses, ran.output).toContain(ran.status);
  });

  /** With `until`, it is ended as soon as it has printed that. */
  async function run(command: string, until: RegExp | undefined): Promise<{ output: string; status: number | null }> {
    const text = command
      .replaceAll('http://127.0.0.1:8080', gateway.url)
      .replaceAll(/\/var\/log\/(nginx\/)?/g, `${directory}/`);
    return await new Promise((done) => {
      const child = execFile(
        'bash',
        ['-c', `${text}\nexit $?`],
        {
          cwd: directory,
          timeout: GIVE_UP_MS,
          env: { ...process.env, PATH: `${directory}/bin:${process.env['PATH']}`, SLUICE_URL: gateway.url },
        },
        () => undefined,
      );
      const endFirst = (): void => endFirstChild(child.pid ?? -1);
      const timer = until === undefined ? undefined : setTimeout(endFirst, END_AFTER_MS);
      let output = '';
      const heard = (chunk: Buffer): void => {
        output += chunk.toString();
        if (until?.test(output) === true) endFirst();
      };
      child.stdout?.on('data', heard);
      child.stderr?.on('data', heard);
      child.once('close', (status) => {
        clearTimeout(timer);
        done({ output, status });
      });
    });
  }
});

/** The parts of a pipeline after it come to the end of their input. The id is asked for; nothing is ended by its name. */
function endFirstChild(pid: number): void {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').map(Number);
    process.kill(Math.min(...children.filter((child) => child > 0)), 'SIGTERM');
  } catch {
    // It was over already.
  }
}

/** `sluice` as an installed package has it. */
function writeShim(directory: string): void {
  mkdirSync(join(directory, 'bin'));
  const shim = join(directory, 'bin', 'sluice');
  writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} ${join(root, 'dist', 'cli.js')} "$@"\n`);
  chmodSync(shim, 0o755);
}

/** What the commands take: two reports, a log of logins, a log of accesses, a picture, and the data of a log. */
async function writeFiles(directory: string): Promise<void> {
  const report = join(root, 'docs', 'reports', 'two-cores', 'report.json');
  for (const folder of ['old', 'new', 'compare-report', 'docs/reports/two-cores']) {
    mkdirSync(join(directory, folder), { recursive: true });
    copyFileSync(report, join(directory, folder, 'report.json'));
  }
  for (const name of ['old.json', 'new.json']) copyFileSync(report, join(directory, name));
  for (const name of ['auth.log', 'app.log'])
    copyFileSync(join(root, 'examples', 'traces', 'login-attempts.txt'), join(directory, name));
  mkdirSync(join(directory, 'examples', 'traces'), { recursive: true });
  copyFileSync(
    join(root, 'examples', 'traces', 'login-attempts.txt'),
    join(directory, 'examples', 'traces', 'login-attempts.txt'),
  );
  writeFileSync(join(directory, 'access.log'), '127.0.0.1 GET /\n127.0.0.1 GET /orders\n');
  writeFileSync(join(directory, 'photo.png'), Buffer.from('89504e470d0a1a0a', 'hex'));
  await using port = await openPort({ backend: 'native', config: { dataDir: join(directory, 'sluice-data') } });
  await port.createTopic({ name: 'orders', partitions: 1 });
  for (let sent = 0; sent < 2_000; sent += 1_000)
    await port.publish(
      'orders',
      Array.from({ length: 1_000 }, (_, index) => ({ value: `order ${sent + index}` })),
    );
}
