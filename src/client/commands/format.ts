/** How `sub` prints a message: `--format` with the placeholders that people know from kcat. */

import { type ReceivedMessage, valueBytes } from '../messages.ts';

export const formatHelp = `%t topic  %p partition  %o offset  %k key  %s value  %S size of the value (-1: none)  %K size of the key
  %h headers (name=value,...)  %T timestamp in ms  %i id  %c content type  %a attempt  \\n \\t \\r \\\\ \\0  %% a percent sign`;

export type Printer = (message: ReceivedMessage, attempt: number | undefined) => Buffer;

const escapes: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', '0': '\0', '\\': '\\' };

const placeholders: Readonly<
  Record<string, (message: ReceivedMessage, attempt: number | undefined) => string | Buffer>
> = {
  t: ({ topic }) => topic,
  p: ({ partition }) => String(partition),
  o: ({ offset }) => (offset === undefined ? '' : String(offset)),
  k: ({ key }) => key ?? '',
  K: ({ key }) => String(key === null ? -1 : Buffer.byteLength(key)),
  s: (message) => valueBytes(message) ?? '',
  S: (message) => String(valueBytes(message)?.length ?? -1),
  h: ({ headers }) =>
    Object.entries(headers)
      .flatMap(([name, value]) => [value].flat().map((one) => `${name}=${String(one)}`))
      .join(','),
  T: ({ timestamp }) => String(timestamp),
  i: ({ id }) => id ?? '',
  c: ({ contentType }) => contentType ?? '',
  a: (_, attempt) => (attempt === undefined ? '' : String(attempt)),
  '%': () => '%',
};

/** @throws Error that names the placeholder that there is not. */
export function printerOf(format: string): Printer {
  const parts: (Buffer | (typeof placeholders)[string])[] = [];
  for (const [whole, escape, name, text] of format.matchAll(/\\(.)|%(.?)|([^\\%]+)/gs)) {
    if (text !== undefined) parts.push(Buffer.from(text));
    else if (escape !== undefined) parts.push(Buffer.from(escapes[escape] ?? whole));
    else {
      const placeholder = placeholders[name ?? ''];
      if (placeholder === undefined)
        throw new Error(`--format has no placeholder "${whole}"; there are:\n  ${formatHelp}`);
      parts.push(placeholder);
    }
  }
  return (message, attempt) =>
    Buffer.concat(
      parts.map((part) => {
        const content = typeof part === 'function' ? part(message, attempt) : part;
        return typeof content === 'string' ? Buffer.from(content) : content;
      }),
    );
}

/** As `pub --json` reads it. */
export const printJson: Printer = ({ key, value, headers, ...rest }, attempt) => {
  const bytes = (one: string | Buffer): unknown => (typeof one === 'string' ? one : { base64: one.toString('base64') });
  const line = {
    ...rest,
    ...(attempt === undefined ? {} : { attempt }),
    ...(key === null ? {} : typeof key === 'string' ? { key } : { keyBase64: key.toString('base64') }),
    ...(Buffer.isBuffer(value) ? { valueBase64: value.toString('base64') } : { value }),
    headers: Object.fromEntries(
      Object.entries(headers).map(([name, one]) => [
        name,
        typeof one === 'string' || Buffer.isBuffer(one) ? bytes(one) : one.map(bytes),
      ]),
    ),
  };
  return Buffer.from(`${JSON.stringify(line)}\n`);
};
