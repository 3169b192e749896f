/**
 * ShareGPT's conversations ({"from", "value"}) with tools, and ToolACE, which is a dialect of them: its calls are
 * written as Python or as JSON, its tools may stand in the system's message, calls that belong together come as
 * messages in a row, and names are sometimes shortened.
 */
import { dumps } from '../../json/dumps.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isDict, isList, type PyDict } from '../../json/python.ts';
import { pyRepr, pyStr } from '../../json/repr.ts';
import { type RecordCall, type RecordMessage, Rejection, type Role } from '../record.ts';
import type { Format } from './format.ts';
import { looksLikePythonCalls, parsePythonCalls } from './python-calls.ts';
import { fixNames, hasMessages, listAt, mergeCalls, recordsOf, splitThink } from './turns.ts';
import { callsOf, idOf, taggedCalls, toolsOf } from './values.ts';

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

/** Whether a text is JSON of a call, or of calls alone. */
function jsonCalls(text: string): readonly RecordCall[] | undefined {
  const trimmed = text.trim();
  if (!trimmed.startsWith('{') && !trimmed.startsWith('[')) return undefined;
  const parsed = tryParseJson(trimmed);
  if (!parsed.ok) return undefined;
  const list = isList(parsed.value) ? parsed.value : [parsed.value];
  const areCalls = list.length > 0 && list.every((item) => isDict(item) && item.has('name'));
  return areCalls ? callsOf(parsed.value) : undefined;
}

/** An assistant's text as words and calls, whichever way the calls are written. */
function answerOf(text: string, mustCall: boolean): { content: string; calls: readonly RecordCall[] } {
  const tagged = taggedCalls(text);
  if (tagged !== undefined) return tagged;
  const calls = jsonCalls(text) ?? (looksLikePythonCalls(text) ? parsePythonCalls(text) : undefined);
  if (calls !== undefined) return { content: '', calls };
  if (mustCall) throw new Rejection('call', 'A message of calls holds something else.');
  return { content: text, calls: [] };
}

/** A message's text; what a tool returned may be any JSON. */
function textOf(value: PyDict, role: Role | 'call'): string {
  const text = value.get('value') ?? value.get('content') ?? '';
  if (typeof text === 'string') return text;
  if (role === 'tool') return dumps(text);
  throw new Rejection('content', 'A message has content that is no text.');
}

function messageOf(value: PyDict): RecordMessage {
  const from = value.get('from') ?? value.get('role');
  const role = typeof from === 'string' ? ROLE_NAMES.get(from) : undefined;
  if (role === undefined)
    throw new Rejection('role', `A message is from ${pyRepr(from ?? null)}, which is not known.`);
  const text = textOf(value, role);
  if (role !== 'assistant' && role !== 'call') return { role, content: text };
  const { reasoning, content: answer } = splitThink(text);
  const own = callsOf(value.get('tool_calls'));
  const { content, calls } =
    own.length > 0 ? { content: answer, calls: own } : answerOf(answer, role === 'call');
  return {
    role: 'assistant',
    content,
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(calls.length > 0 ? { toolCalls: calls } : {}),
  };
}

/** How many closing brackets are tried, so that a text that only looks like tools stays cheap. */
const MAX_ENDS = 16;

/** The JSON list of tools inside of a system's message: from its first "[{" to the last "}]" that makes it whole. */
function toolsInText(system: string): readonly PyDict[] {
  const start = system.indexOf('[{');
  let end = system.lastIndexOf('}]');
  for (let tried = 0; start >= 0 && end > start && tried < MAX_ENDS; tried++) {
    const parsed = tryParseJson(system.slice(start, end + 2));
    if (parsed.ok) return toolsOf(parsed.value);
    end = system.lastIndexOf('}]', end - 1);
  }
  return [];
}

interface Parts {
  readonly id: string;
  readonly system: string;
  readonly tools: readonly PyDict[];
  readonly messages: readonly RecordMessage[];
}

function partsOf(row: PyDict, prefix: string, place: string): Parts {
  const system = row.get('system');
  return {
    id: idOf(row, prefix, place),
    system: typeof system === 'string' ? system : '',
    tools: toolsOf(row.get('tools') ?? row.get('functions')),
    messages: listAt(row, 'conversations', 'messages').map(messageOf),
  };
}

export const sharegpt: Format = {
  name: 'sharegpt',
  description: "ShareGPT's conversations (from, value) with tools",
  everyTurn: false,
  matches: (row) => hasMessages(row, 'conversations', 'from'),
  convert(row, context) {
    const { id, system, tools, messages } = partsOf(row, 'sharegpt', context.place);
    const first: RecordMessage[] = system.trim() === '' ? [] : [{ role: 'system', content: system }];
    return recordsOf({ id, messages: mergeCalls([...first, ...messages]), tools }, context);
  },
};

export const toolace: Format = {
  name: 'toolace',
  description: 'ToolACE: conversations whose every answer is a record; calls in a row are parallel ones',
  everyTurn: true,
  matches: (row) =>
    (hasMessages(row, 'conversations', 'from') && pyStr(row.get('system') ?? '').includes('[{')) ||
    // The cleaned edition that STAR's preparation loads has roles, and its conversations as JSON text.
    (typeof row.get('conversations') === 'string' && hasMessages(row, 'conversations', 'role')),
  convert(row, context) {
    const { id, system, tools: given, messages } = partsOf(row, 'toolace', context.place);
    const inside = messages.find(({ role }) => role === 'system')?.content ?? '';
    const tools = given.length > 0 ? given : toolsInText(system === '' ? inside : system);
    // The tools' list is what the system's message is for; a template says it in its own words.
    const spoken = fixNames(mergeCalls(messages.filter(({ role }) => role !== 'system')), tools);
    return recordsOf({ id, messages: spoken, tools }, context);
  },
};
