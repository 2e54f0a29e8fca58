// Original file: proto/sluice/v1/sluice.proto

import type { Message as _sluice_v1_Message, Message__Output as _sluice_v1_Message__Output } from '../../sluice/v1/Message.ts';
import type { Long } from '@grpc/proto-loader';

export interface Delivery {
  'ackToken'?: (string);
  'attempt'?: (number);
  'deadline'?: (number | string | Long);
  'message'?: (_sluice_v1_Message | null);
}

export interface Delivery__Output {
  'ackToken'?: (string);
  'attempt'?: (number);
  'deadline'?: (number);
  'message'?: (_sluice_v1_Message__Output);
}
