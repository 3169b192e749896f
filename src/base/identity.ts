/**
 * Identity of work: what it was done on, by contents. Work was done before if the contents of all that went into it
 * are the same; a file that was only touched or moved is the same file. Everything that asks "is this done?" asks here.
 */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readdirSync, statSync, type BigIntStats } from 'node:fs';
import { homedir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { fileError, readText, writeAtomic } from './files.ts';
import { piecesOf, withFile } from './open-file.ts';

/** Digests of files, by their names. */
export type Contents = Readonly<Record<string, string>>;

/** Files from this size on are read again only when the system says that they may have changed. */
const LARGE = 16 * 2 ** 20;
/** Milliseconds in which a file may change twice without the system's clock showing it. */
const CLOCK_STEP = 2000;

const known = z.record(z.string(), z.tuple([z.string(), z.string()]));
type Known = z.output<typeof known>;
/** Files that are remembered at most. */
const REMEMBERED = 500;

const cachePath = (): string =>
  join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'tinystar', 'digests.json');

function readKnown(): Known {
  try {
    return known.parse(JSON.parse(readText(cachePath())));
  } catch {
    return {};
  }
}

/** Fingerprint that changes whenever a file's contents may have; ctime cannot be set back, as mtime can. */
const stampOf = ({ size, mtimeNs, ctimeNs }: BigIntStats): string => `${size} ${mtimeNs} ${ctimeNs}`;

/** Digests of this process, by file and stamp. */
const seen = new Map<string, string>();

function remember(place: string, stamp: string, digest: string): void {
  const entries = Object.entries(readKnown()).filter(([other]) => other !== place);
  try {
    const kept = Object.fromEntries([...entries.slice(1 - REMEMBERED), [place, [stamp, digest]]]);
    writeAtomic(cachePath(), JSON.stringify(kept));
  } catch {
    // Without a place to write, large files are read each time.
  }
}

/** Bytes of files of which it is told that they are read, as that takes seconds. */
const LONG = 2 ** 28;
let tellLongRead = (_path: string, _bytes: number): void => undefined;

/** Has a listener told of every long file before it is read. */
export function onLongRead(listener: (path: string, bytes: number) => void): void {
  tellLongRead = listener;
}

function readDigest(path: string, size: number): string {
  if (size >= LONG) tellLongRead(path, size);
  const hash = createHash('sha256');
  withFile(path, 'r', (file) => {
    for (const piece of piecesOf(path, file)) hash.update(piece);
  });
  return hash.digest('hex');
}

/** The digest of a file's contents; of what can be read only once, such as a pipe, one that never comes again. */
export function digestOf(path: string): string {
  const stats = statSync(path, { throwIfNoEntry: false, bigint: true });
  if (stats === undefined) return 'missing';
  if (!stats.isFile()) return randomUUID();
  const [place, stamp] = [`${stats.dev}:${stats.ino}`, stampOf(stats)];
  const isLarge = stats.size >= LARGE;
  const before = seen.get(`${place} ${stamp}`);
  if (before !== undefined) return before;
  const [told, stored] = isLarge ? (readKnown()[place] ?? []) : [];
  if (told === stamp && stored !== undefined) return stored;
  const digest = readDigest(path, Number(stats.size));
  const changed = Number((stats.ctimeNs > stats.mtimeNs ? stats.ctimeNs : stats.mtimeNs) / 1_000_000n);
  if (Date.now() - changed > CLOCK_STEP) {
    seen.set(`${place} ${stamp}`, digest);
    if (isLarge) remember(place, stamp, digest);
  }
  return digest;
}

/** The digests of files, each under its path from `root` on. */
export function contentsOf(root: string, files: readonly string[]): Contents {
  return Object.fromEntries(
    files.toSorted().map((file) => [relative(root, file).split(sep).join('/'), digestOf(file)]),
  );
}

/** The files of a folder and those in it, without hidden ones; a file itself; none where there is neither. */
export function filesIn(folder: string): string[] {
  if (!existsSync(folder)) return [];
  try {
    if (statSync(folder).isFile()) return [folder];
    return readdirSync(folder, { recursive: true, withFileTypes: true })
      .map((entry) => ({ entry, path: join(entry.parentPath, entry.name) }))
      .filter(({ entry, path }) => !entry.isDirectory() && !/(^|[/\\])\./.test(relative(folder, path)))
      .map(({ path }) => path);
  } catch (thrown) {
    throw fileError('read', folder, thrown);
  }
}

/** The name of some work: eight hexadecimal digits that change with anything in `parts`. */
export function identityOf(parts: unknown): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 8);
}

let program: string | undefined;

/** The identity of this program's own code: what scored by another one is scored anew. */
export function programIdentity(): string {
  const root = fileURLToPath(new URL('../../', import.meta.url));
  const files = ['src', 'packages'].flatMap((folder) => filesIn(join(root, folder)));
  program ??= identityOf(
    contentsOf(
      root,
      files.filter((path) => /(?<!\.d)\.[jt]s$|\.yaml$/.test(path)),
    ),
  );
  return program;
}
