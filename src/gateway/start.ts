/** A gateway that listens: port, app, socket; and its orderly end. */

import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { limits, type MessagingPort, openPort, PortError } from '../adapters/index.ts';
import { Access } from './access/access.ts';
import { checkRpcs } from './access/grpc-access.ts';
import { accessLimits } from './access/limits.ts';
import { ServerCertificates } from './access/server-certificates.ts';
import { type AppOptions, buildApp, type GatewayApp } from './app.ts';
import { type GatewayConfig, type GatewayConfigInput, isLoopback, parseConfig } from './config.ts';
import { GrpcListener } from './grpc/listener.ts';
import { protoDirectory, protoFile } from './grpc/proto-file.ts';
import { gatewayLimits } from './limits.ts';
import { GatewayMetrics } from './observability.ts';
import { openTracing, type Tracing } from './tracing.ts';

export interface Gateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Of gRPC, such as `127.0.0.1:9090`; null where it is off. */
  readonly grpcAddress: string | null;
  readonly port: MessagingPort;
  readonly config: GatewayConfig;
  /** Reads keys, certificates and JWKS again, changed or not. They are also read by themselves when their files change. */
  reloadAccess(): Promise<void>;
  /** Not ready, no new work, requests under way finish, deliveries are given back, the port closes. Idempotent, under 10 s. */
  close(): Promise<void>;
}

export interface StartOptions {
  /** A port that is open already; it stays open when the gateway closes. */
  readonly port?: MessagingPort;
  readonly logger?: NonNullable<AppOptions['logger']>;
}

/**
 * Resolves when requests are answered.
 * @throws PortError `invalid_argument` or `unknown_field` for a bad configuration or a port that is taken, and what `openPort` throws.
 */
export async function startGateway(input: GatewayConfigInput = {}, options: StartOptions = {}): Promise<Gateway> {
  const config = parseConfig(input);
  const metrics = new GatewayMetrics();
  if (config.grpcPort !== 'off') checkRpcs(protoDirectory, protoFile);
  // Before the backend: a key file that cannot be read is said in a moment.
  const guards = await openGuards(config, metrics, options.logger);
  if (options.port !== undefined && (config.tracing.otlp ?? 'off') !== 'off')
    throw new PortError(
      'invalid_argument',
      'configuration: tracing.otlp is not for a port that is open: open it with a tracerProvider',
    );
  const tracing = await openTracing(config.tracing, gatewayName(config), metrics);
  const port =
    options.port ??
    (await openPort({
      backend: config.backend,
      config: backendConfig(config),
      ...(config.like === undefined ? {} : { like: config.like }),
      ...(tracing.provider === undefined ? {} : { tracerProvider: tracing.provider }),
      hooks: { subscriptionEvent: metrics.subscriptionEvent, synced: metrics.synced },
      tokens: {
        gateway: gatewayName(config),
        ...(config.ackTokenKeys === undefined ? {} : { keys: config.ackTokenKeys }),
      },
    }));
  const closePort = async (): Promise<void> => {
    if (options.port === undefined) await port.close();
  };
  const built = buildApp({
    port,
    metrics,
    pullIdleMs: config.pullIdleMs,
    limits: config.limits,
    access: guards.access,
    corsOrigins: config.corsOrigins,
    loopbackHostsOnly: isLoopback(config.host) && !guards.access.isOn && !config.allowUnauthenticated,
    ...(guards.certificates === undefined ? {} : { certificates: guards.certificates }),
    ...(options.logger === undefined ? {} : { logger: options.logger }),
  });
  const grpc = config.grpcPort === 'off' ? undefined : new GrpcListener(built.context, guards.certificates);
  guards.attach(built);
  tracing.attach(built.app.log);
  let grpcPort = 0;
  try {
    await listen(config.host, config.port, '--port', async (host, number) => {
      await built.app.listen({ host, port: number });
    });
    if (grpc !== undefined && config.grpcPort !== 'off') {
      await listen(config.host, config.grpcPort, '--grpc-port', async (host, number) => {
        grpcPort = await grpc.listen(host, number);
      });
    }
  } catch (reason) {
    grpc?.destroy();
    guards.close();
    await built.app.close();
    await closePort();
    await tracing.close();
    throw reason;
  }
  const { port: number } = built.app.server.address() as AddressInfo;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  let closing: Promise<void> | undefined;
  return {
    url: `${guards.certificates === undefined ? 'http' : 'https'}://${host}:${number}`,
    grpcAddress: grpc === undefined ? null : `${host}:${grpcPort}`,
    port,
    config,
    reloadAccess: async () => await guards.access.reload(),
    close: async () => {
      guards.close();
      closing ??= closeInOrder(built, grpc, closePort, tracing);
      await closing;
    },
  };
}

/** Where a token that comes to another gateway belongs. On a free port there is nothing that would hold after a restart. */
function gatewayName({ gatewayName: given, port }: GatewayConfig): string {
  if (given !== undefined) return given;
  if (port === 0) return '';
  const name = `:${port}`;
  return hostname().slice(0, limits.gatewayNameBytesMax - name.length) + name;
}

interface Guards {
  readonly access: Access;
  readonly certificates: ServerCertificates | undefined;
  /** Their log, and the streams that they watch over. */
  attach(built: GatewayApp): void;
  close(): void;
}

async function openGuards(
  config: GatewayConfig,
  metrics: GatewayMetrics,
  logger: AppOptions['logger'],
): Promise<Guards> {
  let built: GatewayApp | undefined;
  const early: string[] = [];
  const access = await Access.open(config.access, {
    reloaded: metrics.accessReloaded,
    log: {
      info: (fields, text) => built?.app.log.info(fields, text),
      error: (fields, text) => {
        if (built === undefined) early.push(`${text}: ${JSON.stringify(fields)}`);
        else built.app.log.error(fields, text);
      },
    },
  });
  const certificates = config.tls === undefined ? undefined : await ServerCertificates.open(config.tls);
  if (certificates !== undefined) {
    await access.files.add(certificates.files, async () => {
      try {
        await certificates.reload();
        access.noteReload('certificates');
      } catch (reason) {
        access.noteReload('certificates', reason);
      }
    });
  }
  let review: NodeJS.Timeout | undefined;
  return {
    access,
    certificates,
    attach: (app) => {
      built = app;
      for (const text of early) app.app.log.error(text);
      certificates?.keepFresh(app.app.server as never);
      if (logger !== undefined) warnOfPlainText(config, app);
      if (!access.isOn) return;
      review = setInterval(
        () => app.context.streams.review((caller) => access.review(caller)),
        accessLimits.streamsReviewMs,
      );
      review.unref();
    },
    close: () => {
      clearInterval(review);
      access.close();
    },
  };
}

/** Not refused: TLS may end at a proxy or in a mesh. */
function warnOfPlainText({ host, tls, access }: GatewayConfig, { app }: GatewayApp): void {
  if (!isLoopback(host) && tls === undefined)
    app.log.warn(
      { host },
      'credentials and messages travel unencrypted, unless something in front of this gateway does TLS',
    );
  const { jwksUrl } = access.jwt ?? {};
  if (jwksUrl?.startsWith('http:') === true && !isLoopback(new URL(jwksUrl).hostname))
    app.log.warn({}, 'access.jwt.jwksUrl is not https: who is in between can issue tokens');
}

function backendConfig(config: GatewayConfig): Record<string, unknown> {
  switch (config.backend) {
    case 'native':
      return { ...config.native };
    case 'rabbitmq':
      if (config.rabbitmq.urls === undefined)
        throw new PortError('invalid_argument', 'configuration: rabbitmq.urls is missing');
      return { ...config.rabbitmq };
    case 'kafka':
      if (config.kafka.brokers === undefined)
        throw new PortError('invalid_argument', 'configuration: kafka.brokers is missing');
      return { ...config.kafka };
  }
}

async function closeInOrder(
  { app, context }: GatewayApp,
  grpc: GrpcListener | undefined,
  closePort: () => Promise<void>,
  tracing: Tracing,
): Promise<void> {
  const startedAt = performance.now();
  app.log.info({}, 'shutting down');
  context.isDraining = true;
  const drained = grpc?.drain();
  // Waiting pulls are answered and streams ended here, so that closing the servers does not wait for them.
  const lingered = new Promise<void>((resolve) => {
    setTimeout(resolve, gatewayLimits.shutdownLingerMs);
  });
  await within(
    gatewayLimits.shutdownRequestsMs,
    Promise.all([context.pulls.close(), context.streams.close(), lingered]),
  );
  const closed = Promise.all([app.close(), drained]);
  if (!(await within(gatewayLimits.shutdownRequestsMs, closed))) {
    app.server.closeAllConnections();
    grpc?.destroy();
  }
  // The last spans, of what the shutdown gave back, are there when the port is closed.
  const flushMs = tracing.provider === undefined ? 0 : gatewayLimits.traceFlushMs;
  const leftMs = gatewayLimits.shutdownMs - flushMs - (performance.now() - startedAt);
  await within(leftMs, Promise.all([closed, closePort()]));
  await tracing.close();
  app.log.info({ durationMs: Math.round(performance.now() - startedAt) }, 'closed');
}

/** Whether the work ended in time. Its failure is thrown. */
async function within(timeoutMs: number, work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(resolve, timeoutMs, false);
  });
  try {
    return await Promise.race([work.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** @throws PortError that says what to do, with the flag that the number came from. */
async function listen(
  host: string,
  port: number,
  flag: '--port' | '--grpc-port',
  start: (host: string, port: number) => Promise<void>,
): Promise<void> {
  try {
    await start(host, port);
  } catch (cause) {
    const { code, message } = cause as { code?: string; message: string };
    const texts: Readonly<Record<string, string>> = {
      EADDRINUSE:
        `port ${port} on ${host} is taken by another process: end it, or choose another with ${flag}` +
        (flag === '--port' ? '' : ', or do without gRPC with --grpc-port off'),
      EACCES: `listening on ${host}:${port} is not allowed for this user: choose a port above 1023 with ${flag}`,
      EADDRNOTAVAIL: `${host} is not an address of this machine`,
      ENOTFOUND: `${host} is not a known host`,
    };
    const text = texts[code ?? ''] ?? `cannot listen on ${host}:${port}: ${message}`;
    throw new PortError('invalid_argument', text, { cause });
  }
}
