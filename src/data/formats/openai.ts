/**
 * OpenAI's chat messages with tools, which is also the form of tinystar's own records and of STAR's: {"messages":
 * [{"role", "content", "tool_calls", "reasoning_content"}], "tools"}. ToolMind has the same under "conversations", with
 * thoughts inside of the content.
 */
import type { ExactMessage } from '../../chat/messages.ts';
import type { PyDict } from '../../json/python.ts';
import { pyRepr } from '../../json/repr.ts';
import { callsOf } from '../calls.ts';
import { Rejection } from '../record.ts';
import { assistantMessage } from './answers.ts';
import type { Format, FormatContext } from './format.ts';
import { inCallOrder, withResults } from './results.ts';
import { offeredTools, taggedTools, withSystem } from './system.ts';
import { hasMessages, listAt, recordsOf } from './turns.ts';
import { contentOf, idOf, resultText, rowTools } from './values.ts';

function assistantOf(value: PyDict): ExactMessage {
  const legacy = value.get('function_call') ?? null;
  return assistantMessage({
    text: contentOf(value.get('content')),
    reasoning: value.get('reasoning_content') ?? value.get('reasoning'),
    calls: legacy === null ? callsOf(value.get('tool_calls') ?? value.get('toolCalls')) : callsOf(legacy),
  });
}

function messageOf(value: PyDict): ExactMessage {
  const role = value.get('role');
  if (role === 'assistant') return assistantOf(value);
  if (role === 'tool' || role === 'function')
    return { role: 'tool', content: resultText(value.get('content')) };
  const content = contentOf(value.get('content'));
  if (role === 'system' || role === 'developer') return { role: 'system', content };
  if (role === 'user') return { role: 'user', content };
  throw new Rejection('role', `A message has the role ${pyRepr(role ?? null)}, which is not known.`);
}

function convert(row: PyDict, context: FormatContext, prefix: string): ReturnType<Format['convert']> {
  const list = inCallOrder(listAt(row, 'messages', 'conversations'));
  const own = rowTools(row);
  // Some data sets have the tools beside the system's words.
  const given = own.length > 0 ? own : (list.map(rowTools).find((tools) => tools.length > 0) ?? []);
  const spoken = withSystem(row, withResults(list.map(messageOf)));
  const { messages, tools } = offeredTools(given, spoken, taggedTools);
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
