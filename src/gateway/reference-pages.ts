/** docs/ERRORS.md and docs/CONFIG.md, printed from the tables that the code runs on; a test holds the files to them. */

import { errorCodes, PortError } from '../adapters/index.ts';
import { parseConfig } from './config.ts';
import { problemOf } from './rest/problem-handler.ts';
import { settings } from './settings.ts';

export function errorsPage(): string {
  const rows = Object.entries(errorCodes).map(
    ([code, { meaning, retryable, httpStatus, grpcStatus }]) =>
      `| \`${code}\` | ${httpStatus} | ${grpcStatus} | ${retryable ? 'yes' : 'no'} | ${meaning} |`,
  );
  const example = problemOf(
    new PortError('invalid_argument', 'body: messages[3].key must be a string', {
      errors: [{ path: 'messages[3].key', message: 'must be a string' }],
    }),
    'req-17',
  );
  return `# Errors

Printed from the table in \`src/adapters/errors.ts\` by \`npm run docs\`; a test holds the two together.

Every error of the REST API is a problem document (RFC 9457, \`application/problem+json\`):

\`\`\`json
${JSON.stringify(example, null, 2)}
\`\`\`

* \`code\` is stable; \`detail\` is for people and holds the values; \`instance\` is the id of the request (header \`x-request-id\`; your own is taken over).
* \`retryable\`: the same call may succeed later. \`retryAfterMs\` and the header \`retry-after\` say when, where it is known.
* \`capability\` names what the backend cannot do, with \`capability_unsupported\`. \`errors\` lists every field that is wrong, in your words.
* A publish of several messages answers 207 when some failed, with \`{"problem": ...}\` in place of a result; a lone message answers its own status.
  \`messageId\` is the id of that message: after \`publish_outcome_unknown\` publish again with the same id.
* \`certainly not stored\` means that: publishing again makes no duplicate.
* Over gRPC the code is the \`reason\` of a \`google.rpc.ErrorInfo\` (domain \`sluice\`) in the status details, with the same particulars: [GRPC.md](GRPC.md).

\`sluice serve\` prints \`sluice: <code>: <message>\`; other commands put their own name in front and the code where they have one. All end with 2 for wrong usage
or configuration, 3 for a backend or system that could not be had, 1 otherwise.

| code | HTTP | gRPC | retryable | meaning |
| --- | --- | --- | --- | --- |
${rows.join('\n')}
`;
}

export function configPage(): string {
  const defaults = parseConfig({}) as unknown as Record<string, unknown>;
  const rows = settings.map(
    ({ path, variable, flag, help }) =>
      `| \`${path}\` | \`${variable}\` | ${flagText(flag)} | ${defaultText(defaults, path)} | ${help} |`,
  );
  return `# Configuration of \`sluice serve\`

Printed from the table in \`src/gateway/settings.ts\` by \`npm run docs\`; a test holds the two together.

A YAML file (\`--config FILE\` or \`SLUICE_CONFIG\`) < \`SLUICE_*\` in the environment < flags. Unknown settings are refused. The effective configuration is
printed at the start, with passwords masked. An empty variable counts as not set. A secret has no flag, because every user of the machine can read those of a process.

| setting | variable | flag | default | |
| --- | --- | --- | --- | --- |
${rows.join('\n')}

Without an address, \`rabbitmq\` and \`kafka\` use the broker that \`sluice brokers up\` left running. An address that other machines can reach is refused unless
\`allowUnauthenticated\` says so or \`access\` asks for credentials. [ACCESS.md](ACCESS.md) tells how; \`access.keys\`, \`access.certificates\`,
\`access.quotas\`, the quota of one key, and \`tracing.headers\` are in files only. Of OpenTelemetry's own variables those are read that [TRACING.md](TRACING.md) names,
for what nothing of ours says.

\`\`\`yaml
backend: kafka
port: 8081
kafka:
  brokers: [kafka-1:9092, kafka-2:9092]
\`\`\`

[EXISTING-BROKERS.md](EXISTING-BROKERS.md) tells how to log in to a broker of your own, what its user must be allowed, and how \`topics\` and \`subscriptions\` map what
is there already with \`manage: none\`.

The bounds that can be set (\`limits.*\`), and those that cannot, are in [LIMITS.md](LIMITS.md).
`;
}

function flagText(flag: string | undefined): string {
  return flag === undefined ? 'none' : `\`${flag.split(' ', 1)[0]}\``;
}

function defaultText(defaults: Record<string, unknown>, path: string): string {
  let value: unknown = defaults;
  for (const part of path.split('.')) value = (value as Record<string, unknown> | undefined)?.[part];
  return value === undefined || (Array.isArray(value) && value.length === 0)
    ? ''
    : `\`${value as string | number | boolean}\``;
}
