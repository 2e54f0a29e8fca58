// Original file: proto/sluice/v1/sluice.proto

import type { MaxInFlight as _sluice_v1_MaxInFlight, MaxInFlight__Output as _sluice_v1_MaxInFlight__Output } from '../../sluice/v1/MaxInFlight.ts';
import type { Retry as _sluice_v1_Retry, Retry__Output as _sluice_v1_Retry__Output } from '../../sluice/v1/Retry.ts';

export interface UpdateSubscriptionRequest {
  'subscription'?: (string);
  'ackDeadlineMs'?: (number);
  'maxInFlight'?: (_sluice_v1_MaxInFlight | null);
  'retry'?: (_sluice_v1_Retry | null);
  'etag'?: (string);
  '_ackDeadlineMs'?: "ackDeadlineMs";
  '_etag'?: "etag";
}

export interface UpdateSubscriptionRequest__Output {
  'subscription'?: (string);
  'ackDeadlineMs'?: (number);
  'maxInFlight'?: (_sluice_v1_MaxInFlight__Output);
  'retry'?: (_sluice_v1_Retry__Output);
  'etag'?: (string);
}
