/** The engine's one error class and its table of codes. Codes are stable, messages are for people. */

/** code -> what it means to the caller. `retryable`: the same call may succeed later without anybody changing it. */
export const engineErrors = {
  invalid_option: {
    meaning: 'an option, a name or a record is not allowed; every problem is listed',
    retryable: false,
  },
  not_a_data_directory: {
    meaning: 'the directory has files and is not a data directory of this log',
    retryable: false,
  },
  not_writable: {
    meaning: 'the data directory cannot be made or written; the path and what the system said are named',
    retryable: false,
  },
  format_too_new: { meaning: 'a newer version wrote the directory', retryable: false },
  directory_locked: {
    meaning: 'another process, or another engine of this one, has the directory open',
    retryable: true,
  },
  topic_not_found: { meaning: 'no topic, or no partition, of this name and number', retryable: false },
  topic_exists: { meaning: 'a topic of this name exists', retryable: false },
  invalid_batch: {
    meaning: 'the bytes are not a record batch that this topic takes; nothing was stored',
    retryable: false,
  },
  key_required: { meaning: 'a compacted topic takes only records with a key; nothing was stored', retryable: false },
  out_of_order_sequence: {
    meaning: 'a batch of an idempotent producer does not follow its last one; nothing was stored',
    retryable: false,
  },
  producer_fenced: { meaning: 'a newer epoch of this producer has begun; nothing was stored', retryable: false },
  undecodable_batch: {
    meaning: 'the records of a stored batch cannot be read: its compressed bytes are not what they say, or too large',
    retryable: false,
  },
  unsupported_compression: { meaning: 'the batch is compressed in a way that cannot be read', retryable: false },
  offset_out_of_range: { meaning: 'the offset is before the oldest kept or after the next record', retryable: false },
  record_too_large: { meaning: 'a record or a batch is above its limit', retryable: false },
  queue_full: { meaning: 'too many appends wait for the disk; nothing was stored', retryable: true },
  storage_full: {
    meaning: 'no space is left; nothing was stored; appends work again when there is space',
    retryable: true,
  },
  write_failed: { meaning: 'the write failed and was undone; nothing was stored', retryable: true },
  read_failed: { meaning: 'the disk did not give the bytes; they may be there at the next try', retryable: true },
  sync_failed: {
    meaning:
      'a sync failed, or a failed write could not be undone: the records may be stored or not; the partition is fenced',
    retryable: false,
  },
  fenced: {
    meaning: 'the partition refuses appends since its disk failed, until the directory is opened again',
    retryable: false,
  },
  log_corrupt: {
    meaning: 'bytes that were stored are not what was written; file and position are named',
    retryable: false,
  },
  engine_closed: { meaning: 'the engine is closed or closing', retryable: false },
} as const;

export type EngineErrorCode = keyof typeof engineErrors;

/** Where the damage is: `nextOffset` is the first whole record after it, null when there is none. */
export interface DamageLocation {
  readonly file: string;
  readonly position: number;
  readonly nextOffset: number | null;
}

export class EngineError extends Error {
  override readonly name = 'EngineError';
  readonly code: EngineErrorCode;
  /** Only with `log_corrupt`. */
  readonly damage: DamageLocation | undefined;

  constructor(
    code: EngineErrorCode,
    message: string,
    options: { readonly cause?: unknown; readonly damage?: DamageLocation } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.damage = options.damage;
  }

  get retryable(): boolean {
    return engineErrors[this.code].retryable;
  }
}

const fullCodes: readonly unknown[] = ['ENOSPC', 'EDQUOT'];

/** What a file system, or `writeError`, says of a full disk. */
export function isDiskFull(reason: unknown): boolean {
  const { code } = (reason ?? {}) as { readonly code?: unknown };
  return code === 'storage_full' || fullCodes.includes(code);
}

/** What a failed write means: no space is a state that passes, the rest is the disk's. */
export function writeError(cause: unknown, file: string): EngineError {
  const errno = (cause as NodeJS.ErrnoException | null)?.code;
  const code = fullCodes.includes(errno) ? 'storage_full' : 'write_failed';
  return new EngineError(code, `write to ${file} failed: ${errno ?? String(cause)}; nothing of it was kept`, { cause });
}

const forbiddenCodes: readonly unknown[] = ['EACCES', 'EPERM', 'EROFS', 'ENOENT', 'ENOTDIR'];

/** What failed while a directory was opened: one that may not be written is the commonest, and the system says it badly
 *  (a missing directory that cannot be made is ENOENT). Everything else as it is. */
export function openError(cause: unknown, directory: string): unknown {
  const { code, path } = (cause ?? {}) as NodeJS.ErrnoException;
  if (cause instanceof EngineError || !forbiddenCodes.includes(code)) return cause;
  const where = path === undefined || path === directory ? directory : `${directory}: ${path}`;
  const hint = code === 'ENOENT' ? '; a directory above it is missing, or on a read-only file system' : '';
  return new EngineError('not_writable', `${where} cannot be written: ${code}${hint}`, { cause });
}

/** The same error, with the file where what it speaks of lies. */
export function inFile(file: string, reason: unknown): unknown {
  if (!(reason instanceof EngineError)) return reason;
  return new EngineError(reason.code, `${file}: ${reason.message}`, { cause: reason.cause ?? reason });
}
