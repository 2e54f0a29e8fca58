// Original file: proto/sluice/v1/sluice.proto

import type { Delivery as _sluice_v1_Delivery, Delivery__Output as _sluice_v1_Delivery__Output } from '../../sluice/v1/Delivery.ts';
import type { TokenResult as _sluice_v1_TokenResult, TokenResult__Output as _sluice_v1_TokenResult__Output } from '../../sluice/v1/TokenResult.ts';
import type { BackendState as _sluice_v1_BackendState, BackendState__Output as _sluice_v1_BackendState__Output } from '../../sluice/v1/BackendState.ts';
import type { Long } from '@grpc/proto-loader';

export interface StreamingPullResponse {
  'deliveries'?: (_sluice_v1_Delivery)[];
  'results'?: (_sluice_v1_TokenResult)[];
  'backend'?: (_sluice_v1_BackendState | null);
  'correlationId'?: (number | string | Long);
  '_correlationId'?: "correlationId";
}

export interface StreamingPullResponse__Output {
  'deliveries'?: (_sluice_v1_Delivery__Output)[];
  'results'?: (_sluice_v1_TokenResult__Output)[];
  'backend'?: (_sluice_v1_BackendState__Output);
  'correlationId'?: (number);
}
