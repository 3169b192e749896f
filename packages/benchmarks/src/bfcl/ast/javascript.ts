/**
 * Values of JavaScript calls. A model writes every argument as the text of a JavaScript literal. Literals are found by patterns, not by
 * a parser, as in the official checker: an object ends at its first closing brace, and a comma inside of a string splits a list.
 */
import { strip, type PyValue } from '../../../../../src/json/python.ts';
import { floatLike, intLike, type Reader, readWord, splitItems, unquoted } from './literals.ts';

const BOOLEANS: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

const SCALARS: Readonly<Record<string, Reader>> = {
  integer: intLike(/^(-?\p{Nd}+)\n?$/u),
  Bigint: intLike(/^(-?\p{Nd}+)n\n?$/u),
  float: floatLike(/^(-?\p{Nd}+(?:\.\p{Nd}+)?)\n?$/u),
  Boolean: (text) => BOOLEANS.get(text),
  String: (text) => (isQuoted(text) ? unquoted(text) : undefined),
};

const NESTED_LIST = /^(?:\[|new\s+Array\()\s*\[/;
const NEXT_LIST = /\s*,\s*\[/y;
const LIST_END = /\s*([\])])/y;
const LIST = /^(?:\[([^\n]*?)\]|new\s+Array\(([^\n]*?)\))/;
const INNER_LIST = /\[([^\n]*?)\]/g;
const OBJECT = /^\{([^\n]*?)\}/;
/** A key and its value. A comma ends a value only where a colon follows before the next comma, and not at once. */
const PAIR = /([^:]+):\s*([^\n]*?)(?:,\s*(?=[^,]+:)|$)/g;
const QUOTES = /^['"]+|['"]+$/g;

/** The value that `text` writes for a type of a document; text that is no such literal stays text. */
export function readJavaScript(text: string, type: string, items: string | undefined): PyValue {
  if (type === 'array') return readList(strip(text), items);
  if (type === 'dict') return readObject(strip(text));
  return SCALARS[type]?.(text) ?? text;
}

/** Tells whether a text begins and ends with the same quotes; a lone one does both. */
function isQuoted(text: string): boolean {
  return ['"', "'"].some((quote) => text.startsWith(quote) && text.endsWith(quote));
}

/** The part of a text that is a list of lists. Where that works out, each of those ends at its first bracket, else at a later one of its line. */
function nestedList(text: string): string | undefined {
  const opening = NESTED_LIST.exec(text)?.[0];
  if (opening === undefined) return undefined;
  const close = opening.startsWith('[') ? ']' : ')';
  // From right to left: where the whole ends if an inner list ends at a bracket, for the brackets where it can.
  const ends: { readonly bracket: number; readonly end: number }[] = [];
  const endFrom = (start: number): number | undefined => {
    const found = ends.findLast(({ bracket }) => bracket >= start);
    return found === undefined || text.slice(start, found.bracket).includes('\n') ? undefined : found.end;
  };
  for (
    let at = text.lastIndexOf(']');
    at >= opening.length;
    at = at === 0 ? -1 : text.lastIndexOf(']', at - 1)
  ) {
    NEXT_LIST.lastIndex = LIST_END.lastIndex = at + 1;
    const end =
      (NEXT_LIST.test(text) ? endFrom(NEXT_LIST.lastIndex) : undefined) ??
      (LIST_END.exec(text)?.[1] === close ? LIST_END.lastIndex : undefined);
    if (end !== undefined) ends.push({ bracket: at, end });
  }
  const end = endFrom(opening.length);
  return end === undefined ? undefined : text.slice(0, end);
}

/** A list, or a list of lists, whose items are read by their form; deeper ones are not read. */
function readList(text: string, items: string | undefined): PyValue {
  const nested = nestedList(text);
  if (nested !== undefined)
    return [...nested.matchAll(INNER_LIST)].map(([, inside = ''], i) => {
      const inner = strip(inside);
      return splitItems(i === 0 ? inner.replace(/^\[/, '') : inner).map(readUntyped);
    });
  const list = LIST.exec(text);
  if (list === null) return text;
  const inside = strip(list[1] ?? list[2] ?? '');
  if (inside === '') return [];
  return splitItems(inside).map((item) =>
    items === undefined ? readUntyped(item) : readJavaScript(item, items, undefined),
  );
}

function readObject(text: string): PyValue {
  const inside = OBJECT.exec(text)?.[1];
  if (inside === undefined) return text;
  return new Map(
    [...inside.matchAll(PAIR)].map(([, key = '', written = '']): [string, PyValue] => {
      const value = strip(written);
      const isList = value.startsWith('[') && value.endsWith(']');
      return [
        strip(key).replaceAll(QUOTES, ''),
        // Quotes go first, so that quoted numbers are numbers.
        isList ? readList(value, undefined) : readUntyped(strip(value.replaceAll(QUOTES, ''))),
      ];
    }),
  );
}

/** A literal whose type is seen from its form. */
function readUntyped(text: string): PyValue {
  return isQuoted(text) ? unquoted(text) : readWord(text);
}
