// Original file: proto/sluice/v1/sluice.proto

export const CapabilityLevel = {
  CAPABILITY_LEVEL_UNSPECIFIED: 'CAPABILITY_LEVEL_UNSPECIFIED',
  CAPABILITY_LEVEL_NATIVE: 'CAPABILITY_LEVEL_NATIVE',
  CAPABILITY_LEVEL_EMULATED: 'CAPABILITY_LEVEL_EMULATED',
  CAPABILITY_LEVEL_UNSUPPORTED: 'CAPABILITY_LEVEL_UNSUPPORTED',
} as const;

export type CapabilityLevel =
  | 'CAPABILITY_LEVEL_UNSPECIFIED'
  | 0
  | 'CAPABILITY_LEVEL_NATIVE'
  | 1
  | 'CAPABILITY_LEVEL_EMULATED'
  | 2
  | 'CAPABILITY_LEVEL_UNSUPPORTED'
  | 3

export type CapabilityLevel__Output = typeof CapabilityLevel[keyof typeof CapabilityLevel]
