/**
 * Every example is run by the command of its README, as somebody who reads it would, and what it prints is what it promises. The
 * command ends by itself; its exit status says whether it saw what it should.
 */

import { exec, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const runDeadlineMs = 120_000;

/** What the output has in it: the outcome, not its figures of time. */
const outcomes: Readonly<Record<string, readonly RegExp[]>> = {
  'order-fan-out': [
    /inventory goes down after \d+ orders/,
    ...['database', 'payments', 'inventory', 'recommendations'].map((name) => new RegExp(`^${name} +200 .* yes$`, 'm')),
    /all four have the same orders/,
  ],
  microservices: [
    /40 orders placed, 35 shipped, 5 cancelled/,
    /the card provider failed [1-9]\d* times/,
    /35 OrderShipped, 35 PaymentTaken, 40 OrderPlaced, 5 PaymentRefused/,
    /every order ended as its payment did/,
  ],
  monitoring: [
    /^ +49 s {2}firing {4}web-3: cpu 9\d %/m,
    /^ +77 s {2}resolved {2}web-3: cpu 7\d %/m,
    /478 readings looked at, 3 alerts, 2 dead letters/,
    /cpu is "NaN": \{"host":"db-1","second":30/,
  ],
  'log-analysis': [
    /300 lines of login-attempts\.txt/,
    /75 {2}<n> sshd\[<n>\]: pam_unix\(sshd:auth\): check pass; user unknown/,
    /the archive is the files, byte by byte/,
  ],
  recommendations: [
    /who buys coffee {2}also buys bag/,
    /400 baskets read again in \d+ ms, the same model/,
    /who buys coffee {2}also buys sugar, filter, milk/,
  ],
  'fraud-scoring': [
    /300 payments of 95 cards/,
    /blocked 34: 30 frauds \(recall 0\.83, precision 0\.88\)/,
    /p50 [\d.]+ ms, p99 [\d.]+ ms, (within|BEYOND) the bound of 250 ms/,
    /the scores are those of one worker alone/,
  ],
  'python-consumer': [
    /2 rejected: no temperature/,
    /sensor-0: 40 readings, mean 20\.1 C/,
    /120 readings, 6 at the second attempt, 0 left/,
    /0 messages left, 2 dead letters/,
  ],
  'grpc-consumer': [
    /published 500 of 500 messages in 10 frames/,
    /received 500 with a credit of 100, \d+ more than once; lag 0/,
    /asked for the lag of nobody: 5 /,
  ],
};

const hasPython = spawnSync('python3', ['--version']).status === 0;

const programs = readdirSync(import.meta.dirname, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('main.ts'))
  .map((path) => path.split('/')[0] as string);

describe('the examples', () => {
  it('all stand in the table of this test', () => {
    expect(programs.toSorted()).toEqual(Object.keys(outcomes).toSorted());
  });

  // Two at a time: each waits for a gateway that starts and stops.
  describe.concurrent.each([0, 1])('run by their own commands (%s)', (half) => {
    describe.sequential('one after the other', () => {
      const names = Object.keys(outcomes).filter((_, index) => index % 2 === half);
      it.for(names)('%s', { timeout: runDeadlineMs }, async (name, context) => {
        if (name === 'python-consumer' && !hasPython) context.skip('there is no python3 here');
        const { status, output } = await shell(commandOf(name));
        expect({ name, status, output }).toMatchObject({ status: 0 });
        for (const outcome of outcomes[name] ?? []) expect(output, name).toMatch(outcome);
      });
    });
  });

  it(
    'say what they do not know, and list what there is',
    async () => {
      const unknown = await shell('npm run --silent example order-fan-in');
      expect(unknown.status).toBe(2);
      expect(unknown.output).toContain('there is no example "order-fan-in"');
      for (const name of programs) expect(unknown.output).toMatch(new RegExp(`^ {2}${name} +\\S`, 'm'));
      const flag = await shell('npm run --silent example monitoring -- --backed kafka');
      expect(flag).toMatchObject({ status: 2, output: expect.stringContaining("Unknown option '--backed'") });
    },
    runDeadlineMs,
  );

  it('only use what the package exports', () => {
    const ours = /from '((?!node:)[^']+)'/g;
    for (const name of programs) {
      const source = readFileSync(join(import.meta.dirname, name, 'main.ts'), 'utf8');
      for (const [, from] of source.matchAll(ours))
        expect(from, name).toMatch(
          /^(\.\/[a-z-]+\.ts|\.\.\/(gateway|seeded|waiting)\.ts|sluice\/(client|log|testing)|@grpc\/.*)$/,
        );
    }
  });
});

/** The first command of its README. */
function commandOf(name: string): string {
  const readme = readFileSync(join(import.meta.dirname, name, 'README.md'), 'utf8');
  const command = /```sh\n(.*)\n```/.exec(readme)?.[1];
  if (command === undefined) throw new Error(`examples/${name}/README.md has no command`);
  return command;
}

async function shell(command: string): Promise<{ readonly status: number; readonly output: string }> {
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(SLUICE_|NODE_OPTIONS|VITEST)/.test(name)),
  );
  return await new Promise((done) => {
    exec(command, { cwd: root, env, timeout: runDeadlineMs }, (error, stdout, stderr) => {
      done({ status: error === null ? 0 : Number(error.code ?? 1), output: `${stdout}${stderr}` });
    });
  });
}
