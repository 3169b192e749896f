/** Python's sequences: what iterating over a value yields, and what stands at an index or in a slice. */
import { isEntries, isItems, keyValue, Opaque, same, str, Tuple, type Value, ValueError } from './values.ts';

/** Items that iterating over a value yields. */
export function iterate(value: Value | undefined): readonly Value[] {
  if (typeof value === 'string') return Array.from(value);
  if (isItems(value)) return value;
  if (isEntries(value)) return [...value.keys()].map(keyValue);
  const items = value instanceof Tuple || value instanceof Opaque ? value.items : undefined;
  if (items === undefined) throw new ValueError('it cannot be iterated over');
  return items;
}

/** An int, or a boolean as the int that it is. */
export function wholeNumber(value: Value | undefined): bigint {
  if (typeof value === 'boolean') return BigInt(value);
  if (typeof value !== 'bigint') throw new ValueError('not an int');
  return value;
}

/** Items as a sequence of the type of `like`. */
function sequenceLike(like: Value, items: readonly Value[]): Value {
  if (typeof like === 'string') return items.map(str).join('');
  if (isItems(like)) return items;
  if (like instanceof Tuple) return new Tuple(items);
  throw new ValueError('not a sequence');
}

/** `value[index]`. */
export function itemAt(
  value: Value,
  index: Value | { readonly bounds: readonly (Value | undefined)[] },
): Value {
  if (index !== null && typeof index === 'object' && 'bounds' in index)
    return sequenceLike(value, sliced(iterate(value), index.bounds));
  if (isEntries(value)) {
    const found = [...value].find(([key]) => same(keyValue(key), index));
    if (found === undefined) throw new ValueError('no such key');
    return found[1];
  }
  const items = iterate(value);
  const item = items.at(Number(wholeNumber(index)));
  if (item === undefined) throw new ValueError('no such index');
  sequenceLike(value, []);
  return item;
}

function sliced(items: readonly Value[], bounds: readonly (Value | undefined)[]): Value[] {
  const [from, to, by] = bounds.map((bound) =>
    bound === undefined || bound === null ? undefined : Number(wholeNumber(bound)),
  );
  const step = by ?? 1;
  if (step === 0) throw new ValueError('a step is 0');
  const [low, high] = step > 0 ? [0, items.length] : [-1, items.length - 1];
  const place = (bound: number | undefined, otherwise: number): number =>
    bound === undefined ? otherwise : Math.min(high, Math.max(low, bound < 0 ? bound + items.length : bound));
  const [start, end] = [place(from, step > 0 ? low : high), place(to, step > 0 ? high : low)];
  const chosen: Value[] = [];
  for (let at = start; step > 0 ? at < end : at > end; at += step) {
    const item = items[at];
    if (item !== undefined) chosen.push(item);
  }
  return chosen;
}
