/** What is committed is what is made from the .proto, and the .proto ships. */

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { printGrpcTypes } from '../../../scripts/print-grpc-types.ts';
import { protoDirectory, protoFile } from '../../../src/gateway/grpc/proto-file.ts';

const root = resolve(import.meta.dirname, '../../..');

it('the generated types are those of the .proto: after a change run `npm run grpc-types`', () => {
  const printed = mkdtempSync(join(tmpdir(), 'sluice-types-'));
  onTestFinished(() => rmSync(printed, { recursive: true, force: true }));
  printGrpcTypes(printed);
  expect(filesIn(join(root, 'src/gateway/grpc/generated'))).toEqual(filesIn(printed));
});

it('the .proto is where the server looks for it, and in the package', () => {
  const { files } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { files: string[] };
  expect(files).toContain('proto');
  expect(readFileSync(join(protoDirectory, protoFile), 'utf8')).toContain('package sluice.v1;');
  expect(protoDirectory).toBe(join(root, 'proto'));
});

function filesIn(directory: string): Record<string, string> {
  const names = readdirSync(directory, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  return Object.fromEntries(names.toSorted().map((name) => [name, readFileSync(join(directory, name), 'utf8')]));
}
