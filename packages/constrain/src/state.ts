/**
 * Texts that may be written, as states that symbols move: a byte of UTF-8, or a tag of the tool-call format that is a token
 * of its own. A state is made when it is reached, so that recursion costs nothing until it is followed.
 */

/** A byte, or `TAGS` and more for the token of a tag. */
export type TextSymbol = number;
/** Number of the first tag; that of a token is this and its id. */
export const TAGS = 256;

export interface State {
  /** State behind a symbol; undefined where it may not be written. */
  after(symbol: TextSymbol): State | undefined;
  /** Tells whether the text may end here. */
  readonly isEnd: boolean;
}

/** Begins the text behind something. */
export type Rest = () => State;

/** End of everything. */
export const END: State = { isEnd: true, after: () => undefined };

/** Whatever one of several states allows; undefined where there is none. */
export function either(states: readonly State[]): State | undefined {
  const [first, second] = states;
  if (first === undefined || second === undefined) return first;
  return {
    isEnd: states.some(({ isEnd }) => isEnd),
    after: (symbol) => either(states.flatMap((state) => state.after(symbol) ?? [])),
  };
}

/** One text alone, then the rest. */
export function literal(symbols: readonly TextSymbol[], rest: Rest, at = 0): State {
  if (at >= symbols.length) return rest();
  return {
    isEnd: false,
    after: (symbol) => (symbol === symbols[at] ? literal(symbols, rest, at + 1) : undefined),
  };
}

/** Some symbols and then more, or the rest at once, told apart by the next symbol. */
export function orElse(more: (symbol: TextSymbol) => State | undefined, rest: Rest): State {
  const behind = rest();
  return { isEnd: behind.isEnd, after: (symbol) => more(symbol) ?? behind.after(symbol) };
}

const encoder = new TextEncoder();

export const bytesOf = (text: string): number[] => [...encoder.encode(text)];

/** Symbol of a character of ASCII. */
export const code = (char: string): TextSymbol => char.charCodeAt(0);

const SPACE = code(' ');

/** The rest, with at most one space before it, as programs write JSON. */
export const spaced = (rest: Rest): State =>
  orElse((symbol) => (symbol === SPACE ? rest() : undefined), rest);
