/** Once for `npm run test:docker`: an engine of our own, the images that stand in for those of a registry, and the image of this project. */

import { execFileSync } from 'node:child_process';
import { repository } from '../package/packed-project.ts';
import { docker, Engine } from './engine.ts';
import { buildPrometheus, importNode, importRabbitMq, standIns } from './images.ts';

const git = (...args: string[]): string => execFileSync('git', args, { cwd: repository, encoding: 'utf8' }).trim();

export default async function setUpDocker(): Promise<() => Promise<void>> {
  // testcontainers' reaper is an image of its own, which cannot be had here.
  process.env['TESTCONTAINERS_RYUK_DISABLED'] = 'true';
  const engine = await Engine.start();
  try {
    say('importing a Debian with Node, and RabbitMQ');
    await Promise.all([importNode(), importRabbitMq(say)]);
    say('building the image');
    const commit = git('rev-parse', 'HEAD');
    const buildArguments = {
      NODE_IMAGE: standIns.node,
      SLUICE_BUILD_COMMIT: commit,
      SOURCE_DATE_EPOCH: git('log', '-1', '--format=%ct'),
    };
    const given = Object.entries(buildArguments).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]);
    const place = ['--file', `${repository}/docker/Dockerfile`, '--tag', 'sluice', repository];
    // For npm ci: the bridge of this engine leads nowhere.
    await docker(['build', '--network=host', ...given, ...place]);
    await buildPrometheus();
  } catch (reason) {
    await engine.stop();
    throw reason;
  }
  return async () => await engine.stop();
}

function say(line: string): void {
  process.stdout.write(`docker: ${line}\n`);
}
