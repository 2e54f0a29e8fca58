// Original file: proto/sluice/v1/sluice.proto


export interface DeleteSubscriptionRequest {
  'subscription'?: (string);
}

export interface DeleteSubscriptionRequest__Output {
  'subscription'?: (string);
}
