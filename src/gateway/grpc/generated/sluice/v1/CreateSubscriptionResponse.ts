// Original file: proto/sluice/v1/sluice.proto

import type { Subscription as _sluice_v1_Subscription, Subscription__Output as _sluice_v1_Subscription__Output } from '../../sluice/v1/Subscription.ts';

export interface CreateSubscriptionResponse {
  'created'?: (boolean);
  'subscription'?: (_sluice_v1_Subscription | null);
}

export interface CreateSubscriptionResponse__Output {
  'created'?: (boolean);
  'subscription'?: (_sluice_v1_Subscription__Output);
}
