/** Calls that are being written as JSON, of answers that are held to the form which their format writes. */
import type { ToolFormat } from '../../../src/chat/formats/format.ts';

/** A call as far as it is written: its name, and the JSON text of its arguments up to here. */
export interface WrittenSoFar {
  readonly name: string;
  readonly given: string;
}

const STRING = /"(?:[^"\\]|\\.)*"/y;

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

/** Calls at the beginning of a text, the last of which may not be whole; those whose names are. */
export function callsBeingWritten(
  text: string,
  { before, key, after, between }: NonNullable<ToolFormat['json']>,
): WrittenSoFar[] {
  const calls: WrittenSoFar[] = [];
  for (let at = 0; text.startsWith(before, at); at += between.length) {
    STRING.lastIndex = at + before.length;
    const [name] = STRING.exec(text) ?? [];
    if (name === undefined) return calls;
    at += before.length + name.length;
    const middle = `, "${key}": `;
    if (!text.startsWith(middle, at)) return calls;
    const start = at + middle.length;
    at = endOfObject(text, start);
    calls.push({ name: JSON.parse(name) as string, given: text.slice(start, at) });
    if (!text.startsWith(after, at) || !text.startsWith(between, at + after.length)) return calls;
    at += after.length;
  }
  return calls;
}
