/** Runs a tool to its end, with a deadline, and turns a failure into an error that shows what the tool said. */

import { spawn } from 'node:child_process';
import { BrokersError } from './errors.ts';
import { limits } from './limits.ts';

export interface CommandOptions {
  readonly deadlineMs: number;
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** Resolves with the standard output; throws `failed` for another exit status than 0, a missing program or the deadline. */
export async function runCommand(program: string, args: readonly string[], options: CommandOptions): Promise<string> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own, so that the deadline also reaches what the tool has started.
    detached: true,
  });
  const output = collect(child.stdout);
  const errors = collect(child.stderr);
  const said = () => tailOf(`${output.text()}${errors.text()}`);
  const name = `${program} ${args.join(' ')}`;
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    if (child.pid !== undefined) killGroup(child.pid);
  }, options.deadlineMs);
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (isLate) throw new BrokersError('failed', `${name}: not done after ${options.deadlineMs} ms: ${said()}`);
    if (code !== 0) throw new BrokersError('failed', `${name}: exit status ${String(code)}: ${said()}`);
    return output.text();
  } catch (caught) {
    if (caught instanceof BrokersError) throw caught;
    throw new BrokersError('failed', `${name}: ${(caught as Error).message}`, { cause: caught });
  } finally {
    clearTimeout(timer);
  }
}

/** The end of a long text, on one line, without what terminals hide: it goes into error messages. */
export function tailOf(text: string): string {
  return text.slice(-limits.outputTailBytes).replaceAll(/\s+/g, ' ').trim();
}

const COLLECTED_MAX = 4 * 1024 * 1024;

function collect(stream: NodeJS.ReadableStream): { text(): string } {
  let text = '';
  stream.setEncoding('utf8');
  stream.on('data', (chunk: string) => {
    // debootstrap and mvn print without end; only the last part is of use to anybody.
    text = (text + chunk).slice(-COLLECTED_MAX);
  });
  return { text: () => text };
}

function killGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (caught) {
    if ((caught as NodeJS.ErrnoException).code !== 'ESRCH') throw caught;
  }
}
