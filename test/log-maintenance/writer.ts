/** A process that has a data directory open and appends to it: `writer.ts DIR`. Says `open` when it does, and ends with its input. */

import { openEngine } from '../../src/core-log/index.ts';

const [dataDir] = process.argv.slice(2);
const engine = await openEngine({ dataDir: dataDir as string });
let isEnding = false;
process.stdin.on('end', () => {
  isEnding = true;
});
process.stdin.resume();
process.stdout.write('open\n');
for (let number = 0; !isEnding; number += 1) {
  await engine.append('orders', 0, [{ key: `live ${number}`, value: 'x'.repeat(150) }]);
  await new Promise<void>((resolve) => setImmediate(resolve));
}
await engine.close();
