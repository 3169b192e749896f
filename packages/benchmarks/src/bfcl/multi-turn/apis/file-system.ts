/** GorillaFileSystem: a shell's commands on a tree of files. Moving and reading have files of their own. */
import { contains } from '../python/compare.ts';
import { noAttribute } from '../python/errors.ts';
import { str } from '../python/print.ts';
import { dict, truthy, type Value } from '../python/value.ts';
import { defineApi } from './api.ts';
import { cp, echo, mkdir, mv, rm, rmdir, touch, type FileSystem } from './file-moving.ts';
import { cat, diff, du, grep, sort, tail, wc } from './file-reading.ts';
import { Directory, loadRoot, sameEntry, walk } from './file-tree.ts';
import { method } from './method.ts';

function pwd({ current }: FileSystem): Value {
  const names: string[] = [];
  for (let at: Directory | undefined = current; at !== undefined; at = at.parent) names.unshift(str(at.name));
  return dict({ current_working_directory: `/${names.join('/')}` });
}

function ls({ current }: FileSystem, all: Value): Value {
  const names = [...current.contents.keys()];
  const shown = truthy(all) ? names : names.filter((name) => !str(name).startsWith('.'));
  return dict({ current_directory_content: shown });
}

function cd(files: FileSystem, folder: Value): Value {
  const { current, root } = files;
  if (folder === '..') {
    if (current.parent === undefined) {
      const error = sameEntry(current, root)
        ? 'Cuurent directory is already the root. Cannot go back.'
        : 'cd: ..: No such directory';
      return dict({ error });
    }
    files.current = current.parent;
    return dict({});
  }
  const target = resolve(files, folder);
  if (target === undefined) {
    const why = 'No such directory. You cannot use path to change directory.';
    return dict({ error: `cd: ${str(folder)}: ${why}` });
  }
  files.current = target;
  return dict({ current_working_directory: target.name });
}

/** The directory at a path, whose components are names; ".." is none. */
function resolve({ current, root }: FileSystem, path: Value): Directory | undefined {
  if (path === null || path === '.') return current;
  if (path === '/') return root;
  if (typeof path !== 'string') throw noAttribute(path, 'strip');
  let at = path.startsWith('/') ? root : current;
  for (const name of path.replace(/^\/+|\/+$/g, '').split('/')) {
    const next = name === '.' ? at : at.contents.get(name);
    if (!(next instanceof Directory)) return undefined;
    at = next;
  }
  return at;
}

/** Always searches from the current directory; the path is only what the matches begin with. */
function find({ current }: FileSystem, path: Value, name: Value): Value {
  if (typeof path !== 'string') throw noAttribute(path, 'rstrip');
  const matches: string[] = [];
  walk(current, path.replace(/\/+$/, ''), (entry, at) => {
    if (name === null || contains(str(entry.name), name)) matches.push(at);
  });
  return dict({ matches });
}

export const fileSystemApi = defineApi<FileSystem>({
  className: 'GorillaFileSystem',
  load: ({ config, long }) => {
    const root = loadRoot(config, long);
    return { root, current: root };
  },
  differences: (a, b) => (sameEntry(a.root, b.root) ? [] : ['root']),
  methods: {
    pwd: method([], pwd),
    ls: method([['a', false]], ls),
    cd: method(['folder'], cd),
    mkdir: method(['dir_name'], mkdir),
    touch: method(['file_name'], touch),
    echo: method(['content', ['file_name', null]], echo),
    cat: method(['file_name'], cat),
    find: method(
      [
        ['path', '.'],
        ['name', null],
      ],
      find,
    ),
    wc: method(['file_name', ['mode', 'l']], wc),
    sort: method(['file_name'], sort),
    grep: method(['file_name', 'pattern'], grep),
    du: method([['human_readable', false]], du),
    tail: method(['file_name', ['lines', 10n]], tail),
    diff: method(['file_name1', 'file_name2'], diff),
    mv: method(['source', 'destination'], mv),
    cp: method(['source', 'destination'], cp),
    rm: method(['file_name'], rm),
    rmdir: method(['dir_name'], rmdir),
  },
});
