import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { restConformance } from '../support/rest-conformance.ts';

const dataDirs: string[] = [];

// Registered first, so that it runs last: the ports write their last marks into these directories.
afterAll(async () => {
  for (const dataDir of dataDirs) await rm(dataDir, { recursive: true, force: true });
});

restConformance({
  name: 'REST over native',
  open: async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-conformance-rest-'));
    dataDirs.push(dataDir);
    return await openPort({ backend: 'native', config: { dataDir, compactionCheckIntervalMs: 20 } });
  },
  topics: { forCapability: { compaction: { options: { segmentBytes: 1_024, segmentMs: 20 } } } },
});
