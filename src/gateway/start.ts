/** A gateway that listens: port, app, socket; and its orderly end. */

import type { AddressInfo } from 'node:net';
import { type MessagingPort, openPort, PortError } from '../adapters/index.ts';
import { type AppOptions, buildApp, type GatewayApp } from './app.ts';
import { type GatewayConfig, type GatewayConfigInput, isLoopback, parseConfig } from './config.ts';
import { gatewayLimits } from './limits.ts';
import { GatewayMetrics } from './observability.ts';

export interface Gateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly url: string;
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
      hooks: { subscriptionEvent: metrics.subscriptionEvent },
    }));
  const closePort = async (): Promise<void> => {
    if (options.port === undefined) await port.close();
  };
  const built = buildApp({
    port,
    metrics,
    pullIdleMs: config.pullIdleMs,
    ...(options.logger === undefined ? {} : { logger: options.logger }),
  });
  try {
    await built.app.listen({ host: config.host, port: config.port });
  } catch (reason) {
    await built.app.close();
    await closePort();
    throw listenError(reason, config);
  }
  const { port: number } = built.app.server.address() as AddressInfo;
  const host = config.host.includes(':') ? `[${config.host}]` : config.host;
  let closing: Promise<void> | undefined;
  return {
    url: `http://${host}:${number}`,
    port,
    config,
    close: async () => {
      closing ??= closeInOrder(built, closePort);
      await closing;
    },
  };
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

async function closeInOrder({ app, context }: GatewayApp, closePort: () => Promise<void>): Promise<void> {
  const startedAt = performance.now();
  context.isDraining = true;
  // Waiting pulls are answered here, so that closing the server does not wait for them.
  await within(gatewayLimits.shutdownRequestsMs, context.pulls.close());
  const closed = app.close();
  if (!(await within(gatewayLimits.shutdownRequestsMs, closed))) app.server.closeAllConnections();
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

function listenError(reason: unknown, { host, port }: GatewayConfig): PortError {
  const { code, message } = reason as { code?: string; message: string };
  const address = `${host}:${port}`;
  const texts: Readonly<Record<string, string>> = {
    EADDRINUSE: `port ${port} on ${host} is taken by another process: end it, or choose another with --port`,
    EACCES: `listening on ${address} is not allowed for this user: choose a port above 1023 with --port`,
    EADDRNOTAVAIL: `${host} is not an address of this machine`,
    ENOTFOUND: `${host} is not a known host`,
  };
  return new PortError('invalid_argument', texts[code ?? ''] ?? `cannot listen on ${address}: ${message}`, {
    cause: reason,
  });
}
