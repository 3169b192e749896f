/** Reading tools and calls in the many shapes that data sets keep them in; what cannot be read is a Rejection. */
import { unwrapped } from '../../chat/tool-documents.ts';
import { dumps } from '../../json/dumps.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isDict, isList, typeName, type PyDict, type PyValue } from '../../json/python.ts';
import { recordTools, Rejection, type RecordCall } from '../record.ts';

/** A value that may have been written as JSON inside of a string. */
export function unpacked(value: PyValue, code: string, what: string): PyValue {
  if (typeof value !== 'string') return value;
  const parsed = tryParseJson(value);
  if (!parsed.ok) throw new Rejection(code, `${what} are a text that is not JSON. ${parsed.error.message}`);
  // Some data sets have JSON text inside of JSON text.
  const again = typeof parsed.value === 'string' ? tryParseJson(parsed.value) : parsed;
  return again.ok ? again.value : parsed.value;
}

/** Names that data sets have for the list of tools. */
const TOOL_LISTS = [
  'tools',
  'functions',
  'available_tools',
  'available_functions',
  'tool_list',
  'tool_definitions',
  'api_list',
  'apis',
  'function',
] as const;

/** The tools of a row, under the first of their names that has some. */
export function rowTools(row: PyDict): readonly PyDict[] {
  for (const key of TOOL_LISTS) {
    const value = row.get(key) ?? null;
    // Under a name that can mean anything else, a text that is no JSON is something else.
    if (key !== 'tools' && typeof value === 'string' && !/^\s*[[{]/.test(value)) continue;
    const tools = recordTools(value);
    if (tools.length > 0) return tools;
  }
  return [];
}

/** Whether a row has a field for tools, empty or not. */
export function hasTools(row: PyDict): boolean {
  return TOOL_LISTS.some((key) => row.has(key));
}

/** Names of a call's arguments. */
const ARGUMENTS = ['arguments', 'parameters', 'args', 'input'] as const;

/** What a call has as its arguments; undefined where it has none of their names. */
function writtenArguments(call: PyDict): PyValue | undefined {
  return ARGUMENTS.map((key) => call.get(key)).find((value) => value !== undefined && value !== null);
}

/** One call: {name, arguments}, wrapped or not, its arguments an object or JSON text of one. */
export function callOf(value: PyValue): RecordCall {
  if (!isDict(value)) throw new Rejection('call', `A call is ${typeName(value)}, not an object.`);
  const call = unwrapped(value);
  const name = call.get('name');
  if (typeof name !== 'string' || name === '') throw new Rejection('call', 'A call has no name.');
  const written = writtenArguments(call) ?? '';
  const isNothing = typeof written === 'string' && written.trim() === '';
  const read = isNothing ? null : unpacked(written, 'arguments', `The arguments of ${name}`);
  const given = read ?? new Map<string, PyValue>();
  if (!isDict(given))
    throw new Rejection('arguments', `The arguments of ${name} are ${typeName(given)}, not an object.`);
  return { name, arguments: given };
}

/** A list of calls, one call, or JSON text of either. */
export function callsOf(value: PyValue | undefined): readonly RecordCall[] {
  if (value === undefined || value === null || value === '') return [];
  const calls = unpacked(value, 'call', 'The calls') ?? [];
  return isList(calls) ? calls.map(callOf) : [callOf(calls)];
}

/** Whether JSON has the form of a call: a name and arguments, or the name of a tool that is there. */
export function isCall(value: PyValue, names: ReadonlySet<string>): boolean {
  const call = isDict(value) ? unwrapped(value) : undefined;
  const name = call?.get('name');
  if (call === undefined || typeof name !== 'string') return false;
  const written = writtenArguments(call);
  const isObject = isDict(written) || (typeof written === 'string' && /^\s*(\{|$)/.test(written));
  return isObject || names.has(name);
}

/** The text under a key, or a Rejection with that code. */
export function textAt(row: PyDict, key: string, code: string): string {
  const value = row.get(key);
  if (typeof value !== 'string' || value.trim() === '')
    throw new Rejection(code, `The row has no text ${JSON.stringify(key)}.`);
  return value;
}

/** Content as text: a string, nothing, or a list of parts of which only text is read. */
export function contentOf(value: PyValue | undefined): string {
  if (value === undefined || value === null) return '';
  if (typeof value === 'string') return value;
  if (!isList(value)) throw new Rejection('content', 'A message has content that is no text.');
  const texts = value.map((part) => (isDict(part) && part.get('type') === 'text' ? part.get('text') : part));
  if (!texts.every((text) => typeof text === 'string'))
    throw new Rejection('content', 'A message has content that is no text, such as an image.');
  return texts.join('');
}

/** What a tool returned, as text: content, or any other JSON. */
export function resultText(value: PyValue | undefined): string {
  const isParts = isList(value) && value.every((part) => isDict(part) && part.get('type') === 'text');
  return isParts || value === undefined || value === null || typeof value === 'string'
    ? contentOf(value)
    : dumps(value);
}

/** The row's own id, or the place that it was found at. */
export function idOf(row: PyDict, prefix: string, fallback: string): string {
  const id = row.get('id') ?? row.get('conversation_id');
  if (typeof id === 'string' && id !== '') return id;
  return typeof id === 'bigint' ? `${prefix}-${id}` : `${prefix}-${fallback}`;
}
