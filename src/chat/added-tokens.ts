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
  /** Special tokens are left out by `decode(ids, {skipSpecial: true})`. */
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

/** Tokens of one kind: those looked for in the text as it is, or those looked for in normalised text. */
class Finder {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  readonly #pattern: RegExp;

  constructor(tokens: ReadonlyMap<string, AddedToken>) {
    this.#tokens = tokens;
    const longestFirst = [...tokens.keys()].sort((a, b) => b.length - a.length);
    this.#pattern = new RegExp(longestFirst.map(literal).join('|'), 'g');
  }

  /** Tokens and the text between them. */
  split(text: string): (AddedToken | string)[] {
    if (this.#tokens.size === 0) return text === '' ? [] : [text];
    const parts: (AddedToken | string)[] = [];
    const pattern = this.#pattern;
    let end = 0;
    pattern.lastIndex = 0;
    for (let found = pattern.exec(text); found !== null; found = pattern.exec(text)) {
      const token = required(this.#tokens.get(found[0]), 'added token');
      let [start, stop] = [found.index, pattern.lastIndex];
      if (
        token.single_word &&
        (WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) ||
          WORD_BEHIND.test(text.slice(stop, stop + 2)))
      )
        continue;
      if (token.lstrip) while (start > end && SPACE.test(text.charAt(start - 1))) start--;
      if (token.rstrip) stop += SPACES_BEHIND.exec(text.slice(stop))?.[0].length ?? 0;
      pattern.lastIndex = stop;
      if (start > end) parts.push(text.slice(end, start));
      parts.push(token);
      end = stop;
    }
    if (end < text.length) parts.push(text.slice(end));
    return parts;
  }
}

export class AddedTokens {
  readonly #plain: Finder;
  readonly #normalized: Finder;
  readonly #normalize: (text: string) => string;

  constructor(tokens: readonly AddedToken[], normalize: (text: string) => string) {
    this.#normalize = normalize;
    const finder = (isNormalized: boolean, textOf: (token: AddedToken) => string): Finder =>
      new Finder(
        new Map(
          tokens
            .filter((token) => token.normalized === isNormalized && textOf(token) !== '')
            .map((token) => [textOf(token), token]),
        ),
      );
    this.#plain = finder(false, ({ content }) => content);
    this.#normalized = finder(true, ({ content }) => normalize(content));
  }

  /** The added tokens of `text`, and normalised text between them. */
  split(text: string): (AddedToken | string)[] {
    return this.#plain
      .split(text)
      .flatMap((part) => (typeof part === 'string' ? this.#normalized.split(this.#normalize(part)) : [part]));
  }
}
