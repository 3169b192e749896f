/**
 * Values of JavaScript calls. A model writes every argument as the text of a JavaScript literal. Literals are found by patterns, not by
 * a parser, as in the official checker: an object ends at its first closing brace, and a comma inside of a string splits a list.
 */
import { pyFloat, pyInt } from '../../../json/numbers.ts';
import { strip, type PyValue } from '../../../json/python.ts';
import { floatLike, intLike, type Reader, splitItems } from './literals.ts';

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

const SCALARS: Readonly<Record<string, Reader>> = {
  integer: intLike(/^(-?\p{Nd}+)\n?$/u),
  Bigint: intLike(/^(-?\p{Nd}+)n\n?$/u),
  float: floatLike(/^(-?\p{Nd}+\.?\p{Nd}*)\n?$/u),
  Boolean: (text) => BOOLEANS.get(text),
  String: (text) => (isQuoted(text) ? text.slice(1, -1) : undefined),
};

// Inner lists end at their first bracket where that works out, else the whole at its first two: never two ways for one text.
const NESTED_LIST = /^(?:\[|new\s+Array\()\s*\[(?:[^\]\n]*\]\s*(?:,\s*\[[^\]\n]*\]\s*)*[\])]|.*?\]\s*[\])])/;
const LIST = /^(?:\[(.*?)\]|new\s+Array\((.*?)\))/;
const INNER_LIST = /\[([^[\]]*)\]/g;
const OBJECT = /^\{(.*?)\}/;

/** The value that `text` writes for a type of a document; text that is no such literal stays text. */
export function readJavaScript(text: string, type: string, items: string | undefined): PyValue {
  if (type === 'array') return readList(strip(text), items);
  if (type === 'dict') return readObject(strip(text));
  return SCALARS[type]?.(text) ?? text;
}

function isQuoted(text: string): boolean {
  return text.length > 1 && ['"', "'"].some((quote) => text.startsWith(quote) && text.endsWith(quote));
}

/** A list, or a list of lists; deeper ones are not read. */
function readList(text: string, items: string | undefined): PyValue {
  const nested = NESTED_LIST.exec(text)?.[0];
  if (nested !== undefined)
    return [...nested.matchAll(INNER_LIST)].map(([, inside = '']) => readItems(inside, items));
  const list = LIST.exec(text);
  return list === null ? text : readItems(list[1] ?? list[2] ?? '', items);
}

function readItems(inside: string, type: string | undefined): PyValue[] {
  if (strip(inside) === '') return [];
  const read = type === undefined ? readUntyped : (item: string) => readJavaScript(item, type, undefined);
  return splitItems(inside).map(read);
}

function readObject(text: string): PyValue {
  const inside = OBJECT.exec(text)?.[1];
  if (inside === undefined) return text;
  return new Map(
    splitPairs(inside).map(([key, value]): [string, PyValue] => [
      key.replace(/^['"]+|['"]+$/g, ''),
      readUntyped(value),
    ]),
  );
}

/** Pairs of a key and a value. A comma ends a value only where a colon follows before the next comma. */
function splitPairs(inside: string): (readonly [string, string])[] {
  const pieces: string[] = [];
  for (const part of inside.split(',')) {
    const last = pieces.at(-1);
    if (last === undefined || (part.includes(':') && last.includes(':'))) pieces.push(part);
    else pieces[pieces.length - 1] = `${last},${part}`;
  }
  return pieces.flatMap((piece) => {
    const colon = piece.indexOf(':');
    return colon < 0 ? [] : [[strip(piece.slice(0, colon)), strip(piece.slice(colon + 1))] as const];
  });
}

/** A literal whose type is seen from its form. */
function readUntyped(text: string): PyValue {
  if (text.startsWith('[')) return readList(text, undefined);
  if (text.startsWith('{')) return readObject(text);
  if (isQuoted(text)) return text.slice(1, -1);
  return BOOLEANS.get(text) ?? pyInt(text) ?? pyFloat(text) ?? text;
}
