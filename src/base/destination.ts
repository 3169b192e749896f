/** Meaning of a name to write to: links are followed, and devices, pipes and standard output are told from files. */
import {
  accessSync,
  constants,
  existsSync,
  lstatSync,
  readlinkSync,
  realpathSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, isAbsolute, join, resolve, sep } from 'node:path';
import { UserError } from './errors.ts';
import { fileError } from './system-errors.ts';

/** The name of standard input, as an input, and of standard output, as an output. */
export const STANDARD = '-';

export type Destination =
  /** A regular file, or none yet. `path` is behind all links; `old` is what is there. */
  | { readonly kind: 'file'; readonly path: string; readonly old: Stats | undefined }
  /** A device or a named pipe, which is written to as it stands. */
  | { readonly kind: 'device'; readonly path: string }
  /** A file or pipe that the process was started with, by its number. */
  | { readonly kind: 'open'; readonly descriptor: number };

const DESCRIPTORS: Readonly<Record<string, number>> = {
  '/dev/stdin': 0,
  '/dev/stdout': 1,
  '/dev/stderr': 2,
};
const MOST_LINKS = 40;

/** The number of the open file that a name means, such as 1 for /dev/stdout. */
function descriptorOf(path: string): number | undefined {
  const named = DESCRIPTORS[path];
  if (named !== undefined) return named;
  const own = [`/proc/${process.pid}/fd`, '/proc/self/fd', '/proc/thread-self/fd', '/dev/fd'];
  return own.includes(dirname(path)) && /^\d+$/.test(basename(path)) ? Number(basename(path)) : undefined;
}

/** Target of a symbolic link, from the folder that it really is in. */
function targetOf(link: string): string {
  const target = readlinkSync(link);
  return isAbsolute(target) ? target : join(realpathSync(dirname(link)), target);
}

const refusal = (given: string, why: string): UserError =>
  new UserError('FILE', `Cannot write ${given}: ${why}.`);
const CIRCLE = 'its links lead in a circle; remove them';

function classified(path: string, given: string, stats: Stats): Destination {
  if (stats.isFile()) {
    // A rename would replace even what its owner has protected.
    accessSync(path, constants.W_OK);
    return { kind: 'file', path, old: stats };
  }
  if (stats.isCharacterDevice() || stats.isBlockDevice() || stats.isFIFO()) return { kind: 'device', path };
  throw refusal(
    given,
    stats.isDirectory() ? 'it is a folder, and a file is needed' : 'it is a socket; name a file',
  );
}

/** Follows the links of a name to write to; throws a UserError for a folder, a socket or links without an end. */
export function destinationOf(given: string): Destination {
  if (given === STANDARD) return { kind: 'open', descriptor: 1 };
  if (given === '') throw refusal('a file', 'the name is empty');
  if (given.endsWith('/') || given.endsWith(sep))
    throw refusal(given, 'it names a folder, and a file is needed');
  try {
    let path = given;
    for (let links = 0; links < MOST_LINKS; links++) {
      const descriptor = descriptorOf(resolve(path));
      if (descriptor !== undefined) return { kind: 'open', descriptor };
      const stats = lstatSync(path, { throwIfNoEntry: false });
      if (stats === undefined) {
        if (links > 0 && !existsSync(dirname(path)))
          throw refusal(
            given,
            `it is a link to ${path}, whose folder does not exist; make that folder or remove the link`,
          );
        return { kind: 'file', path, old: undefined };
      }
      if (!stats.isSymbolicLink()) return classified(path, given, stats);
      path = targetOf(path);
    }
  } catch (thrown) {
    throw thrown instanceof UserError ? thrown : fileError('write', given, thrown);
  }
  throw refusal(given, CIRCLE);
}

/** The folder that a name means, whether it is there or not, behind the links that lead to it. */
export function folderBehind(given: string): string {
  let path = given;
  for (let links = 0; links < MOST_LINKS; links++) {
    if (lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return path;
    path = targetOf(path);
  }
  throw refusal(given, CIRCLE);
}

/** Tells whether what is written to `path` goes to standard output, where nothing else may be printed then. */
export function isStandardOutput(path: string | undefined): boolean {
  if (path === undefined) return false;
  const destination = destinationOf(path);
  return destination.kind === 'open' && destination.descriptor === 1;
}
