/** Reads what an assistant wrote in one turn of a conversation with functions: calls to be made, or an answer. */
import type { Malformed, ToolFormat, WrittenCall } from '../../../src/chat/formats/format.ts';
import { afterThink, opensThought } from '../../../src/chat/generation.ts';
import type { Message, Tool } from '../../../src/chat/messages.ts';
import { argumentsIn, toolTable } from '../../../src/chat/tools.ts';
import { isDict, toJson, typeName } from '../../../src/json/python.ts';
import type { JsonObject } from '../../../src/json/value.ts';

/** A call that can be made, or what is wrong with what stands in its place, for the model to read. */
export type TurnCall =
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly given: JsonObject;
      readonly written: WrittenCall;
    }
  | { readonly kind: 'broken'; readonly message: string };

export const broken = (message: string): TurnCall => ({ kind: 'broken', message });

function turnCall(call: WrittenCall | Malformed): TurnCall {
  if ('kind' in call) return broken(call.message);
  const { name, arguments: written } = call;
  if (typeof name !== 'string') return broken(`The name of a call is ${typeName(name)}, not a string.`);
  if (!isDict(written)) return broken(`The arguments of ${name} are ${typeName(written)}, not an object.`);
  return { kind: 'call', name, given: toJson(written) as JsonObject, written: call };
}

/** The words around a turn: the form that it is in, the prompt that it follows, and the tools that it may call. */
export interface TurnContext {
  readonly format: ToolFormat;
  readonly prompt: string;
  readonly tools: readonly Tool[];
}

/**
 * The calls of a turn, in order; none if it is an answer. A thought that never ends makes no calls, be it opened by the
 * turn or by its prompt, and a call that was begun and never finished is broken: the model is told, and may write it again.
 */
export function callsOfTurn(turn: string, { format, prompt, tools }: TurnContext): TurnCall[] {
  const { think, call } = format;
  const isThinking = opensThought(prompt, format) || turn.includes(think.open);
  if (isThinking && !turn.includes(think.close)) return [];
  const blocks = format.callBlocks(afterThink(turn, format));
  if (blocks === undefined) return [];
  const argumentsOf = argumentsIn(toolTable(tools));
  const calls = blocks.map((block) => turnCall(format.readCall(block, argumentsOf)));
  return calls.length > 0 ? calls : [broken(`A ${call.open} is never closed.`)];
}

/** Every call in turns that can be read, wherever it stands; broken ones are passed over (as MENTOR does). */
export function callsAnywhere(
  turns: readonly string[],
  { format, tools }: Pick<TurnContext, 'format' | 'tools'>,
): WrittenCall[] {
  const argumentsOf = argumentsIn(toolTable(tools));
  // Without a tag behind them calls end with their turn.
  const texts = format.call.close === '' ? turns.map((turn) => afterThink(turn, format)) : [turns.join('')];
  return texts
    .flatMap((text) => format.callBlocks(text) ?? [])
    .flatMap((block) => {
      const call = format.readCall(block, argumentsOf);
      return 'kind' in call ? [] : [call];
    });
}

/**
 * A turn as messages, with the results of its calls behind it, for servers that render conversations themselves. Calls
 * of which one cannot be read stay text, as they were written.
 */
export function turnMessages(
  turn: string,
  calls: readonly TurnCall[],
  results: readonly string[],
  format: ToolFormat,
): Message[] {
  const said = afterThink(turn, format).trim();
  const made = calls.flatMap((call) => (call.kind === 'call' ? [call] : []));
  const isRead = made.length > 0 && made.length === calls.length;
  const toolCalls = made.map(({ name, given }) => ({ name, arguments: given }));
  const before = format.outsideOfCalls(said.slice(0, Math.max(0, said.indexOf(format.call.open))));
  const written: Message = isRead
    ? { role: 'assistant', content: before.trim(), toolCalls }
    : { role: 'assistant', content: said };
  return [written, ...results.map((content): Message => ({ role: 'tool', content }))];
}
