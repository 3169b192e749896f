/** The interface of a tool-call format, which is one file here and one line in index.ts. */
import { tryParseJson } from '../../json/parse.ts';
import { isDict, typeName, type PyDict, type PyValue } from '../../json/python.ts';

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
  /**
   * Calls as they are written where they are JSON: before the name, the key of the arguments, behind them, and between two
   * calls. Undefined for a format of another kind.
   */
  readonly json?: {
    readonly before: string;
    readonly key: string;
    readonly after: string;
    readonly between: string;
  };
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
