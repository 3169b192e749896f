/** Calls that are being written as JSON, of answers that are held to the form which their format writes. */
import { type CallGrammar, endOfObject } from '../../../src/chat/formats/format.ts';

/** A call as far as it is written: its name, and the JSON text of its arguments up to here. */
export interface WrittenSoFar {
  readonly name: string;
  readonly given: string;
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
    at = endOfObject(text, start) ?? text.length;
    calls.push({ name, given: text.slice(start, at) });
    if (!text.startsWith(around.close, at)) return calls;
    at += around.close.length;
    if (!text.startsWith(grammar.between, at)) return calls;
  }
}
