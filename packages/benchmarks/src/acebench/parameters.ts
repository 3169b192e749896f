/** Tells whether the value of one parameter is right. Every check answers with the error, or undefined. */
import { isDict, isList, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import { pyStr } from '../../../../src/json/repr.ts';
import { standardize } from '../bfcl/ast/values.ts';
import type { ErrorClass } from './errors.ts';
import { type Dict, equals, isEntries, isItems, str, typeOf, type Value, type ValueType } from './values.ts';

/** Python's types for those of a document; "enum" is none of them, so that nothing has it. */
const TYPES: ReadonlyMap<string, ValueType> = new Map<string, ValueType>([
  ['string', 'str'],
  ['any', 'str'],
  ['integer', 'int'],
  ['number', 'int'],
  ['int', 'int'],
  ['float', 'float'],
  ['boolean', 'bool'],
  ['array', 'list'],
  ['objectArray', 'list'],
  ['list', 'list'],
  ['list(string)', 'list'],
  ['list(enum)', 'list'],
  ['tuple', 'list'],
  ['object', 'dict'],
  ['dict', 'dict'],
]);
/** Types whose items have a type too, and the type of items that no document describes. */
const ITEM_TYPES: ReadonlyMap<string, string> = new Map([
  ['array', 'dict'],
  ['tuple', 'dict'],
  ['object', 'dict'],
  ['objectArray', 'dict'],
  ['list(string)', 'string'],
  ['list(enum)', 'enum'],
]);

/** A parameter as a document has it. */
interface Wanted {
  readonly type: ValueType | undefined;
  /** `none`: items are not looked at. */
  readonly items: ValueType | 'none' | undefined;
}

function wantedBy(property: PyDict): Wanted {
  const written = property.get('type');
  const type = typeof written === 'string' ? written : '';
  const other = ITEM_TYPES.get(type);
  if (other === undefined) return { type: TYPES.get(type), items: 'none' };
  const items = property.get('items');
  const itemType = isDict(items) ? items.get('type') : undefined;
  return { type: TYPES.get(type), items: TYPES.get(typeof itemType === 'string' ? itemType : other) };
}

/** Checks `value` against the right one, by the parameter's document. */
export function checkParameter(value: Value, right: PyValue, property: PyDict): ErrorClass | undefined {
  const wanted = wantedBy(property);
  const own = wanted.type === 'float' && typeof value === 'bigint' ? Number(value) : value;
  const fits = checkType(own, right, wanted);
  if (fits !== 'checked') return fits === 'type_error' ? fits : undefined;
  if (isEntries(own) && isDict(right)) return checkObject(own, right);
  if (isItems(own) && isList(right)) {
    return wanted.items === 'dict' ? checkObjects(own, right) : checkList(own, right);
  }
  return typeof own === 'string' && typeof right === 'string' ? checkText(own, right) : undefined;
}

/** The words "true" and "false" as the booleans that they name. */
function asBoolean(value: Value): Value {
  if (value === 'true') return true;
  return value === 'false' ? false : value;
}

/**
 * `checked`: the value has the document's type, and has still to be compared. `free`: the right value is not of the document's type
 * either, and then its own type, or equality, is all that is asked for.
 */
function checkType(written: Value, right: PyValue, wanted: Wanted): 'checked' | 'free' | 'type_error' {
  const value = asBoolean(written);
  if (typeOf(value) !== wanted.type)
    return typeOf(value) === typeOf(right) || equals(value, right) ? 'free' : 'type_error';
  if (wanted.items !== 'none' && !itemsFit(value, right, wanted.items)) return 'type_error';
  return typeOf(right) === wanted.type ? 'checked' : 'free';
}

/**
 * Tells whether the items of a list have their type. Only lists inside of the right list ask for it: anything else there lets all items pass,
 * and so does the first key of an object. Of nothing right, not even nothing is.
 */
function itemsFit(value: Value, right: PyValue, items: ValueType | undefined): boolean {
  const inside = isDict(right) ? [...right.keys()] : typeof right === 'string' ? Array.from(right) : right;
  if (!isList(inside)) return false;
  const own = isItems(value) ? value : [];
  return inside.some(
    (one) =>
      !isList(one) ||
      own.every((item) => checkType(item, one, { type: items, items: 'none' }) !== 'type_error'),
  );
}

function checkText(value: string, right: string): ErrorClass | undefined {
  return standardize(value).includes(standardize(right)) ? undefined : 'value_error:string';
}

/** Lists have to be equal; texts in them are compared as texts are, but whole. */
function checkList(value: readonly Value[], right: readonly PyValue[]): ErrorClass | undefined {
  const plain = <T extends Value>(item: T): T | string =>
    typeof item === 'string' ? standardize(item) : item;
  return equals(value.map(plain), right.map(plain)) ? undefined : 'value_error:list/tuple';
}

function checkObjects(value: readonly Value[], right: readonly PyValue[]): ErrorClass | undefined {
  if (value.length !== right.length) return 'value_error:list_dict_count';
  const areAlike = value.every((item, i) => {
    const one = right[i];
    return isEntries(item) && isDict(one) && checkObject(item, one) === undefined;
  });
  return areAlike ? undefined : 'value_error';
}

/**
 * Objects have to have the same keys. Of what they hold, the right value has to be a part of the given one, both as Python prints
 * them: 5 is a part of 5.0 and of "15". Texts are standardized, those in lists are not.
 */
function checkObject(value: Dict, right: PyDict): ErrorClass | undefined {
  if (value.size !== right.size) return 'value_error';
  for (const [name, written] of value) {
    const one = typeof name === 'string' ? right.get(name) : undefined;
    if (one === undefined) return 'value_error';
    const item = asBoolean(written);
    if (isDict(one)) {
      if (!isEntries(item) || checkObject(item, one) !== undefined) return 'value_error';
    } else if (!printed(item).includes(typeof one === 'string' ? standardize(one) : pyStr(one))) {
      return 'value_error';
    }
  }
  return undefined;
}

function printed(value: Value): string {
  return typeof value === 'string' ? standardize(value) : str(value);
}
