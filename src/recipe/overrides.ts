/** `--set stages.ckd.lr=1e-4`: values of a recipe that are given on the command line, parsed as YAML. */
import { UserError } from '../base/errors.ts';
import { suggestion } from './suggest.ts';
import { isTreeList, isTreeMap, readTree, type Tree } from './tree.ts';

function fault(words: string, text: string): UserError {
  return new UserError('RECIPE_OVERRIDE', `--set ${words}: ${text}`);
}

/** A recipe with one override, `path=value`, in it; throws a UserError when its path leads nowhere. */
export function overridden(recipe: Tree, words: string): Tree {
  const equals = words.indexOf('=');
  if (equals < 1)
    throw fault(words, 'there is no "="; write it as --set path=value, such as --set stages.ckd.lr=1e-4.');
  const at = `--set ${words}`;
  const value = readTree(words.slice(equals + 1), at, false);
  const names = words.slice(0, equals).split('.');
  if (names[0] === 'extends')
    throw fault(words, 'what a recipe extends stands in its file; write a file that extends the other one.');

  /** `tree` with the value at `names[from]` and on; maps that are absent are made. */
  const put = (tree: Tree, from: number): Tree => {
    if (from === names.length) return { ...value, keyAt: at };
    const content = tree.content ?? new Map<string, Tree>();
    // A name may have dots itself: it is the shortest run of segments that is there.
    const runs = names.slice(from).map((_, n) => names.slice(from, from + n + 1).join('.'));
    if (isTreeList(content)) {
      const found = runs.findIndex((name) => indexOf(content, name) >= 0);
      const index = indexOf(content, runs[found] ?? '');
      const entry = content[index];
      if (entry !== undefined) return { ...tree, content: content.with(index, put(entry, from + found + 1)) };
      const known = content.flatMap((item) => entryName(item) ?? []);
      throw fault(
        words,
        `there is no entry ${JSON.stringify(names[from])}${suggestion(names[from] ?? '', known)}`,
      );
    }
    if (isTreeMap(content)) {
      const name = runs.find((one) => content.has(one)) ?? runs[0] ?? '';
      const inner = content.get(name) ?? { at, keyAt: at, content: null };
      return { ...tree, content: new Map(content).set(name, put(inner, from + name.split('.').length)) };
    }
    const path = names.slice(0, from).join('.');
    const shown = JSON.stringify(content);
    throw fault(words, `${path} is ${shown}, a single value without keys; set it as a whole.`);
  };
  return put(recipe, 0);
}

export function entryName({ content }: Tree): string | undefined {
  const name = isTreeMap(content) ? content.get('name')?.content : undefined;
  return typeof name === 'string' || typeof name === 'number' ? String(name) : undefined;
}

/** Index of `name` in a list: an entry's name, or else its index; -1 when it is neither. */
function indexOf(list: readonly Tree[], name: string): number {
  const byName = list.findIndex((entry) => entryName(entry) === name);
  if (byName >= 0) return byName;
  return /^\d+$/.test(name) && Number(name) < list.length ? Number(name) : -1;
}
