// Original file: proto/sluice/v1/sluice.proto


export interface GetSubscriptionRequest {
  'subscription'?: (string);
}

export interface GetSubscriptionRequest__Output {
  'subscription'?: (string);
}
