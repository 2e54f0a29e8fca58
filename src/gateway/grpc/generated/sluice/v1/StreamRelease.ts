// Original file: proto/sluice/v1/sluice.proto


export interface StreamRelease {
  'tokens'?: (string)[];
}

export interface StreamRelease__Output {
  'tokens'?: (string)[];
}
