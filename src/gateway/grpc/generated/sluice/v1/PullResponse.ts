// Original file: proto/sluice/v1/sluice.proto

import type { Delivery as _sluice_v1_Delivery, Delivery__Output as _sluice_v1_Delivery__Output } from '../../sluice/v1/Delivery.ts';

export interface PullResponse {
  'deliveries'?: (_sluice_v1_Delivery)[];
}

export interface PullResponse__Output {
  'deliveries'?: (_sluice_v1_Delivery__Output)[];
}
