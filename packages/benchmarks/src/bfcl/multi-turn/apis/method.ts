/** Methods of the simulated APIs: their parameters, and how Python binds a call's arguments to them. */
import { typeError } from '../python/errors.ts';
import type { Value } from '../python/value.ts';

/** A parameter's name, with its default (never a list, which calls could change) where it has one. */
export type Parameter = string | readonly [name: string, byDefault: Value];

export interface Method<State> {
  readonly parameters: readonly Parameter[];
  /** Runs on one instance with a value for every parameter; throws a Raised. */
  readonly run: (state: State, ...values: Value[]) => Value;
}

export type Methods<State> = Readonly<Record<string, Method<State>>>;

/** The arguments of one call, as written. */
export interface Arguments {
  readonly positional: readonly Value[];
  readonly named: ReadonlyMap<string, Value>;
}

/** A method; `run` takes the state and then one value for each parameter. */
export function method<State, const Parameters extends readonly Parameter[]>(
  parameters: Parameters,
  run: (state: State, ...values: { [I in keyof Parameters]: Value }) => Value,
): Method<State> {
  return { parameters, run: run as Method<State>['run'] };
}

function nameOf(parameter: Parameter): string {
  return typeof parameter === 'string' ? parameter : parameter[0];
}

/** The values of a method's parameters; `qualified` is the name by which TypeErrors call the method. */
export function bind(qualified: string, parameters: readonly Parameter[], given: Arguments): Value[] {
  const names = parameters.map(nameOf);
  const { positional, named } = given;
  for (const key of named.keys()) {
    const place = names.indexOf(key);
    if (place < 0) throw typeError(`${qualified}() got an unexpected keyword argument '${key}'`);
    if (place < positional.length)
      throw typeError(`${qualified}() got multiple values for argument '${key}'`);
  }
  if (positional.length > names.length) throw tooMany(qualified, parameters, positional.length);
  const missing: string[] = [];
  const values = parameters.map((parameter, i): Value => {
    const value = positional[i] ?? named.get(nameOf(parameter));
    if (value !== undefined) return value;
    if (i < positional.length) return null;
    if (typeof parameter !== 'string') return parameter[1];
    missing.push(`'${parameter}'`);
    return null;
  });
  if (missing.length > 0) throw tooFew(qualified, missing);
  return values;
}

function tooMany(qualified: string, parameters: readonly Parameter[], given: number): Error {
  // Python counts the instance too.
  const most = parameters.length + 1;
  const least = parameters.filter((parameter) => typeof parameter === 'string').length + 1;
  const takes = least < most ? `from ${least} to ${most}` : String(most);
  const noun = most === 1 ? 'argument' : 'arguments';
  return typeError(`${qualified}() takes ${takes} positional ${noun} but ${given + 1} were given`);
}

function tooFew(qualified: string, missing: readonly string[]): Error {
  const last = missing.at(-1) ?? '';
  const list = missing.length > 2 ? `${missing.slice(0, -1).join(', ')}, and ${last}` : missing.join(' and ');
  const noun = missing.length === 1 ? 'argument' : 'arguments';
  return typeError(`${qualified}() missing ${missing.length} required positional ${noun}: ${list}`);
}
