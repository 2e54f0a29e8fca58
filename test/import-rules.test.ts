/**
 * Who may import whom, as one table. The first row that matches a file is its rule; what a rule does not allow is a breach.
 * A folder may always import itself, as far as its row does not say otherwise.
 */

import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { parseSync } from 'oxc-parser';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');

interface Rule {
  readonly from: RegExp;
  /** Packages, `node:` modules, and paths under src/ that may be imported. */
  readonly may: readonly RegExp[];
  readonly why: string;
}

const node = /^node:/;
const portSide = /^src\/adapters\/(?!native\/|rabbitmq\/|kafka\/|registry)[a-z-]+\.ts$/;

const rules: readonly Rule[] = [
  {
    from: /^src\/core-log\/platform\//,
    may: [node, /^src\/core-log\/(platform\/|errors|limits)/],
    why: 'everything not deterministic comes in here',
  },
  {
    from: /^src\/core-log\/record\//,
    may: [node, /^(@node-rs\/crc32|snappy|lz4-napi|fzstd)$/, /^src\/core-log\/(record\/|errors|limits|types)/],
    why: 'bytes of a batch, pure',
  },
  {
    from: /^src\/core-log\/storage\//,
    may: [node, /^src\/core-log\/(storage|record|platform)\//, /^src\/core-log\/(errors|limits|types|options)/],
    why: 'one partition on disk',
  },
  {
    from: /^src\/core-log\/main\.ts$/,
    may: [
      /^commander$/,
      /^src\/core-log\/(maintenance\/(index|text)|errors|storage\/format-version)/,
      /^src\/adapters\/native\/index\.ts$/,
    ],
    why: 'composition root: what is in a data directory, with cursors in the words of the driver that wrote them',
  },
  { from: /^src\/core-log\//, may: [node, /^src\/core-log\//], why: 'the engine stands alone' },

  {
    from: /^src\/adapters\/native\//,
    may: [node, /^src\/adapters\/native\//, portSide, /^src\/core-log\/index\.ts$/],
    why: 'only the native driver knows the engine',
  },
  {
    from: /^src\/adapters\/rabbitmq\//,
    may: [node, /^amqplib/, /^src\/adapters\/rabbitmq\//, portSide],
    why: 'amqplib only here',
  },
  {
    from: /^src\/adapters\/kafka\//,
    may: [node, /^(kafkajs|fzstd$|@node-rs\/crc32$)/, /^src\/adapters\/kafka\//, portSide],
    why: 'kafkajs only here; fzstd for what other clients wrote, CRC-32C of record batches',
  },
  {
    from: /^src\/adapters\/registry\.ts$/,
    may: [/^src\/adapters\/(native|rabbitmq|kafka)\/index\.ts$/, portSide],
    why: 'drivers load when used',
  },
  {
    from: /^src\/adapters\/systems\.ts$/,
    may: [/^src\/adapters\/(native|rabbitmq|kafka)\/(capabilities|version)\.ts$/, portSide],
    why: 'what each system claims, without its client library',
  },
  {
    from: /^src\/adapters\/likeness\.ts$/,
    may: [/^src\/adapters\/rabbitmq\/topic-rules\.ts$/, /^src\/adapters\/kafka\/topics\.ts$/, portSide],
    why: 'what each system refuses, without its client library',
  },
  {
    from: /^src\/adapters\/(tracing|trace-context)\.ts$/,
    may: [/^@opentelemetry\/api$/, portSide],
    why: "OpenTelemetry's API, which does nothing by itself; its SDK is the program's",
  },
  { from: /^src\/adapters\//, may: [node, /^src\/adapters\/[a-z-]+\.ts$/], why: 'the port side knows no broker' },

  {
    from: /^src\/gateway\/main\.ts$/,
    may: [node, /^commander$/, /^src\/gateway\//, /^src\/adapters\/index\.ts$/, /^src\/brokers\/index\.ts$/],
    why: 'composition root',
  },
  {
    from: /^src\/gateway\/access\/keys-command\.ts$/,
    may: [/^commander$/, /^src\/gateway\//],
    why: 'composition root: `sluice keys`',
  },
  {
    from: /^src\/gateway\/trace-export\.ts$/,
    may: [/^@opentelemetry\/(api|sdk-trace|resources|exporter-trace-otlp-proto)$/, /^src\/gateway\/limits\.ts$/],
    why: "OpenTelemetry's SDK, loaded where a collector is configured",
  },
  {
    from: /^src\/gateway\//,
    may: [
      node,
      /^(fastify|fastify-type-provider-zod|zod|pino|prom-client|yaml|jose|@fastify\/|@grpc\/|grpc-health-check)/,
      /^src\/gateway\//,
      /^src\/adapters\/[a-z-]+\.ts$/,
    ],
    why: 'the gateway knows the port only',
  },

  {
    from: /^src\/compare\/(workloads|checkers|statistics)\//,
    may: [/^node:crypto$/, /^src\/compare\/(workloads|checkers|statistics|systems\/(wire|system-ids)|report\/model)/],
    why: 'pure: no files, timers or port',
  },
  {
    from: /^src\/compare\/report\//,
    may: [/^zod$/, /^src\/compare\/(report\/|systems\/system-ids|statistics\/)/],
    why: 'renderers are pure',
  },
  {
    from: /^src\/compare\/regression\//,
    may: [
      /^src\/compare\/(regression\/|conclusions\/assertions|report\/(model|figures)|statistics\/|workloads\/index)/,
    ],
    why: 'two reports in, a table out: pure',
  },
  {
    from: /^src\/compare\/conclusions\//,
    may: [
      /^src\/compare\/(conclusions\/|report\/(model|figures|latency-by-load)|regression\/figures)/,
      /^src\/compare\/(statistics\/|workloads\/index|systems\/system-ids)/,
    ],
    why: 'rows in, conclusions out: pure',
  },
  {
    from: /^src\/compare\/advice\//,
    may: [/^src\/compare\/(advice\/|report\/(model|figures)|statistics\/)/],
    why: 'needs and a report in, advice out: pure',
  },
  {
    from: /^src\/compare\/gateway\//,
    may: [node, /^@grpc\/(grpc-js|proto-loader)$/, /^src\/compare\//, /^src\/client\/index\.ts$/],
    why: 'a gateway as its users have it: by its addresses, with its client',
  },
  {
    from: /^src\/compare\/bare\//,
    may: [
      node,
      /^(amqplib|kafkajs)/,
      /^src\/compare\//,
      /^src\/adapters\/index\.ts$/,
      /^src\/core-log\/index\.ts$/,
      /^src\/brokers\/(index|types)\.ts$/,
    ],
    why: 'bare clients only here',
  },
  {
    from: /^src\/compare\/trace\/record\.ts$/,
    may: [node, /^src\/compare\/trace\//, /^src\/client\/index\.ts$/],
    why: 'what goes through a topic is recorded as an application would read it',
  },
  {
    from: /^src\/compare\/run\/live-metrics\.ts$/,
    may: [node, /^prom-client$/, /^src\/compare\/(report\/model|run\/compare-options)/],
    why: 'what a run shows of itself while it goes on',
  },
  {
    from: /^src\/compare\//,
    may: [
      node,
      /^(commander|yaml|zod)$/,
      /^src\/compare\//,
      /^src\/adapters\/index\.ts$/,
      /^src\/brokers\/(index|types)\.ts$/,
      /^src\/faults\/index\.ts$/,
    ],
    why: 'beside the gateway, on the same port',
  },

  {
    from: /^src\/brokers\//,
    may: [node, /^(commander|testcontainers)$/, /^src\/brokers\//],
    why: 'knows nothing of ours',
  },
  { from: /^src\/faults\//, may: [node, /^src\/faults\//], why: 'the way to a broker and its files, whichever it is' },
  {
    from: /^src\/conformance\//,
    may: [node, /^src\/conformance\//, /^src\/adapters\/(?!native|rabbitmq|kafka)[a-z-]+\.ts$/],
    why: 'any port, no backend',
  },
  {
    from: /^src\/client\/(main\.ts$|commands\/)/,
    may: [node, /^commander$/, /^src\/client\//, /^src\/adapters\/index\.ts$/],
    why: 'composition root: commands over the client, and what the systems claim',
  },
  {
    from: /^src\/client\/trace-headers\.ts$/,
    may: [/^@opentelemetry\/api$/, /^src\/client\/messages\.ts$/],
    why: "the application's trace, by the API that its SDK registers with",
  },
  {
    from: /^src\/client\//,
    may: [node, /^src\/client\/(?!main\.ts|commands\/)/],
    why: 'runs without anything else of ours: its types are printed from the schemas',
  },
  {
    from: /^src\/testing\/main\.ts$/,
    may: [/^src\/adapters\/port\.ts$/, /^src\/gateway\/index\.ts$/],
    why: 'composition root: REST over a test broker, loaded when asked for',
  },
  {
    from: /^src\/testing\//,
    may: [node, /^src\/testing\//, portSide, /^src\/adapters\/native\/index\.ts$/, /^src\/core-log\/index\.ts$/],
    why: 'the port over the native log, whose engine it opens itself to own its clock and its disk; no gateway, no compare',
  },
  { from: /^src\/build-info\.ts$/, may: [node], why: 'what `sluice --version` says, and nothing else' },
  {
    from: /^src\/cli\.ts$/,
    may: [node, /^src\/command-line\.ts$/],
    why: 'where the process begins: V8 is told what it has to be told before anything of ours is loaded',
  },
  {
    from: /^src\/(command-line|index)\.ts$/,
    may: [
      node,
      /^commander$/,
      /^src\/[a-z-]+\/(index|main)\.ts$/,
      /^src\/compare\/trace\/main\.ts$/,
      /^src\/build-info\.ts$/,
    ],
    why: 'composition roots',
  },
];

interface Import {
  readonly file: string;
  readonly target: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name));
}

function importsOf(file: string, source = readFileSync(join(root, file), 'utf8')): Import[] {
  const { module } = parseSync(file, source);
  const named = [
    ...module.staticImports.map(({ moduleRequest }) => moduleRequest.value),
    ...module.staticExports.flatMap(({ entries }) =>
      entries.flatMap(({ moduleRequest }) => moduleRequest?.value ?? []),
    ),
  ];
  const dynamic = module.dynamicImports.flatMap(({ moduleRequest }) => {
    const text = source.slice(moduleRequest.start, moduleRequest.end);
    return /^['"]/.test(text) ? [text.slice(1, -1)] : [];
  });
  return [...new Set([...named, ...dynamic])].map((specifier) => ({
    file,
    target: specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
  }));
}

function breaches(imports: readonly Import[]): string[] {
  return imports.flatMap(({ file, target }) => {
    const rule = rules.find(({ from }) => from.test(file));
    if (rule === undefined) return [`${file} is under no rule`];
    return rule.may.some((allowed) => allowed.test(target)) ? [] : [`${file} imports ${target}, but: ${rule.why}`];
  });
}

describe('who may import whom', () => {
  const files = sourceFiles('src');

  it('every import of src keeps to the table', () => {
    expect(breaches(files.flatMap((file) => importsOf(file)))).toEqual([]);
  });

  it.each([
    ['src/core-log/index.ts', `import '../adapters/port.ts';`],
    ['src/adapters/port.ts', `import type { Engine } from '../core-log/index.ts';`],
    ['src/adapters/kafka/index.ts', `import amqp from 'amqplib';`],
    ['src/gateway/app.ts', `export * from '../core-log/index.ts';`],
    ['src/gateway/app.ts', `const { Kafka } = await import('kafkajs');`],
    ['src/compare/checkers/lost.ts', `import { readFile } from 'node:fs/promises';`],
    ['src/compare/conclusions/verdicts.ts', `import type { Wire } from '../systems/wire.ts';`],
    ['src/testing/test-broker.ts', `import { startGateway } from '../gateway/index.ts';`],
    ['src/client/client.ts', `import type { TopicBody } from '../gateway/schema/topics.ts';`],
    ['src/faults/tcp-proxy.ts', `import { obtainBrokers } from '../brokers/index.ts';`],
    ['src/brokers/index.ts', `import { limits } from '../adapters/limits.ts';`],
  ])('a breach in %s is found: %s', (file, source) => {
    expect(breaches(importsOf(file, source))).toHaveLength(1);
  });
});
