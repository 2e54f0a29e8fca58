/** From a log file to a trace file: opening, bounding, and writing so that a run that fails leaves no half trace behind. */

import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { realpath, rename, rm } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { TraceError } from './errors.ts';
import { type FromLogSummary, type TraceLine, traceFromLines } from './from-log.ts';
import { traceLimits } from './limits.ts';
import { splitLines } from './lines.ts';
import { formatNamed, type KeyKind, type LogFormat, logFormats } from './log-formats.ts';
import { boundBytes, topicPattern } from './read-trace.ts';

export const keyKinds = ['auto', 'host', 'process', 'block', 'none'] as const;

export interface TraceFromLogOptions {
  readonly file: string;
  /** A path, written whole or not at all; or a stream, which is not ended. */
  readonly out: string | Writable;
  /** A name of `logFormats`; default `auto`. */
  readonly format?: string;
  readonly key?: string;
  /** Default `logs`. */
  readonly topic?: string;
}

/**
 * Resolves when the whole trace is written, with the account of every line. Rejects with TraceError: `trace_invalid_option`,
 * `trace_unreadable`, `trace_unwritable`, `trace_no_timestamp`, `trace_not_text`, `trace_key_unsupported`, `trace_too_large`.
 */
export async function traceFromLog(options: TraceFromLogOptions): Promise<FromLogSummary> {
  const { topic = 'logs', file } = options;
  if (!topicPattern.test(topic)) throw new TraceError('trace_invalid_option', `"${topic}" is not a topic name`);
  const format = readFormat(options.format ?? 'auto');
  const key = readKey(options.key ?? 'auto');
  const parameters = {
    topic,
    file,
    ...(format === undefined ? {} : { format }),
    ...(key === undefined ? {} : { key }),
  };
  if (typeof options.out !== 'string') return await convert(parameters, options.out);
  await refuseSameFile(file, options.out);
  return await writeWholeFile(options.out, async (stream) => await convert(parameters, stream));
}

interface Conversion {
  readonly topic: string;
  readonly file: string;
  readonly format?: LogFormat;
  readonly key?: KeyKind | 'none';
}

async function convert(parameters: Conversion, out: Writable): Promise<FromLogSummary> {
  const lines = splitLines(
    boundBytes(readBytes(parameters.file), traceLimits.logBytesMax, parameters.file),
    traceLimits.logLineBytesMax,
  );
  const writer = new ChunkWriter(out);
  const summary = await traceFromLines(lines, parameters, (message) => writer.write(message));
  await writer.flush();
  return summary;
}

/** Errors of reading get their code here, where they are told apart from errors of writing. */
async function* readBytes(file: string): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of createReadStream(file)) yield chunk;
  } catch (error) {
    throw TraceError.from(error, 'trace_unreadable', `cannot read ${file}`);
  }
}

/** Collects lines into larger writes and waits while the stream is full. */
class ChunkWriter {
  readonly #out: Writable;
  #lines: string[] = [];
  #characters = 0;
  #failure: Error | null = null;

  constructor(out: Writable) {
    this.#out = out;
    // A reader that goes away (`| head`) is told between writes; without a listener that would end the process.
    out.on('error', (error: Error) => {
      this.#failure ??= error;
    });
  }

  write(message: TraceRecord): void | Promise<void> {
    const line = `${JSON.stringify(message)}\n`;
    this.#lines.push(line);
    this.#characters += line.length;
    if (this.#characters >= 256 * 1024) return this.flush();
  }

  async flush(): Promise<void> {
    const chunk = this.#lines.join('');
    this.#lines = [];
    this.#characters = 0;
    try {
      if (this.#failure !== null) throw this.#failure;
      if (!this.#out.write(chunk)) await once(this.#out, 'drain');
    } catch (error) {
      throw TraceError.from(error, 'trace_unwritable', 'cannot write the trace');
    }
  }
}

/** A line of a trace: its value, or only how large it was. */
export interface TraceRecord extends Omit<TraceLine, 'value'> {
  readonly value?: string;
  readonly size?: number;
}

/** Resolves when all of them are written; a file is written whole or not at all. Rejects with TraceError `trace_unwritable`. */
export async function writeTrace(out: string | Writable, records: readonly TraceRecord[]): Promise<void> {
  const fill = async (stream: Writable): Promise<void> => {
    const writer = new ChunkWriter(stream);
    for (const record of records) await writer.write(record);
    await writer.flush();
  };
  if (typeof out === 'string') await writeWholeFile(out, fill);
  else await fill(out);
}

async function writeWholeFile<T>(path: string, fill: (stream: Writable) => Promise<T>): Promise<T> {
  const partial = `${path}.part`;
  const stream = createWriteStream(partial);
  const written = finished(stream).catch((error: unknown) => {
    throw TraceError.from(error, 'trace_unwritable', `cannot write ${path}`);
  });
  try {
    const result = await Promise.race([fill(stream), written.then(() => Promise.reject(new Error('closed early')))]);
    stream.end();
    await written;
    await rename(partial, path);
    return result;
  } catch (error) {
    stream.destroy();
    await written.catch(() => undefined);
    await rm(partial, { force: true });
    throw TraceError.from(error, 'trace_unwritable', `cannot write ${path}`);
  }
}

async function refuseSameFile(file: string, out: string): Promise<void> {
  const [from, to] = await Promise.all([file, out].map((path) => realpath(path).catch(() => null)));
  if (from !== null && from === to) throw new TraceError('trace_invalid_option', `--out is the log itself: ${out}`);
}

function readFormat(name: string): LogFormat | undefined {
  if (name === 'auto') return undefined;
  const format = formatNamed(name);
  if (format !== undefined) return format;
  const known = ['auto', ...logFormats.map((row) => row.name)].join(', ');
  throw new TraceError('trace_invalid_option', `--format "${name}" is not known; known: ${known}`);
}

function readKey(name: string): KeyKind | 'none' | undefined {
  const kind = keyKinds.find((known) => known === name);
  if (kind === undefined) {
    throw new TraceError('trace_invalid_option', `--key "${name}" is not known; known: ${keyKinds.join(', ')}`);
  }
  return kind === 'auto' ? undefined : kind;
}
