/** Python's built-in functions and methods, as far as they make values of values; all others are refused. */
import { strip } from '../../../../src/json/python.ts';
import { absolute, round, toFloat, toInt } from '../bfcl/multi-turn/python/numbers.ts';
import { words } from '../bfcl/multi-turn/python/text.ts';
import { binary, compare, MAX_SIZE, truthy } from './arithmetic.ts';
import { itemAt, iterate, wholeNumber } from './sequences.ts';
import {
  type Dict,
  dictOf,
  isEntries,
  isItems,
  keyValue,
  Opaque,
  repr,
  same,
  setOf,
  str,
  Tuple,
  type Value,
  ValueError,
} from './values.ts';

/** Arguments by name. */
export type Named = ReadonlyMap<string, Value>;
type Arguments = readonly Value[];

interface Builtin {
  /** Number of positional arguments that it takes. */
  readonly from: number;
  readonly to: number;
  /** Names that it takes, besides; none without it. */
  readonly names?: readonly string[];
  run(given: Arguments, named: Named): Value;
}

function taking(from: number, to: number, run: Builtin['run'], names: readonly string[] = []): Builtin {
  return { from, to, names, run };
}

function simple(value: Value | undefined): null | boolean | bigint | number | string {
  if (value === undefined || (typeof value === 'object' && value !== null))
    throw new ValueError('not a number or a text');
  return value;
}

function text(value: Value | undefined): string {
  if (typeof value !== 'string') throw new ValueError('not a text');
  return value;
}

function best(operator: '<' | '>', given: Arguments, named: Named): Value {
  const items = given.length === 1 ? iterate(given[0]) : given;
  const [first, ...rest] = items;
  if (first === undefined) {
    const otherwise = named.get('default');
    if (otherwise === undefined) throw new ValueError('it is empty');
    return otherwise;
  }
  return rest.reduce((kept, item) => (compare(operator, item, kept) ? item : kept), first);
}

function sorted(items: readonly Value[], reverse: boolean): Value[] {
  const order = (a: Value, b: Value): number => (compare('<', a, b) ? -1 : compare('<', b, a) ? 1 : 0);
  // Equal items keep their order also where it is turned.
  return items.toSorted(reverse ? (a, b) => order(b, a) : order);
}

function range(given: Arguments): Opaque {
  const [first = 0n, second, by = 1n] = given.map(wholeNumber);
  const [start, end] = second === undefined ? [0n, first] : [first, second];
  if (by === 0n) throw new ValueError('a step is 0');
  const length = (end - start) / by + 1n;
  if (length > BigInt(MAX_SIZE)) throw new ValueError('too long');
  const items: Value[] = [];
  for (let at = start; by > 0n ? at < end : at > end; at += by) items.push(at);
  return new Opaque(`range(${start}, ${end}${by === 1n ? '' : `, ${by}`})`, { items });
}

/** An iterator, whose repr is an address. */
const lazily = (name: string, items: readonly Value[]): Opaque =>
  new Opaque(`<${name} object at 0x7f0000000000>`, { items });

function pairOf(value: Value): readonly [Value, Value] {
  const [key, item, ...more] = iterate(value);
  if (key === undefined || item === undefined || more.length > 0) throw new ValueError('not a pair');
  return [key, item];
}

function pairs(value: Value): Iterable<readonly [Value, Value]> {
  if (isEntries(value)) return [...value].map(([key, item]) => [keyValue(key), item] as const);
  return iterate(value).map(pairOf);
}

function intOf(value: Value, base: Value | undefined): Value {
  if (base === undefined) return toInt(simple(value));
  const digits = strip(text(value)).toLowerCase().replaceAll('_', '');
  const radix = Number(wholeNumber(base));
  const match = /^([+-]?)(?:0[xob])?([0-9a-z]+)$/.exec(digits);
  const number = match === null ? Number.NaN : parseInt(match[2] ?? '', radix);
  const isWhole = (match?.[2] ?? '').split('').every((digit) => !Number.isNaN(parseInt(digit, radix)));
  if (Number.isNaN(number) || !isWhole || !Number.isSafeInteger(number)) throw new ValueError('not an int');
  return BigInt(match?.[1] === '-' ? -number : number);
}

const FUNCTIONS: Readonly<Record<string, Builtin>> = {
  int: taking(0, 2, ([value = 0n, base]) => intOf(value, base)),
  float: taking(0, 1, ([value = 0]) => toFloat(simple(value))),
  str: taking(0, 1, ([value = '']) => str(value)),
  repr: taking(1, 1, ([value = null]) => repr(value)),
  bool: taking(0, 1, ([value = null]) => truthy(value)),
  len: taking(1, 1, ([value]) => BigInt(iterate(value).length)),
  abs: taking(1, 1, ([value]) => absolute(simple(value))),
  round: taking(1, 2, ([value, places = null]) => round(simple(value), simple(places)), ['ndigits']),
  pow: taking(2, 2, ([base = null, exponent = null]) => binary('**', base, exponent)),
  divmod: taking(2, 2, ([a = null, b = null]) => new Tuple([binary('//', a, b), binary('%', a, b)])),
  min: taking(1, Infinity, (given, named) => best('<', given, named), ['default']),
  max: taking(1, Infinity, (given, named) => best('>', given, named), ['default']),
  sum: taking(1, 2, ([items, start = 0n]) => {
    if (typeof start === 'string') throw new ValueError('texts cannot be summed');
    return iterate(items).reduce((total, item) => binary('+', total, item), start);
  }),
  any: taking(1, 1, ([items]) => iterate(items).some(truthy)),
  all: taking(1, 1, ([items]) => iterate(items).every(truthy)),
  list: taking(0, 1, ([items = []]) => iterate(items)),
  tuple: taking(0, 1, ([items = []]) => new Tuple(iterate(items))),
  dict: taking(0, 1, ([entries = []], named) => dictOf([...pairs(entries), ...named])),
  set: taking(0, 1, ([items = []]) => setOf(iterate(items))),
  sorted: taking(1, 1, ([items], named) => sorted(iterate(items), truthy(named.get('reverse') ?? false)), [
    'reverse',
  ]),
  reversed: taking(1, 1, ([items]) => lazily('list_reverseiterator', iterate(items).toReversed())),
  range: taking(1, 3, range),
  enumerate: taking(1, 2, ([items, start = 0n]) =>
    lazily(
      'enumerate',
      iterate(items).map((item, i) => new Tuple([wholeNumber(start) + BigInt(i), item])),
    ),
  ),
  zip: taking(0, Infinity, (given) => {
    const lists = given.map(iterate);
    const length = lists.length === 0 ? 0 : Math.min(...lists.map((items) => items.length));
    return lazily(
      'zip',
      Array.from({ length }, (_, i) => new Tuple(lists.map((items) => items[i] ?? null))),
    );
  }),
  ord: taking(1, 1, ([char]) => {
    const [only, ...more] = Array.from(text(char));
    if (only === undefined || more.length > 0) throw new ValueError('not a character');
    return BigInt(only.codePointAt(0) ?? 0);
  }),
  chr: taking(1, 1, ([code]) => {
    const point = wholeNumber(code);
    if (point < 0n || point > 0x10ffffn) throw new ValueError('not a character');
    return String.fromCodePoint(Number(point));
  }),
};

const stripper =
  (atStart: boolean, atEnd: boolean): Builtin['run'] =>
  ([own, chars = null]) => {
    const all = Array.from(text(own));
    const goes = (char: string | undefined): boolean =>
      char !== undefined && (chars === null ? strip(char) === '' : text(chars).includes(char));
    let [start, end] = [0, all.length];
    while (atStart && start < end && goes(all[start])) start++;
    while (atEnd && end > start && goes(all[end - 1])) end--;
    return all.slice(start, end).join('');
  };

const WORD = /[\p{L}]+/gu;
const capital = (word: string): string => {
  const [first = '', ...rest] = Array.from(word);
  return first.toUpperCase() + rest.join('').toLowerCase();
};

/** Methods of texts; the first argument is the text. */
const TEXT_METHODS: Readonly<Record<string, Builtin>> = {
  upper: taking(1, 1, ([own]) => text(own).toUpperCase()),
  lower: taking(1, 1, ([own]) => text(own).toLowerCase()),
  title: taking(1, 1, ([own]) => text(own).replace(WORD, capital)),
  capitalize: taking(1, 1, ([own]) => capital(text(own))),
  strip: taking(1, 2, stripper(true, true)),
  lstrip: taking(1, 2, stripper(true, false)),
  rstrip: taking(1, 2, stripper(false, true)),
  replace: taking(3, 3, ([own, from, to]) => {
    const pieces = from === '' ? ['', ...Array.from(text(own)), ''] : text(own).split(text(from));
    return pieces.join(text(to));
  }),
  split: taking(1, 2, ([own, by = null]) => {
    if (by === null) return words(text(own));
    if (by === '') throw new ValueError('an empty separator');
    return text(own).split(text(by));
  }),
  join: taking(2, 2, ([own, items]) => iterate(items).map(text).join(text(own))),
  startswith: taking(2, 2, ([own, start]) => text(own).startsWith(text(start))),
  endswith: taking(2, 2, ([own, end]) => text(own).endsWith(text(end))),
  count: taking(2, 2, ([own, part]) => BigInt(text(own).split(text(part)).length - 1)),
  find: taking(2, 2, ([own, part]) => {
    const at = text(own).indexOf(text(part));
    return BigInt(at < 0 ? at : Array.from(text(own).slice(0, at)).length);
  }),
  zfill: taking(2, 2, ([own, width]) => {
    const [, sign = '', digits = ''] = /^([+-]?)([^]*)$/.exec(text(own)) ?? [];
    return sign + digits.padStart(Math.min(MAX_SIZE, Number(wholeNumber(width))) - sign.length, '0');
  }),
};

const dict = (value: Value | undefined): Dict => {
  if (!isEntries(value)) throw new ValueError('not a dict');
  return value;
};

const view = (name: string, items: readonly Value[]): Opaque =>
  new Opaque(`dict_${name}(${repr(items)})`, { items });

const DICT_METHODS: Readonly<Record<string, Builtin>> = {
  get: taking(2, 3, ([own, key = null, otherwise = null]) => {
    const has = iterate(own).some((one) => same(one, key));
    return has ? itemAt(dict(own), key) : otherwise;
  }),
  keys: taking(1, 1, ([own]) => view('keys', iterate(own))),
  values: taking(1, 1, ([own]) => view('values', [...dict(own).values()])),
  items: taking(1, 1, ([own]) =>
    view(
      'items',
      [...dict(own)].map(([key, item]) => new Tuple([keyValue(key), item])),
    ),
  ),
  copy: taking(1, 1, ([own]) => dict(own)),
};

const LIST_METHODS: Readonly<Record<string, Builtin>> = {
  copy: taking(1, 1, ([own]) => iterate(own)),
  count: taking(2, 2, ([own, item = null]) => BigInt(iterate(own).filter((one) => same(one, item)).length)),
  index: taking(2, 2, ([own, item = null]) => {
    const at = iterate(own).findIndex((one) => same(one, item));
    if (at < 0) throw new ValueError('it is not in the list');
    return BigInt(at);
  }),
};

function run(table: Readonly<Record<string, Builtin>>, name: string, given: Arguments, named: Named): Value {
  const builtin = Object.hasOwn(table, name) ? table[name] : undefined;
  if (builtin === undefined) throw new ValueError(`${name} is not known`);
  const takesNames =
    [...named.keys()].every((one) => builtin.names?.includes(one)) || table['dict'] === builtin;
  if (given.length < builtin.from || given.length > builtin.to || !takesNames)
    throw new ValueError(`${name} does not take such arguments`);
  return builtin.run(given, named);
}

/** `name(...)`. */
export function callFunction(name: string, given: Arguments, named: Named): Value {
  const places = name === 'round' && named.has('ndigits') ? [...given, named.get('ndigits') ?? null] : given;
  return run(FUNCTIONS, name, places, named);
}

/** `object.name(...)`. */
export function callMethod(object: Value, name: string, given: Arguments, named: Named): Value {
  const table =
    typeof object === 'string'
      ? TEXT_METHODS
      : isEntries(object)
        ? DICT_METHODS
        : isItems(object) || object instanceof Tuple
          ? LIST_METHODS
          : {};
  return run(table, name, [object, ...given], named);
}
