/**
 * Values of Java calls. A model writes every argument as the text of a Java literal. Literals are found by patterns, not by a parser, as in
 * the official checker: nested braces and commas inside of items are cut where the pattern ends.
 */
import { strip, type PyValue } from '../../../../../src/json/python.ts';
import { floatLike, intLike, type Reader, readWord, splitItems, unquoted } from './literals.ts';

const whole = intLike(/^(-?\p{Nd}+)\n?$/u);
const long = intLike(/^(-?\p{Nd}+)[lL]\n?$/u);
const real = floatLike(/^(-?\p{Nd}+(?:\.\p{Nd}+)?(?:[eE][+-]?\p{Nd}+)?)\n?$/u);
const single = floatLike(/^(-?\p{Nd}+(?:\.\p{Nd}+)?(?:[eE][+-]?\p{Nd}+)?)[fF]\n?$/u);
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

const SCALARS: Readonly<Record<string, Reader>> = {
  byte: whole,
  short: whole,
  integer: whole,
  long,
  float: single,
  double: real,
  boolean: (text) => BOOLEANS.get(text),
};

const ARRAY = /new\s+[\p{L}\p{N}_]+\[\]\s*\{([^\n]*?)\}/u;
const AS_LIST = /new\s+ArrayList<[\p{L}\p{N}_]*>\(Arrays\.asList\(([^\n]+?)\)\)/u;
const LIST_OF_ADDS = /new\s+ArrayList<[\p{L}\p{N}_]*>\(\)\s*\{\{(.+?)\}\}/su;
const EMPTY_LIST = /new\s+ArrayList<[\p{L}\p{N}_]*>\(\)/u;
const ADD = /add\(([^\n]+?)\)/g;
const MAP = /new\s+HashMap<.*?>\s*\(\)\s*\{([^}]*)\}/s;
const EMPTY_MAP = /new\s+HashMap<[^\n]*?>\s*\(\)/;
const PUT = /put\("([^\n]*?)",\s*([^\n]*?)\)/g;

/** The value that `text` writes for a type of a document; text that is no such literal stays text. */
export function readJava(text: string, type: string, items: string | undefined): PyValue {
  switch (type) {
    case 'Array':
      return readArray(text, items);
    case 'ArrayList':
      return readArrayList(text, items);
    case 'HashMap':
      return readHashMap(text);
    default:
      return SCALARS[type]?.(text) ?? text;
  }
}

function readArray(text: string, items: string | undefined): PyValue {
  const inside = ARRAY.exec(text)?.[1];
  if (inside === undefined) return text;
  // Of arrays, empty items are dropped; of lists they are not.
  return splitItems(inside).flatMap((item) => (item === '' ? [] : [readItem(item, items)]));
}

function readArrayList(text: string, items: string | undefined): PyValue {
  const listed = AS_LIST.exec(text)?.[1];
  const added = LIST_OF_ADDS.exec(text)?.[1];
  const written =
    listed !== undefined
      ? splitItems(listed)
      : added !== undefined
        ? [...added.matchAll(ADD)].map(([, item = '']) => strip(item))
        : undefined;
  if (written === undefined) return EMPTY_LIST.test(text) ? [] : text;
  const quoted = items === 'String' || items === 'char';
  return written.map((item) => (quoted ? unquoted(item) : readItem(item, items)));
}

function readItem(item: string, type: string | undefined): PyValue {
  return type === undefined ? readUntyped(item) : readJava(item, type, undefined);
}

function readHashMap(text: string): PyValue {
  const puts = MAP.exec(text)?.[1];
  if (puts === undefined) return EMPTY_MAP.test(text) ? new Map() : text;
  return new Map(
    [...puts.matchAll(PUT)].map(([, key = '', value = '']): [string, PyValue] => [
      key,
      readUntyped(strip(value)),
    ]),
  );
}

/** A literal whose type is seen from its form. */
function readUntyped(text: string): PyValue {
  if (text.startsWith('"') && text.endsWith('"')) return unquoted(text);
  return long(text) ?? single(text) ?? readWord(text);
}
