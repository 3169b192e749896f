/** Reads what an assistant wrote in one turn of a conversation with functions: calls to be made, or an answer. */
import { FORMAT } from '../chat/formats/index.ts';
import { between, readCall, type WrittenCall } from '../chat/generation.ts';
import type { Message } from '../chat/messages.ts';
import { isDict, toJson, typeName } from '../json/python.ts';
import type { JsonObject } from '../json/value.ts';

const { call: CALL, think: THINK } = FORMAT;

/** A call that can be made, or what is wrong with what stands in its place, for the model to read. */
export type TurnCall =
  | {
      readonly kind: 'call';
      readonly name: string;
      readonly given: JsonObject;
      readonly written: WrittenCall;
    }
  | { readonly kind: 'broken'; readonly message: string };

function turnCall(block: string): TurnCall {
  const call = readCall(block);
  if ('kind' in call) return { kind: 'broken', message: call.message };
  const { name, arguments: written } = call;
  if (typeof name !== 'string')
    return { kind: 'broken', message: `The name of a call is ${typeName(name)}, not a string.` };
  if (!isDict(written))
    return { kind: 'broken', message: `The arguments of ${name} are ${typeName(written)}, not an object.` };
  return { kind: 'call', name, given: toJson(written) as JsonObject, written: call };
}

/**
 * The calls of a turn, in order; none if it is an answer. A thought that never ends makes no calls, and one that was
 * begun and never closed is a broken call: the model is told, and may write it again.
 */
export function callsOfTurn(turn: string): TurnCall[] {
  const end = turn.lastIndexOf(THINK.close);
  const answer = end < 0 ? '' : turn.slice(end + THINK.close.length);
  if (!answer.includes(CALL.open)) return [];
  const calls = between(answer, CALL.open, CALL.close).map(turnCall);
  return calls.length > 0 ? calls : [{ kind: 'broken', message: `A ${CALL.open} is never closed.` }];
}

/** Every call in a text that can be read as JSON, wherever it stands; broken ones are passed over (as MENTOR does). */
export function callsAnywhere(text: string): WrittenCall[] {
  return between(text, CALL.open, CALL.close).flatMap((block) => {
    const call = readCall(block);
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
): Message[] {
  const end = turn.lastIndexOf(THINK.close);
  const said = (end < 0 ? turn : turn.slice(end + THINK.close.length)).trim();
  const made = calls.flatMap((call) => (call.kind === 'call' ? [call] : []));
  const isRead = made.length > 0 && made.length === calls.length;
  const toolCalls = made.map(({ name, given }) => ({ name, arguments: given }));
  const written: Message = isRead
    ? { role: 'assistant', content: said.slice(0, said.indexOf(CALL.open)).trim(), toolCalls }
    : { role: 'assistant', content: said };
  return [written, ...results.map((content): Message => ({ role: 'tool', content }))];
}
