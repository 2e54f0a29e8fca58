// Original file: proto/sluice/v1/sluice.proto

import type { Subscription as _sluice_v1_Subscription, Subscription__Output as _sluice_v1_Subscription__Output } from '../../sluice/v1/Subscription.ts';

export interface ListSubscriptionsResponse {
  'subscriptions'?: (_sluice_v1_Subscription)[];
}

export interface ListSubscriptionsResponse__Output {
  'subscriptions'?: (_sluice_v1_Subscription__Output)[];
}
