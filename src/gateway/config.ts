/**
 * The configuration: one strict schema; a YAML file < SLUICE_* in the environment < flags. settings.ts names each setting's
 * variable and flag.
 */

import { readFileSync } from 'node:fs';
import { parse as parseYaml } from 'yaml';
import { z } from 'zod';
import { backendNames, type BackendName, limits, PortError } from '../adapters/index.ts';
import { AccessSchema, needsCredentials, OriginText, TlsSchema } from './access/schema.ts';
import { type ConfigurableLimit, configurableLimits, gatewayLimits } from './limits.ts';
import { errorFromIssues } from './rest/problem-handler.ts';
import { type Setting, settings } from './settings.ts';

const Port = z.int('must be a port number').min(0).max(65_535);
const HostPort = z.string().regex(/^[^\s,:]+:\d{1,5}$|^\[[0-9a-fA-F:]+\]:\d{1,5}$/, 'must be host:port');
const AmqpUrl = z.string().regex(/^amqps?:\/\/\S+$/, 'must be amqp://user:password@host:port');
const Text = z.string().min(1);
const Manage = z.enum(['full', 'none']).default('full');
const Tls = z.strictObject({
  enabled: z.boolean().exactOptional(),
  caFile: Text.exactOptional(),
  certFile: Text.exactOptional(),
  keyFile: Text.exactOptional(),
  serverName: Text.exactOptional(),
  verify: z.boolean().exactOptional(),
});
const HeaderText = z
  .string()
  .max(8_192)
  .regex(/^[\x20-\x7e]*$/, 'must be printable ASCII');
const Otlp = z.union(
  [z.literal('off'), z.string().refine((text) => /^https?:\/\/\S+$/.test(text) && URL.canParse(text))],
  'must be the http:// or https:// address of a collector, or "off"',
);
const Limits = z
  .strictObject(
    Object.fromEntries(
      Object.entries(configurableLimits).map(([name, { min, max }]) => [
        name,
        z
          .int()
          .min(min)
          .max(max)
          .default(gatewayLimits[name as ConfigurableLimit]),
      ]),
    ) as { readonly [L in ConfigurableLimit]: z.ZodDefault<z.ZodInt> },
  )
  .prefault({});
/** What each entry may hold differs by broker: its driver checks them, as strictly, before anything is connected. */
const Mapping = z.array(z.record(z.string(), z.unknown()));

export const GatewayConfig = z.strictObject({
  backend: z.enum(backendNames as [BackendName, ...BackendName[]]).default('native'),
  like: z.string().min(1).exactOptional(),
  host: z.string().min(1).default('127.0.0.1'),
  port: Port.default(8080),
  grpcPort: z.union([Port, z.literal('off')], 'must be a port number or "off"').default(9090),
  allowUnauthenticated: z.boolean().default(false),
  access: AccessSchema.prefault({}),
  tls: TlsSchema.exactOptional(),
  corsOrigins: z.array(OriginText).max(100).default([]),
  logLevel: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']).default('warn'),
  gatewayName: z
    .string()
    .min(1)
    .refine(
      (name) => Buffer.byteLength(name) <= limits.gatewayNameBytesMax,
      `has more than ${limits.gatewayNameBytesMax} bytes`,
    )
    .exactOptional(),
  ackTokenKeys: z.array(z.string().min(limits.tokenKeyCharactersMin)).min(1).max(limits.tokenKeysMax).exactOptional(),
  tracing: z
    .strictObject({
      otlp: Otlp.exactOptional(),
      sampleRatio: z.number().min(0).max(1).default(1),
      headers: z
        .record(z.string().regex(/^[A-Za-z0-9-]{1,100}$/, 'must be a name of a header'), HeaderText)
        .exactOptional(),
      serviceName: z.string().min(1).max(200).default('sluice'),
    })
    .prefault({}),
  pullIdleMs: z.int().min(10).max(3_600_000).default(gatewayLimits.pullIdleMs),
  limits: Limits,
  native: z
    .strictObject({
      dataDir: z.string().min(1).default('./sluice-data'),
      durability: z.enum(['memory', 'os', 'fsync']).default('fsync'),
    })
    .prefault({}),
  rabbitmq: z
    .strictObject({
      urls: z.array(AmqpUrl).min(1).exactOptional(),
      vhost: Text.exactOptional(),
      mechanism: z.enum(['plain', 'external']).exactOptional(),
      username: Text.exactOptional(),
      password: Text.exactOptional(),
      passwordFile: Text.exactOptional(),
      tls: Tls.exactOptional(),
      manage: Manage,
      topics: Mapping.exactOptional(),
      subscriptions: Mapping.exactOptional(),
    })
    .prefault({}),
  kafka: z
    .strictObject({
      brokers: z.array(HostPort).min(1).exactOptional(),
      clientId: z.string().min(1).max(200).exactOptional(),
      tls: Tls.exactOptional(),
      sasl: z
        .strictObject({
          mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512', 'oauthbearer']),
          username: Text.exactOptional(),
          password: Text.exactOptional(),
          passwordFile: Text.exactOptional(),
          tokenFile: Text.exactOptional(),
        })
        .exactOptional(),
      manage: Manage,
      topics: Mapping.exactOptional(),
      subscriptions: Mapping.exactOptional(),
    })
    .prefault({}),
});

export type GatewayConfig = z.output<typeof GatewayConfig>;
export type GatewayConfigInput = z.input<typeof GatewayConfig>;

export interface ConfigSources {
  /** Path of a YAML file. */
  readonly file?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** By `Setting.path`, as text. */
  readonly flags?: Readonly<Record<string, string | boolean | undefined>>;
}

/** @throws PortError `invalid_argument` or `unknown_field` that names the source and the setting. */
export function loadConfig({ file, env = {}, flags = {} }: ConfigSources): GatewayConfig {
  const merged: Record<string, unknown> = file === undefined ? {} : readConfigFile(file);
  for (const setting of settings) {
    const variable = env[setting.variable];
    // An empty variable is one that somebody unset the only way a compose file can.
    if (variable !== undefined && variable !== '') put(merged, setting, variable, setting.variable);
    const flag = flags[setting.path];
    if (flag !== undefined) put(merged, setting, flag, setting.flag?.split(' ', 1)[0] ?? setting.path);
  }
  readStandardVariables(merged, env);
  return parseConfig(merged);
}

/**
 * The variables that every program with OpenTelemetry reads, for what nothing of ours says. The rest of them (headers, timeout, compression,
 * certificates, attributes) is read by its libraries.
 */
function readStandardVariables(merged: Record<string, unknown>, env: NonNullable<ConfigSources['env']>): void {
  const tracing = merged['tracing'] ?? {};
  if (typeof tracing !== 'object' || env['OTEL_SDK_DISABLED'] === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none')
    return;
  const own = env['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'] ?? '';
  const base = env['OTEL_EXPORTER_OTLP_ENDPOINT'] ?? '';
  const otlp = own === '' && base !== '' ? `${base.replace(/\/$/, '')}/v1/traces` : own;
  const inAttributes = /(?:^|,)\s*service\.name=([^,]*)/.exec(env['OTEL_RESOURCE_ATTRIBUTES'] ?? '')?.[1];
  const serviceName = env['OTEL_SERVICE_NAME'] || (inAttributes ?? '').trim();
  const found = { ...(otlp === '' ? {} : { otlp }), ...(serviceName === '' ? {} : { serviceName }) };
  if (!('otlp' in tracing) && 'otlp' in found) {
    const protocol = env['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL'] ?? env['OTEL_EXPORTER_OTLP_PROTOCOL'];
    if (protocol === 'grpc')
      throw wrong(
        'tracing.otlp',
        'is not set, and OTEL_EXPORTER_OTLP_PROTOCOL asks for grpc, which is not spoken here: give the HTTP address of the collector (port 4318), or "off"',
      );
  }
  merged['tracing'] = { ...found, ...tracing };
}

/** Fills in the defaults. @throws PortError */
export function parseConfig(input: unknown): GatewayConfig {
  const result = GatewayConfig.safeParse(withFreePorts(input));
  if (!result.success) throw errorFromIssues(result.error.issues, 'configuration');
  checkAccess(result.data);
  return result.data;
}

/** What contradicts itself is refused: of two readings of it, one lets everybody in. */
function checkAccess({ host, access, tls, allowUnauthenticated }: GatewayConfig): void {
  if (needsCredentials(access) && allowUnauthenticated)
    throw wrong('allowUnauthenticated', 'contradicts access, which asks for credentials: take one of them away');
  if (access.certificates !== undefined && (tls?.clientCertificates ?? 'none') === 'none')
    throw wrong(
      'access.certificates',
      'needs tls.clientCertificates to be optional or required: nobody would be asked for one',
    );
  if (!isLoopback(host) && !needsCredentials(access) && !allowUnauthenticated)
    throw new PortError(
      'invalid_argument',
      `host ${host} can be reached from other machines and there are no credentials: configure access (docs/ACCESS.md), ` +
        'say --allow-unauthenticated, or listen on 127.0.0.1',
    );
}

/** Whoever takes a free port for REST has more than one gateway in mind: the fixed one of gRPC would be taken by the second. */
function withFreePorts(input: unknown): unknown {
  const isFree = typeof input === 'object' && input !== null && 'port' in input && input.port === 0;
  return isFree ? { grpcPort: 0, ...input } : input;
}

/** A host that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(host);
}

/** The effective configuration in one line; passwords are masked, in addresses too. */
const secretNames: ReadonlySet<string> = new Set(['password', 'hash', 'ackTokenKeys', 'headers']);

export function configText(config: GatewayConfig): string {
  const { native, rabbitmq, kafka, ...common } = config;
  const own = { native, rabbitmq, kafka }[config.backend];
  const masked = (key: string, value: unknown): unknown => (secretNames.has(key) ? '***' : value);
  return JSON.stringify({ ...common, [config.backend]: own }, masked).replace(/\w+:\/\/[^\s"]+/g, maskedAddress);
}

/** As a URL is read, a password goes up to the last @ before the path; and what a query says may be a key. */
function maskedAddress(address: string): string {
  return address.replace(/^(\w+:\/\/)[^/?#]*@/, '$1***@').replace(/\?.*$/, '?***');
}

function readConfigFile(file: string): Record<string, unknown> {
  let content: unknown;
  try {
    content = parseYaml(readFileSync(file, 'utf8'), { maxAliasCount: 0 });
  } catch (cause) {
    const why = (cause as Error).message.split('\n', 1)[0];
    throw new PortError('invalid_argument', `configuration file ${file} cannot be read: ${why}`, { cause });
  }
  if (content === null) return {};
  if (typeof content !== 'object' || Array.isArray(content)) {
    throw new PortError('invalid_argument', `configuration file ${file} must hold settings by name`);
  }
  return structuredClone(content) as Record<string, unknown>;
}

function put(target: Record<string, unknown>, setting: Setting, given: string | boolean, source: string): void {
  const value = readValue(setting, given, source);
  const [last = '', ...sections] = setting.path.split('.').toReversed();
  let section = target;
  for (const name of sections.toReversed()) {
    const inner = section[name] ?? {};
    if (typeof inner !== 'object') return; // a section that is none, such as `native: 5`, is left for the schema to refuse
    section[name] = { ...inner };
    section = section[name] as Record<string, unknown>;
  }
  section[last] = value;
}

function readValue({ read, path }: Pick<Setting, 'read' | 'path'>, given: string | boolean, source: string): unknown {
  switch (read) {
    case 'text':
      return given;
    case 'list':
      return String(given)
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '');
    case 'number':
      if (typeof given === 'string' && /^\d{1,10}$/.test(given)) return Number(given);
      throw wrong(path, `must be a whole number, not ${JSON.stringify(given)} (${source})`);
    case 'decimal':
      if (typeof given === 'string' && /^\d{1,10}(\.\d{1,10})?$/.test(given)) return Number(given);
      throw wrong(path, `must be a number such as 0.25, not ${JSON.stringify(given)} (${source})`);
    case 'numberOrOff':
      return given === 'off' ? given : readValue({ read: 'number', path }, given, source);
    case 'flag':
      if (given === true || given === 'true' || given === '1') return true;
      if (given === false || given === 'false' || given === '0') return false;
      throw wrong(path, `must be true or false, not ${JSON.stringify(given)} (${source})`);
  }
}

function wrong(path: string, message: string): PortError {
  return new PortError('invalid_argument', `configuration: ${path} ${message}`, { errors: [{ path, message }] });
}
