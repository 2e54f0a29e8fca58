/** Kafka's jars from Maven Central into the cache directory: some 92 files, 54 MB. Needs `mvn` and Java 17 or newer. */

import { join } from 'node:path';
import { BrokersError } from './errors.ts';
import { installOnce, retryDownload } from './install-once.ts';
import { fetchWithMaven, requireJava, requireMaven } from './maven.ts';
import { cacheDir } from './paths.ts';

export const KAFKA_VERSION = '4.3.1';
const LOG4J_VERSION = '2.24.3';

/** Resolves with the directory of the jars. Throws `unavailable` without Java, or without mvn and a cached install. */
export async function installKafka(progress: (line: string) => void): Promise<string> {
  await requireJava();
  const directory = join(cacheDir(), 'kafka', KAFKA_VERSION);
  await installOnce(directory, async (into) => {
    await requireMaven();
    progress(`kafka: fetching ${KAFKA_VERSION} with mvn (54 MB, once)`);
    await retryDownload('kafka: mvn', progress, () => fetchJars(into));
  });
  return join(directory, 'lib');
}

async function fetchJars(into: string): Promise<void> {
  const jars = await fetchWithMaven(into, 'kafka-libs', [
    { group: 'org.apache.kafka', artifact: 'kafka_2.13', version: KAFKA_VERSION },
    { group: 'org.apache.kafka', artifact: 'kafka-tools', version: KAFKA_VERSION },
    { group: 'org.apache.logging.log4j', artifact: 'log4j-slf4j-impl', version: LOG4J_VERSION },
  ]);
  for (const needed of [`kafka_2.13-${KAFKA_VERSION}.jar`, `kafka-tools-${KAFKA_VERSION}.jar`]) {
    if (!jars.includes(needed)) throw new BrokersError('failed', `mvn did not fetch ${needed}`);
  }
}
