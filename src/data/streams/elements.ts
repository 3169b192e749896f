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

/** Places in a piece of text at which a value ends. */
type Ends = (chunk: string) => Iterable<number>;

function* lineEnds(chunk: string): Generator<number> {
  for (let at = chunk.indexOf('\n'); at >= 0; at = chunk.indexOf('\n', at + 1)) yield at;
}

const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const COMMA = 0x2c;
const isOpening = (code: number): boolean => code === 0x5b || code === 0x7b;
const isClosing = (code: number): boolean => code === 0x5d || code === 0x7d;

/** The brackets and commas of one list, whose text comes in pieces. */
function listEnds(): Ends {
  let [depth, inString, isEscaped] = [0, false, false];
  return function* (chunk) {
    for (let at = 0; at < chunk.length; at++) {
      const code = chunk.charCodeAt(at);
      if (isEscaped) isEscaped = false;
      else if (inString && code === BACKSLASH) isEscaped = true;
      else if (code === QUOTE) inString = !inString;
      else if (inString) continue;
      else if (isOpening(code)) {
        depth += 1;
        if (depth === 1) yield at;
      } else if (isClosing(code)) {
        depth -= 1;
        if (depth === 0) yield at;
      } else if (code === COMMA && depth === 1) yield at;
    }
  };
}

/** The values in `chunks`; a text that begins with "[" is one array, any other has a value a line. */
export async function* elementsOf(chunks: Chunks, name: string): AsyncGenerator<Element> {
  let [head, rest, count, isList] = ['', '', 0, false];
  let ends: Ends | undefined;
  const element = (end: string): Element[] => {
    const text = rest + end;
    rest = '';
    const isBlank = text.trim() === '';
    // Blank lines are counted, too.
    if (!isBlank || !isList) count += 1;
    return isBlank ? [] : [{ text, place: isList ? `[${count}]` : `${count}` }];
  };
  for await (const chunk of chunks) {
    let text = chunk;
    if (ends === undefined) {
      head += chunk;
      // Of this piece alone, as there may be many of blanks; a byte order mark counts as one.
      const start = chunk.trimStart();
      guard(head.length, name);
      if (start === '') continue;
      isList = start.startsWith('[');
      ends = isList ? listEnds() : lineEnds;
      // Blank lines before the first value are kept for lines, since they are counted.
      text = head.replace(/^\uFEFF/, '');
    }
    let from = 0;
    for (const end of ends(text)) {
      yield* element(text.slice(from, end));
      from = end + 1;
    }
    rest += text.slice(from);
    guard(rest.length, name);
  }
  // Rest of the input: a last line, an element that was cut short, or text behind the list.
  yield* element('');
}
