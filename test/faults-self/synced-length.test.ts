/** From a trace of calls to what a disk owes: each case is a few lines as strace prints them. */

import { describe, expect, test } from 'vitest';
import { syncedLengths, type TraceStart } from '../../src/faults/index.ts';

const nothingBefore: TraceStart = { lengths: new Map<string, number>(), descriptors: [], root: '/' };

/** Length and synced length of each file. */
function after(trace: readonly string[], start = nothingBefore) {
  const { files } = syncedLengths(trace.join('\n'), start);
  return Object.fromEntries([...files].map(([path, { length, synced }]) => [path, [length, synced]]));
}

const opened = '1 openat(AT_FDCWD</d>, "a", O_WRONLY|O_CREAT, 0644) = 5</d/a>';

describe('what counts as synced', () => {
  test('is what was written before the sync was called, not what was written behind it', () => {
    expect(
      after([opened, '1 write(5</d/a>, ""..., 10) = 10', '2 fdatasync(5</d/a>) = 0', '1 write(5</d/a>, ""..., 4) = 4']),
    ).toEqual({ '/d/a': [14, 10] });
  });

  test('is not what was written while the sync was under way', () => {
    expect(
      after([
        opened,
        '1 write(5</d/a>, ""..., 10) = 10',
        '2 fsync(5</d/a> <unfinished ...>',
        '1 write(5</d/a>, ""..., 4) = 4',
        '2 <... fsync resumed>) = 0',
      ]),
    ).toEqual({ '/d/a': [14, 10] });
  });

  test('is nothing where the sync failed or never came back', () => {
    const written = [opened, '1 write(5</d/a>, ""..., 10) = 10'];
    expect(after([...written, '1 fsync(5</d/a>) = -1 EIO (Input/output error)'])).toEqual({ '/d/a': [10, 0] });
    expect(after([...written, '1 fsync(5</d/a> <unfinished ...>'])).toEqual({ '/d/a': [10, 0] });
    expect(after([...written, '1 fsync(5</d/a>) = ? <unavailable>'])).toEqual({ '/d/a': [10, 0] });
  });

  test('is each write of a file that was opened for it', () => {
    const trace = [
      '1 openat(AT_FDCWD</d>, "a", O_WRONLY|O_CREAT|O_DSYNC, 0644) = 5</d/a>',
      '1 write(5</d/a>, ""..., 3) = 3',
    ];
    expect(after(trace)).toEqual({ '/d/a': [3, 3] });
  });

  test('is everything that was there before', () => {
    const start = {
      lengths: new Map([['/d/a', 100]]),
      descriptors: [{ descriptor: 5, path: '/d/a', position: 100, isAppending: true }],
      root: '/',
    };
    expect(after(['1 write(5</d/a>, ""..., 7) = 7'], start)).toEqual({ '/d/a': [107, 100] });
  });
});

describe('how long a file is', () => {
  test.each([
    ['at a place of its own', ['1 pwrite64(5</d/a>, ""..., 4, 96) = 4'], 100],
    [
      'of several buffers, at a place',
      ['1 pwritev(5</d/a>, [{iov_base=""..., iov_len=2}, {iov_base=""..., iov_len=2}], 2, 6) = 4'],
      10,
    ],
    ['of several buffers', ['1 writev(5</d/a>, [{iov_base=""..., iov_len=9}], 1) = 9'], 9],
    ['less than was asked for', ['1 write(5</d/a>, ""..., 10) = 6'], 6],
    ['behind where it was placed', ['1 lseek(5</d/a>, 50, SEEK_SET) = 50', '1 write(5</d/a>, ""..., 5) = 5'], 55],
    [
      'over what was there',
      ['1 write(5</d/a>, ""..., 10) = 10', '1 lseek(5</d/a>, 0, SEEK_SET) = 0', '1 write(5</d/a>, ""..., 5) = 5'],
      10,
    ],
    ['made longer', ['1 ftruncate(5</d/a>, 4096) = 0'], 4096],
    ['allocated', ['1 fallocate(5</d/a>, 0, 0, 512) = 0'], 512],
    ['allocated behind its end, which stays', ['1 fallocate(5</d/a>, FALLOC_FL_KEEP_SIZE, 0, 512) = 0'], 0],
    ['in two halves of a line', ['1 write(5</d/a>, ""..., 8 <unfinished ...>', '1 <... write resumed>) = 8'], 8],
  ])('that is written %s', (_, trace, length) => {
    expect(after([opened, ...trace])).toEqual({ '/d/a': [length, 0] });
  });

  test('cut short, it is synced no further', () => {
    const trace = [opened, '1 write(5</d/a>, ""..., 10) = 10', '1 fsync(5</d/a>) = 0', '1 ftruncate(5</d/a>, 4) = 0'];
    expect(after(trace)).toEqual({ '/d/a': [4, 4] });
  });
});

describe('names', () => {
  const written = [opened, '1 write(5</d/a>, ""..., 10) = 10'];

  test('a file that is renamed is the same file', () => {
    expect(after([...written, '1 rename("/d/a", "/d/b") = 0'])).toEqual({ '/d/b': [10, 0] });
    const relative = '1 renameat2(AT_FDCWD</d>, "a", AT_FDCWD</d>, "b", RENAME_NOREPLACE) = 0';
    expect(after([...written, relative])).toEqual({ '/d/b': [10, 0] });
  });

  test('one that takes the place of another counts as written', () => {
    const start = { ...nothingBefore, lengths: new Map([['/d/b', 3]]) };
    expect(after([...written, '1 rename("/d/a", "/d/b") = 0'], start)).toEqual({ '/d/b': [10, 10] });
  });

  test('are found from where the process has its root', () => {
    const start = { ...nothingBefore, root: '/jail' };
    const trace = [
      '1 openat(AT_FDCWD</jail/d>, "/d/a", O_WRONLY|O_CREAT, 0644) = 5</jail/d/a>',
      '1 write(5</jail/d/a>, ""..., 10) = 10',
      '1 rename("/d/a", "/d/b") = 0',
    ];
    expect(after(trace, start)).toEqual({ '/jail/d/b': [10, 0] });
  });

  test('one that is removed is gone', () => {
    expect(after([...written, '1 unlink("/d/a") = 0'])).toEqual({});
  });
});

test('a way of writing that is not followed is said', () => {
  const { notFollowed } = syncedLengths(
    [opened, '1 io_uring_enter(7<anon_inode:[io_uring]>, 1, 0, 0, NULL, 8) = 1'].join('\n'),
    nothingBefore,
  );
  expect(notFollowed).toEqual(['io_uring_enter']);
});

test.each([
  [
    '`812 write(5</x/a.log>, ""..., 7 <unfinished ...>`',
    ['812 write(5</x/a.log>, ""..., 7 <unfinished ...>', '812 +++ killed by SIGKILL +++'],
  ],
  [
    'the same, resumed without a result',
    ['812 pwritev(5</x/a.log>, [{iov_base=""..., iov_len=7}], 1, 3 <unfinished ...>', '812 <... pwritev resumed>) = ?'],
  ],
])('a write that the kill cut off, %s: the file may be longer than was told', (_, trace) => {
  const descriptor = { descriptor: 5, path: '/x/a.log', position: 3, isAppending: true };
  const lengths = new Map([
    ['/x/a.log', 3],
    ['/x/b.log', 3],
  ]);
  const { files } = syncedLengths(trace.join('\n'), { lengths, descriptors: [descriptor], root: '/' });
  expect(files.get('/x/a.log')).toEqual({ length: 3, synced: 3, mayBeLonger: true });
  expect(files.get('/x/b.log')).toMatchObject({ mayBeLonger: false });
});
