/** GorillaFileSystem's commands that make, move, copy and remove. */
import { contains, hashable } from '../python/compare.ts';
import { Raised, typeError } from '../python/errors.ts';
import { str } from '../python/print.ts';
import { dict, typeName, type Key, type Value } from '../python/value.ts';
import { Directory, File, type Entry } from './file-tree.ts';

export interface FileSystem {
  readonly root: Directory;
  current: Directory;
}

const FORBIDDEN = /[|/\\?%*:"><]/;

function failed(error: string): Value {
  return dict({ error });
}

/** Tells whether a name may be given to mkdir, touch, echo and cat; raises for what is no container. */
export function validName(name: Value): boolean {
  if (typeof name === 'string') return !FORBIDDEN.test(name);
  if (Array.isArray(name)) return true;
  throw typeError(`argument of type '${typeName(name)}' is not iterable`);
}

export function mkdir({ current }: FileSystem, name: Value): Value {
  const cannot = `mkdir: cannot create directory '${str(name)}'`;
  if (!validName(name)) return failed(`${cannot}: Invalid character`);
  const key = hashable(name);
  if (current.contents.has(key)) return failed(`${cannot}: File exists`);
  current.add(new Directory(key, current));
  return null;
}

export function touch({ current }: FileSystem, name: Value): Value {
  const cannot = `touch: cannot touch '${str(name)}'`;
  if (!validName(name)) return failed(`${cannot}: Invalid character`);
  const key = hashable(name);
  if (current.contents.has(key)) return failed(`${cannot}: File exists`);
  current.add(new File(key, ''));
  return null;
}

export function echo({ current }: FileSystem, content: Value, name: Value): Value {
  if (name === null) return dict({ terminal_output: content });
  if (!validName(name)) return failed(`echo: cannot touch '${str(name)}': Invalid character`);
  if (name === '') return dict({ terminal_output: content });
  const key = hashable(name);
  const entry = current.contents.get(key);
  if (entry === undefined) current.add(new File(key, content));
  else if (entry instanceof File) entry.content = content;
  else throw new Raised('AttributeError', "'Directory' object has no attribute '_write'");
  return null;
}

/** Puts an entry into a directory under a name: a file anew; a directory as a new one with the same contents. */
function place(entry: Entry, name: Key, target: Directory): void {
  // Contents keep their parent, so that its `cd ..` leads to the directory that was.
  target.add(
    entry instanceof File ? new File(name, entry.content) : new Directory(name, target, entry.contents),
  );
}

/** As `place`, but a directory gets a list of its own of the same entries. */
function placeCopy(entry: Entry, name: Key, target: Directory): void {
  if (entry instanceof File) return place(entry, name, target);
  const copy = new Directory(name, target);
  target.add(copy);
  // Only now: a directory that is copied into itself then holds its copy, and the copy holds itself.
  for (const [key, inner] of entry.contents) copy.contents.set(key, inner);
}

export function mv({ current }: FileSystem, source: Value, destination: Value): Value {
  const cannot = `mv: cannot move '${str(source)}'`;
  const name = hashable(source);
  const entry = current.contents.get(name);
  if (entry === undefined) return failed(`${cannot}: No such file or directory`);
  if (contains(destination, '/')) {
    return failed(
      'mv: no path allowed in destination. Only file name and folder name is supported for this operation.',
    );
  }
  const key = hashable(destination);
  const target = current.contents.get(key);
  const moved = (where: string): Value => dict({ result: `'${str(source)}' moved to '${where}'` });
  if (target instanceof File) return failed(`${cannot} to '${str(destination)}': Not a directory`);
  if (target === undefined) {
    current.contents.delete(name);
    place(entry, key, current);
    return moved(str(destination));
  }
  const path = `${str(destination)}/${str(source)}`;
  if (target.contents.has(name)) return failed(`${cannot} to '${path}': File exists`);
  current.contents.delete(name);
  place(entry, name, target);
  return moved(path);
}

export function cp({ current }: FileSystem, source: Value, destination: Value): Value {
  const cannot = `cp: cannot copy '${str(source)}'`;
  const name = hashable(source);
  const entry = current.contents.get(name);
  if (entry === undefined) return failed(`${cannot}: No such file or directory`);
  if (contains(destination, '/')) {
    return failed(
      "cp: don't allow path in destination. Only file name and folder name is supported for this operation.",
    );
  }
  const key = hashable(destination);
  const target = current.contents.get(key);
  const copied = (where: string): Value => dict({ result: `'${str(source)}' copied to '${where}'` });
  if (target instanceof File) return failed(`${cannot} to '${str(destination)}': Not a directory`);
  if (target === undefined) {
    placeCopy(entry, key, current);
    return copied(str(destination));
  }
  // Adding raises where the name is taken; the error that mv returns is out of reach here.
  placeCopy(entry, name, target);
  return copied(`${str(destination)}/${str(source)}`);
}

export function rm({ current }: FileSystem, name: Value): Value {
  if (!current.contents.delete(hashable(name)))
    return failed(`rm: cannot remove '${str(name)}': No such file or directory`);
  return dict({ result: `'${str(name)}' removed` });
}

export function rmdir({ current }: FileSystem, name: Value): Value {
  const key = hashable(name);
  const entry = current.contents.get(key);
  const cannot = `rmdir: cannot remove '${str(name)}'`;
  if (entry === undefined) return failed(`${cannot}: No such file or directory`);
  if (entry instanceof File) return failed(`${cannot}: Not a directory`);
  if (entry.contents.size > 0) return failed(`rmdir: failed to remove '${str(name)}': Directory not empty`);
  current.contents.delete(key);
  return dict({ result: `'${str(name)}' removed` });
}
