// Original file: proto/sluice/v1/sluice.proto

import type { Long } from '@grpc/proto-loader';

export interface MaxInFlight {
  'messages'?: (number);
  'bytes'?: (number | string | Long);
  '_messages'?: "messages";
  '_bytes'?: "bytes";
}

export interface MaxInFlight__Output {
  'messages'?: (number);
  'bytes'?: (number);
}
