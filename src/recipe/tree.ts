/** A recipe's text as a tree of values, each with the place where it stands, so that errors can name it. */
import { isAlias, isCollection, isMap, isNode, isScalar, LineCounter, parseDocument } from 'yaml';
import type { Pair, YAMLParseError } from 'yaml';
import { UserError } from '../base/errors.ts';

export type Path = readonly (string | number)[];

/** A value that is never changed: who wants another one makes a tree around it, so that aliases may share theirs. */
export interface Tree {
  /** `file:line:column`, or the `--set` that says it. */
  readonly at: string;
  /** Place of its key, in a map; else its own. */
  readonly keyAt: string;
  /** A map or a list of trees, or a scalar. */
  readonly content: unknown;
}

export const isTreeMap = (content: unknown): content is ReadonlyMap<string, Tree> => content instanceof Map;
export const isTreeList = (content: unknown): content is readonly Tree[] => Array.isArray(content);

/** Depth to which a recipe may be nested, and values that it may have, aliases written out. */
const MAX_DEPTH = 100;
const MAX_VALUES = 100_000;
const TOO_DEEP = `the recipe is nested more than ${MAX_DEPTH} levels deep; make it flatter.`;

const fault = (at: string, text: string): UserError => new UserError('RECIPE_YAML', `${at}: ${text}`);

/** The tree of one YAML document; `name` stands before a place's line and column, or for it. Throws UserErrors. */
export function readTree(text: string, name: string, hasLines = true): Tree {
  const lines = new LineCounter();
  const place = (offset = 0): string => {
    const { line, col } = lines.linePos(offset);
    return hasLines ? `${name}:${line}:${col}` : name;
  };
  try {
    const document = parseDocument(text, {
      lineCounter: lines,
      merge: true,
      prettyErrors: false,
      logLevel: 'error',
    });
    const [error] = document.errors;
    // The library's parser calls itself at every level.
    if (error?.message.includes('call stack')) throw fault(name, TOO_DEEP);
    if (error !== undefined) throw fault(place(error.pos[0]), errorText(error, text));
    return treeReader(place)(document.contents);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw fault(name, TOO_DEEP);
    throw thrown;
  }
}

function errorText({ code, message, pos }: YAMLParseError, text: string): string {
  const key = /^[^\s:,{}]+/.exec(text.slice(pos[0]))?.[0] ?? '';
  const texts: Partial<Record<string, string>> = {
    DUPLICATE_KEY: `the key ${JSON.stringify(key)} stands twice in the same map; remove one.`,
    MULTIPLE_DOCS: 'a second YAML document begins here; keep one recipe a file.',
    TAB_AS_INDENT: 'a tab is used to indent, which YAML forbids; use spaces.',
  };
  const [line = ''] = message.split('\n');
  return (
    texts[code] ??
    `this is not valid YAML (${line.replace(/[.:]$/, '')}); correct it, or quote it if it is text.`
  );
}

/** A reader of nodes; `place` names the place of an offset. */
function treeReader(place: (offset?: number) => string): (node: unknown, keyAt?: string) => Tree {
  /** Trees by their anchors; undefined inside of what has the anchor. */
  const anchors = new Map<string, Tree | undefined>();

  const targetOf = (name: string, at: string): Tree => {
    const target = anchors.get(name);
    if (target !== undefined) return target;
    throw anchors.has(name)
      ? fault(at, `the alias *${name} stands inside &${name} itself, which never ends; remove it.`)
      : fault(at, `the alias *${name} has no anchor &${name} before it; define it first, or quote it.`);
  };

  const mapOf = (items: readonly Pair[]): ReadonlyMap<string, Tree> => {
    const own: [string, Tree][] = [];
    const shared: Tree[] = [];
    for (const { key, value } of items) {
      const { at, content } = read(key);
      const tree = read(value, at);
      // The key `<<`, which merges another map, or several, into this one.
      if (typeof content === 'symbol') shared.push(...(isTreeList(tree.content) ? tree.content : [tree]));
      else own.push([typeof content === 'string' ? content : JSON.stringify(content), tree]);
    }
    const below = shared.toReversed().map(({ content, at }) => {
      if (!isTreeMap(content)) throw fault(at, '<< must name a map, or a list of maps; correct it here.');
      return [...content];
    });
    return new Map([...below.flat(), ...own]);
  };

  const read = (node: unknown, keyAt?: string): Tree => {
    const at = place(isNode(node) ? node.range?.[0] : undefined);
    if (isAlias(node)) return { ...targetOf(node.source, at), keyAt: keyAt ?? at };
    if (!isScalar(node) && !isCollection(node)) return { at: keyAt ?? at, keyAt: keyAt ?? at, content: null };
    if (node.anchor !== undefined) anchors.set(node.anchor, undefined);
    const content = isScalar(node)
      ? node.value
      : isMap(node)
        ? mapOf(node.items as readonly Pair[])
        : node.items.map((item) => read(item));
    const tree = { at, keyAt: keyAt ?? at, content };
    if (node.anchor !== undefined) anchors.set(node.anchor, tree);
    return tree;
  };
  return read;
}

/** Plain values of a tree, of which no two places share an object. Throws a UserError when they are too many. */
export function valuesOf(tree: Tree): unknown {
  let left = MAX_VALUES;
  const copy = ({ content }: Tree, depth: number): unknown => {
    const file = tree.at.replace(/:\d+:\d+$/, '');
    if (depth > MAX_DEPTH) throw fault(file, TOO_DEEP);
    if (left-- === 0)
      throw fault(
        file,
        `its aliases, written out, are more than ${MAX_VALUES} values; write what is meant without them.`,
      );
    if (isTreeList(content)) return content.map((item) => copy(item, depth + 1));
    if (isTreeMap(content))
      return Object.fromEntries([...content].map(([key, item]) => [key, copy(item, depth + 1)]));
    return content;
  };
  return copy(tree, 0);
}

const child = ({ content }: Tree, segment: string | number): Tree | undefined =>
  isTreeMap(content)
    ? content.get(String(segment))
    : isTreeList(content)
      ? content[Number(segment)]
      : undefined;

/** Place of what stands at `path` (of its key, for `part` key), or of the nearest thing around it. */
export function placeOf(tree: Tree, path: Path, part: 'key' | 'value'): string {
  const [first, ...rest] = path;
  const inner = first === undefined ? undefined : child(tree, first);
  if (inner !== undefined)
    return rest.length === 0 && part === 'key' ? inner.keyAt : placeOf(inner, rest, part);
  return tree.at;
}

/** A copy with `content` at `path`, where something stands. */
export function replaced(tree: Tree, path: Path, content: unknown): Tree {
  const [first, ...rest] = path;
  if (first === undefined) return { ...tree, content };
  const inner = child(tree, first);
  if (inner === undefined) return tree;
  const changed = replaced(inner, rest, content);
  if (isTreeList(tree.content)) return { ...tree, content: tree.content.with(Number(first), changed) };
  return { ...tree, content: new Map(tree.content as ReadonlyMap<string, Tree>).set(String(first), changed) };
}
