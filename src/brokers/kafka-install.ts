/** Kafka's jars from Maven Central into the cache directory: some 92 files, 54 MB. Needs `mvn` and Java 17 or newer. */

import { readdir, writeFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { BrokersError, reasonOf } from './errors.ts';
import { installOnce, retryDownload } from './install-once.ts';
import { limits } from './limits.ts';
import { cacheDir } from './paths.ts';

export const KAFKA_VERSION = '4.3.1';
const LOG4J_VERSION = '2.24.3';
const JAVA_MIN = 17;

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
  const lib = join(into, 'lib');
  await rm(lib, { recursive: true, force: true });
  await mkdir(lib);
  await writeFile(join(into, 'pom.xml'), pom());
  await runCommand(
    'mvn',
    ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime'],
    { cwd: into, deadlineMs: limits.mavenMs },
  );
  const jars = await readdir(lib);
  for (const needed of [`kafka_2.13-${KAFKA_VERSION}.jar`, `kafka-tools-${KAFKA_VERSION}.jar`]) {
    if (!jars.includes(needed)) throw new BrokersError('failed', `mvn did not fetch ${needed}`);
  }
}

async function requireJava(): Promise<void> {
  const said = await runCommand('java', ['--version'], { deadlineMs: limits.toolMs }).catch((caught: unknown) => {
    throw new BrokersError('unavailable', `no Java: ${reasonOf(caught)}`, { cause: caught });
  });
  const major = Number(/\b(\d+)[.\d]*/.exec(said)?.[1]);
  if (!(major >= JAVA_MIN))
    throw new BrokersError('unavailable', `Java ${JAVA_MIN} or newer is needed, found ${said.split('\n')[0] ?? ''}`);
}

async function requireMaven(): Promise<void> {
  await runCommand('mvn', ['-v'], { deadlineMs: limits.toolMs }).catch((caught: unknown) => {
    throw new BrokersError('unavailable', `no mvn: ${reasonOf(caught)}`, { cause: caught });
  });
}

function pom(): string {
  const dependency = (group: string, artifact: string, version: string) =>
    `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`;
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId><artifactId>kafka-libs</artifactId><version>1</version>
  <dependencies>
${dependency('org.apache.kafka', 'kafka_2.13', KAFKA_VERSION)}
${dependency('org.apache.kafka', 'kafka-tools', KAFKA_VERSION)}
${dependency('org.apache.logging.log4j', 'log4j-slf4j-impl', LOG4J_VERSION)}
  </dependencies>
</project>
`;
}
