/** Parts of long files, read where they lie. */
import { readSync } from 'node:fs';
import { UserError } from './errors.ts';
import { fileError } from './files.ts';

/** The system reads 2 GiB at most at a time. */
const READ_BYTES = 2 ** 30;

/** `length` bytes of the opened file `file` from `start`; throws a UserError where it ends before. */
export function readAt(path: string, file: number, start: number, length: number): Buffer<ArrayBuffer> {
  // Not from the pool, so that the buffer starts on a boundary that typed arrays accept.
  const bytes = Buffer.from(new ArrayBuffer(length));
  let done = 0;
  while (done < length) {
    let count: number;
    try {
      // A read may give fewer than it was asked for.
      count = readSync(file, bytes, done, Math.min(READ_BYTES, length - done), start + done);
    } catch (thrown) {
      throw fileError('read', path, thrown);
    }
    if (count === 0)
      throw new UserError('FILE', `${path} became shorter while it was read; copy or download it again.`);
    done += count;
  }
  return bytes;
}
