/** A recipe's text as a YAML document that still knows where everything stood, so that errors can name the place. */
import {
  isAlias,
  isCollection,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
} from 'yaml';
import type { Document, Pair, ParsedNode, YAMLMap } from 'yaml';
import { errorText, UserError } from '../base/errors.ts';

export type Path = readonly (string | number)[];

export interface RecipeSource {
  /** The file's name as the user gave it. */
  readonly file: string;
  readonly document: Document.Parsed<ParsedNode>;
  readonly lines: LineCounter;
  /** The document as plain values, aliases and merges expanded into copies. */
  readonly value: Record<string, unknown>;
}

function fault(file: string, at: string, text: string): UserError {
  return new UserError('RECIPE_YAML', `${file}${at}: ${text}`);
}

/** Depth to which a recipe may be nested, aliases written out. */
const MAX_DEPTH = 100;

/** Parses `text`; throws a UserError when it is not one YAML map. */
export function readSource(text: string, file: string): RecipeSource {
  try {
    return parsed(text, file);
  } catch (thrown) {
    // The library's parser calls itself at every level.
    if (thrown instanceof RangeError) throw fault(file, '', TOO_DEEP);
    throw thrown;
  }
}

const TOO_DEEP = `the recipe is nested more than ${MAX_DEPTH} levels deep; make it flatter.`;

function parsed(text: string, file: string): RecipeSource {
  const lines = new LineCounter();
  const document = parseDocument(text, {
    lineCounter: lines,
    merge: true,
    prettyErrors: false,
    logLevel: 'error',
  });
  const first = document.errors[0];
  if (first !== undefined) {
    if (first.message.includes('call stack')) throw fault(file, '', TOO_DEEP);
    const { line, col } = lines.linePos(first.pos[0]);
    const key = /^[^\s:,{}]+/.exec(text.slice(first.pos[0]))?.[0] ?? '';
    const texts: Partial<Record<string, string>> = {
      DUPLICATE_KEY: `the key ${JSON.stringify(key)} stands twice in the same map; remove one.`,
      MULTIPLE_DOCS: 'a second YAML document begins here; keep one recipe a file.',
      TAB_AS_INDENT: 'a tab is used to indent, which YAML forbids; use spaces.',
    };
    const otherwise = `this is not valid YAML (${firstSentence(first.message)}); correct it here.`;
    throw fault(file, `:${line}:${col}`, texts[first.code] ?? otherwise);
  }
  checkAliases(document, lines, file);
  if (document.contents === null)
    throw fault(file, '', 'the recipe is empty; it needs name, models and stages.');
  if (!isMap(document.contents)) {
    throw fault(
      file,
      ':1:1',
      'this is not a recipe: it must be a map with the keys name, models and stages.',
    );
  }
  return { document, file, lines, value: plainValue(document, file) };
}

function firstSentence(message: string): string {
  return (message.split('\n')[0] ?? message).replace(/[.:]$/, '');
}

/** An alias inside what it refers to would make an endless recipe, and one without an anchor none. */
function checkAliases(document: RecipeSource['document'], lines: LineCounter, file: string): void {
  // The library's own search goes through the whole document for each alias.
  const anchors = new Map<string, unknown>();
  visit(document, {
    Value(_, node) {
      if (node.anchor !== undefined) anchors.set(node.anchor, node);
    },
    Alias(_, alias, ancestors) {
      const { line, col } = lines.linePos(alias.range?.[0] ?? 0);
      const at = `:${line}:${col}`;
      const name = alias.source;
      const target = anchors.get(name);
      if (target === undefined) {
        throw fault(file, at, `the alias *${name} has no anchor &${name} before it; define it first.`);
      }
      if (ancestors.some((ancestor) => ancestor === target)) {
        throw fault(
          file,
          at,
          `the alias *${name} stands inside &${name} itself, which never ends; remove it.`,
        );
      }
    },
  });
}

function plainValue(document: RecipeSource['document'], file: string): Record<string, unknown> {
  try {
    return unshared(document.toJS()) as Record<string, unknown>;
  } catch (thrown) {
    if (thrown instanceof RangeError) throw thrown;
    const why = firstSentence(errorText(thrown));
    throw fault(file, '', `the recipe cannot be expanded (${why}); correct its aliases and merges.`);
  }
}

/** A copy in which no two places share an object, so that one can be changed alone. */
function unshared(value: unknown, depth = 0): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (depth > MAX_DEPTH) throw new RangeError(TOO_DEEP);
  if (Array.isArray(value)) return value.map((inner) => unshared(inner, depth + 1));
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, unshared(inner, depth + 1)]));
}

function scalarText(node: unknown): string | undefined {
  return isScalar(node) ? String(node.value) : undefined;
}

/** `file:line:column` of what stands at `path` (its key, for `part` key), or of the nearest thing around it. */
export function placeOf({ document, file, lines }: RecipeSource, path: Path, part: 'key' | 'value'): string {
  const dealiased = (node: unknown): unknown => (isAlias(node) ? node.resolve(document) : node);
  /** The pair with `key`, also when it was merged in with `<<`. */
  const pairOf = (map: YAMLMap, key: string): Pair | undefined => {
    const own = map.items.find((pair) => scalarText(pair.key) === key);
    if (own !== undefined) return own;
    const merges = map.items
      .filter((pair) => scalarText(pair.key) === '<<')
      .map((pair) => dealiased(pair.value));
    const merged = merges.flatMap((node) => (isSeq(node) ? node.items.map(dealiased) : [node]));
    return merged.flatMap((node) => (isMap(node) ? (pairOf(node, key) ?? []) : []))[0];
  };

  let node: unknown = document.contents;
  let offset = 0;
  for (const [depth, segment] of path.entries()) {
    const container = dealiased(node);
    if (!isCollection(container)) break;
    const pair = isMap(container) ? pairOf(container, String(segment)) : undefined;
    const value: unknown = isSeq(container) ? container.items[Number(segment)] : pair?.value;
    if (value === undefined && pair === undefined) break;
    const wantsKey = part === 'key' && depth === path.length - 1;
    const spot = wantsKey || !isNode(value) ? pair?.key : value;
    if (isNode(spot)) offset = spot.range?.[0] ?? offset;
    node = value;
  }
  const { line, col } = lines.linePos(offset);
  return `${file}:${line}:${col}`;
}
