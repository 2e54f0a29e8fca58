// Original file: proto/sluice/v1/sluice.proto

import type { PublishResult as _sluice_v1_PublishResult, PublishResult__Output as _sluice_v1_PublishResult__Output } from '../../sluice/v1/PublishResult.ts';

export interface PublishResponse {
  'results'?: (_sluice_v1_PublishResult)[];
}

export interface PublishResponse__Output {
  'results'?: (_sluice_v1_PublishResult__Output)[];
}
