/**
 * Fields on the wire that the .proto does not have. Protocol Buffers skips them; here nothing is ignored, so they are found
 * before decoding, and so is text that is not UTF-8, which decoding would change.
 *
 * ```
 *   message := field*       field := tag value       tag := varint(number << 3 | wire type)
 *   value   := 0 varint | 1 eight bytes | 2 varint(length) bytes | 5 four bytes
 * ```
 */

import { isUtf8 } from 'node:buffer';
import type { FieldProblem } from '../../adapters/index.ts';

interface FieldRule {
  readonly name: string;
  readonly isText: boolean;
  readonly isRepeated: boolean;
  /** Of a message: what it may hold. */
  readonly inner: MessageRule | undefined;
}

/** By field number. */
export type MessageRule = readonly (FieldRule | undefined)[];

/** As far as it is used here: DescriptorProto as the loader gives it. */
export interface MessageDescriptor {
  readonly name: string;
  readonly field: readonly {
    readonly name: string;
    readonly number: number;
    readonly label: string;
    readonly type: string;
    readonly typeName: string;
  }[];
  readonly nestedType: readonly MessageDescriptor[];
}

/** @param find the message of a name, of the same package. The package has no message that holds itself. */
export function messageRule(
  message: MessageDescriptor,
  find: (name: string) => MessageDescriptor | undefined,
): MessageRule {
  const fields: (FieldRule | undefined)[] = [];
  for (const { name, number, label, type, typeName } of message.field) {
    const nested = message.nestedType.find((candidate) => candidate.name === typeName) ?? find(typeName);
    fields[number] = {
      name,
      isText: type === 'TYPE_STRING',
      isRepeated: label === 'LABEL_REPEATED',
      inner: type === 'TYPE_MESSAGE' && nested !== undefined ? messageRule(nested, find) : undefined,
    };
  }
  return fields;
}

/** undefined when every field is known. Bytes that are no message are left to the decoder, which says so. */
export function fieldProblems(
  bytes: Uint8Array,
  rule: MessageRule,
): { readonly isUnknown: boolean; readonly problems: readonly FieldProblem[] } | undefined {
  const quick: FieldProblem[] = [];
  walk(bytes, 0, bytes.length, rule, undefined, quick);
  if (quick.length === 0) return undefined;
  // Once more, now keeping track of where: the common case does not pay for it.
  const problems: FieldProblem[] = [];
  walk(bytes, 0, bytes.length, rule, '', problems);
  return { isUnknown: problems.some(({ message }) => message === UNKNOWN), problems };
}

const UNKNOWN = 'is not a known field';
const problemsMax = 50;

function walk(
  bytes: Uint8Array,
  from: number,
  to: number,
  rule: MessageRule,
  path: string | undefined,
  problems: FieldProblem[],
): void {
  const seen: number[] = [];
  let at = from;
  while (at < to && problems.length < (path === undefined ? 1 : problemsMax)) {
    at = readVarint(bytes, at, to);
    const tag = value;
    const number = tag >>> 3;
    const wireType = tag & 7;
    const field = rule[number];
    const index = seen[number] ?? 0;
    if (path !== undefined) seen[number] = index + 1;
    if (field === undefined) problems.push({ path: joined(path, `${number}`), message: UNKNOWN });
    switch (wireType) {
      case 0:
        at = readVarint(bytes, at, to);
        break;
      case 1:
        at += 8;
        break;
      case 5:
        at += 4;
        break;
      case 2: {
        at = readVarint(bytes, at, to);
        const end = at + value;
        if (end > to) return;
        if (field?.inner !== undefined) {
          const inner = path === undefined ? undefined : joined(path, nameOf(field, index));
          walk(bytes, at, end, field.inner, inner, problems);
        } else if (field?.isText === true && !isUtf8(bytes.subarray(at, end))) {
          problems.push({ path: joined(path, nameOf(field, index)), message: 'is not UTF-8' });
        }
        at = end;
        break;
      }
      default:
        return;
    }
  }
}

function nameOf({ name, isRepeated }: FieldRule, index: number): string {
  return isRepeated ? `${name}[${index}]` : name;
}

function joined(path: string | undefined, name: string): string {
  return path === undefined || path === '' ? name : `${path}.${name}`;
}

/** What the last readVarint read, its lower 32 bits: a pair a field would be an object a field. */
let value = 0;

/** Where the varint ends. One that is cut off or too long ends the walk: `to`. */
function readVarint(bytes: Uint8Array, from: number, to: number): number {
  let shift = 0;
  value = 0;
  for (let at = from; at < to && at < from + 10; at += 1) {
    const byte = bytes[at] as number;
    if (shift < 32) value = (value | ((byte & 0x7f) << shift)) >>> 0;
    if (byte < 0x80) return at + 1;
    shift += 7;
  }
  return to;
}
