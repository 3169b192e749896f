/**
 * Conversations, whatever their messages are called: OpenAI's ({"role", "content", "tool_calls", "reasoning_content"}),
 * which are also those of tinystar's own records, of STAR's and of ToolMind, and ShareGPT's ({"from", "value"}), of which
 * ToolACE is a dialect: its calls are written as Python or as JSON, its tools may stand in the system's message, calls
 * that belong together come as messages in a row, and names are sometimes shortened.
 */
import type { ExactMessage } from '../../chat/messages.ts';
import { isDict, isList, type PyDict } from '../../json/python.ts';
import { pyRepr } from '../../json/repr.ts';
import { callsOf } from '../calls.ts';
import { Rejection, type Role } from '../record.ts';
import { type Answer, assistantMessage, writtenAnswer } from './answers.ts';
import type { Format } from './format.ts';
import { inCallOrder, withResults } from './results.ts';
import { listedTools, offeredTools, taggedTools, withSystem } from './system.ts';
import { type Conversation, fixNames, hasMessages, listAt, mergeCalls, recordsOf } from './turns.ts';
import { contentOf, resultText, rowTools } from './values.ts';

const ROLE_NAMES: readonly (readonly [Role | 'call', readonly string[]])[] = [
  ['system', ['system', 'developer']],
  ['user', ['human', 'user']],
  ['assistant', ['gpt', 'assistant', 'model']],
  ['call', ['function_call', 'tool_call', 'tool_calls']],
  ['tool', ['observation', 'tool', 'tool_response', 'function_response', 'function']],
];

function roleOf(value: PyDict): Role | 'call' {
  const from = value.get('from') ?? value.get('role');
  const known = ROLE_NAMES.find(([, names]) => names.some((name) => name === from));
  if (known !== undefined) return known[0];
  throw new Rejection('role', `A message is from ${pyRepr(from ?? null)}, which is not known.`);
}

function textOf(value: PyDict, role: Role | 'call'): string {
  const text = value.get('value') ?? value.get('content');
  return role === 'tool' ? resultText(text) : contentOf(text);
}

/** Reads words of the assistant that have calls in them, or are some, whichever way they are written. */
type ReadAnswer = (text: string, tools: readonly PyDict[]) => Answer;

function callsOnly(text: string, tools: readonly PyDict[]): Answer {
  const answer = writtenAnswer(text, tools);
  if (answer.calls.length === 0) throw new Rejection('call', 'A message of calls holds something else.');
  return answer;
}

function messageOf(value: PyDict, tools: readonly PyDict[], readAnswer?: ReadAnswer): ExactMessage {
  const role = roleOf(value);
  const text = textOf(value, role);
  if (role !== 'assistant' && role !== 'call') return { role, content: text };
  const read = role === 'call' ? callsOnly : readAnswer;
  return assistantMessage({
    text,
    reasoning: value.get('reasoning_content') ?? value.get('reasoning'),
    calls: callsOf(value.get('function_call') ?? value.get('tool_calls') ?? value.get('toolCalls')),
    ...(read === undefined ? {} : { read: (words) => read(words, tools) }),
  });
}

/**
 * The conversation in a row with these messages and, where they are not in the system's words in which `find` looks for
 * them, tools. Without `readAnswer` tags alone are calls.
 */
function conversationOf(
  row: PyDict,
  list: readonly PyDict[],
  given: readonly PyDict[],
  find: typeof taggedTools,
  readAnswer?: ReadAnswer,
): Conversation {
  const systems = list.flatMap((value): ExactMessage[] =>
    roleOf(value) === 'system' ? [{ role: 'system', content: textOf(value, 'system') }] : [],
  );
  const { tools } = offeredTools(given, withSystem(row, systems), find);
  const read = list.map((value) => messageOf(value, tools, readAnswer));
  const { messages } = offeredTools(given, withSystem(row, read), find);
  return { messages: withResults(messages), tools };
}

function ofOpenAi(row: PyDict): Conversation {
  const list = inCallOrder(listAt(row, 'messages', 'conversations'));
  const own = rowTools(row);
  // Some data sets have the tools beside the system's words.
  const given = own.length > 0 ? own : (list.map(rowTools).find((tools) => tools.length > 0) ?? []);
  return conversationOf(row, list, given, taggedTools);
}

export const openai: Format = {
  name: 'openai',
  description: "OpenAI's chat messages with tools; also STAR's and tinystar's own records",
  matches: (row) => hasMessages(row, 'messages', 'role'),
  convert: (row, context) => recordsOf(row, 'chat', ofOpenAi(row), context),
};

export const toolmind: Format = {
  name: 'toolmind',
  description: 'ToolMind: conversations of several turns, with <think> in the content',
  matches: (row) => hasMessages(row, 'conversations', 'role'),
  convert(row, context) {
    const list = listAt(row, 'conversations', 'messages');
    // The reference stops at a system message; here only its row is left out.
    if (list.some((message) => message.get('role') === 'system'))
      throw new Rejection('system', 'A conversation of ToolMind has a message of the system.');
    return recordsOf(row, 'toolmind', ofOpenAi(row), context);
  },
};

function ofShareGpt(row: PyDict, find: typeof taggedTools): Conversation {
  const list = listAt(row, 'conversations', 'messages');
  const { messages, tools } = conversationOf(row, list, rowTools(row), find, writtenAnswer);
  return { messages: mergeCalls(messages), tools };
}

export const sharegpt: Format = {
  name: 'sharegpt',
  description: "ShareGPT's conversations (from, value) with tools",
  matches: (row) => hasMessages(row, 'conversations', 'from'),
  convert: (row, context) => recordsOf(row, 'sharegpt', ofShareGpt(row, taggedTools), context),
};

/** A text of the system that holds tools, in a row that has none elsewhere. */
function hasListedTools(row: PyDict): boolean {
  if (!hasMessages(row, 'conversations', 'from') || rowTools(row).length > 0) return false;
  const list = row.get('conversations');
  const inside = (isList(list) ? list : []).filter(isDict).filter((value) => value.get('from') === 'system');
  const texts = [row.get('system'), ...inside.map((value) => value.get('value'))];
  return texts.some((text) => typeof text === 'string' && listedTools(text) !== undefined);
}

export const toolace: Format = {
  name: 'toolace',
  description: 'ToolACE: conversations whose every answer is a record; calls in a row are parallel ones',
  everyTurn: true,
  matches: (row) =>
    hasListedTools(row) ||
    // The cleaned edition that STAR's preparation loads has roles, and its conversations as JSON text.
    (typeof row.get('conversations') === 'string' && hasMessages(row, 'conversations', 'role')),
  convert(row, context) {
    const { messages, tools } = ofShareGpt(row, (text) => taggedTools(text) ?? listedTools(text));
    return recordsOf(row, 'toolace', { messages: fixNames(messages, tools), tools }, context);
  },
};
