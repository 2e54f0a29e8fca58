// Original file: proto/sluice/v1/sluice.proto


export interface Header {
  'name'?: (string);
  'value'?: (Buffer | Uint8Array | string);
}

export interface Header__Output {
  'name'?: (string);
  'value'?: (Buffer);
}
