/**
 * OpenAI's chat messages with tools, which is also the form of tinystar's own records and of STAR's: {"messages":
 * [{"role", "content", "tool_calls", "reasoning_content"}], "tools"}. ToolMind has the same under "conversations", with
 * thoughts inside of the content.
 */
import { isDict, isList, type PyDict, type PyValue } from '../../json/python.ts';
import { pyRepr } from '../../json/repr.ts';
import { type RecordMessage, Rejection } from '../record.ts';
import type { Format, FormatContext } from './format.ts';
import { hasMessages, listAt, recordsOf, splitThink } from './turns.ts';
import { callsOf, idOf, taggedCalls, toolsOf } from './values.ts';

/** Content as text: a string, nothing, or a list of parts of which only text is read. */
function contentOf(value: PyValue | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (!isList(value)) throw new Rejection('content', 'A message has content that is no text.');
  const texts = value.map((part) => (isDict(part) && part.get('type') === 'text' ? part.get('text') : null));
  if (!texts.every((text) => typeof text === 'string'))
    throw new Rejection('content', 'A message has content that is no text, such as an image.');
  return texts.join('');
}

function assistantMessage(value: PyDict): RecordMessage {
  const legacy = value.get('function_call') ?? null;
  const given =
    legacy === null ? callsOf(value.get('tool_calls') ?? value.get('toolCalls')) : callsOf(legacy);
  const own = value.get('reasoning_content') ?? value.get('reasoning');
  const { reasoning, content: said } = splitThink(contentOf(value.get('content')));
  // Some data sets write calls into the text, as a model does.
  const { content, calls } = (given.length === 0 ? taggedCalls(said) : undefined) ?? {
    content: said,
    calls: given,
  };
  const thought = typeof own === 'string' ? own : reasoning;
  return {
    role: 'assistant',
    content,
    ...(thought === undefined ? {} : { reasoning: thought }),
    ...(calls.length > 0 ? { toolCalls: calls } : {}),
  };
}

function messageOf(value: PyDict): RecordMessage {
  const role = value.get('role');
  if (role === 'assistant') return assistantMessage(value);
  const content = contentOf(value.get('content'));
  if (role === 'system' || role === 'developer') return { role: 'system', content };
  if (role === 'user') return { role: 'user', content };
  if (role === 'tool' || role === 'function') return { role: 'tool', content };
  throw new Rejection('role', `A message has the role ${pyRepr(role ?? null)}, which is not known.`);
}

function convert(row: PyDict, context: FormatContext, prefix: string): ReturnType<Format['convert']> {
  const messages = listAt(row, 'messages', 'conversations').map(messageOf);
  const tools = toolsOf(row.get('tools') ?? row.get('functions'));
  return recordsOf({ id: idOf(row, prefix, context.place), messages, tools }, context);
}

export const openai: Format = {
  name: 'openai',
  description: "OpenAI's chat messages with tools; also STAR's and tinystar's own records",
  everyTurn: false,
  matches: (row) => hasMessages(row, 'messages', 'role'),
  convert: (row, context) => convert(row, context, 'chat'),
};

export const toolmind: Format = {
  name: 'toolmind',
  description: 'ToolMind: conversations of several turns, with <think> in the content',
  everyTurn: false,
  matches: (row) => hasMessages(row, 'conversations', 'role'),
  convert(row, context) {
    const list = listAt(row, 'conversations', 'messages');
    // The reference stops at a system message; here only its row is left out.
    if (list.some((message) => message.get('role') === 'system'))
      throw new Rejection('system', 'A conversation of ToolMind has a message of the system.');
    return convert(row, context, 'toolmind');
  },
};
