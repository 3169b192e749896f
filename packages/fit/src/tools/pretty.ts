/** JSON for people: what fits on a line stands on one. */
import type { JsonValue } from './json.ts';

const WIDTH = 100;

function oneLine(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(oneLine).join(', ')}]`;
  const entries = Object.entries(value).map(([key, inner]) => `${JSON.stringify(key)}: ${oneLine(inner)}`);
  return `{${entries.length === 0 ? '' : entries.join(', ')}}`;
}

/** A value as JSON that begins `at` so many characters into a line, and is indented by `indent`. */
export function prettyJson(value: JsonValue, indent = '', at = 0): string {
  const short = oneLine(value);
  if (typeof value !== 'object' || value === null || at + short.length < WIDTH) return short;
  const inner = `${indent}  `;
  const isList = Array.isArray(value);
  const lines = isList
    ? value.map((item: JsonValue) => inner + prettyJson(item, inner, inner.length))
    : Object.entries(value).map(([key, item]) => {
        const start = `${inner}${JSON.stringify(key)}: `;
        return start + prettyJson(item, inner, start.length);
      });
  const [open, close] = isList ? '[]' : '{}';
  return `${open}\n${lines.join(',\n')}\n${indent}${close}`;
}
