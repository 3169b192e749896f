/** Reading tools and calls in the many shapes that data sets keep them in; what cannot be read is a Rejection. */
import { callBlocks, outsideOfCalls } from '../../chat/generation.ts';
import { tryParseJson } from '../../json/parse.ts';
import { isDict, isList, typeName, type PyDict, type PyValue } from '../../json/python.ts';
import { Rejection, type RecordCall } from '../record.ts';

/** A value that may have been written as JSON inside of a string. */
export function unpacked(value: PyValue, code: string, what: string): PyValue {
  if (typeof value !== 'string') return value;
  const parsed = tryParseJson(value);
  if (!parsed.ok) throw new Rejection(code, `${what} are a text that is not JSON. ${parsed.error.message}`);
  return parsed.value;
}

/** The function inside of OpenAI's {"type": "function", "function": {...}}, or the value itself. */
function unwrapped(value: PyDict): PyDict {
  const inner = value.get('function');
  return isDict(inner) && !value.has('name') ? inner : value;
}

function readTool(value: PyValue): PyDict {
  if (!isDict(value)) throw new Rejection('tools', `A tool is ${typeName(value)}, not an object.`);
  const tool = unwrapped(value);
  const name = tool.get('name');
  if (typeof name !== 'string' || name === '') throw new Rejection('tools', 'A tool has no name.');
  const parameters = tool.get('parameters') ?? null;
  if (parameters !== null && !isDict(parameters))
    throw new Rejection('tools', `The parameters of ${name} are ${typeName(parameters)}, not an object.`);
  return parameters === null ? withParameters(tool) : tool;
}

/** Some of ToolMind's tools have their table of parameters under "arguments"; it keeps its place. */
function withParameters(tool: PyDict): PyDict {
  if (!isDict(tool.get('arguments'))) return tool;
  const entries = [...tool].filter(([key]) => key !== 'parameters');
  return new Map(entries.map(([key, value]) => [key === 'arguments' ? 'parameters' : key, value]));
}

/** A list of tools, or JSON text of one; nothing at all is no tools. */
export function toolsOf(value: PyValue | undefined): readonly PyDict[] {
  if (value === undefined || value === null || value === '') return [];
  const list = unpacked(value, 'tools', 'The tools');
  if (!isList(list)) throw new Rejection('tools', `The tools are ${typeName(list)}, not a list.`);
  return list.map(readTool);
}

/** One call: {name, arguments}, wrapped or not, its arguments an object or JSON text of one. */
export function callOf(value: PyValue): RecordCall {
  if (!isDict(value)) throw new Rejection('call', `A call is ${typeName(value)}, not an object.`);
  const call = unwrapped(value);
  const name = call.get('name');
  if (typeof name !== 'string' || name === '') throw new Rejection('call', 'A call has no name.');
  const written = call.get('arguments') ?? call.get('parameters') ?? new Map();
  const given = written === '' ? new Map() : unpacked(written, 'arguments', `The arguments of ${name}`);
  if (!isDict(given))
    throw new Rejection('arguments', `The arguments of ${name} are ${typeName(given)}, not an object.`);
  return { name, arguments: given };
}

/** A list of calls, one call, or JSON text of either. */
export function callsOf(value: PyValue | undefined): readonly RecordCall[] {
  if (value === undefined || value === null || value === '') return [];
  const calls = unpacked(value, 'call', 'The calls');
  return isList(calls) ? calls.map(callOf) : [callOf(calls)];
}

/** Calls that stand in an answer's text inside of <tool_call>, and the words around them; undefined if there are none. */
export function taggedCalls(
  text: string,
): { readonly content: string; readonly calls: readonly RecordCall[] } | undefined {
  const blocks = callBlocks(text);
  if (blocks === undefined) return undefined;
  const calls = blocks.flatMap(callsOf);
  if (calls.length === 0) throw new Rejection('call', 'An answer opens <tool_call> and never closes it.');
  return { content: outsideOfCalls(text).trim(), calls };
}

/** The text under a key, or a Rejection with that code. */
export function textAt(row: PyDict, key: string, code: string): string {
  const value = row.get(key);
  if (typeof value !== 'string' || value.trim() === '')
    throw new Rejection(code, `The row has no text ${JSON.stringify(key)}.`);
  return value;
}

/** The row's own id, or the place that it was found at. */
export function idOf(row: PyDict, prefix: string, fallback: string): string {
  const id = row.get('id') ?? row.get('conversation_id');
  if (typeof id === 'string' && id !== '') return id;
  return typeof id === 'bigint' ? `${prefix}-${id}` : `${prefix}-${fallback}`;
}
