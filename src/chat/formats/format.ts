/** The interface of a tool-call format, which is one file here and one line in index.ts. */
import { dumps } from '../../json/dumps.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isDict, typeName, type PyDict, type PyValue } from '../../json/python.ts';
import type { JsonObject, JsonValue } from '../../json/value.ts';

/** A call as it was written: the name may be any JSON value, and so may the arguments. */
export interface WrittenCall {
  readonly name: PyValue;
  readonly arguments: PyValue;
}

/** A call that is to be written; arguments that could not be read as an object stay the text that they are. */
export interface CallToWrite {
  readonly name: string;
  readonly arguments: PyDict | string;
}

/** Reasons why a text is not of the required form. */
export type SyntaxFault =
  | 'no_think'
  | 'several_thinks'
  | 'call_not_json'
  | 'call_not_python'
  | 'call_not_declared'
  | 'call_not_xml'
  | 'call_not_object'
  | 'call_without_name'
  | 'call_without_arguments';

export interface Malformed<Fault extends string = SyntaxFault> {
  readonly kind: 'malformed';
  readonly fault: Fault;
  /** One sentence for a person. */
  readonly message: string;
}

/** Something wrong with a call. */
export function malformed(fault: SyntaxFault, message: string): Malformed {
  return { kind: 'malformed', fault, message };
}

/** Finds what a tool says of its arguments, by their names; undefined for a tool that is not known. */
export type ArgumentsOf = (tool: string) => PyDict | undefined;

/** Text before and behind something. */
export interface Tags {
  readonly open: string;
  readonly close: string;
}

/** Values as a format writes them. A space that ends a text of it may be left out. */
export interface Notation {
  /** Around a text: one of them. */
  readonly quotes: readonly Tags[];
  /** Characters of a text, beside those of its quotes, that stand as they are, as a class of a regular expression; all unless told. */
  readonly plain?: string;
  /** Letters that stand for a character behind a backslash, \\uXXXX beside them; a text has no escapes where there are none. */
  readonly escapes?: Readonly<Record<string, string>>;
  /** True, false and null. */
  readonly words: readonly [yes: string, no: string, nothing: string];
  readonly list: Tags;
  readonly object: Tags;
  readonly comma: string;
  /** Around a key of an object, and behind its value. */
  readonly key: Tags;
  readonly valueEnd?: string;
  /** Keys that stand without quotes. */
  readonly bareKeys?: RegExp;
  /** Tells whether keys may be texts in quotes; default: true. */
  readonly quotesKeys?: boolean;
  /** Notations of lists, objects and what stands in them, itself unless told. */
  readonly lists?: Notation;
  readonly objects?: Notation;
  readonly inside?: Notation;
}

/** Calls as a format writes them. */
export interface CallGrammar {
  /** Before the first call, between two and behind the last. */
  readonly open: string;
  readonly between: string;
  readonly close: string;
  /** Texts that begin a call, as a regular expression. */
  readonly begins: string;
  /** Around the arguments of a function, as an object; undefined for a name that cannot be written. */
  readonly call: (name: string) => Tags | undefined;
  readonly arguments: Notation;
  /** Texts that no value may have in it, since a reader would end there. */
  readonly never: readonly string[];
  /** Finds a schema that an argument also has to obey to be read as it was meant, by its own. */
  readonly narrowed?: (schema: JsonValue) => JsonObject;
}

/** JSON's own notation. */
export const JSON_NOTATION: Notation = {
  quotes: [{ open: '"', close: '"' }],
  plain: '[^\\\\\\x00-\\x1f]',
  escapes: { '"': '"', '\\': '\\', '/': '/', b: '\b', f: '\f', n: '\n', r: '\r', t: '\t' },
  words: ['true', 'false', 'null'],
  list: { open: '[', close: ']' },
  object: { open: '{', close: '}' },
  comma: ', ',
  key: { open: '', close: ': ' },
};

/** Calls that are JSON objects with a name, whose arguments stand under a key, between tags. */
export const jsonGrammar = (
  key: string,
  { open, close }: Tags,
  space: { readonly before?: string; readonly after?: string; readonly between: string },
): CallGrammar => ({
  open: '',
  between: space.between,
  close: '',
  begins: open,
  call: (name) => ({
    open: `${open}${space.before ?? ''}{"name": ${dumps(name)}, "${key}": `,
    close: `}${space.after ?? ''}${close}`,
  }),
  arguments: JSON_NOTATION,
  never: close === '' ? [] : [close],
});

/** A call as a JSON object with a name, whose arguments stand under a key. */
export const jsonCall = ({ name, arguments: given }: CallToWrite, key: string): string =>
  `{"name": ${dumps(name)}, "${key}": ${typeof given === 'string' ? given : dumps(given)}}`;

/** Text of conversations, thoughts and calls, as a checkpoint's chat template has it. */
export interface ToolFormat {
  readonly name: string;
  readonly think: Tags;
  /** Around a thought, line breaks included. */
  readonly thought: Tags;
  /** Tells whether every turn begins with a thought, be it empty; else a turn may. */
  readonly thinks: boolean;
  /** Around calls. Nothing is written behind them where `close` is empty. */
  readonly call: Tags;
  /** Around the list of tools in a prompt, one JSON document a line; undefined where prompts show them otherwise. */
  readonly tools: Tags | undefined;
  /** End of a turn of calls, where that is not the end of a turn. */
  readonly callEnd?: string;
  /** Calls as they are written, so that `readCall` reads what was meant. */
  readonly grammar: CallGrammar;
  /** Tokens of calls that a tokenizer may have as special ones: they are part of what is read. */
  readonly special: readonly string[];
  /** Beginning of every message, before its role, and end of every message. */
  readonly turn: Tags;
  /** Beginning of an assistant's message. */
  readonly assistant: string;

  /** An answer: content, then calls. */
  readonly render: (content: string, calls: readonly CallToWrite[]) => string;
  /** The texts of the complete calls in an answer; undefined if it begins none and so is a reply. */
  readonly callBlocks: (answer: string) => readonly string[] | undefined;
  /** Reads the text of one call; never throws. Where a format leaves types open, the tool's own words decide. */
  readonly readCall: (block: string, argumentsOf?: ArgumentsOf) => WrittenCall | Malformed;
  /** An answer without its complete calls. */
  readonly outsideOfCalls: (answer: string) => string;
}

/** Place behind the JSON object that begins at `start`; undefined if it never ends. */
export function endOfObject(text: string, start: number): number | undefined {
  let depth = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '"') {
      for (at++; at < text.length && text.charAt(at) !== '"'; at++) if (text.charAt(at) === '\\') at++;
    } else if (char === '{') depth += 1;
    else if (char === '}') depth -= 1;
    if (depth === 0) return at + 1;
  }
  return undefined;
}

/** Reads a call that is a JSON object with a name and, under `key`, arguments. */
export function readJsonCall(
  block: string,
  key: string,
  argumentsIn = (call: PyDict): PyValue | undefined => call.get(key),
): WrittenCall | Malformed {
  const parsed = tryParseJson(block);
  if (!parsed.ok) return malformed('call_not_json', parsed.error.message);
  const call = parsed.value;
  if (!isDict(call)) return malformed('call_not_object', `A tool call is ${typeName(call)}, not an object.`);
  const name = call.get('name');
  if (name === undefined) return malformed('call_without_name', 'A tool call has no "name".');
  const written = argumentsIn(call);
  if (written === undefined) return malformed('call_without_arguments', `A tool call has no "${key}".`);
  return { name, arguments: written };
}

/** The texts between `open` and the next `close`, from left to right, without overlap. */
export function between(text: string, open: string, close: string): string[] {
  const found: string[] = [];
  for (let at = 0; ;) {
    const start = text.indexOf(open, at);
    if (start < 0) return found;
    const end = text.indexOf(close, start + open.length);
    if (end < 0) return found;
    found.push(text.slice(start + open.length, end));
    at = end + close.length;
  }
}

/** A text without what stands between `open` and the next `close`, and without the two. */
export function outside(text: string, { open, close }: Tags): string {
  let rest = '';
  for (let at = 0; ;) {
    const start = text.indexOf(open, at);
    const end = start < 0 ? -1 : text.indexOf(close, start + open.length);
    if (end < 0) return rest + text.slice(at);
    rest += text.slice(at, start);
    at = end + close.length;
  }
}
