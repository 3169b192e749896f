/**
 * Evaluates a Python expression, as far as a model may write one in an argument: the official program hands every operation to Python's
 * `eval`, with all that is in it. Nothing is run here: literals, operators, and the built-in functions and methods that make values of values.
 */
import { floatRepr } from '../../../../src/json/repr.ts';
import type { Constant, Expression } from '../python/expression.ts';
import { Raised } from '../bfcl/multi-turn/python/errors.ts';
import { binary, compare, truthy, unary } from './arithmetic.ts';
import { callFunction, callMethod, type Named } from './builtins.ts';
import { itemAt, iterate } from './sequences.ts';
import { dictOf, isEntries, keyValue, Opaque, repr, setOf, Tuple, type Value, ValueError } from './values.ts';

/** The value of a constant; of an ellipsis alone it is the text of one. */
export function constantOf(value: Constant): Value {
  if (value === null || typeof value === 'boolean') return value;
  if (value === 'ellipsis') return '...';
  if (typeof value !== 'object') return value;
  if (!('kind' in value)) return new Opaque(`${floatRepr(value.imaginary).replace(/\.0$/, '')}j`);
  return value.kind === 'text' ? value.text : new Opaque(`b${repr(value.text)}`);
}

/** The value of an expression; throws a ValueError for names, and for what Python refuses. */
export function evaluate(expression: Expression): Value {
  try {
    return valueOf(expression);
  } catch (thrown) {
    throw thrown instanceof Raised ? new ValueError(thrown.message) : thrown;
  }
}

function valueOf(expression: Expression): Value {
  switch (expression.kind) {
    case 'constant':
      return expression.value === 'ellipsis' ? new Opaque('Ellipsis') : constantOf(expression.value);
    case 'list':
      return itemsOf(expression.items);
    case 'tuple':
      return new Tuple(itemsOf(expression.items));
    case 'set':
      return setOf(itemsOf(expression.items));
    case 'dict':
      return dictOf(
        expression.entries.flatMap(([key, value]) =>
          key === undefined ? entriesOf(valueOf(value)) : [[valueOf(key), valueOf(value)] as const],
        ),
      );
    case 'unary':
      return unary(expression.operator, valueOf(expression.operand));
    case 'binary':
      return binary(expression.operator, valueOf(expression.left), valueOf(expression.right));
    case 'boolean':
      return chosen(expression.operators[0] === 'or', expression.operands);
    case 'comparison':
      return compared(expression.operators, expression.operands);
    case 'conditional':
      return valueOf(truthy(valueOf(expression.test)) ? expression.value : expression.otherwise);
    case 'subscript':
      return itemAt(valueOf(expression.object), indexOf(expression.index));
    case 'call':
      return called(expression);
    default:
      throw new ValueError(`${expression.kind} has no value by itself`);
  }
}

function itemsOf(expressions: readonly Expression[]): Value[] {
  return expressions.flatMap((one) =>
    one.kind === 'starred' ? iterate(valueOf(one.items)) : [valueOf(one)],
  );
}

function entriesOf(value: Value): (readonly [Value, Value])[] {
  if (!isEntries(value)) throw new ValueError('not a dict');
  return [...value].map(([key, item]) => [keyValue(key), item]);
}

/** `a or b or c` is the first operand that is true, else the last; `and` the first that is false. */
function chosen(isOr: boolean, operands: readonly Expression[]): Value {
  let value: Value = null;
  for (const operand of operands) {
    value = valueOf(operand);
    if (truthy(value) === isOr) return value;
  }
  return value;
}

function compared(operators: readonly string[], operands: readonly Expression[]): boolean {
  const [first, ...rest] = operands;
  let left = first === undefined ? null : valueOf(first);
  for (const [i, operand] of rest.entries()) {
    const right = valueOf(operand);
    if (!compare(operators[i] ?? '', left, right)) return false;
    left = right;
  }
  return true;
}

/** An index, or the bounds of a slice. */
function indexOf(index: Expression): Value | { readonly bounds: readonly (Value | undefined)[] } {
  if (index.kind !== 'slice') return valueOf(index);
  return { bounds: index.bounds.map((bound) => (bound === undefined ? undefined : valueOf(bound))) };
}

function called({ callee, positional, keywords }: Extract<Expression, { kind: 'call' }>): Value {
  const named = new Map<string, Value>();
  for (const { name, value } of keywords) {
    const given: readonly (readonly [Value, Value])[] =
      name === undefined ? entriesOf(valueOf(value)) : [[name, valueOf(value)]];
    for (const [key, item] of given) {
      if (typeof key !== 'string' || named.has(key)) throw new ValueError('a name is no text, or repeated');
      named.set(key, item);
    }
  }
  const given: Named = named;
  if (callee.kind === 'name') return callFunction(callee.name, itemsOf(positional), given);
  if (callee.kind === 'attribute')
    return callMethod(valueOf(callee.object), callee.name, itemsOf(positional), given);
  throw new ValueError('it cannot be called');
}
