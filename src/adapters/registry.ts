/** Maps a backend's name to its driver by dynamic import, so that amqplib and kafkajs load only when they are used. */

import type { DriverModule } from './driver.ts';

const drivers = {
  native: () => import('./native/index.ts'),
  rabbitmq: () => import('./rabbitmq/index.ts'),
  kafka: () => import('./kafka/index.ts'),
} as const satisfies Record<string, () => Promise<DriverModule>>;

export type BackendName = keyof typeof drivers;

export const backendNames = Object.keys(drivers) as readonly BackendName[];

export async function loadDriver(backend: BackendName): Promise<DriverModule> {
  return await drivers[backend]();
}
