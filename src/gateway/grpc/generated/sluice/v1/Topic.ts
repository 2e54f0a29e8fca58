// Original file: proto/sluice/v1/sluice.proto

import type { Retention as _sluice_v1_Retention, Retention__Output as _sluice_v1_Retention__Output } from '../../sluice/v1/Retention.ts';
import type { Cleanup as _sluice_v1_Cleanup, Cleanup__Output as _sluice_v1_Cleanup__Output } from '../../sluice/v1/Cleanup.ts';
import type { QueueType as _sluice_v1_QueueType, QueueType__Output as _sluice_v1_QueueType__Output } from '../../sluice/v1/QueueType.ts';
import type { OptionValue as _sluice_v1_OptionValue, OptionValue__Output as _sluice_v1_OptionValue__Output } from '../../sluice/v1/OptionValue.ts';

export interface Topic {
  'name'?: (string);
  'partitions'?: (number);
  'retention'?: (_sluice_v1_Retention | null);
  'cleanup'?: (_sluice_v1_Cleanup);
  'queueType'?: (_sluice_v1_QueueType);
  'replicas'?: (number);
  'options'?: ({[key: string]: _sluice_v1_OptionValue});
  'etag'?: (string);
  '_replicas'?: "replicas";
}

export interface Topic__Output {
  'name'?: (string);
  'partitions'?: (number);
  'retention'?: (_sluice_v1_Retention__Output);
  'cleanup'?: (_sluice_v1_Cleanup__Output);
  'queueType'?: (_sluice_v1_QueueType__Output);
  'replicas'?: (number);
  'options'?: ({[key: string]: _sluice_v1_OptionValue__Output});
  'etag'?: (string);
}
