/** Small file systems in memory, mounted for a test and gone with it. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Why none can be mounted here, or null. */
export const whyNoMounts: string | null = whyNot();

if (whyNoMounts !== null) console.warn(`tests on file systems of their own are skipped: ${whyNoMounts}`);

/** A tmpfs with these options; unmounted when the test ends, however it ends. */
export async function mounted(options: string): Promise<string> {
  const directory = mount(options);
  onTestFinished(() => unmount(directory));
  return directory;
}

function mount(options: string): string {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', directory], { stdio: 'pipe' });
  } catch (reason) {
    rmdirSync(directory);
    throw reason;
  }
  return directory;
}

/** Lazily: what is still open in it must not keep the mount. */
function unmount(directory: string): void {
  execFileSync('umount', ['--lazy', directory], { stdio: 'pipe' });
  rmdirSync(directory);
}

function whyNot(): string | null {
  if (process.platform !== 'linux') return `no tmpfs on ${process.platform}`;
  if (process.getuid?.() !== 0) return 'mounting needs root';
  try {
    unmount(mount('size=64k'));
    return null;
  } catch (reason) {
    return String((reason as { readonly stderr?: Buffer }).stderr ?? reason).trim();
  }
}
