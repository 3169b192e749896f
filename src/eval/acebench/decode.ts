/**
 * From what a model wrote to calls: a Python list of calls with named arguments, `[Api(k='v', ...), ...]`. The rules are those of
 * ACEBench's two revisions, quirks included.
 */
import { withoutSpace } from '../../json/python.ts';
import type { Expression } from '../python/expression.ts';
import { PythonSyntaxError } from '../python/errors.ts';
import { parseExpression } from '../python/parser.ts';
import { evaluate, numberValue, ValueError } from './arithmetic.ts';
import { type Dict, type Key, Opaque, str, Tuple, type Value } from './values.ts';
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

/** The text from the first "[" to the "]" that closes it, brackets inside of strings counted like all others. */
function firstList(text: string): string | undefined {
  const start = text.indexOf('[');
  if (start < 0) return undefined;
  let open = 0;
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at);
    if (char === '[') open += 1;
    else if (char === ']') open -= 1;
    if (open === 0) return text.slice(start, at + 1);
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
      return dictOf(expression.entries);
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

function constantOf(value: Extract<Expression, { kind: 'constant' }>['value']): Value {
  if (value === null || typeof value === 'boolean') return value;
  if (value === 'ellipsis') return new Opaque('Ellipsis');
  if (typeof value !== 'object' || !('kind' in value)) return numberValue(value);
  return value.kind === 'text' ? value.text : new Opaque(`b'${value.text}'`);
}

/** Every unary operator changes the sign, also `+` and `not`; only constants have one. */
function negated(operand: Expression): Value {
  if (operand.kind !== 'constant') throw new ValueError('not a number');
  const { value } = operand;
  if (typeof value === 'boolean') return -BigInt(value);
  if (typeof value === 'bigint' || typeof value === 'number') return -value;
  throw new ValueError('not a number');
}

function dictOf(entries: Extract<Expression, { kind: 'dict' }>['entries']): Dict {
  const dict = new Map<Key, Value>();
  const others = new Map<string, Opaque>();
  for (const [written, value] of entries) {
    if (written === undefined) throw new ValueError('a dict is unpacked');
    const key = valueOf(written);
    if (typeof key === 'string') dict.set(key, valueOf(value));
    else dict.set(otherKey(key, others), valueOf(value));
  }
  return dict;
}

/** A key that is no text, the same object for equal ones: 1, 1.0 and True. */
function otherKey(key: Value, known: Map<string, Opaque>): Opaque {
  if (Array.isArray(key) || key instanceof Map) throw new ValueError('a key can change');
  const isWhole = typeof key === 'boolean' || (typeof key === 'number' && Number.isInteger(key));
  const name = isWhole ? String(BigInt(key)) : str(key);
  const found = known.get(name) ?? new Opaque(str(key));
  known.set(name, found);
  return found;
}
