/**
 * A disk in memory that knows what is on it for good and what is only in the page cache. `powerCut` gives the disk as it may be found
 * afterwards: of what was not synced each sector of each write may be there or not, sizes and names are as of some moment since the
 * last sync. `kill` gives the disk as it is found after kill -9: all that was written. The old disk answers nobody any more.
 */

import type { DirectoryLock, File, FileStatus, FileSystem } from '../../src/core-log/index.ts';

const SECTOR_BYTES = 512;

export type OperationKind =
  | 'open'
  | 'read'
  | 'write'
  | 'truncate'
  | 'dataSync'
  | 'close'
  | 'rename'
  | 'remove'
  | 'makeDirectory'
  | 'syncDirectory';

export interface Operation {
  readonly kind: OperationKind;
  readonly path: string;
  /** Of a write: how much of it. */
  readonly bytes: number;
}

/** Called before each operation: throws to fail it, returns a promise to hold it up. A sync that it fails has cost the pages:
 *  they are read as before, and no later sync brings them to the disk. */
export type Intruder = (operation: Operation) => void | Promise<void>;

/** A number from 0 up to, not including, `below`. */
export type Dice = (below: number) => number;

class Bytes {
  #bytes = Buffer.alloc(0);
  #size = 0;

  get view(): Buffer {
    return this.#bytes.subarray(0, this.#size);
  }

  get size(): number {
    return this.#size;
  }

  write(position: number, bytes: Uint8Array): void {
    if (position + bytes.byteLength > this.#size) this.resize(position + bytes.byteLength);
    this.#bytes.set(bytes, position);
  }

  resize(size: number): void {
    if (size > this.#bytes.length) {
      const grown = Buffer.alloc(Math.max(size, this.#bytes.length * 2));
      this.#bytes.copy(grown, 0, 0, this.#size);
      this.#bytes = grown;
    }
    if (size < this.#size) this.#bytes.fill(0, size, this.#size);
    this.#size = size;
  }

  copy(): Bytes {
    const copied = new Bytes();
    copied.write(0, this.view);
    return copied;
  }
}

type Change =
  | { readonly kind: 'write'; readonly position: number; readonly bytes: Buffer; readonly sizeAfter: number }
  | { readonly kind: 'truncate'; readonly sizeAfter: number };

class FileNode {
  readonly createdMs: number;
  content = new Bytes();
  synced = new Bytes();
  unsynced: Change[] = [];

  constructor(createdMs: number) {
    this.createdMs = createdMs;
  }

  write(position: number, bytes: Buffer): void {
    this.content.write(position, bytes);
    this.unsynced.push({ kind: 'write', position, bytes, sizeAfter: this.content.size });
  }

  truncate(size: number): void {
    if (size === this.content.size) return;
    this.content.resize(size);
    this.unsynced.push({ kind: 'truncate', sizeAfter: size });
  }

  sync(): void {
    this.#settle(this.synced, this.unsynced.length, () => true);
    this.unsynced = [];
  }

  /** What the kernel does when it cannot write: the pages count as clean from then on. The sizes are another journal's. */
  loseUnsynced(): void {
    this.unsynced = this.unsynced.map(({ sizeAfter }) => ({ kind: 'truncate', sizeAfter }));
  }

  /** As it may be after a power cut. */
  afterPowerCut(dice: Dice): FileNode {
    const found = new FileNode(this.createdMs);
    found.content = this.synced.copy();
    this.#settle(found.content, dice(this.unsynced.length + 1), () => dice(4) > 0);
    found.synced = found.content.copy();
    return found;
  }

  #settle(into: Bytes, count: number, isWritten: () => boolean): void {
    for (const change of this.unsynced.slice(0, count)) {
      if (change.kind === 'write') {
        for (let from = 0; from < change.bytes.length; ) {
          const at = change.position + from;
          const next = from + SECTOR_BYTES - (at % SECTOR_BYTES);
          if (isWritten()) into.write(at, change.bytes.subarray(from, next));
          from = next;
        }
      }
      into.resize(change.sizeAfter);
    }
  }
}

type Renaming = readonly { readonly name: string; readonly node: Node | null }[];

class DirectoryNode {
  readonly names = new Map<string, Node>();
  readonly synced = new Map<string, Node>();
  unsynced: Renaming[] = [];

  change(...renaming: Renaming): void {
    apply(this.names, renaming);
    this.unsynced.push(renaming);
  }

  sync(): void {
    for (const renaming of this.unsynced) apply(this.synced, renaming);
    this.unsynced = [];
  }

  afterPowerCut(dice: Dice): DirectoryNode {
    const names = new Map(this.synced);
    for (const renaming of this.unsynced.slice(0, dice(this.unsynced.length + 1))) apply(names, renaming);
    return copyOf(names, (node) => node.afterPowerCut(dice));
  }
}

type Node = FileNode | DirectoryNode;

function apply(names: Map<string, Node>, renaming: Renaming): void {
  for (const { name, node } of renaming) {
    if (node === null) names.delete(name);
    else names.set(name, node);
  }
}

function copyOf(names: ReadonlyMap<string, Node>, copy: (node: Node) => Node): DirectoryNode {
  const found = new DirectoryNode();
  for (const [name, node] of names) found.change({ name, node: copy(node) });
  found.sync();
  return found;
}

export class MemoryDisk implements FileSystem {
  #root: DirectoryNode;
  #isDead = false;
  #isLocked = false;
  #openFiles = 0;
  readonly #nowMs: () => number;
  intruder: Intruder | undefined;
  /** Called after each operation, with what it did done: holds up the answer, or makes a failure of it. */
  follower: Intruder | undefined;
  /** Bytes that still fit. A write that does not writes what fits, and fails. */
  spaceLeft = Number.POSITIVE_INFINITY;
  #tornAt: number | undefined;
  readonly operations: Operation[] = [];

  constructor(nowMs: () => number = () => 0, root = new DirectoryNode()) {
    this.#nowMs = nowMs;
    this.#root = root;
  }

  get openFiles(): number {
    return this.#openFiles;
  }

  powerCut(dice: Dice): MemoryDisk {
    this.#isDead = true;
    return this.asFound(dice);
  }

  /** As it would be found if the power went now. This one goes on. */
  asFound(dice: Dice): MemoryDisk {
    return new MemoryDisk(this.#nowMs, this.#root.afterPowerCut(dice));
  }

  /** Nothing that was not synced is left. */
  powerCutAtWorst(): MemoryDisk {
    return this.powerCut(() => 0);
  }

  kill(): MemoryDisk {
    this.#isDead = true;
    return new MemoryDisk(this.#nowMs, this.#root); // the dead one touches it no more
  }

  /** The next write stops after so many bytes, and fails. */
  tear(bytes: number): void {
    this.#tornAt = bytes;
  }

  /** The content of a file, to look at and to damage; `undefined` when there is none. */
  contentOf(path: string): Buffer | undefined {
    const node = this.#find(path);
    return node instanceof FileNode ? node.content.view : undefined;
  }

  /** Replaces the content of a file, as somebody would who has no business there; it is on the disk at once. */
  put(path: string, bytes: Uint8Array): void {
    const [directory, name] = this.#parent(path);
    const node = new FileNode(this.#nowMs());
    node.write(0, Buffer.from(bytes));
    node.sync();
    directory.change({ name, node });
    directory.sync();
  }

  erase(path: string): void {
    const [directory, name] = this.#parent(path);
    directory.change({ name, node: null });
    directory.sync();
  }

  /** All files under a directory, in order. */
  filesUnder(path: string): string[] {
    const node = this.#find(path);
    if (!(node instanceof DirectoryNode)) return [];
    return [...node.names]
      .flatMap(([name, child]) =>
        child instanceof FileNode ? [`${path}/${name}`] : this.filesUnder(`${path}/${name}`),
      )
      .sort();
  }

  async open(path: string, mode: 'read' | 'write'): Promise<File> {
    return await this.#do('open', path, () => {
      let node = this.#find(path);
      if (node instanceof DirectoryNode) throw errno('EISDIR', path);
      if (node === undefined) {
        if (mode === 'read') throw errno('ENOENT', path);
        const [directory, name] = this.#parent(path);
        node = new FileNode(this.#nowMs());
        directory.change({ name, node });
      }
      this.#openFiles += 1;
      return this.#file(path, node, mode);
    });
  }

  async status(path: string): Promise<FileStatus | undefined> {
    await this.#alive();
    const node = this.#find(path);
    if (node === undefined) return undefined;
    if (node instanceof DirectoryNode) return { size: 0, isDirectory: true, createdMs: 0 };
    return { size: node.content.size, isDirectory: false, createdMs: node.createdMs };
  }

  async list(path: string): Promise<readonly string[]> {
    await this.#alive();
    const node = this.#find(path);
    return node instanceof DirectoryNode ? [...node.names.keys()] : [];
  }

  async makeDirectory(path: string): Promise<void> {
    await this.#do('makeDirectory', path, () => {
      let node = this.#root;
      for (const name of partsOf(path)) {
        const child = node.names.get(name) ?? new DirectoryNode();
        if (!(child instanceof DirectoryNode)) throw errno('EEXIST', path);
        if (!node.names.has(name)) node.change({ name, node: child });
        node = child;
      }
    });
  }

  async rename(from: string, to: string): Promise<void> {
    await this.#do('rename', from, () => {
      const node = this.#find(from);
      if (node === undefined) throw errno('ENOENT', from);
      const [fromDirectory, fromName] = this.#parent(from);
      const [toDirectory, toName] = this.#parent(to);
      const target = toDirectory.names.get(toName);
      if (target instanceof DirectoryNode && target.names.size > 0) throw errno('ENOTEMPTY', to);
      if (fromDirectory === toDirectory) {
        fromDirectory.change({ name: fromName, node: null }, { name: toName, node });
        return;
      }
      toDirectory.change({ name: toName, node });
      fromDirectory.change({ name: fromName, node: null });
    });
  }

  async remove(path: string): Promise<void> {
    await this.#do('remove', path, () => {
      if (this.#find(path) === undefined) return;
      const [directory, name] = this.#parent(path);
      this.spaceLeft += removeFrom(directory, name);
    });
  }

  async syncDirectory(path: string): Promise<void> {
    await this.#do('syncDirectory', path, () => {
      const node = this.#find(path);
      if (!(node instanceof DirectoryNode)) throw errno('ENOENT', path);
      node.sync();
    });
  }

  async lock(): Promise<DirectoryLock | { readonly owner: string }> {
    await this.#alive();
    if (this.#isLocked) return { owner: 'another engine' };
    this.#isLocked = true;
    return {
      release: async () => {
        await this.#alive();
        this.#isLocked = false;
      },
    };
  }

  #file(path: string, node: FileNode, mode: 'read' | 'write'): File {
    let isOpen = true;
    const onOpen = async <T>(kind: OperationKind, work: () => T, bytes = 0, failed?: () => void): Promise<T> => {
      const isAllowed = isOpen && (mode === 'write' || (kind !== 'write' && kind !== 'truncate'));
      if (!isAllowed) throw errno('EBADF', path);
      return await this.#do(kind, path, work, bytes, failed);
    };
    return {
      path,
      write: async (buffers, position) => {
        const bytes = Buffer.concat(buffers);
        const write = (): void => {
          const tornAt = this.#tornAt;
          this.#tornAt = undefined;
          if (tornAt !== undefined) {
            if (tornAt > 0) node.write(position, Buffer.from(bytes.subarray(0, tornAt)));
            throw errno('EIO', path);
          }
          const grows = Math.max(0, position + bytes.length - node.content.size);
          if (grows <= this.spaceLeft) {
            this.spaceLeft -= grows;
            node.write(position, bytes);
            return;
          }
          const fits = bytes.subarray(0, bytes.length - (grows - this.spaceLeft));
          if (fits.length > 0) node.write(position, Buffer.from(fits));
          this.spaceLeft = 0;
          throw errno('ENOSPC', path);
        };
        await onOpen('write', write, bytes.length);
      },
      read: async (into, position) =>
        await onOpen('read', () => {
          const from = node.content.view.subarray(position, position + into.byteLength);
          into.set(from);
          return from.length;
        }),
      dataSync: async () => {
        const lose = (): void => node.loseUnsynced();
        await onOpen('dataSync', () => node.sync(), 0, lose);
      },
      truncate: async (size) => {
        await onOpen('truncate', () => {
          this.spaceLeft += Math.max(0, node.content.size - size);
          node.truncate(size);
        });
      },
      size: async () => node.content.size,
      close: async () => {
        await onOpen('close', () => {
          isOpen = false;
          this.#openFiles -= 1;
        });
      },
    };
  }

  /** Does it in one piece: a disk that dies meanwhile has done it or not. */
  async #do<T>(kind: OperationKind, path: string, work: () => T, bytes = 0, failed?: () => void): Promise<T> {
    await this.#alive();
    const operation = { kind, path, bytes };
    this.operations.push(operation);
    try {
      await this.intruder?.(operation);
    } catch (reason) {
      if (!this.#isDead) failed?.();
      throw reason;
    }
    await this.#alive();
    const result = work();
    if (this.follower === undefined) return result;
    await this.follower(operation);
    await this.#alive();
    return result;
  }

  /** Whoever asks a dead disk waits for ever, as a dead process does. */
  async #alive(): Promise<void> {
    if (this.#isDead) await new Promise<never>(() => undefined);
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root;
    for (const name of partsOf(path)) node = node instanceof DirectoryNode ? node.names.get(name) : undefined;
    return node;
  }

  #parent(path: string): [DirectoryNode, string] {
    const parts = partsOf(path);
    const name = parts.pop();
    const directory = this.#find(`/${parts.join('/')}`);
    if (!(directory instanceof DirectoryNode) || name === undefined) throw errno('ENOENT', path);
    if (Buffer.byteLength(name) > 255) throw errno('ENAMETOOLONG', path);
    return [directory, name];
  }
}

/** Returns the bytes that are free now. */
function removeFrom(directory: DirectoryNode, name: string): number {
  const node = directory.names.get(name);
  let freed = node instanceof FileNode ? node.content.size : 0;
  if (node instanceof DirectoryNode) for (const child of node.names.keys()) freed += removeFrom(node, child);
  directory.change({ name, node: null });
  return freed;
}

function partsOf(path: string): string[] {
  return path.split('/').filter((part) => part !== '');
}

export function errno(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
