// Original file: proto/sluice/v1/sluice.proto


export interface FieldProblem {
  'path'?: (string);
  'message'?: (string);
}

export interface FieldProblem__Output {
  'path'?: (string);
  'message'?: (string);
}
