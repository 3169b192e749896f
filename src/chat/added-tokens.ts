/**
 * Added tokens: those that are found in the text before it is cut into words. Of several that start at the same place
 * the longest is taken, and those that ask for normalised text are looked for in what the others leave.
 */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** Special tokens are left out by `decode(ids, {skipSpecial: true})`. */
  readonly special: boolean;
  /** Tells whether white space before it belongs to it. */
  readonly lstrip?: boolean;
  /** Tells whether white space behind it belongs to it. */
  readonly rstrip?: boolean;
  /** Tells whether it is none where a letter, digit or underscore stands next to it. */
  readonly singleWord?: boolean;
  /** Tells whether it is looked for in normalised text. */
  readonly normalized?: boolean;
}

const SPACES_BEHIND = /^\p{White_Space}*/u;
const SPACE = /^\p{White_Space}$/u;
const WORD_BEHIND = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]/u;
const WORD_BEFORE = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}]$/u;

/** Tokens of one kind: those looked for in the text as it is, or those looked for in normalised text. */
class Finder {
  readonly #tokens: ReadonlyMap<string, AddedToken>;
  /** Lengths of the tokens that start with a character, the longest first. */
  readonly #lengths = new Map<string, number[]>();

  constructor(tokens: ReadonlyMap<string, AddedToken>) {
    this.#tokens = tokens;
    const lengths = new Map<string, Set<number>>();
    for (const content of tokens.keys()) {
      const start = content.charAt(0);
      lengths.set(start, (lengths.get(start) ?? new Set()).add(content.length));
    }
    for (const [start, found] of lengths)
      this.#lengths.set(
        start,
        [...found].sort((a, b) => b - a),
      );
  }

  /** The longest token's text at `at`, or undefined. */
  #at(text: string, at: number): string | undefined {
    for (const length of this.#lengths.get(text.charAt(at)) ?? []) {
      const content = text.slice(at, at + length);
      if (this.#tokens.has(content)) return content;
    }
    return undefined;
  }

  /** Tokens and the text between them. */
  split(text: string): (AddedToken | string)[] {
    if (this.#tokens.size === 0) return text === '' ? [] : [text];
    const parts: (AddedToken | string)[] = [];
    let end = 0;
    for (let at = 0; at < text.length; at++) {
      const content = this.#at(text, at);
      const token = content === undefined ? undefined : this.#tokens.get(content);
      if (content === undefined || token === undefined) continue;
      let [start, stop] = [at, at + content.length];
      at = stop - 1;
      if (
        token.singleWord === true &&
        (WORD_BEFORE.test(text.slice(Math.max(0, start - 2), start)) ||
          WORD_BEHIND.test(text.slice(stop, stop + 2)))
      )
        continue;
      if (token.lstrip === true) while (start > end && SPACE.test(text.charAt(start - 1))) start--;
      if (token.rstrip === true) stop += SPACES_BEHIND.exec(text.slice(stop))?.[0].length ?? 0;
      at = stop - 1;
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
    const [normalized, plain] = [true, false].map((kind) =>
      tokens.filter((token) => token.content !== '' && (token.normalized === true) === kind),
    );
    this.#plain = new Finder(new Map(plain?.map((token) => [token.content, token])));
    this.#normalized = new Finder(new Map(normalized?.map((token) => [normalize(token.content), token])));
  }

  /** The added tokens of `text`, and normalised text between them. */
  split(text: string): (AddedToken | string)[] {
    return this.#plain
      .split(text)
      .flatMap((part) => (typeof part === 'string' ? this.#normalized.split(this.#normalize(part)) : [part]));
  }
}
