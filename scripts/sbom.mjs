// The software bill of materials of the package: `npm sbom` (CycloneDX) of what package-lock.json says is installed with it. Into
// dist/sbom.cdx.json, which ships, or into the file given. Three things are put right, so that the same lock makes the same bytes: the name (npm takes
// the folder's), the time (the commit's, as in build-info.json) and the serial number (npm draws one; here it is made of the content).
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const BYTES_MAX = 64 * 1024 * 1024;
const target = resolve(process.argv[2] ?? join(root, 'dist', 'sbom.cdx.json'));
const bill = listOf(withoutDevelopment());
bill.metadata.component.name = readJson('package.json').name;
bill.metadata.timestamp = buildDate();
if (bill.metadata.timestamp === undefined) delete bill.metadata.timestamp;
// Another npm makes the same list.
delete bill.metadata.tools;
delete bill.serialNumber;
bill.serialNumber = `urn:uuid:${uuidOf(JSON.stringify(bill))}`;
mkdirSync(dirname(target), { recursive: true });
writeFileSync(target, `${JSON.stringify(bill, null, 2)}\n`);
process.stderr.write(`${target}: ${bill.components.length} components\n`);

/**
 * A directory with the manifest and the lock of an installation without development. `npm sbom --omit=dev` will not do: it leaves out what
 * development needs as well, zod and yaml among them.
 */
function withoutDevelopment() {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-sbom-'));
  const { devDependencies: _, ...manifest } = readJson('package.json');
  const lock = readJson('package-lock.json');
  lock.packages = Object.fromEntries(Object.entries(lock.packages).filter(([, { dev }]) => dev !== true));
  delete lock.packages[''].devDependencies;
  writeFileSync(join(directory, 'package.json'), JSON.stringify(manifest));
  writeFileSync(join(directory, 'package-lock.json'), JSON.stringify(lock));
  return directory;
}

function listOf(directory) {
  const args = ['sbom', '--package-lock-only', '--sbom-format=cyclonedx', '--sbom-type=application'];
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: directory, encoding: 'utf8', maxBuffer: BYTES_MAX });
  rmSync(directory, { recursive: true, force: true });
  if (status === 0) return JSON.parse(stdout);
  process.stderr.write(`npm sbom failed (it came with npm 10): ${stderr}\n`);
  process.exit(status ?? 1);
}

function readJson(path) {
  return JSON.parse(readFileSync(join(root, path), 'utf8'));
}

function buildDate() {
  try {
    return readJson('dist/build-info.json').date ?? undefined;
  } catch {
    return undefined; // nothing is built: a bill without a time is whole
  }
}

/** A UUID of version 8 (RFC 9562: made as one likes) from a hash of the content. */
function uuidOf(content) {
  const hex = createHash('sha256').update(content).digest('hex');
  const variant = ((Number.parseInt(hex[16], 16) & 0x3) | 0x8).toString(16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}
