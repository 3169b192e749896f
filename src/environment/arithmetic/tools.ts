/**
 * MENTOR's twelve arithmetic functions, by their names there (arXiv 2510.18383). Rounding and remainders are Python's:
 * half to even, and the sign of the divisor.
 */
import { UserError } from '../../base/errors.ts';
import type { JsonObject } from '../../json/value.ts';
import type { EnvironmentTool } from '../environment.ts';

const NUMBER = { type: 'number' } as const;

function numberOf(given: JsonObject, name: string): number {
  return given[name] as number;
}

/** A result that is a number; anything else is the model's fault and told to it. */
function finite(value: number, why: string): number {
  if (!Number.isFinite(value)) throw new UserError('ARITHMETIC', why);
  // There is no negative zero in a word problem.
  return value === 0 ? 0 : value;
}

const TOO_LARGE = 'the result is too large';

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

function tool(
  name: string,
  description: string,
  properties: Record<string, JsonObject>,
  run: (given: JsonObject) => number,
): EnvironmentTool<unknown> {
  const parameters = { type: 'object', properties, required: Object.keys(properties) };
  return { name, description, parameters, run };
}

function ofOne(name: string, description: string, run: (x: number) => number): EnvironmentTool<unknown> {
  return tool(name, description, { x: NUMBER }, (given) => run(numberOf(given, 'x')));
}

function ofTwo(
  name: string,
  description: string,
  run: (a: number, b: number) => number,
): EnvironmentTool<unknown> {
  return tool(name, description, { a: NUMBER, b: NUMBER }, (given) =>
    run(numberOf(given, 'a'), numberOf(given, 'b')),
  );
}

function divisor(b: number): number {
  if (b === 0) throw new UserError('ARITHMETIC', 'division by zero');
  return b;
}

export const ARITHMETIC_TOOLS: readonly EnvironmentTool<unknown>[] = [
  ofTwo('add', 'a + b', (a, b) => finite(a + b, TOO_LARGE)),
  ofTwo('subtract', 'a - b', (a, b) => finite(a - b, TOO_LARGE)),
  ofTwo('multiply', 'a * b', (a, b) => finite(a * b, TOO_LARGE)),
  ofTwo('divide', 'a / b', (a, b) => finite(a / divisor(b), TOO_LARGE)),
  tool('sum_numbers', 'sum of a list', { numbers: { type: 'array', items: NUMBER } }, (given) =>
    finite(
      (given['numbers'] as readonly number[]).reduce((sum, x) => sum + x, 0),
      TOO_LARGE,
    ),
  ),
  ofOne('floor', 'x rounded down', (x) => finite(Math.floor(x), TOO_LARGE)),
  ofOne('ceil', 'x rounded up', (x) => finite(Math.ceil(x), TOO_LARGE)),
  tool(
    'round_number',
    'x rounded to decimals',
    { x: NUMBER, digits: { type: 'integer', minimum: -10, maximum: 10 } },
    (given) => finite(pythonRound(numberOf(given, 'x'), numberOf(given, 'digits')), TOO_LARGE),
  ),
  ofTwo('power', 'a to the power of b', (a, b) => finite(a ** b, 'the power is too large or no real number')),
  ofOne('sqrt', 'square root', (x) => finite(Math.sqrt(x), 'there is no real root of a negative number')),
  ofOne('abs_value', 'x without its sign', (x) => finite(Math.abs(x), TOO_LARGE)),
  ofTwo('modulo', 'remainder of a / b', (a, b) => {
    const rest = a % divisor(b);
    return finite(rest !== 0 && rest < 0 !== b < 0 ? rest + b : rest, TOO_LARGE);
  }),
];
