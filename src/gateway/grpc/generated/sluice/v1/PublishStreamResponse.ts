// Original file: proto/sluice/v1/sluice.proto

import type { PublishResult as _sluice_v1_PublishResult, PublishResult__Output as _sluice_v1_PublishResult__Output } from '../../sluice/v1/PublishResult.ts';
import type { Problem as _sluice_v1_Problem, Problem__Output as _sluice_v1_Problem__Output } from '../../sluice/v1/Problem.ts';
import type { Long } from '@grpc/proto-loader';

export interface PublishStreamResponse {
  'correlationId'?: (number | string | Long);
  'results'?: (_sluice_v1_PublishResult)[];
  'problem'?: (_sluice_v1_Problem | null);
  '_problem'?: "problem";
}

export interface PublishStreamResponse__Output {
  'correlationId'?: (number);
  'results'?: (_sluice_v1_PublishResult__Output)[];
  'problem'?: (_sluice_v1_Problem__Output);
}
