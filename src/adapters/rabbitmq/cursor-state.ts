/**
 * The messages of a cursor queue and what they add up to, pure. In queue order:
 *
 *   cursor {epoch, seq, watermark, state}   where reading goes on: everything below `watermark` is settled, `state` (ack-tracker)
 *                                           tells what above it is
 *   seek   {offset}                         from anyone: the cursor moves there, in a new epoch
 *   claim  {nonce}                          from a reader that wants the lease; nothing changes
 *
 * Epochs fence: a reader that lost its lease without knowing may still write cursors, in an epoch that is over.
 */

export type CursorMessage =
  | {
      readonly kind: 'cursor';
      readonly epoch: number;
      readonly seq: number;
      readonly watermark: number;
      readonly state: string;
    }
  | { readonly kind: 'seek'; readonly offset: number }
  | { readonly kind: 'claim'; readonly nonce: string };

export interface CursorState {
  readonly epoch: number;
  readonly seq: number;
  readonly watermark: number;
  /** Encoded by the ack tracker; empty when nothing above the watermark is settled. */
  readonly state: Buffer;
}

export const startOfStream: CursorState = { epoch: 0, seq: 0, watermark: 0, state: Buffer.alloc(0) };

/** The state after one more message. Returns the same object when nothing changed. */
export function applyCursorMessage(current: CursorState, message: CursorMessage): CursorState {
  switch (message.kind) {
    case 'claim':
      return current;
    case 'seek':
      return { epoch: current.epoch + 1, seq: 0, watermark: message.offset, state: Buffer.alloc(0) };
    case 'cursor': {
      const isNewer = message.epoch > current.epoch || (message.epoch === current.epoch && message.seq > current.seq);
      if (!isNewer) return current;
      const { epoch, seq, watermark, state } = message;
      return { epoch, seq, watermark, state: Buffer.from(state, 'base64') };
    }
  }
}

export function encodeCursorMessage(message: CursorMessage): Buffer {
  return Buffer.from(JSON.stringify(message));
}

export function cursorMessageOf({ epoch, seq, watermark, state }: CursorState): CursorMessage {
  return { kind: 'cursor', epoch, seq, watermark, state: state.toString('base64') };
}

/** Undefined for what is none of ours: somebody else published to the queue. */
export function decodeCursorMessage(content: Buffer): CursorMessage | undefined {
  try {
    const value: unknown = JSON.parse(content.toString());
    return isCursorMessage(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isCursorMessage(value: unknown): value is CursorMessage {
  if (typeof value !== 'object' || value === null || !('kind' in value)) return false;
  const fields = value as Readonly<Record<string, unknown>>;
  const isCount = (name: string): boolean => Number.isSafeInteger(fields[name]) && (fields[name] as number) >= 0;
  switch (value.kind) {
    case 'cursor':
      return isCount('epoch') && isCount('seq') && isCount('watermark') && typeof fields['state'] === 'string';
    case 'seek':
      return isCount('offset');
    case 'claim':
      return typeof fields['nonce'] === 'string';
    default:
      return false;
  }
}
