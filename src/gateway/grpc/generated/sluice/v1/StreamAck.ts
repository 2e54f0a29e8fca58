// Original file: proto/sluice/v1/sluice.proto


export interface StreamAck {
  'tokens'?: (string)[];
}

export interface StreamAck__Output {
  'tokens'?: (string)[];
}
