/**
 * A process whose fdatasync somebody else has in hand: `node --import tsx sync-child.ts <dataDir> <appends>`. Appends one record
 * after the other to partition 0 at fsync, and says `acked <offset> <milliseconds>` or `refused <code>`; three more after the first
 * refusal, so that one sees whether a later sync is taken for a repair; then one to partition 1.
 */

import { EngineError, openEngine } from '../../src/core-log/index.ts';

const TRIES_AFTER_REFUSAL = 3;

const [dataDir = '', appends = '0'] = process.argv.slice(2);
const engine = await openEngine({ dataDir });
await engine.createTopic('t', { partitions: 2 });
let left = TRIES_AFTER_REFUSAL;
for (let count = 0; count < Number(appends) && left > 0; count += 1) {
  const startMs = performance.now();
  const answer = await append(0, `value-${count}`);
  if (typeof answer === 'string') {
    left -= 1;
    console.log(`refused ${answer}`);
  } else {
    console.log(`acked ${answer} ${Math.round(performance.now() - startMs)}`);
  }
}
console.log(`other ${await append(1, 'other')}`);
console.log(`state ${engine.status('t', 0).state}`);
process.exit(0); // as it is: a close would sync

async function append(partition: number, value: string): Promise<number | string> {
  try {
    return (await engine.append('t', partition, [{ value }], { durability: 'fsync' })).baseOffset;
  } catch (reason) {
    return reason instanceof EngineError ? reason.code : String(reason);
  }
}
