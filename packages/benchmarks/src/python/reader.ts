/** Walks over the tokens of an expression: what a parser asks of them. */
import { PythonSyntaxError } from './errors.ts';
import { tokenize, type Token } from './tokens.ts';

/** Depth to which operators may be nested; brackets have a limit of their own. */
const MAX_NESTING = 1000;

/** Operators of one kind that may follow each other, each of which makes the tree deeper: what CPython 3.11 takes. */
const MAX_CHAIN = 2989;

/** Words that cannot be names. */
export const KEYWORDS: ReadonlySet<string> = new Set(
  (
    'False None True and as assert async await break class continue def del elif else except finally for from ' +
    'global if import in is lambda nonlocal not or pass raise return try while with yield'
  ).split(' '),
);

export class TokenReader {
  readonly #text: string;
  readonly #tokens: readonly Token[];
  #next = 0;
  #depth = 0;

  constructor(text: string) {
    this.#text = text;
    this.#tokens = tokenize(text);
  }

  /** The next token, or one further ahead. */
  protected peek(ahead = 0): Token {
    const end = this.#text.length;
    return this.#tokens[this.#next + ahead] ?? { kind: 'end', start: end, end };
  }

  protected skip(): void {
    this.#next += 1;
  }

  protected error(problem: string): PythonSyntaxError {
    return new PythonSyntaxError(problem, this.peek().start);
  }

  /** Tells whether the next token is this operator or keyword. */
  protected at(text: string, ahead = 0): boolean {
    const token = this.peek(ahead);
    return (token.kind === 'operator' || token.kind === 'name') && token.text === text;
  }

  /** As `at`, and goes past it. */
  protected taken(text: string): boolean {
    if (!this.at(text)) return false;
    this.skip();
    return true;
  }

  protected expect(text: string): void {
    if (!this.taken(text)) throw this.error(`'${text}' is expected`);
  }

  /** Reads a name that is no keyword. */
  protected name(): string {
    const token = this.peek();
    if (token.kind !== 'name' || KEYWORDS.has(token.text)) throw this.error('a name is expected');
    this.skip();
    return token.text;
  }

  /** The text from `start` to the end of the last token that was read. */
  protected textFrom(start: number): string {
    return this.#text.slice(start, this.peek(-1).end);
  }

  /** Refuses chains that make a tree too deep to be walked. */
  protected checkChain(links: number): void {
    if (links > MAX_CHAIN) throw this.error('too many operators follow each other');
  }

  /** Reads what may hold more of its kind. */
  protected nested<T>(read: () => T): T {
    if (this.#depth === MAX_NESTING) throw this.error('it is nested too deep');
    this.#depth += 1;
    const value = read();
    this.#depth -= 1;
    return value;
  }
}
