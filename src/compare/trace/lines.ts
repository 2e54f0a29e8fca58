/**
 * Splits a stream of bytes into lines with bounded memory: a line above the limit is told as such, not collected.
 * Lines end with \n; one \r before it belongs to the ending. A last line without an ending counts as a line.
 */

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without its ending; empty when `tooLong`. */
  readonly text: string;
  readonly bytes: number;
  readonly tooLong: boolean;
  /** The bytes were not valid UTF-8: what could not be read became U+FFFD. */
  readonly repaired: boolean;
}

const LF = 0x0a;
const CR = 0x0d;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const BOM = '\uFEFF';

/** Yields the lines of each chunk together: an await per line would cost more than the work on it. */
export async function* splitLines(
  source: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<readonly Line[]> {
  const splitter = new LineSplitter(lineBytesMax);
  for await (const chunk of source) {
    const lines = splitter.push(chunk);
    if (lines.length > 0) yield lines;
  }
  const last = splitter.end();
  if (last !== null) yield [last];
}

class LineSplitter {
  readonly #lineBytesMax: number;
  #pieces: Uint8Array[] = [];
  #bytes = 0;
  #number = 0;

  constructor(lineBytesMax: number) {
    this.#lineBytesMax = lineBytesMax;
  }

  push(chunk: Uint8Array): Line[] {
    const lines: Line[] = [];
    let start = 0;
    for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, start)) {
      this.#keep(chunk.subarray(start, at));
      lines.push(this.#take());
      start = at + 1;
    }
    this.#keep(chunk.subarray(start));
    return lines;
  }

  end(): Line | null {
    return this.#bytes === 0 ? null : this.#take();
  }

  /** Above the limit (and the one byte that a \r may take) only the count goes on. */
  #keep(piece: Uint8Array): void {
    if (piece.length === 0) return;
    this.#bytes += piece.length;
    if (this.#bytes <= this.#lineBytesMax + 1) this.#pieces.push(piece);
    else this.#pieces = [];
  }

  #take(): Line {
    const whole = this.#bytes > this.#lineBytesMax + 1 ? Buffer.alloc(0) : Buffer.concat(this.#pieces);
    const content = whole.at(-1) === CR ? whole.subarray(0, -1) : whole;
    const bytes = whole.length === 0 ? this.#bytes : content.length;
    this.#pieces = [];
    this.#bytes = 0;
    this.#number += 1;
    if (bytes > this.#lineBytesMax) {
      return { number: this.#number, text: '', bytes, tooLong: true, repaired: false };
    }
    const { text, repaired } = decode(content);
    const clean = this.#number === 1 && text.startsWith(BOM) ? text.slice(1) : text;
    return { number: this.#number, text: clean, bytes, tooLong: false, repaired };
  }
}

function decode(bytes: Buffer): { text: string; repaired: boolean } {
  try {
    return { text: strict.decode(bytes), repaired: false };
  } catch {
    return { text: bytes.toString('utf8'), repaired: true };
  }
}
