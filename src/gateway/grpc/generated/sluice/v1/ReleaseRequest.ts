// Original file: proto/sluice/v1/sluice.proto


export interface ReleaseRequest {
  'subscription'?: (string);
  'tokens'?: (string)[];
}

export interface ReleaseRequest__Output {
  'subscription'?: (string);
  'tokens'?: (string)[];
}
