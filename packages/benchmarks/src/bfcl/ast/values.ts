/**
 * Tells whether a value of the right type is among the accepted ones. Strings are compared without case and some punctuation,
 * at the top of a value only; everything else as Python's `==` does. Each check answers with the error, or undefined.
 */
import { pyIncludes } from '../../../../../src/json/equals.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../../src/json/python.ts';
import type { AstError } from './errors.ts';

const IGNORED = /[ ,./\-_*^]/g;

/** A string as it is compared: without space , . / - _ * ^, in lower case, with double quotes for single ones. */
export function standardize(text: string): string {
  return text.replace(IGNORED, '').toLowerCase().replaceAll("'", '"');
}

function standardized(value: PyValue): PyValue {
  return typeof value === 'string' ? standardize(value) : value;
}

export function checkString(value: string, accepted: readonly PyValue[]): AstError | undefined {
  const own = standardize(value);
  return accepted.some((item) => standardized(item) === own) ? undefined : 'value_error:string';
}

/** A list as it is compared; an accepted "" counts as the empty list. */
function listItems(value: PyValue): readonly PyValue[] | undefined {
  if (typeof value === 'string') return Array.from(value, standardize);
  return isList(value) ? value.map(standardized) : undefined;
}

export function checkList(value: readonly PyValue[], accepted: readonly PyValue[]): AstError | undefined {
  const lists = accepted.flatMap((item) => {
    const items = listItems(item);
    return items === undefined ? [] : [items];
  });
  return pyIncludes(lists, value.map(standardized)) ? undefined : 'value_error:list/tuple';
}

/** Tells whether "" is accepted, which lets a parameter be left out; to Python it is in every string as well. */
export function isOptional(choices: PyValue | undefined): boolean {
  return typeof choices === 'string' || (isList(choices) && choices.includes(''));
}

/** One dict against one accepted dict, whose values are lists of accepted values; a string in their place is a list of characters. */
function checkOneDict(value: PyDict, accepted: PyDict): AstError | undefined {
  // A key that is missing outweighs a value that is wrong.
  for (const [key, choices] of accepted) {
    if (!value.has(key) && !isOptional(choices)) return 'value_error:dict_key';
  }
  for (const [key, item] of value) {
    const choices = accepted.get(key);
    if (choices === undefined) return 'value_error:dict_key';
    if (!pyIncludes(listItems(choices) ?? [], standardized(item))) return 'value_error:dict_value';
  }
  return undefined;
}

/** The error is that of the last accepted dict. */
export function checkDict(value: PyDict, accepted: readonly PyValue[]): AstError | undefined {
  let error: AstError | undefined = 'dict_checker:unclear';
  for (const item of accepted) {
    if (!isDict(item)) continue;
    error = checkOneDict(value, item);
    if (error === undefined) return undefined;
  }
  return error;
}

/** Lists of dicts, place by place. The error is that of the last accepted list. */
export function checkDictList(value: readonly PyValue[], accepted: readonly PyValue[]): AstError | undefined {
  let error: AstError | undefined = 'value_error:list_dict_count';
  for (const candidate of accepted) {
    error = checkOneDictList(value, listItems(candidate) ?? []);
    if (error === undefined) return undefined;
  }
  return error;
}

function checkOneDictList(value: readonly PyValue[], accepted: readonly PyValue[]): AstError | undefined {
  if (value.length !== accepted.length) return 'value_error:list_dict_count';
  for (const [i, item] of value.entries()) {
    const error = isDict(item) ? checkDict(item, accepted.slice(i, i + 1)) : 'value_error:dict_key';
    if (error !== undefined) return error;
  }
  return undefined;
}
