/**
 * ShareGPT's conversations ({"from", "value"}) with tools, and ToolACE, which is a dialect of them: its calls are
 * written as Python or as JSON, its tools may stand in the system's message, calls that belong together come as
 * messages in a row, and names are sometimes shortened.
 */
import type { ExactMessage } from '../../chat/messages.ts';
import { isDict, isList, type PyDict } from '../../json/python.ts';
import { pyRepr } from '../../json/repr.ts';
import { callsOf } from '../calls.ts';
import { Rejection, type Role } from '../record.ts';
import { type Answer, assistantMessage, writtenAnswer } from './answers.ts';
import type { Format } from './format.ts';
import { withResults } from './results.ts';
import { listedTools, type Offered, offeredTools, taggedTools, withSystem } from './system.ts';
import { fixNames, hasMessages, listAt, mergeCalls, recordsOf } from './turns.ts';
import { contentOf, idOf, resultText, rowTools } from './values.ts';

const ROLE_NAMES: ReadonlyMap<string, Role | 'call'> = new Map([
  ['system', 'system'],
  ['human', 'user'],
  ['user', 'user'],
  ['gpt', 'assistant'],
  ['assistant', 'assistant'],
  ['model', 'assistant'],
  ['function_call', 'call'],
  ['tool_call', 'call'],
  ['tool_calls', 'call'],
  ['observation', 'tool'],
  ['tool', 'tool'],
  ['tool_response', 'tool'],
  ['function_response', 'tool'],
  ['function', 'tool'],
]);

/** An assistant's text as words and calls, whichever way the calls are written. */
function answerOf(text: string, mustCall: boolean, tools: readonly PyDict[]): Answer {
  const answer = writtenAnswer(text, tools);
  if (mustCall && answer.calls.length === 0)
    throw new Rejection('call', 'A message of calls holds something else.');
  return answer;
}

function roleOf(value: PyDict): Role | 'call' {
  const from = value.get('from') ?? value.get('role');
  const role = typeof from === 'string' ? ROLE_NAMES.get(from) : undefined;
  if (role !== undefined) return role;
  throw new Rejection('role', `A message is from ${pyRepr(from ?? null)}, which is not known.`);
}

function textOf(value: PyDict, role: Role | 'call'): string {
  const text = value.get('value') ?? value.get('content');
  return role === 'tool' ? resultText(text) : contentOf(text);
}

/** A message, and for the assistant's the text that is read once the tools are known. */
function messageOf(value: PyDict, tools: readonly PyDict[]): ExactMessage {
  const role = roleOf(value);
  const text = textOf(value, role);
  if (role !== 'assistant' && role !== 'call') return { role, content: text };
  return assistantMessage({
    text,
    reasoning: value.get('reasoning_content'),
    calls: callsOf(value.get('tool_calls')),
    read: (words) => answerOf(words, role === 'call', tools),
  });
}

interface Parts extends Offered {
  readonly id: string;
}

function partsOf(row: PyDict, prefix: string, place: string, find: typeof listedTools): Parts {
  const list = listAt(row, 'conversations', 'messages');
  const systems = list.flatMap((value): ExactMessage[] =>
    roleOf(value) === 'system' ? [{ role: 'system', content: textOf(value, 'system') }] : [],
  );
  const given = rowTools(row);
  const { tools } = offeredTools(given, withSystem(row, systems), find);
  const whole = withSystem(
    row,
    list.map((value) => messageOf(value, tools)),
  );
  const { messages } = offeredTools(given, whole, find);
  return { id: idOf(row, prefix, place), messages: withResults(messages), tools };
}

/** A text of the system that holds tools, in a row that has none elsewhere. */
function hasListedTools(row: PyDict): boolean {
  if (!hasMessages(row, 'conversations', 'from') || rowTools(row).length > 0) return false;
  const list = row.get('conversations');
  const inside = (isList(list) ? list : []).filter(isDict).filter((value) => value.get('from') === 'system');
  const texts = [row.get('system'), ...inside.map((value) => value.get('value'))];
  return texts.some((text) => typeof text === 'string' && listedTools(text) !== undefined);
}

export const sharegpt: Format = {
  name: 'sharegpt',
  description: "ShareGPT's conversations (from, value) with tools",
  everyTurn: false,
  matches: (row) => hasMessages(row, 'conversations', 'from'),
  convert(row, context) {
    const { id, messages, tools } = partsOf(row, 'sharegpt', context.place, taggedTools);
    return recordsOf({ id, messages: mergeCalls(messages), tools }, context);
  },
};

export const toolace: Format = {
  name: 'toolace',
  description: 'ToolACE: conversations whose every answer is a record; calls in a row are parallel ones',
  everyTurn: true,
  matches: (row) =>
    hasListedTools(row) ||
    // The cleaned edition that STAR's preparation loads has roles, and its conversations as JSON text.
    (typeof row.get('conversations') === 'string' && hasMessages(row, 'conversations', 'role')),
  convert(row, context) {
    const find = (text: string): ReturnType<typeof listedTools> => taggedTools(text) ?? listedTools(text);
    const { id, messages, tools } = partsOf(row, 'toolace', context.place, find);
    return recordsOf({ id, messages: fixNames(mergeCalls(messages), tools), tools }, context);
  },
};
