/**
 * Values of Java calls. A model writes every argument as the text of a Java literal. Literals are found by patterns, not by a parser, as in
 * the official checker: nested braces and commas inside of items are cut where the pattern ends.
 */
import { strip, type PyValue } from '../../../json/python.ts';
import { floatLike, intLike, type Reader, splitItems } from './literals.ts';

const whole = intLike(/^(-?\p{Nd}+)\n?$/u);
const long = intLike(/^(-?\p{Nd}+)[lL]\n?$/u);
const real = floatLike(/^(-?\p{Nd}+\.?\p{Nd}*(?:[eE][+-]?\p{Nd}+)?)\n?$/u);
const single = floatLike(/^(-?\p{Nd}+\.?\p{Nd}*(?:[eE][+-]?\p{Nd}+)?)[fF]\n?$/u);
const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);
const truth: Reader = (text) => BOOLEANS.get(text);

const SCALARS: Readonly<Record<string, Reader>> = {
  byte: whole,
  short: whole,
  integer: whole,
  long,
  float: single,
  double: real,
  boolean: truth,
};

const ARRAY = /new\s+\w+\[\]\s*\{(.*?)\}/;
const AS_LIST = /new\s+ArrayList<\w*>\(Arrays\.asList\((.+?)\)\)/;
const LIST_OF_ADDS = /new\s+ArrayList<\w*>\(\)\s*\{\{(.+?)\}\}/s;
const EMPTY_LIST = /new\s+ArrayList<\w*>\(\)/;
const ADD = /add\((.+?)\)/g;
const MAP = /new\s+HashMap<.*?>\s*\(\)\s*\{([^}]*)\}/s;
const EMPTY_MAP = /new\s+HashMap<.*?>\s*\(\)/;
const PUT = /put\("(.*?)",\s*(.*?)\)/g;

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
  return inside === '' ? [] : splitItems(inside).map((item) => readItem(item, items));
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
  return written.map((item) => (quoted ? item.slice(1, -1) : readItem(item, items)));
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
  const known = truth(text);
  if (known !== undefined) return known;
  if (text.startsWith('"') && text.endsWith('"')) return text.slice(1, -1);
  return long(text) ?? whole(text) ?? single(text) ?? real(text) ?? text;
}
