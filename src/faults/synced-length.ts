/**
 * From a trace of a process's calls on files to what a disk owes it: how long each file was when it was last synced. Pure.
 *
 * What a sync guarantees is what had been written before it was called. So the length that counts is the one at the call's
 * entry, and a write counts from its return on. The trace has them in the order in which they happened: strace stops a
 * thread at each call until it has been written down, so what one thread did because of another's return comes behind it.
 *
 *     812 openat(AT_FDCWD</x>, "a.log", O_WRONLY|O_CREAT|O_APPEND, 0644) = 18</x/a.log>
 *     812 write(18</x/a.log>, ""..., 5)             = 5
 *     813 fdatasync(18</x/a.log> <unfinished ...>                the length counts that it has here
 *     812 write(18</x/a.log>, ""..., 5)             = 5
 *     813 <... fdatasync resumed>)                  = 0          and is synced here
 */

/** strace writes these down, with the path of each descriptor (`-y`). */
export const TRACED_CALLS = [
  'open,openat,creat,close,write,writev,pwrite64,pwritev,pwritev2,lseek,ftruncate,truncate,fallocate',
  'fsync,fdatasync,rename,renameat,renameat2,unlink,unlinkat,io_uring_enter,copy_file_range,sendfile,splice',
].join(',');

export interface FileLength {
  /** As the process made it, by the calls that were seen. */
  readonly length: number;
  /** What a disk keeps for certain. */
  readonly synced: number;
  /** It was being written when the process was killed: the trace does not tell how much of that came to the file. */
  readonly mayBeLonger: boolean;
}

export interface OpenDescriptor {
  readonly descriptor: number;
  readonly path: string;
  readonly position: number;
  readonly isAppending: boolean;
}

export interface TraceStart {
  /** Files that were there before; they count as on the disk. */
  readonly lengths: ReadonlyMap<string, number>;
  /** Open before. */
  readonly descriptors: readonly OpenDescriptor[];
  /** Where the process's `/` is: it names files from there. */
  readonly root: string;
}

export interface SyncedLengths {
  readonly files: ReadonlyMap<string, FileLength>;
  readonly syncs: number;
  /** Calls that move bytes in a way that is not followed here; their files' lengths then differ from the real ones. */
  readonly notFollowed: readonly string[];
}

interface Descriptor {
  position: number;
  isAppending: boolean;
  /** O_SYNC, O_DSYNC: each write is a sync. */
  isSyncing: boolean;
}

interface Call {
  readonly name: string;
  readonly args: string;
  readonly result: number;
  readonly resultPath: string | null;
}

export function syncedLengths(trace: string, start: TraceStart): SyncedLengths {
  const disk = new Disk(start);
  /** By thread: the beginning of a call that has not returned, and for a sync the length at its entry. */
  const open = new Map<string, { readonly text: string; readonly lengthAtEntry: number | null }>();
  for (const line of trace.split('\n')) {
    const match = /^(\d+) +(.*)$/.exec(line);
    if (match === null) continue;
    const [, thread = '', text = ''] = match;
    const unfinished = / ?<unfinished \.\.\.>$/.exec(text);
    if (unfinished !== null) {
      const begun = text.slice(0, unfinished.index);
      open.set(thread, { text: begun, lengthAtEntry: isSync(begun) ? disk.lengthOf(pathIn(begun)) : null });
      continue;
    }
    const resumed = /^<\.\.\. \w+ resumed>/.exec(text);
    const begun = resumed === null ? undefined : open.get(thread);
    if (resumed !== null) open.delete(thread);
    const whole = begun === undefined ? text : `${begun.text}${text.slice(resumed?.[0].length ?? 0)}`;
    const call = callIn(whole);
    if (call !== null) disk.apply(call, begun?.lengthAtEntry ?? null);
    if (/ = \?/.test(whole)) disk.leftOff(whole);
  }
  for (const { text } of open.values()) disk.leftOff(text);
  return { files: disk.files, syncs: disk.syncs, notFollowed: [...disk.notFollowed] };
}

class Disk {
  readonly files = new Map<string, { length: number; synced: number; mayBeLonger: boolean }>();
  readonly notFollowed = new Set<string>();
  syncs = 0;
  readonly #root: string;
  /** By number and path: a number alone is another file's in another process. */
  readonly #descriptors = new Map<string, Descriptor>();

  constructor({ lengths, descriptors, root }: TraceStart) {
    this.#root = root === '/' ? '' : root;
    for (const [path, length] of lengths) this.files.set(path, { length, synced: length, mayBeLonger: false });
    for (const { descriptor, path, position, isAppending } of descriptors)
      this.#descriptors.set(`${descriptor}<${path}>`, { position, isAppending, isSyncing: false });
  }

  /** A call that the kill cut off: the kernel may have carried it out. */
  leftOff(text: string): void {
    const path = /^p?writev?(?:64|2)?\(/.test(text) ? pathIn(text) : null;
    const file = path === null ? undefined : this.files.get(path);
    if (file !== undefined) file.mayBeLonger = true;
  }

  lengthOf(path: string | null): number {
    return path === null ? 0 : (this.files.get(path)?.length ?? 0);
  }

  apply(call: Call, lengthAtEntry: number | null): void {
    // What failed changed nothing.
    if (call.result < 0) return;
    switch (call.name) {
      case 'open':
      case 'openat':
      case 'creat':
        return this.#opened(call);
      case 'write':
      case 'writev':
        return this.#wrote(call, null);
      case 'pwrite64':
        return this.#wrote(call, lastNumber(call.args));
      case 'pwritev':
        return this.#wrote(call, lastNumber(call.args));
      case 'pwritev2':
        return this.#wrote(call, lastNumber(call.args.slice(0, call.args.lastIndexOf(','))));
      case 'lseek': {
        const descriptor = this.#descriptorOf(call.args);
        if (descriptor !== null) descriptor.position = call.result;
        return;
      }
      case 'ftruncate':
        return this.#resized(pathIn(call.args), lastNumber(call.args));
      case 'truncate':
        return this.#resized(this.#named(call.args, 0), lastNumber(call.args));
      case 'fallocate':
        return this.#allocated(call.args);
      case 'fsync':
      case 'fdatasync':
        return this.#synced(pathIn(call.args), lengthAtEntry);
      case 'rename':
      case 'renameat':
      case 'renameat2':
        return this.#renamed(this.#named(call.args, 0), this.#named(call.args, 1));
      case 'unlink':
      case 'unlinkat':
        this.files.delete(this.#named(call.args, 0) ?? '');
        return;
      case 'io_uring_enter':
      case 'copy_file_range':
      case 'sendfile':
      case 'splice':
        // To a socket they change no file.
        if (call.name === 'io_uring_enter' || this.files.has(pathIn(call.args) ?? '')) this.notFollowed.add(call.name);
    }
  }

  #opened({ args, result, resultPath }: Call): void {
    if (resultPath === null) return;
    const known = this.files.get(resultPath);
    if (known === undefined) this.files.set(resultPath, { length: 0, synced: 0, mayBeLonger: false });
    else if (/\bO_TRUNC\b/.test(args)) this.#resized(resultPath, 0);
    this.#descriptors.set(`${result}<${resultPath}>`, {
      position: 0,
      isAppending: /\bO_APPEND\b/.test(args),
      isSyncing: /\bO_D?SYNC\b/.test(args),
    });
  }

  #wrote({ args, result }: Call, offset: number | null): void {
    const path = pathIn(args);
    const file = path === null ? undefined : this.files.get(path);
    const descriptor = this.#descriptorOf(args);
    if (file === undefined || descriptor === null) return;
    const from = descriptor.isAppending ? file.length : (offset ?? descriptor.position);
    const end = from + result;
    if (offset === null) descriptor.position = end;
    file.length = Math.max(file.length, end);
    if (descriptor.isSyncing) file.synced = Math.max(file.synced, end);
  }

  #resized(path: string | null, length: number): void {
    const file = path === null ? undefined : this.files.get(path);
    if (file === undefined) return;
    file.length = length;
    file.synced = Math.min(file.synced, length);
  }

  #allocated(args: string): void {
    const path = pathIn(args);
    const file = path === null ? undefined : this.files.get(path);
    const [, mode = '', from = '0', bytes = '0'] = /^[^,]*, ([^,]*), (\d+), (\d+)$/.exec(args) ?? [];
    if (file === undefined || mode !== '0') return;
    file.length = Math.max(file.length, Number(from) + Number(bytes));
  }

  #synced(path: string | null, lengthAtEntry: number | null): void {
    const file = path === null ? undefined : this.files.get(path);
    if (file === undefined) return;
    this.syncs++;
    file.synced = Math.max(file.synced, Math.min(file.length, lengthAtEntry ?? file.length));
  }

  /** A file that takes another's place counts as written: ext4 and btrfs see to that, because so many programs rely on it. */
  #renamed(from: string | null, to: string | null): void {
    const file = from === null ? undefined : this.files.get(from);
    if (file === undefined || from === null || to === null) return;
    if (this.files.has(to)) file.synced = file.length;
    this.files.delete(from);
    this.files.set(to, file);
    for (const [key, descriptor] of this.#descriptors)
      if (key.endsWith(`<${from}>`)) this.#descriptors.set(key.replace(`<${from}>`, `<${to}>`), descriptor);
  }

  #descriptorOf(args: string): Descriptor | null {
    const [key] = /^\d+<[^>]*>/.exec(args) ?? [];
    return key === undefined ? null : (this.#descriptors.get(key) ?? null);
  }

  /** The path of the name at that place among the names of a call. */
  #named(args: string, place: number): string | null {
    const names = [...args.matchAll(/(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"/g)];
    const found = names[place];
    if (found === undefined) return null;
    const [, directory, name = ''] = found;
    if (name.startsWith('/')) return `${this.#root}${name}`;
    return directory === undefined ? null : `${directory}/${name.replace(/^\.\//, '')}`;
  }
}

function isSync(text: string): boolean {
  return /^f(?:data)?sync\(/.test(text);
}

function callIn(text: string): Call | null {
  const match = /^(\w+)\((.*)\) += (-?\d+|\?)(?:<([^>]*)>)?/.exec(text);
  if (match === null) return null;
  const [, name = '', args = '', result = '', path] = match;
  return { name, args, result: result === '?' ? -1 : Number(result), resultPath: path ?? null };
}

/** Of the descriptor that a call begins with. */
function pathIn(args: string): string | null {
  return /^(?:\w+\()?\d+<([^>]*)>/.exec(args)?.[1] ?? null;
}

function lastNumber(args: string): number {
  return Number(/(\d+)$/.exec(args)?.[1] ?? 0);
}
