/** A recipe's text as a tree of values, each with the place where it stands, so that errors can name it. */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Pair, Scalar, YAMLMap, YAMLParseError, YAMLSeq } from 'yaml';
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
    return new TreeReader(place).read(document.contents);
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

class TreeReader {
  /** Trees by their anchors; undefined inside of what has the anchor. */
  readonly #anchors = new Map<string, Tree | undefined>();
  readonly #place: (offset?: number) => string;

  constructor(place: (offset?: number) => string) {
    this.#place = place;
  }

  read(node: unknown, keyAt?: string): Tree {
    if (isAlias(node)) {
      const at = this.#place(node.range?.[0]);
      return { ...this.#target(node.source, at), keyAt: keyAt ?? at };
    }
    const place = keyAt ?? this.#place();
    if (!isScalar(node) && !isMap(node) && !isSeq(node)) return { at: place, keyAt: place, content: null };
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, undefined);
    const at = this.#place(node.range?.[0]);
    const tree = { at, keyAt: keyAt ?? at, content: this.#content(node) };
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, tree);
    return tree;
  }

  #content(node: Scalar | YAMLMap | YAMLSeq): unknown {
    if (isScalar(node)) return node.value;
    return isMap(node) ? this.#map(node) : node.items.map((item) => this.read(item));
  }

  #target(name: string, at: string): Tree {
    const target = this.#anchors.get(name);
    if (target !== undefined) return target;
    throw this.#anchors.has(name)
      ? fault(at, `the alias *${name} stands inside &${name} itself, which never ends; remove it.`)
      : fault(at, `the alias *${name} has no anchor &${name} before it; define it first, or quote it.`);
  }

  #map({ items }: YAMLMap): ReadonlyMap<string, Tree> {
    const own = new Map<string, Tree>();
    const shared: Tree[] = [];
    for (const { key, value } of items as readonly Pair[]) {
      const { at, content } = this.read(key);
      // The key `<<`, which merges another map into this one.
      if (typeof content === 'symbol') shared.push(this.read(value, at));
      else own.set(typeof content === 'string' ? content : JSON.stringify(content), this.read(value, at));
    }
    const below = shared.flatMap((tree) => (isTreeList(tree.content) ? tree.content : [tree]));
    const merged = new Map<string, Tree>();
    for (const { content, at } of below.toReversed()) {
      if (!isTreeMap(content)) throw fault(at, '<< must name a map, or a list of maps; correct it here.');
      for (const [name, tree] of content) merged.set(name, tree);
    }
    for (const [name, tree] of own) merged.set(name, tree);
    return merged;
  }
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
