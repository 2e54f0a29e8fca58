/**
 * Makes a trace from a log: a line that begins with a timestamp starts a message, lines without one (stack traces, wrapped text)
 * belong to the message before them. Every line is accounted for: lines = messages + continuations + skipped, by reason.
 */

import { strict as assert } from 'node:assert';
import { Buffer } from 'node:buffer';
import { TraceError } from './errors.ts';
import { traceLimits } from './limits.ts';
import type { Line } from './lines.ts';
import { isDate, LogYear, TraceTime } from './log-clock.ts';
import { detectFormat, type KeyKind, type LogFormat, logFormats } from './log-formats.ts';

export interface FromLogOptions {
  /** A name of `logFormats`; absent: decided on the first lines. */
  readonly format?: LogFormat;
  /** Absent: what the format is keyed by. */
  readonly key?: KeyKind | 'none';
  readonly topic: string;
  /** For messages of errors. */
  readonly file: string;
}

/** A line of the trace file. `t`: milliseconds since the first message, never going back. */
export interface TraceLine {
  readonly t: number;
  readonly topic: string;
  readonly key: string | null;
  readonly value: string;
}

/** Reason -> lines. */
export interface SkippedLines {
  blank: number;
  beforeFirstTimestamp: number;
  impossibleDate: number;
  aboveLineLimit: number;
  aboveRecordLimit: number;
  holdsNulBytes: number;
}

export interface FromLogSummary {
  readonly format: string;
  readonly key: KeyKind | 'none';
  readonly messages: number;
  /** From the first message to the last. */
  readonly spanMs: number;
  readonly resolutionMs: number;
  readonly largestGapMs: number;
  readonly distinctKeys: number;
  /** False: there are more keys than were counted. */
  readonly allKeysCounted: boolean;
  readonly messagesWithoutKey: number;
  readonly valueBytes: number;
  readonly largestValueBytes: number;
  readonly lines: number;
  readonly continuationLines: number;
  readonly skipped: Readonly<SkippedLines>;
  /** Lines with bytes that are no UTF-8; each such byte became U+FFFD. */
  readonly repairedLines: number;
  /** Lines at most a minute behind the latest time: kept in place at that time. */
  readonly lateLines: number;
  readonly latestByMs: number;
  /** Longer steps back: time went on from where it was. */
  readonly clockSetBack: number;
  readonly clockSetBackByMs: number;
  readonly yearTurns: number;
}

/**
 * Decides the format on the first lines and hands each message to `write` in the order of the log.
 * Throws TraceError `trace_no_timestamp`, `trace_not_text`, `trace_key_unsupported` or `trace_too_large`.
 */
export async function traceFromLines(
  batches: AsyncIterable<readonly Line[]>,
  options: FromLogOptions,
  write: (message: TraceLine) => void | Promise<void>,
): Promise<FromLogSummary> {
  const sample: Line[] = [];
  let builder: TraceBuilder | null = null;
  let sampleBytes = 0;
  for await (const batch of batches) {
    if (builder !== null) {
      for (const message of builder.push(batch)) await write(message);
      continue;
    }
    for (const line of batch) {
      sample.push(line);
      sampleBytes += line.bytes;
    }
    if (sample.length < traceLimits.sampleLines && sampleBytes < traceLimits.sampleBytes) continue;
    builder = new TraceBuilder(chooseFormat(sample, options), options);
    for (const message of builder.push(sample.splice(0))) await write(message);
  }
  builder ??= new TraceBuilder(chooseFormat(sample, options), options);
  for (const message of builder.push(sample)) await write(message);
  for (const message of builder.end()) await write(message);
  return builder.summary();
}

function chooseFormat(sample: readonly Line[], options: FromLogOptions): LogFormat {
  const texts = sample.map((line) => line.text);
  const format = options.format ?? detectFormat(texts);
  if (format === null) throw noTimestamp(sample, options.file);
  const key = options.key ?? format.defaultKey;
  if (key !== 'none' && format.keys[key] === undefined) {
    const possible = [...Object.keys(format.keys), 'none'].join(', ');
    throw new TraceError(
      'trace_key_unsupported',
      `lines of format "${format.name}" name no ${key}; possible: ${possible}`,
    );
  }
  return format;
}

function noTimestamp(sample: readonly Line[], file: string): TraceError {
  if (sample.some((line) => line.text.includes('\0'))) {
    return new TraceError('trace_not_text', `${file} is not text: it holds NUL bytes and no line with a timestamp`);
  }
  const looked = sample.length === 0 ? 'the file is empty' : `looked at the first ${sample.length} lines`;
  const known = logFormats.map((format) => format.name).join(', ');
  return new TraceError(
    'trace_no_timestamp',
    `no line of ${file} begins with a timestamp (${looked}; known formats: ${known})`,
  );
}

interface OpenRecord {
  readonly t: number;
  readonly key: string | null;
  readonly texts: string[];
  bytes: number;
}

class TraceBuilder {
  readonly #format: LogFormat;
  readonly #options: FromLogOptions;
  readonly #key: KeyKind | 'none';
  readonly #year = new LogYear();
  readonly #time = new TraceTime();
  readonly #keys = new Set<string>();
  readonly #skipped: SkippedLines = {
    blank: 0,
    beforeFirstTimestamp: 0,
    impossibleDate: 0,
    aboveLineLimit: 0,
    aboveRecordLimit: 0,
    holdsNulBytes: 0,
  };
  #open: OpenRecord | null = null;
  /** Blank lines since the open record's last line: inside it when another continuation follows, else skipped. */
  #blankLines = 0;
  #lines = 0;
  #messages = 0;
  #continuations = 0;
  #withoutKey = 0;
  #valueBytes = 0;
  #largestValueBytes = 0;
  #repaired = 0;
  #allKeysCounted = true;

  constructor(format: LogFormat, options: FromLogOptions) {
    this.#format = format;
    this.#options = options;
    this.#key = options.key ?? format.defaultKey;
  }

  /** The messages that are complete once these lines are known. */
  push(lines: readonly Line[]): TraceLine[] {
    const done: TraceLine[] = [];
    for (const line of lines) {
      this.#lines += 1;
      if (this.#lines > traceLimits.logLinesMax) {
        throw new TraceError('trace_too_large', `${this.#options.file} has more than ${traceLimits.logLinesMax} lines`);
      }
      this.#line(line, done);
    }
    return done;
  }

  /** The last message. Throws `trace_no_timestamp` when there was not a single one. */
  end(): TraceLine[] {
    const done: TraceLine[] = [];
    this.#closeRecord(done);
    if (this.#messages > 0) return done;
    throw new TraceError(
      'trace_no_timestamp',
      `none of the ${this.#lines} lines of ${this.#options.file} begins with a timestamp of format "${this.#format.name}" (such as: ${this.#format.example})`,
    );
  }

  #line(line: Line, done: TraceLine[]): void {
    const skip = this.#skipReason(line);
    if (skip !== null) {
      this.#skipped[skip] += 1;
      return;
    }
    if (line.text.trim() === '') {
      if (this.#open === null) this.#skipped.blank += 1;
      else this.#blankLines += 1;
      return;
    }
    if (line.repaired) this.#repaired += 1;
    const start = this.#format.parse(line.text);
    if (start === null) return this.#continue(line);
    if (!isDate(start.stamp)) {
      this.#skipped.impossibleDate += 1;
      return;
    }
    this.#closeRecord(done);
    const t = this.#time.place(this.#year.at(start.stamp));
    this.#open = {
      t,
      key: this.#keyOf(start.groups, line.text),
      texts: [line.text],
      bytes: Buffer.byteLength(line.text),
    };
  }

  #skipReason(line: Line): keyof SkippedLines | null {
    if (line.tooLong) return 'aboveLineLimit';
    return line.text.includes('\0') ? 'holdsNulBytes' : null;
  }

  #continue(line: Line): void {
    if (this.#open === null) {
      this.#skipped.beforeFirstTimestamp += 1;
      return;
    }
    const bytes = this.#open.bytes + this.#blankLines + 1 + Buffer.byteLength(line.text);
    if (bytes > traceLimits.recordBytesMax) {
      this.#skipped.aboveRecordLimit += 1;
      return;
    }
    for (let blank = 0; blank < this.#blankLines; blank += 1) this.#open.texts.push('');
    this.#continuations += this.#blankLines + 1;
    this.#blankLines = 0;
    this.#open.texts.push(line.text);
    this.#open.bytes = bytes;
  }

  #closeRecord(done: TraceLine[]): void {
    this.#skipped.blank += this.#blankLines;
    this.#blankLines = 0;
    if (this.#open === null) return;
    const { t, key, texts } = this.#open;
    this.#open = null;
    const value = texts.join('\n');
    const bytes = Buffer.byteLength(value);
    this.#messages += 1;
    this.#valueBytes += bytes;
    this.#largestValueBytes = Math.max(this.#largestValueBytes, bytes);
    done.push({ t, topic: this.#options.topic, key, value });
  }

  #keyOf(groups: Readonly<Record<string, string | undefined>>, line: string): string | null {
    if (this.#key === 'none') return null;
    const key = this.#format.keys[this.#key]?.(groups, line);
    if (key === undefined || key === '' || Buffer.byteLength(key) > traceLimits.keyBytesMax) {
      this.#withoutKey += 1;
      return null;
    }
    if (this.#keys.size < traceLimits.distinctKeysMax) this.#keys.add(key);
    else if (!this.#keys.has(key)) this.#allKeysCounted = false;
    return key;
  }

  summary(): FromLogSummary {
    const skipped = Object.values(this.#skipped).reduce((sum, lines) => sum + lines, 0);
    assert.equal(this.#lines, this.#messages + this.#continuations + skipped, 'every line of the log is accounted for');
    return {
      format: this.#format.name,
      key: this.#key,
      messages: this.#messages,
      spanMs: this.#time.spanMs,
      resolutionMs: this.#format.resolutionMs,
      largestGapMs: this.#time.largestGapMs,
      distinctKeys: this.#keys.size,
      allKeysCounted: this.#allKeysCounted,
      messagesWithoutKey: this.#withoutKey,
      valueBytes: this.#valueBytes,
      largestValueBytes: this.#largestValueBytes,
      lines: this.#lines,
      continuationLines: this.#continuations,
      skipped: { ...this.#skipped },
      repairedLines: this.#repaired,
      lateLines: this.#time.late.lines,
      latestByMs: this.#time.late.largestMs,
      clockSetBack: this.#time.setBack.times,
      clockSetBackByMs: this.#time.setBack.largestMs,
      yearTurns: this.#year.turns,
    };
  }
}
