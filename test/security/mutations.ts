/** A mutational fuzzer: good inputs, damaged the way that breaks parsers. Everything follows from a seed. */

export class Mutator {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** Below `bound`. */
  below(bound: number): number {
    // mulberry32
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  /** One to four damages. @param others good inputs, of which parts are spliced in. */
  mutate(good: Buffer, others: readonly Buffer[]): Buffer {
    let bytes: Buffer = Buffer.from(good);
    for (let left = 1 + this.below(4); left > 0; left -= 1) bytes = this.#damage(bytes, others);
    return bytes;
  }

  #damage(bytes: Buffer<ArrayBufferLike>, others: readonly Buffer[]): Buffer {
    const at = this.below(bytes.length + 1);
    const until = Math.min(bytes.length, at + this.below(16));
    const around = (middle: Buffer): Buffer => Buffer.concat([bytes.subarray(0, at), middle, bytes.subarray(until)]);
    switch (this.below(9)) {
      case 0: {
        if (bytes.length === 0) return bytes;
        const flipped = Buffer.from(bytes);
        const place = this.below(bytes.length);
        flipped[place] = (flipped[place] ?? 0) ^ (1 << this.below(8));
        return flipped;
      }
      case 1:
        return around(Buffer.alloc(0));
      case 2:
        return around(Buffer.concat([bytes.subarray(at, until), bytes.subarray(at, until)]));
      case 3:
        return bytes.subarray(0, at);
      case 4:
        return around(this.pick(naughty));
      case 5: {
        const other = this.pick(others);
        const from = this.below(other.length + 1);
        return around(other.subarray(from, from + this.below(64)));
      }
      case 6:
        return around(Buffer.from(Array.from({ length: 1 + this.below(8) }, () => this.below(256))));
      case 7:
        return around(Buffer.alloc(this.below(2_000), this.pick(['[', '{"a":', '\0', 'a', '9', '"', '\xff'])));
      default: {
        // A number that is larger, smaller or none.
        const text = bytes.toString('latin1');
        return Buffer.from(text.replace(/\d+/, this.pick(numbers)), 'latin1');
      }
    }
  }
}

const numbers = [
  '-1',
  '0',
  '1e999',
  '9007199254740993',
  '4294967296',
  '-0',
  'NaN',
  '0x10',
  '1.5',
  '00',
  '99999999999999999999',
];

const naughty = [
  '__proto__',
  '"constructor":{"prototype":{"x":1}}',
  '\r\n',
  '\r\n\r\n',
  '\0',
  '\u202e',
  '\ud800',
  '"\\ud800"',
  '{"$ref":"#"}',
  '../../etc/passwd',
  '%2e%2e%2f',
  '%00',
  "' or 1=1 --",
  '${7*7}',
  'null',
  'true',
  '[]',
  '{}',
  '""',
  '\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01',
  '\x0a\xff\xff\xff\xff\x0f',
  'transfer-encoding: chunked\r\n',
  'content-length: 5\r\n',
  'expect: 100-continue\r\n',
  'upgrade: h2c\r\nconnection: upgrade\r\n',
].map((text) => Buffer.from(text));
