/** The one error of this folder. `unavailable`: a broker cannot be had here (a skip); `failed`: it should have worked and did not. */

export type BrokersErrorCode = 'unavailable' | 'failed' | 'invalid_argument';

export class BrokersError extends Error {
  readonly code: BrokersErrorCode;

  constructor(code: BrokersErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'BrokersError';
    this.code = code;
  }
}

/** The message of anything caught, for a skip's reason or a progress line. */
export function reasonOf(caught: unknown): string {
  return caught instanceof Error ? caught.message : String(caught);
}
