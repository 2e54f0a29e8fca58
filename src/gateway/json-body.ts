/**
 * The parser of JSON bodies. JSON.parse alone changes data without a word: bytes that are not UTF-8 become U+FFFD, numbers
 * beyond 2^53 are rounded, 1e999 becomes null when it is written again, a lone surrogate becomes U+FFFD. A gateway must hand
 * on what it was given or refuse it, so each of these is refused here.
 */

import { isUtf8 } from 'node:buffer';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { type FieldProblem, PortError } from '../adapters/index.ts';

/** Only texts with one of these can hold a number or a string that JSON.parse changes; others are not walked. */
const longNumber = /\d{16}/;
const largeExponent = /\d[eE]\+?\d{3}/;
const surrogateEscape = /\\u[dD][89a-fA-F]/;

type DefaultParser = (
  request: FastifyRequest,
  body: string,
  done: (error: Error | null, value?: unknown) => void,
) => void;

/** Reads a body or a line. @throws PortError `invalid_argument`; `what` is how the text is called in it. */
export type StrictJson = (bytes: Buffer, what?: string) => unknown;

/** `onArrived` is told the size of each body, and may refuse it. Reads `application/json`; other types are for whoever adds a parser for them.
 * `otherwise` may know better what a body is. */
export function useStrictJsonBodies(
  app: FastifyInstance,
  onArrived: (request: FastifyRequest, bytes: number) => void = () => undefined,
  otherwise: (request: FastifyRequest, bytes: Buffer) => unknown = () => undefined,
): StrictJson {
  // Refuses `__proto__` and `constructor.prototype` as keys. Its request is only for subclasses.
  const parse = app.getDefaultJsonParser('error', 'error') as unknown as DefaultParser;
  const strictJson: StrictJson = (bytes, what = 'body') => {
    if (!isUtf8(bytes)) throw new PortError('invalid_argument', `the ${what} is not UTF-8`);
    const text = bytes.toString();
    const hasEscape = text.includes('\\u');
    // Only a text with these can hold a forbidden key, plainly or in disguise; the strict parser looks twice as long.
    const value = hasEscape || text.includes('proto') ? strictlyParsed(parse, text, what) : parsed(text, what);
    const isSuspicious = longNumber.test(text) || largeExponent.test(text) || (hasEscape && surrogateEscape.test(text));
    const changed = isSuspicious ? changedByParsing(value, what) : null;
    if (changed !== null) throw changed;
    return value;
  };
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (request, body, done) => {
    const bytes = body as Buffer;
    let value: unknown;
    try {
      onArrived(request, bytes.length);
      value = otherwise(request, bytes) ?? strictJson(bytes);
    } catch (reason) {
      done(reason as PortError);
      return;
    }
    done(null, value);
  });
  return strictJson;
}

function strictlyParsed(parse: DefaultParser, text: string, what: string): unknown {
  let found: { readonly error: Error | null; readonly value?: unknown } = { error: null };
  parse(null as never, text, (error, value) => {
    found = { error, value };
  });
  if (found.error !== null) throw keyError(text, what);
  return found.value;
}

/** The strict parser says the same of a text that is no JSON and of one with a key that it forbids. */
function keyError(text: string, what: string): PortError {
  parsed(text, what);
  return new PortError(
    'invalid_argument',
    `the ${what} has a key __proto__ or constructor.prototype, which is not read`,
  );
}

function parsed(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    const detail = text === '' ? 'it is empty' : (cause as Error).message;
    throw new PortError('invalid_argument', `the ${what} is not JSON: ${detail}`, { cause });
  }
}

function changedByParsing(body: unknown, what: string): PortError | null {
  const errors: FieldProblem[] = [];
  const pending: { readonly value: unknown; readonly path: string }[] = [{ value: body, path: '' }];
  for (let next = pending.pop(); next !== undefined && errors.length < 10; next = pending.pop()) {
    const { value, path } = next;
    if (typeof value === 'number' && isChangedNumber(value)) {
      errors.push({ path, message: 'is a number that JSON cannot carry exactly: send it as text' });
    } else if (typeof value === 'string' && !isWellFormed(value)) {
      errors.push({ path, message: 'has half of a surrogate pair, which is not text' });
    } else if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) pending.push({ value: item, path: `${path}[${index}]` });
    } else if (typeof value === 'object' && value !== null) {
      for (const [key, field] of Object.entries(value)) {
        if (!isWellFormed(key)) errors.push({ path, message: 'has a key with half of a surrogate pair' });
        pending.push({ value: field, path: path === '' ? key : `${path}.${key}` });
      }
    }
  }
  const [first] = errors;
  if (first === undefined) return null;
  return new PortError('invalid_argument', `${what}: ${first.path} ${first.message}`, { errors });
}

function isChangedNumber(value: number): boolean {
  return !Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value));
}

/** String.prototype.isWellFormed, which the language level of this project does not know yet. */
function isWellFormed(text: string): boolean {
  return !/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(text);
}
