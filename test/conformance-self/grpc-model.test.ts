/** The gateway keeps over gRPC what the port behind it keeps: the suite through gRPC, over the model. */

import { portFromDriver } from '../../src/adapters/open-port.ts';
import type { MessagingPort } from '../../src/adapters/port.ts';
import { memoryTiming } from '../../src/conformance/index.ts';
import { ModelDriver } from '../support/model-driver.ts';
import { grpcConformance } from '../support/rest-conformance.ts';

const driver = new ModelDriver();
const open = async (): Promise<MessagingPort> => await portFromDriver(driver);

/** gRPC between two threads of a busy machine: a lease that is to be settled in takes more than the model's own. */
const timing = { ...memoryTiming, leaseMs: 800, deadlineMs: 5_000 };

/** The model compacts, and lets go of what is too old or too much, at once. */
const topics = { forCapability: { compaction: {}, 'ttl.retention': {} } };

grpcConformance({ name: 'gRPC over the model', open, openAnother: open, timing, topics });
