// Original file: proto/sluice/v1/sluice.proto

import type * as grpc from '@grpc/grpc-js'
import type { MethodDefinition } from '@grpc/proto-loader'
import type { CreateSubscriptionRequest as _sluice_v1_CreateSubscriptionRequest, CreateSubscriptionRequest__Output as _sluice_v1_CreateSubscriptionRequest__Output } from '../../sluice/v1/CreateSubscriptionRequest.ts';
import type { CreateSubscriptionResponse as _sluice_v1_CreateSubscriptionResponse, CreateSubscriptionResponse__Output as _sluice_v1_CreateSubscriptionResponse__Output } from '../../sluice/v1/CreateSubscriptionResponse.ts';
import type { CreateTopicRequest as _sluice_v1_CreateTopicRequest, CreateTopicRequest__Output as _sluice_v1_CreateTopicRequest__Output } from '../../sluice/v1/CreateTopicRequest.ts';
import type { CreateTopicResponse as _sluice_v1_CreateTopicResponse, CreateTopicResponse__Output as _sluice_v1_CreateTopicResponse__Output } from '../../sluice/v1/CreateTopicResponse.ts';
import type { DeleteSubscriptionRequest as _sluice_v1_DeleteSubscriptionRequest, DeleteSubscriptionRequest__Output as _sluice_v1_DeleteSubscriptionRequest__Output } from '../../sluice/v1/DeleteSubscriptionRequest.ts';
import type { DeleteSubscriptionResponse as _sluice_v1_DeleteSubscriptionResponse, DeleteSubscriptionResponse__Output as _sluice_v1_DeleteSubscriptionResponse__Output } from '../../sluice/v1/DeleteSubscriptionResponse.ts';
import type { DeleteTopicRequest as _sluice_v1_DeleteTopicRequest, DeleteTopicRequest__Output as _sluice_v1_DeleteTopicRequest__Output } from '../../sluice/v1/DeleteTopicRequest.ts';
import type { DeleteTopicResponse as _sluice_v1_DeleteTopicResponse, DeleteTopicResponse__Output as _sluice_v1_DeleteTopicResponse__Output } from '../../sluice/v1/DeleteTopicResponse.ts';
import type { GetCapabilitiesRequest as _sluice_v1_GetCapabilitiesRequest, GetCapabilitiesRequest__Output as _sluice_v1_GetCapabilitiesRequest__Output } from '../../sluice/v1/GetCapabilitiesRequest.ts';
import type { GetCapabilitiesResponse as _sluice_v1_GetCapabilitiesResponse, GetCapabilitiesResponse__Output as _sluice_v1_GetCapabilitiesResponse__Output } from '../../sluice/v1/GetCapabilitiesResponse.ts';
import type { GetLagRequest as _sluice_v1_GetLagRequest, GetLagRequest__Output as _sluice_v1_GetLagRequest__Output } from '../../sluice/v1/GetLagRequest.ts';
import type { GetLagResponse as _sluice_v1_GetLagResponse, GetLagResponse__Output as _sluice_v1_GetLagResponse__Output } from '../../sluice/v1/GetLagResponse.ts';
import type { GetSubscriptionRequest as _sluice_v1_GetSubscriptionRequest, GetSubscriptionRequest__Output as _sluice_v1_GetSubscriptionRequest__Output } from '../../sluice/v1/GetSubscriptionRequest.ts';
import type { GetTopicRequest as _sluice_v1_GetTopicRequest, GetTopicRequest__Output as _sluice_v1_GetTopicRequest__Output } from '../../sluice/v1/GetTopicRequest.ts';
import type { ListSubscriptionsRequest as _sluice_v1_ListSubscriptionsRequest, ListSubscriptionsRequest__Output as _sluice_v1_ListSubscriptionsRequest__Output } from '../../sluice/v1/ListSubscriptionsRequest.ts';
import type { ListSubscriptionsResponse as _sluice_v1_ListSubscriptionsResponse, ListSubscriptionsResponse__Output as _sluice_v1_ListSubscriptionsResponse__Output } from '../../sluice/v1/ListSubscriptionsResponse.ts';
import type { ListTopicsRequest as _sluice_v1_ListTopicsRequest, ListTopicsRequest__Output as _sluice_v1_ListTopicsRequest__Output } from '../../sluice/v1/ListTopicsRequest.ts';
import type { ListTopicsResponse as _sluice_v1_ListTopicsResponse, ListTopicsResponse__Output as _sluice_v1_ListTopicsResponse__Output } from '../../sluice/v1/ListTopicsResponse.ts';
import type { Subscription as _sluice_v1_Subscription, Subscription__Output as _sluice_v1_Subscription__Output } from '../../sluice/v1/Subscription.ts';
import type { Topic as _sluice_v1_Topic, Topic__Output as _sluice_v1_Topic__Output } from '../../sluice/v1/Topic.ts';
import type { UpdateSubscriptionRequest as _sluice_v1_UpdateSubscriptionRequest, UpdateSubscriptionRequest__Output as _sluice_v1_UpdateSubscriptionRequest__Output } from '../../sluice/v1/UpdateSubscriptionRequest.ts';
import type { UpdateTopicRequest as _sluice_v1_UpdateTopicRequest, UpdateTopicRequest__Output as _sluice_v1_UpdateTopicRequest__Output } from '../../sluice/v1/UpdateTopicRequest.ts';

export interface AdminClient extends grpc.Client {
  CreateSubscription(argument: _sluice_v1_CreateSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  CreateSubscription(argument: _sluice_v1_CreateSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  CreateSubscription(argument: _sluice_v1_CreateSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  CreateSubscription(argument: _sluice_v1_CreateSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  createSubscription(argument: _sluice_v1_CreateSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  createSubscription(argument: _sluice_v1_CreateSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  createSubscription(argument: _sluice_v1_CreateSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  createSubscription(argument: _sluice_v1_CreateSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_CreateSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  
  CreateTopic(argument: _sluice_v1_CreateTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  CreateTopic(argument: _sluice_v1_CreateTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  CreateTopic(argument: _sluice_v1_CreateTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  CreateTopic(argument: _sluice_v1_CreateTopicRequest, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  createTopic(argument: _sluice_v1_CreateTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  createTopic(argument: _sluice_v1_CreateTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  createTopic(argument: _sluice_v1_CreateTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  createTopic(argument: _sluice_v1_CreateTopicRequest, callback: grpc.requestCallback<_sluice_v1_CreateTopicResponse__Output>): grpc.ClientUnaryCall;
  
  DeleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  DeleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  DeleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  DeleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  deleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  deleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  deleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  deleteSubscription(argument: _sluice_v1_DeleteSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_DeleteSubscriptionResponse__Output>): grpc.ClientUnaryCall;
  
  DeleteTopic(argument: _sluice_v1_DeleteTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  DeleteTopic(argument: _sluice_v1_DeleteTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  DeleteTopic(argument: _sluice_v1_DeleteTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  DeleteTopic(argument: _sluice_v1_DeleteTopicRequest, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  deleteTopic(argument: _sluice_v1_DeleteTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  deleteTopic(argument: _sluice_v1_DeleteTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  deleteTopic(argument: _sluice_v1_DeleteTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  deleteTopic(argument: _sluice_v1_DeleteTopicRequest, callback: grpc.requestCallback<_sluice_v1_DeleteTopicResponse__Output>): grpc.ClientUnaryCall;
  
  GetCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  GetCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  GetCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  GetCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  getCapabilities(argument: _sluice_v1_GetCapabilitiesRequest, callback: grpc.requestCallback<_sluice_v1_GetCapabilitiesResponse__Output>): grpc.ClientUnaryCall;
  
  GetLag(argument: _sluice_v1_GetLagRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  GetLag(argument: _sluice_v1_GetLagRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  GetLag(argument: _sluice_v1_GetLagRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  GetLag(argument: _sluice_v1_GetLagRequest, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  getLag(argument: _sluice_v1_GetLagRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  getLag(argument: _sluice_v1_GetLagRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  getLag(argument: _sluice_v1_GetLagRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  getLag(argument: _sluice_v1_GetLagRequest, callback: grpc.requestCallback<_sluice_v1_GetLagResponse__Output>): grpc.ClientUnaryCall;
  
  GetSubscription(argument: _sluice_v1_GetSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  GetSubscription(argument: _sluice_v1_GetSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  GetSubscription(argument: _sluice_v1_GetSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  GetSubscription(argument: _sluice_v1_GetSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  getSubscription(argument: _sluice_v1_GetSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  getSubscription(argument: _sluice_v1_GetSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  getSubscription(argument: _sluice_v1_GetSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  getSubscription(argument: _sluice_v1_GetSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  
  GetTopic(argument: _sluice_v1_GetTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  GetTopic(argument: _sluice_v1_GetTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  GetTopic(argument: _sluice_v1_GetTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  GetTopic(argument: _sluice_v1_GetTopicRequest, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  getTopic(argument: _sluice_v1_GetTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  getTopic(argument: _sluice_v1_GetTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  getTopic(argument: _sluice_v1_GetTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  getTopic(argument: _sluice_v1_GetTopicRequest, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  
  ListSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  ListSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  ListSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  ListSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  listSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  listSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  listSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  listSubscriptions(argument: _sluice_v1_ListSubscriptionsRequest, callback: grpc.requestCallback<_sluice_v1_ListSubscriptionsResponse__Output>): grpc.ClientUnaryCall;
  
  ListTopics(argument: _sluice_v1_ListTopicsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  ListTopics(argument: _sluice_v1_ListTopicsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  ListTopics(argument: _sluice_v1_ListTopicsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  ListTopics(argument: _sluice_v1_ListTopicsRequest, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  listTopics(argument: _sluice_v1_ListTopicsRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  listTopics(argument: _sluice_v1_ListTopicsRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  listTopics(argument: _sluice_v1_ListTopicsRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  listTopics(argument: _sluice_v1_ListTopicsRequest, callback: grpc.requestCallback<_sluice_v1_ListTopicsResponse__Output>): grpc.ClientUnaryCall;
  
  UpdateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  UpdateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  UpdateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  UpdateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  updateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  updateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  updateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  updateSubscription(argument: _sluice_v1_UpdateSubscriptionRequest, callback: grpc.requestCallback<_sluice_v1_Subscription__Output>): grpc.ClientUnaryCall;
  
  UpdateTopic(argument: _sluice_v1_UpdateTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  UpdateTopic(argument: _sluice_v1_UpdateTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  UpdateTopic(argument: _sluice_v1_UpdateTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  UpdateTopic(argument: _sluice_v1_UpdateTopicRequest, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  updateTopic(argument: _sluice_v1_UpdateTopicRequest, metadata: grpc.Metadata, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  updateTopic(argument: _sluice_v1_UpdateTopicRequest, metadata: grpc.Metadata, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  updateTopic(argument: _sluice_v1_UpdateTopicRequest, options: grpc.CallOptions, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  updateTopic(argument: _sluice_v1_UpdateTopicRequest, callback: grpc.requestCallback<_sluice_v1_Topic__Output>): grpc.ClientUnaryCall;
  
}

export interface AdminHandlers extends grpc.UntypedServiceImplementation {
  CreateSubscription: grpc.handleUnaryCall<_sluice_v1_CreateSubscriptionRequest__Output, _sluice_v1_CreateSubscriptionResponse>;
  
  CreateTopic: grpc.handleUnaryCall<_sluice_v1_CreateTopicRequest__Output, _sluice_v1_CreateTopicResponse>;
  
  DeleteSubscription: grpc.handleUnaryCall<_sluice_v1_DeleteSubscriptionRequest__Output, _sluice_v1_DeleteSubscriptionResponse>;
  
  DeleteTopic: grpc.handleUnaryCall<_sluice_v1_DeleteTopicRequest__Output, _sluice_v1_DeleteTopicResponse>;
  
  GetCapabilities: grpc.handleUnaryCall<_sluice_v1_GetCapabilitiesRequest__Output, _sluice_v1_GetCapabilitiesResponse>;
  
  GetLag: grpc.handleUnaryCall<_sluice_v1_GetLagRequest__Output, _sluice_v1_GetLagResponse>;
  
  GetSubscription: grpc.handleUnaryCall<_sluice_v1_GetSubscriptionRequest__Output, _sluice_v1_Subscription>;
  
  GetTopic: grpc.handleUnaryCall<_sluice_v1_GetTopicRequest__Output, _sluice_v1_Topic>;
  
  ListSubscriptions: grpc.handleUnaryCall<_sluice_v1_ListSubscriptionsRequest__Output, _sluice_v1_ListSubscriptionsResponse>;
  
  ListTopics: grpc.handleUnaryCall<_sluice_v1_ListTopicsRequest__Output, _sluice_v1_ListTopicsResponse>;
  
  UpdateSubscription: grpc.handleUnaryCall<_sluice_v1_UpdateSubscriptionRequest__Output, _sluice_v1_Subscription>;
  
  UpdateTopic: grpc.handleUnaryCall<_sluice_v1_UpdateTopicRequest__Output, _sluice_v1_Topic>;
  
}

export interface AdminDefinition extends grpc.ServiceDefinition {
  CreateSubscription: MethodDefinition<_sluice_v1_CreateSubscriptionRequest, _sluice_v1_CreateSubscriptionResponse, _sluice_v1_CreateSubscriptionRequest__Output, _sluice_v1_CreateSubscriptionResponse__Output>
  CreateTopic: MethodDefinition<_sluice_v1_CreateTopicRequest, _sluice_v1_CreateTopicResponse, _sluice_v1_CreateTopicRequest__Output, _sluice_v1_CreateTopicResponse__Output>
  DeleteSubscription: MethodDefinition<_sluice_v1_DeleteSubscriptionRequest, _sluice_v1_DeleteSubscriptionResponse, _sluice_v1_DeleteSubscriptionRequest__Output, _sluice_v1_DeleteSubscriptionResponse__Output>
  DeleteTopic: MethodDefinition<_sluice_v1_DeleteTopicRequest, _sluice_v1_DeleteTopicResponse, _sluice_v1_DeleteTopicRequest__Output, _sluice_v1_DeleteTopicResponse__Output>
  GetCapabilities: MethodDefinition<_sluice_v1_GetCapabilitiesRequest, _sluice_v1_GetCapabilitiesResponse, _sluice_v1_GetCapabilitiesRequest__Output, _sluice_v1_GetCapabilitiesResponse__Output>
  GetLag: MethodDefinition<_sluice_v1_GetLagRequest, _sluice_v1_GetLagResponse, _sluice_v1_GetLagRequest__Output, _sluice_v1_GetLagResponse__Output>
  GetSubscription: MethodDefinition<_sluice_v1_GetSubscriptionRequest, _sluice_v1_Subscription, _sluice_v1_GetSubscriptionRequest__Output, _sluice_v1_Subscription__Output>
  GetTopic: MethodDefinition<_sluice_v1_GetTopicRequest, _sluice_v1_Topic, _sluice_v1_GetTopicRequest__Output, _sluice_v1_Topic__Output>
  ListSubscriptions: MethodDefinition<_sluice_v1_ListSubscriptionsRequest, _sluice_v1_ListSubscriptionsResponse, _sluice_v1_ListSubscriptionsRequest__Output, _sluice_v1_ListSubscriptionsResponse__Output>
  ListTopics: MethodDefinition<_sluice_v1_ListTopicsRequest, _sluice_v1_ListTopicsResponse, _sluice_v1_ListTopicsRequest__Output, _sluice_v1_ListTopicsResponse__Output>
  UpdateSubscription: MethodDefinition<_sluice_v1_UpdateSubscriptionRequest, _sluice_v1_Subscription, _sluice_v1_UpdateSubscriptionRequest__Output, _sluice_v1_Subscription__Output>
  UpdateTopic: MethodDefinition<_sluice_v1_UpdateTopicRequest, _sluice_v1_Topic, _sluice_v1_UpdateTopicRequest__Output, _sluice_v1_Topic__Output>
}
