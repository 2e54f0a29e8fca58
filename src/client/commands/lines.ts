/** Lines of a stream, whatever its chunks are, with a bound on each. */

import { UsageError } from './connection.ts';

/** A value of 1 MiB in its worst spelling, as the gateway reads it. */
const LINE_BYTES_MAX = 8 * 1024 * 1024;
const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Without their ends (`\n` or `\r\n`); the last one may do without. Memory holds one line and one chunk. */
export async function* linesOf(stream: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  let parts: Buffer[] = [];
  let bytes = 0;
  const finish = (rest: Buffer): Buffer => {
    const line = parts.length === 0 ? rest : Buffer.concat([...parts, rest]);
    parts = [];
    bytes = 0;
    return line.at(-1) === RETURN ? line.subarray(0, -1) : line;
  };
  for await (const chunk of stream) {
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      yield finish(chunk.subarray(from, end));
      from = end + 1;
    }
    if (from === chunk.length) continue;
    parts.push(chunk.subarray(from));
    bytes += chunk.length - from;
    if (bytes > LINE_BYTES_MAX) throw new UsageError(`a line is longer than ${LINE_BYTES_MAX} bytes`);
  }
  if (bytes > 0) yield finish(Buffer.alloc(0));
}
