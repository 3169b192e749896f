/**
 * The record that every data set is converted to: one conversation with its tools, where it came from, and values
 * exactly as they were written (5.0 stays apart from 5). One JSON object a line, under the names that STAR's own
 * preparation uses: {"id", "source", "messages": [{"role", "content", "reasoning_content"?, "tool_calls"?}], "tools"}.
 */
import { UserError } from '../base/errors.ts';
import type { ExactCall, ExactMessage } from '../chat/messages.ts';
import { exactCall } from '../chat/template.ts';
import { completedTool, readTools } from '../chat/tool-documents.ts';
import { dumps } from '../json/dumps.ts';
import { portableFault } from '../json/portable.ts';
import { isDict, isList, type PyDict, type PyValue } from '../json/python.ts';
import { callsOf } from './calls.ts';
import { Rejection } from './rejection.ts';

export { Rejection } from './rejection.ts';

export const ROLES = ['system', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

export interface DataRecord {
  readonly id: string;
  /** The data set, for mixing and reports. */
  readonly source: string;
  /**
   * Tools' messages answer the calls of the assistant's message before them, in the order of the calls; a single one after
   * several calls answers all of them, as the data set has it.
   */
  readonly messages: readonly ExactMessage[];
  /** Each with its keys in their order: {name, description, parameters, ...}; see chat/tool-documents.ts. */
  readonly tools: readonly PyDict[];
}

export function userTexts({ messages }: DataRecord): string[] {
  return messages.flatMap(({ role, content }) => (role === 'user' ? [content] : []));
}

/** Tools in any form that is known, with nothing added; throws a Rejection. */
function writtenTools(value: PyValue | undefined): readonly PyDict[] {
  try {
    return readTools(value);
  } catch (thrown) {
    if (thrown instanceof UserError) throw new Rejection('tools', thrown.message);
    throw thrown;
  }
}

/** Tools for a new record, each with a description and parameters; throws a Rejection. */
export function recordTools(value: PyValue | undefined): readonly PyDict[] {
  return writtenTools(value).map(completedTool);
}

/** A message under the names of the file, which are also those of Hugging Face's chat templates. */
export function messageValue({ role, content, reasoning, toolCalls }: ExactMessage): PyDict {
  const value = new Map(Object.entries<PyValue>({ role, content }));
  if (reasoning !== undefined) value.set('reasoning_content', reasoning);
  if (toolCalls !== undefined && toolCalls.length > 0) value.set('tool_calls', toolCalls.map(exactCall));
  return value;
}

/** Half of a character: UTF-8 cannot hold it, JSON's escapes can. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/** A record as one line of JSON, without the line's end; `more` are fields behind its own. */
export function recordLine({ id, source, messages, tools }: DataRecord, more: PyDict = new Map()): string {
  const own = Object.entries<PyValue>({ id, source, messages: messages.map(messageValue), tools });
  const value = new Map([...own, ...more]);
  const line = dumps(value);
  return LONE_SURROGATE.test(line) ? dumps(value, { ensureAscii: true }) : line;
}

/** Throws a Rejection for a call that could be written and not be trained on. */
export function checkCalls(calls: readonly ExactCall[]): void {
  for (const { name, arguments: given } of calls) {
    const fault = portableFault(given);
    if (fault !== undefined)
      throw new Rejection(
        'value',
        `The arguments of ${name} have ${fault}, which not every reader of JSON takes.`,
      );
  }
}

/** Role and content of a message that has nothing else; throws a Rejection. */
export function plainMessage(value: PyDict): ExactMessage {
  const role = ROLES.find((one) => one === value.get('role'));
  const content = value.get('content') ?? '';
  if (role === undefined) throw new Rejection('role', 'A message has no known role.');
  if (typeof content !== 'string') throw new Rejection('content', 'A message has content that is no text.');
  return { role, content };
}

function readMessage(value: PyValue): ExactMessage {
  if (!isDict(value)) throw new Rejection('role', 'A message has no known role.');
  const { role, content } = plainMessage(value);
  // The second names are those of dialogues that are written by hand for a recipe.
  const reasoning = value.get('reasoning_content') ?? value.get('reasoning') ?? undefined;
  const calls = callsOf(value.get('tool_calls') ?? value.get('toolCalls'));
  checkCalls(calls);
  return {
    role,
    content,
    ...(typeof reasoning === 'string' ? { reasoning } : {}),
    ...(calls.length > 0 ? { toolCalls: calls } : {}),
  };
}

/** Reads a record back from what `recordLine` wrote; throws a Rejection. `where` names it if it has no id. */
export function readRecord(value: PyValue, where: string): DataRecord {
  const messages = isDict(value) ? value.get('messages') : undefined;
  if (!isDict(value) || !isList(messages))
    throw new Rejection('not_record', 'It is no record with messages; convert it first (data convert).');
  const id = value.get('id');
  const source = value.get('source');
  return {
    id: typeof id === 'string' ? id : typeof id === 'bigint' ? String(id) : where,
    source: typeof source === 'string' ? source : 'unknown',
    messages: messages.map(readMessage),
    tools: writtenTools(value.get('tools')),
  };
}
