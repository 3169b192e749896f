/** From a conversation to records: the last answer, or every answer of the assistant with the history before it. */
import type { ExactCall, ExactMessage } from '../../chat/messages.ts';
import { hermes } from '../../chat/formats/hermes.ts';
import { required } from '../../base/errors.ts';
import { isDict, isList, type PyDict } from '../../json/python.ts';
import { pyStr } from '../../json/repr.ts';
import { unpacked } from '../calls.ts';
import { type DataRecord, Rejection } from '../record.ts';
import type { FormatContext } from './format.ts';
import { idOf } from './values.ts';

const { open: THINK_OPEN, close: THINK_CLOSE } = hermes.think;

/** Splits `<think>...</think>answer`; a thought that is never closed, or a second one, is a Rejection. */
export function splitThink(text: string): { readonly reasoning?: string; readonly content: string } {
  if (!text.includes(THINK_OPEN) && !text.includes(THINK_CLOSE)) return { content: text };
  const parts = text.split(THINK_CLOSE);
  const [thought, answer] = parts;
  if (thought === undefined || answer === undefined || parts.length > 2)
    throw new Rejection(
      'think',
      `An answer has ${parts.length - 1} times ${THINK_CLOSE}, and must have it once.`,
    );
  const opened = thought.trimStart();
  if (opened.lastIndexOf(THINK_OPEN) > 0)
    throw new Rejection('think', `An answer opens ${THINK_OPEN} in the middle of its text.`);
  const inner = opened.startsWith(THINK_OPEN) ? opened.slice(THINK_OPEN.length) : opened;
  return { reasoning: inner.trim(), content: answer.trim() };
}

/** Consecutive messages of calls made into one: parallel calls that a data set has written one after the other. */
export function mergeCalls(messages: readonly ExactMessage[]): ExactMessage[] {
  const merged: ExactMessage[] = [];
  for (const message of messages) {
    const last = merged.at(-1);
    const isCall = message.role === 'assistant' && message.toolCalls !== undefined;
    if (isCall && last?.role === 'assistant' && last.toolCalls !== undefined) {
      const content = [last.content, message.content].filter((text) => text !== '').join('\n');
      const toolCalls = [...last.toolCalls, ...(message.toolCalls ?? [])];
      merged[merged.length - 1] = { ...last, content, toolCalls };
    } else merged.push(message);
  }
  return merged;
}

/** The one tool whose name contains the written one, or is contained in it; an exact match first. */
function knownName(written: string, tools: readonly PyDict[]): string {
  const names = tools.map((tool) => pyStr(tool.get('name') ?? ''));
  if (names.includes(written)) return written;
  return names.find((name) => name.includes(written) || written.includes(name)) ?? written;
}

/** Calls under the names that the tools have, where a data set has shortened or lengthened them. */
export function fixNames(messages: readonly ExactMessage[], tools: readonly PyDict[]): ExactMessage[] {
  const fix = (call: ExactCall): ExactCall => ({ ...call, name: knownName(call.name, tools) });
  return messages.map((message) =>
    message.toolCalls === undefined ? message : { ...message, toolCalls: message.toolCalls.map(fix) },
  );
}

/** Why a record cannot end with this message, if it cannot. */
function answerFault({ role, content, toolCalls }: ExactMessage): Rejection | undefined {
  if (role !== 'assistant')
    return new Rejection('no_answer', `The conversation ends with the ${role}, not with an answer.`);
  if (content.trim() === '' && toolCalls === undefined)
    return new Rejection('empty_answer', 'An answer has neither words nor calls.');
  return undefined;
}

export type Conversation = Pick<DataRecord, 'messages' | 'tools'>;

/**
 * The records of a row's conversation, and what is wrong with the turns that make none; throws if none can. `prefix` is
 * the beginning of the ids of rows that have none.
 */
export function recordsOf(
  row: PyDict,
  prefix: string,
  { messages, tools }: Conversation,
  { source, place, everyTurn }: FormatContext,
): (DataRecord | Rejection)[] {
  const id = idOf(row, prefix, place);
  const last = messages.at(-1);
  if (last === undefined) throw new Rejection('no_messages', 'The conversation has no messages.');
  if (!messages.some(({ role }) => role === 'user'))
    throw new Rejection('no_user', 'The conversation has no message of a user.');
  if (!everyTurn) return [answerFault(last) ?? { id, source, messages, tools }];
  const ends = messages.flatMap(({ role }, index) => (role === 'assistant' ? [index] : []));
  if (ends.length === 0) throw new Rejection('no_answer', 'The conversation has no answer.');
  return ends.map((end, turn) => {
    const own = ends.length === 1 ? id : `${id}-turn-${turn + 1}`;
    const fault = answerFault(required(messages[end], 'answer'));
    return fault ?? { id: own, source, messages: messages.slice(0, end + 1), tools };
  });
}

/** Tells whether a row has messages under `key`, as a list or as JSON text of one, that have a field `mark`. */
export function hasMessages(row: PyDict, key: string, mark: string): boolean {
  const list = row.get(key);
  if (typeof list === 'string') return list.trimStart().startsWith('[') && list.includes(`"${mark}"`);
  return isList(list) && list.some((item) => isDict(item) && item.has(mark));
}

/** The list of objects under the first of `keys` that has one, as itself or as JSON text. */
export function listAt(row: PyDict, ...keys: readonly string[]): readonly PyDict[] {
  for (const key of keys) {
    const list = unpacked(row.get(key) ?? null, 'messages', `The messages under ${JSON.stringify(key)}`);
    if (isList(list) && list.length > 0) {
      if (list.every(isDict)) return list;
      throw new Rejection('messages', `A message under ${JSON.stringify(key)} is no object.`);
    }
  }
  throw new Rejection('no_messages', `The row has no messages under ${keys.join(' or ')}.`);
}
