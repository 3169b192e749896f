/** The interface of a tool-call format, which is one file here and one line in index.ts. */
import type { PyValue } from '../../json/python.ts';

/** A call as it was written: the name may be any JSON value, and so may the arguments. */
export interface WrittenCall {
  readonly name: PyValue;
  readonly arguments: PyValue;
}

/** Reasons why a text is not of the required form. */
export type SyntaxFault =
  | 'no_think'
  | 'several_thinks'
  | 'call_not_json'
  | 'call_not_object'
  | 'call_without_name'
  | 'call_without_arguments';

export interface Malformed<Fault extends string = SyntaxFault> {
  readonly kind: 'malformed';
  readonly fault: Fault;
  /** One sentence for a person. */
  readonly message: string;
}

export type Generation =
  | Malformed
  /** `calls` is empty when a block was opened and never closed. */
  | { readonly kind: 'calls'; readonly think: string; readonly calls: readonly WrittenCall[] }
  /** `reply` may be empty. End-of-turn tokens that were left in the text are part of it. */
  | { readonly kind: 'reply'; readonly think: string; readonly reply: string };

/** A turn cut in two. */
export interface ThinkAndAnswer {
  readonly think: string;
  readonly answer: string;
}

/** Text before and behind something. */
interface Tags {
  readonly open: string;
  readonly close: string;
}

/** Text of conversations, thoughts and calls. */
export interface ToolFormat {
  readonly think: Tags;
  readonly call: Tags;
  /** Around the list of tools in a prompt, one JSON document a line. */
  readonly tools: Tags;
  /** Around a call's result. */
  readonly response: Tags;
  /** Beginning of every message, before its role, and end of every message. */
  readonly turn: Tags;
  /** Beginning of an assistant's message. */
  readonly assistant: string;
  /** Tokens that end an answer: of a turn, and of a text. */
  readonly ends: readonly [turn: string, text: string];

  /** Text of a call whose name and arguments are written as JSON. */
  readonly render: (name: string, args: string) => string;
  /** Takes apart a whole assistant turn, its thought included (see `assistantTurn`); never throws. */
  readonly parse: (turn: string) => Generation;
  /** Cuts a whole assistant turn into its thought and its answer. */
  readonly splitTurn: (turn: string) => ThinkAndAnswer | Malformed;
  /** The answer of a turn: all of it, if there is no thought. */
  readonly afterThink: (turn: string) => string;
  /** The complete blocks of calls in an answer; undefined if it begins none and so is a reply. */
  readonly callBlocks: (answer: string) => readonly string[] | undefined;
  /** Reads what stands in one block. */
  readonly readCall: (block: string) => WrittenCall | Malformed;
  /** The calls in an answer, or the first fault; undefined if it is a reply. */
  readonly readCalls: (answer: string) => readonly WrittenCall[] | Malformed | undefined;
  /** An answer without its complete blocks. */
  readonly outsideOfCalls: (answer: string) => string;
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
