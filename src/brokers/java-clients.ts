/**
 * The vendors' own Java clients of both brokers, and Java programs compiled against them: the jars from Maven Central (once, some
 * 20 files, 25 MB), the classes by `javac` (once for each change of the sources). Both lie in the cache directory.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { BrokersError, reasonOf } from './errors.ts';
import { installOnce, retryDownload } from './install-once.ts';
import { KAFKA_VERSION } from './kafka-install.ts';
import { limits } from './limits.ts';
import { fetchWithMaven, requireJava, requireMaven } from './maven.ts';
import { cacheDir } from './paths.ts';

const AMQP_CLIENT_VERSION = '5.37.1';
const STREAM_CLIENT_VERSION = '1.11.0';
/** Of the line that Kafka's client is built with. */
const SLF4J_VERSION = '1.7.36';

export interface JavaPrograms {
  /** For `java -cp`. */
  readonly classPath: string;
  /** Of Java itself. */
  readonly java: string;
  /** Name -> version of the clients. */
  readonly libraries: Readonly<Record<string, string>>;
  /** sha256 over the names and bytes of all jars: equal digest, equal clients. */
  readonly jarsDigest: string;
}

/**
 * Resolves when the programs can be run: every `.java` file of the folders, compiled. Throws `unavailable` without Java (17 or newer),
 * its compiler, or `mvn` where the jars are not in the cache yet; `failed` for sources that do not compile.
 */
export async function obtainJavaPrograms(
  sourceFolders: readonly string[],
  progress: (line: string) => void,
): Promise<JavaPrograms> {
  const java = await requireJava();
  const lib = await installJavaClients(progress);
  const classes = await compile(sourceFolders, lib);
  return {
    classPath: [classes, join(lib, '*')].join(':'),
    java,
    libraries: {
      'kafka-clients': KAFKA_VERSION,
      'amqp-client': AMQP_CLIENT_VERSION,
      'stream-client': STREAM_CLIENT_VERSION,
    },
    jarsDigest: await digestOf(await filesIn(lib, '.jar')),
  };
}

async function installJavaClients(progress: (line: string) => void): Promise<string> {
  const name = `${KAFKA_VERSION}-${AMQP_CLIENT_VERSION}-${STREAM_CLIENT_VERSION}`;
  const directory = join(cacheDir(), 'java-clients', name);
  await installOnce(directory, async (into) => {
    await requireMaven();
    progress('java clients: fetching with mvn (25 MB, once)');
    await retryDownload('java clients: mvn', progress, async () => {
      await fetchWithMaven(into, 'java-clients', [
        { group: 'org.apache.kafka', artifact: 'kafka-clients', version: KAFKA_VERSION },
        { group: 'com.rabbitmq', artifact: 'amqp-client', version: AMQP_CLIENT_VERSION },
        { group: 'com.rabbitmq', artifact: 'stream-client', version: STREAM_CLIENT_VERSION },
        { group: 'org.slf4j', artifact: 'slf4j-nop', version: SLF4J_VERSION },
      ]);
    });
  });
  return join(directory, 'lib');
}

/** Into a directory named after what the sources say, so that a changed one is never run as it was. */
async function compile(sourceFolders: readonly string[], lib: string): Promise<string> {
  const sources = (await Promise.all(sourceFolders.map((folder) => filesIn(folder, '.java')))).flat();
  if (sources.length === 0) throw new BrokersError('failed', `no Java sources in ${sourceFolders.join(', ')}`);
  const digest = await digestOf(sources);
  const directory = join(cacheDir(), 'java-clients', `classes-${digest.slice(0, 16)}`);
  await installOnce(directory, async (into) => {
    await runCommand('javac', ['--version'], { deadlineMs: limits.toolMs }).catch((caught: unknown) => {
      throw new BrokersError('unavailable', `no Java compiler: ${reasonOf(caught)}`, { cause: caught });
    });
    await runCommand('javac', ['--release', '17', '-d', into, '-cp', join(lib, '*'), ...sources], {
      deadlineMs: limits.toolMs,
    });
  });
  return directory;
}

async function filesIn(folder: string, ending: string): Promise<readonly string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending));
  return names.toSorted().map((name) => join(folder, name));
}

async function digestOf(files: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const file of files) hash.update(file.slice(file.lastIndexOf('/') + 1)).update(await readFile(file));
  return hash.digest('hex');
}
