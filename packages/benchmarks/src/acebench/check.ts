/**
 * The verdict on calls: ACEBench's rules. They are lenient (numbers and booleans are checked by type only, a text has to hold the
 * wanted one) and at times odd; scores are comparable only if all of it is kept.
 */
import { pyEquals } from '../../../../src/json/equals.ts';
import { isDict, isList, type PyDict, type PyValue } from '../../../../src/json/python.ts';
import type { DecodedCall } from './decode.ts';
import { type ErrorClass, type Verdict, VALID, wrong } from './errors.ts';
import { checkParameter } from './parameters.ts';
import type { Dict } from './values.ts';

/** Calls that an entry wants, by name; a name may end in _1, _2, ... where a function is wanted several times. */
export type Gold = PyDict;

/** Suffix that tells several calls of one function apart. */
export const REPEAT = /_\d+$/;

/** Judges calls against alternatives, of which one is enough; the error is that of the first one. */
export function judgeCalls(
  calls: readonly DecodedCall[],
  golds: readonly Gold[],
  documents: readonly PyDict[],
): Verdict {
  const verdicts = golds.map((gold) => judgeOne(calls, gold, documents));
  return verdicts.find(({ valid }) => valid) ?? verdicts[0] ?? VALID;
}

function judgeOne(calls: readonly DecodedCall[], gold: Gold, documents: readonly PyDict[]): Verdict {
  if (calls.length !== gold.size) return wrong('wrong functions number');
  const names = [...gold.keys()].map((name) => name.replace(REPEAT, ''));
  const made = calls.map(({ name }) => name);
  if (names.toSorted().join('\n') !== made.toSorted().join('\n')) return wrong('function_mismatch');
  for (const [i, [key, wanted]] of [...gold].entries()) {
    const document = documents.find((one) => {
      const name = one.get('name');
      return typeof name === 'string' && key.includes(name);
    });
    const error = bestError(calls, names[i] ?? '', wanted, document);
    if (error !== undefined) return wrong(error);
  }
  return VALID;
}

/**
 * Tries the calls in order until one is right; undefined if there is one, else the error of the last call. Calls are not used
 * up: one may serve for several that are wanted.
 */
function bestError(
  calls: readonly DecodedCall[],
  name: string,
  wanted: PyValue,
  document: PyDict | undefined,
): ErrorClass | undefined {
  let error: ErrorClass = 'simple_function_checker:unclear';
  for (const call of calls) {
    if (call.name !== name) {
      error = 'simple_function_checker:unclear';
      continue;
    }
    const own = checkCall(call, isDict(wanted) ? wanted : new Map(), document);
    if (own === undefined) return undefined;
    error = own;
  }
  return error;
}

/** One call against one that is wanted, by the function's document; undefined if it is right. */
function checkCall(call: DecodedCall, wanted: PyDict, document: PyDict | undefined): ErrorClass | undefined {
  const parameters = document?.get('parameters');
  const schema: PyDict = isDict(parameters) ? parameters : new Map();
  const given = call.arguments;
  if (given.size === 0 && schema.size === 0) return undefined;
  if (given.size === 0 || schema.size === 0) return 'wrong_param';
  const written = schema.get('properties');
  const properties: PyDict = isDict(written) ? written : new Map();
  if (pyEquals(wanted, properties)) return undefined;
  if (wanted.size === 0) return 'wrong_param';
  if (document?.get('name') !== call.name) return 'wrong_function_name';
  const required = schema.get('required');
  for (const name of isList(required) ? required : []) {
    if (typeof name === 'string' && !given.has(name)) return 'lack_args';
  }
  return checkArguments(given, wanted, properties);
}

/** A parameter that is wanted and not required may be left out. */
function checkArguments(given: Dict, wanted: PyDict, properties: PyDict): ErrorClass | undefined {
  for (const [name, value] of given) {
    const property = typeof name === 'string' ? properties.get(name) : undefined;
    const right = typeof name === 'string' ? wanted.get(name) : undefined;
    if (property === undefined || right === undefined) return 'addition_args';
    const error = checkParameter(value, right, isDict(property) ? property : new Map());
    if (error !== undefined) return error;
  }
  return undefined;
}
