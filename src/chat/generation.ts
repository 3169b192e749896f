/**
 * Turns and labels in a checkpoint's tool-call format. The rules around calls are those of STAR's Sim-RL reward:
 *
 * - where every turn has a thought, there must be exactly one `<think>...</think>` pair. A second `</think>`, or a `<think>`
 *   inside the thought, does not count as one; where a turn may have one, all of it is the answer if it has none;
 * - the answer is what follows the LAST `</think>`; calls before it are thoughts.
 *
 * Everything here is linear in the text: tags are found by searching forward, never by backtracking.
 */
import { isDict, strip, typeName } from '../json/python.ts';
import {
  type ArgumentsOf,
  between,
  type Malformed,
  malformed,
  type ToolFormat,
  type WrittenCall,
} from './formats/format.ts';
import type { ExactCall } from './messages.ts';

/** A turn, taken apart. */
export type Generation =
  | Malformed
  /** `calls` is empty when a call was begun and never finished. */
  | { readonly kind: 'calls'; readonly think: string; readonly calls: readonly WrittenCall[] }
  /** `reply` may be empty. End-of-turn tokens that were left in the text are part of it. */
  | { readonly kind: 'reply'; readonly think: string; readonly reply: string };

/**
 * The assistant's turn that `generation` completes: what follows the last assistant header of prompt and generation together.
 * A thought that the prompt has opened, as its template may do, is part of it.
 */
export function assistantTurn(prompt: string, generation: string, format: ToolFormat): string {
  return afterHeader(afterHeader(prompt, format) + generation, format);
}

function afterHeader(text: string, { assistant }: ToolFormat): string {
  // Searching forward first is faster, and a generation hardly ever holds a header.
  if (!text.includes(assistant)) return text;
  return text.slice(text.lastIndexOf(assistant) + assistant.length);
}

/** The part of a prompt's last turn that begins with the thought which the template has opened; empty if it has not. */
export function openedThought(prompt: string, { assistant, think }: ToolFormat): string {
  const start = prompt.lastIndexOf(assistant);
  const at = start < 0 ? -1 : prompt.indexOf(think.open, start);
  return at < 0 ? '' : prompt.slice(at);
}

/** Tells whether the model cannot think after this prompt, as its template has closed the thought. */
export function closesThought(prompt: string, format: ToolFormat): boolean {
  return openedThought(prompt, format).includes(format.think.close);
}

/** Tells whether the model is thinking from its first token after this prompt. */
export function opensThought(prompt: string, format: ToolFormat): boolean {
  const opened = openedThought(prompt, format);
  return opened !== '' && !opened.includes(format.think.close);
}

/** The text after the last end of a thought: all of it, if there is none. */
export function afterThink(turn: string, { think }: ToolFormat): string {
  const close = turn.lastIndexOf(think.close);
  return strip(close < 0 ? turn : turn.slice(close + think.close.length));
}

/** Cuts a whole assistant turn (see `assistantTurn`) into its thought and its answer. */
export function splitTurn(
  turn: string,
  format: ToolFormat,
): { readonly think: string; readonly answer: string } | Malformed {
  const { open, close } = format.think;
  const thinks = between(turn, open, close);
  const [think] = thinks;
  if (format.thinks) {
    if (think === undefined) return malformed('no_think', `There is no ${open}...${close}.`);
    if (thinks.length > 1)
      return malformed('several_thinks', `There are ${thinks.length} ${open}...${close} pairs, not one.`);
  }
  return { think: think ?? '', answer: afterThink(turn, format) };
}

/** The calls in an answer, or the first fault; undefined if it is a reply. */
function readCalls(
  answer: string,
  format: ToolFormat,
  argumentsOf?: ArgumentsOf,
): readonly WrittenCall[] | Malformed | undefined {
  const blocks = format.callBlocks(answer);
  if (blocks === undefined) return undefined;
  const calls: WrittenCall[] = [];
  for (const block of blocks) {
    const call = format.readCall(block, argumentsOf);
    if ('kind' in call) return call;
    calls.push(call);
  }
  return calls;
}

/** Takes apart a whole assistant turn, its thought included (see `assistantTurn`); never throws. */
export function parseGeneration(turn: string, format: ToolFormat, argumentsOf?: ArgumentsOf): Generation {
  const split = splitTurn(turn, format);
  if ('kind' in split) return split;
  const think = strip(split.think);
  const calls = readCalls(split.answer, format, argumentsOf);
  if (calls === undefined) return { kind: 'reply', think, reply: split.answer };
  return 'kind' in calls ? calls : { kind: 'calls', think, calls };
}

/** Thought and answer as a chat shows them: what stands before and behind the last end of a thought. */
export function shownParts(text: string, { think }: ToolFormat): readonly [thought: string, said: string] {
  const end = text.lastIndexOf(think.close);
  if (end < 0) return ['', text];
  const thought = text.slice(0, end);
  const opened = thought.trimStart();
  return [
    opened.startsWith(think.open) ? opened.slice(think.open.length) : thought,
    text.slice(end + think.close.length),
  ];
}

/** Demand of a label. */
export type Label =
  | { readonly kind: 'calls'; readonly calls: readonly ExactCall[] }
  | { readonly kind: 'reply'; readonly reply: string }
  /** Nothing can be scored against it; `message` says why. */
  | { readonly kind: 'unusable'; readonly message: string };

/**
 * Reads a label: an answer behind the end of a thought, with or without the thought; where a turn need not have one, an
 * answer alone will do. What makes STAR's reader raise is `unusable` here: any other number of ends, a block that is not a
 * call, no complete block; and so are names that are no strings and arguments that are no object, which it lets in and then
 * fails on when it scores.
 */
export function parseLabel(label: string, format: ToolFormat, argumentsOf?: ArgumentsOf): Label {
  const unusable = (message: string): Label => ({ kind: 'unusable', message });
  const { think, thinks, call } = format;
  const parts = label.split(think.close);
  const answer = parts.length === 1 && !thinks ? label : parts[1];
  if (answer === undefined || parts.length > 2) {
    return unusable(`The label has ${parts.length - 1} times ${think.close}, and must have it once.`);
  }
  const written = readCalls(answer, format, argumentsOf);
  if (written === undefined) return { kind: 'reply', reply: strip(answer) };
  if ('kind' in written) return unusable(`The label is malformed. ${written.message}`);
  const calls: ExactCall[] = [];
  for (const one of written) {
    if (typeof one.name !== 'string')
      return unusable(`A call of the label is named by ${typeName(one.name)}, not a string.`);
    if (!isDict(one.arguments)) {
      return unusable(
        `The arguments of ${one.name} in the label are ${typeName(one.arguments)}, not an object.`,
      );
    }
    calls.push({ name: one.name, arguments: one.arguments });
  }
  return calls.length > 0
    ? { kind: 'calls', calls }
    : unusable(`The label opens ${call.open} and never closes it.`);
}
