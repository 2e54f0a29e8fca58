// Original file: proto/sluice/v1/sluice.proto


export interface GetLagRequest {
  'subscription'?: (string);
}

export interface GetLagRequest__Output {
  'subscription'?: (string);
}
