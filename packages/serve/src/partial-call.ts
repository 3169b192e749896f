/** Calls that are being written as JSON, of answers that are held to the form which their format writes. */
import type { CallGrammar } from '../../../src/chat/formats/format.ts';

/** A call as far as it is written: its name, and the JSON text of its arguments up to here. */
export interface WrittenSoFar {
  readonly name: string;
  readonly given: string;
}

/** Place behind the object that begins at `start`, or the end of a text that it goes on behind. */
function endOfObject(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"') {
      for (at++; at < text.length && text.charAt(at) !== '"'; at++) if (text.charAt(at) === '\\') at++;
    } else if (char === '{') depth += 1;
    else if (char === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return text.length;
}

/** Calls of some functions at the beginning of a text, the last of which may not be whole; those whose names are. */
export function callsBeingWritten(
  text: string,
  grammar: CallGrammar,
  names: readonly string[],
): WrittenSoFar[] {
  const calls: WrittenSoFar[] = [];
  const tags = names.flatMap((name) => {
    const around = grammar.call(name);
    return around === undefined ? [] : [{ name, around }];
  });
  for (let at = grammar.open.length; ; at += grammar.between.length) {
    const begun = tags.find(({ around }) => text.startsWith(around.open, at));
    if (begun === undefined) return calls;
    const { name, around } = begun;
    const start = at + around.open.length;
    at = endOfObject(text, start);
    calls.push({ name, given: text.slice(start, at) });
    if (!text.startsWith(around.close, at)) return calls;
    at += around.close.length;
    if (!text.startsWith(grammar.between, at)) return calls;
  }
}
