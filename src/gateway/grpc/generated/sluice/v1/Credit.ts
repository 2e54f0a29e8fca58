// Original file: proto/sluice/v1/sluice.proto

import type { Long } from '@grpc/proto-loader';

export interface Credit {
  'messages'?: (number);
  'bytes'?: (number | string | Long);
  '_bytes'?: "bytes";
}

export interface Credit__Output {
  'messages'?: (number);
  'bytes'?: (number);
}
