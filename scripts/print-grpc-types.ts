/** Prints the types of the .proto: `npm run grpc-types`. A test holds the committed files to what this prints. */

import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../', import.meta.url));

/** The options say what `loadProto` of src/gateway/grpc/proto.ts loads. */
export function printGrpcTypes(directory: string): void {
  const loader = dirname(createRequire(import.meta.url).resolve('@grpc/proto-loader/package.json'));
  const options = ['--longs=Number', '--enums=String', '--grpcLib=@grpc/grpc-js', '--importFileExtension=.ts'];
  const generator = join(loader, 'build', 'bin', 'proto-loader-gen-types.js');
  const { status, stderr } = spawnSync(
    process.execPath,
    [generator, ...options, '-I', 'proto', '-O', directory, 'sluice/v1/sluice.proto'],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const generated = join(root, 'src', 'gateway', 'grpc', 'generated');
  rmSync(generated, { recursive: true, force: true });
  printGrpcTypes(generated);
}
