/** `sluice pub`: publishes arguments, lines of standard input or of a file, or a whole file as one message. */

import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import type { Command } from 'commander';
import type { OutgoingMessage } from '../messages.ts';
import type { PublishOptions } from '../publishing.ts';
import {
  connected,
  type ConnectionFlags,
  EXIT_FAILED,
  runCommand,
  type Terminal,
  UsageError,
  whole,
  withConnection,
  write,
} from './connection.ts';
import { linesOf } from './lines.ts';

interface PubFlags extends ConnectionFlags {
  readonly file?: string;
  readonly whole?: boolean;
  readonly key?: string;
  readonly keySeparator?: string;
  readonly header?: readonly string[];
  readonly contentType?: string;
  readonly partition?: string;
  readonly durability?: PublishOptions['durability'];
  readonly json?: boolean;
  readonly tombstone?: boolean;
  readonly results?: boolean;
  readonly quiet?: boolean;
}

const help = `
Without values: lines of --file, else of standard input, each a message (an empty line is one too). Text that is not UTF-8 is published as bytes.
Input is read no faster than it is stored. What was refused is told on standard error, line by line, and the rest goes on.

--json reads each line as a message: {"key": "...", "value": ..., "headers": {...}, "contentType", "id", "timestamp", "partition"}.
--results prints a line of JSON for each message: where it is, or what became of it.

Exit status: 0 all stored, 1 one or more were not, 2 wrong usage, 3 no gateway, or no broker behind it.

Examples:
  sluice pub orders '{"total": 9.5}' --key customer-42 --content-type application/json
  tail -F /var/log/nginx/access.log | sluice pub access
  sluice pub orders --key-separator : < pairs.txt
  sluice pub photos --file cat.jpg --whole --content-type image/jpeg
  sluice sub orders --from earliest --json | sluice pub orders-copy --json`;

export function registerPubCommand(program: Command, terminal: Terminal): void {
  const command = program
    .command('pub <topic> [values...]')
    .description('Publish to a topic: arguments, lines of standard input, or a file.')
    .option('--file <file>', 'read lines from this file instead of standard input')
    .option('--whole', 'the file, or standard input, is one message')
    .option('--key <key>', 'the key of every message')
    .option('--key-separator <text>', 'each line is key, this, value')
    .option('--header <name=value...>', 'a header of every message; may be repeated')
    .option('--content-type <type>', 'of every message; default text/plain')
    .option('--partition <number>', 'this partition, whatever the key')
    .option('--durability <level>', 'wait for memory, os or fsync')
    .option('--json', 'each line is a message as JSON')
    .option('--tombstone', 'one message with a key and no value')
    .option('--results', 'print what became of each message')
    .option('--quiet', 'no summary on standard error')
    .addHelpText('after', help);
  withConnection(command).action(async (topic: string, values: string[], flags: PubFlags) => {
    await runCommand(terminal, async (stopped) => await pub(terminal, topic, values, flags, stopped));
  });
}

async function pub(
  terminal: Terminal,
  topic: string,
  values: readonly string[],
  flags: PubFlags,
  stopped: AbortSignal,
): Promise<number> {
  checkTogether(values, flags);
  const sluice = await connected(terminal, flags);
  const counts = { stored: 0, refused: 0, unknown: 0 };
  const options = flags.durability === undefined ? {} : { durability: flags.durability };
  for await (const outcome of sluice.publishStream(
    topic,
    until(stopped, messagesOf(terminal, values, flags), terminal),
    options,
  )) {
    counts[outcome.kind] += 1;
    if (flags.results === true) {
      await write(terminal, `${JSON.stringify(outcome.kind === 'stored' ? outcome : problemOf(outcome))}\n`);
    } else if (outcome.kind !== 'stored' && counts.refused + counts.unknown <= FAILURES_TOLD) {
      const number = counts.stored + counts.refused + counts.unknown;
      const { code, message } = outcome.error;
      terminal.errors.write(`sluice: message ${number} ${outcome.kind}: ${code}: ${message}\n`);
    }
  }
  const failed = counts.refused + counts.unknown;
  if (flags.quiet !== true) terminal.errors.write(`${counts.stored} stored${failed === 0 ? '' : `, ${failed} not`}\n`);
  return failed === 0 ? 0 : EXIT_FAILED;
}

/** One by one, that is: a broken topic fails as many as there are. */
const FAILURES_TOLD = 20;

function problemOf({
  kind,
  id,
  error,
}: {
  readonly kind: string;
  readonly id: string;
  readonly error: { readonly code: string; readonly message: string };
}) {
  return { kind, id, code: error.code, message: error.message };
}

function checkTogether(values: readonly string[], flags: PubFlags): void {
  const ways = [values.length > 0, flags.file !== undefined, flags.tombstone === true].filter(Boolean);
  if (ways.length > 1) throw new UsageError('give values, --file or --tombstone, not several of them');
  if (flags.tombstone === true && flags.key === undefined)
    throw new UsageError('--tombstone needs --key: whose value is gone?');
  if (flags.whole === true && values.length > 0) throw new UsageError('--whole is for --file and standard input');
  if (flags.json === true && (flags.whole === true || flags.keySeparator !== undefined))
    throw new UsageError('--json says all of a message: not with --whole or --key-separator');
  if (flags.keySeparator === '') throw new UsageError('--key-separator must not be empty');
}

async function* messagesOf(
  terminal: Terminal,
  values: readonly string[],
  flags: PubFlags,
): AsyncGenerator<OutgoingMessage> {
  const common = commonOf(flags);
  if (flags.tombstone === true) {
    yield { ...common, value: null };
    return;
  }
  if (values.length > 0) {
    for (const [index, value] of values.entries()) yield messageOf(Buffer.from(value), index + 1, common, flags);
    return;
  }
  if (flags.whole === true) {
    const bytes = flags.file === undefined ? await wholeInput(terminal) : await readFile(flags.file);
    yield { ...common, value: bytes };
    return;
  }
  const input = flags.file === undefined ? terminal.input : createReadStream(flags.file);
  let number = 0;
  for await (const line of linesOf(input as AsyncIterable<Buffer>)) {
    number += 1;
    yield messageOf(line, number, common, flags);
  }
}

function commonOf({ key, header = [], contentType, partition }: PubFlags): Omit<OutgoingMessage, 'value'> {
  const headers: Record<string, string | string[]> = {};
  for (const text of header) {
    const at = text.indexOf('=');
    if (at < 1) throw new UsageError(`--header must be name=value, not "${text}"`);
    const [name, value] = [text.slice(0, at), text.slice(at + 1)];
    const before = headers[name];
    headers[name] = before === undefined ? value : [before, value].flat();
  }
  return {
    ...(key === undefined ? {} : { key }),
    ...(header.length === 0 ? {} : { headers }),
    ...(contentType === undefined ? {} : { contentType }),
    ...(partition === undefined ? {} : { partition: whole(partition, '--partition') }),
  };
}

function messageOf(
  line: Buffer,
  number: number,
  common: Omit<OutgoingMessage, 'value'>,
  { json, keySeparator }: PubFlags,
): OutgoingMessage {
  if (json === true) return jsonMessage(line, number, common);
  if (keySeparator === undefined) return { ...common, value: textOrBytes(line) };
  const separator = Buffer.from(keySeparator);
  const at = line.indexOf(separator);
  if (at < 0) throw new UsageError(`line ${number} has no "${keySeparator}" between key and value`);
  const value = textOrBytes(line.subarray(at + separator.length));
  return { ...common, key: textOrBytes(line.subarray(0, at)), value };
}

/** What `sub --json` prints can be published again as it is; its place and time are of where it was. */
function jsonMessage(line: Buffer, number: number, common: Omit<OutgoingMessage, 'value'>): OutgoingMessage {
  let given: unknown;
  try {
    given = JSON.parse(line.toString());
  } catch (cause) {
    throw new UsageError(`line ${number} is not JSON: ${(cause as Error).message}`);
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new UsageError(`line ${number} is not a message: {"value": ...}`);
  const {
    keyBase64,
    valueBase64,
    headers,
    topic: _topic,
    offset: _offset,
    attempt: _attempt,
    ...rest
  } = given as Record<string, unknown>;
  for (const field of ['contentType', 'id', 'key']) if (rest[field] === null) delete rest[field];
  if ((rest['value'] === undefined) === (valueBase64 === undefined))
    throw new UsageError(`line ${number} must have either value or valueBase64; "value": null is a tombstone`);
  if (rest['key'] !== undefined && keyBase64 !== undefined)
    throw new UsageError(`line ${number} has both key and keyBase64`);
  return {
    ...(rest as object),
    ...(keyBase64 === undefined ? {} : { key: fromBase64(keyBase64, 'keyBase64', number) }),
    value: valueBase64 === undefined ? rest['value'] : fromBase64(valueBase64, 'valueBase64', number),
    ...(headers === undefined ? {} : { headers: headersOf(headers as Record<string, unknown>) }),
    ...common,
  };
}

function fromBase64(given: unknown, field: string, number: number): Buffer {
  if (typeof given !== 'string') throw new UsageError(`line ${number}: ${field} must be a string`);
  const bytes = Buffer.from(given, 'base64');
  // Node leaves out what it cannot read; other bytes must not be published than were meant.
  if (bytes.toString('base64') !== given) throw new UsageError(`line ${number}: ${field} is not base64`);
  return bytes;
}

function headersOf(headers: Readonly<Record<string, unknown>>): NonNullable<OutgoingMessage['headers']> {
  const one = (value: unknown): string | Buffer =>
    typeof value === 'object' && value !== null && 'base64' in value
      ? Buffer.from(String(value.base64), 'base64')
      : String(value);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? value.map(one) : one(value)]),
  );
}

function textOrBytes(bytes: Buffer): string | Buffer {
  return isUtf8(bytes) ? bytes.toString() : Buffer.from(bytes);
}

async function wholeInput({ input }: Terminal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of input) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Ends with the signal: what was read is published, and that is said. */
async function* until(
  stopped: AbortSignal,
  messages: AsyncGenerator<OutgoingMessage>,
  terminal: Terminal,
): AsyncGenerator<OutgoingMessage> {
  const ended = new Promise<undefined>((resolve) => {
    stopped.addEventListener('abort', () => resolve(undefined), { once: true });
  });
  for (;;) {
    const next = await Promise.race([messages.next(), ended]);
    if (next === undefined || next.done === true) break;
    yield next.value;
  }
  // A read of standard input that waits cannot be taken back, only left.
  if (stopped.aborted) terminal.input.destroy();
}
