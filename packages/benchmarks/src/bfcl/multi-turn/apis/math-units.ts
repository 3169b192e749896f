/** MathAPI's conversions of units. */
import { unless } from '../python/errors.ts';
import { add, divide, multiply, subtract } from '../python/numbers.ts';
import { str } from '../python/print.ts';
import { asInt, dict, equal, isNumeric, type Value } from '../python/value.ts';

const METRES: ReadonlyMap<Value, bigint | number> = new Map<Value, bigint | number>([
  ['km', 1000n],
  ['m', 1n],
  ['cm', 0.01],
  ['mm', 0.001],
  ['um', 1e-6],
  ['nm', 1e-9],
]);

type Conversion = (value: Value) => Value;
const times =
  (factor: number): Conversion =>
  (value) =>
    multiply(value, factor);

const IMPERIAL: ReadonlyMap<string, Conversion> = new Map([
  ['cm>in', times(0.393701)],
  ['in>cm', times(2.54)],
  ['m>ft', times(3.28084)],
  ['ft>m', times(0.3048)],
  ['m>yd', times(1.09361)],
  ['yd>m', times(0.9144)],
  ['km>miles', times(0.621371)],
  ['miles>km', times(1.60934)],
  ['kg>lb', times(2.20462)],
  ['lb>kg', times(0.453592)],
  ['celsius>fahrenheit', (value) => add(multiply(value, 1.8), 32n)],
  ['fahrenheit>celsius', (value) => multiply(subtract(value, 32n), 5 / 9)],
]);

const NO_NUMBER = 'Value must be a number';
const TOO_LARGE = 'Conversion resulted in a value too large to represent';

function failed(error: string): Value {
  return dict({ error });
}

function unsupported(from: Value, to: Value): Value {
  return failed(`Conversion from '${str(from)}' to '${str(to)}' is not supported`);
}

/** The converted value, or the text for an int that is too large for a float. */
function converted(run: () => Value): Value {
  return unless(
    'OverflowError',
    () => dict({ result: run() }),
    () => failed(TOO_LARGE),
  );
}

export function siUnitConversion(_math: null, value: Value, from: Value, to: Value): Value {
  if (!isNumeric(asInt(value))) return failed(NO_NUMBER);
  const [into, outOf] = [METRES.get(from), METRES.get(to)];
  if (into === undefined || outOf === undefined) return unsupported(from, to);
  return converted(() => multiply(multiply(value, into), divide(1n, outOf)));
}

export function imperialSiConversion(_math: null, value: Value, from: Value, to: Value): Value {
  if (!isNumeric(asInt(value))) return failed(NO_NUMBER);
  if (equal(from, to)) return dict({ result: value });
  const convert = IMPERIAL.get(`${str(from)}>${str(to)}`);
  return convert === undefined ? unsupported(from, to) : converted(() => convert(value));
}
