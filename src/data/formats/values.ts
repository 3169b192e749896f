/** Reading the fields of rows in the many shapes that data sets have; what cannot be read is a Rejection. */
import { dumps } from '../../json/dumps.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../json/python.ts';
import { recordTools, Rejection } from '../record.ts';

const TOOL_LISTS =
  'tools functions available_tools available_functions tool_list tool_definitions api_list apis function'.split(
    ' ',
  );

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

/** Tells whether a row has a field for tools, empty or not. */
export function hasTools(row: PyDict): boolean {
  return TOOL_LISTS.some((key) => row.has(key));
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
  if (!texts.every((text) => typeof text === 'string')) {
    const other = value.find((part) => isDict(part) && part.get('type') !== 'text');
    const kind = isDict(other) ? other.get('type') : undefined;
    const named = typeof kind === 'string' ? `a part of the kind ${JSON.stringify(kind)}` : 'content';
    throw new Rejection('content', `A message has ${named} that is no text.`);
  }
  return texts.join('');
}

/** Result of a tool as text: content, or any other JSON. */
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
