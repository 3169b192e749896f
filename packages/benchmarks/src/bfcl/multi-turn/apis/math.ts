/** MathAPI: arithmetic, statistics and units. It has no state. */
import { compare, iterate } from '../python/compare.ts';
import { Raised, typeError, unless } from '../python/errors.ts';
import { absolute, add, divide, multiply, power, round, subtract } from '../python/numbers.ts';
import { asInt, dict, equal, isNumeric, truthy, type Value } from '../python/value.ts';
import { defineApi } from './api.ts';
import { logarithm } from './math-logarithm.ts';
import { squareRoot } from './math-square-root.ts';
import { imperialSiConversion, siUnitConversion } from './math-units.ts';
import { method } from './method.ts';

const NO_NUMBERS = 'All elements in the list must be numbers';
const TWO_NUMBERS = 'Both inputs must be numbers';

function failed(error: string): Value {
  return dict({ error });
}

/** A result, or an error text where Python raises a TypeError. */
function result(run: () => Value, onTypeError: string): Value {
  return unless(
    'TypeError',
    () => dict({ result: run() }),
    () => failed(onTypeError),
  );
}

type Binary = (_math: null, a: Value, b: Value) => Value;
type OfList = (_math: null, numbers: Value) => Value;

function binary(run: (a: Value, b: Value) => Value): Binary {
  return (_math, a, b) => result(() => run(a, b), TWO_NUMBERS);
}

/** A function of a list that may not be empty; `whose` names it in the text. */
function ofList(whose: string, run: (numbers: readonly Value[]) => Value): OfList {
  return (_math, numbers) =>
    truthy(numbers)
      ? result(() => run(iterate(numbers)), NO_NUMBERS)
      : failed(`Cannot ${whose} of an empty list`);
}

/** Naive, from left to right, as Python before 3.12. */
function sum(numbers: readonly Value[]): Value {
  let total: Value = 0n;
  for (const number of numbers) total = add(total, number);
  return total;
}

function mean(numbers: readonly Value[]): number {
  return divide(sum(numbers), BigInt(numbers.length));
}

/** Of the population, not of a sample. */
function standardDeviation(numbers: readonly Value[]): number {
  const middle = mean(numbers);
  const squares = numbers.map((number): Value => {
    const distance = Number(subtract(number, middle));
    const square = distance * distance;
    if (Number.isFinite(distance) && !Number.isFinite(square))
      throw new Raised('OverflowError', "(34, 'Numerical result out of range')");
    return square;
  });
  return Math.sqrt(mean(squares));
}

/** The first item that no other precedes. */
function extreme(numbers: readonly Value[], operator: '<' | '>'): Value {
  const [first = null, ...others] = numbers;
  return others.reduce((best: Value, number) => (compare(number, operator, best) ? number : best), first);
}

/** Checks, as `multiply` does and `add` does not, that both are numbers. */
function product(a: Value, b: Value): Value {
  if (!isNumeric(asInt(a)) || !isNumeric(asInt(b))) throw typeError('');
  return multiply(a, b);
}

function quotient(_math: null, a: Value, b: Value): Value {
  if (equal(b, 0n)) return failed('Cannot divide by zero');
  return result(() => divide(a, b), TWO_NUMBERS);
}

function percentage(_math: null, part: Value, whole: Value): Value {
  if (equal(whole, 0n)) return failed('Whole value cannot be zero');
  return result(() => multiply(divide(part, whole), 100n), TWO_NUMBERS);
}

function absoluteValue(_math: null, number: Value): Value {
  return result(() => absolute(number), 'Input must be a number');
}

function roundNumber(_math: null, number: Value, places: Value): Value {
  const wrong = 'First input must be a number, second input must be an integer';
  return result(() => round(number, places), wrong);
}

export const mathApi = defineApi<null>({
  className: 'MathAPI',
  load: () => null,
  differences: () => [],
  methods: {
    add: method(['a', 'b'], binary(add)),
    subtract: method(['a', 'b'], binary(subtract)),
    multiply: method(['a', 'b'], binary(product)),
    divide: method(['a', 'b'], quotient),
    power: method(['base', 'exponent'], binary(power)),
    mean: method(['numbers'], ofList('calculate mean', mean)),
    standard_deviation: method(['numbers'], ofList('calculate standard deviation', standardDeviation)),
    sum_values: method(['numbers'], ofList('calculate sum', sum)),
    min_value: method(
      ['numbers'],
      ofList('find minimum', (numbers) => extreme(numbers, '<')),
    ),
    max_value: method(
      ['numbers'],
      ofList('find maximum', (numbers) => extreme(numbers, '>')),
    ),
    absolute_value: method(['number'], absoluteValue),
    round_number: method(['number', ['decimal_places', 0n]], roundNumber),
    percentage: method(['part', 'whole'], percentage),
    si_unit_conversion: method(['value', 'unit_in', 'unit_out'], siUnitConversion),
    imperial_si_conversion: method(['value', 'unit_in', 'unit_out'], imperialSiConversion),
    logarithm: method(['value', 'base', 'precision'], logarithm),
    square_root: method(['number', 'precision'], squareRoot),
  },
});
