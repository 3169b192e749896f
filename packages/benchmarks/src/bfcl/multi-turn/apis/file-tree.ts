/** Files and directories of GorillaFileSystem, with the links between them that its moves and copies leave behind. */
import { isDict, type PyDict, type PyValue } from '../../../../../../src/json/python.ts';
import type { LongContext } from '../long-context.ts';
import { Raised, typeError } from '../python/errors.ts';
import { equal, fromPy, typeName, type Key, type Value } from '../python/value.ts';

export class File {
  readonly name: Key;
  content: Value;

  constructor(name: Key, content: Value) {
    this.name = name;
    this.content = content;
  }
}

export type Entry = File | Directory;
/** A directory's entries in the order in which they came. */
export type Contents = Map<Key, Entry>;

/** Deeper than this Python stops with a RecursionError; only a directory that was copied into itself gets there. */
const MAX_DEPTH = 900;

export class Directory {
  readonly name: Key;
  readonly parent: Directory | undefined;
  /** May be shared with another Directory object. */
  readonly contents: Contents;

  constructor(name: Key, parent?: Directory, contents: Contents = new Map()) {
    this.name = name;
    this.parent = parent;
    this.contents = contents;
  }

  /** Puts a file or a directory at the end; raises where the name is taken. */
  add(entry: Entry): void {
    if (this.contents.has(entry.name)) {
      const kind = entry instanceof File ? 'File' : 'Directory';
      const text = `${kind} '${String(entry.name)}' already exists in directory '${String(this.name)}'.`;
      throw new Raised('ValueError', text);
    }
    this.contents.set(entry.name, entry);
  }
}

/** Python's `==`: name and contents, whatever their order; parents and times do not count. */
export function sameEntry(a: Entry, b: Entry, depth = 0): boolean {
  // Python would never finish with two directories that hold themselves.
  if (a === b || depth > MAX_DEPTH) return true;
  if (!equal(a.name, b.name)) return false;
  if (a instanceof File) return b instanceof File && equal(a.content, b.content);
  if (b instanceof File || a.contents.size !== b.contents.size) return false;
  return [...a.contents].every(([name, entry]) => {
    const other = b.contents.get(name);
    return other !== undefined && sameEntry(entry, other, depth + 1);
  });
}

/** Calls `visit` for everything below a directory, each directory before what is in it. */
export function walk(
  directory: Directory,
  path: string,
  visit: (entry: Entry, path: string) => void,
  depth = 0,
): void {
  if (depth > MAX_DEPTH) throw new Raised('RecursionError', 'maximum recursion depth exceeded');
  for (const [name, entry] of directory.contents) {
    const inner = `${path}/${String(name)}`;
    visit(entry, inner);
    if (entry instanceof Directory) walk(entry, inner, visit, depth + 1);
  }
}

/** The configured tree; without one, an empty root. Of several roots the first counts. */
export function loadRoot(config: PyDict, long: LongContext | undefined): Directory {
  const roots = config.get('root');
  if (roots === undefined) return new Directory('/');
  const [first] = isDict(roots) ? roots : [];
  if (first === undefined) throw typeError('the root has no name');
  const [name, entry] = first;
  const root = new Directory(name);
  fill(root, contentsOf(entry), long);
  return root;
}

function contentsOf(entry: PyValue): PyDict {
  const contents = isDict(entry) ? entry.get('contents') : undefined;
  if (!isDict(contents)) throw typeError(`a directory has no contents but ${typeName(fromPy(entry))}`);
  return contents;
}

function fill(directory: Directory, contents: PyDict, long: LongContext | undefined): void {
  const unextended = long?.list('FILES_TAIL_USED') ?? [];
  let directories = 0;
  for (const [name, entry] of contents) {
    const type = isDict(entry) ? entry.get('type') : undefined;
    if (type === 'directory') {
      const child = new Directory(name, directory);
      fill(child, contentsOf(entry), long);
      directory.contents.set(name, child);
      directories++;
    } else if (type === 'file') {
      const content = isDict(entry) ? fromPy(entry.get('content') ?? '') : '';
      const extended = long !== undefined && !unextended.includes(name) && typeof content === 'string';
      const whole = extended ? content + long.text('FILE_CONTENT_EXTENSION') : content;
      directory.contents.set(name, new File(name, whole));
    }
  }
  if (long === undefined || directories > 0) return;
  for (const name of long.list('POPULATE_FILE_EXTENSION'))
    if (typeof name === 'string') directory.contents.set(name, new File(name, ''));
}
