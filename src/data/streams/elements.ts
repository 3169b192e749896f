/**
 * The values of a JSON file one after the other, as text: lines of JSON Lines, or the elements of one large array.
 * The text is never held as a whole, and a broken value does not take its neighbours with it.
 */
import { UserError } from '../../base/errors.ts';

export interface Element {
  readonly text: string;
  /** "12" for a line, "[12]" for an element of an array; both count from one. */
  readonly place: string;
}

/** A value longer than this is not a row of any data set, but a file of another kind. */
const MAX_ELEMENT = 1 << 26;

type Chunks = AsyncIterable<string> | Iterable<string>;

/** Throws a UserError for a value that has come to be longer than MAX_ELEMENT. */
function guard(size: number, name: string): void {
  if (size <= MAX_ELEMENT) return;
  throw new UserError(
    'DATA_LINE',
    `${name} has a value of more than ${MAX_ELEMENT} characters; give a file of one JSON object a line, or of one JSON list.`,
  );
}

/** Cuts lines out of text that comes in pieces. */
class LineCutter {
  #rest = '';
  #line = 0;

  *cut(chunk: string): Generator<Element> {
    let at = 0;
    for (let end = chunk.indexOf('\n'); end >= 0; end = chunk.indexOf('\n', at)) {
      yield* this.#element(this.#rest + chunk.slice(at, end));
      this.#rest = '';
      at = end + 1;
    }
    this.#rest += chunk.slice(at);
  }

  *finish(): Generator<Element> {
    yield* this.#element(this.#rest);
    this.#rest = '';
  }

  get pending(): number {
    return this.#rest.length;
  }

  *#element(line: string): Generator<Element> {
    this.#line += 1;
    if (line.trim() !== '') yield { text: line, place: String(this.#line) };
  }
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const isOpening = (code: number): boolean => code === 0x5b || code === 0x7b;
const isClosing = (code: number): boolean => code === 0x5d || code === 0x7d;

/** Cuts the elements of one array out of text that comes in pieces. */
class ArrayCutter {
  #rest = '';
  #depth = 0;
  #inString = false;
  #escaped = false;
  #index = 0;

  *cut(chunk: string): Generator<Element> {
    let from = 0;
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      if (this.#inString) this.#inside(code);
      else if (code === QUOTE) this.#inString = true;
      else if (isOpening(code)) {
        this.#depth += 1;
        if (this.#depth === 1) from = at + 1;
      } else if (isClosing(code)) {
        this.#depth -= 1;
        if (this.#depth === 0) {
          yield* this.#element(this.#rest + chunk.slice(from, at));
          from = at + 1;
        }
      } else if (code === COMMA && this.#depth === 1) {
        yield* this.#element(this.#rest + chunk.slice(from, at));
        from = at + 1;
      }
    }
    this.#rest += chunk.slice(from);
  }

  #inside(code: number): void {
    if (this.#escaped) this.#escaped = false;
    else if (code === BACKSLASH) this.#escaped = true;
    else if (code === QUOTE) this.#inString = false;
  }

  /** Rest of the input: an element that was cut short, or text behind the array. */
  *finish(): Generator<Element> {
    yield* this.#element(this.#rest);
  }

  get pending(): number {
    return this.#rest.length;
  }

  *#element(text: string): Generator<Element> {
    this.#rest = '';
    if (text.trim() === '') return;
    this.#index += 1;
    yield { text, place: `[${this.#index}]` };
  }
}

/** The values in `chunks`; a text that begins with "[" is one array, any other has a value a line. */
export async function* elementsOf(chunks: Chunks, name: string): AsyncGenerator<Element> {
  let cutter: LineCutter | ArrayCutter | undefined;
  let head = '';
  for await (const chunk of chunks) {
    let text = chunk;
    if (cutter === undefined) {
      head += chunk;
      // Of this piece alone, as there may be many of blanks; a byte order mark counts as one.
      const start = chunk.trimStart();
      guard(head.length, name);
      if (start === '') continue;
      // Blank lines before the first value are kept for lines, since they are counted.
      cutter = start.startsWith('[') ? new ArrayCutter() : new LineCutter();
      text = head.replace(/^\uFEFF/, '');
    }
    yield* cutter.cut(text);
    guard(cutter.pending, name);
  }
  if (cutter !== undefined) yield* cutter.finish();
}
