/**
 * The usual publish, recognised without zod, which takes as long for it as for every other: nothing but keys that are texts and values.
 * Only ever a short cut: what is not recognised here is left to `PublishBody`, the one place that says what is wrong with a body. A test
 * holds the two together: a body that is plain passes the schema, and passes it unchanged.
 */

import { limits } from '../../adapters/index.ts';

/** `body` as JSON.parse made it: plain objects and arrays, nothing inherited. */
export function isPlainPublish(body: unknown): boolean {
  if (!isObject(body)) return false;
  for (const name in body) if (name !== 'messages') return false;
  const { messages } = body as { readonly messages?: unknown };
  if (!Array.isArray(messages) || messages.length < 1 || messages.length > limits.messagesPerPublishMax) return false;
  for (const message of messages) if (!isPlainMessage(message)) return false;
  return true;
}

function isPlainMessage(message: unknown): boolean {
  if (!isObject(message)) return false;
  let hasValue = false;
  for (const name in message) {
    if (name === 'value') hasValue = message[name] !== undefined;
    else if (name !== 'key' || typeof message[name] !== 'string') return false;
  }
  return hasValue;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
