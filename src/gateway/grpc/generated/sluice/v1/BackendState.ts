// Original file: proto/sluice/v1/sluice.proto


export interface BackendState {
  'ok'?: (boolean);
  'detail'?: (string);
}

export interface BackendState__Output {
  'ok'?: (boolean);
  'detail'?: (string);
}
