/** The layers above the port: a gateway on the same broker, by REST and by gRPC. */

export { type GatewayProcess, startGatewayProcess } from './gateway-process.ts';
export { openGrpcWire } from './grpc-wire.ts';
export { openRestWire } from './rest-wire.ts';
