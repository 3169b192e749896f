/**
 * MENTOR's twelve arithmetic functions, by their names there (arXiv 2510.18383). Rounding and remainders are Python's:
 * half to even, and the sign of the divisor.
 */
import { UserError } from '../../../../src/base/errors.ts';
import type { JsonObject } from '../../../../src/json/value.ts';
import { type EnvironmentTool, toolWith } from '../environment.ts';

/** The integer closest to `x`, the even one of two. */
function roundHalfEven(x: number): number {
  const below = Math.floor(x);
  if (x - below !== 0.5) return Math.round(x);
  return below % 2 === 0 ? below : below + 1;
}

/** Python's round(x, digits): by the exact value of the double, half to even. */
export function pythonRound(x: number, digits: number): number {
  if (digits === 0) return roundHalfEven(x);
  if (digits < 0) return roundHalfEven(x / 10 ** -digits) * 10 ** -digits;
  const scaled = x * 10 ** digits;
  // Only a double with few binary digits can lie exactly between two decimals; toFixed rounds those up.
  const tie = Number.isInteger(x * 2 ** (digits + 1)) && Math.abs(scaled % 1) === 0.5;
  return tie ? roundHalfEven(scaled) / 10 ** digits : Number(x.toFixed(digits));
}

/** Arguments of all functions; the schemas say which of them a function has. */
interface Given {
  readonly a: number;
  readonly b: number;
  readonly x: number;
  readonly digits: number;
  readonly numbers: readonly number[];
}

const fault = (text: string): UserError => new UserError('ARITHMETIC', text);

/** A function; a result that is no number is the model's fault, and it is told `why`. */
function tool(
  name: string,
  description: string,
  properties: JsonObject,
  run: (given: Given) => number,
  why = 'the result is too large',
): EnvironmentTool<unknown> {
  return {
    ...toolWith(name, description, properties),
    run(given) {
      const value = run(given as unknown as Given);
      if (!Number.isFinite(value)) throw fault(why);
      // There is no negative zero in a word problem.
      return value === 0 ? 0 : value;
    },
  };
}

const NUMBER = { type: 'number' };
const ONE = { x: NUMBER };
const TWO = { a: NUMBER, b: NUMBER };

function divisor(b: number): number {
  if (b === 0) throw fault('division by zero');
  return b;
}

export const ARITHMETIC_TOOLS: readonly EnvironmentTool<unknown>[] = [
  tool('add', 'a + b', TWO, ({ a, b }) => a + b),
  tool('subtract', 'a - b', TWO, ({ a, b }) => a - b),
  tool('multiply', 'a * b', TWO, ({ a, b }) => a * b),
  tool('divide', 'a / b', TWO, ({ a, b }) => a / divisor(b)),
  tool('sum_numbers', 'sum of a list', { numbers: { type: 'array', items: NUMBER } }, ({ numbers }) =>
    numbers.reduce((sum, x) => sum + x, 0),
  ),
  tool('floor', 'x rounded down', ONE, ({ x }) => Math.floor(x)),
  tool('ceil', 'x rounded up', ONE, ({ x }) => Math.ceil(x)),
  tool(
    'round_number',
    'x rounded to decimals',
    { x: NUMBER, digits: { type: 'integer', minimum: -10, maximum: 10 } },
    ({ x, digits }) => pythonRound(x, digits),
  ),
  tool('power', 'a to the power of b', TWO, ({ a, b }) => a ** b, 'the power is too large or no real number'),
  tool('sqrt', 'square root', ONE, ({ x }) => Math.sqrt(x), 'there is no real root of a negative number'),
  tool('abs_value', 'x without its sign', ONE, ({ x }) => Math.abs(x)),
  tool('modulo', 'remainder of a / b', TWO, ({ a, b }) => {
    const rest = a % divisor(b);
    return rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest;
  }),
];
