/** Waiting that ends: for a time, for something to be so, for work with a deadline. */

export async function pause(ms: number): Promise<void> {
  await new Promise<void>((resolve) => setTimeout(resolve, ms));
}

/** Resolves when it is so, or at the deadline: the caller looks. */
export async function until(isSo: () => boolean, deadlineMs: number): Promise<void> {
  const endMs = performance.now() + deadlineMs;
  while (!isSo() && performance.now() < endMs) await pause(2);
}

/** Of `withDeadline`: the work may still go on. */
export class NotInTime extends Error {
  override readonly name = 'NotInTime';
}

/** Settles as the work does; rejects with NotInTime at the deadline. */
export async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NotInTime(`not finished within ${Math.round(ms / 1000)} s`)), ms);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
