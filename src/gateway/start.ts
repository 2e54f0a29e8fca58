/** A gateway that listens: port, app, socket; and its orderly end. */

import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { limits, type MessagingPort, openPort, PortError } from '../adapters/index.ts';
import { type AppOptions, buildApp, type GatewayApp } from './app.ts';
import { type GatewayConfig, type GatewayConfigInput, isLoopback, parseConfig } from './config.ts';
import { GrpcListener } from './grpc/listener.ts';
import { gatewayLimits } from './limits.ts';
import { GatewayMetrics } from './observability.ts';

export interface Gateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
  /** Of gRPC, such as `127.0.0.1:9090`; null where it is off. */
  readonly grpcAddress: string | null;
  readonly port: MessagingPort;
  readonly config: GatewayConfig;
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
  if (!isLoopback(config.host) && !config.allowUnauthenticated) {
    throw new PortError(
      'invalid_argument',
      `host ${config.host} can be reached from other machines and there are no credentials: say --allow-unauthenticated, or listen on 127.0.0.1`,
    );
  }
  const metrics = new GatewayMetrics();
  const port =
    options.port ??
    (await openPort({
      backend: config.backend,
      config: backendConfig(config),
      ...(config.like === undefined ? {} : { like: config.like }),
      hooks: { subscriptionEvent: metrics.subscriptionEvent },
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
    ...(options.logger === undefined ? {} : { logger: options.logger }),
  });
  const grpc = config.grpcPort === 'off' ? undefined : new GrpcListener(built.context);
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
    await built.app.close();
    await closePort();
    throw reason;
  }
  const { port: number } = built.app.server.address() as AddressInfo;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host}:${number}`,
    grpcAddress: grpc === undefined ? null : `${host}:${grpcPort}`,
    port,
    config,
    close: async () => {
      closing ??= closeInOrder(built, grpc, closePort);
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
): Promise<void> {
  const startedAt = performance.now();
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
  const leftMs = gatewayLimits.shutdownMs - (performance.now() - startedAt);
  await within(leftMs, Promise.all([closed, closePort()]));
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
