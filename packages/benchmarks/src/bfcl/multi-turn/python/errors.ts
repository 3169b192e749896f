/** Python's exceptions, whose texts a model gets to read. */
import { typeName, type Value } from './value.ts';

export type ErrorKind =
  | 'ArithmeticError'
  | 'AttributeError'
  | 'Exception'
  | 'IndexError'
  | 'KeyError'
  | 'MemoryError'
  | 'NameError'
  | 'OverflowError'
  | 'RecursionError'
  | 'SyntaxError'
  | 'TypeError'
  | 'ValueError';

/** An exception of a simulated call; its message is `str(e)`. */
export class Raised extends Error {
  readonly kind: ErrorKind;

  constructor(kind: ErrorKind, text: string) {
    super(text);
    this.name = 'Raised';
    this.kind = kind;
  }
}

export function typeError(text: string): Raised {
  return new Raised('TypeError', text);
}

export function valueError(text: string): Raised {
  return new Raised('ValueError', text);
}

/** The exception of `value.attribute` on a value without it. */
export function noAttribute(value: Value, attribute: string): Raised {
  return new Raised('AttributeError', `'${typeName(value)}' object has no attribute '${attribute}'`);
}

/** Returns what `run` does, or `instead` where it raises an exception of that kind. */
export function unless<T>(kind: ErrorKind, run: () => T, instead: (raised: Raised) => T): T {
  try {
    return run();
  } catch (thrown) {
    if (thrown instanceof Raised && thrown.kind === kind) return instead(thrown);
    throw thrown;
  }
}
