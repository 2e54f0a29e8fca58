// Original file: proto/sluice/v1/sluice.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { PublishRequest as _sluice_v1_PublishRequest, PublishRequest__Output as _sluice_v1_PublishRequest__Output } from '../../sluice/v1/PublishRequest.ts';
import type { PublishResponse as _sluice_v1_PublishResponse, PublishResponse__Output as _sluice_v1_PublishResponse__Output } from '../../sluice/v1/PublishResponse.ts';
import type { PublishStreamRequest as _sluice_v1_PublishStreamRequest, PublishStreamRequest__Output as _sluice_v1_PublishStreamRequest__Output } from '../../sluice/v1/PublishStreamRequest.ts';
import type { PublishStreamResponse as _sluice_v1_PublishStreamResponse, PublishStreamResponse__Output as _sluice_v1_PublishStreamResponse__Output } from '../../sluice/v1/PublishStreamResponse.ts';

export interface PublisherClient extends grpc.Client {
  Publish(argument: _sluice_v1_PublishRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  Publish(argument: _sluice_v1_PublishRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  Publish(argument: _sluice_v1_PublishRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  Publish(argument: _sluice_v1_PublishRequest, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  publish(argument: _sluice_v1_PublishRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  publish(argument: _sluice_v1_PublishRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  publish(argument: _sluice_v1_PublishRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  publish(argument: _sluice_v1_PublishRequest, callback: grpc.requestCallback<_sluice_v1_PublishResponse__Output>): grpc.ClientUnaryCall;
  
  PublishStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_PublishStreamRequest, _sluice_v1_PublishStreamResponse__Output>;
  PublishStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_PublishStreamRequest, _sluice_v1_PublishStreamResponse__Output>;
  publishStream(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_PublishStreamRequest, _sluice_v1_PublishStreamResponse__Output>;
  publishStream(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_PublishStreamRequest, _sluice_v1_PublishStreamResponse__Output>;
  
}

export interface PublisherHandlers extends grpc.UntypedServiceImplementation {
  Publish: grpc.handleUnaryCall<_sluice_v1_PublishRequest__Output, _sluice_v1_PublishResponse>;
  
  PublishStream: grpc.handleBidiStreamingCall<_sluice_v1_PublishStreamRequest__Output, _sluice_v1_PublishStreamResponse>;
  
}

export interface PublisherDefinition extends grpc.ServiceDefinition {
  Publish: MethodDefinition<_sluice_v1_PublishRequest, _sluice_v1_PublishResponse, _sluice_v1_PublishRequest__Output, _sluice_v1_PublishResponse__Output>
  PublishStream: MethodDefinition<_sluice_v1_PublishStreamRequest, _sluice_v1_PublishStreamResponse, _sluice_v1_PublishStreamRequest__Output, _sluice_v1_PublishStreamResponse__Output>
}
