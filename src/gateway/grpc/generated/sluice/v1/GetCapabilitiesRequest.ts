// Original file: proto/sluice/v1/sluice.proto

import type { QueueType as _sluice_v1_QueueType, QueueType__Output as _sluice_v1_QueueType__Output } from '../../sluice/v1/QueueType.ts';

export interface GetCapabilitiesRequest {
  'queueType'?: (_sluice_v1_QueueType);
}

export interface GetCapabilitiesRequest__Output {
  'queueType'?: (_sluice_v1_QueueType__Output);
}
