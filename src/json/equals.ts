/** Python's `==` between JSON values: 5 == 5.0 == True + 4, dicts are equal in any order, NaN equals nothing. */
import { isDict, isList, sameNumber, type PyValue } from './python.ts';

/** The number that a value is in Python, where a boolean is one; undefined for anything else. */
export function asNumber(value: PyValue): bigint | number | undefined {
  if (typeof value === 'boolean') return value ? 1n : 0n;
  return typeof value === 'bigint' || typeof value === 'number' ? value : undefined;
}

/** Python's `a == b`; an int and a float are compared exactly. */
export function pyEquals(a: PyValue, b: PyValue): boolean {
  if (a === null || typeof a === 'string') return a === b;
  if (isList(a))
    return isList(b) && a.length === b.length && a.every((item, i) => pyEquals(item, b[i] ?? null));
  if (isDict(a)) {
    if (!isDict(b) || a.size !== b.size) return false;
    for (const [key, item] of a) {
      const other = b.get(key);
      if (other === undefined || !pyEquals(item, other)) return false;
    }
    return true;
  }
  const [x, y] = [asNumber(a), asNumber(b)];
  return x !== undefined && y !== undefined && sameNumber(x, y);
}

/** Python's `value in items` for a list of items. */
export function pyIncludes(items: readonly PyValue[], value: PyValue): boolean {
  return items.some((item) => pyEquals(item, value));
}
