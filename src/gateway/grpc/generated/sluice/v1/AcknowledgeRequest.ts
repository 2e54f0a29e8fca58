// Original file: proto/sluice/v1/sluice.proto


export interface AcknowledgeRequest {
  'subscription'?: (string);
  'tokens'?: (string)[];
}

export interface AcknowledgeRequest__Output {
  'subscription'?: (string);
  'tokens'?: (string)[];
}
