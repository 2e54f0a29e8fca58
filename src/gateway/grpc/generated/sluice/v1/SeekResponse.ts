// Original file: proto/sluice/v1/sluice.proto


export interface SeekResponse {
}

export interface SeekResponse__Output {
}
