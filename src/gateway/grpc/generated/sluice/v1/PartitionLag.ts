// Original file: proto/sluice/v1/sluice.proto

import type { Long } from '@grpc/proto-loader';

export interface PartitionLag {
  'partition'?: (number);
  'lag'?: (number | string | Long);
  'oldestUnackedMs'?: (number | string | Long);
  '_oldestUnackedMs'?: "oldestUnackedMs";
}

export interface PartitionLag__Output {
  'partition'?: (number);
  'lag'?: (number);
  'oldestUnackedMs'?: (number);
}
