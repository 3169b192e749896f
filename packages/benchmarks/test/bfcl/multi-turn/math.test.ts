/** MathAPI, with numbers that CPython 3.11 and mpmath 1.3 gave. */
import { describe, expect, it } from 'vitest';
import { errorText, instanceOf, raised } from './made.ts';

const run = instanceOf('MathAPI');
const answer = (call: string): string => run(call)[0] ?? '';
const result = (call: string): string => /^\{["']result["']: (.*)\}$/.exec(answer(call))?.[1] ?? answer(call);

describe('arithmetic', () => {
  it('keeps ints exact and apart from floats', () => {
    expect(result('add(1,2)')).toBe('3');
    expect(result('add(1,2.0)')).toBe('3.0');
    expect(result('multiply(12345678901234567890,10)')).toBe('123456789012345678900');
    expect(result('divide(6,2)')).toBe('3.0');
    expect(result('power(2,100)')).toBe('1267650600228229401496703205376');
    expect(result('power(2,-2)')).toBe('0.25');
    expect(result('add(True,1)')).toBe('2');
  });

  it('works on texts and lists where Python does', () => {
    expect(result("add('a','b')")).toBe('"ab"');
    expect(result('add([1],[2])')).toBe('[1, 2]');
    expect(answer("add('a',1)")).toBe(errorText('Both inputs must be numbers'));
    expect(answer("multiply('a',2)")).toBe(errorText('Both inputs must be numbers'));
  });

  it('raises what is no type error', () => {
    expect(answer('divide(1,0)')).toBe(errorText('Cannot divide by zero'));
    expect(answer('power(0,-1)')).toBe(raised('0.0 cannot be raised to a negative power'));
    expect(answer('power(10.0,400)')).toBe(raised("(34, 'Numerical result out of range')"));
    expect(answer('power(10,5000)')).toMatch(/Exceeds the limit \(4300 digits\)/);
    expect(answer('power(10,10**9)')).toBe(raised('invalid syntax (<string>, line 1)'));
    expect(answer(`power(7,${10 ** 15})`)).toMatch(/Exceeds the limit/);
  });

  it('takes roots of negative numbers for complex ones', () => {
    expect(answer('power(-8,0.3333333333333333)')).toBe(
      "{'result': (1.0000000000000002+1.7320508075688772j)}",
    );
  });

  it('rounds the exact binary value, ties to even', () => {
    expect(result('round_number(2.675,2)')).toBe('2.67');
    expect(result('round_number(2.5)')).toBe('2.0');
    expect(result('round_number(3.7)')).toBe('4.0');
    expect(result('round_number(1234.5,-2)')).toBe('1200.0');
    expect(result('round_number(25,-1)')).toBe('20');
    expect(result('round_number(2.5,None)')).toBe('2');
    expect(answer('round_number(2.5,1.0)')).toBe(
      errorText('First input must be a number, second input must be an integer'),
    );
    expect(result('percentage(1,3)')).toBe('33.33333333333333');
  });
});

describe('statistics', () => {
  it('adds from left to right', () => {
    expect(result(`sum_values([${Array.from({ length: 10 }, () => '0.1').join(',')}])`)).toBe(
      '0.9999999999999999',
    );
    expect(result('mean([0.1,0.2,0.3])')).toBe('0.20000000000000004');
    expect(result('standard_deviation([1,2,3,4])')).toBe('1.118033988749895');
  });

  it('keeps the first of equal extremes', () => {
    expect(result('max_value([1,1.0])')).toBe('1');
    expect(result("min_value('ba')")).toBe('"a"');
  });

  it('says what is wrong with a list', () => {
    expect(answer('mean([])')).toBe(errorText('Cannot calculate mean of an empty list'));
    expect(answer('min_value(0)')).toBe(errorText('Cannot find minimum of an empty list'));
    expect(answer("mean(['a'])")).toBe(errorText('All elements in the list must be numbers'));
    expect(answer('sum_values(5)')).toBe(errorText('All elements in the list must be numbers'));
  });
});

describe('units', () => {
  it('go through reciprocals in floating point', () => {
    expect(result("si_unit_conversion(5,'km','nm')")).toBe('4999999999999.999');
    expect(result("si_unit_conversion(1,'m','cm')")).toBe('100.0');
    expect(answer("si_unit_conversion('1','m','cm')")).toBe(errorText('Value must be a number'));
    expect(answer("si_unit_conversion(1,'m','ft')")).toBe(
      errorText("Conversion from 'm' to 'ft' is not supported"),
    );
  });

  it('stay as they are where they are the same', () => {
    expect(result("imperial_si_conversion(5,'cup','cup')")).toBe('5');
    expect(result("imperial_si_conversion(100,'celsius','fahrenheit')")).toBe('212.0');
    expect(result("imperial_si_conversion(50,'fahrenheit','celsius')")).toBe('10.0');
    expect(answer(`imperial_si_conversion(1${'0'.repeat(400)},'cm','in')`)).toBe(
      errorText('Conversion resulted in a value too large to represent'),
    );
  });
});

describe('logarithms', () => {
  it('have as many digits as mpmath would print', () => {
    const cases: Readonly<Record<string, string>> = {
      '36.0,6.0,4': '2.0',
      '20,10,2': '1.3027',
      '630.0,10,5': '2.7993393',
      '980.0,20,10': '2.299121531134',
      '3287.0,6.0,4': '4.51947',
      '7,3,1': '1.781',
      '7,3,14': '1.7712437491614228',
      '7,3,15': '1.7712437491614221',
      '8,2,10': '3.000000000029',
      '1000,10,15': '2.9999999999999996',
      '2,10,20': '0.30102999566398119521336',
      '1.0000001,10,2': '4.3481e-8',
    };
    for (const [given, digits] of Object.entries(cases))
      expect(answer(`logarithm(${given})`), given).toBe(`{'result': mpf('${digits}')}`);
  });

  it('of negative numbers are complex, of nothing infinite', () => {
    expect(answer('logarithm(-5,10,5)')).toBe("{'result': mpc(real='0.69896984', imag='1.3643761')}");
    expect(answer('logarithm(0,10,5)')).toBe("{'result': mpf('-inf')}");
    expect(answer('logarithm(5,1,5)')).toBe(errorText(''));
    expect(answer("logarithm('x',10,5)")).toBe(errorText("cannot create mpf from 'x'"));
    expect(answer('logarithm(5,10,None)')).toBe(
      errorText("int() argument must be a string, a bytes-like object or a real number, not 'NoneType'"),
    );
  });
});

describe('square roots', () => {
  it('are rounded to significant digits, and exact ones shortened', () => {
    const cases: Readonly<Record<string, string>> = {
      '2,5': '1.4142',
      '0.1,30': '0.316227766016837941976973025885',
      '123456789,3': '1.11E+4',
      '250000,3': '500',
      '0,5': '0',
      '16,4': '4',
      '2.25,9': '1.5',
      '100,1': '1E+1',
      '10000,2': '1.0E+2',
      '1e-10,5': '0.000010000',
      '1000000000000000000000000000000,5': '1.0000E+15',
    };
    for (const [given, digits] of Object.entries(cases))
      expect(answer(`square_root(${given})`), given).toBe(`{'result': Decimal('${digits}')}`);
  });

  it('of negative numbers and to no digits are none', () => {
    expect(answer('square_root(-1,5)')).toBe(errorText('Cannot calculate square root of a negative number'));
    expect(answer('square_root(4,0)')).toBe(raised('valid range for prec is [1, MAX_PREC]'));
    expect(answer("square_root('4',2)")).toBe(
      errorText('Input must be a number or computation resulted in an invalid operation'),
    );
  });
});
