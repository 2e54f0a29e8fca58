import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { openPort } from '../../src/adapters/index.ts';
import { conformance } from '../../src/conformance/index.ts';

const dataDirs: string[] = [];

afterAll(async () => {
  for (const dataDir of dataDirs) await rm(dataDir, { recursive: true, force: true });
});

conformance({
  name: 'native',
  open: async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'sluice-conformance-'));
    dataDirs.push(dataDir);
    return await openPort({ backend: 'native', config: { dataDir, compactionCheckIntervalMs: 20 } });
  },
  topics: { forCapability: { compaction: { options: { segmentBytes: 1_024, segmentMs: 20 } } } },
  vitest: { afterAll, beforeAll, describe, it },
});
