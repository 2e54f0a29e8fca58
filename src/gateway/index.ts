/**
 * The gateway's door. fastify and the schemas are loaded by the first call, so that a program which only opens ports does not
 * pay for them.
 */

import type { AppOptions, GatewayApp } from './app.ts';
import type { GatewayConfigInput } from './config.ts';
import type { Gateway, StartOptions } from './start.ts';

export type { AppOptions, GatewayApp } from './app.ts';
export type { GatewayConfig, GatewayConfigInput } from './config.ts';
export { quickStartLines, type QuickStartOptions } from './quick-start.ts';
export type { Gateway, StartOptions } from './start.ts';

/**
 * Opens the backend and serves the REST API over it. Resolves when requests are answered.
 * @throws PortError `invalid_argument` or `unknown_field` for a bad configuration or a port that is taken, and what `openPort` throws.
 * @example const gateway = await startGateway({ port: 0, native: { dataDir: './data' } });
 */
export async function startGateway(config: GatewayConfigInput = {}, options: StartOptions = {}): Promise<Gateway> {
  const start = await import('./start.ts');
  return await start.startGateway(config, options);
}

/** The REST API over a port, as a fastify instance that does not listen: for `inject`, or to be mounted elsewhere. */
export async function buildApp(options: AppOptions): Promise<GatewayApp> {
  const app = await import('./app.ts');
  return app.buildApp(options);
}
