// Original file: proto/sluice/v1/sluice.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { AcknowledgeRequest as _sluice_v1_AcknowledgeRequest, AcknowledgeRequest__Output as _sluice_v1_AcknowledgeRequest__Output } from '../../sluice/v1/AcknowledgeRequest.ts';
import type { ExtendRequest as _sluice_v1_ExtendRequest, ExtendRequest__Output as _sluice_v1_ExtendRequest__Output } from '../../sluice/v1/ExtendRequest.ts';
import type { NackRequest as _sluice_v1_NackRequest, NackRequest__Output as _sluice_v1_NackRequest__Output } from '../../sluice/v1/NackRequest.ts';
import type { PullRequest as _sluice_v1_PullRequest, PullRequest__Output as _sluice_v1_PullRequest__Output } from '../../sluice/v1/PullRequest.ts';
import type { PullResponse as _sluice_v1_PullResponse, PullResponse__Output as _sluice_v1_PullResponse__Output } from '../../sluice/v1/PullResponse.ts';
import type { RejectRequest as _sluice_v1_RejectRequest, RejectRequest__Output as _sluice_v1_RejectRequest__Output } from '../../sluice/v1/RejectRequest.ts';
import type { ReleaseRequest as _sluice_v1_ReleaseRequest, ReleaseRequest__Output as _sluice_v1_ReleaseRequest__Output } from '../../sluice/v1/ReleaseRequest.ts';
import type { SeekRequest as _sluice_v1_SeekRequest, SeekRequest__Output as _sluice_v1_SeekRequest__Output } from '../../sluice/v1/SeekRequest.ts';
import type { SeekResponse as _sluice_v1_SeekResponse, SeekResponse__Output as _sluice_v1_SeekResponse__Output } from '../../sluice/v1/SeekResponse.ts';
import type { SettleResponse as _sluice_v1_SettleResponse, SettleResponse__Output as _sluice_v1_SettleResponse__Output } from '../../sluice/v1/SettleResponse.ts';
import type { StreamingPullRequest as _sluice_v1_StreamingPullRequest, StreamingPullRequest__Output as _sluice_v1_StreamingPullRequest__Output } from '../../sluice/v1/StreamingPullRequest.ts';
import type { StreamingPullResponse as _sluice_v1_StreamingPullResponse, StreamingPullResponse__Output as _sluice_v1_StreamingPullResponse__Output } from '../../sluice/v1/StreamingPullResponse.ts';

export interface SubscriberClient extends grpc.Client {
  Acknowledge(argument: _sluice_v1_AcknowledgeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Acknowledge(argument: _sluice_v1_AcknowledgeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Acknowledge(argument: _sluice_v1_AcknowledgeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Acknowledge(argument: _sluice_v1_AcknowledgeRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  acknowledge(argument: _sluice_v1_AcknowledgeRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  acknowledge(argument: _sluice_v1_AcknowledgeRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  acknowledge(argument: _sluice_v1_AcknowledgeRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  acknowledge(argument: _sluice_v1_AcknowledgeRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  
  Extend(argument: _sluice_v1_ExtendRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Extend(argument: _sluice_v1_ExtendRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Extend(argument: _sluice_v1_ExtendRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Extend(argument: _sluice_v1_ExtendRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  extend(argument: _sluice_v1_ExtendRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  extend(argument: _sluice_v1_ExtendRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  extend(argument: _sluice_v1_ExtendRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  extend(argument: _sluice_v1_ExtendRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  
  Nack(argument: _sluice_v1_NackRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Nack(argument: _sluice_v1_NackRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Nack(argument: _sluice_v1_NackRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Nack(argument: _sluice_v1_NackRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  nack(argument: _sluice_v1_NackRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  nack(argument: _sluice_v1_NackRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  nack(argument: _sluice_v1_NackRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  nack(argument: _sluice_v1_NackRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  
  Pull(argument: _sluice_v1_PullRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  Pull(argument: _sluice_v1_PullRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  Pull(argument: _sluice_v1_PullRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  Pull(argument: _sluice_v1_PullRequest, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  pull(argument: _sluice_v1_PullRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  pull(argument: _sluice_v1_PullRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  pull(argument: _sluice_v1_PullRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  pull(argument: _sluice_v1_PullRequest, callback: grpc.requestCallback<_sluice_v1_PullResponse__Output>): grpc.ClientUnaryCall;
  
  Reject(argument: _sluice_v1_RejectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Reject(argument: _sluice_v1_RejectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Reject(argument: _sluice_v1_RejectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Reject(argument: _sluice_v1_RejectRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  reject(argument: _sluice_v1_RejectRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  reject(argument: _sluice_v1_RejectRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  reject(argument: _sluice_v1_RejectRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  reject(argument: _sluice_v1_RejectRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  
  Release(argument: _sluice_v1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _sluice_v1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _sluice_v1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  Release(argument: _sluice_v1_ReleaseRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _sluice_v1_ReleaseRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _sluice_v1_ReleaseRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _sluice_v1_ReleaseRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  release(argument: _sluice_v1_ReleaseRequest, callback: grpc.requestCallback<_sluice_v1_SettleResponse__Output>): grpc.ClientUnaryCall;
  
  Seek(argument: _sluice_v1_SeekRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  Seek(argument: _sluice_v1_SeekRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  Seek(argument: _sluice_v1_SeekRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  Seek(argument: _sluice_v1_SeekRequest, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  seek(argument: _sluice_v1_SeekRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  seek(argument: _sluice_v1_SeekRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  seek(argument: _sluice_v1_SeekRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  seek(argument: _sluice_v1_SeekRequest, callback: grpc.requestCallback<_sluice_v1_SeekResponse__Output>): grpc.ClientUnaryCall;
  
  StreamingPull(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_StreamingPullRequest, _sluice_v1_StreamingPullResponse__Output>;
  StreamingPull(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_StreamingPullRequest, _sluice_v1_StreamingPullResponse__Output>;
  streamingPull(metadata: grpc.Metadata, options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_StreamingPullRequest, _sluice_v1_StreamingPullResponse__Output>;
  streamingPull(options?: grpc.CallOptions): grpc.ClientDuplexStream<_sluice_v1_StreamingPullRequest, _sluice_v1_StreamingPullResponse__Output>;
  
}

export interface SubscriberHandlers extends grpc.UntypedServiceImplementation {
  Acknowledge: grpc.handleUnaryCall<_sluice_v1_AcknowledgeRequest__Output, _sluice_v1_SettleResponse>;
  
  Extend: grpc.handleUnaryCall<_sluice_v1_ExtendRequest__Output, _sluice_v1_SettleResponse>;
  
  Nack: grpc.handleUnaryCall<_sluice_v1_NackRequest__Output, _sluice_v1_SettleResponse>;
  
  Pull: grpc.handleUnaryCall<_sluice_v1_PullRequest__Output, _sluice_v1_PullResponse>;
  
  Reject: grpc.handleUnaryCall<_sluice_v1_RejectRequest__Output, _sluice_v1_SettleResponse>;
  
  Release: grpc.handleUnaryCall<_sluice_v1_ReleaseRequest__Output, _sluice_v1_SettleResponse>;
  
  Seek: grpc.handleUnaryCall<_sluice_v1_SeekRequest__Output, _sluice_v1_SeekResponse>;
  
  StreamingPull: grpc.handleBidiStreamingCall<_sluice_v1_StreamingPullRequest__Output, _sluice_v1_StreamingPullResponse>;
  
}

export interface SubscriberDefinition extends grpc.ServiceDefinition {
  Acknowledge: MethodDefinition<_sluice_v1_AcknowledgeRequest, _sluice_v1_SettleResponse, _sluice_v1_AcknowledgeRequest__Output, _sluice_v1_SettleResponse__Output>
  Extend: MethodDefinition<_sluice_v1_ExtendRequest, _sluice_v1_SettleResponse, _sluice_v1_ExtendRequest__Output, _sluice_v1_SettleResponse__Output>
  Nack: MethodDefinition<_sluice_v1_NackRequest, _sluice_v1_SettleResponse, _sluice_v1_NackRequest__Output, _sluice_v1_SettleResponse__Output>
  Pull: MethodDefinition<_sluice_v1_PullRequest, _sluice_v1_PullResponse, _sluice_v1_PullRequest__Output, _sluice_v1_PullResponse__Output>
  Reject: MethodDefinition<_sluice_v1_RejectRequest, _sluice_v1_SettleResponse, _sluice_v1_RejectRequest__Output, _sluice_v1_SettleResponse__Output>
  Release: MethodDefinition<_sluice_v1_ReleaseRequest, _sluice_v1_SettleResponse, _sluice_v1_ReleaseRequest__Output, _sluice_v1_SettleResponse__Output>
  Seek: MethodDefinition<_sluice_v1_SeekRequest, _sluice_v1_SeekResponse, _sluice_v1_SeekRequest__Output, _sluice_v1_SeekResponse__Output>
  StreamingPull: MethodDefinition<_sluice_v1_StreamingPullRequest, _sluice_v1_StreamingPullResponse, _sluice_v1_StreamingPullRequest__Output, _sluice_v1_StreamingPullResponse__Output>
}
