/** Reads a JSONL trace back, every line checked: what replays must be exactly what the file says, or nothing. */

import { Buffer } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { z } from 'zod';
import { TraceError } from './errors.ts';
import { traceLimits } from './limits.ts';
import { type Line, splitLines } from './lines.ts';

/** A message of a trace. Either its value or its size is known; with a size alone the replay makes up the bytes. */
export interface TraceMessage {
  /** Milliseconds since the first message of the trace; not below that of the message before. */
  readonly tMs: number;
  readonly topic: string;
  readonly key: string | null;
  /** Bytes of the value, where the trace has no value. */
  readonly size?: number;
  readonly value?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

export const topicPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,248}$/;

const lineSchema = z
  .strictObject({
    t: z.number().nonnegative(),
    topic: z.string().regex(topicPattern, 'must be a topic name (letters, digits, ".", "_" and "-")'),
    key: z
      .string()
      .refine((key) => Buffer.byteLength(key) <= traceLimits.keyBytesMax, `at most ${traceLimits.keyBytesMax} bytes`)
      .nullable()
      .optional(),
    size: z.int().nonnegative().max(traceLimits.valueBytesMax).optional(),
    value: z
      .string()
      .refine(
        (value) => Buffer.byteLength(value) <= traceLimits.valueBytesMax,
        `at most ${traceLimits.valueBytesMax} bytes`,
      )
      .optional(),
    headers: z
      .record(z.string().min(1), z.string())
      .refine(headersFit, `at most ${traceLimits.headersMax} headers of ${traceLimits.headerBytesMax} bytes together`)
      .optional(),
  })
  .refine(
    (line) => (line.value === undefined) !== (line.size === undefined),
    'exactly one of "value" and "size" must be there',
  );

/**
 * Resolves with the messages in the order of the file. Rejects with TraceError: `trace_unreadable`, `trace_too_large`, or
 * `trace_invalid` naming file and line of the first broken one. Blank lines are allowed; a file without a message is not.
 */
export async function readTrace(path: string): Promise<TraceMessage[]> {
  try {
    return await parseTrace(createReadStream(path), path);
  } catch (error) {
    throw TraceError.from(error, 'trace_unreadable', `cannot read ${path}`);
  }
}

/** The same from any source of bytes; `name` is for the messages of errors. */
export async function parseTrace(source: AsyncIterable<Uint8Array>, name: string): Promise<TraceMessage[]> {
  const messages: TraceMessage[] = [];
  for await (const lines of splitLines(
    boundBytes(source, traceLimits.traceBytesMax, name),
    traceLimits.traceLineBytesMax,
  )) {
    for (const line of lines) {
      if (!line.tooLong && line.text.trim() === '') continue;
      messages.push(parseLine(line, messages.at(-1)?.tMs ?? 0, name));
      if (messages.length > traceLimits.traceMessagesMax) {
        throw new TraceError('trace_too_large', `${name} has more than ${traceLimits.traceMessagesMax} messages`);
      }
    }
  }
  if (messages.length === 0) throw new TraceError('trace_invalid', `${name}:1: the trace holds no message`);
  return messages;
}

/** Passes the bytes on and throws `trace_too_large` above the limit. */
export async function* boundBytes(
  source: AsyncIterable<Uint8Array>,
  bytesMax: number,
  name: string,
): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  for await (const chunk of source) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new TraceError('trace_too_large', `${name} is larger than ${bytesMax} bytes`);
    yield chunk;
  }
}

function parseLine(line: Line, latestMs: number, name: string): TraceMessage {
  const invalid = (problem: string, cause?: unknown): TraceError =>
    new TraceError('trace_invalid', `${name}:${line.number}: ${problem}`, { cause });
  if (line.tooLong) throw invalid(`the line has ${line.bytes} bytes, more than ${traceLimits.traceLineBytesMax}`);
  if (line.repaired) throw invalid('the line is not valid UTF-8');
  let json: unknown;
  try {
    json = JSON.parse(line.text);
  } catch (error) {
    throw invalid(`not JSON: ${error instanceof Error ? error.message : String(error)}`, error);
  }
  const checked = lineSchema.safeParse(json);
  if (!checked.success) throw invalid(checked.error.issues.map(issueText).join('; '));
  const { t, topic, key = null, size, value, headers } = checked.data;
  if (t < latestMs) throw invalid(`t is ${t}, before the ${latestMs} of the message above it: a trace goes forward`);
  return {
    tMs: t,
    topic,
    key,
    ...(size === undefined ? {} : { size }),
    ...(value === undefined ? {} : { value }),
    ...(headers === undefined ? {} : { headers }),
  };
}

function issueText(issue: z.core.$ZodIssue): string {
  const path = issue.path.join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}

function headersFit(headers: Readonly<Record<string, string>>): boolean {
  const entries = Object.entries(headers);
  const bytes = entries.reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value), 0);
  return entries.length <= traceLimits.headersMax && bytes <= traceLimits.headerBytesMax;
}
