// Original file: proto/sluice/v1/sluice.proto


export interface OptionValue {
  'text'?: (string);
  'number'?: (number | string);
  'flag'?: (boolean);
  'kind'?: "text"|"number"|"flag";
}

export interface OptionValue__Output {
  'text'?: (string);
  'number'?: (number);
  'flag'?: (boolean);
}
