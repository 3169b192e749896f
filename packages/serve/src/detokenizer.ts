/** Text of tokens as they come: what is new costs the same wherever an answer stands. */

/** Tokens that are decoded once more with each new one, as how a token is written may depend on those before. */
const BEFORE = 6;

export class Detokenizer {
  readonly #decode: (ids: readonly number[]) => string;
  readonly #tokens: number[] = [];
  /** Tokens from `start` on are decoded again, of which those up to `told` are in the text. */
  #start = 0;
  #told = 0;
  #text = '';

  constructor(decode: (ids: readonly number[]) => string) {
    this.#decode = decode;
  }

  /** The text with a token more, without a character that is not whole. */
  add(token: number): string {
    this.#tokens.push(token);
    const known = this.#decode(this.#tokens.slice(this.#start, this.#told));
    const now = this.#decode(this.#tokens.slice(this.#start));
    if (now.length <= known.length || now.endsWith('\uFFFD')) return this.#text;
    this.#text += now.slice(known.length);
    this.#told = this.#tokens.length;
    this.#start = Math.max(this.#start, this.#told - BEFORE);
    return this.#text;
  }
}
