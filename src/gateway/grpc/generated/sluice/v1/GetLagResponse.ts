// Original file: proto/sluice/v1/sluice.proto

import type { PartitionLag as _sluice_v1_PartitionLag, PartitionLag__Output as _sluice_v1_PartitionLag__Output } from '../../sluice/v1/PartitionLag.ts';
import type { Long } from '@grpc/proto-loader';

export interface GetLagResponse {
  'partitions'?: (_sluice_v1_PartitionLag)[];
  'total'?: (number | string | Long);
}

export interface GetLagResponse__Output {
  'partitions'?: (_sluice_v1_PartitionLag__Output)[];
  'total'?: (number);
}
