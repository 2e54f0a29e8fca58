import type * as grpc from '@grpc/grpc-js';
import type { EnumTypeDefinition, MessageTypeDefinition } from '@grpc/proto-loader';

import type { AcknowledgeRequest as _sluice_v1_AcknowledgeRequest, AcknowledgeRequest__Output as _sluice_v1_AcknowledgeRequest__Output } from './sluice/v1/AcknowledgeRequest.ts';
import type { AdminClient as _sluice_v1_AdminClient, AdminDefinition as _sluice_v1_AdminDefinition } from './sluice/v1/Admin.ts';
import type { BackendState as _sluice_v1_BackendState, BackendState__Output as _sluice_v1_BackendState__Output } from './sluice/v1/BackendState.ts';
import type { CapabilityClaim as _sluice_v1_CapabilityClaim, CapabilityClaim__Output as _sluice_v1_CapabilityClaim__Output } from './sluice/v1/CapabilityClaim.ts';
import type { CreateSubscriptionRequest as _sluice_v1_CreateSubscriptionRequest, CreateSubscriptionRequest__Output as _sluice_v1_CreateSubscriptionRequest__Output } from './sluice/v1/CreateSubscriptionRequest.ts';
import type { CreateSubscriptionResponse as _sluice_v1_CreateSubscriptionResponse, CreateSubscriptionResponse__Output as _sluice_v1_CreateSubscriptionResponse__Output } from './sluice/v1/CreateSubscriptionResponse.ts';
import type { CreateTopicRequest as _sluice_v1_CreateTopicRequest, CreateTopicRequest__Output as _sluice_v1_CreateTopicRequest__Output } from './sluice/v1/CreateTopicRequest.ts';
import type { CreateTopicResponse as _sluice_v1_CreateTopicResponse, CreateTopicResponse__Output as _sluice_v1_CreateTopicResponse__Output } from './sluice/v1/CreateTopicResponse.ts';
import type { Credit as _sluice_v1_Credit, Credit__Output as _sluice_v1_Credit__Output } from './sluice/v1/Credit.ts';
import type { DeleteSubscriptionRequest as _sluice_v1_DeleteSubscriptionRequest, DeleteSubscriptionRequest__Output as _sluice_v1_DeleteSubscriptionRequest__Output } from './sluice/v1/DeleteSubscriptionRequest.ts';
import type { DeleteSubscriptionResponse as _sluice_v1_DeleteSubscriptionResponse, DeleteSubscriptionResponse__Output as _sluice_v1_DeleteSubscriptionResponse__Output } from './sluice/v1/DeleteSubscriptionResponse.ts';
import type { DeleteTopicRequest as _sluice_v1_DeleteTopicRequest, DeleteTopicRequest__Output as _sluice_v1_DeleteTopicRequest__Output } from './sluice/v1/DeleteTopicRequest.ts';
import type { DeleteTopicResponse as _sluice_v1_DeleteTopicResponse, DeleteTopicResponse__Output as _sluice_v1_DeleteTopicResponse__Output } from './sluice/v1/DeleteTopicResponse.ts';
import type { Delivery as _sluice_v1_Delivery, Delivery__Output as _sluice_v1_Delivery__Output } from './sluice/v1/Delivery.ts';
import type { Durability as _sluice_v1_Durability, Durability__Output as _sluice_v1_Durability__Output } from './sluice/v1/Durability.ts';
import type { ExtendRequest as _sluice_v1_ExtendRequest, ExtendRequest__Output as _sluice_v1_ExtendRequest__Output } from './sluice/v1/ExtendRequest.ts';
import type { FieldProblem as _sluice_v1_FieldProblem, FieldProblem__Output as _sluice_v1_FieldProblem__Output } from './sluice/v1/FieldProblem.ts';
import type { GetCapabilitiesRequest as _sluice_v1_GetCapabilitiesRequest, GetCapabilitiesRequest__Output as _sluice_v1_GetCapabilitiesRequest__Output } from './sluice/v1/GetCapabilitiesRequest.ts';
import type { GetCapabilitiesResponse as _sluice_v1_GetCapabilitiesResponse, GetCapabilitiesResponse__Output as _sluice_v1_GetCapabilitiesResponse__Output } from './sluice/v1/GetCapabilitiesResponse.ts';
import type { GetLagRequest as _sluice_v1_GetLagRequest, GetLagRequest__Output as _sluice_v1_GetLagRequest__Output } from './sluice/v1/GetLagRequest.ts';
import type { GetLagResponse as _sluice_v1_GetLagResponse, GetLagResponse__Output as _sluice_v1_GetLagResponse__Output } from './sluice/v1/GetLagResponse.ts';
import type { GetSubscriptionRequest as _sluice_v1_GetSubscriptionRequest, GetSubscriptionRequest__Output as _sluice_v1_GetSubscriptionRequest__Output } from './sluice/v1/GetSubscriptionRequest.ts';
import type { GetTopicRequest as _sluice_v1_GetTopicRequest, GetTopicRequest__Output as _sluice_v1_GetTopicRequest__Output } from './sluice/v1/GetTopicRequest.ts';
import type { Header as _sluice_v1_Header, Header__Output as _sluice_v1_Header__Output } from './sluice/v1/Header.ts';
import type { ListSubscriptionsRequest as _sluice_v1_ListSubscriptionsRequest, ListSubscriptionsRequest__Output as _sluice_v1_ListSubscriptionsRequest__Output } from './sluice/v1/ListSubscriptionsRequest.ts';
import type { ListSubscriptionsResponse as _sluice_v1_ListSubscriptionsResponse, ListSubscriptionsResponse__Output as _sluice_v1_ListSubscriptionsResponse__Output } from './sluice/v1/ListSubscriptionsResponse.ts';
import type { ListTopicsRequest as _sluice_v1_ListTopicsRequest, ListTopicsRequest__Output as _sluice_v1_ListTopicsRequest__Output } from './sluice/v1/ListTopicsRequest.ts';
import type { ListTopicsResponse as _sluice_v1_ListTopicsResponse, ListTopicsResponse__Output as _sluice_v1_ListTopicsResponse__Output } from './sluice/v1/ListTopicsResponse.ts';
import type { MaxInFlight as _sluice_v1_MaxInFlight, MaxInFlight__Output as _sluice_v1_MaxInFlight__Output } from './sluice/v1/MaxInFlight.ts';
import type { Message as _sluice_v1_Message, Message__Output as _sluice_v1_Message__Output } from './sluice/v1/Message.ts';
import type { NackRequest as _sluice_v1_NackRequest, NackRequest__Output as _sluice_v1_NackRequest__Output } from './sluice/v1/NackRequest.ts';
import type { Offsets as _sluice_v1_Offsets, Offsets__Output as _sluice_v1_Offsets__Output } from './sluice/v1/Offsets.ts';
import type { OptionValue as _sluice_v1_OptionValue, OptionValue__Output as _sluice_v1_OptionValue__Output } from './sluice/v1/OptionValue.ts';
import type { PartitionLag as _sluice_v1_PartitionLag, PartitionLag__Output as _sluice_v1_PartitionLag__Output } from './sluice/v1/PartitionLag.ts';
import type { Position as _sluice_v1_Position, Position__Output as _sluice_v1_Position__Output } from './sluice/v1/Position.ts';
import type { Problem as _sluice_v1_Problem, Problem__Output as _sluice_v1_Problem__Output } from './sluice/v1/Problem.ts';
import type { PublishMessage as _sluice_v1_PublishMessage, PublishMessage__Output as _sluice_v1_PublishMessage__Output } from './sluice/v1/PublishMessage.ts';
import type { PublishRequest as _sluice_v1_PublishRequest, PublishRequest__Output as _sluice_v1_PublishRequest__Output } from './sluice/v1/PublishRequest.ts';
import type { PublishResponse as _sluice_v1_PublishResponse, PublishResponse__Output as _sluice_v1_PublishResponse__Output } from './sluice/v1/PublishResponse.ts';
import type { PublishResult as _sluice_v1_PublishResult, PublishResult__Output as _sluice_v1_PublishResult__Output } from './sluice/v1/PublishResult.ts';
import type { PublishStreamRequest as _sluice_v1_PublishStreamRequest, PublishStreamRequest__Output as _sluice_v1_PublishStreamRequest__Output } from './sluice/v1/PublishStreamRequest.ts';
import type { PublishStreamResponse as _sluice_v1_PublishStreamResponse, PublishStreamResponse__Output as _sluice_v1_PublishStreamResponse__Output } from './sluice/v1/PublishStreamResponse.ts';
import type { PublisherClient as _sluice_v1_PublisherClient, PublisherDefinition as _sluice_v1_PublisherDefinition } from './sluice/v1/Publisher.ts';
import type { PullRequest as _sluice_v1_PullRequest, PullRequest__Output as _sluice_v1_PullRequest__Output } from './sluice/v1/PullRequest.ts';
import type { PullResponse as _sluice_v1_PullResponse, PullResponse__Output as _sluice_v1_PullResponse__Output } from './sluice/v1/PullResponse.ts';
import type { RejectRequest as _sluice_v1_RejectRequest, RejectRequest__Output as _sluice_v1_RejectRequest__Output } from './sluice/v1/RejectRequest.ts';
import type { ReleaseRequest as _sluice_v1_ReleaseRequest, ReleaseRequest__Output as _sluice_v1_ReleaseRequest__Output } from './sluice/v1/ReleaseRequest.ts';
import type { Retention as _sluice_v1_Retention, Retention__Output as _sluice_v1_Retention__Output } from './sluice/v1/Retention.ts';
import type { Retry as _sluice_v1_Retry, Retry__Output as _sluice_v1_Retry__Output } from './sluice/v1/Retry.ts';
import type { SeekRequest as _sluice_v1_SeekRequest, SeekRequest__Output as _sluice_v1_SeekRequest__Output } from './sluice/v1/SeekRequest.ts';
import type { SeekResponse as _sluice_v1_SeekResponse, SeekResponse__Output as _sluice_v1_SeekResponse__Output } from './sluice/v1/SeekResponse.ts';
import type { SettleResponse as _sluice_v1_SettleResponse, SettleResponse__Output as _sluice_v1_SettleResponse__Output } from './sluice/v1/SettleResponse.ts';
import type { Stored as _sluice_v1_Stored, Stored__Output as _sluice_v1_Stored__Output } from './sluice/v1/Stored.ts';
import type { StreamAck as _sluice_v1_StreamAck, StreamAck__Output as _sluice_v1_StreamAck__Output } from './sluice/v1/StreamAck.ts';
import type { StreamExtend as _sluice_v1_StreamExtend, StreamExtend__Output as _sluice_v1_StreamExtend__Output } from './sluice/v1/StreamExtend.ts';
import type { StreamNack as _sluice_v1_StreamNack, StreamNack__Output as _sluice_v1_StreamNack__Output } from './sluice/v1/StreamNack.ts';
import type { StreamReject as _sluice_v1_StreamReject, StreamReject__Output as _sluice_v1_StreamReject__Output } from './sluice/v1/StreamReject.ts';
import type { StreamRelease as _sluice_v1_StreamRelease, StreamRelease__Output as _sluice_v1_StreamRelease__Output } from './sluice/v1/StreamRelease.ts';
import type { StreamStart as _sluice_v1_StreamStart, StreamStart__Output as _sluice_v1_StreamStart__Output } from './sluice/v1/StreamStart.ts';
import type { StreamingPullRequest as _sluice_v1_StreamingPullRequest, StreamingPullRequest__Output as _sluice_v1_StreamingPullRequest__Output } from './sluice/v1/StreamingPullRequest.ts';
import type { StreamingPullResponse as _sluice_v1_StreamingPullResponse, StreamingPullResponse__Output as _sluice_v1_StreamingPullResponse__Output } from './sluice/v1/StreamingPullResponse.ts';
import type { SubscriberClient as _sluice_v1_SubscriberClient, SubscriberDefinition as _sluice_v1_SubscriberDefinition } from './sluice/v1/Subscriber.ts';
import type { Subscription as _sluice_v1_Subscription, Subscription__Output as _sluice_v1_Subscription__Output } from './sluice/v1/Subscription.ts';
import type { TokenResult as _sluice_v1_TokenResult, TokenResult__Output as _sluice_v1_TokenResult__Output } from './sluice/v1/TokenResult.ts';
import type { Topic as _sluice_v1_Topic, Topic__Output as _sluice_v1_Topic__Output } from './sluice/v1/Topic.ts';
import type { UpdateSubscriptionRequest as _sluice_v1_UpdateSubscriptionRequest, UpdateSubscriptionRequest__Output as _sluice_v1_UpdateSubscriptionRequest__Output } from './sluice/v1/UpdateSubscriptionRequest.ts';
import type { UpdateTopicRequest as _sluice_v1_UpdateTopicRequest, UpdateTopicRequest__Output as _sluice_v1_UpdateTopicRequest__Output } from './sluice/v1/UpdateTopicRequest.ts';

type SubtypeConstructor<Constructor extends new (...args: any) => any, Subtype> = {
  new(...args: ConstructorParameters<Constructor>): Subtype;
};

export interface ProtoGrpcType {
  sluice: {
    v1: {
      AcknowledgeRequest: MessageTypeDefinition<_sluice_v1_AcknowledgeRequest, _sluice_v1_AcknowledgeRequest__Output>
      Admin: SubtypeConstructor<typeof grpc.Client, _sluice_v1_AdminClient> & { service: _sluice_v1_AdminDefinition }
      BackendState: MessageTypeDefinition<_sluice_v1_BackendState, _sluice_v1_BackendState__Output>
      CapabilityClaim: MessageTypeDefinition<_sluice_v1_CapabilityClaim, _sluice_v1_CapabilityClaim__Output>
      CapabilityLevel: EnumTypeDefinition
      Cleanup: EnumTypeDefinition
      CreateSubscriptionRequest: MessageTypeDefinition<_sluice_v1_CreateSubscriptionRequest, _sluice_v1_CreateSubscriptionRequest__Output>
      CreateSubscriptionResponse: MessageTypeDefinition<_sluice_v1_CreateSubscriptionResponse, _sluice_v1_CreateSubscriptionResponse__Output>
      CreateTopicRequest: MessageTypeDefinition<_sluice_v1_CreateTopicRequest, _sluice_v1_CreateTopicRequest__Output>
      CreateTopicResponse: MessageTypeDefinition<_sluice_v1_CreateTopicResponse, _sluice_v1_CreateTopicResponse__Output>
      Credit: MessageTypeDefinition<_sluice_v1_Credit, _sluice_v1_Credit__Output>
      DeleteSubscriptionRequest: MessageTypeDefinition<_sluice_v1_DeleteSubscriptionRequest, _sluice_v1_DeleteSubscriptionRequest__Output>
      DeleteSubscriptionResponse: MessageTypeDefinition<_sluice_v1_DeleteSubscriptionResponse, _sluice_v1_DeleteSubscriptionResponse__Output>
      DeleteTopicRequest: MessageTypeDefinition<_sluice_v1_DeleteTopicRequest, _sluice_v1_DeleteTopicRequest__Output>
      DeleteTopicResponse: MessageTypeDefinition<_sluice_v1_DeleteTopicResponse, _sluice_v1_DeleteTopicResponse__Output>
      Delivery: MessageTypeDefinition<_sluice_v1_Delivery, _sluice_v1_Delivery__Output>
      Durability: MessageTypeDefinition<_sluice_v1_Durability, _sluice_v1_Durability__Output>
      Edge: EnumTypeDefinition
      ExtendRequest: MessageTypeDefinition<_sluice_v1_ExtendRequest, _sluice_v1_ExtendRequest__Output>
      FieldProblem: MessageTypeDefinition<_sluice_v1_FieldProblem, _sluice_v1_FieldProblem__Output>
      GetCapabilitiesRequest: MessageTypeDefinition<_sluice_v1_GetCapabilitiesRequest, _sluice_v1_GetCapabilitiesRequest__Output>
      GetCapabilitiesResponse: MessageTypeDefinition<_sluice_v1_GetCapabilitiesResponse, _sluice_v1_GetCapabilitiesResponse__Output>
      GetLagRequest: MessageTypeDefinition<_sluice_v1_GetLagRequest, _sluice_v1_GetLagRequest__Output>
      GetLagResponse: MessageTypeDefinition<_sluice_v1_GetLagResponse, _sluice_v1_GetLagResponse__Output>
      GetSubscriptionRequest: MessageTypeDefinition<_sluice_v1_GetSubscriptionRequest, _sluice_v1_GetSubscriptionRequest__Output>
      GetTopicRequest: MessageTypeDefinition<_sluice_v1_GetTopicRequest, _sluice_v1_GetTopicRequest__Output>
      Header: MessageTypeDefinition<_sluice_v1_Header, _sluice_v1_Header__Output>
      ListSubscriptionsRequest: MessageTypeDefinition<_sluice_v1_ListSubscriptionsRequest, _sluice_v1_ListSubscriptionsRequest__Output>
      ListSubscriptionsResponse: MessageTypeDefinition<_sluice_v1_ListSubscriptionsResponse, _sluice_v1_ListSubscriptionsResponse__Output>
      ListTopicsRequest: MessageTypeDefinition<_sluice_v1_ListTopicsRequest, _sluice_v1_ListTopicsRequest__Output>
      ListTopicsResponse: MessageTypeDefinition<_sluice_v1_ListTopicsResponse, _sluice_v1_ListTopicsResponse__Output>
      MaxInFlight: MessageTypeDefinition<_sluice_v1_MaxInFlight, _sluice_v1_MaxInFlight__Output>
      Message: MessageTypeDefinition<_sluice_v1_Message, _sluice_v1_Message__Output>
      NackRequest: MessageTypeDefinition<_sluice_v1_NackRequest, _sluice_v1_NackRequest__Output>
      Offsets: MessageTypeDefinition<_sluice_v1_Offsets, _sluice_v1_Offsets__Output>
      OnExhausted: EnumTypeDefinition
      OptionValue: MessageTypeDefinition<_sluice_v1_OptionValue, _sluice_v1_OptionValue__Output>
      Ordering: EnumTypeDefinition
      PartitionLag: MessageTypeDefinition<_sluice_v1_PartitionLag, _sluice_v1_PartitionLag__Output>
      Persistence: EnumTypeDefinition
      Position: MessageTypeDefinition<_sluice_v1_Position, _sluice_v1_Position__Output>
      Problem: MessageTypeDefinition<_sluice_v1_Problem, _sluice_v1_Problem__Output>
      PublishMessage: MessageTypeDefinition<_sluice_v1_PublishMessage, _sluice_v1_PublishMessage__Output>
      PublishRequest: MessageTypeDefinition<_sluice_v1_PublishRequest, _sluice_v1_PublishRequest__Output>
      PublishResponse: MessageTypeDefinition<_sluice_v1_PublishResponse, _sluice_v1_PublishResponse__Output>
      PublishResult: MessageTypeDefinition<_sluice_v1_PublishResult, _sluice_v1_PublishResult__Output>
      PublishStreamRequest: MessageTypeDefinition<_sluice_v1_PublishStreamRequest, _sluice_v1_PublishStreamRequest__Output>
      PublishStreamResponse: MessageTypeDefinition<_sluice_v1_PublishStreamResponse, _sluice_v1_PublishStreamResponse__Output>
      Publisher: SubtypeConstructor<typeof grpc.Client, _sluice_v1_PublisherClient> & { service: _sluice_v1_PublisherDefinition }
      PullRequest: MessageTypeDefinition<_sluice_v1_PullRequest, _sluice_v1_PullRequest__Output>
      PullResponse: MessageTypeDefinition<_sluice_v1_PullResponse, _sluice_v1_PullResponse__Output>
      QueueType: EnumTypeDefinition
      RejectRequest: MessageTypeDefinition<_sluice_v1_RejectRequest, _sluice_v1_RejectRequest__Output>
      ReleaseRequest: MessageTypeDefinition<_sluice_v1_ReleaseRequest, _sluice_v1_ReleaseRequest__Output>
      Retention: MessageTypeDefinition<_sluice_v1_Retention, _sluice_v1_Retention__Output>
      Retry: MessageTypeDefinition<_sluice_v1_Retry, _sluice_v1_Retry__Output>
      SeekRequest: MessageTypeDefinition<_sluice_v1_SeekRequest, _sluice_v1_SeekRequest__Output>
      SeekResponse: MessageTypeDefinition<_sluice_v1_SeekResponse, _sluice_v1_SeekResponse__Output>
      SettleResponse: MessageTypeDefinition<_sluice_v1_SettleResponse, _sluice_v1_SettleResponse__Output>
      Stored: MessageTypeDefinition<_sluice_v1_Stored, _sluice_v1_Stored__Output>
      StreamAck: MessageTypeDefinition<_sluice_v1_StreamAck, _sluice_v1_StreamAck__Output>
      StreamExtend: MessageTypeDefinition<_sluice_v1_StreamExtend, _sluice_v1_StreamExtend__Output>
      StreamNack: MessageTypeDefinition<_sluice_v1_StreamNack, _sluice_v1_StreamNack__Output>
      StreamReject: MessageTypeDefinition<_sluice_v1_StreamReject, _sluice_v1_StreamReject__Output>
      StreamRelease: MessageTypeDefinition<_sluice_v1_StreamRelease, _sluice_v1_StreamRelease__Output>
      StreamStart: MessageTypeDefinition<_sluice_v1_StreamStart, _sluice_v1_StreamStart__Output>
      StreamingPullRequest: MessageTypeDefinition<_sluice_v1_StreamingPullRequest, _sluice_v1_StreamingPullRequest__Output>
      StreamingPullResponse: MessageTypeDefinition<_sluice_v1_StreamingPullResponse, _sluice_v1_StreamingPullResponse__Output>
      Subscriber: SubtypeConstructor<typeof grpc.Client, _sluice_v1_SubscriberClient> & { service: _sluice_v1_SubscriberDefinition }
      Subscription: MessageTypeDefinition<_sluice_v1_Subscription, _sluice_v1_Subscription__Output>
      TokenResult: MessageTypeDefinition<_sluice_v1_TokenResult, _sluice_v1_TokenResult__Output>
      TokenStatus: EnumTypeDefinition
      Topic: MessageTypeDefinition<_sluice_v1_Topic, _sluice_v1_Topic__Output>
      UpdateSubscriptionRequest: MessageTypeDefinition<_sluice_v1_UpdateSubscriptionRequest, _sluice_v1_UpdateSubscriptionRequest__Output>
      UpdateTopicRequest: MessageTypeDefinition<_sluice_v1_UpdateTopicRequest, _sluice_v1_UpdateTopicRequest__Output>
    }
  }
}

