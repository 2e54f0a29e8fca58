/** What the system says of a disk, in the words of the port. */

import { describe, expect, it } from 'vitest';
import { toPortError } from '../../../src/adapters/native/errors.ts';

describe('creating a topic', () => {
  it.each([
    ['ENOSPC', 'storage_full'],
    ['EDQUOT', 'storage_full'],
    ['EROFS', 'backend_rejected'],
    ['EACCES', 'backend_rejected'],
  ])('on a disk that says %s is %s, not a fault of Sluice', (code, expected) => {
    const reason = Object.assign(new Error(`${code}: mkdir`), { code });
    expect(toPortError(reason)).toMatchObject({ code: expected, message: `${code}: mkdir`, cause: reason });
  });

  it('that fails for a mistake of ours says so', () => {
    expect(toPortError(new TypeError('undefined is no function'))).toMatchObject({ code: 'internal' });
  });
});
