/** Strings of JSON: any, of some length, or some of the words of a text. */
import { dumps } from '../json/dumps.ts';
import { bytesOf, code, type Rest, type State, type TextSymbol } from './state.ts';

const [QUOTE, BACKSLASH, UNICODE] = [code('"'), code('\\'), code('u')];
const ESCAPED = new Set(['"', '\\', '/', 'b', 'f', 'n', 'r', 't'].map(code));
const isHex = (byte: TextSymbol): boolean => byte < 128 && /[0-9a-fA-F]/.test(String.fromCharCode(byte));

/** Bytes that may stand as the next of a character, and how many follow: well-formed UTF-8 (Unicode, table 3-7). */
function lead(
  byte: TextSymbol,
): { readonly more: number; readonly from: number; readonly to: number } | undefined {
  if (byte >= 0xc2 && byte <= 0xdf) return { more: 1, from: 0x80, to: 0xbf };
  if (byte >= 0xe0 && byte <= 0xef)
    return { more: 2, from: byte === 0xe0 ? 0xa0 : 0x80, to: byte === 0xed ? 0x9f : 0xbf };
  if (byte >= 0xf0 && byte <= 0xf4)
    return { more: 3, from: byte === 0xf0 ? 0x90 : 0x80, to: byte === 0xf4 ? 0x8f : 0xbf };
  return undefined;
}

/** Rest of a character of UTF-8. */
const character = (more: number, then: Rest, from = 0x80, to = 0xbf): State => ({
  isEnd: false,
  after: (byte) => {
    if (byte < from || byte > to) return undefined;
    return more === 1 ? then() : character(more - 1, then);
  },
});

/** Four digits of an escaped character. A half of a pair would be no character, so that those are left out. */
const escaped = (then: Rest, digits = ''): State => ({
  isEnd: false,
  after: (byte) => {
    if (!isHex(byte)) return undefined;
    const text = digits + String.fromCharCode(byte);
    if (/^d[89a-f]/i.test(text)) return undefined;
    return text.length === 4 ? then() : escaped(then, text);
  },
});

export interface Lengths {
  /** Characters at least and at most. */
  readonly least: number;
  readonly most: number;
}

/** A string, from behind its opening quote on. */
export function characters({ least, most }: Lengths, rest: Rest, count = 0): State {
  const next: Rest = () =>
    characters({ least, most }, rest, least === 0 && most === Infinity ? 0 : count + 1);
  return {
    isEnd: false,
    after: (byte) => {
      if (byte === QUOTE) return count >= least ? rest() : undefined;
      if (count >= most || byte < 0x20) return undefined;
      if (byte === BACKSLASH)
        return {
          isEnd: false,
          after: (second) => (ESCAPED.has(second) ? next() : second === UNICODE ? escaped(next) : undefined),
        };
      if (byte < 0x80) return next();
      const first = lead(byte);
      return first === undefined ? undefined : character(first.more, next, first.from, first.to);
    },
  };
}

/** Words of a text as JSON writes them, with the places where one begins and behind one. */
export interface Words {
  readonly bytes: readonly number[];
  readonly begins: readonly number[];
  readonly ends: ReadonlySet<number>;
}

const IN_WORD = /[\p{L}\p{N}\p{M}]/u;

/** Words of a text. A word begins where none goes on, also with a sign such as $. */
export function wordsOf(text: string): Words {
  const bytes: number[] = [];
  const begins: number[] = [];
  const ends = new Set<number>();
  let before = '';
  for (const char of text) {
    const goesOn = IN_WORD.test(before) && IN_WORD.test(char);
    if (!goesOn) {
      if (before.trim() !== '') ends.add(bytes.length);
      if (char.trim() !== '') begins.push(bytes.length);
    }
    bytes.push(...bytesOf(dumps(char).slice(1, -1)));
    before = char;
  }
  if (before.trim() !== '') ends.add(bytes.length);
  return { bytes, begins, ends };
}

/** Some neighbouring words of a text, from behind the opening quote on. */
export function someWords(words: Words, rest: Rest, places = words.begins, isFirst = true): State {
  return {
    isEnd: false,
    after: (byte) => {
      if (byte === QUOTE && !isFirst && places.some((place) => words.ends.has(place))) return rest();
      const next = places.flatMap((place) => (words.bytes[place] === byte ? [place + 1] : []));
      return next.length === 0 ? undefined : someWords(words, rest, next, false);
    },
  };
}
