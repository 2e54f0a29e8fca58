/** Java on this machine, and jars from Maven Central by the ordinary `mvn`: exact versions, with everything they need, into a directory. */

import { mkdir, readdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from './command.ts';
import { BrokersError, reasonOf } from './errors.ts';
import { limits } from './limits.ts';

const JAVA_MIN = 17;

export interface MavenArtifact {
  readonly group: string;
  readonly artifact: string;
  readonly version: string;
}

/** Resolves with what `java` calls itself, such as `17.0.15`. Throws `unavailable` where it is missing or too old. */
export async function requireJava(): Promise<string> {
  const said = await runCommand('java', ['--version'], { deadlineMs: limits.toolMs }).catch((caught: unknown) => {
    throw new BrokersError('unavailable', `no Java: ${reasonOf(caught)}`, { cause: caught });
  });
  const [version = '', major] = /\b(\d+)[.\d]*/.exec(said) ?? [];
  if (!(Number(major) >= JAVA_MIN))
    throw new BrokersError('unavailable', `Java ${JAVA_MIN} or newer is needed, found ${said.split('\n')[0] ?? ''}`);
  return version;
}

export async function requireMaven(): Promise<void> {
  await runCommand('mvn', ['-v'], { deadlineMs: limits.toolMs }).catch((caught: unknown) => {
    throw new BrokersError('unavailable', `no mvn: ${reasonOf(caught)}`, { cause: caught });
  });
}

/** Into `<directory>/lib`; resolves with the names of the jars. */
export async function fetchWithMaven(
  directory: string,
  name: string,
  artifacts: readonly MavenArtifact[],
): Promise<readonly string[]> {
  const lib = join(directory, 'lib');
  await rm(lib, { recursive: true, force: true });
  await mkdir(lib);
  await writeFile(join(directory, 'pom.xml'), pom(name, artifacts));
  await runCommand(
    'mvn',
    ['-q', '-B', 'dependency:copy-dependencies', `-DoutputDirectory=${lib}`, '-DincludeScope=runtime'],
    { cwd: directory, deadlineMs: limits.mavenMs },
  );
  return await readdir(lib);
}

function pom(name: string, artifacts: readonly MavenArtifact[]): string {
  const dependencies = artifacts.map(
    ({ group, artifact, version }) =>
      `    <dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  return `<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>sluice</groupId><artifactId>${name}</artifactId><version>1</version>
  <dependencies>
${dependencies.join('\n')}
  </dependencies>
</project>
`;
}
