// Original file: proto/sluice/v1/sluice.proto

import type { CapabilityClaim as _sluice_v1_CapabilityClaim, CapabilityClaim__Output as _sluice_v1_CapabilityClaim__Output } from '../../sluice/v1/CapabilityClaim.ts';

export interface GetCapabilitiesResponse {
  'backend'?: (string);
  'product'?: (string);
  'version'?: (string);
  'capabilities'?: ({[key: string]: _sluice_v1_CapabilityClaim});
  'like'?: (string);
  '_like'?: "like";
}

export interface GetCapabilitiesResponse__Output {
  'backend'?: (string);
  'product'?: (string);
  'version'?: (string);
  'capabilities'?: ({[key: string]: _sluice_v1_CapabilityClaim__Output});
  'like'?: (string);
}
