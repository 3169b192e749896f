/**
 * Added tokens: those that are found in the text before it is cut into words. Of several that start at the same place
 * the longest is taken, and those that ask for normalised text are looked for in what the others leave.
 */
import { required } from '../base/errors.ts';
import { literal } from './pretokenize.ts';

export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Tells whether it is none where a letter, digit or underscore stands next to it. */
  readonly single_word: boolean;
  /** Tells whether white space before it belongs to it. */
  readonly lstrip: boolean;
  /** Tells whether white space behind it belongs to it. */
  readonly rstrip: boolean;
  /** Tells whether it is looked for in normalised text. */
  readonly normalized: boolean;
  /** Tells whether it is none that a parser must see. */
  readonly special: boolean;
}

/** An added token that is found wherever its text stands. */
export const addedToken = (id: number, content: string, special: boolean): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special,
});

const SPACES_BEHIND = /^\p{White_Space}*/u;
const SPACE = /^\p{White_Space}$/u;
const WORD_BEHIND = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;
const WORD_BEFORE = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]$/u;

const isInWord = (text: string, start: number, stop: number): boolean =>
  WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) || WORD_BEHIND.test(text.slice(stop, stop + 2));

type Split = (text: string) => (AddedToken | string)[];

/** Cuts a text into tokens and what stands between them. */
function splitterOf(tokens: ReadonlyMap<string, AddedToken>): Split {
  if (tokens.size === 0) return (text) => (text === '' ? [] : [text]);
  const longestFirst = [...tokens.keys()].sort((a, b) => b.length - a.length);
  const pattern = new RegExp(longestFirst.map(literal).join('|'), 'g');
  return (text) => {
    const parts: (AddedToken | string)[] = [];
    let end = 0;
    pattern.lastIndex = 0;
    for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
      const token = required(tokens.get(found[0]), 'added token');
      let [start, stop] = [found.index, pattern.lastIndex];
      if (token.single_word && isInWord(text, start, stop)) continue;
      if (token.lstrip) while (start > end && SPACE.test(text.charAt(start - 1))) start--;
      if (token.rstrip) stop += SPACES_BEHIND.exec(text.slice(stop))?.[0].length ?? 0;
      pattern.lastIndex = stop;
      if (start > end) parts.push(text.slice(end, start));
      parts.push(token);
      end = stop;
    }
    if (end < text.length) parts.push(text.slice(end));
    return parts;
  };
}

/** Cuts a text into its added tokens, and normalised text between them. */
export function addedTokenSplitter(
  tokens: readonly AddedToken[],
  normalize: (text: string) => string,
): Split {
  const splitter = (isNormalized: boolean, textOf: (token: AddedToken) => string): Split => {
    const own = tokens.filter((token) => token.normalized === isNormalized && textOf(token) !== '');
    return splitterOf(new Map(own.map((token) => [textOf(token), token])));
  };
  const plain = splitter(false, ({ content }) => content);
  const normalized = splitter(true, ({ content }) => normalize(content));
  return (text) =>
    plain(text).flatMap((part) => (typeof part === 'string' ? normalized(normalize(part)) : [part]));
}
