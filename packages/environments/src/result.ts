/** The text of what a function returned or threw, as the model reads it. Never throws, never longer than it may be. */
import { errorText, UserError } from '../../../src/base/errors.ts';
import { dumps } from '../../../src/json/dumps.ts';
import { MAX_DEPTH, type PyValue } from '../../../src/json/python.ts';
import type { ToolResult } from './environment.ts';

const MAX_ERROR_CHARS = 300;

function unshowable(what: string): UserError {
  return new UserError('RESULT', `the function returned ${what}, which cannot be shown`);
}

/** Any value as Python values; throws a UserError for what JSON cannot hold. */
function pyValueOf(value: unknown, depth = 0): PyValue {
  if (value === null || value === undefined) return null;
  if (typeof value === 'string' || typeof value === 'boolean' || typeof value === 'bigint') return value;
  if (typeof value === 'number')
    return Number.isInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
  if (typeof value !== 'object') throw unshowable(`a ${typeof value}`);
  if (depth === MAX_DEPTH) throw unshowable(`a value nested more than ${MAX_DEPTH} levels deep`);
  if (Array.isArray(value)) return value.map((item: unknown) => pyValueOf(item, depth + 1));
  const entries: Iterable<[unknown, unknown]> = value instanceof Map ? value : Object.entries(value);
  return new Map([...entries].map(([key, item]) => [String(key), pyValueOf(item, depth + 1)]));
}

function shorten(text: string, limit: number, note: string): string {
  // Half of a character is no text.
  return text.length <= limit ? text : `${text.slice(0, limit).replace(/[\uD800-\uDBFF]$/, '')}${note}`;
}

/** An error as the model reads it. */
export function errorResult(message: string): ToolResult {
  return { text: `Error: ${shorten(message, MAX_ERROR_CHARS, '...')}`, ok: false };
}

/** The result of a call that took longer than it may. */
export const timeOut = (name: string, seconds: number): ToolResult =>
  errorResult(`${name} took longer than ${seconds} s and was stopped`);

/** Makes an error of what was thrown; that may itself throw when it is asked for its text. */
export function thrownResult(thrown: unknown): ToolResult {
  try {
    return errorResult(errorText(thrown));
  } catch {
    return errorResult('the function failed');
  }
}

/** Makes a result of what was returned: strings as they are, the rest as JSON, cut at `limit` characters. */
export function valueResult(value: unknown, limit: number): ToolResult {
  try {
    const text = typeof value === 'string' ? value : dumps(pyValueOf(value));
    return { text: shorten(text, limit, `... (cut: ${text.length} characters)`), ok: true };
  } catch (thrown) {
    return thrownResult(thrown);
  }
}
