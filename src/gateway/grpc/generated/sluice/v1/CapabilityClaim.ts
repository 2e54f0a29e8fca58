// Original file: proto/sluice/v1/sluice.proto

import type { CapabilityLevel as _sluice_v1_CapabilityLevel, CapabilityLevel__Output as _sluice_v1_CapabilityLevel__Output } from '../../sluice/v1/CapabilityLevel.ts';

export interface CapabilityClaim {
  'level'?: (_sluice_v1_CapabilityLevel);
  'how'?: (string);
  'limits'?: ({[key: string]: number | string});
}

export interface CapabilityClaim__Output {
  'level'?: (_sluice_v1_CapabilityLevel__Output);
  'how'?: (string);
  'limits'?: ({[key: string]: number});
}
