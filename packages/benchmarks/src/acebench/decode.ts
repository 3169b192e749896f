/**
 * From what a model wrote to calls: a Python list of calls with named arguments, `[Api(k='v', ...), ...]`. The rules are those of
 * ACEBench's two revisions, quirks included.
 */
import { withoutSpace } from '../../../../src/json/python.ts';
import type { Expression } from '../python/expression.ts';
import { PythonSyntaxError } from '../python/errors.ts';
import { parseExpression } from '../python/parser.ts';
import { constantOf, evaluate } from './python-value.ts';
import { type Dict, dictOf, type Key, Opaque, Tuple, type Value, ValueError } from './values.ts';
import type { Revision } from './revision.ts';

/** A call as a model made it: positional arguments are left out. */
export interface DecodedCall {
  readonly name: string;
  readonly arguments: Dict;
}

/**
 * The calls that a text makes; undefined if it cannot be read. The older revision removes all white space first, inside of strings
 * too. The newer one reads the first part of the text between balanced brackets, but not in dialogues, where it does as the older one.
 */
export function decodeCalls(
  text: string,
  revision: Revision,
  isDialogue: boolean,
): readonly DecodedCall[] | undefined {
  const source = revision === '2025-08' || isDialogue ? withoutSpace(text) : firstList(text);
  if (source === undefined) return undefined;
  try {
    const expression = parseExpression(source);
    if (expression.kind !== 'list' && expression.kind !== 'tuple' && expression.kind !== 'set')
      return undefined;
    return expression.items.map(callOf);
  } catch (thrown) {
    if (thrown instanceof PythonSyntaxError || thrown instanceof ValueError) return undefined;
    throw thrown;
  }
}

/**
 * The text from the first "[" at depth 0 to the "]" that closes it. All brackets are counted, those inside of strings too, and a "]" that
 * closes nothing takes the depth below 0.
 */
function firstList(text: string): string | undefined {
  let [start, depth] = [-1, 0];
  for (const { 0: bracket, index } of text.matchAll(/[[\]]/g)) {
    if (bracket === '[' && depth === 0) start = index;
    depth += bracket === '[' ? 1 : -1;
    if (bracket === ']' && depth === 0) return text.slice(start, index + 1);
  }
  return undefined;
}

function callOf(expression: Expression): DecodedCall {
  if (expression.kind !== 'call') throw new ValueError('not a call');
  const given = new Map<Key, Value>();
  for (const { name, value } of expression.keywords) given.set(name ?? NO_NAME, valueOf(value));
  return { name: dottedName(expression.callee), arguments: given };
}

/** The key of arguments that are unpacked from a dict. */
const NO_NAME = new Opaque('None');

/** `a.b.c`; what is no name contributes nothing. */
function dottedName(callee: Expression): string {
  if (callee.kind === 'name') return callee.name;
  if (callee.kind !== 'attribute') return '';
  const object = dottedName(callee.object);
  return object === '' ? callee.name : `${object}.${callee.name}`;
}

function valueOf(expression: Expression): Value {
  switch (expression.kind) {
    case 'constant':
      return constantOf(expression.value);
    case 'name':
      return expression.name;
    case 'list':
      return expression.items.map(valueOf);
    case 'tuple':
      return new Tuple(expression.items.map(valueOf));
    case 'dict':
      return dictOf(
        expression.entries.map(([key, value]) => {
          if (key === undefined) throw new ValueError('a dict is unpacked');
          return [valueOf(key), valueOf(value)];
        }),
      );
    case 'unary':
      return negated(expression.operand);
    case 'binary':
      return evaluate(expression);
    case 'call': {
      const { name, arguments: given } = callOf(expression);
      return new Map([[name, given]]);
    }
    case 'subscript':
      return expression.text;
    default:
      throw new ValueError(`${expression.kind} has no value`);
  }
}

/** Every unary operator changes the sign, also `+` and `not`; only constants have one. */
function negated(operand: Expression): Value {
  if (operand.kind !== 'constant') throw new ValueError('not a number');
  const { value } = operand;
  if (typeof value === 'boolean') return -BigInt(value);
  if (typeof value === 'bigint' || typeof value === 'number') return -value;
  throw new ValueError('not a number');
}
