/** The gRPC server over the port: services, health, reflection. It does not listen; connections are handed to it. */

import type { Socket } from 'node:net';
import { Server, ServerCredentials, type ServiceDefinition, type UntypedServiceImplementation } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { HealthImplementation } from 'grpc-health-check';
import type { GatewayContext } from '../context.ts';
import { gatewayLimits } from '../limits.ts';
import { checkService } from '../access/grpc-access.ts';
import { adminHandlers } from './admin.ts';
import { admission } from './admission.ts';
import { endStreamsOf } from './calls.ts';
import { loadProto, loadProtoForReflection, strictService } from './proto.ts';
import { publisherHandlers } from './publisher.ts';
import { subscriberHandlers } from './subscriber.ts';

export interface GrpcServer {
  take(connection: Socket): void;
  /** GOAWAY: no new calls; what is under way finishes. Resolves when every connection is closed. */
  drain(): Promise<void>;
  /** Cuts what is left. */
  destroy(): void;
}

const services = ['sluice.v1.Publisher', 'sluice.v1.Subscriber', 'sluice.v1.Admin'] as const;

export function buildGrpcServer(context: GatewayContext): GrpcServer {
  const server = new Server({
    'grpc.max_receive_message_length': gatewayLimits.bodyBytesMax,
    // A frame of deliveries has one message at least, of any size that was stored.
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': gatewayLimits.grpcCallsPerConnectionMax,
    'grpc.max_connection_idle_ms': gatewayLimits.grpcIdleMs,
    'grpc.keepalive_time_ms': gatewayLimits.grpcKeepaliveMs,
    'grpc.keepalive_timeout_ms': gatewayLimits.grpcKeepaliveTimeoutMs,
    'grpc.enable_channelz': 0,
    interceptors: [admission(context)],
  });
  const proto = loadProto();
  server.addService(strictService(proto, 'Publisher'), publisherHandlers(context));
  server.addService(strictService(proto, 'Subscriber'), subscriberHandlers(context));
  server.addService(strictService(proto, 'Admin'), adminHandlers(context));
  const health = new HealthImplementation(healthOf('SERVING'));
  // Their streams end with ours; by themselves a watcher would hold up the shutdown.
  const registrar = {
    addService: (service: ServiceDefinition, handlers: UntypedServiceImplementation) => {
      checkService(service);
      server.addService(service, endStreamsOf(context, service, handlers));
    },
  } as unknown as Server;
  health.addToServer(registrar);
  new ReflectionService(loadProtoForReflection(), { services: [...services] }).addToServer(registrar);

  const teller = new HealthTeller(context, health);
  const poll = setInterval(() => void teller.ask(), gatewayLimits.grpcHealthPollMs);
  poll.unref();
  void teller.ask();
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  return {
    take: (connection) => injector.injectConnection(connection),
    drain: async () => {
      clearInterval(poll);
      teller.tell('NOT_SERVING');
      await new Promise<void>((resolve) => {
        server.tryShutdown(() => resolve());
      });
    },
    destroy: () => server.forceShutdown(),
  };
}

type Serving = 'SERVING' | 'NOT_SERVING';

/** The empty name is the server as a whole. */
function healthOf(status: Serving): Record<string, Serving> {
  return Object.fromEntries(['', ...services].map((service) => [service, status]));
}

/** Tells watchers when it changed. */
class HealthTeller {
  readonly #context: GatewayContext;
  readonly #health: HealthImplementation;
  #told: Serving = 'SERVING';

  constructor(context: GatewayContext, health: HealthImplementation) {
    this.#context = context;
    this.#health = health;
  }

  async ask(): Promise<void> {
    let isWell = false;
    try {
      isWell = (await this.#context.port.health()).ok;
    } catch {
      // Says the same as a health that is not ok.
    }
    this.tell(isWell && !this.#context.isDraining ? 'SERVING' : 'NOT_SERVING');
  }

  tell(status: Serving): void {
    if (status === this.#told) return;
    this.#told = status;
    for (const [service, serving] of Object.entries(healthOf(status))) this.#health.setStatus(service, serving);
  }
}
