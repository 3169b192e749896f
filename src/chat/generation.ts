/** Turns and labels in whatever format they are written: the rules around it are those of STAR's Sim-RL reward. */
import { isDict, strip, typeName, type PyDict } from '../json/python.ts';
import { FORMAT } from './formats/index.ts';

export { between } from './formats/format.ts';
export type { Malformed, SyntaxFault, WrittenCall } from './formats/format.ts';

export const { parse: parseGeneration, splitTurn, afterThink, callBlocks, readCall, outsideOfCalls } = FORMAT;
const { assistant: HEADER, call, readCalls, think } = FORMAT;

/**
 * The assistant's turn that `generation` completes: what follows the last assistant header of prompt and generation together.
 * A thought that the prompt has opened, as its template may do, is part of it.
 */
export function assistantTurn(prompt: string, generation: string): string {
  return afterHeader(afterHeader(prompt) + generation);
}

function afterHeader(text: string): string {
  // Searching forward first is faster, and a generation hardly ever holds a header.
  if (!text.includes(HEADER)) return text;
  return text.slice(text.lastIndexOf(HEADER) + HEADER.length);
}

/** Thought and answer as a chat shows them: what stands before and behind the last end of a thought. */
export function shownParts(text: string): readonly [thought: string, said: string] {
  const end = text.lastIndexOf(think.close);
  if (end < 0) return ['', text];
  const thought = text.slice(0, end);
  const opened = thought.trimStart();
  return [
    opened.startsWith(think.open) ? opened.slice(think.open.length) : thought,
    text.slice(end + think.close.length),
  ];
}

export interface GoldCall {
  readonly name: string;
  readonly arguments: PyDict;
}

/** Demand of a label. */
export type Label =
  | { readonly kind: 'calls'; readonly calls: readonly GoldCall[] }
  | { readonly kind: 'reply'; readonly reply: string }
  /** Nothing can be scored against it; `message` says why. */
  | { readonly kind: 'unusable'; readonly message: string };

/**
 * Reads a label an answer behind the end of a thought, with or without the thought. What makes STAR's reader raise is `unusable` here: any other number of ends,
 * a block that is not a call, no complete block; and so are names that are no strings and arguments that are no object, which it lets
 * in and then fails on when it scores.
 */
export function parseLabel(label: string): Label {
  const unusable = (message: string): Label => ({ kind: 'unusable', message });
  const parts = label.split(think.close);
  const answer = parts[1];
  if (answer === undefined || parts.length > 2) {
    return unusable(`The label has ${parts.length - 1} times ${think.close}, and must have it once.`);
  }
  const written = readCalls(answer);
  if (written === undefined) return { kind: 'reply', reply: strip(answer) };
  if ('kind' in written) return unusable(`The label is malformed. ${written.message}`);
  const calls: GoldCall[] = [];
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
