/** Input of the port, checked and completed. All problems are reported at once; unknown keys are refused. */

import { capabilityNames } from './capabilities.ts';
import { type FieldProblem, PortError } from './errors.ts';
import { limits } from './limits.ts';
import { CONTENT_TYPE_HEADER } from './log-codec.ts';
import type {
  Header,
  Position,
  PublishMessage,
  SubscriptionChanges,
  SubscriptionDefinition,
  SubscriptionOptions,
  TopicChanges,
  TopicDefinition,
  TopicOptions,
} from './port.ts';

const RESERVED_HEADER_PREFIX = 'sluice-';

/** Where a subscription puts what it gives up, when nobody named another topic for it. */
export function defaultDeadLetterTopic(subscription: string): string {
  return `${subscription}.dead`;
}

/** Gathers problems; `end` throws them together. */
class Problems {
  readonly found: FieldProblem[] = [];
  unknownField = false;

  add(path: string, message: string): void {
    this.found.push({ path, message });
  }

  check(condition: boolean, path: string, message: string): void {
    if (!condition) this.add(path, message);
  }

  unknownKeys(value: object, known: readonly string[], path: string): void {
    for (const key of Object.keys(value)) {
      if (known.includes(key)) continue;
      this.unknownField = true;
      this.add(path === '' ? key : `${path}.${key}`, 'is not a known field');
    }
  }

  integer(value: unknown, path: string, min: number, max: number): void {
    this.check(
      typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max,
      path,
      `must be a whole number from ${min} to ${max}`,
    );
  }

  end(what: string): void {
    const [first] = this.found;
    if (first === undefined) return;
    const more = this.found.length > 1 ? ` (and ${this.found.length - 1} more)` : '';
    throw new PortError(
      this.unknownField ? 'unknown_field' : 'invalid_argument',
      `${what}: ${first.path} ${first.message}${more}`,
      { errors: this.found },
    );
  }
}

export function checkName(name: unknown, path: string): asserts name is string {
  if (typeof name === 'string' && limits.namePattern.test(name)) return;
  const problem = { path, message: `must match ${limits.namePattern.source}` };
  throw new PortError('invalid_argument', `${path} ${JSON.stringify(name)} ${problem.message}`, { errors: [problem] });
}

export function topicDefinition(options: TopicOptions): TopicDefinition {
  const problems = new Problems();
  problems.unknownKeys(options, ['name', 'partitions', 'retention', 'cleanup', 'queueType', 'replicas', 'options'], '');
  problems.check(limits.namePattern.test(options.name), 'name', `must match ${limits.namePattern.source}`);
  const partitions = options.partitions ?? 1;
  problems.integer(partitions, 'partitions', 1, limits.partitionsPerTopicMax);
  const retention = options.retention ?? {};
  problems.unknownKeys(retention, ['ms', 'bytes'], 'retention');
  if (retention.ms !== undefined) problems.integer(retention.ms, 'retention.ms', 1, Number.MAX_SAFE_INTEGER);
  if (retention.bytes !== undefined) problems.integer(retention.bytes, 'retention.bytes', 1, Number.MAX_SAFE_INTEGER);
  const cleanup = options.cleanup ?? 'delete';
  problems.check(['delete', 'compact'].includes(cleanup), 'cleanup', 'must be "delete" or "compact"');
  const queueType = options.queueType ?? null;
  problems.check(
    queueType === null || ['quorum', 'classic', 'stream'].includes(queueType),
    'queueType',
    'must be "quorum", "classic" or "stream"',
  );
  if (options.replicas !== undefined) problems.integer(options.replicas, 'replicas', 1, 99);
  problems.end('topic');
  return {
    name: options.name,
    partitions,
    retention: { ms: retention.ms ?? null, bytes: retention.bytes ?? null },
    cleanup,
    queueType,
    replicas: options.replicas ?? null,
    options: options.options ?? {},
  };
}

const subscriptionKeys = [
  'name',
  'topic',
  'start',
  'ordering',
  'ackDeadlineMs',
  'maxInFlight',
  'retry',
  'onExhausted',
  'deadLetterTopic',
  'requires',
];

export function subscriptionDefinition(options: SubscriptionOptions): SubscriptionDefinition {
  const problems = new Problems();
  problems.unknownKeys(options, subscriptionKeys, '');
  problems.check(limits.namePattern.test(options.name), 'name', `must match ${limits.namePattern.source}`);
  problems.check(limits.namePattern.test(options.topic), 'topic', `must match ${limits.namePattern.source}`);
  const start = options.start ?? 'latest';
  checkPosition(start, 'start', problems);
  const ordering = options.ordering ?? 'none';
  problems.check(['none', 'key', 'partition'].includes(ordering), 'ordering', 'must be "none", "key" or "partition"');
  const ackDeadlineMs = options.ackDeadlineMs ?? 30_000;
  problems.integer(ackDeadlineMs, 'ackDeadlineMs', limits.ackDeadlineMsMin, limits.ackDeadlineMsMax);
  const maxInFlight = {
    messages: options.maxInFlight?.messages ?? 1_000,
    bytes: options.maxInFlight?.bytes ?? 16 * 1024 * 1024,
  };
  problems.unknownKeys(options.maxInFlight ?? {}, ['messages', 'bytes'], 'maxInFlight');
  problems.integer(maxInFlight.messages, 'maxInFlight.messages', 1, limits.maxInFlightMessages);
  problems.integer(maxInFlight.bytes, 'maxInFlight.bytes', 1, limits.maxInFlightBytes);
  const retry = {
    minBackoffMs: options.retry?.minBackoffMs ?? 100,
    maxBackoffMs: options.retry?.maxBackoffMs ?? 60_000,
    maxAttempts: options.retry?.maxAttempts ?? 5,
  };
  problems.unknownKeys(options.retry ?? {}, ['minBackoffMs', 'maxBackoffMs', 'maxAttempts'], 'retry');
  problems.integer(retry.minBackoffMs, 'retry.minBackoffMs', 0, limits.backoffMsMax);
  problems.integer(retry.maxBackoffMs, 'retry.maxBackoffMs', 0, limits.backoffMsMax);
  problems.check(
    retry.minBackoffMs <= retry.maxBackoffMs,
    'retry.minBackoffMs',
    'must not be above retry.maxBackoffMs',
  );
  problems.integer(retry.maxAttempts, 'retry.maxAttempts', 1, limits.maxAttemptsMax);
  const onExhausted = options.onExhausted ?? 'deadLetter';
  problems.check(
    ['deadLetter', 'drop', 'block'].includes(onExhausted),
    'onExhausted',
    'must be "deadLetter", "drop" or "block"',
  );
  if (options.deadLetterTopic !== undefined) {
    problems.check(
      limits.namePattern.test(options.deadLetterTopic),
      'deadLetterTopic',
      `must match ${limits.namePattern.source}`,
    );
    problems.check(onExhausted === 'deadLetter', 'deadLetterTopic', 'needs onExhausted "deadLetter"');
  }
  const deadLetterTopic = options.deadLetterTopic ?? defaultDeadLetterTopic(options.name);
  if (onExhausted === 'deadLetter') {
    problems.check(
      limits.namePattern.test(deadLetterTopic),
      'name',
      'leaves no room for the dead-letter topic: give deadLetterTopic',
    );
    // Also where nobody named it: a reader "x" of the topic "x.dead" would feed every dead letter back to itself.
    problems.check(
      deadLetterTopic !== options.topic,
      'deadLetterTopic',
      `must not be the topic itself${options.deadLetterTopic === undefined ? ', as it is by default here: give another' : ''}`,
    );
  }
  const requires = options.requires ?? [];
  for (const [index, capability] of requires.entries()) {
    problems.check(
      (capabilityNames as readonly string[]).includes(capability),
      `requires[${index}]`,
      'is not a capability',
    );
  }
  problems.end('subscription');
  return {
    name: options.name,
    topic: options.topic,
    start,
    ordering,
    ackDeadlineMs,
    maxInFlight,
    retry,
    onExhausted,
    deadLetterTopic: onExhausted === 'deadLetter' ? deadLetterTopic : null,
    requires: [...requires].toSorted(),
  };
}

/** The definition after the change. @throws PortError for what is no change, or no good one. */
export function alteredTopic(from: TopicDefinition, changes: TopicChanges): TopicDefinition {
  const problems = new Problems();
  problems.unknownKeys(changes, ['partitions', 'retention', 'cleanup', 'options'], '');
  const partitions = changes.partitions ?? from.partitions;
  problems.check(partitions >= from.partitions, 'partitions', `cannot shrink: there are ${from.partitions}`);
  problems.end('topic');
  const retention = { ...from.retention, ...withoutUndefined(changes.retention ?? {}) };
  const options = withoutNull({ ...from.options, ...changes.options });
  const to = topicDefinition({
    name: from.name,
    partitions,
    retention: withoutNull(retention),
    cleanup: changes.cleanup ?? from.cleanup,
    ...(from.queueType === null ? {} : { queueType: from.queueType }),
    ...(from.replicas === null ? {} : { replicas: from.replicas }),
    options,
  });
  return to;
}

/** The definition after the change. @throws PortError for what is no change, or no good one. */
export function alteredSubscription(
  from: SubscriptionDefinition,
  changes: SubscriptionChanges,
): SubscriptionDefinition {
  const problems = new Problems();
  problems.unknownKeys(changes, ['ackDeadlineMs', 'maxInFlight', 'retry'], '');
  problems.end('subscription');
  const { deadLetterTopic, ...kept } = from;
  return subscriptionDefinition({
    ...kept,
    ...(deadLetterTopic === null ? {} : { deadLetterTopic }),
    ...(changes.ackDeadlineMs === undefined ? {} : { ackDeadlineMs: changes.ackDeadlineMs }),
    maxInFlight: { ...from.maxInFlight, ...withoutUndefined(changes.maxInFlight ?? {}) },
    retry: { ...from.retry, ...withoutUndefined(changes.retry ?? {}) },
  });
}

function withoutUndefined<T extends object>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

function withoutNull<T>(fields: Readonly<Record<string, T | null | undefined>>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(fields).filter((entry): entry is [string, T] => entry[1] !== null && entry[1] !== undefined),
  );
}

/** @param path the caller's word for it: `to` of a seek, `start` of a subscription. */
export function checkPositionIn(position: Position, partitions: number, path: 'to' | 'start'): void {
  const what = path === 'to' ? 'seek' : 'subscription';
  const problems = new Problems();
  checkPosition(position, path, problems);
  problems.end(what);
  if (typeof position === 'string' || !('offsets' in position)) return;
  for (const partition of Object.keys(position.offsets)) {
    problems.check(
      Number(partition) < partitions,
      `${path}.offsets.${partition}`,
      `is not a partition of the topic, which has ${partitions}`,
    );
  }
  problems.end(what);
}

function checkPosition(position: Position, path: string, problems: Problems): void {
  if (position === 'earliest' || position === 'latest') return;
  if (typeof position !== 'object' || position === null) {
    problems.add(path, 'must be "earliest", "latest", {timestampMs} or {offsets}');
    return;
  }
  if ('timestampMs' in position) {
    problems.integer(position.timestampMs, `${path}.timestampMs`, 0, Number.MAX_SAFE_INTEGER);
    return;
  }
  if (!('offsets' in position) || typeof position.offsets !== 'object') {
    problems.add(path, 'must be "earliest", "latest", {timestampMs} or {offsets}');
    return;
  }
  for (const [partition, offset] of Object.entries(position.offsets)) {
    problems.check(/^(0|[1-9]\d{0,4})$/.test(partition), `${path}.offsets.${partition}`, 'is not a partition number');
    problems.integer(offset, `${path}.offsets.${partition}`, 0, Number.MAX_SAFE_INTEGER);
  }
}

/** A message with bytes for strings. Structure is checked here (throws); sizes and topic matters by `messageRefusal`. */
export interface CheckedMessage {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly Header[];
  readonly contentType: string | null;
  readonly id: string | undefined;
  readonly timestampMs: number | undefined;
  readonly bytes: number;
}

const NO_HEADERS: readonly Header[] = [];

export function checkMessage(message: PublishMessage, index: number): CheckedMessage {
  const value = toBuffer(message.value, index, 'value');
  const key = message.key === undefined || message.key === null ? null : toBuffer(message.key, index, 'key');
  const headers = message.headers === undefined ? NO_HEADERS : checkHeaders(message.headers, index);
  const { id, timestampMs, contentType } = message;
  if (id !== undefined && (typeof id !== 'string' || id.length === 0 || id.length > limits.idCharactersMax)) {
    throw badMessage(index, 'id', `must have 1 to ${limits.idCharactersMax} characters`);
  }
  const isTime =
    timestampMs === undefined ||
    (Number.isInteger(timestampMs) && timestampMs >= 0 && timestampMs <= limits.timestampMsMax);
  if (!isTime)
    throw badMessage(index, 'timestamp', 'must be milliseconds since 1970, a whole number, before the year 10000');
  let bytes = (key?.length ?? 0) + (value?.length ?? 0);
  for (const header of headers) bytes += header.name.length + header.value.length;
  return { key, value, headers, contentType: contentType ?? null, id, timestampMs, bytes };
}

/** Why this message, by itself, cannot be stored; undefined when it can. */
export function messageRefusal(message: CheckedMessage): PortError | undefined {
  const { key, value, headers } = message;
  if (value !== null && value.length > limits.valueBytesMax) {
    return new PortError(
      'message_too_large',
      `a value of ${value.length} bytes is above the limit of ${limits.valueBytesMax}`,
    );
  }
  if (key !== null && key.length > limits.keyBytesMax) {
    return new PortError(
      'message_too_large',
      `a key of ${key.length} bytes is above the limit of ${limits.keyBytesMax}`,
    );
  }
  if (headers.length === 0) return undefined;
  const headerBytes = message.bytes - (key?.length ?? 0) - (value?.length ?? 0);
  if (headerBytes > limits.headerBytesMax || headers.length > limits.headersMax) {
    return new PortError(
      'message_too_large',
      `${headers.length} headers of ${headerBytes} bytes are above the limit of ${limits.headersMax} and ${limits.headerBytesMax} bytes`,
    );
  }
  return undefined;
}

function checkHeaders(headers: NonNullable<PublishMessage['headers']>, index: number): readonly Header[] {
  return headers.map(({ name, value }) => {
    if (typeof name !== 'string' || name.length === 0 || name.length > 255) {
      throw badMessage(index, 'headers', 'have names of 1 to 255 characters');
    }
    if (name === CONTENT_TYPE_HEADER || name.startsWith(RESERVED_HEADER_PREFIX)) {
      throw badMessage(index, `headers.${name}`, 'is a reserved name: use contentType and id');
    }
    return { name, value: toBuffer(value, index, `headers.${name}`) as Buffer };
  });
}

function toBuffer(value: string | Uint8Array | null, index: number, field: string): Buffer | null {
  if (typeof value === 'string') return Buffer.from(value);
  if (Buffer.isBuffer(value)) return value;
  if (value instanceof Uint8Array) return Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (value === null && field === 'value') return null;
  throw badMessage(index, field, 'must be a string or bytes');
}

function badMessage(index: number, field: string, message: string): PortError {
  const path = `messages[${index}].${field}`;
  return new PortError('invalid_argument', `${path} ${message}`, { errors: [{ path, message }] });
}
