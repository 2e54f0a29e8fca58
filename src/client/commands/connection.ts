/** What every command against a gateway has: its address, credentials, exit status, and a standard output that may be gone. */

import type { Readable, Writable } from 'node:stream';
import type { Command } from 'commander';
import type { SluiceClient } from '../client.ts';
import { SluiceError } from '../errors.ts';

export const EXIT_FAILED = 1;
export const EXIT_USAGE = 2;
export const EXIT_UNAVAILABLE = 3;

export interface ConnectionFlags {
  readonly url?: string;
  readonly token?: string;
}

export function withConnection(command: Command): Command {
  return command
    .option('--url <url>', 'the gateway (SLUICE_URL; default http://127.0.0.1:8080)')
    .option('--token <token>', 'an API key or a JWT; other users of the machine can see it: better SLUICE_TOKEN');
}

/** What a command reads, writes and is told by: the process, or what a test puts in its place. */
export interface Terminal {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Calls back for each signal that asks for an end; gives what takes the listener away again. */
  onStop(stop: () => void): () => void;
  end(status: number): void;
}

/** The streams are looked up when a command runs: opening standard input has effects of its own. */
export const processTerminal: Terminal = {
  get input() {
    return process.stdin;
  },
  get output() {
    return process.stdout;
  },
  get errors() {
    return process.stderr;
  },
  env: process.env,
  onStop: (stop) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, stop);
    return () => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.off(signal, stop);
    };
  },
  end: (status) => {
    process.exitCode = status;
  },
};

export async function connected({ env }: Terminal, { url, token }: ConnectionFlags): Promise<SluiceClient> {
  const { connect } = await import('../client.ts');
  const secret = token ?? env['SLUICE_TOKEN'];
  const address = url ?? env['SLUICE_URL'] ?? 'http://127.0.0.1:8080';
  return connect(address, secret === undefined || secret === '' ? {} : { token: secret });
}

/** Wrong usage that only a command can see. */
export class UsageError extends Error {}

/** Runs a command to its exit status: failures in one line. A second signal ends at once. */
export async function runCommand(
  terminal: Terminal,
  work: (stopped: AbortSignal) => Promise<number | void>,
): Promise<void> {
  const stop = new AbortController();
  const forget = terminal.onStop(() => {
    if (stop.signal.aborted) process.exit(EXIT_FAILED);
    stop.abort();
  });
  const onOutputError = (error: NodeJS.ErrnoException): void => {
    // Whoever read the output has what it wanted (`sluice sub ... | head`).
    if (error.code === 'EPIPE') stop.abort();
    else stop.abort(error);
  };
  terminal.output.on('error', onOutputError);
  try {
    terminal.end((await work(stop.signal)) ?? 0);
  } catch (reason) {
    // A call that was cut off by the signal: ended as it was told to.
    if (stop.signal.aborted && !(reason instanceof SluiceError)) {
      terminal.end(0);
      return;
    }
    terminal.errors.write(`sluice: ${textOf(reason)}\n`);
    terminal.end(exitStatus(reason));
  } finally {
    forget();
  }
}

/** Resolves when it may be written on: whoever reads slowly is not read ahead of. False when nobody reads any more. */
export async function write({ output }: Terminal, content: string | Buffer): Promise<boolean> {
  if (output.destroyed) return false;
  return await new Promise<boolean>((resolve) => {
    output.write(content, (error) => resolve(error === undefined || error === null));
  });
}

function textOf(reason: unknown): string {
  if (reason instanceof UsageError) return reason.message;
  const { code = 'internal', message = String(reason) } = reason as { code?: string; message?: string };
  return `${code}: ${message}`;
}

function exitStatus(reason: unknown): number {
  if (reason instanceof UsageError) return EXIT_USAGE;
  if (!(reason instanceof SluiceError)) return EXIT_FAILED;
  if (reason.status === undefined) return reason.code === 'invalid_argument' ? EXIT_USAGE : EXIT_UNAVAILABLE;
  if (reason.status === 400) return EXIT_USAGE;
  return reason.code === 'backend_unavailable' || reason.code === 'draining' ? EXIT_UNAVAILABLE : EXIT_FAILED;
}

/** A whole number of a flag. @throws UsageError */
export function whole(text: string, flag: string, min = 0): number {
  if (/^\d{1,15}$/.test(text) && Number(text) >= min) return Number(text);
  throw new UsageError(`${flag} must be a whole number from ${min} on, not "${text}"`);
}
