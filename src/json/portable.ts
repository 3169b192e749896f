/** Values that every reader of JSON takes: Python's and this project's own know more than others do. */
import { dumps } from './dumps.ts';
import { isDict, isList, type PyValue } from './python.ts';

/** Depth to which values may be nested: far deeper than any schema, and nothing that reads them gives up. */
const MOST_LEVELS = 100;

/** Says what of a value other readers would refuse, as "the number NaN"; undefined if they would take it. */
export function portableFault(value: PyValue, depth = 0): string | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `the number ${dumps(value)}`;
  if (!isList(value) && !isDict(value)) return undefined;
  if (depth === MOST_LEVELS) return `values that are nested more than ${MOST_LEVELS} levels deep`;
  for (const inner of value.values()) {
    const fault = portableFault(inner, depth + 1);
    if (fault !== undefined) return fault;
  }
  return undefined;
}
