/** Faults of the operating system in one sentence. */
import { errorText, UserError } from './errors.ts';
import { systemCode } from './processes.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist; check the path',
  EACCES: 'permission is denied; check its owner and mode, and those of its folder',
  EPERM: 'permission is denied; check its owner and mode, and those of its folder',
  EEXIST: 'a file with that name is in the way; choose another name or remove it',
  EISDIR: 'it is a folder, and a file is needed',
  ENOTDIR: 'a part of the path is a file, not a folder',
  ENOTEMPTY: 'a folder with that name is in the way; choose another name or remove it',
  ENOSPC: 'the disk is full; free some space and re-run the same command',
  EDQUOT: 'the disk quota is used up; free some space and re-run the same command',
  EFBIG: 'it would be larger than a file may be here (ulimit -f); raise that limit',
  EROFS: 'the file system is read-only',
  ELOOP: 'its links lead in a circle; remove them',
  ENAMETOOLONG: 'its name is too long; choose a shorter one',
  EMFILE: 'too many files are open; close some or raise the limit (ulimit -n)',
  EBUSY: 'something is mounted there or uses it; write to another name, or to - and redirect standard output',
  EBADF: 'the process was not given such an open file; redirect it or name a file',
  ENXIO: 'nobody is at its other end; start what reads it first',
  EPIPE: 'nobody reads it any more',
  EIO: 'the device fails; check the disk or the connection to it',
};

/** Turns an operating-system error into one sentence about `path`. */
export function fileError(action: string, path: string, thrown: unknown): UserError {
  const code = systemCode(thrown);
  const why = REASONS[code] ?? errorText(thrown);
  const name = path === '-' ? (action === 'read' ? 'standard input' : 'standard output') : path;
  return new UserError(code === 'EPIPE' ? CLOSED_PIPE : 'FILE', `Cannot ${action} ${name}: ${why}.`, {
    cause: thrown,
  });
}

/** The code of the fault that nobody reads what is written. */
export const CLOSED_PIPE = 'CLOSED_PIPE';
