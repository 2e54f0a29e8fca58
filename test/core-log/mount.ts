/** Small file systems, in memory or in an image, mounted for a test and gone with it. */

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** Why none can be mounted here, or null. */
export const whyNoMounts: string | null = whyNot();

if (whyNoMounts !== null) console.warn(`tests on file systems of their own are skipped: ${whyNoMounts}`);

/** Why none can be shut down like a machine without power, or null. */
export const whyNoImages: string | null = whyNoMounts ?? whyNoPowerCut();

if (whyNoMounts === null && whyNoImages !== null)
  console.warn(`tests that cut the power of a file system are skipped: ${whyNoImages}`);

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
    return said(reason);
  }
}

export interface Image {
  path(name: string): string;
  /** From now on nothing reaches the disk: what no sync had answered for is lost. Processes that use it get errors. */
  cutPower(): void;
  /** As after the power is back: the journal is played. Nobody may have a file open any more. */
  remount(): void;
}

/** An ext4 of this size in a file; unmounted and removed when the test ends, however it ends. */
export async function ext4Image(size: string): Promise<Image> {
  const image = makeImage(size);
  onTestFinished(() => image.remove());
  return image;
}

function makeImage(size: string): Image & { remove(): void } {
  const home = mkdtempSync(join(tmpdir(), 'sluice-image-'));
  const directory = join(home, 'mounted');
  let file = join(home, 'image');
  run('mkdir', directory);
  run('truncate', '-s', size, file);
  run('mkfs.ext4', '-q', file);
  let device = '';
  const attach = (): void => {
    device = run('losetup', '--find', '--show', file).trim();
    try {
      run('mount', '-t', 'ext4', device, directory);
    } catch (reason) {
      run('losetup', '--detach', device);
      throw reason;
    }
  };
  const detach = (): void => {
    run('umount', directory);
    run('losetup', '--detach', device);
  };
  const remove = (): void => {
    detach();
    rmSync(home, { recursive: true });
  };
  attach();
  return {
    path: (name) => join(directory, name),
    cutPower: () => shutDown(directory),
    // A copy of the disk as it is now. Any process that was started in a mount namespace of its own meanwhile (`ip netns exec` makes one) has
    // the file system there, too, and keeps it: mounted again from the same device it would be the one that was shut down.
    remount: () => {
      detach();
      const before = file;
      file = `${file}+`;
      run('cp', '--sparse=always', before, file);
      rmSync(before);
      attach();
    },
    remove,
  };
}

/** FS_IOC_SHUTDOWN without flushing the journal; perl, because Node has no ioctl and every Debian has perl. */
function shutDown(directory: string): void {
  const script = 'open(my $d, "<", $ARGV[0]) or die $!; my $how = pack("L", 2); ioctl($d, 0x8004587d, $how) // die $!';
  run('perl', '-e', script, directory);
}

function whyNoPowerCut(): string | null {
  try {
    const image = makeImage('8M');
    try {
      image.cutPower();
    } finally {
      image.remove();
    }
    return null;
  } catch (reason) {
    return said(reason);
  }
}

function run(program: string, ...args: string[]): string {
  return execFileSync(program, args, { stdio: 'pipe', encoding: 'utf8' });
}

function said(reason: unknown): string {
  return String((reason as { readonly stderr?: Buffer | string }).stderr || reason).trim();
}
