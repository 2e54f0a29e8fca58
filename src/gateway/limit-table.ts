/**
 * Every bound that a user of the gateway can meet: docs/LIMITS.md is printed from this table, and the test of the bounds walks it.
 * The values are those of limits.ts, access/limits.ts and adapters/limits.ts.
 */

import { type ErrorCode, errorCodes, limits } from '../adapters/index.ts';
import { accessLimits } from './access/limits.ts';
import { configurableLimits, gatewayLimits } from './limits.ts';

interface LimitRow {
  readonly what: string;
  readonly name: keyof typeof gatewayLimits | keyof typeof limits | keyof typeof accessLimits;
  readonly unit: 'bytes' | 'ms' | 'characters' | 'count';
  readonly why: string;
  /** The code of what is one above; or, in words, what happens then. */
  readonly above: ErrorCode | { readonly text: string };
}

interface LimitChapter {
  readonly title: string;
  readonly rows: readonly LimitRow[];
}

const waits = (text: string): { readonly text: string } => ({ text });

export const limitTable: readonly LimitChapter[] = [
  {
    title: 'A request',
    rows: [
      row(
        'body, and a message of gRPC (there `RESOURCE_EXHAUSTED` without details)',
        'bodyBytesMax',
        'bytes',
        'a value of 1 MiB in its worst JSON spelling',
        'message_too_large',
      ),
      row(
        'bodies, lines and frames of all requests together; one principal has at most half of it',
        'bodyBytesInFlightMax',
        'bytes',
        'memory',
        'overloaded',
      ),
      row(
        "message to gRPC's health and reflection",
        'grpcOpenMessageBytesMax',
        'bytes',
        'they need no credentials',
        'message_too_large',
      ),
      row('head of a request, all its fields', 'requestHeadBytesMax', 'bytes', 'as Node has it', 'message_too_large'),
      row(
        'head, from the first byte to the last',
        'headersTimeoutMs',
        'ms',
        'slow senders hold sockets',
        'invalid_argument',
      ),
      row(
        'body, from the head to the last byte',
        'requestTimeoutMs',
        'ms',
        'slow senders hold sockets; a stream of lines may take as long as it likes',
        'invalid_argument',
      ),
      row('line of NDJSON', 'ndjsonLineBytesMax', 'bytes', 'as a body', 'message_too_large'),
      row(
        'frame of a WebSocket',
        'webSocketFrameBytesMax',
        'bytes',
        'a thousand tokens with room to spare',
        waits('closed with 1009'),
      ),
    ],
  },
  {
    title: 'A message',
    rows: [
      row('value', 'valueBytesMax', 'bytes', "fits Kafka's default with key and headers", 'message_too_large'),
      row('key', 'keyBytesMax', 'bytes', 'an index entry, not a payload', 'message_too_large'),
      row('headers', 'headersMax', 'count', 'a message is not a table', 'message_too_large'),
      row('headers, names and values', 'headerBytesMax', 'bytes', 'AMQP takes 64 KiB of them', 'message_too_large'),
      row('id', 'idCharactersMax', 'characters', 'kept in memory to recognise repetitions', 'invalid_argument'),
      row(
        'timestamp',
        'timestampMsMax',
        'ms',
        'the end of the year 9999; later ones are microseconds by mistake',
        'invalid_argument',
      ),
    ],
  },
  {
    title: 'A call',
    rows: [
      row(
        'messages of a publish',
        'messagesPerPublishMax',
        'count',
        'one answer has a result for each',
        'invalid_argument',
      ),
      row('messages of a pull', 'pullMessagesMax', 'count', 'one answer', 'invalid_argument'),
      row('bytes of a pull', 'pullBytesMax', 'bytes', 'one answer', 'invalid_argument'),
      row('wait of a pull', 'pullWaitMsMax', 'ms', 'below what proxies let a silent request live', 'invalid_argument'),
      row('messages of a browse', 'readMessagesMax', 'count', 'one answer', 'invalid_argument'),
      row('tokens of a settle', 'tokensPerCallMax', 'count', 'one answer has a result for each', 'invalid_argument'),
      row('a token', 'tokenCharactersMax', 'characters', 'ours are shorter', 'invalid_argument'),
    ],
  },
  {
    title: 'Topics and subscriptions',
    rows: [
      row(
        'partitions of a topic',
        'partitionsPerTopicMax',
        'count',
        'files on the log, queues on RabbitMQ',
        'invalid_argument',
      ),
      row('shortest `ackDeadlineMs`', 'ackDeadlineMsMin', 'ms', 'less is a loop', 'invalid_argument'),
      row(
        'longest `ackDeadlineMs`, and of an extend',
        'ackDeadlineMsMax',
        'ms',
        'a consumer that is gone is to be noticed',
        'invalid_argument',
      ),
      row(
        '`maxInFlight.messages`, and credit of a stream',
        'maxInFlightMessages',
        'count',
        'memory',
        'invalid_argument',
      ),
      row('`maxInFlight.bytes`', 'maxInFlightBytes', 'bytes', 'memory', 'invalid_argument'),
      row('back-off, and `delayMs` of a nack', 'backoffMsMax', 'ms', 'held in memory meanwhile', 'invalid_argument'),
      row('`retry.maxAttempts`', 'maxAttemptsMax', 'count', '`onExhausted: block` is for ever', 'invalid_argument'),
    ],
  },
  {
    title: 'At the same time, in one gateway',
    rows: [
      row('connections of HTTP', 'connectionsMax', 'count', 'a socket each', 'overloaded'),
      row(
        'connections of gRPC',
        'grpcConnectionsMax',
        'count',
        'a socket each',
        waits('closed; clients see UNAVAILABLE'),
      ),
      row(
        'calls on a connection of gRPC',
        'grpcCallsPerConnectionMax',
        'count',
        'announced by HTTP/2',
        waits('the client waits'),
      ),
      row(
        'streams: SSE, WebSocket, gRPC, NDJSON; one principal has at most half of them',
        'streamsMax',
        'count',
        'a consumer or frames each',
        'too_many_in_flight',
      ),
      row(
        "streams of gRPC's health and reflection",
        'grpcOpenStreamsMax',
        'count',
        'they need no credentials',
        'too_many_in_flight',
      ),
      row('publish requests without an answer', 'publishesInFlightMax', 'count', 'memory', 'too_many_in_flight'),
      row('messages without an answer', 'publishInFlightMessagesMax', 'count', 'memory', 'too_many_in_flight'),
      row('bytes without an answer', 'publishInFlightBytesMax', 'bytes', 'memory', 'too_many_in_flight'),
      row(
        'pulls that wait on a subscription',
        'pullsWaitingPerSubscriptionMax',
        'count',
        'a request each',
        'too_many_in_flight',
      ),
      row('subscriptions that are pulled from', 'pullSessionsMax', 'count', 'a consumer each', 'too_many_in_flight'),
      row(
        'streams of one subscription, with its pulls as one',
        'consumersPerSubscriptionMax',
        'count',
        'each gets a share of what is there',
        'too_many_in_flight',
      ),
      row(
        'frames of a stream that are worked on',
        'streamFramesInFlightMax',
        'count',
        'back-pressure',
        waits('not read from'),
      ),
      row(
        'messages of a frame of deliveries',
        'streamFrameMessagesMax',
        'count',
        'what a client that does not read costs',
        waits('the next frame'),
      ),
      row(
        'bytes of a frame of deliveries',
        'streamFrameBytesMax',
        'bytes',
        'what a client that does not read costs',
        waits('the next frame; one message of any size goes'),
      ),
    ],
  },
  {
    title: 'Access',
    rows: [
      row(
        '`authorization`, and what is in it',
        'credentialCharactersMax',
        'characters',
        'a key or a token',
        'unauthenticated',
      ),
      row(
        'principal of a token',
        'principalCharactersMax',
        'characters',
        'it is a label and a log field',
        'unauthenticated',
      ),
      row(
        'scopes of a key (and of a token, there 401)',
        'scopesMax',
        'count',
        'each request is matched against them',
        waits('the file is refused whole, and the one before it stays'),
      ),
      row('one scope', 'scopeCharactersMax', 'characters', 'a name and room for wildcards', waits('as for too many')),
      row('wildcards of a scope', 'wildcardsMax', 'count', 'each is a scan of the name', waits('as for too many')),
      row('keys of a file', 'keysMax', 'count', 'read whole when it changes', waits('as for too many scopes')),
      row('file of keys', 'keysFileBytesMax', 'bytes', 'read whole when it changes', waits('not read')),
    ],
  },
  {
    title: 'Silence',
    rows: [
      row(
        'connection of HTTP without a byte',
        'connectionTimeoutMs',
        'ms',
        'above the longest pull and the longest publish',
        waits('closed'),
      ),
      row(
        'connection of HTTP between requests',
        'keepAliveTimeoutMs',
        'ms',
        'above the 60 s after which load balancers close',
        waits('closed'),
      ),
      row('connection of gRPC without a call', 'grpcIdleMs', 'ms', 'clients open another', waits('GOAWAY')),
      row(
        'peer of gRPC that does not answer a ping',
        'grpcKeepaliveTimeoutMs',
        'ms',
        'a pulled cable',
        waits('closed; what its streams held is given back'),
      ),
      row(
        'sign of life of SSE and WebSocket',
        'streamHeartbeatMs',
        'ms',
        'below the minute of common proxies',
        waits('a WebSocket that does not answer before the next one is closed'),
      ),
      row(
        'consumer that nobody pulls from',
        'pullIdleMs',
        'ms',
        'what it prefetched is for others',
        waits('closed; the next pull opens another'),
      ),
    ],
  },
  {
    title: 'Waiting for the backend',
    rows: [
      row(
        'publish',
        'publishTimeoutMs',
        'ms',
        'longer than a broker takes to elect a leader',
        'publish_outcome_unknown',
      ),
      row('any other call', 'adminTimeoutMs', 'ms', 'somebody waits', 'deadline_exceeded'),
      row('`/readyz`', 'healthTimeoutMs', 'ms', 'probes have a deadline of their own', 'backend_unavailable'),
      row(
        'spans on their way to a collector',
        'traceSpansWaitingMax',
        'count',
        'a collector that is away must cost nothing',
        waits('dropped and counted (`sluice_trace_spans_total`)'),
      ),
      row('last spans, at shutdown', 'traceFlushMs', 'ms', 'part of the shutdown', waits('dropped')),
      row('shutdown', 'shutdownMs', 'ms', 'below the ten seconds that are promised', waits('the process ends')),
    ],
  },
];

export function limitsPage(): string {
  const chapters = limitTable.map(({ title, rows }) => {
    const lines = rows.map(
      ({ what, name, unit, why, above }) =>
        `| ${what} | ${valueText(name, unit)} | ${settingText(name)} | ${aboveText(above)} | ${why} |`,
    );
    return `## ${title}\n\n| | bound | setting | one above | why |\n| --- | --- | --- | --- | --- |\n${lines.join('\n')}\n`;
  });
  return `# Limits

Printed from \`src/gateway/limit-table.ts\` by \`npm run docs\`; a test holds the two together, and each bound is tested from both sides in \`test/gateway/limits.test.ts\`
or where the row's door is tested.

What is at the bound works; what is one above it gets the code that the row says, over REST and gRPC alike ([ERRORS.md](ERRORS.md)), and nothing of it was done. Bounds are of one gateway.
Bounds with a setting are set in the file (\`limits: {connectionsMax: 500}\`) or by the variable; the others hold up each other or the backends.
How often files of keys are looked at, and what is kept of tokens that were verified, is in \`src/gateway/access/limits.ts\`.

Names of topics and subscriptions match \`${limits.namePattern.source}\`.

${chapters.join('\n')}`;
}

/** The value of a bound by its name: the gateway's, that of its access control, or the port's. */
export function limitValue(name: LimitRow['name']): number {
  return Number({ ...limits, ...accessLimits, ...gatewayLimits }[name]);
}

function valueText(name: LimitRow['name'], unit: LimitRow['unit']): string {
  const value = limitValue(name);
  const number = value.toLocaleString('en-US').replaceAll(',', ' ');
  if (unit === 'bytes' && value >= 1_024 && value % 1_024 === 0) {
    const isMebibytes = value % 1_048_576 === 0;
    return isMebibytes ? `${value / 1_048_576} MiB` : `${value / 1_024} KiB`;
  }
  return unit === 'count' ? number : `${number} ${unit}`;
}

function settingText(name: string): string {
  if (name === 'pullIdleMs') return '`pullIdleMs`';
  return name in configurableLimits ? `\`limits.${name}\`` : '';
}

function aboveText(above: LimitRow['above']): string {
  return typeof above === 'string' ? `${errorCodes[above].httpStatus} \`${above}\`` : above.text;
}

function row(
  what: string,
  name: LimitRow['name'],
  unit: LimitRow['unit'],
  why: string,
  above: LimitRow['above'],
): LimitRow {
  return { what, name, unit, why, above };
}
