/**
 * What a model wrote, taken apart: `<think>...</think>`, then `<tool_call>{"name": ..., "arguments": ...}</tool_call>` blocks or a reply.
 * The rules are those of STAR's Sim-RL reward, quirks included, because training and evaluation have to agree with it to the last case:
 *
 * - there must be exactly one `<think>...</think>` pair. A second `</think>`, or a `<think>` inside the thought, does not count as one;
 * - the answer is what follows the LAST `</think>`; blocks before it are thoughts;
 * - as soon as the answer contains `<tool_call>` it is no reply, and text around the blocks is ignored;
 * - every complete block must hold one JSON object with a name and arguments. A block that is never closed is no block:
 *   the generation then has no calls and no reply, which is not a format error.
 *
 * Everything here is linear in the text: tags are found by searching forward, never by backtracking.
 */
import { tryParseJson } from '../json/parse.ts';
import { isDict, strip, typeName, type PyDict, type PyValue } from '../json/python.ts';

const THINK_OPEN = '<think>';
const THINK_CLOSE = '</think>';
const CALL_OPEN = '<tool_call>';
const CALL_CLOSE = '</tool_call>';
const ASSISTANT = '<|im_start|>assistant\n';

/** A call as it was written: the name may be any JSON value, and so may the arguments. */
export interface WrittenCall {
  readonly name: PyValue;
  readonly arguments: PyValue;
}

/** Why a text is not of the required form. */
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

function malformed(fault: SyntaxFault, message: string): Malformed {
  return { kind: 'malformed', fault, message };
}

/** Reads what stands in one `<tool_call>` block. */
export function readCall(block: string): WrittenCall | Malformed {
  const parsed = tryParseJson(block);
  if (!parsed.ok) return malformed('call_not_json', parsed.error.message);
  const call = parsed.value;
  if (!isDict(call)) return malformed('call_not_object', `A tool call is ${typeName(call)}, not an object.`);
  const name = call.get('name');
  if (name === undefined) return malformed('call_without_name', 'A tool call has no "name".');
  const written = call.get('arguments');
  if (written === undefined) return malformed('call_without_arguments', 'A tool call has no "arguments".');
  return { name, arguments: written };
}

/** The complete blocks of an answer; undefined if it begins none and so is a reply. */
export function callBlocks(answer: string): readonly string[] | undefined {
  return answer.includes(CALL_OPEN) ? between(answer, CALL_OPEN, CALL_CLOSE) : undefined;
}

/** The calls in an answer, or the first fault; undefined if it is a reply. */
function readCalls(answer: string): readonly WrittenCall[] | Malformed | undefined {
  const blocks = callBlocks(answer);
  if (blocks === undefined) return undefined;
  const calls: WrittenCall[] = [];
  for (const block of blocks) {
    const call = readCall(block);
    if ('kind' in call) return call;
    calls.push(call);
  }
  return calls;
}

/** A turn cut in two. */
export interface ThinkAndAnswer {
  readonly think: string;
  readonly answer: string;
}

/** What follows the last `</think>`: all of it, if there is none. */
export function afterThink(turn: string): string {
  const close = turn.lastIndexOf(THINK_CLOSE);
  return strip(close < 0 ? turn : turn.slice(close + THINK_CLOSE.length));
}

/** An answer without its complete blocks. */
export function outsideOfCalls(answer: string): string {
  let text = '';
  for (let at = 0; ;) {
    const start = answer.indexOf(CALL_OPEN, at);
    const end = start < 0 ? -1 : answer.indexOf(CALL_CLOSE, start + CALL_OPEN.length);
    if (end < 0) return text + answer.slice(at);
    text += answer.slice(at, start);
    at = end + CALL_CLOSE.length;
  }
}

/** Cuts a whole assistant turn, `<think>` included, into its thought and what follows the last `</think>`. */
export function splitTurn(turn: string): ThinkAndAnswer | Malformed {
  const thinks = between(turn, THINK_OPEN, THINK_CLOSE);
  const [think] = thinks;
  if (think === undefined) return malformed('no_think', 'There is no <think>...</think>.');
  if (thinks.length > 1)
    return malformed('several_thinks', `There are ${thinks.length} <think>...</think> pairs, not one.`);
  return { think, answer: afterThink(turn) };
}

/** Takes apart a whole assistant turn, `<think>` included (see `assistantTurn`); never throws. */
export function parseGeneration(turn: string): Generation {
  const split = splitTurn(turn);
  if ('kind' in split) return split;
  const think = strip(split.think);
  const calls = readCalls(split.answer);
  if (calls === undefined) return { kind: 'reply', think, reply: split.answer };
  return 'kind' in calls ? calls : { kind: 'calls', think, calls };
}

/**
 * The assistant's turn that `generation` completes: what follows the last assistant header of prompt and generation together.
 * What a prompt has opened of the thought, which its template may do, is part of it.
 */
export function assistantTurn(prompt: string, generation: string): string {
  return afterHeader(afterHeader(prompt) + generation);
}

function afterHeader(text: string): string {
  // Searching forward first is faster, and a generation hardly ever holds a header.
  if (!text.includes(ASSISTANT)) return text;
  return text.slice(text.lastIndexOf(ASSISTANT) + ASSISTANT.length);
}

export interface GoldCall {
  readonly name: string;
  readonly arguments: PyDict;
}

/** What a label asks for. */
export type Label =
  | { readonly kind: 'calls'; readonly calls: readonly GoldCall[] }
  | { readonly kind: 'reply'; readonly reply: string }
  /** Nothing can be scored against it; `message` says why. */
  | { readonly kind: 'unusable'; readonly message: string };

/**
 * Reads a label `</think>answer`, or `thought</think>answer`. What makes STAR's reader raise is `unusable` here: any other number of `</think>`,
 * a block that is not a call, no complete block; and so are names that are no strings and arguments that are no object, which it lets
 * in and then fails on when it scores.
 */
export function parseLabel(label: string): Label {
  const unusable = (message: string): Label => ({ kind: 'unusable', message });
  const parts = label.split(THINK_CLOSE);
  const answer = parts[1];
  if (answer === undefined || parts.length > 2) {
    return unusable(`The label has ${parts.length - 1} times </think>, and must have it once.`);
  }
  const written = readCalls(answer);
  if (written === undefined) return { kind: 'reply', reply: strip(answer) };
  if ('kind' in written) return unusable(`The label is malformed. ${written.message}`);
  const calls: GoldCall[] = [];
  for (const call of written) {
    if (typeof call.name !== 'string')
      return unusable(`A call of the label is named by ${typeName(call.name)}, not a string.`);
    if (!isDict(call.arguments)) {
      return unusable(
        `The arguments of ${call.name} in the label are ${typeName(call.arguments)}, not an object.`,
      );
    }
    calls.push({ name: call.name, arguments: call.arguments });
  }
  return calls.length > 0
    ? { kind: 'calls', calls }
    : unusable('The label opens <tool_call> and never closes it.');
}
