/**
 * JSON as chat templates' tojson writes it: Python's json.dumps(value, ensure_ascii=False), but with numbers as
 * JavaScript writes them, since that is what @huggingface/jinja does and targets must agree with rendered history.
 */
import type { JsonValue } from '../json/value.ts';

/** Dumps `value` with ", " and ": " as separators and without escapes for non-ASCII characters. */
export function dumpLikePython(value: JsonValue): string {
  if (typeof value !== 'object' || value === null) return JSON.stringify(value);
  if (isList(value)) return `[${value.map(dumpLikePython).join(', ')}]`;
  const entries = Object.entries(value).map(
    ([key, item]) => `${JSON.stringify(key)}: ${dumpLikePython(item)}`,
  );
  return `{${entries.join(', ')}}`;
}

// Array.isArray does not narrow a readonly array.
function isList(value: JsonValue): value is readonly JsonValue[] {
  return Array.isArray(value);
}
