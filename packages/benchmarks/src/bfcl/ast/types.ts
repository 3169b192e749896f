/**
 * Tells whether a value has the type that a function's document asks for. Types are Python's and are compared exactly: a bool is no int.
 *
 * The accepted answers have a say too. Where the first of them has another type than the document, the parameter is taken for the
 * name of a variable, and a value of that other type passes.
 */
import { isDict, isList, type PyValue } from '../../../../../src/json/python.ts';
import type { AstError } from './errors.ts';

export type PyType = 'str' | 'int' | 'float' | 'bool' | 'list' | 'dict' | 'NoneType';

/** Python's `type(value)`. */
function pyTypeOf(value: PyValue): PyType {
  if (value === null) return 'NoneType';
  if (isList(value)) return 'list';
  if (isDict(value)) return 'dict';
  if (typeof value === 'string') return 'str';
  if (typeof value === 'boolean') return 'bool';
  return typeof value === 'bigint' ? 'int' : 'float';
}

/** The type of the first accepted value that is not "", which only marks a parameter as optional. */
function acceptedType(accepted: readonly PyValue[]): PyType | undefined {
  const first = accepted.find((item) => item !== '');
  return first === undefined ? undefined : pyTypeOf(first);
}

export type TypeCheck =
  | { readonly ok: true; readonly isVariable: boolean }
  | { readonly ok: false; readonly error: AstError };

/** Tells whether the items of a list have type `items` for one of the accepted values; an accepted value that is no list asks nothing. */
function itemsFit(value: readonly PyValue[], accepted: readonly PyValue[], items: PyType): boolean {
  return accepted.some(
    (candidate) =>
      !isList(candidate) || value.every((item) => checkType(item, candidate, items, undefined).ok),
  );
}

/** Checks `value` against the document's type, and against the type of its `items` where that is given. */
export function checkType(
  value: PyValue,
  accepted: readonly PyValue[],
  type: PyType,
  items: PyType | undefined,
): TypeCheck {
  const other = acceptedType(accepted);
  const own = pyTypeOf(value);
  if (own !== type) {
    return own === other ? { ok: true, isVariable: true } : { ok: false, error: 'type_error:simple' };
  }
  if (items !== undefined && isList(value) && !itemsFit(value, accepted, items))
    return { ok: false, error: 'type_error:nested' };
  return { ok: true, isVariable: other !== undefined && other !== type };
}
