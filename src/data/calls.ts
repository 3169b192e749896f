/** Calls in the many shapes that data sets keep them in; what cannot be read is a Rejection. */
import type { ExactCall } from '../chat/messages.ts';
import { unwrapped } from '../chat/tool-documents.ts';
import { tryParseJson } from '../json/parse.ts';
import { isDict, isList, typeName, type PyDict, type PyValue } from '../json/python.ts';
import { Rejection } from './rejection.ts';

/** A value that may have been written as JSON inside of a string. */
export function unpacked(value: PyValue, code: string, what: string): PyValue {
  if (typeof value !== 'string') return value;
  const parsed = tryParseJson(value);
  if (!parsed.ok) throw new Rejection(code, `${what} are a text that is not JSON. ${parsed.error.message}`);
  // Some data sets have JSON text inside of JSON text.
  const again = typeof parsed.value === 'string' ? tryParseJson(parsed.value) : parsed;
  return again.ok ? again.value : parsed.value;
}

const ARGUMENTS = ['arguments', 'parameters', 'args', 'input'] as const;

function writtenArguments(call: PyDict): PyValue | undefined {
  return ARGUMENTS.map((key) => call.get(key)).find((value) => value !== undefined && value !== null);
}

/** One call: {name, arguments}, wrapped or not, its arguments an object or JSON text of one. */
function callOf(value: PyValue): ExactCall {
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
export function callsOf(value: PyValue | undefined): readonly ExactCall[] {
  if (value === undefined || value === null || value === '') return [];
  const calls = unpacked(value, 'call', 'The calls') ?? [];
  return isList(calls) ? calls.map(callOf) : [callOf(calls)];
}

/** Tells whether JSON has the form of a call: a name and arguments, or the name of a tool that is there. */
export function isCall(value: PyValue, names: ReadonlySet<string>): boolean {
  const call = isDict(value) ? unwrapped(value) : undefined;
  const name = call?.get('name');
  if (call === undefined || typeof name !== 'string') return false;
  const written = writtenArguments(call);
  const isObject = isDict(written) || (typeof written === 'string' && /^\s*(\{|$)/.test(written));
  return isObject || names.has(name);
}
